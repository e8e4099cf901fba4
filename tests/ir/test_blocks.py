"""Blocks, shapes and storage of networks, the reference network above all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from bnn_hw.errors import UserError
from bnn_hw.ir import (
    AcceptKind,
    AcceptSet,
    Conv,
    Dense,
    Head,
    MaxPool,
    Network,
    NetworkInput,
    Threshold,
)
from bnn_hw.ir.layers import Layer, signed_bits
from bnn_hw.ir.storage import macs, storage
from tests.strategies import class_labels, networks, random_bits

WIDTHS = (1, 8, 16, 32, 32, 64)


def reference(classes: int, bits: int = 8, coefficient: int = 20000) -> Network:
    rng = np.random.default_rng(0)
    layers: list[Layer] = []
    for index, (width, out) in enumerate(zip(WIDTHS, (*WIDTHS[1:], classes), strict=True)):
        weights = random_bits(rng, out, width, 7)
        layers.append(Conv(f"block{index + 1}", weights, 1 if index else 2, 5, 5, -1))
        layers.append(MaxPool(7, 2))
        if index < 5:
            layers.append(Threshold((AcceptSet(AcceptKind.AT_LEAST, low=1),) * out))
    layers.append(
        Head((coefficient,) * classes, (-coefficient,) * classes, (coefficient,) * classes, 14)
    )
    return Network("reference", NetworkInput(3600, bits), tuple(layers), class_labels(classes))


def test_reference_lengths() -> None:
    blocks = reference(5).blocks
    assert [(b.positions, b.out_length) for b in blocks] == [
        (1802, 898),
        (902, 448),
        (452, 223),
        (227, 111),
        (115, 55),
        (59, 27),
    ]
    assert [b.fan_in for b in blocks] == [7, 56, 112, 224, 224, 448]
    assert blocks[-1].head_length == 27


@pytest.mark.parametrize(("classes", "weights", "size"), [(5, 28280, 3731), (17, 33656, 4475)])
def test_reference_storage(classes: int, weights: int, size: int) -> None:
    found = storage(reference(classes))
    assert (found.weight_bits, found.head_bits) == (weights, 48 * classes)
    # Popcount thresholds of 6, 7, 8 and 8 bits, sums of 11 bits in the integer layer, one polarity each.
    assert found.threshold_bits == 8 * 12 + 16 * 7 + 32 * 8 + 32 * 9 + 64 * 9
    assert found.storage_bytes == size


def test_reference_multiply_adds() -> None:
    assert round(macs(reference(5)) / 1e6, 2) == 5.94
    assert round(macs(reference(17)) / 1e6, 2) == 6.25


def test_reach_of_the_integer_layer() -> None:
    rows = np.array([[[1, 1, 0]]], dtype=np.uint8)
    layers = (Conv("c", rows), Head((1,), (1,), (0,), 0))
    block = Network("n", NetworkInput(3, 4), layers, ("a",)).blocks[0]
    samples = np.array(np.meshgrid(*[range(-8, 8)] * 3)).reshape(3, -1)
    sums = samples[0] + samples[1] - samples[2]
    reach = block.reach(0)
    assert np.array_equal(np.unique(sums), reach.values())
    assert block.sum_bits == signed_bits([-23, 22]) == 6


@settings(max_examples=150, deadline=None)
@given(networks())
def test_every_block_reaches_what_it_says(network: Network) -> None:
    for block in network.blocks:
        assert block.positions >= 1 and block.out_length >= 1
        half = 1 << (block.sum_bits - 1)
        for channel in range(block.out_channels):
            reach = block.reach(channel)
            assert -half <= reach.low and reach.high < half
            assert (reach.high - reach.low) % reach.step == 0
    last = network.blocks[-1]
    bits = network.score_bits
    for c in range(network.classes):
        reach, length = last.reach(c), network.head_terms
        for s_plus in (0, max(reach.high, 0) * length):
            for s_minus in (0, min(reach.low, 0) * length):
                score = network.head.positive[c] * s_plus + network.head.negative[c] * s_minus
                score += network.head.offset[c]
                assert -(1 << (bits - 1)) <= score < 1 << (bits - 1)


def test_dense_is_a_conv_over_its_whole_input() -> None:
    rng = np.random.default_rng(1)
    rows = random_bits(rng, 2, 12)
    layers = (Dense("d", rows), Head((1, 1), (1, 1), (0, 0), 0))
    block = Network("n", NetworkInput(4, 3, 3), layers, ("a", "b")).blocks[0]
    assert (block.kernel, block.positions, block.fan_in) == (4, 1, 12)
    assert np.array_equal(block.rows, rows)


def test_arrays_cannot_be_changed() -> None:
    network = reference(5)
    conv = network.layers[0]
    assert isinstance(conv, Conv)
    for array in (conv.weights, network.blocks[0].rows):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("at", "layer", "message"),
    [
        (0, MaxPool(2, 2), "layer 1 is maxpool: a block must start with conv or dense"),
        (3, Conv("block2", np.ones((16, 9, 7))), "weights for 9 input channels, its input has 8"),
        (3, Conv("block2", np.ones((16, 8, 7)), 1, 5, 5, 0), "padding value is 0, allowed are -1"),
        (3, Conv("block1", np.ones((16, 8, 7)), 1, 5, 5, -1), "a layer name stands twice"),
        (3, Conv("block2", np.ones((16, 8, 999))), "kernel 999 is longer than its padded input"),
        (
            3,
            Dense("block2", np.ones((16, 77))),
            "rows of 77 weights, its input has 8 channels x 898",
        ),
        (1, MaxPool(1803, 1), "max_pool of size 1803 over 1802 positions has no window"),
        (2, Threshold((AcceptSet(AcceptKind.ALWAYS),) * 7), "7 accept sets for 8 channels"),
        (17, MaxPool(1, 1), "or the head as the last layer"),
        (17, Head((1,), (1,), (1,), 0), "5 channels, head 1 classes, labels 5"),
        (
            2,
            Threshold((AcceptSet(AcceptKind.AT_LEAST, low=900),) * 8),
            "block1, channel 0: low bound 900",
        ),
    ],
)
def test_illegal_networks(at: int, layer: Layer, message: str) -> None:
    network = reference(5)
    layers = (*network.layers[:at], layer, *network.layers[at + 1 :])
    with pytest.raises(UserError, match=message):
        replace(network, layers=layers)


def test_labels() -> None:
    network = reference(5)
    for labels, message in (
        (("a", "b"), "labels 2"),
        (("a", "b", "c", "d", "a"), "stands twice"),
        (("a", "b", "c", "d", 'e"; drop'), "not allowed"),
    ):
        with pytest.raises(UserError, match=message):
            replace(network, labels=labels)
