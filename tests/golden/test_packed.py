"""The packed golden model equals the plain one, bit for bit, and stays small."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnn_hw.golden import PackedNetwork, plain, stages
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
from tests.golden.nets import reference_network, wide_network
from tests.strategies import networks, random_bits, random_samples


def assert_equal(network: Network, samples: np.ndarray) -> None:
    """Bits of every block, both head sums, scores and classes of every fragment."""
    expected = plain.trace(network, samples)
    packed = PackedNetwork(network)
    blocks = packed.bits(samples)
    assert len(blocks) == len(network.blocks) - 1
    for traced, got in zip(expected.blocks[:-1], blocks, strict=True):
        assert traced.bits is not None
        assert got.dtype == np.uint8 and np.array_equal(got, traced.bits), traced.name
    s_plus, s_minus = packed.head_sums(samples)
    assert np.array_equal(s_plus, expected.s_plus) and np.array_equal(s_minus, expected.s_minus)
    result = packed.run(samples)
    assert result.scores.dtype == np.int64 and result.classes.dtype == np.int64
    assert np.array_equal(result.scores, expected.result.scores)
    assert np.array_equal(result.classes, expected.result.classes)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(network=networks(max_blocks=4), count=st.integers(1, 5), seed=st.integers(0, 1000))
def test_packed_equals_plain(network: Network, count: int, seed: int) -> None:
    assert_equal(network, random_samples(network.input, count, seed))


@pytest.mark.parametrize(
    "kinds",
    [
        (AcceptKind.AT_LEAST, AcceptKind.AT_MOST),
        (AcceptKind.AT_LEAST, AcceptKind.INSIDE, AcceptKind.OUTSIDE),
    ],
    ids=["one_sided", "two_sided"],
)
def test_reference_shape(kinds: tuple[AcceptKind, ...]) -> None:
    network = reference_network(kinds)
    count = PackedNetwork(network).chunk_fragments + 3  # a full chunk and a part of one
    assert_equal(network, random_samples(network.input, count, 7))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("channels", [56, 63, 64, 65, 70, 127, 128, 130])
def test_channels_around_a_word(channels: int, seed: int) -> None:
    network = wide_network(channels, seed)
    assert_equal(network, random_samples(network.input, 3, seed))


# Below, at and above what a word, a uint8 popcount and a uint16 popcount hold.
@pytest.mark.parametrize("fan_in", [1, 63, 64, 65, 254, 255, 256, 65534, 65535, 65536])
@pytest.mark.parametrize("bound", ["lowest", "highest"])
def test_widest_popcounts(fan_in: int, bound: str) -> None:
    """All bits agree or none does, and the threshold stands at the end of the reach."""
    channels = min(fan_in, 4096)
    length = -(-fan_in // channels)
    fan_in_total = channels * length
    at = fan_in_total if bound == "highest" else -fan_in_total
    rows = np.ones((4, fan_in_total), np.uint8)
    rows[1] = 0
    rows[3, ::2] = 0
    network = Network(
        name="wide",
        input=NetworkInput(samples=length, bits=2),
        layers=(
            Conv("first", np.ones((channels, 1, 1), np.uint8)),
            Threshold((AcceptSet(AcceptKind.AT_LEAST, low=0),) * channels),
            Dense("second", rows),
            Threshold(
                (
                    AcceptSet(AcceptKind.AT_LEAST, low=at),
                    AcceptSet(AcceptKind.AT_MOST, high=at),
                    AcceptSet(AcceptKind.INSIDE, low=at, high=at),
                    AcceptSet(AcceptKind.OUTSIDE, low=-fan_in_total, high=fan_in_total),
                )
            ),
            Dense("third", np.eye(4, dtype=np.uint8)),
            Head((1, 2, 3, 4), (4, 3, 2, 1), (0, 0, 0, 0), 0),
        ),
        labels=("a", "b", "c", "d"),
    )
    samples = np.array([[1] * length, [-1] * length, [1, -1] * (length // 2) + [1] * (length % 2)])
    assert_equal(network, samples)


@pytest.mark.parametrize("input_bits", [2, 12, 13, 14, 15, 16])
def test_integer_sums_at_both_ends(input_bits: int) -> None:
    """The first block's sums and bounds at the ends of what int16 and int32 hold."""
    of = NetworkInput(samples=9, bits=input_bits)
    rows = np.ones((3, 1, 8), np.uint8)
    rows[1] = 0
    rows[2, :, ::2] = 0
    top, bottom = 8 * of.high, 8 * of.low
    network = Network(
        name="ends",
        input=of,
        layers=(
            Conv("first", rows),
            Threshold(
                (
                    AcceptSet(AcceptKind.AT_MOST, high=top),
                    AcceptSet(AcceptKind.AT_LEAST, low=-bottom),
                    AcceptSet(AcceptKind.INSIDE, low=0, high=4 * (of.high - of.low)),
                )
            ),
            Dense("second", random_bits(np.random.default_rng(1), 2, 6)),
            Head((1, 2), (2, 1), (0, 0), 0),
        ),
        labels=("a", "b"),
    )
    samples = random_samples(network.input, 20, 1)
    samples[3, 0] = [of.low, of.high] * 4 + [of.low]
    samples[4, 0] = [of.high, of.low] * 4 + [of.high]
    assert_equal(network, samples)


def test_integer_bound_above_every_sum() -> None:
    """One tap of 16 bits reaches 32767: "at most 32767" compares with 32768, beyond int16."""
    network = Network(
        name="one_tap",
        input=NetworkInput(samples=5, bits=16),
        layers=(
            Conv("first", np.ones((3, 1, 1), np.uint8)),
            Threshold(
                (
                    AcceptSet(AcceptKind.AT_MOST, high=32767),
                    AcceptSet(AcceptKind.INSIDE, low=-32768, high=32767),
                    AcceptSet(AcceptKind.AT_LEAST, low=32767),
                )
            ),
            Dense("second", random_bits(np.random.default_rng(1), 2, 15)),
            Head((1, 2), (2, 1), (0, 0), 0),
        ),
        labels=("a", "b"),
    )
    assert_equal(network, random_samples(network.input, 6, 1))


def test_one_block_alone_feeds_the_head() -> None:
    network = Network(
        name="alone",
        input=NetworkInput(samples=10, bits=5, channels=2),
        layers=(
            Conv("only", random_bits(np.random.default_rng(2), 3, 2, 4), 3, 7, 1, 15),
            MaxPool(3, 1),
            MaxPool(2, 1),
            Head((1, -2, 3), (2, 1, -1), (5, 0, 0), 0),
        ),
        labels=("a", "b", "c"),
    )
    assert PackedNetwork(network).bits(random_samples(network.input, 2, 1)) == []
    assert_equal(network, random_samples(network.input, 6, 2))


def test_tiles_and_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    network = reference_network()
    samples = random_samples(network.input, 5, 3)
    expected = PackedNetwork(network).run(samples)
    for words in (1, 3000, 1 << 30):
        monkeypatch.setattr(stages, "_TILE_WORDS", words)
        packed = PackedNetwork(network)
        packed.chunk_fragments = 2
        assert np.array_equal(packed.run(samples).scores, expected.scores)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint16, np.uint64, ">i2", np.int64])
def test_any_integer_dtype_and_layout(dtype: str) -> None:
    network = reference_network()
    positive = np.abs(random_samples(network.input, 3, 4)[:, 0, :]) % 2048
    expected = PackedNetwork(network).run(positive)
    given = positive.astype(dtype)
    before = given.copy()
    assert np.array_equal(PackedNetwork(network).run(given).scores, expected.scores)
    assert np.array_equal(given, before)
    strided = np.asfortranarray(given[:, np.newaxis, :])
    assert np.array_equal(PackedNetwork(network).run(strided).scores, expected.scores)
    assert np.array_equal(plain.run(network, given).scores, expected.scores)


def test_progress_counts_up_to_the_end() -> None:
    network = reference_network()
    packed = PackedNetwork(network)
    packed.chunk_fragments = 3
    calls: list[tuple[int, int]] = []
    packed.run(
        random_samples(network.input, 7, 1), progress=lambda done, of: calls.append((done, of))
    )
    assert calls == [(3, 7), (6, 7), (7, 7)]


def test_threads_share_one_prepared_network() -> None:
    network = reference_network()
    packed = PackedNetwork(network)
    parts = [random_samples(network.input, 20, seed) for seed in range(4)]
    expected = [packed.run(part).scores for part in parts]
    with ThreadPoolExecutor(2) as pool:
        for got, want in zip(pool.map(packed.run, parts), expected, strict=True):
            assert np.array_equal(got.scores, want)


def test_memory_does_not_grow_with_the_fragments() -> None:
    network = reference_network()
    packed = PackedNetwork(network)
    samples = np.tile(random_samples(network.input, 1, 1).astype(np.int16), (300, 1, 1))
    tracemalloc.start()
    packed.run(samples)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20
