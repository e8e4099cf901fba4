"""The exact predicate against an oracle of 500 decimal digits, and each kind of accept set."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bnn_hw.errors import UserError
from bnn_hw.freeze.exact import (
    ChannelFormula,
    NormStep,
    PreluStep,
    Root,
    ShiftStep,
    ceil_sqrt,
    find_accept_set,
    floor_sqrt,
)
from bnn_hw.ir import AcceptKind, AcceptSet, Reach

F = Fraction


def oracle(formula: ChannelFormula, m: int) -> bool:
    """``z >= 0`` in 500 digits; what is below 1e-300 is an exact zero for parameters of this size."""
    with localcontext() as context:
        context.prec = 500

        def real(value: Fraction) -> Decimal:
            return Decimal(value.numerator) / Decimal(value.denominator)

        x = Decimal(m) * real(formula.scale)
        for step in formula.steps:
            if isinstance(step, ShiftStep):
                x += real(step.value)
            elif x < 0 and abs(x) > Decimal("1e-300"):
                x *= real(step.slope)
        if formula.norm is not None:
            norm = formula.norm
            x = real(norm.gamma) * (x - real(norm.mean)) / real(norm.variance).sqrt()
            x += real(norm.beta)
        return x > Decimal("-1e-300")


# Quarters meet thresholds exactly all the time, doubles hardly ever.
quarters = st.integers(-40, 40).map(lambda k: F(k, 4))
# Not below 1e-6: the oracle's digits must tell a product of several from zero.
doubles = st.floats(1e-6, 64, allow_nan=False).map(F)
numbers = quarters | doubles | doubles.map(lambda value: -value)
squares = st.integers(1, 20).map(lambda k: F(k, 4) ** 2)
variances = squares | st.floats(1e-3, 1e3, allow_nan=False).map(F)
norms = st.none() | st.builds(NormStep, numbers, numbers, numbers, variances)
steps = st.lists(st.builds(ShiftStep, numbers) | st.builds(PreluStep, numbers), max_size=3)
formulas = st.builds(
    ChannelFormula,
    st.sampled_from((F(1), F(1, 2), F(0.005), F(1, 3))),
    steps.map(tuple),
    norms,
)
reaches = st.integers(1, 60).map(lambda k: Reach(-k, k, 2)) | st.builds(
    lambda low, size: Reach(low, low + size, 1), st.integers(-90, 0), st.integers(0, 180)
)


@settings(max_examples=600, deadline=None)
@given(formulas, reaches)
@example(ChannelFormula(F(1), (), NormStep(F(1), F(-2), F(3), F(4))), Reach(-9, 9, 2))
@example(
    ChannelFormula(F(1), (PreluStep(F(-1, 2)),), NormStep(F(-1), F(3), F(0), F(1))), Reach(-9, 9, 1)
)
def test_all_routes_equal_the_oracle(formula: ChannelFormula, reach: Reach) -> None:
    sums = reach.values()
    expected = [oracle(formula, int(m)) for m in sums]
    assert [formula.accepts(int(m)) for m in sums] == expected
    assert formula.accepts_all(sums).tolist() == expected
    runs = 1 + sum(a != b for a, b in pairwise(expected))
    representable = runs <= 3
    if not representable:
        with pytest.raises(UserError, match=r"here, channel 1: the sums that give \+1 fall into"):
            find_accept_set(formula, reach, "here, channel 1")
        return
    accept = find_accept_set(formula, reach, "here")
    accept.check_reach(reach, "here")
    assert accept.accepts(sums).tolist() == expected


def chain(*steps: ShiftStep | PreluStep, norm: tuple[object, ...] | None = None) -> ChannelFormula:
    return ChannelFormula(F(1), steps, NormStep(*map(F, norm)) if norm else None)


@pytest.mark.parametrize(
    ("formula", "accept"),
    [
        # gamma > 0, exact tie: (m - 3) / 2 + 1 = 0 at m = 1, which is +1.
        (chain(norm=(1, 1, 3, 4)), AcceptSet(AcceptKind.AT_LEAST, low=1)),
        # gamma < 0, the same tie from the other side.
        (chain(norm=(-1, 1, 3, 4)), AcceptSet(AcceptKind.AT_MOST, high=5)),
        # gamma = 0: the sign of beta, and beta = 0 is +1.
        (chain(norm=(0, -0.5, 3, 4)), AcceptSet(AcceptKind.NEVER)),
        (chain(norm=(0, 0, 3, 4)), AcceptSet(AcceptKind.ALWAYS)),
        (chain(norm=(0, 0.5, 3, 4)), AcceptSet(AcceptKind.ALWAYS)),
        # Slope below 0 is a V.
        (chain(PreluStep(F(-1)), norm=(-1, 3, 0, 1)), AcceptSet(AcceptKind.INSIDE, -3, 3)),
        (chain(PreluStep(F(-1)), norm=(1, -3, 0, 1)), AcceptSet(AcceptKind.OUTSIDE, -3, 3)),
        (chain(PreluStep(F(-1, 2)), norm=(-1, 2, 0, 1)), AcceptSet(AcceptKind.INSIDE, -3, 1)),
        (chain(PreluStep(F(-3))), AcceptSet(AcceptKind.ALWAYS)),
        (chain(PreluStep(F(-1)), norm=(-1, -1, 0, 1)), AcceptSet(AcceptKind.NEVER)),
        # A V cut by the reach is one-sided again.
        (chain(PreluStep(F(-1, 8)), norm=(1, -3, 0, 1)), AcceptSet(AcceptKind.AT_LEAST, low=3)),
        (chain(PreluStep(F(-1, 8)), norm=(-1, 3, 0, 1)), AcceptSet(AcceptKind.AT_MOST, high=3)),
        # Slope 0: flat below zero, on the threshold or beside it.
        (chain(PreluStep(F(0))), AcceptSet(AcceptKind.ALWAYS)),
        (chain(PreluStep(F(0)), norm=(1, -1, 0, 1)), AcceptSet(AcceptKind.AT_LEAST, low=1)),
        (chain(PreluStep(F(0)), norm=(-1, 0, 0, 1)), AcceptSet(AcceptKind.AT_MOST, high=-1)),
        # Shifts before and after the PReLU.
        (
            chain(ShiftStep(F(2)), PreluStep(F(1, 4)), ShiftStep(F(-1))),
            AcceptSet(AcceptKind.AT_LEAST, low=-1),
        ),
        (
            chain(ShiftStep(F(2)), PreluStep(F(-1)), ShiftStep(F(-3))),
            AcceptSet(AcceptKind.OUTSIDE, -5, 1),
        ),
    ],
)
def test_kinds(formula: ChannelFormula, accept: AcceptSet) -> None:
    assert find_accept_set(formula, Reach(-7, 7, 2), "here") == accept


@pytest.mark.parametrize(("variance", "first"), [(2, 3), (F(9, 4), 3), (F(9001, 4000), 5)])
def test_irrational_threshold(variance: Fraction, first: int) -> None:
    """m >= 2 sqrt(variance): 2.83, exactly 3, and 3.0002."""
    formula = chain(norm=(1, -2, 0, variance))
    assert find_accept_set(formula, Reach(-7, 7, 2), "here").low == first


def test_extreme_parameters_stay_exact() -> None:
    tiny, huge = F(5e-324), F(1.7e308)
    formula = ChannelFormula(F(1), (PreluStep(tiny),), NormStep(huge, tiny, F(0), tiny))
    sums = Reach(-3, 3, 1).values()
    expected = [oracle_sign(formula, int(m)) for m in sums]
    assert formula.accepts_all(sums).tolist() == expected
    assert [formula.accepts(int(m)) for m in sums] == expected


def oracle_sign(formula: ChannelFormula, m: int) -> bool:
    with localcontext() as context:
        context.prec = 3000
        norm = formula.norm
        assert norm is not None
        x = formula.before_norm(m)
        left = norm.gamma * (x - norm.mean)
        root = (Decimal(norm.variance.numerator) / Decimal(norm.variance.denominator)).sqrt()
        beta = Decimal(norm.beta.numerator) / Decimal(norm.beta.denominator)
        return Decimal(left.numerator) / Decimal(left.denominator) + beta * root >= 0


@given(st.integers(0, 10**6), st.integers(1, 1000))
def test_square_roots(numerator: int, denominator: int) -> None:
    value = F(numerator, denominator)
    low, high = floor_sqrt(value), ceil_sqrt(value)
    assert low**2 <= value < (low + 1) ** 2
    assert high**2 >= value and (high == 0 or (high - 1) ** 2 < value)


@settings(max_examples=300)
@given(numbers, numbers, variances, st.integers(-12, 40))
def test_rounding(rational: Fraction, factor: Fraction, radicand: Fraction, exponent: int) -> None:
    found = Root(rational, factor, radicand).rounded(exponent)
    with localcontext() as context:
        context.prec = 400
        real = Decimal(rational.numerator) / rational.denominator
        root = (Decimal(radicand.numerator) / radicand.denominator).sqrt()
        real += Decimal(factor.numerator) / factor.denominator / root
        scaled = real * Decimal(2) ** exponent
        # nearest, halves upwards; what differs from a half by less than 1e-300 is the half.
        distance = scaled - found
        assert Decimal("-0.5") - Decimal("1e-300") <= distance < Decimal("0.5") - Decimal("1e-300")


def test_rounding_halves_go_up() -> None:
    assert Root(F(5, 2), F(0), F(1)).rounded(0) == 3
    assert Root(F(-5, 2), F(0), F(1)).rounded(0) == -2
    assert Root(F(0), F(-5), F(4)).rounded(0) == -2
    assert Root(F(1), F(3), F(4)).rounded(0) == 3


def test_every_kind_by_exhaustion_over_a_grid() -> None:
    """All small parameters on a grid; every kind must occur, every set must equal the oracle."""
    kinds = set()
    reach = Reach(-5, 5, 1)
    grid = [F(-2), F(-1, 2), F(0), F(1, 2), F(2)]
    for slope in grid:
        for gamma in grid:
            for beta in grid:
                for mean in (F(-1), F(0), F(1)):
                    formula = ChannelFormula(
                        F(1), (PreluStep(slope),), NormStep(gamma, beta, mean, F(4))
                    )
                    accept = find_accept_set(formula, reach, "here")
                    expected = [oracle(formula, m) for m in range(-5, 6)]
                    assert accept.accepts(np.arange(-5, 6)).tolist() == expected
                    kinds.add(accept.kind)
    assert kinds == set(AcceptKind)
