"""Preparation of samples, against the definition in exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnn_hw.ecg.preparation import map_distinct, prepare
from bnn_hw.ecg.slices import load_slices

Refused = Callable[..., AbstractContextManager[None]]

FRAGMENTS = hnp.arrays(
    np.int16,
    st.tuples(st.integers(0, 4), st.integers(1, 24)),
    elements=st.one_of(st.integers(-32768, 32767), st.integers(-3, 3)),
)


def exact_zscore(row: list[int], x: int, steps: int) -> int:
    """Round (x - mean) / std * steps half to even by comparing squares of rationals."""
    mean = Fraction(sum(row), len(row))
    variance = sum((v - mean) ** 2 for v in row) / len(row)
    if variance == 0:
        return 0
    wanted = ((x - mean) * steps) ** 2 / variance  # the square of the magnitude
    magnitude = 0
    while Fraction(2 * magnitude + 1, 2) ** 2 < wanted:
        magnitude += 1
    if Fraction(2 * magnitude + 1, 2) ** 2 == wanted and magnitude % 2 == 1:
        magnitude += 1
    return magnitude if x >= mean else -magnitude


@given(FRAGMENTS)
def test_raw_keeps_every_sample(samples: np.ndarray) -> None:
    prepared = prepare(samples, "raw", 16)
    assert prepared.dtype == np.int16
    assert np.array_equal(prepared, samples)


@given(FRAGMENTS, st.sampled_from([(8, 127), (8, 100), (2, 1), (16, 32767), (5, 3)]))
def test_peak_is_the_exact_rounding(samples: np.ndarray, width: tuple[int, int]) -> None:
    bits, peak = width
    prepared = prepare(samples, "peak", bits, peak=peak)
    assert prepared.dtype == np.int16
    assert prepared.shape == samples.shape
    for row, found in zip(samples.tolist(), prepared.tolist(), strict=True):
        largest = max(map(abs, row)) or 1
        # Python rounds a Fraction half to even.
        assert found == [round(Fraction(x * peak, largest)) for x in row]


@given(FRAGMENTS, st.sampled_from([(11, 64), (6, 10), (4, 7), (16, 1)]))
def test_zscore_is_the_exact_rounding(samples: np.ndarray, width: tuple[int, int]) -> None:
    bits, steps = width
    prepared = prepare(samples, "zscore", bits, steps=steps)
    limit = 1 << (bits - 1)
    for row, found in zip(samples.tolist(), prepared.tolist(), strict=True):
        expected = [exact_zscore(row, x, steps) for x in row]
        assert found == [max(-limit, min(limit - 1, value)) for value in expected]


def test_peak_ties_go_to_even() -> None:
    # max|x| = 8, peak = 4: x / 2.
    samples = np.array([[-8, -7, -5, -3, -1, 0, 1, 3, 5, 7, 8]])
    assert prepare(samples, "peak", 4, peak=4).tolist() == [[-4, -4, -2, -2, 0, 0, 0, 2, 2, 4, 4]]


def test_zscore_ties_go_to_even_and_clip() -> None:
    # mean 0, std 2: x / 2 in steps of 1; with 64 steps the ends leave 6 bits.
    row = np.array([[-3, -1, -1, 1, 1, 3, -3, 3, 0, 0]], np.int64)
    variance = Fraction(int((row * row).sum()), row.size)
    assert variance == 4
    assert prepare(row, "zscore", 8, steps=1).tolist() == [[-2, 0, 0, 0, 0, 2, -2, 2, 0, 0]]
    ends = prepare(row, "zscore", 6, steps=31)
    assert (ends.min(), ends.max()) == (-32, 31)


def test_constant_fragment_becomes_zeros() -> None:
    assert not prepare(np.full((2, 50), 77), "zscore", 8, steps=16).any()
    assert not prepare(np.zeros((2, 50), np.int8), "peak", 8, peak=127).any()


def test_smallest_int16_has_the_largest_magnitude() -> None:
    samples = np.array([[-32768, 32767, 16384]], np.int16)
    assert prepare(samples, "peak", 8, peak=127).tolist() == [[-127, 127, 64]]


def test_unsigned_and_int8_samples() -> None:
    for dtype in (np.uint8, np.int8, np.uint64, np.int64):
        assert prepare(np.array([[0, 100]], dtype), "raw", 8).tolist() == [[0, 100]]


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_real_fragments_fit_11_bits_raw(name: str) -> None:
    samples = load_slices(name).samples  # type: ignore[arg-type]
    assert np.array_equal(prepare(samples, "raw", 11), samples)
    peak = prepare(samples, "peak", 8, peak=127)
    assert np.array_equal(np.abs(peak).max(axis=1), np.full(len(samples), 127))


@pytest.mark.parametrize("value", [1024, -1025, 30000])
def test_raw_out_of_range(value: int, refused: Refused) -> None:
    samples = np.zeros((3, 40), np.int16)
    samples[1, 17] = value
    with refused("fragment 1", "sample 17", str(value), "-1024 to 1023"):
        prepare(samples, "raw", 11)


def test_raw_range_ends_are_allowed() -> None:
    assert prepare(np.array([[-1024, 1023]]), "raw", 11).tolist() == [[-1024, 1023]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, np.complex64, "U1", object])
@pytest.mark.parametrize("preparation", ["raw", "peak", "zscore"])
def test_samples_must_be_integers(dtype: str, preparation: str, refused: Refused) -> None:
    with refused("dtype", "integers are needed"):
        prepare(np.zeros((1, 3)).astype(dtype), preparation, 8, peak=1, steps=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(5,), (1, 2, 3), ()])
def test_samples_must_be_two_dimensional(shape: tuple[int, ...], refused: Refused) -> None:
    with refused(str(shape), "(fragments, samples)"):
        prepare(np.zeros(shape, np.int16), "raw", 8)


@pytest.mark.parametrize("bits", [-1, 0, 1, 17])
def test_illegal_width(bits: int, refused: Refused) -> None:
    with refused(f"{bits} bits", "2 to 16"):
        prepare(np.zeros((1, 2), np.int16), "raw", bits)


@pytest.mark.parametrize("value", [None, 0, -1, 128, True])
def test_illegal_parameters(value: int | None, refused: Refused) -> None:
    samples = np.ones((1, 2), np.int16)
    with refused(f"peak is {value}", "1 to 127"):
        prepare(samples, "peak", 8, peak=value)
    with refused(f"steps is {value}", "1 to 127"):
        prepare(samples, "zscore", 8, steps=value)


def test_unknown_preparation(refused: Refused) -> None:
    with refused("'minmax'", "raw, peak or zscore"):
        prepare(np.ones((1, 2), np.int16), "minmax", 8)  # type: ignore[arg-type]


def test_values_beyond_31_bits_are_refused(refused: Refused) -> None:
    with refused("fragment 0, sample 1", str(1 << 40)):
        prepare(np.array([[0, 1 << 40]]), "peak", 8, peak=127)


def test_map_distinct_keeps_the_shape() -> None:
    values = np.array([[3, 1], [1, 2]])
    assert map_distinct(values, lambda x: x * x).tolist() == [[9, 1], [1, 4]]
