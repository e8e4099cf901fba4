"""Studies: what they measure, what they conclude, what they refuse to read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnn_hw.ecg.splits import inter_patient_split, paper_split, random_split
from bnn_hw.errors import UserError
from bnn_hw.golden import plain
from bnn_hw.ir import Conv, load_network, save_network
from bnn_hw.ir.storage import macs, storage
from bnn_hw.metrics import confidence_interval, score, score_confusion
from bnn_hw.report.study import build_study, counted, figures
from bnn_hw.report.study_files import (
    condense,
    differences,
    load_seeds,
    load_study,
    measure_again,
    noted_studies,
    save_study,
    unequal_counts,
)
from bnn_hw.report.study_model import Condensed, Study
from tests.report.studies import SEEDS, slices_study

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    study, networks, _ = slices_study()
    save_study(study, networks, tmp_path / "study")
    return tmp_path / "study"


def edit(folder: Path, change: Change) -> None:
    path = folder / "study.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def compare(folder: Path) -> list[str]:
    study = load_study(folder)
    return differences(study, measure_again(study, load_seeds(folder, study), slices_study()[2]))


@pytest.mark.parametrize("protocol", ["random", "paper", "inter-patient"])
def test_a_seed_is_measured_by_golden_on_its_own_split(protocol: Any) -> None:
    study, networks, fragments = slices_study(protocol)
    for entry in study.seeds:
        split = {
            "random": random_split(fragments, entry.seed, 0.25, 0.25),
            "paper": paper_split(fragments, entry.seed),
            "inter-patient": inter_patient_split(fragments, entry.seed),
        }[protocol]
        network = networks[entry.seed]
        assert entry.digest == network.digest()
        assert entry.storage_bytes == storage(network).storage_bytes
        for part, rows in (
            (entry.validation, split.test if protocol == "paper" else split.validation),
            (entry.test, split.test),
        ):
            # The plain golden model, not the packed one that the study runs.
            answers = plain.run(network, fragments.samples[rows].astype(np.int64)).classes
            scores = score(fragments.labels[rows], answers, network.labels)
            assert dict(figures(scores)).items() <= dict(part).items()
        assert entry.test.confusion == scores.confusion
    assert study.macs == macs(networks[SEEDS[0]]) and study.labels == network.labels


def test_summary_of_two_seeds_by_hand() -> None:
    study, networks, fragments = slices_study(twins=False)
    labels = study.labels
    one, two = np.zeros((2, 5, 5), np.int64)
    one[0, 0], one[1, 0], two[0, 0], two[1, 1], two[1, 0] = 1, 3, 1, 2, 1
    entries = [
        entry.model_copy(
            update={
                "test": counted(score_confusion(confusion, labels)),
                "validation": figures(score_confusion(confusion, labels)),
            }
        )
        for entry, confusion in zip(study.seeds, (one, two), strict=True)
    ]
    summary = build_study(study.header(), fragments, entries, 5, networks[5]).summary
    assert summary.twin is None
    accuracy = summary.binary.accuracy
    assert (accuracy.mean, accuracy.min, accuracy.max) == (0.5, 0.25, 0.75)
    assert accuracy.sd == math.sqrt(0.125)  # n - 1
    assert summary.binary.validation_accuracy == accuracy
    pooled = summary.binary.pooled
    assert (pooled.correct, pooled.fragments) == (4, 8)
    assert pooled.confusion[:2] == ((2, 0, 0, 0, 0), (4, 2, 0, 0, 0))
    assert pooled.interval_95 == confidence_interval(4, 8)
    tests = [set(random_split(fragments, seed, 0.25, 0.25).test.tolist()) for seed in SEEDS]
    distinct = len(tests[0] | tests[1])
    assert max(map(len, tests)) < distinct < sum(map(len, tests))
    assert pooled.distinct_fragments == distinct
    assert pooled.interval_95_distinct == confidence_interval(distinct / 2, distinct)
    assert pooled.classes is not None
    assert [entry.f1 for entry in pooled.classes] == [4 / 8, 4 / 8, None, None, None]
    assert [entry.sensitivity for entry in pooled.classes[:2]] == [1.0, 2 / 6]
    assert [entry.positive_predictivity for entry in pooled.classes[:2]] == [2 / 6, 1.0]


def test_one_seed_has_no_standard_deviation() -> None:
    study, networks, fragments = slices_study()
    lone = build_study(study.header(), fragments, study.seeds[:1], 3, networks[3])
    assert lone.summary.binary.accuracy.sd is None
    assert "sd" not in lone.to_dict()["summary"]["binary"]["accuracy"]
    assert Study.model_validate(json.loads(json.dumps(lone.to_dict()))) == lone


def test_inter_patient_tests_are_the_same_fragments() -> None:
    study, _, fragments = slices_study("inter-patient")
    pooled = study.summary.binary.pooled
    distinct = len(inter_patient_split(fragments, 1).test)
    assert (pooled.fragments, pooled.distinct_fragments) == (2 * distinct, distinct)
    narrow, honest = pooled.interval_95, pooled.interval_95_distinct
    assert honest[0] < narrow[0] and honest[1] > narrow[1]


def test_a_folder_gives_back_what_was_written(folder: Path) -> None:
    study, networks, _ = slices_study()
    assert sorted(path.name for path in folder.iterdir()) == [
        "seed3.json", "seed5.json", "study.json",
    ]  # fmt: skip
    assert load_study(folder) == study
    read = load_seeds(folder, study)
    assert {seed: network.digest() for seed, network in read.items()} == {
        seed: network.digest() for seed, network in networks.items()
    }
    assert compare(folder) == []


def test_writing_again_leaves_nothing_of_the_old(folder: Path) -> None:
    (folder / "seed77.json").write_text("{}")
    study, networks, _ = slices_study()
    save_study(study, networks, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "seed3.json", "seed5.json", "study.json",
    ]  # fmt: skip
    assert [path.name for path in folder.parent.iterdir()] == ["study"]


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    study, networks, _ = slices_study()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/work.txt").write_text("precious")
    (tmp_path / "file").write_text("in the way")
    for name in ("mine", "file"):
        with pytest.raises(UserError, match="no folder of a study"):
            save_study(study, networks, tmp_path / name)
    with pytest.raises(UserError, match="cannot be written"):
        save_study(study, networks, tmp_path / "file/below")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "mine", "work.txt"]


def _flip_weight(folder: Path) -> None:
    network = load_network(folder / "seed3.json")
    first = network.layers[0]
    assert isinstance(first, Conv)
    weights = first.weights.copy()
    weights[0, 0, 0] ^= 1
    layers = (replace(first, weights=weights), *network.layers[1:])
    save_network(replace(network, layers=layers), folder / "seed3.json")


def _swap(folder: Path) -> None:
    one, two = folder / "seed3.json", folder / "seed5.json"
    texts = one.read_text(), two.read_text()
    one.write_text(texts[1])
    two.write_text(texts[0])


def _set(*path: Any, to: Any) -> Callable[[Path], None]:
    def change(data: dict[str, Any]) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        assert place[path[-1]] != to
        place[path[-1]] = to

    return lambda folder: edit(folder, change)


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (_flip_weight, "seeds[3].digest"),
        (_swap, "seeds[5].digest"),
        (_set("seeds", 0, "test", "correct", to=1), "seeds[3].test.correct"),
        (_set("seeds", 1, "validation", "correct", to=9), "seeds[5].validation.correct"),
        (_set("seeds", 1, "test", "confusion", 0, to=[9, 0, 0, 0, 0]), "seeds[5].test.confusion[0]"),
        (_set("seeds", 0, "split_seed", to=4), "seeds[3].test"),
        (_set("seeds", 0, "twin", "test", "accuracy", to=0.5), "seeds[3].twin.test.accuracy"),
        (_set("seeds", 0, "storage_bytes", to=7), "seeds[3].storage_bytes"),
        (_set("macs", to=7), "macs"),
        (_set("summary", "binary", "accuracy", "mean", to=0.99), "summary.binary.accuracy.mean"),
        (_set("summary", "twin", "pooled", "correct", to=7), "summary.twin.pooled.correct"),
    ],
)  # fmt: skip
def test_whatever_was_changed_is_named(
    folder: Path, spoil: Callable[[Path], None], where: str
) -> None:
    spoil(folder)
    found = compare(folder)
    assert any(line.startswith(where) for line in found), found
    assert all(": kept " in line and ", measured " in line for line in found)


def _plainly(key: str, value: Any) -> Change:
    return lambda data: data.update({key: value})


def _confusion(rows: Any) -> Change:
    return lambda data: data["seeds"][1]["test"].update(confusion=rows)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_plainly("format", "other"), "'format' must be"),
        (_plainly("version", 2), "schema version 2"),
        (_plainly("extra", 1), "extra"),
        (_plainly("chosen", 77), "chosen"),
        (_plainly("chosen", True), "chosen"),
        (_plainly("seeds", []), "seeds"),
        (_plainly("labels", ["a"]), "not 1 x 1"),
        (_plainly("protocol", "ours"), "protocol"),
        (_plainly("name", "../x"), "name"),
        (_plainly("test_share", 2.0), "test_share"),
        (lambda data: data["seeds"].append(data["seeds"][0]), "seeds must differ"),
        (lambda data: data["seeds"][0].update(digest="00"), "seeds.0.digest"),
        (lambda data: data["seeds"][0]["test"].update(correct=-1), "seeds.0.test.correct"),
        (lambda data: data["seeds"][0]["test"].update(correct=1.0), "seeds.0.test.correct"),
        (lambda data: data["seeds"][0].update(teacher={}), "seeds.0.teacher: Extra inputs"),
        (_confusion([[1]]), "not 5 x 5"),
        (_confusion([[1] * 5] * 4 + [[1] * 6]), "not 5 x 5"),
        (_confusion([[-1] * 5] * 5), "confusion"),
        (_plainly("macs", float("nan")), "not JSON"),
    ],
)
def test_an_illegal_study_gets_one_line(folder: Path, change: Change, says: str) -> None:
    edit(folder, change)
    with pytest.raises(UserError) as caught:
        load_study(folder)
    assert says in str(caught.value) and "study.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[1]", '"a"'])
def test_what_is_no_study_gets_one_line(folder: Path, text: str) -> None:
    (folder / "study.json").write_text(text)
    with pytest.raises(UserError, match=r"study\.json is"):
        load_study(folder)


def test_missing_files_are_named(folder: Path) -> None:
    study = load_study(folder)
    (folder / "seed5.json").unlink()
    with pytest.raises(UserError, match=r"seed5\.json cannot be read"):
        load_seeds(folder, study)
    with pytest.raises(UserError, match=r"study\.json cannot be read"):
        load_study(folder / "absent")


def test_a_network_of_other_classes_is_named(folder: Path) -> None:
    study = load_study(folder)
    network = load_network(folder / "seed5.json")
    save_network(replace(network, labels=tuple("abcde")), folder / "seed5.json")
    with pytest.raises(UserError, match=r"seed5\.json has labels a, b"):
        load_seeds(folder, study)


def test_golden_and_torch_that_count_differently_are_told() -> None:
    entry = slices_study()[0].seeds[0]
    same = {"validation": entry.validation.correct, "test": entry.test.correct}
    assert unequal_counts(entry, same) == []
    (line,) = unequal_counts(entry, same | {"test": entry.test.correct + 1})
    assert line == f"test {entry.test.correct} (torch {entry.test.correct + 1})"


def test_a_condensed_study_is_small_and_comes_back() -> None:
    study, networks, _ = slices_study()
    plain_values = json.loads(json.dumps(condense(study).to_dict()))
    assert Condensed.model_validate(plain_values) == condense(study)
    assert plain_values["seeds"] == list(SEEDS)
    assert plain_values["chosen_digest"] == networks[3].digest()
    assert plain_values["summary"]["binary"]["pooled"]["confusion"]
    assert "classes" not in json.dumps(plain_values)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda studies: studies.update(ours=studies["random"]), "not one study a protocol"),
        (lambda studies: studies.update(paper=studies["random"]), "protocol random"),
        (lambda studies: studies["random"].update(chosen="x"), "random.chosen"),
        (lambda studies: studies["random"].update(labels=["a"]), "not 1 x 1"),
        (lambda studies: studies["random"]["summary"].pop("binary"), "binary"),
    ],
)
def test_studies_in_a_provenance_are_checked(spoil: Change, says: str) -> None:
    study, networks, _ = slices_study()
    studies: dict[str, Any] = json.loads(json.dumps({"random": condense(study).to_dict()}))
    network = replace(networks[3], provenance={"metrics": {"studies": studies}})
    assert noted_studies(network) == (condense(study),)
    spoil(studies)
    with pytest.raises(UserError) as caught:
        noted_studies(network)
    assert says in str(caught.value)


def test_a_network_without_studies_has_none() -> None:
    network = slices_study()[1][3]
    for provenance in ({}, {"metrics": None}, {"metrics": {"test": {}}}):
        assert noted_studies(replace(network, provenance=provenance)) == ()
    with pytest.raises(UserError, match="not one study a protocol"):
        noted_studies(replace(network, provenance={"metrics": {"studies": [1]}}))
