"""How many bits the head's coefficients take.

Used once by freeze. Without data they take 25 bits. With data: the fewest bits, 16 at least, at which
no fragment changes its class against exact arithmetic and the error bound stays below the smallest
exact margin seen, so that the equality is proven for those fragments and not only observed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.freeze.head import HeadFormula, error_bound, exact_unit, scores
from bnn_hw.ir import Head, Network
from bnn_hw.ir.layers import MAX_COEFFICIENT_BITS

DEFAULT_BITS = 25
FEWEST_BITS = 16
# Scores travel in 64-bit words in the golden model and in the hardware's streams.
_MOST_SCORE_BITS = 63

Samples = npt.NDArray[np.integer[Any]]
Sums = npt.NDArray[np.int64]
# (network, samples) -> (S_plus, S_minus), each (fragments, classes) int64: a golden model.
HeadSums = Callable[[Network, Samples], tuple[Sums, Sums]]


@dataclass(frozen=True)
class HeadReport:
    """What was chosen and what it is good for; bound and margin in units of the scores.

    ``bound`` holds for every fragment there can be. ``fragments`` is 0 without calibration data,
    ``smallest_margin`` then None. ``ties`` counts fragments whose two best exact scores are equal,
    ``differences`` those whose class differs from exact arithmetic, ``below_bound`` those (without
    ties) with a score so close to the best that the bound of their own sums does not prove equality.
    """

    coefficient_bits: int
    exponent: int
    bound: float
    fragments: int = 0
    smallest_margin: float | None = None
    ties: int = 0
    below_bound: int = 0
    differences: int = 0


def choose_head(
    formula: HeadFormula,
    with_head: Callable[[Head], Network],
    samples: Samples | None,
    head_sums: HeadSums | None,
) -> tuple[Network, HeadReport]:
    """The network with its head, and the report.

    Parameters
    ----------
    formula
        Exact coefficients of the head.
    with_head
        Builds the network around a head.
    samples
        Prepared calibration fragments, integers, as ``head_sums`` takes them; None for none.
    head_sums
        Gives ``S_plus`` and ``S_minus`` of the last block; needed with ``samples``.

    Raises
    ------
    UserError
        When scores cannot be held in 63 bits, or there are samples and no fragment in them.
    """
    network, report = _at_width(formula, with_head, DEFAULT_BITS)
    if samples is None:
        return network, report
    if head_sums is None:
        raise TypeError("calibration samples need head_sums, a golden model")
    if len(samples) == 0:
        raise UserError("calibration: 0 fragments; give at least one, or none at all")
    s_plus, s_minus = head_sums(network, samples)
    best: tuple[Network, HeadReport] | None = None
    for bits in range(FEWEST_BITS, MAX_COEFFICIENT_BITS + 1):
        network, report = _at_width(formula, with_head, bits)
        if network.score_bits > _MOST_SCORE_BITS:
            break
        report = _observe(formula, network, report, s_plus, s_minus)
        if report.differences == 0 and report.below_bound == 0:
            return network, report
        if best is None or report.differences < best[1].differences:
            best = network, report
    if best is None:
        raise UserError(
            f"head: scores with {FEWEST_BITS}-bit coefficients do not fit {_MOST_SCORE_BITS} bits; shorten the "
            "last block's input"
        )
    return best


def _at_width(
    formula: HeadFormula, with_head: Callable[[Head], Network], bits: int
) -> tuple[Network, HeadReport]:
    exponent = formula.exponent_for(bits)
    network = with_head(formula.head(exponent))
    return network, HeadReport(
        bits, exponent, float(error_bound(network.blocks[-1], network.head_terms))
    )


def _observe(
    formula: HeadFormula, network: Network, report: HeadReport, s_plus: Sums, s_minus: Sums
) -> HeadReport:
    """The report of one width completed with what the fragments show."""
    unit, tie = exact_unit()
    exact = formula.exact_scores(report.exponent, s_plus, s_minus)
    best = exact.max(axis=1)
    # Ties go to the lowest class, as in the head.
    classes = np.asarray(best[:, None] - exact <= tie, dtype=np.bool_).argmax(axis=1)
    fixed = scores(
        (network.head.positive, network.head.negative, network.head.offset), s_plus, s_minus
    )
    fixed_classes = np.asarray(fixed == fixed.max(axis=1)[:, None], dtype=np.bool_).argmax(axis=1)
    margins: list[int] = []
    if network.classes > 1:
        margins = [int(row[-1] - row[-2]) for row in np.sort(exact, axis=1)]
    positive = [margin for margin in margins if margin > tie]
    close = _within_bound(exact, classes, s_plus, s_minus, unit)
    tied = np.array([margin <= tie for margin in margins], dtype=np.bool_)
    return HeadReport(
        coefficient_bits=report.coefficient_bits,
        exponent=report.exponent,
        bound=report.bound,
        fragments=len(s_plus),
        smallest_margin=min(positive) / unit if positive else None,
        ties=len(margins) - len(positive),
        below_bound=int(np.count_nonzero(close & ~tied)) if margins else 0,
        differences=int(np.count_nonzero(classes != fixed_classes)),
    )


def _within_bound(
    exact: npt.NDArray[Any],
    classes: npt.NDArray[np.int64],
    s_plus: Sums,
    s_minus: Sums,
    unit: int,
) -> npt.NDArray[np.bool_]:
    """Fragments with a class whose score rounding could bring to the best one's, ``(n,) bool``.

    A coefficient is off by at most 1/2, so the score of sums ``S_plus`` and ``S_minus`` by at most
    ``(S_plus + |S_minus| + 1) / 2``; two scores may move towards one another.
    """
    rows = np.arange(len(classes))
    twice_error = (s_plus - s_minus + 1).astype(object)
    margins = exact[rows, classes][:, None] - exact
    close = np.asarray(
        2 * margins <= (twice_error + twice_error[rows, classes][:, None]) * unit, dtype=np.bool_
    )
    close[rows, classes] = False
    return np.asarray(close.any(axis=1), dtype=np.bool_)
