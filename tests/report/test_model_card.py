"""Evaluation of a frozen network and its model card."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from bnn_hw.assets import models_dir
from bnn_hw.ecg.fragments import load_set
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError
from bnn_hw.golden.packed import PackedNetwork
from bnn_hw.ir import load_network
from bnn_hw.report.evaluation import evaluate, majority_share, with_metrics
from bnn_hw.report.model_card import model_card
from tests.reference import reference_network


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


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_shipped_card_is_rendered_from_the_shipped_file(name: str) -> None:
    network = load_network(models_dir() / f"{name}.json")
    assert (models_dir() / f"{name}.md").read_text() == model_card(network)


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
@pytest.mark.skipif(
    "BNN_HW_RECORDS" not in os.environ, reason="needs the whole records, not a tool"
)
def test_shipped_figures_come_out_again_from_the_records(name: str) -> None:
    network = load_network(models_dir() / f"{name}.json")
    shipped = network.provenance["metrics"]
    fragments = load_set(name, Path(os.environ["BNN_HW_RECORDS"]))
    again = evaluate(network, fragments, shipped["protocol"], shipped["split_seed"])
    assert json.loads(json.dumps(again)) == shipped
    floor = {"ecg5": 0.93, "ecg17": 0.90}[name]
    assert again["test"]["accuracy"] >= floor


def test_labels_must_be_those_of_the_set() -> None:
    with pytest.raises(UserError, match="has labels"):
        evaluate(reference_network(), load_slices("ecg5"), "random", 1)


def test_card_without_figures_says_what_to_run() -> None:
    network = dataclasses.replace(reference_network(), provenance={})
    with pytest.raises(UserError, match="bnn-hw evaluate"):
        model_card(network)
