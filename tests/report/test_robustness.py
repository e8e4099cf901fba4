"""The robustness study: its counts against golden, its page and picture, the verb."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnn_hw.assets import models_dir
from bnn_hw.cli import main
from bnn_hw.ecg.disturbances import DISTURBANCES, DRAW_SEED, disturb
from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.slices import load_slices
from bnn_hw.ecg.splits import paper_split, random_split
from bnn_hw.errors import UserError
from bnn_hw.golden.packed import PackedNetwork
from bnn_hw.ir import Network, load_network, save_network
from bnn_hw.report.evaluation import evaluate, with_metrics
from bnn_hw.report.robustness import markdown, study
from bnn_hw.report.robustness_picture import picture
from tests.reference import reference_network

LEVELS = [(d, level) for d in DISTURBANCES for level in d.levels]
FILES = {"robustness.json", "robustness.md", "robustness.svg"}


@dataclasses.dataclass(frozen=True)
class Case:
    network: Network
    fragments: FragmentSet
    rows: np.ndarray[Any, np.dtype[np.int64]]
    results: dict[str, Any]


@pytest.fixture(scope="module", params=["ecg5", "ecg17"])
def case(request: pytest.FixtureRequest) -> Case:
    network = load_network(models_dir() / f"{request.param}.json")
    fragments = load_slices(request.param)
    rows = np.arange(0, len(fragments), 2, dtype=np.int64)
    return Case(network, fragments, rows, study(network, fragments, rows, seed=5))


def test_counts_are_those_of_a_direct_golden_run(case: Case) -> None:
    golden = PackedNetwork(case.network)
    samples, labels = case.fragments.samples[case.rows], case.fragments.labels[case.rows]
    clean = golden.run(samples).classes == labels
    assert case.results["clean"]["correct"] == clean.sum()
    assert len(case.results["rows"]) == len(LEVELS)
    for row, (disturbance, level) in zip(case.results["rows"], LEVELS, strict=True):
        disturbed = disturb(disturbance, level, samples, case.rows, seed=5)
        right = golden.run(disturbed).classes == labels
        assert (row["disturbance"], row["level"]) == (disturbance.name, level)
        assert row["correct"] == right.sum()
        assert row["fragments"] == len(case.rows)
        assert row["accuracy"] == right.sum() / len(case.rows)
        assert row["lost"] == (clean & ~right).sum() and row["gained"] == (right & ~clean).sum()
        change = int(right.sum()) - int(clean.sum())
        assert row["difference_points"] == 100 * change / len(case.rows)


def test_rows_that_change_nothing_cost_nothing(case: Case) -> None:
    clean = case.results["clean"]
    same = [r for r in case.results["rows"] if r["label"] in ("11 bits", "12 bits")]
    assert len(same) == 2
    for row in same:
        assert {key: row[key] for key in clean} == clean
        assert row["lost"] == row["gained"] == 0


def test_the_mark_is_the_worst_of_its_rows(case: Case) -> None:
    results = case.results
    marked = [row for row in results["rows"] if row["in_mark"]]
    assert len(marked) == sum(len(d.mark_levels) for d in DISTURBANCES)
    worst = min(row["difference_points"] for row in marked)
    assert results["mark"]["worst"]["difference_points"] == worst
    assert results["mark"]["passed"] == (worst >= -1)


def test_the_mark_allows_exactly_one_point() -> None:
    from bnn_hw.report.robustness import _mark

    def row(lost: int, gained: int = 0) -> dict[str, Any]:
        points = 100 * (gained - lost) / 200
        return {
            "disturbance": "gain", "level": 0.8, "label": "x0.8", "lost": lost, "gained": gained,
            "fragments": 200, "difference_points": points,
        }  # fmt: skip

    assert _mark([row(0), row(2)])["passed"] and _mark([row(5, 3)])["passed"]
    assert not _mark([row(3), row(0)])["passed"]


def test_plain_json_and_the_same_twice(case: Case) -> None:
    text = json.dumps(case.results, allow_nan=False)
    assert json.loads(text) == case.results
    seen: list[tuple[int, int]] = []
    again = study(
        case.network, case.fragments, case.rows, seed=5,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert again == case.results
    assert seen == [(i + 1, len(LEVELS)) for i in range(len(LEVELS))]
    other = study(case.network, case.fragments, case.rows, seed=6)
    assert other["clean"] == case.results["clean"] and other["rows"] != case.results["rows"]


def test_markdown_has_one_line_a_level(case: Case) -> None:
    text = markdown({**case.results, "protocol": "paper", "split_seed": 4})
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(LEVELS)
    for line, row in zip(table[2:], case.results["rows"], strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1] == row["label"] and cells[2] == str(row["correct"])
        assert float(cells[4]) == round(row["difference_points"], 2)
        assert cells[6] == ("+" if row["in_mark"] else "")
    assert case.network.digest()[:16] in text
    assert "paper split, seed 4" in text and "](robustness.svg)" in text
    assert ("pass" in text) == case.results["mark"]["passed"]


def test_picture_is_an_svg_and_the_same_twice(case: Case) -> None:
    svg = picture(case.results)
    assert svg.startswith(b"<?xml") and svg.rstrip().endswith(b"</svg>")
    assert svg == picture(case.results)
    clean = case.results["clean"]
    changed = {**case.results, "clean": {**clean, "accuracy": (clean["accuracy"] + 0.5) % 1}}
    assert svg != picture(changed)


def test_peak_preparation_is_limited_by_the_converter_alone() -> None:
    network = load_network(models_dir() / "ecg5.json")
    peak = dataclasses.replace(network.input, bits=8, preparation="peak", peak=127)
    prepared = dataclasses.replace(network, input=peak)
    fragments = load_slices("ecg5")
    largest = np.abs(fragments.samples.astype(np.int64)).max(axis=1)
    # Twice of them fits into the converter and not into the network's input.
    rows = np.flatnonzero((largest > 128) & (largest < 512)).astype(np.int64)
    assert len(rows) > 3
    results = study(prepared, fragments, rows)
    by_label = {(row["disturbance"], row["label"]): row for row in results["rows"]}
    # Its own scaling undoes a gain by a power of two that neither rounds nor clips.
    assert by_label["gain", "x2"]["lost"] == by_label["gain", "x2"]["gained"] == 0


def test_refusals() -> None:
    slices = load_slices("ecg5")
    with pytest.raises(UserError, match="has labels"):
        study(reference_network(), slices, np.array([0]))
    with pytest.raises(UserError, match="0 fragments"):
        study(load_network(models_dir() / "ecg5.json"), slices, np.empty(0, np.int64))


@pytest.fixture
def shipped_slices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder for work and records; the slices stand in for the sets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BNN_HW_RECORDS", raising=False)
    monkeypatch.setattr("bnn_hw.ecg.fragments.load_set", lambda name, folder: load_slices(name))
    return tmp_path


def test_verb_writes_what_study_gives(
    shipped_slices: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["robustness", "ecg17", "--records", "."]) == 0
    printed = capfd.readouterr()
    folder = shipped_slices / "build" / "robustness" / "ecg17"
    assert {path.name for path in folder.iterdir()} == FILES
    results = json.loads((folder / "robustness.json").read_text())
    network = load_network(models_dir() / "ecg17.json")
    noted = network.provenance["metrics"]
    assert (results["protocol"], results["split_seed"]) == (noted["protocol"], noted["split_seed"])
    slices = load_slices("ecg17")
    assert noted["protocol"] == "random"
    expected = study(network, slices, random_split(slices, noted["split_seed"]).test)
    assert {key: results[key] for key in expected} == json.loads(json.dumps(expected))
    assert results["draw_seed"] == DRAW_SEED
    assert (folder / "robustness.md").read_text() == markdown(results)
    for disturbance in DISTURBANCES:
        assert disturbance.name in printed.out
    assert "clean: " in printed.out and "mark (" in printed.out
    assert str(Path("build/robustness/ecg17")) in printed.err


def test_verb_takes_protocol_seed_folder_and_prints_json(
    shipped_slices: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--protocol", "paper", "--seed", "3", "-o", "there", "--json", "--records", "."]
    assert main(["robustness", "ecg5", *arguments]) == 0
    results = json.loads(capfd.readouterr().out)
    assert {path.name for path in (shipped_slices / "there").iterdir()} == FILES
    assert (results["protocol"], results["split_seed"]) == ("paper", 3)
    tested = paper_split(load_slices("ecg5"), 3).test
    assert results["clean"]["fragments"] == len(tested)


def test_verb_takes_the_shares_that_the_network_was_measured_on(
    shipped_slices: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network, slices = load_network(models_dir() / "ecg5.json"), load_slices("ecg5")
    metrics = evaluate(network, slices, "random", 4, (0.4, 0.2))
    save_network(with_metrics(network, metrics), shipped_slices / "other.json")
    given = ["robustness", "other.json", "--json", "--records", "."]
    assert main(given) == 0
    results = json.loads(capfd.readouterr().out)
    assert (results["split_seed"], results["shares"]) == (4, [0.4, 0.2])
    assert results["clean"] == {key: metrics["test"][key] for key in results["clean"]}
    assert main([*given, "--seed", "4"]) == 0  # given by hand: the usual shares
    usual = json.loads(capfd.readouterr().out)
    assert "shares" not in usual
    assert usual["clean"]["fragments"] == len(random_split(slices, 4).test)
    assert usual["clean"]["fragments"] != results["clean"]["fragments"]


def test_verb_without_noted_figures_takes_the_random_split_of_seed_1(
    shipped_slices: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network = load_network(models_dir() / "ecg5.json")
    save_network(dataclasses.replace(network, provenance={}), shipped_slices / "bare.json")
    assert main(["robustness", "bare.json", "--json", "--records", "."]) == 0
    results = json.loads(capfd.readouterr().out)
    assert (results["protocol"], results["split_seed"]) == ("random", 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.json", "--records", "."], "MODEL 'nowhere.json'"),
        (["ecg17"], "--records"),
        (["ecg17", "--records", "missing"], "missing is not a folder"),
        (["ecg17", "--protocol", "best"], "'best' is not one of"),
        (["ecg17", "--seed", "one"], "'one' is not a valid integer"),
        (["ecg17", "--records", ".", "--set", "ecg5"], "has labels"),
        (["ecg17", "--records", ".", "--protocol", "inter-patient"], "can't be split by patient"),
        (["ecg17", "--records", ".", "-o", "taken"], "cannot be written"),
    ],
)
def test_verb_refuses_in_one_line_and_leaves_nothing(
    shipped_slices: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    taken = shipped_slices / "taken"
    taken.write_text("a file")
    assert main(["robustness", *arguments]) == 2
    ended = capfd.readouterr()
    assert ended.out == ""
    lines = [line for line in ended.err.splitlines() if not line.startswith("reading ")]
    assert len(lines) == 1 and lines[0].startswith("bnn-hw: error: ") and says in lines[0]
    assert list(shipped_slices.iterdir()) == [taken] and taken.read_text() == "a file"


@pytest.mark.skipif(
    "BNN_HW_RECORDS" not in os.environ, reason="needs the whole records, not a tool"
)
def test_clean_figures_are_those_of_the_card(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["robustness", "ecg17", "-o", str(tmp_path / "out"), "--json"]) == 0
    clean = json.loads(capfd.readouterr().out)["clean"]
    noted = load_network(models_dir() / "ecg17.json").provenance["metrics"]["test"]
    assert clean == {key: noted[key] for key in clean}
