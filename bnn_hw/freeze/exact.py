"""Exact arithmetic of one channel: from real parameters to the set of integers it accepts.

The heart of freeze. Every float is a rational number, so shift, PReLU and batch norm are computed
on ``fractions.Fraction``; the one square root is never taken, both sides are squared instead. There
is no rounding anywhere in this module. ``docs/freezing.md`` gives the mathematics.

Two routes lead to the same answer and the proof compares them on every reachable integer:
:func:`find_accept_set` bisects the linear pieces with :meth:`ChannelFormula.accepts` (signs and
squares of fractions), :meth:`ChannelFormula.accepts_all` clears the denominators and compares
integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, isqrt, lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.ir import AcceptKind, AcceptSet, Reach


@dataclass(frozen=True)
class ShiftStep:
    """Adds ``value``."""

    value: Fraction


@dataclass(frozen=True)
class PreluStep:
    """Multiplies what is negative by ``slope``."""

    slope: Fraction


@dataclass(frozen=True)
class NormStep:
    """``gamma * (x - mean) / sqrt(variance) + beta``; ``variance`` is running_var + eps, above 0."""

    gamma: Fraction
    beta: Fraction
    mean: Fraction
    variance: Fraction


IDENTITY_NORM = NormStep(Fraction(1), Fraction(0), Fraction(0), Fraction(1))


def floor_sqrt(value: Fraction) -> int:
    """Largest integer whose square is at most ``value >= 0``."""
    return isqrt(value.numerator // value.denominator)


def ceil_sqrt(value: Fraction) -> int:
    """Smallest integer at least 0 whose square is at least ``value >= 0``."""
    whole = ceil(value)
    return isqrt(whole - 1) + 1 if whole else 0


def power_of_two(exponent: int) -> Fraction:
    """``2 ** exponent`` for any sign of the exponent."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


@dataclass(frozen=True)
class Root:
    """The real number ``rational + factor / sqrt(radicand)``, ``radicand`` above 0."""

    rational: Fraction
    factor: Fraction
    radicand: Fraction

    def rounded(self, exponent: int) -> int:
        """``floor(self * 2**exponent + 1/2)``: the nearest integer, halves upwards, exactly."""
        unit = power_of_two(exponent)
        shifted = self.rational * unit + Fraction(1, 2)
        # floor((n + s) / d) = floor((n + floor(s)) / d) for integers n, d: the root may be cut first.
        square = (self.factor * unit * shifted.denominator) ** 2 / self.radicand
        root = floor_sqrt(square) if self.factor >= 0 else -ceil_sqrt(square)
        return (shifted.numerator + root) // shifted.denominator


@dataclass(frozen=True)
class ChannelFormula:
    """What stands between a channel's integer sum and its sign.

    ``z(m) = norm(steps(m * scale))``; the channel gives +1 exactly when ``z(m) >= 0``.
    """

    scale: Fraction
    steps: tuple[ShiftStep | PreluStep, ...]
    norm: NormStep | None

    def before_norm(self, m: int) -> Fraction:
        """Value that reaches the batch norm."""
        value = m * self.scale
        for step in self.steps:
            if isinstance(step, ShiftStep):
                value += step.value
            elif value < 0:
                value *= step.slope
        return value

    def accepts(self, m: int) -> bool:
        """Whether ``z(m) >= 0``, by signs and squares."""
        norm = self.norm or IDENTITY_NORM
        # z >= 0 <=> left + beta * sqrt(variance) >= 0, for sqrt(variance) > 0.
        left = norm.gamma * (self.before_norm(m) - norm.mean)
        if left >= 0 and norm.beta >= 0:
            return True
        if left < 0 and norm.beta < 0:
            return False
        left_square, right_square = left**2, norm.beta**2 * norm.variance
        return left_square >= right_square if left >= 0 else right_square >= left_square

    def accepts_all(self, sums: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether ``z >= 0`` for each of ``sums`` ``(count,) int64``, with integers alone.

        The value after each step is kept as ``numerator / denominator`` with one denominator for
        all sums, and the comparison is ``integer >= ceil(irrational)`` with the right side taken
        once by integer square root.
        """
        numerator: npt.NDArray[Any] = sums.astype(object) * self.scale.numerator
        denominator = self.scale.denominator
        for step in self.steps:
            if isinstance(step, ShiftStep):
                common = lcm(denominator, step.value.denominator)
                offset = step.value.numerator * (common // step.value.denominator)
                numerator = numerator * (common // denominator) + offset
                denominator = common
            else:
                # An object array throughout: np.where would pass large integers through float64.
                factors = np.array([step.slope.denominator, step.slope.numerator], dtype=object)
                numerator = numerator * factors[(numerator < 0).astype(np.intp)]
                denominator *= step.slope.denominator
        norm = self.norm or IDENTITY_NORM
        mean, gamma = norm.mean, norm.gamma
        left = (numerator * mean.denominator - mean.numerator * denominator) * gamma.numerator
        factor_square = Fraction(denominator * mean.denominator * gamma.denominator) ** 2
        square = norm.beta**2 * norm.variance * factor_square
        bound = -floor_sqrt(square) if norm.beta >= 0 else ceil_sqrt(square)
        return np.asarray(left >= bound, dtype=np.bool_)

    def cuts(self) -> list[Fraction]:
        """The sums, ascending, at which the slope of :meth:`before_norm` may change."""
        # Pieces as (left end or None, slope, intercept) of the value as a function of the sum.
        pieces: list[tuple[Fraction | None, Fraction, Fraction]] = [(None, self.scale, Fraction(0))]
        for step in self.steps:
            if isinstance(step, ShiftStep):
                pieces = [(left, slope, at + step.value) for left, slope, at in pieces]
            else:
                pieces = list(_bend(pieces, step.slope))
        return [left for left, _, _ in pieces if left is not None]


def _bend(
    pieces: list[tuple[Fraction | None, Fraction, Fraction]], slope_below: Fraction
) -> Iterator[tuple[Fraction | None, Fraction, Fraction]]:
    """Pieces after a PReLU: cut where the value crosses zero, the negative part scaled."""
    ends: list[Fraction | None] = [left for left, _, _ in pieces[1:]]
    for (left, slope, at), right in zip(pieces, [*ends, None], strict=True):
        if slope == 0:
            factor = slope_below if at < 0 else Fraction(1)
            yield left, slope * factor, at * factor
            continue
        zero = -at / slope
        before, after = (slope_below, Fraction(1)) if slope > 0 else (Fraction(1), slope_below)
        if left is None or zero > left:
            yield left, slope * before, at * before
            if right is None or zero < right:
                yield zero, slope * after, at * after
        else:
            yield left, slope * after, at * after


def find_accept_set(formula: ChannelFormula, reach: Reach, where: str) -> AcceptSet:
    """The sums in ``reach`` that ``formula`` accepts.

    Raises
    ------
    UserError
        When the set is none of the six kinds (more than one PReLU with a negative slope).
    """
    runs = _accepted_runs(formula, reach)
    last = (reach.high - reach.low) // reach.step

    def value(index: int) -> int:
        return reach.low + index * reach.step

    match runs:
        case []:
            return AcceptSet(AcceptKind.NEVER)
        case [(0, stop)] if stop == last:
            return AcceptSet(AcceptKind.ALWAYS)
        case [(0, stop)]:
            return AcceptSet(AcceptKind.AT_MOST, high=value(stop))
        case [(start, stop)] if stop == last:
            return AcceptSet(AcceptKind.AT_LEAST, low=value(start))
        case [(start, stop)]:
            return AcceptSet(AcceptKind.INSIDE, value(start), value(stop))
        case [(0, inner), (outer, stop)] if stop == last:
            return AcceptSet(AcceptKind.OUTSIDE, value(inner), value(outer))
    raise UserError(
        f"{where}: the sums that give +1 fall into {len(runs)} separate ranges, hardware holds one range or "
        "the outside of one; use at most one prelu with a negative slope in this block"
    )


def _accepted_runs(formula: ChannelFormula, reach: Reach) -> list[tuple[int, int]]:
    """Accepted sums as runs ``(first, last)`` of indices into ``reach``, ascending, not touching."""
    count = (reach.high - reach.low) // reach.step + 1
    starts = [ceil((cut - reach.low) / reach.step) for cut in formula.cuts()]
    borders = sorted({0, count, *(start for start in starts if 0 < start < count)})

    def accepts(index: int) -> bool:
        return formula.accepts(reach.low + index * reach.step)

    runs: list[tuple[int, int]] = []
    for start, stop in pairwise(borders):
        # Between two cuts z is monotone in the sum, so acceptance changes once at most.
        first, last = accepts(start), accepts(stop - 1)
        if first == last:
            found = (start, stop - 1) if first else None
        else:
            same, other = start, stop - 1
            while other - same > 1:
                middle = (same + other) // 2
                same, other = (middle, other) if accepts(middle) == first else (same, middle)
            found = (start, same) if first else (other, stop - 1)
        if found and runs and runs[-1][1] + 1 == found[0]:
            runs[-1] = (runs[-1][0], found[1])
        elif found:
            runs.append(found)
    return runs
