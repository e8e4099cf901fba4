from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb

from bnn_hw.description import Description
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError
from bnn_hw.training.checkpoints import load_npz
from bnn_hw.training.network import build_from_checkpoint
from bnn_hw.training.run import main, parse_seeds, train
from bnn_hw.training.trace import predict_logits
from tests.experiments import full_experiment

ROOT = Path(__file__).parents[2]

FULL = full_experiment("ecg5")


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """An experiment of three seeds with float twin, each seed with its own split."""
    path = tmp_path / "ecg5.toml"
    path.write_text(FULL)
    return path


def files(folder: Path) -> dict[str, bytes]:
    """What a run leaves but for its logs, which tell the time."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".log"}


def write_record(folder: Path, name: str, symbols: str) -> None:
    """Write a record of noise and its annotations, a beat every 250 samples."""
    length = 30_000
    noise = np.random.default_rng(int(name)).integers(900, 1150, (length, 1))
    wfdb.wrsamp(
        name, 360, ["mV"], ["MLII"], d_signal=noise, fmt=["212"], adc_gain=[200.0],
        baseline=[1024], write_dir=str(folder),
    )  # fmt: skip
    at = np.arange(100, length, 250)
    kinds = [symbols[i % len(symbols)] for i in range(len(at))]
    wfdb.wrann(name, "atr", at, kinds, write_dir=str(folder))


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_smoke_goes_the_whole_way(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([str(ROOT / f"experiments/{name}.toml"), "--smoke", "--out", str(out)]) == 0
    metrics = json.loads((out / f"{name}.metrics.json").read_text())
    seed = metrics["seed_chosen"]
    assert metrics["smoke"] is True
    assert metrics["experiment"]["data"]["protocol"] == "random"
    description = Description.load(ROOT / f"networks/{name}.toml")
    for entry in metrics["seeds"]:
        assert set(entry["data"]) == {
            "samples_sha256", "labels_sha256", "train_rows_sha256", "validation_rows_sha256",
            "test_rows_sha256",
        }  # fmt: skip
        assert [c["label"] for c in entry["binary"]["test"]["classes"]] == list(description.labels)
        test = entry["binary"]["test"]
        assert sum(map(sum, test["confusion"])) == test["fragments"] > 0
        epochs = json.loads((out / f"{name}.seed{entry['seed']}.epochs.json").read_text())
        assert [figures["epoch"] for figures in epochs] == [1, 2, 3]
    (chosen,) = [entry for entry in metrics["seeds"] if entry["seed"] == seed]
    assert metrics["test"] == chosen["binary"]["test"]
    # The checkpoint is the network that was scored: its twin finds finite logits for every class.
    assert (out / f"{name}.npz").read_bytes() == (out / f"{name}.seed{seed}.npz").read_bytes()
    twin = build_from_checkpoint(description, load_npz(out / f"{name}.npz"))
    logits = predict_logits(twin, load_slices(name).samples)  # type: ignore[arg-type]
    assert logits.shape == (len(load_slices(name)), len(description.labels))  # type: ignore[arg-type]
    assert bool(logits.isfinite().all())


def test_every_network_of_a_seed_is_kept_and_scored(full: Path, tmp_path: Path) -> None:
    trained = train(full, None, tmp_path / "a", smoke=True, show_progress=False)
    assert [result.seed for result in trained.seeds] == [4, 9]
    assert [result.split_seed for result in trained.seeds] == [4, 9]
    rows = [result.digests["test_rows_sha256"] for result in trained.seeds]
    assert rows[0] != rows[1]
    expected = {"ecg5.npz", "ecg5.metrics.json"}
    for seed in (4, 9):
        for part in ("", ".twin"):
            stem = f"ecg5.seed{seed}{part}"
            expected |= {f"{stem}.npz", f"{stem}.epochs.json", f"{stem}.resume.pt"}
    assert set(files(tmp_path / "a")) == expected
    for result in trained.seeds:
        assert set(result.parts) == {"binary", "twin"}
        assert result.to_dict()["twin"]["test"]["fragments"] == 10
    assert trained.chosen.rank == max(result.rank for result in trained.seeds)


STRETCHED = f"""
name = "ecg5"
network = "{ROOT}/networks/ecg5.toml"
[data]
set = "ecg5"
test_share = 0.4
validation_share = 0.2
stretch_share = 0.8
ectopy_share = 0.5
[training]
seeds = [4]
epochs = 2
batch = 8
"""


def test_the_stretches_of_the_records_reach_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The shipped slices stand for the whole set; what is read of the records is stretches.
    slices = load_slices("ecg5")
    monkeypatch.setattr("bnn_hw.training.run.load_set", lambda name, records: slices)
    share = "stretch_share = 0.8\nectopy_share = 0.5\n"
    for name, text in (
        ("ectopic", STRETCHED),
        ("stretches", STRETCHED.replace("ectopy_share = 0.5\n", "")),
        ("plain", STRETCHED.replace(share, "")),
    ):
        (tmp_path / f"{name}.toml").write_text(text)
    for folder, symbols in (("normal", "N"), ("mixed", "NNNNNNNNNNNNNNV")):
        (tmp_path / folder).mkdir()
        for name in sorted(set(slices.records)):
            write_record(tmp_path / folder, name, symbols)
    made = (("plain", "mixed"), ("stretches", "mixed"), ("ectopic", "mixed"), ("ectopic", "normal"))
    arrays = []
    for config, folder in made:
        out = tmp_path / f"{config} {folder}"
        train(tmp_path / f"{config}.toml", tmp_path / folder, out, show_progress=False)
        arrays.append(load_npz(out / "ecg5.npz"))
    for one, two in itertools.combinations(arrays, 2):
        assert any(not np.array_equal(one[key], two[key]) for key in one)


def test_stretches_without_their_records_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnn_hw.training.run.load_set", lambda name, records: load_slices("ecg5"))
    (tmp_path / "stretched.toml").write_text(STRETCHED)
    with pytest.raises(UserError, match="header"):
        train(tmp_path / "stretched.toml", tmp_path, tmp_path / "out", show_progress=False)
    assert not (tmp_path / "out").exists()


def test_seeds_trained_apart_and_joined_are_those_trained_together(
    full: Path, tmp_path: Path
) -> None:
    together, apart = tmp_path / "a", tmp_path / "b"
    whole = train(full, None, together, smoke=True, show_progress=False)
    for seed in (9, 4):
        lone = train(full, None, apart, smoke=True, show_progress=False, seeds=[seed])
        assert [result.seed for result in lone.seeds] == [seed]
        assert not (apart / "ecg5.npz").exists() and not (apart / "ecg5.metrics.json").exists()
        assert (apart / f"ecg5.seed{seed}.log").exists()
    log = (apart / "ecg5.seed9.log").read_bytes()
    joined = train(full, None, apart, resume=True, smoke=True, show_progress=False)
    assert joined.to_dict() == whole.to_dict()
    assert files(together) == files(apart)
    assert (apart / "ecg5.seed9.log").read_bytes().startswith(log)


def test_seeds_side_by_side_are_those_one_after_the_other(full: Path, tmp_path: Path) -> None:
    one = train(full, None, tmp_path / "a", smoke=True, show_progress=False, jobs=1)
    two = train(full, None, tmp_path / "b", smoke=True, show_progress=False, jobs=2)
    assert two.to_dict() == one.to_dict() and two.seeds == one.seeds
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_no_jobs_are_refused(full: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^jobs 0: at least 1 seed"):
        train(full, None, tmp_path / "out", smoke=True, jobs=0)
    assert not (tmp_path / "out").exists()


def test_a_seed_that_the_experiment_lacks_is_refused(full: Path, tmp_path: Path) -> None:
    for seeds in ([5], [4, 5], []):
        with pytest.raises(UserError, match="has seeds 4, 9, 2"):
            train(full, None, tmp_path / "out", smoke=True, seeds=seeds)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "1,", "a", "1;2", "-1", "1.0", "٣", "9" * 50])
def test_a_list_of_seeds_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no list of seeds"):
        parse_seeds(text)
    assert parse_seeds("3,1") == (3, 1)


def test_resume_of_a_finished_run_gives_the_same_files(tmp_path: Path) -> None:
    config = ROOT / "experiments/ecg5.toml"
    first = train(config, None, tmp_path / "a", smoke=True, show_progress=False)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b/ecg5.npz").unlink()
    again = train(config, None, tmp_path / "b", resume=True, smoke=True, show_progress=False)
    assert again.to_dict() == first.to_dict()
    assert files(tmp_path / "a") == files(tmp_path / "b")


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
