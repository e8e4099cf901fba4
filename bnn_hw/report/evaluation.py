"""How well a frozen network classifies: golden on the parts of a split of real records.

The integer network is measured, not its float twin. What comes out is what the model card shows
and what the frozen file keeps in its provenance, which is no part of its digest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.splits import Split, inter_patient_split, paper_split, random_split
from bnn_hw.errors import UserError
from bnn_hw.golden.packed import PackedNetwork
from bnn_hw.ir.network import Network
from bnn_hw.metrics import confidence_interval, score
from bnn_hw.verify.inputs import prepare_fragments

Protocol = Literal["random", "paper", "inter-patient"]


def evaluate(
    network: Network,
    fragments: FragmentSet,
    protocol: Protocol,
    split_seed: int,
    shares: tuple[float, float] = (0.2, 0.1),
) -> dict[str, Any]:
    """Metrics of ``network`` on the validation and the test part, as plain JSON values.

    Parameters
    ----------
    shares
        Test and validation share of the random protocol.

    Raises
    ------
    UserError
        When the labels of the network and of the set differ.
    """
    if network.labels != tuple(fragments.class_names):
        raise UserError(
            f"network {network.name} has labels {', '.join(network.labels)}; set {fragments.name} has "
            f"{', '.join(fragments.class_names)}"
        )
    split = split_rows(fragments, protocol, split_seed, shares)
    samples = prepare_fragments(fragments.samples, network.input)
    classes = PackedNetwork(network).run(samples).classes
    parts: dict[str, Any] = {}
    for name, rows in (("validation", split.validation), ("test", split.test)):
        if len(rows):
            scores = score(fragments.labels[rows], classes[rows], network.labels)
            interval = confidence_interval(scores.correct, scores.fragments)
            parts[name] = {**scores.to_dict(), "interval_95": list(interval)}
    return {"set": fragments.name, "protocol": protocol, "split_seed": split_seed, **parts}


def split_rows(
    fragments: FragmentSet,
    protocol: Protocol,
    seed: int,
    shares: tuple[float, float] = (0.2, 0.1),
) -> Split:
    """The split of ``protocol``; ``shares`` (test, validation) are those of the random one."""
    match protocol:
        case "random":
            return random_split(fragments, seed, *shares)
        case "paper":
            return paper_split(fragments, seed)
        case "inter-patient":
            return inter_patient_split(fragments, seed)


def with_metrics(network: Network, metrics: dict[str, Any]) -> Network:
    """``network`` with ``metrics`` in its provenance; the digest stays."""
    return replace(network, provenance={**network.provenance, "metrics": metrics})


def majority_share(metrics: dict[str, Any]) -> float:
    """Accuracy of always answering the most frequent class of the test part."""
    rows = np.array(metrics["test"]["confusion"])
    return float(rows.sum(axis=1).max() / rows.sum())
