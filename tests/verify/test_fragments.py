"""Which fragments a verification sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from bnn_hw.ecg.labels import ECG5_CLASSES
from bnn_hw.golden import plain
from bnn_hw.ir import Dense, Head, Network, NetworkInput
from bnn_hw.verify.fragments import UNLABELLED, default_fragments, demo_samples, fragment_set
from bnn_hw.verify.stress import KINDS, stress_fragments
from tests.reference import reference_network
from tests.simulate.nets import small_network
from tests.strategies import networks

HEAD = Head((1,), (1,), (0,), 0)


def ecg_network(bits: int = 11, labels: tuple[str, ...] = ECG5_CLASSES) -> Network:
    drawn = reference_network(classes=len(labels), bits=bits)
    return Network(drawn.name, drawn.input, drawn.layers, labels)


def test_real_fragments_come_class_by_class_with_stress_between() -> None:
    chosen = default_fragments(ecg_network(), None, None)
    slices = fragment_set("ecg5", None)
    assert len(chosen) == len(slices) + len(KINDS)
    assert chosen.samples.shape[1:] == (1, 3600) and chosen.samples.dtype == np.int16
    assert [int(label) for label in chosen.labels[:8]] == [0, 1, -1, 2, 3, -1, 4, 0]
    real = chosen.samples[chosen.labels != UNLABELLED][:, 0]
    assert sorted(map(bytes, real)) == sorted(map(bytes, slices.samples))
    assert "real ECG" in chosen.source and f"{len(KINDS)} seeded stress" in chosen.source


def test_more_fragments_begin_with_the_same_ones() -> None:
    few = default_fragments(ecg_network(), None, None)
    many = default_fragments(ecg_network(), None, 200)
    assert len(many) == 200
    assert np.array_equal(many.samples[: len(few)], few.samples)
    assert many.first(len(few)).names == few.names


def test_foreign_labels_leave_ecg_unlabelled() -> None:
    chosen = default_fragments(ecg_network(labels=("a", "b", "c")), None, None)
    assert set(chosen.labels.tolist()) == {UNLABELLED} and "real ECG" in chosen.source


def test_other_shapes_get_synthetic_fragments_and_say_so() -> None:
    chosen = default_fragments(small_network(), None, None)
    assert "synthetic" in chosen.source and len(chosen) >= len(KINDS)
    assert demo_samples(small_network(), 4).shape == (4, 1, 40)


def test_ecg_beyond_the_input_range_is_not_clipped_but_replaced() -> None:
    assert "synthetic" in default_fragments(ecg_network(bits=8), None, None).source


@pytest.mark.parametrize("bits", [2, 11, 16])
@pytest.mark.parametrize(("samples", "channels"), [(1, 1), (40, 3), (3600, 1)])
def test_stress_fills_the_range_and_is_the_same_each_time(
    bits: int, samples: int, channels: int
) -> None:
    shape = NetworkInput(samples, bits, channels)
    network = Network("one", shape, (Dense("d", np.ones((1, samples * channels))), HEAD), ("a",))
    fragments, names = stress_fragments(network, 20)
    again, _ = stress_fragments(network, 9)
    assert fragments.shape == (20, channels, samples) and len(set(names)) == 20
    assert fragments.min() == shape.low and fragments.max() == shape.high
    assert np.array_equal(again, fragments[:9])


@settings(max_examples=100, deadline=None)
@given(networks())
def test_matched_fragments_bring_first_layer_sums_to_their_ends_and_thresholds(
    network: Network,
) -> None:
    block = network.blocks[0]
    # Some window must lie inside the input, clear of the padding.
    assume(-block.pad_left % block.stride <= block.in_length - block.kernel)
    # At most six sums a channel, each in a window of its own.
    rounds = 6 * block.out_channels * len(KINDS)
    fragments, _ = stress_fragments(network, rounds)
    sums = plain.trace(network, fragments[:: len(KINDS)]).blocks[0].sums
    for channel in range(block.out_channels):
        seen = set(sums[..., channel].ravel().tolist())
        reach = block.reach(channel)
        assert {reach.low, reach.high} <= seen
        if block.threshold is not None:
            band = block.bands()[channel]
            for bound in (band.low, band.high):
                if bound is not None:
                    assert {t for t in (bound - 1, bound) if reach.low <= t <= reach.high} <= seen
