"""``train`` from slices to model card, ``study`` of what it left, ``evaluate`` with studies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bnn_hw.ecg.fragments
from bnn_hw.assets import models_dir
from bnn_hw.cli import main
from bnn_hw.description import Description
from bnn_hw.ecg.slices import load_slices
from bnn_hw.freeze import load_checkpoint
from bnn_hw.golden import PackedNetwork
from bnn_hw.ir import load_network
from bnn_hw.report.model_card import model_card
from bnn_hw.report.study_files import load_study, save_study
from bnn_hw.training.network import build_from_checkpoint
from bnn_hw.training.trace import predict_logits
from bnn_hw.verify.inputs import prepare_fragments
from tests.cli.conftest import Run
from tests.experiments import full_experiment
from tests.report.studies import SEEDS, slices_study

Refused = Callable[..., str]
FULL = full_experiment("trial")


@pytest.fixture(scope="module")
def smoked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a smoke run leaves; nobody writes to it."""
    folder = tmp_path_factory.mktemp("smoke")
    (folder / "trial.toml").write_text(FULL)
    assert main(["train", str(folder / "trial.toml"), "--smoke", "-o", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "trial.toml").write_text(FULL)
    return tmp_path / "trial.toml"


def files(folder: Path) -> dict[str, bytes]:
    """Every file below but the logs, which tell the time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".log"
    }


def test_smoke_ends_with_study_network_and_card(smoked: Path) -> None:
    names = {path.name for path in smoked.iterdir() if "seed" not in path.name}
    assert names == {"study", "trial.json", "trial.md", "trial.npz", "trial.metrics.json"}
    assert sorted(path.name for path in (smoked / "study").iterdir()) == [
        "seed4.json", "seed9.json", "study.json",
    ]  # fmt: skip
    study = load_study(smoked / "study")
    assert study.smoke and study.name == "trial" and [e.seed for e in study.seeds] == [4, 9]
    assert study.experiment["training"]["seeds"] == [4, 9, 2]
    network = load_network(smoked / "trial.json")
    assert network.digest() == study.chosen_entry.digest
    assert network.provenance["training"] == {
        "experiment": "trial", "seed": study.chosen, "epoch": study.chosen_entry.epoch,
    }  # fmt: skip
    assert network.provenance["metrics"]["test"]["correct"] == study.chosen_entry.test.correct
    card = (smoked / "trial.md").read_text()
    assert card == model_card(network)
    assert "measures nothing" in card and "| honest random | float twin | 2 |" in card


def test_every_frozen_network_is_that_of_its_checkpoint(smoked: Path) -> None:
    slices = load_slices("ecg5")
    study = load_study(smoked / "study")
    for entry in study.seeds:
        network = load_network(smoked / f"study/seed{entry.seed}.json")
        checkpoint = load_checkpoint(smoked / f"trial.seed{entry.seed}.npz")
        assert network.provenance["checkpoint_digest"] == checkpoint.digest
        assert network.provenance["head"]["fragments"] == len(slices)  # calibrated on the set
        answers = PackedNetwork(network).run(prepare_fragments(slices.samples, network.input))
        described = Description.from_dict(network.provenance["description"])
        torch_twin = build_from_checkpoint(described, checkpoint.arrays)
        logits = predict_logits(torch_twin, slices.samples.astype(np.int64))
        assert np.array_equal(answers.classes, logits.argmax(1).numpy())
    (chosen,) = [f"trial.seed{study.chosen}.npz"]
    assert (smoked / "trial.npz").read_bytes() == (smoked / chosen).read_bytes()


def test_resume_of_a_finished_run_gives_the_same_files(
    run: Run, config: Path, smoked: Path
) -> None:
    shutil.copytree(smoked, "again")
    for name in ("trial.md", "trial.json"):
        Path("again", name).unlink()
    shutil.rmtree("again/study")
    ended = run("train", config, "--smoke", "--resume", "-o", "again")
    assert ended.status == 0, ended.err
    assert files(Path("again")) == files(smoked)
    assert "trial, random, 2 seeds: test accuracy" in ended.out and "95 % interval" in ended.out
    assert ended.out.splitlines()[-1].startswith("again: trial.md (model card)")
    assert "epoch 1/3" not in ended.err  # nothing was trained


def test_seeds_apart_then_joined(run: Run, config: Path, smoked: Path) -> None:
    for seed in (9, 4):
        ended = run("train", config, "--smoke", "--seeds", seed, "-o", "apart")
        assert ended.status == 0 and f"trial.seed{seed}.npz" in ended.out
        assert all(".seed" in path.name for path in Path("apart").iterdir())
    assert run("train", config, "--smoke", "--resume", "-o", "apart").status == 0
    assert files(Path("apart")) == files(smoked)


def test_json_is_the_study(run: Run, config: Path, smoked: Path) -> None:
    shutil.copytree(smoked, "again")
    ended = run("train", config, "--smoke", "--resume", "-o", "again", "--json")
    assert json.loads(ended.out) == json.loads((smoked / "study/study.json").read_text())
    ended = run("train", config, "--smoke", "--resume", "-o", "again", "--json", "--seeds", "4")
    (seed,) = json.loads(ended.out)
    assert seed["seed"] == 4 and set(seed) >= {"binary", "twin"}


@pytest.mark.parametrize("seeds", ["5", "a", "", "4,,9", "4;9"])
def test_seeds_that_are_none(refused: Refused, config: Path, seeds: str) -> None:
    assert "seed" in refused("train", config, "--smoke", "--seeds", seeds, "-o", "out")
    assert not Path("out").exists()


@pytest.mark.parametrize("protocol", ["paper", "inter-patient"])
def test_smoke_of_any_protocol_splits_the_slices_at_random(
    run: Run, config: Path, protocol: str
) -> None:
    text = FULL.split("[twin]")[0].replace('set = "ecg5"', f'set = "ecg5"\nprotocol = "{protocol}"')
    config.write_text(text)
    assert run("train", config, "--smoke", "-o", "out").status == 0
    study = load_study(Path("out/study"))
    assert (study.protocol, study.test_share) == ("random", 0.25)
    assert study.experiment["data"]["protocol"] == protocol
    assert study.summary.twin is None
    assert run("study", "out/study").status == 0


def test_a_foreign_study_folder_stops_before_the_network(
    run: Run, config: Path, smoked: Path
) -> None:
    shutil.copytree(smoked, "again")
    shutil.rmtree("again/study")
    Path("again/trial.json").unlink()
    Path("again/study").mkdir()
    Path("again/study/mine.txt").write_text("precious")
    ended = run("train", config, "--smoke", "--resume", "-o", "again")
    assert ended.status == 2 and "no folder of a study" in ended.err
    assert not Path("again/trial.json").exists()
    assert Path("again/study/mine.txt").read_text() == "precious"


def test_study_measures_again_and_finds_equality(run: Run, smoked: Path) -> None:
    ended = run("study", smoked / "study")
    assert ended.status == 0, ended.out
    assert ended.out.splitlines()[-1].startswith("equal: ")
    assert "float twin test %" in ended.out and "measures nothing" in ended.out
    found = json.loads(run("study", smoked / "study", "--json").out)
    assert found["equal"] is True and found["differences"] == []
    assert found["study"] == json.loads((smoked / "study/study.json").read_text())


def test_study_exits_1_with_the_difference(run: Run, smoked: Path) -> None:
    shutil.copytree(smoked / "study", "study")
    data = json.loads(Path("study/study.json").read_text())
    data["seeds"][1]["test"]["correct"] += 1
    Path("study/study.json").write_text(json.dumps(data))
    ended = run("study", "study")
    assert ended.status == 1
    kept = data["seeds"][1]["test"]["correct"]
    assert f"seeds[9].test.correct: kept {kept}, measured {kept - 1}" in ended.out
    ended = run("study", "study", "--json")
    assert ended.status == 1 and json.loads(ended.out)["equal"] is False


def test_study_refuses_in_one_line(refused: Refused, smoked: Path) -> None:
    assert "study.json cannot be read" in refused("study", "nowhere")
    shutil.copytree(smoked / "study", "study")
    Path("study/seed9.json").unlink()
    assert "seed9.json" in refused("study", "study")
    study, networks, _ = slices_study()
    save_study(study, networks, Path("real"))
    assert "--records" in refused("study", "real")


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The shipped slices in the place of the whole sets from records."""
    monkeypatch.setattr(bnn_hw.ecg.fragments, "load_set", lambda name, folder: load_slices(name))
    (tmp_path / "records").mkdir()
    return tmp_path / "records"


def test_evaluate_keeps_studies_and_renders_them(
    run: Run, refused: Refused, records: Path, smoked: Path
) -> None:
    for protocol in ("random", "inter-patient"):
        study, networks, _ = slices_study(protocol)
        save_study(study, networks, Path(protocol))
    shutil.copy(models_dir() / "ecg5.json", "net.json")
    before = load_network(Path("net.json"))
    given = ["evaluate", "net.json", "--records", records, "--write"]
    assert run(*given, "--study", "random").status == 0
    assert run(*given, "--study", "inter-patient").status == 0  # the other one stays
    network = load_network(Path("net.json"))
    assert network.digest() == before.digest()
    # The shipped network comes with studies of its own: of another protocol they stay.
    kept, noted = (each.provenance["metrics"]["studies"] for each in (before, network))
    assert set(noted) == {*kept, "random", "inter-patient"} and noted["paper"] == kept["paper"]
    assert noted["random"]["seeds"] == noted["inter-patient"]["seeds"] == list(SEEDS)
    card = Path("net.md").read_text()
    assert card == model_card(network) and "| inter-patient | frozen | 2 |" in card
    assert run(*given).status == 0
    assert Path("net.md").read_text() == card

    text = Path("net.json").read_text()
    assert "give --write" in refused("evaluate", "net.json", "--study", "random")
    assert "smoke run" in refused(*given, "--study", smoked / "study")
    line = refused(*given, "--study", "random", "--study", "random")
    assert "both of protocol random" in line
    study, networks, _ = slices_study(set_name="ecg17")
    save_study(study, networks, Path("seventeen"))
    assert "is of set ecg17" in refused(*given, "--study", "seventeen")
    assert Path("net.json").read_text() == text


def test_evaluate_takes_the_split_that_the_network_was_measured_on(run: Run, records: Path) -> None:
    shutil.copy(models_dir() / "ecg5.json", "net.json")
    noted = load_network(Path("net.json")).provenance["metrics"]
    given = ["evaluate", "net.json", "--records", records]
    assert f"split {noted['protocol']}, seed {noted['split_seed']}" in run(*given).err
    assert run(*given, "--protocol", "inter-patient", "--seed", "6", "--write").status == 0
    assert "split inter-patient, seed 6" in run(*given).err
    assert "split inter-patient, seed 2" in run(*given, "--seed", "2").err
