"""The solver against brute force over every legal folding, and its refusals."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnn_hw.errors import UserError
from bnn_hw.generate import folding
from bnn_hw.generate.estimate import area, estimate, load_coefficients
from bnn_hw.generate.estimate_stages import BlockTerms
from bnn_hw.generate.estimate_terms import head_terms
from bnn_hw.generate.folding import Folding
from bnn_hw.generate.solver import cycles_for_rate, solve, solve_fastest, solve_smallest
from bnn_hw.ir import Network
from tests.reference import reference_network
from tests.strategies import networks

_MOST_FOLDINGS = 4000


def luts(network: Network, chosen: Folding) -> float:
    """LUTs of all that a folding changes, unrounded."""
    cells, before = [], None
    for block, fold in zip(network.blocks, chosen.folds, strict=True):
        terms = BlockTerms(block)
        cells += [terms.input_fifo(fold, before), *terms.cells(fold)]
        before = block, fold
    cells.append(head_terms(network, *terms.lanes(chosen.folds[-1])))
    return area(cells, load_coefficients("xc7")).lut


def all_foldings(network: Network) -> list[Folding]:
    """Every legal folding; assumes that they are few."""
    choices = [folding.legal_folds(block) for block in network.blocks]
    count = 1
    for of_block in choices:
        count *= len(of_block)
    assume(count <= _MOST_FOLDINGS)
    return [folding.folding_of(network, folds) for folds in product(*choices)]


@settings(max_examples=40, deadline=None)
@given(network=networks(max_blocks=2), slack=st.floats(1.0, 20.0))
def test_no_legal_folding_within_the_target_is_smaller(network, slack):
    target = int(folding.fastest(network).cycles * slack)
    within = [f for f in all_foldings(network) if f.cycles <= target]
    solved = solve(network, target)
    assert solved in within
    assert luts(network, solved) == pytest.approx(min(luts(network, f) for f in within), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(network=networks(max_blocks=2))
def test_smallest_and_fastest_are_the_ends_of_the_space(network):
    every = all_foldings(network)
    smallest, fastest = solve_smallest(network), solve_fastest(network)
    assert luts(network, smallest) == pytest.approx(min(luts(network, f) for f in every), abs=1e-6)
    fewest = min(f.cycles for f in every)
    assert fastest.cycles == fewest
    assert luts(network, fastest) == pytest.approx(
        min(luts(network, f) for f in every if f.cycles == fewest), abs=1e-6
    )


@settings(max_examples=60, deadline=None)
@given(network=networks(), slack=st.floats(1.0, 50.0))
def test_solution_is_legal_and_within_the_target(network, slack):
    target = int(folding.fastest(network).cycles * slack)
    solved = solve(network, target)
    assert solved.cycles <= target
    for block, fold in zip(network.blocks, solved.folds, strict=True):
        assert fold in folding.legal_folds(block)


@settings(max_examples=20, deadline=None)
@given(network=networks())
def test_too_fast_a_target_is_refused_with_the_nearest_legal(network):
    limit = folding.fastest(network).cycles
    with pytest.raises(UserError, match=f"nearest legal is {limit}") as refused:
        solve(network, limit - 1)
    assert "\n" not in str(refused.value)
    assert solve(network, limit).cycles == limit


def test_more_cycles_never_take_more_luts():
    network = reference_network()
    found = [estimate(network, solve(network, c)).lut for c in (3700, 5000, 10_000, 100_000)]
    assert found == sorted(found, reverse=True)
    assert estimate(network, solve_smallest(network)).lut <= found[-1]


@settings(max_examples=100, deadline=None)
@given(rate=st.floats(0.01, 1e6), clock=st.floats(0.01, 1000))
def test_a_rate_is_met_or_refused_with_a_rate_and_a_clock_that_are_met(rate, clock):
    network = reference_network()
    try:
        cycles = cycles_for_rate(network, rate, clock)
    except UserError as refused:
        nearest_rate, nearest_clock = _nearest(str(refused))
        if nearest_rate > 0:
            assert cycles_for_rate(network, nearest_rate, clock) >= 1
        assert cycles_for_rate(network, rate, nearest_clock) >= 1
    else:
        assert clock * 1e6 / cycles >= rate * (1 - 1e-9)
        assert solve(network, cycles).cycles <= cycles


def _nearest(message: str) -> tuple[float, float]:
    rate, clock = message.split("nearest legal are ")[1].split(" fragments/s at this clock, or ")
    return float(rate), float(clock.split(" MHz")[0])


@pytest.mark.parametrize(
    ("rate", "clock"), [(0.0, 100.0), (-1.0, 100.0), (10.0, 0.0), (float("nan"), 1.0)]
)
def test_a_rate_or_clock_that_is_not_above_0_is_refused(rate, clock):
    with pytest.raises(UserError, match="above 0"):
        cycles_for_rate(reference_network(), rate, clock)
