"""Turns raw fragments into the integers that a network's first layer takes.

Stands between the fragments and the network: training, golden model and hardware all see what
comes out here. Reads integer samples, gives integers of the network's input width. Every result
is found with integer arithmetic alone, so that it is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bnn_hw.errors import UserError

Preparation = Literal["raw", "peak", "zscore"]

# Far beyond any converter, and small enough for products with 16-bit numbers to fit int64.
_MAX_MAGNITUDE = (1 << 31) - 1


def prepare(
    samples: NDArray[Any],
    preparation: Preparation,
    bits: int,
    peak: int | None = None,
    steps: int | None = None,
) -> NDArray[np.int16]:
    """Prepare fragments for a network whose input has ``bits`` signed bits.

    ``samples`` is ``(n, length)`` of any integer type; returns ``(n, length) int16`` within
    ``-2**(bits-1)`` to ``2**(bits-1) - 1``. All rounding is half to even.

    - ``raw``: the samples as they are;
    - ``peak``: ``round(x * peak / max|x|)`` over each fragment, a flat zero fragment stays zero;
    - ``zscore``: ``round((x - mean) / std * steps)`` over each fragment, std of the population
      (divisor ``length``), clipped to the range; a constant fragment becomes zeros.

    Raises ``UserError`` for samples that are no integers or not two-dimensional, for raw samples
    outside the range, and for ``bits``, ``peak`` or ``steps`` that are missing or do not fit.
    """
    if not 2 <= bits <= 16:
        raise UserError(f"input: {bits} bits, 2 to 16 are allowed; correct the network description")
    wide = _checked(samples)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if preparation == "raw":
        _check_range(wide, low, high, bits)
        return wide.astype(np.int16)
    if preparation == "peak":
        return _peak(wide, _parameter("peak", peak, high)).astype(np.int16)
    if preparation == "zscore":
        return np.clip(_zscore(wide, _parameter("steps", steps, high)), low, high).astype(np.int16)
    raise UserError(f"preparation {preparation!r} is unknown; choose raw, peak or zscore")


def map_distinct(values: NDArray[np.int64], function: Callable[[int], int]) -> NDArray[np.int64]:
    """Return ``function`` of every value, called once for each distinct one.

    Lets arithmetic run on Python integers, which never overflow, at little cost: ECG samples take
    few distinct values.
    """
    distinct, inverse = np.unique(values, return_inverse=True)
    results = np.array([function(int(value)) for value in distinct], np.int64)
    return results[inverse.reshape(values.shape)]


def _checked(samples: NDArray[Any]) -> NDArray[np.int64]:
    if not np.issubdtype(samples.dtype, np.integer):
        raise UserError(
            f"samples: dtype is {samples.dtype}, integers are needed; "
            "give raw adu, not scaled values"
        )
    if samples.ndim != 2:
        raise UserError(
            f"samples: shape is {samples.shape}, (fragments, samples) is needed; reshape the array"
        )
    _check_range(samples, -_MAX_MAGNITUDE, _MAX_MAGNITUDE, 32)
    return samples.astype(np.int64)


def _check_range(samples: NDArray[Any], low: int, high: int, bits: int) -> None:
    outside = (samples < low) | (samples > high)
    if outside.any():
        fragment, sample = (int(i) for i in np.argwhere(outside)[0])
        raise UserError(
            f"fragment {fragment}, sample {sample}: value is {int(samples[fragment, sample])}, "
            f"{low} to {high} are allowed ({bits} signed bits); rescale the samples or subtract "
            "the record's zero"
        )


def _parameter(name: str, value: int | None, high: int) -> int:
    if value is None or isinstance(value, bool) or not 1 <= value <= high:
        raise UserError(
            f"preparation: {name} is {value}, 1 to {high} are allowed with this input width; "
            f"set {name} in the network description"
        )
    return int(value)


def _peak(samples: NDArray[np.int64], peak: int) -> NDArray[np.int64]:
    if samples.size == 0:
        return samples
    largest = np.abs(samples).max(axis=1, keepdims=True)
    divisor = np.maximum(largest, 1)
    quotient, rest = np.divmod(samples * peak, divisor)
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (quotient % 2 == 1))
    prepared: NDArray[np.int64] = quotient + up.astype(np.int64)
    return prepared


def _zscore(samples: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    return np.stack([_zscore_row(row, steps) for row in samples]) if len(samples) else samples


def _zscore_row(row: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    # (x - mean) / std = (length*x - total) / sqrt(spread) with all three integers; sums of
    # squares leave int64 for wide samples, so Python integers take them.
    length = row.size
    distinct, counts = np.unique(row, return_counts=True)
    pairs = list(zip(distinct.tolist(), counts.tolist(), strict=True))
    total = sum(value * count for value, count in pairs)
    spread = length * sum(value * value * count for value, count in pairs) - total * total
    if spread == 0:
        return np.zeros_like(row)
    return map_distinct(row, lambda x: _round_over_root((length * x - total) * steps, spread))


def _round_over_root(numerator: int, square: int) -> int:
    """Return ``numerator / sqrt(square)`` rounded half to even."""
    # floor(2a / sqrt(s)) counts the halves; floor(sqrt(floor(y))) is floor(sqrt(y)).
    doubled_square = 4 * numerator * numerator
    halves = isqrt(doubled_square // square)
    result = (halves + 1) // 2
    tie = halves % 2 == 1 and halves * halves * square == doubled_square
    if tie and result % 2 == 1:
        result -= 1
    return result if numerator >= 0 else -result
