"""Evaluation of a frozen network and its model card."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from bnn_hw.assets import models_dir
from bnn_hw.cli.models import shipped_models
from bnn_hw.ecg.fragments import load_set
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError
from bnn_hw.golden.packed import PackedNetwork
from bnn_hw.ir import load_network
from bnn_hw.report.evaluation import (
    SHARES,
    evaluate,
    majority_share,
    noted_split,
    with_metrics,
)
from bnn_hw.report.model_card import model_card
from bnn_hw.report.study_files import condense
from bnn_hw.report.study_model import Study
from bnn_hw.verify.fragments import set_of
from tests.reference import reference_network
from tests.report.studies import slices_study

SHIPPED = sorted(shipped_models())


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_figures_are_those_of_golden_and_leave_the_digest_alone(name: str) -> None:
    network = load_network(models_dir() / f"{name}.json")
    slices = load_slices(name)
    metrics = evaluate(network, slices, "random", 1, shares=(0.3, 0.2))
    json.dumps(metrics, allow_nan=False)
    tested = sum(metrics[part]["fragments"] for part in ("validation", "test"))
    classes = PackedNetwork(network).run(slices.samples).classes
    right = sum(metrics[part]["correct"] for part in ("validation", "test"))
    assert 0 < tested < len(slices)
    assert right <= int((classes == slices.labels).sum())
    assert with_metrics(network, metrics).digest() == network.digest()
    card = model_card(with_metrics(network, metrics))
    assert network.digest() in card
    assert f"{metrics['test']['correct']} of {metrics['test']['fragments']}" in card
    assert 0 < majority_share(metrics) <= 1


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_card_is_rendered_from_the_shipped_file(name: str) -> None:
    network = load_network(models_dir() / f"{name}.json")
    assert (models_dir() / f"{name}.md").read_text() == model_card(network, name)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.skipif(
    "BNN_HW_RECORDS" not in os.environ, reason="needs the whole records, not a tool"
)
def test_shipped_figures_come_out_again_from_the_records(name: str) -> None:
    network = load_network(models_dir() / f"{name}.json")
    shipped = network.provenance["metrics"]
    fragments = load_set(set_of(network.labels), Path(os.environ["BNN_HW_RECORDS"]))
    again = evaluate(network, fragments, *noted_split(network))
    kept = {key: value for key, value in shipped.items() if key != "studies"}
    assert json.loads(json.dumps(again)) == kept
    assert again["test"]["accuracy"] >= 0.9


def test_labels_must_be_those_of_the_set() -> None:
    with pytest.raises(UserError, match="has labels"):
        evaluate(reference_network(), load_slices("ecg5"), "random", 1)


def test_card_without_figures_says_what_to_run() -> None:
    network = dataclasses.replace(reference_network(), provenance={})
    with pytest.raises(UserError, match="bnn-hw evaluate"):
        model_card(network)


def test_card_names_the_file_that_ships_and_the_experiment_that_is_noted() -> None:
    network = load_network(models_dir() / "ecg5.json")
    metrics = evaluate(network, load_slices("ecg5"), "random", 3, (0.25, 0.25))
    named = with_metrics(dataclasses.replace(network, name="ecg5_small"), metrics)
    noted = {**named.provenance, "training": {"experiment": "ecg5_other", "seed": 3, "epoch": 7}}
    card = model_card(dataclasses.replace(named, provenance=noted), "ecg5-small")
    assert card.startswith("# ecg5-small\n")
    assert "`bnn-hw evaluate ecg5-small --set ecg5 " in card
    assert "EXPERIMENT=experiments/ecg5_other.toml" in card and "ecg5_small" not in card
    noted = {**noted, "training": {"experiment": "../../etc"}}
    with pytest.raises(UserError, match="experiment"):
        model_card(dataclasses.replace(named, provenance=noted))
    without = {key: value for key, value in noted.items() if key != "training"}
    card = model_card(dataclasses.replace(named, provenance=without))
    assert "EXPERIMENT=experiments/ecg5_small.toml" in card and "evaluate ecg5_small " in card


def studied(name: str, *studies: Study) -> str:
    """The card of a shipped network that keeps studies besides its figures on the slices."""
    network = load_network(models_dir() / f"{name}.json")
    metrics = evaluate(network, load_slices(name), "random", 3, (0.25, 0.25))
    metrics["studies"] = {study.protocol: condense(study).to_dict() for study in studies}
    return model_card(with_metrics(network, json.loads(json.dumps(metrics))))


def test_card_shows_three_protocols_side_by_side() -> None:
    studies = {p: slices_study(p)[0] for p in ("random", "paper", "inter-patient")}
    card = studied("ecg5", *studies.values())
    rows = [line.split(" | ") for line in card.splitlines() if " | frozen | " in line]
    titles = ["| honest random", "| paper (chosen on the test)", "| inter-patient"]
    assert [row[0] for row in rows] == titles
    for row, study in zip(rows, studies.values(), strict=True):
        summary, pooled = study.summary.binary, study.summary.binary.pooled
        assert row[2] == "2"
        assert row[3].startswith(f"**{summary.accuracy.percent()}** (")
        assert row[4].startswith(f"{pooled.correct} of {pooled.fragments}, ")
        assert row[6] == f"{summary.macro_f1.percent()} |"
    assert card.count("| float twin | ") == 3
    assert "the same patients stand on both sides" in card
    assert "what a new wearer would meet" in card
    assert "## Classes, honest random" in card and "## Classes, inter-patient" in card
    assert "It is seed 3 of experiment `ecg5_random`, picked on validation." in card
    for study in studies.values():
        assert f"bnn-hw study models/studies/{study.name} --records DIR" in card
        assert f"make train EXPERIMENT=experiments/{study.name}.toml" in card
    digest = load_network(models_dir() / "ecg5.json").digest()
    for fact in (digest, " bytes: ", "binary multiply-adds"):
        assert fact in card
    assert "smoke" not in card


def test_card_says_which_protocols_trained_on_more_than_the_fragments() -> None:
    plain, mixed = (slices_study(protocol)[0] for protocol in ("random", "inter-patient"))
    assert "More training data" not in studied("ecg5", plain, mixed)
    experiment = {"data": {"stretch_share": 0.8}}
    mixed = mixed.model_copy(update={"experiment": experiment})
    assert condense(mixed).stretch_share == 0.8 and condense(plain).stretch_share == 0.0
    card = studied("ecg5", plain, mixed)
    assert "More training data than the fragments of the set (inter-patient): in every" in card
    assert "put an ectopic beat" not in card
    experiment["data"]["ectopy_share"] = 0.4
    card = studied("ecg5", plain, mixed.model_copy(update={"experiment": experiment}))
    assert "training put an ectopic beat (inter-patient): a normal one moved" in card


def test_classes_of_the_card_are_those_of_the_pooled_confusion() -> None:
    study = slices_study()[0]
    section = studied("ecg5", study).split("## Classes, honest random")[1].split("## Again")[0]
    pooled = study.summary.binary.pooled
    assert pooled.classes is not None
    table, confusion = section.split("Confusion of the frozen networks")
    for entry, counts in zip(pooled.classes, pooled.confusion, strict=True):
        (line,) = [line for line in table.splitlines() if line.startswith(f"| {entry.label} |")]
        cells = line.strip("| ").split(" | ")
        assert len(cells) == 2 + 2 * 3 and cells[1] == str(entry.fragments)
        expected = [entry.sensitivity, entry.positive_predictivity, entry.f1]
        assert cells[2:5] == ["-" if v is None else f"{100 * v:.1f}" for v in expected]
        assert f"| **{entry.label}** | {' | '.join(map(str, counts))} |" in confusion


def test_card_without_float_networks_has_no_columns_for_them() -> None:
    card = studied("ecg5", slices_study(twins=False)[0])
    assert "twin Se" not in card and "| float twin |" not in card
    assert "| class | fragments | frozen Se | +P | F1 | \n|---|---|---|---|---|\n" in card


def test_card_of_seventeen_classes_says_why_no_patient_is_held_out() -> None:
    card = studied("ecg17", slices_study(set_name="ecg17")[0])
    assert "| inter-patient | no such split exists | - |" in card
    assert "WPW from 230" in card and "## Classes, inter-patient" not in card


def test_card_of_a_smoke_run_says_that_it_measures_nothing() -> None:
    card = studied("ecg5", slices_study(smoke=True)[0])
    assert "measures nothing" in card and "7,740" not in card


def test_a_network_of_another_study_claims_no_seed() -> None:
    study = slices_study()[0].model_copy(update={"chosen": 5})
    assert "It is seed" not in studied("ecg5", study)


def test_the_split_that_a_network_was_measured_on_is_found_again() -> None:
    network = load_network(models_dir() / "ecg5.json")
    slices = load_slices("ecg5")
    for given in (("random", 9, (0.3, 0.2)), ("inter-patient", 4, SHARES), ("paper", 2, SHARES)):
        metrics = evaluate(network, slices, *given)  # type: ignore[arg-type]
        assert noted_split(with_metrics(network, json.loads(json.dumps(metrics)))) == given
    for noted in ({}, {"split_seed": True, "protocol": "random"}, {"split_seed": 3}, None):
        other = dataclasses.replace(network, provenance={"metrics": noted})
        assert noted_split(other) == ("random", 1, SHARES)
