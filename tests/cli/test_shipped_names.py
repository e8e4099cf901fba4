"""Shipped names: the stem of a file in ``models/``, which may hold a hyphen; what uses them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bnn_hw.assets import models_dir
from bnn_hw.cli.models import find_model, shipped_models, shipped_twin
from bnn_hw.identifiers import check_identifier
from bnn_hw.ir import load_network, save_network
from tests.cli.conftest import Run
from tests.simulate.nets import small_network

ROOT = Path(__file__).parents[2]
LEVELS = ("--levels", "packed,manifest,freeze")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped networks, one with a hyphen in its name, and a folder of studies."""
    folder = tmp_path / "shipped"
    study = folder / "studies" / "little_two"
    study.mkdir(parents=True)
    save_network(small_network(), folder / "little.json")
    two = dataclasses.replace(small_network(seed=2), name="little_two")
    save_network(two, folder / "little-two.json")
    save_network(two, study / "seed1.json")
    (study / "study.json").write_text("{}")
    monkeypatch.setattr("bnn_hw.cli.models.models_dir", lambda: folder)
    return folder


def test_every_shipped_network_has_card_checkpoint_and_a_plain_name() -> None:
    shipped = shipped_models()
    assert {"ecg5", "ecg17"} <= set(shipped)
    for name, path in shipped.items():
        found = find_model(name)
        assert found.name == name == path.stem
        assert found.network.name == check_identifier(name.replace("-", "_"), "name")
        assert found.checkpoint is not None
        assert path.with_suffix(".md").is_file()
        twin = shipped_twin(found.network)
        assert twin is not None and twin.name == name
        noted = found.network.provenance.get("training", {"experiment": found.network.name})
        assert (ROOT / "experiments" / f"{noted['experiment']}.toml").is_file()
    assert {path.suffix for path in models_dir().iterdir() if path.is_file()} <= {
        ".json", ".md", ".npz",
    }  # fmt: skip


def test_help_names_the_networks_that_ship(run: Run) -> None:
    text = " ".join(run("--help").out.split())
    assert f"network that ships ({', '.join(shipped_models())})" in text


def test_name_with_a_hyphen_goes_through_every_verb(run: Run, models: Path) -> None:
    assert list(shipped_models()) == ["little-two", "little"]
    assert json.loads(run("info", "little-two", "--json").out)["name"] == "little_two"
    made = json.loads(run("generate", "little-two", "--json").out)
    assert (made["model"], made["path"]) == ("little-two", "build/little-two")
    assert Path("build/little-two/rtl/little_two_top.sv").is_file()
    assert run("verify", "little-two", *LEVELS).status == 0
    verdict = json.loads(Path("build/verify.json").read_text())
    assert (verdict["passed"], verdict["model"]) == (True, "little-two")
    assert run("report", "--from", "build/verify.json").status == 0
    assert not Path("build/little_two").exists()


def test_verify_without_model_takes_the_shipped_networks_and_no_study(
    run: Run, models: Path
) -> None:
    assert run("verify", *LEVELS).status == 0
    verdicts = json.loads(Path("build/verify.json").read_text())
    assert [(v["model"], v["passed"]) for v in verdicts] == [("little-two", True), ("little", True)]
    assert run("report", "--from", "build/verify.json").status == 0


def test_a_file_is_called_by_the_name_of_its_network(run: Run, models: Path) -> None:
    assert find_model(str(models / "little-two.json")).name == "little-two"
    copy = models / "studies/little_two/seed1.json"
    assert find_model(str(copy)).name == "little_two"
    Path("little-two.json").write_bytes(copy.read_bytes())  # a user's own file of that name
    assert find_model("./little-two.json").name == "little_two"
    twin = shipped_twin(load_network(copy))
    assert twin is not None and twin.path == models / "little-two.json"
    assert shipped_twin(small_network(seed=3)) is None
