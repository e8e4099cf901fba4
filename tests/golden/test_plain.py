"""The plain golden model against hand-computed numbers and against scalar loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnn_hw.errors import UserError
from bnn_hw.golden import PackedNetwork, plain
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
from tests.golden.oracle import scores_of
from tests.strategies import networks, random_samples


def bits(*rows: object) -> np.ndarray:
    return np.array(rows, dtype=np.uint8)


def hand_network() -> Network:
    return Network(
        name="hand",
        input=NetworkInput(samples=6, bits=4),
        layers=(
            Conv("first", bits([[1, 1]], [[1, 0]])),  # a + b, a - b
            MaxPool(2, 1),
            Threshold(
                (AcceptSet(AcceptKind.AT_LEAST, low=2), AcceptSet(AcceptKind.AT_MOST, high=2))
            ),
            Conv("second", bits([[1, 1, 1], [1, 1, 1]], [[1, 1, 1], [0, 0, 0]]), 1, 1, 0, 1),
            Head((1, 3), (0, 5), (1, 2), 0),
        ),
        labels=("a", "b"),
    )


def test_hand_computed() -> None:
    trace = plain.trace(hand_network(), np.array([[3, -1, 2, 0, -2, 1]]))
    first, second = trace.blocks
    assert first.name == "first" and second.name == "second"
    assert first.sums[0].T.tolist() == [[2, 1, 2, -2, -1], [4, -3, 2, 2, -3]]
    assert first.comparisons is not None and first.bits is not None and first.pooled is None
    # side 0 is sum >= 2 in channel 0 and sum >= 3 in channel 1, whose "at most 2" is its opposite
    assert first.comparisons[0].T.tolist() == [[1, 0, 1, 0, 0], [1, 0, 0, 0, 0]]
    # maxima 2 2 2 -1 and 4 2 2 2
    assert first.bits[0].T.tolist() == [[1, 1, 1, 0], [0, 1, 1, 1]]
    # padded with one position of +1 on the left: (+ +) (+ -) (+ +) (+ +) (- +)
    assert second.sums[0].T.tolist() == [[4, 4, 4], [2, 2, -2]]
    assert second.comparisons is None and second.bits is None and second.pooled is not None
    assert second.pooled[0].T.tolist() == [[4, 4, 4], [2, 2, -2]]
    assert trace.s_plus.tolist() == [[12, 4]] and trace.s_minus.tolist() == [[0, -2]]
    assert trace.result.scores.tolist() == [[12 + 1, 3 * 4 - 5 * 2 + 2]]
    assert trace.result.classes.tolist() == [0]


def test_types_and_shapes_of_a_trace() -> None:
    network = hand_network()
    trace = plain.trace(network, random_samples(network.input, 5, 1))
    first, second = trace.blocks
    assert first.sums.dtype == np.int64 and first.sums.shape == (5, 5, 2)
    assert first.comparisons is not None and first.comparisons.dtype == np.uint8
    assert first.bits is not None and first.bits.dtype == np.uint8
    assert second.pooled is not None and second.pooled.dtype == np.int64
    for array in (trace.s_plus, trace.s_minus, trace.result.scores):
        assert array.dtype == np.int64 and array.shape == (5, 2)
    assert trace.result.classes.dtype == np.int64 and trace.result.classes.shape == (5,)


@pytest.mark.parametrize(
    ("offsets", "best"), [((7, 7, 7), 0), ((1, 5, 5), 1), ((-3, -4, -3), 0), ((0, 1, 2), 2)]
)
def test_ties_go_to_the_lowest_class(offsets: tuple[int, ...], best: int) -> None:
    network = Network(
        name="tie",
        input=NetworkInput(samples=2, bits=8),
        layers=(
            Dense("only", bits([1, 1], [1, 1], [1, 1])),
            Head((2, 2, 2), (3, 3, 3), offsets, 0),
        ),
        labels=("a", "b", "c"),
    )
    samples = np.array([[0, 0], [127, 127], [-128, -128]])
    assert plain.run(network, samples).classes.tolist() == [best] * 3
    assert PackedNetwork(network).run(samples).classes.tolist() == [best] * 3


def exhaustive_networks() -> list[Network]:
    """Two blocks of every kind of layer, small enough for every possible input."""
    kinds = (
        AcceptSet(AcceptKind.AT_LEAST, low=1),
        AcceptSet(AcceptKind.AT_MOST, high=-1),
        AcceptSet(AcceptKind.INSIDE, low=-1, high=1),
        AcceptSet(AcceptKind.OUTSIDE, low=-2, high=1),
        AcceptSet(AcceptKind.ALWAYS),
        AcceptSet(AcceptKind.NEVER),
    )
    rng = np.random.default_rng(3)
    first = rng.integers(0, 2, (6, 1, 3)).astype(np.uint8)
    second = rng.integers(0, 2, (3, 6, 2)).astype(np.uint8)
    head = Head((2, 1, 3), (-1, 2, 1), (1, 0, -2), 1)
    labels = ("a", "b", "c")
    convolutions = Network(
        "conv_conv",
        NetworkInput(samples=6, bits=2),
        (
            Conv("first", first, 1, 2, 1, -2),
            MaxPool(2, 1),
            Threshold(kinds),
            MaxPool(2, 2),
            Conv("second", second, 2, 1, 2, 1),
            MaxPool(2, 2),
            head,
        ),
        labels,
    )
    dense = Network(
        "conv_dense",
        NetworkInput(samples=3, bits=2, channels=2),
        (
            Conv("first", rng.integers(0, 2, (6, 2, 2)).astype(np.uint8), 1, 0, 1, 1),
            Threshold(kinds),
            Dense("second", rng.integers(0, 2, (3, 18)).astype(np.uint8)),
            head,
        ),
        labels,
    )
    return [convolutions, dense]


@pytest.mark.parametrize("network", exhaustive_networks(), ids=lambda n: str(n.name))
def test_every_possible_input(network: Network) -> None:
    of = network.input
    every = np.array(
        list(itertools.product(range(of.low, of.high + 1), repeat=of.channels * of.samples))
    ).reshape(-1, of.channels, of.samples)
    assert len(every) == 4**6
    expected = [scores_of(network, fragment) for fragment in every.tolist()]
    assert len({best for _, best in expected}) > 1
    for result in (plain.run(network, every), PackedNetwork(network).run(every)):
        assert result.scores.tolist() == [scores for scores, _ in expected]
        assert result.classes.tolist() == [best for _, best in expected]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    network=networks(max_samples=20),
    seed=st.integers(0, 1000),
)
def test_plain_equals_scalar_loops(network: Network, seed: int) -> None:
    samples = random_samples(network.input, 4, seed)
    result = plain.run(network, samples)
    for fragment, scores, best in zip(samples.tolist(), result.scores, result.classes, strict=True):
        assert (scores.tolist(), int(best)) == scores_of(network, fragment)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(network=networks(), seed=st.integers(0, 1000))
def test_comparisons_pooled_and_inverted_are_the_bits(network: Network, seed: int) -> None:
    """The order of hardware (compare, OR-pool, polarity, OR-pool) gives the bits of the definition."""
    trace = plain.trace(network, random_samples(network.input, 3, seed))
    for block, traced in zip(network.blocks[:-1], trace.blocks[:-1], strict=True):
        assert traced.comparisons is not None and traced.bits is not None
        out = block.out_channels
        sides = traced.comparisons.reshape(3, block.positions, -1, out)
        assert sides.shape[2] == (2 if block.two_sided else 1)
        for pool in block.sum_pools:
            sides = or_pool(sides, pool)
        low = sides[:, :, 0]
        high = sides[:, :, 1] if block.two_sided else np.zeros_like(low)
        result = (low & ~high & 1) ^ np.array(
            [band.invert for band in block.bands()], dtype=np.uint8
        )
        for pool in block.bit_pools:
            result = or_pool(result, pool)
        assert np.array_equal(result, traced.bits)


def or_pool(values: np.ndarray, pool: MaxPool) -> np.ndarray:
    windows = [
        np.bitwise_or.reduce(values[:, start : start + pool.size], axis=1)
        for start in range(0, values.shape[1] - pool.size + 1, pool.stride)
    ]
    return np.stack(windows, axis=1)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    network = exhaustive_networks()[0]
    samples = random_samples(network.input, 11, 5)
    whole = plain.trace(network, samples)
    monkeypatch.setattr(plain, "_CHUNK_INTEGERS", 1)
    parts = plain.trace(network, samples)
    assert np.array_equal(whole.result.scores, parts.result.scores)
    assert np.array_equal(plain.run(network, samples).scores, whole.result.scores)
    for a, b in zip(whole.blocks, parts.blocks, strict=True):
        assert np.array_equal(a.sums, b.sums)
        for one, other in ((a.comparisons, b.comparisons), (a.bits, b.bits), (a.pooled, b.pooled)):
            assert (one is None) == (other is None)
            assert one is None or other is None or np.array_equal(one, other)


def test_scores_wider_than_64_bits_are_refused() -> None:
    huge = (1 << 47) - 1
    network = Network(
        name="wide",
        input=NetworkInput(samples=4, bits=16),
        layers=(Dense("only", np.ones((2, 4), np.uint8)), Head((huge, 1), (1, 1), (0, 0), 40)),
        labels=("a", "b"),
    )
    samples = np.full((1, 4), 32767)
    with pytest.raises(UserError, match=r"scores take 65 bits.*at most 64"):
        plain.run(network, samples)
    with pytest.raises(UserError, match=r"scores take 65 bits.*at most 64"):
        PackedNetwork(network).run(samples)
