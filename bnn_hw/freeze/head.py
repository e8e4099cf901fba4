"""The head in fixed point: coefficients, their exact scores and the error they can make.

Used by freeze after the thresholds and by the proof. Reads the last block's exact formulas; gives
integer coefficients for a chosen width. The score of a class, in the units of the coefficients, is
``positive * S_plus + negative * S_minus + offset``; ``docs/freezing.md`` derives it and its bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.freeze.exact import IDENTITY_NORM, ChannelFormula, PreluStep, Root
from bnn_hw.ir import Head
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.layers import signed_bits

# Products and quotients of doubles stay far inside 2**-4000 to 2**4000.
_MAX_EXPONENT = 4000
# Scores at this many more bits stand for the exact ones; see HeadFormula.exact_scores.
_EXTRA_BITS = 192
_TIE_BITS = 100


@dataclass(frozen=True)
class ClassFormula:
    """The three real coefficients of one class: logits are summed, not averaged, over time."""

    positive: Root
    negative: Root
    offset: Root


@dataclass(frozen=True)
class HeadFormula:
    """All classes, and how many times more the largest pooled sum of each counts."""

    classes: tuple[ClassFormula, ...]
    peak_weight: int = 0

    def head(self, exponent: int) -> Head:
        """Coefficients rounded to multiples of ``2**-exponent``, halves upwards.

        Every class shares one unit and arg-max does not change when all scores are multiplied by
        the same positive number. A unit outside ``2**0`` to ``2**-64`` is therefore written as the
        nearest of them: ``fraction_bits`` is the exponent brought into 0 to 64.
        """
        positive, negative, offset = self._rounded(exponent)
        return Head(positive, negative, offset, min(max(exponent, 0), 64), self.peak_weight)

    def _rounded(self, exponent: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        return (
            tuple(c.positive.rounded(exponent) for c in self.classes),
            tuple(c.negative.rounded(exponent) for c in self.classes),
            tuple(c.offset.rounded(exponent) for c in self.classes),
        )

    def exponent_for(self, width: int) -> int:
        """The largest exponent at which no coefficient takes more than ``width`` bits.

        0 where every coefficient is exactly 0.
        """

        def fits(exponent: int) -> bool:
            return all(signed_bits(values) <= width for values in self._rounded(exponent))

        low, high = -_MAX_EXPONENT, _MAX_EXPONENT
        if fits(high):
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    def exact_scores(
        self, exponent: int, s_plus: npt.NDArray[np.int64], s_minus: npt.NDArray[np.int64]
    ) -> npt.NDArray[Any]:
        """Scores ``(fragments, classes)`` as Python integers in units of ``2**-(exponent + 192)``.

        The coefficients are real numbers rounded 192 bits further than those of the head, so a
        difference of two scores is off by less than ``2**-100`` of the head's unit: two scores that
        close are taken as a tie. Classes with equal parameters have equal coefficients here too.
        """
        return scores(self._rounded(exponent + _EXTRA_BITS), s_plus, s_minus)


def exact_unit() -> tuple[int, int]:
    """The head's unit, and the difference taken as a tie, in units of the exact scores."""
    return 1 << _EXTRA_BITS, 1 << (_EXTRA_BITS - _TIE_BITS)


def scores(
    coefficients: Sequence[Sequence[int]],
    s_plus: npt.NDArray[np.int64],
    s_minus: npt.NDArray[np.int64],
) -> npt.NDArray[Any]:
    """``positive * S_plus + negative * S_minus + offset`` as Python integers, any width."""
    positive, negative, offset = (np.array(list(c), dtype=object) for c in coefficients)
    result: npt.NDArray[Any] = (
        s_plus.astype(object) * positive + s_minus.astype(object) * negative + offset
    )
    return result


def head_formula(
    formulas: tuple[ChannelFormula, ...], length: int, where: str, peak_weight: int = 0
) -> HeadFormula:
    """The head of the last block, whose pooled sums have ``length`` positions.

    ``logit = g * (S_plus + a * S_minus) + n * b`` with ``g = scale * gamma / sqrt(variance)`` and
    ``b = beta - mean * gamma / sqrt(variance)``; ``n`` is ``length + peak_weight``, since the
    largest pooled sum stands in both sums ``peak_weight`` times more.
    """
    terms = length + peak_weight
    classes = []
    for formula in formulas:
        norm = formula.norm or IDENTITY_NORM
        if any(not isinstance(step, PreluStep) for step in formula.steps) or len(formula.steps) > 1:
            raise UserError(f"{where}: the block of the head takes one prelu and one batch_norm")
        slope = Fraction(1)
        for step in formula.steps:
            if isinstance(step, PreluStep):
                slope = step.slope
        gain = formula.scale * norm.gamma
        classes.append(
            ClassFormula(
                positive=Root(Fraction(0), gain, norm.variance),
                negative=Root(Fraction(0), gain * slope, norm.variance),
                offset=Root(terms * norm.beta, -terms * norm.mean * norm.gamma, norm.variance),
            )
        )
    return HeadFormula(tuple(classes), peak_weight)


def error_bound(last: Block, terms: int) -> Fraction:
    """Largest error of a difference of two scores, in units of the coefficients.

    A rounded coefficient is off by at most 1/2, so a score by at most
    ``(S_plus + |S_minus| + 1) / 2``, and ``S_plus + |S_minus|`` is at most ``terms`` times the
    largest sum. A difference of two scores is off by at most the two errors together. A fragment
    whose exact margin is above this bound cannot change its class, whatever its samples.
    """
    reaches = [last.reach(channel) for channel in range(last.out_channels)]
    largest = sorted(terms * max(abs(r.low), abs(r.high)) for r in reaches)[-2:]
    return sum((Fraction(value + 1, 2) for value in largest), Fraction(0))
