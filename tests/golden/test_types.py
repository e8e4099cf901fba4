"""Fragments that do not fit the network are refused in one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bnn_hw.errors import UserError
from bnn_hw.golden import PackedNetwork, check_samples, plain
from bnn_hw.ir import Dense, Head, Network, NetworkInput


def network(channels: int = 1) -> Network:
    return Network(
        name="tiny",
        input=NetworkInput(samples=4, bits=8, channels=channels),
        layers=(
            Dense("only", np.ones((2, 4 * channels), np.uint8)),
            Head((1, 1), (1, 1), (0, 0), 0),
        ),
        labels=("a", "b"),
    )


def spoiled(at: tuple[int, ...], value: int, shape: tuple[int, ...] = (3, 4)) -> np.ndarray:
    samples = np.zeros(shape, dtype=np.int32)
    samples[at] = value
    return samples


CASES: list[tuple[int, Any, str]] = [
    (1, np.zeros((2, 4)), r"dtype float64, a network takes integers"),
    (1, np.zeros((2, 4), np.float32), r"dtype float32"),
    (1, np.full((2, 4), np.nan), r"dtype float64"),
    (1, np.zeros((2, 4), bool), r"dtype bool"),
    (1, np.zeros((2, 4), complex), r"dtype complex128"),
    (1, np.array([["1"] * 4]), r"dtype <U1"),
    (1, [[1 << 80, 0, 0, 0]], r"dtype object"),
    (1, np.zeros((2, 5), int), r"5 samples a fragment, network tiny takes exactly 4"),
    (1, np.zeros((2, 3), int), r"3 samples a fragment, network tiny takes exactly 4"),
    (1, np.zeros((2, 0), int), r"0 samples a fragment, network tiny takes exactly 4"),
    (1, np.zeros((0, 4), int), r"0 fragments; give at least 1"),
    (1, np.zeros(4, int), r"shape \(4,\), network tiny takes \(fragments, samples\) or"),
    (1, np.int64(3), r"shape \(\)"),
    (1, np.zeros((2, 2, 4), int), r"shape \(2, 2, 4\)"),
    (2, np.zeros((2, 4), int), r"shape \(2, 4\), network tiny takes \(fragments, 2, samples\)"),
    (2, np.zeros((2, 1, 4), int), r"shape \(2, 1, 4\)"),
    (1, spoiled((1, 2), 128), r"fragment 1, sample 2 is 128, allowed are -128 to 127"),
    (1, spoiled((2, 0), -129), r"fragment 2, sample 0 is -129, allowed are -128 to 127"),
    (1, spoiled((0, 3), 2**31 - 1), r"fragment 0, sample 3 is 2147483647"),
    (1, np.full((1, 4), 2**64 - 1, np.uint64), r"sample 0 is 18446744073709551615"),
    (2, spoiled((1, 1, 3), 200, (2, 2, 4)), r"fragment 1, channel 1, sample 3 is 200"),
]


@pytest.mark.parametrize("use", [check_samples, plain.run, plain.trace], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("channels", "samples", "message"), CASES)
def test_refused(use: Callable[..., Any], channels: int, samples: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        use(network(channels), samples)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("channels", "samples", "message"), CASES)
def test_packed_refuses_the_same(channels: int, samples: Any, message: str) -> None:
    packed = PackedNetwork(network(channels))
    for use in (packed.run, packed.bits, packed.head_sums):
        with pytest.raises(UserError, match=message):
            use(samples)


def test_accepted_forms() -> None:
    rows = [[-128, 127, 0, 1], [1, 2, 3, 4]]
    for samples in (rows, np.array(rows, np.int8), np.array(rows)[:, np.newaxis, :]):
        checked = check_samples(network(), samples)
        assert checked.dtype == np.int64 and checked.shape == (2, 1, 4)
        assert checked[:, 0, :].tolist() == rows
    two = np.arange(16).reshape(2, 2, 4)
    assert np.array_equal(check_samples(network(2), two), two)
