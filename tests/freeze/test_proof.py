"""The proof must catch single planted faults and must never pass on nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from bnn_hw.freeze import Checkpoint, Frozen, Proof, freeze, prove, prove_network
from bnn_hw.ir import AcceptKind, AcceptSet, Conv, Head, MaxPool, Network, Threshold
from bnn_hw.ir.accept import Band
from bnn_hw.ir.blocks import Block
from tests.freeze.reference import reference_arrays, reference_description
from tests.strategies import networks


@pytest.fixture(scope="module")
def frozen() -> tuple[Frozen, Any, Checkpoint]:
    description = reference_description(samples=1200)
    checkpoint = Checkpoint.from_arrays(reference_arrays())
    return freeze(description, checkpoint), description, checkpoint


def changed(network: Network, at: int, layer: Any) -> Network:
    layers = (*network.layers[:at], layer, *network.layers[at + 1 :])
    return replace(network, layers=layers)


def test_counts(frozen: tuple[Frozen, Any, Checkpoint]) -> None:
    result, description, checkpoint = frozen
    proof = prove(result.network, description, checkpoint)
    assert proof.passed and proof == result.report.proof
    assert proof.channels == 8 + 16 + 32 + 32 + 64 + 5
    first = result.network.blocks[0]
    reached = sum(first.reach(c).high - first.reach(c).low + 1 for c in range(8))
    binary = 16 * 57 + 32 * 113 + 32 * 225 + 64 * 225 + 5 * 449
    assert proof.integers == reached + binary
    assert (proof.weights, proof.coefficients) == (28280, 15)
    alone = prove_network(result.network)
    assert alone.passed and alone.integers == proof.integers and alone.weights == 0


@settings(max_examples=100, deadline=None)
@given(networks())
def test_any_network_proves_itself(network: Network) -> None:
    proof = prove_network(network)
    assert proof.passed and proof.integers > 0


def test_nothing_compared_is_not_passed() -> None:
    assert not Proof(0, 0, 0, ()).passed


def moved(accept: AcceptSet) -> AcceptSet:
    """The same set with one bound moved by one lattice step of a layer of bits."""
    match accept.kind:
        case AcceptKind.AT_LEAST | AcceptKind.OUTSIDE | AcceptKind.INSIDE:
            return replace(accept, low=accept.low - 2)
        case AcceptKind.AT_MOST:
            return replace(accept, high=accept.high - 2)
        case AcceptKind.ALWAYS:
            return AcceptSet(AcceptKind.NEVER)
        case _:
            return AcceptSet(AcceptKind.ALWAYS)


def test_every_threshold_is_watched(frozen: tuple[Frozen, Any, Checkpoint]) -> None:
    result, description, checkpoint = frozen
    at, layer = next(
        (i, x) for i, x in enumerate(result.network.layers) if isinstance(x, Threshold) and i > 5
    )
    for channel, accept in enumerate(layer.accept):
        accepts = (*layer.accept[:channel], moved(accept), *layer.accept[channel + 1 :])
        fault = changed(result.network, at, Threshold(accepts))
        proof = prove(fault, description, checkpoint)
        assert not proof.passed and f"channel {channel}:" in proof.failures[0]
        assert "exact formula" in proof.failures[0]
        assert prove_network(fault).passed  # it is a legal network, only another one


def test_other_faults_are_caught(frozen: tuple[Frozen, Any, Checkpoint]) -> None:
    result, description, checkpoint = frozen
    network = result.network
    conv, head = network.layers[3], network.layers[-1]
    assert isinstance(conv, Conv) and isinstance(head, Head)
    weights = conv.weights.copy()
    weights[3, 2, 1] ^= 1
    swapped = conv.weights[[1, 0, *range(2, 16)]]
    positive = (head.positive[0] + 1, *head.positive[1:])
    faults = {
        "1 weights differ": changed(network, 3, replace(conv, weights=weights)),
        "weights differ": changed(network, 3, replace(conv, weights=swapped)),
        "layers": changed(network, 3, replace(conv, pad_value=-conv.pad_value)),
        "layers ": changed(network, 1, MaxPool(7, 3)),
        "1 positive coefficients": changed(
            network, len(network.layers) - 1, replace(head, positive=positive)
        ),
        "fraction bits": changed(
            network, len(network.layers) - 1, replace(head, fraction_bits=head.fraction_bits + 1)
        ),
        "labels": replace(network, labels=network.labels[::-1]),
        "input": replace(network, input=replace(network.input, bits=9)),
    }
    for message, fault in faults.items():
        proof = prove(fault, description, checkpoint)
        assert not proof.passed and any(message.strip() in f for f in proof.failures), message


def test_another_checkpoint_is_caught(frozen: tuple[Frozen, Any, Checkpoint]) -> None:
    result, description, _ = frozen
    other = Checkpoint.from_arrays(reference_arrays(seed=2))
    assert prove(result.network, description, other).mismatches > 1000


def test_forms_are_compared_with_each_other(
    frozen: tuple[Frozen, Any, Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong translation into comparisons shows up without any checkpoint."""
    honest = Block.bands

    def wrong(self: Block) -> tuple[Band, ...]:
        bands = honest(self)
        if self.index != 1:
            return bands
        return (replace(bands[0], invert=not bands[0].invert), *bands[1:])

    monkeypatch.setattr(Block, "bands", wrong)
    proof = prove_network(frozen[0].network)
    assert not proof.passed
    assert {f.split(",")[0] for f in proof.failures} == {"block2"}
    assert any("comparisons" in f for f in proof.failures)
    assert any("popcount thresholds" in f for f in proof.failures)
    assert proof.mismatches == 2 * (np.int64(57))
