"""When a difference between torch and golden is the rounding of doubles, and nothing else.

Two things must hold: exact arithmetic gives golden's answer, and torch's own value lies as close to
the border as the rounding of its terms can carry it. A torch network that computes something else
fails the second, a frozen network that is wrong the first.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.freeze.exact import IDENTITY_NORM, ChannelFormula, Root, ShiftStep
from bnn_hw.freeze.head import HeadFormula, exact_unit

# A block takes fewer than 2**10 operations on doubles, each off by at most 2**-53 of its terms.
_RELATIVE_ROUNDING = 2.0**-43


def bit_is_rounding(formula: ChannelFormula, total: int, value: float, golden: bool) -> bool:
    """Whether torch's ``value`` before the sign stands on the wrong side only by rounding.

    ``total`` is the integer sum it was computed from, ``golden`` whether golden accepts that sum.
    """
    exact = bool(formula.accepts_all(np.array([total], dtype=np.int64))[0])
    return exact == golden and abs(value) <= _RELATIVE_ROUNDING * _terms(formula, total)


def _terms(formula: ChannelFormula, total: int) -> float:
    """Sum of the magnitudes of everything that is added up on the way to the sign."""
    size: Fraction = abs(total * formula.scale)
    for step in formula.steps:
        if isinstance(step, ShiftStep):
            size += abs(step.value)
        else:
            size *= max(Fraction(1), abs(step.slope))
    norm = formula.norm or IDENTITY_NORM
    gain = abs(float(norm.gamma)) / sqrt(float(norm.variance))
    return gain * float(size + abs(norm.mean)) + abs(float(norm.beta))


def class_is_rounding(
    formula: HeadFormula,
    terms: int,
    s_plus: npt.NDArray[np.int64],
    s_minus: npt.NDArray[np.int64],
    logits: npt.NDArray[Any],
    golden: int,
) -> bool:
    """Whether torch's highest logit is another class than ``golden`` only by rounding.

    ``s_plus``, ``s_minus`` and ``logits`` are those of one fragment, ``(classes,)``.
    """
    scores = formula.exact_scores(0, s_plus[np.newaxis], s_minus[np.newaxis])[0]
    _, tie = exact_unit()
    exact = int(np.flatnonzero(max(scores) - scores <= tie)[0])
    sizes = [
        _size(entry.positive) * float(plus)
        + _size(entry.negative) * abs(float(minus))
        + _size(entry.offset)
        for entry, plus, minus in zip(formula.classes, s_plus, s_minus, strict=True)
    ]
    gap = float(logits.max() - logits[golden])
    return exact == golden and gap <= _RELATIVE_ROUNDING * max(sizes) / terms


def _size(root: Root) -> float:
    return abs(float(root.rational)) + abs(float(root.factor)) / sqrt(float(root.radicand))
