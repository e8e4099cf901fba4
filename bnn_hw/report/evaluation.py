"""How well a frozen network classifies: golden on the parts of a split of real records.

The integer network is measured, not its float twin. What comes out is what the model card shows
and what the frozen file keeps in its provenance, which is no part of its digest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.splits import Split, inter_patient_split, paper_split, random_split
from bnn_hw.errors import UserError
from bnn_hw.golden.packed import PackedNetwork
from bnn_hw.ir.network import Network
from bnn_hw.metrics import confidence_interval, score
from bnn_hw.verify.inputs import prepare_fragments

Protocol = Literal["random", "paper", "inter-patient"]
# Of all fragments: the test and the validation part of the random protocol.
SHARES = (0.2, 0.1)


def evaluate(
    network: Network,
    fragments: FragmentSet,
    protocol: Protocol,
    split_seed: int,
    shares: tuple[float, float] = SHARES,
) -> dict[str, Any]:
    """Metrics of ``network`` on the validation and the test part, as plain JSON values.

    Parameters
    ----------
    shares
        Test and validation share of the random protocol; noted where they are not the usual ones.

    Raises
    ------
    UserError
        When the labels of the network and of the set differ.
    """
    check_labels(network, fragments)
    split = split_rows(fragments, protocol, split_seed, shares)
    samples = prepare_fragments(fragments.samples, network.input)
    classes = PackedNetwork(network).run(samples).classes
    parts: dict[str, Any] = {}
    for name, rows in (("validation", split.validation), ("test", split.test)):
        if len(rows):
            scores = score(fragments.labels[rows], classes[rows], network.labels)
            interval = confidence_interval(scores.correct, scores.fragments)
            parts[name] = {**scores.to_dict(), "interval_95": list(interval)}
    return {"set": fragments.name, **split_facts(protocol, split_seed, shares), **parts}


def check_labels(network: Network, fragments: FragmentSet) -> None:
    """Raise :class:`UserError` when network and set have other classes."""
    if network.labels != tuple(fragments.class_names):
        raise UserError(
            f"network {network.name} has labels {', '.join(network.labels)}; set {fragments.name} has "
            f"{', '.join(fragments.class_names)}"
        )


def split_rows(
    fragments: FragmentSet,
    protocol: Protocol,
    seed: int,
    shares: tuple[float, float] = SHARES,
) -> Split:
    """The split of ``protocol``; ``shares`` (test, validation) are those of the random one."""
    match protocol:
        case "random":
            return random_split(fragments, seed, *shares)
        case "paper":
            return paper_split(fragments, seed)
        case "inter-patient":
            return inter_patient_split(fragments, seed)


def noted_split(network: Network) -> tuple[Protocol, int, tuple[float, float]]:
    """Protocol, split seed and shares of the figures that ``network`` keeps; else the usual ones."""
    metrics = network.provenance.get("metrics")
    noted: dict[str, Any] = metrics if isinstance(metrics, dict) else {}
    known: dict[object, Protocol] = {name: name for name in get_args(Protocol)}
    protocol, seed = known.get(str(noted.get("protocol"))), noted.get("split_seed")
    if protocol is None or type(seed) is not int:
        return "random", 1, SHARES
    shares = noted.get("shares")
    if isinstance(shares, list) and len(shares) == 2 and all(type(s) is float for s in shares):
        return protocol, seed, (shares[0], shares[1])
    return protocol, seed, SHARES


def chosen_split(
    network: Network, protocol: Protocol | None, seed: int | None
) -> tuple[Protocol, int, tuple[float, float]]:
    """The split that ``network`` was measured on, ``protocol`` and ``seed`` in its place if given.

    Given by hand, a split has the usual shares, whatever the network was trained on.
    """
    own_protocol, own_seed, own_shares = noted_split(network)
    shares = own_shares if protocol is None and seed is None else SHARES
    return protocol or own_protocol, own_seed if seed is None else seed, shares


def split_facts(protocol: Protocol, seed: int, shares: tuple[float, float]) -> dict[str, Any]:
    """What results note of their split, as plain JSON values; shares where not the usual ones."""
    other = {} if shares == SHARES else {"shares": list(shares)}
    return {"protocol": protocol, "split_seed": seed, **other}


def with_metrics(network: Network, metrics: dict[str, Any]) -> Network:
    """``network`` with ``metrics`` in its provenance; the digest stays."""
    return replace(network, provenance={**network.provenance, "metrics": metrics})


def majority_share(metrics: dict[str, Any]) -> float:
    """Accuracy of always answering the most frequent class of the test part."""
    rows = np.array(metrics["test"]["confusion"])
    return float(rows.sum(axis=1).max() / rows.sum())
