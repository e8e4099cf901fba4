from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bnn_hw.description import Description
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError
from bnn_hw.training.checkpoints import load_npz
from bnn_hw.training.network import build_from_checkpoint
from bnn_hw.training.run import main, train
from bnn_hw.training.trace import predict_logits

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_smoke_goes_the_whole_way(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([str(ROOT / f"experiments/{name}.toml"), "--smoke", "--out", str(out)]) == 0
    metrics = json.loads((out / f"{name}.metrics.json").read_text())
    seed = metrics["seed_chosen"]
    assert {path.name for path in out.iterdir()} == {
        f"{name}.npz", f"{name}.metrics.json", f"{name}.log",
        f"{name}.seed{seed}.epochs.json", f"{name}.seed{seed}.resume.pt",
    }  # fmt: skip
    assert metrics["smoke"] is True
    assert metrics["experiment"]["data"]["protocol"] == "random"
    assert set(metrics["data"]) == {
        "samples_sha256", "labels_sha256", "train_rows_sha256", "validation_rows_sha256",
        "test_rows_sha256",
    }  # fmt: skip
    description = Description.load(ROOT / f"networks/{name}.toml")
    assert [c["label"] for c in metrics["test"]["classes"]] == list(description.labels)
    assert sum(map(sum, metrics["test"]["confusion"])) == metrics["test"]["fragments"] > 0
    epochs = json.loads((out / f"{name}.seed{seed}.epochs.json").read_text())
    assert [entry["epoch"] for entry in epochs] == [1, 2, 3]
    # The checkpoint is the network that was scored: its twin finds finite logits for every class.
    twin = build_from_checkpoint(description, load_npz(out / f"{name}.npz"))
    logits = predict_logits(twin, load_slices(name).samples)  # type: ignore[arg-type]
    assert logits.shape == (len(load_slices(name)), len(description.labels))  # type: ignore[arg-type]
    assert bool(logits.isfinite().all())


def test_resume_of_a_finished_run_gives_the_same_files(tmp_path: Path) -> None:
    config = ROOT / "experiments/ecg5.toml"
    first = train(config, None, tmp_path / "a", smoke=True, show_progress=False)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b/ecg5.npz").unlink()
    again = train(config, None, tmp_path / "b", resume=True, smoke=True, show_progress=False)
    assert again.to_dict() == first.to_dict()
    names = ("ecg5.npz", "ecg5.metrics.json")
    assert [(tmp_path / "a" / n).read_bytes() for n in names] == [
        (tmp_path / "b" / n).read_bytes() for n in names
    ]


def test_errors_are_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BNN_HW_RECORDS", raising=False)
    config = str(ROOT / "experiments/ecg5.toml")
    blocked = tmp_path / "blocked"
    blocked.write_text("in the way")
    calls = {
        "--records": [config, "--out", str(tmp_path / "o1")],
        "mitdb": [config, "--out", str(tmp_path / "o2"), "--records", str(tmp_path / "mitdb")],
        "absent.toml": [str(tmp_path / "absent.toml"), "--smoke", "--out", str(tmp_path / "o3")],
        "cannot be written": [config, "--smoke", "--out", str(blocked / "sub")],
    }
    for complaint, arguments in calls.items():
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert complaint in error
        assert error.count("\n") == 1
    assert not list(tmp_path.glob("o*/*.npz"))


def test_labels_of_network_and_set_must_agree(tmp_path: Path) -> None:
    text = (ROOT / "experiments/ecg5.toml").read_text()
    path = tmp_path / "mixed.toml"
    path.write_text(text.replace("../networks/ecg5.toml", str(ROOT / "networks/ecg17.toml")))
    with pytest.raises(UserError, match="has labels NSR"):
        train(path, None, tmp_path / "out", smoke=True)


def test_smoke_is_reproducible(tmp_path: Path) -> None:
    config = ROOT / "experiments/ecg5.toml"
    for name in ("a", "b"):
        train(config, None, tmp_path / name, smoke=True, show_progress=False)
    one, two = (load_npz(tmp_path / name / "ecg5.npz") for name in ("a", "b"))
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[key], two[key]) for key in one)
