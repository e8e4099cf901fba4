"""The solver against brute force over every legal folding, and its refusals."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnn_hw.assets import models_dir
from bnn_hw.errors import UserError
from bnn_hw.generate import folding
from bnn_hw.generate.estimate import area, estimate, load_coefficients
from bnn_hw.generate.estimate_stages import BlockTerms
from bnn_hw.generate.estimate_terms import block_rams, head_terms
from bnn_hw.generate.folding import Fold, Folding
from bnn_hw.generate.latency import latency_cycles
from bnn_hw.generate.solver import (
    Goal,
    cycles_for_rate,
    default_latency,
    place_roms,
    solve,
    solve_fastest,
    solve_smallest,
)
from bnn_hw.ir import Network
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.file import load_network
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
    last = chosen.folds[-1]
    cells.append(head_terms(network, *terms.lanes(last), folding.score_pairs(network, last)))
    return area(cells, load_coefficients("xc7")).lut


def every_fold(block: Block) -> list[Fold]:
    """Every legal fold with its weights in LUTs."""
    return [*folding.legal_folds(block), *folding.digit_folds(block)]


def all_foldings(network: Network) -> list[Folding]:
    """Every legal folding; assumes that they are few."""
    choices = [every_fold(block) for block in network.blocks]
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
    smallest, fastest = (
        solve_smallest(network),
        solve_fastest(network, goal=Goal(samples_per_beat=1)),
    )
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
        assert fold in every_fold(block)


@settings(max_examples=20, deadline=None)
@given(network=networks())
def test_too_fast_a_target_is_refused_with_the_nearest_legal(network):
    limit = solve_fastest(network).cycles
    with pytest.raises(UserError, match=f"nearest legal is {limit}") as refused:
        solve(network, limit - 1)
    assert "\n" not in str(refused.value)
    assert solve(network, limit).cycles == limit


@settings(max_examples=15, deadline=None)
@given(network=networks(max_blocks=2), slack=st.floats(1.0, 20.0), rams=st.integers(1, 6))
def test_no_place_for_the_weights_is_smaller(network, slack, rams):
    """Among foldings with whole words in LUTs or in block RAM; parts of words only save more."""
    target = int(folding.fastest(network).cycles * slack)
    solved = solve(network, target, goal=Goal(rams))
    assert solved.cycles <= target
    taken = [
        block_rams(fold.block_bits, fold.steps(block))
        for block, fold in zip(network.blocks, solved.folds, strict=True)
    ]
    assert sum(taken) <= rams
    assert luts(network, solved) <= luts(network, solve(network, target)) + 1e-6
    fixed = place_roms(network, solve(network, target), goal=Goal(rams))
    assert luts(network, solved) <= luts(network, fixed) + 1e-6
    everything = solve(network, target, goal=Goal(None))
    for block, fold in zip(network.blocks, everything.folds, strict=True):
        assert fold.block_bits == (fold.pe * fold.simd if fold.steps(block) > 1 else 0)


def test_shipped_networks_meet_cycles_latency_and_block_rams_at_once():
    for name in ("ecg5", "ecg17"):
        network = load_network(models_dir() / f"{name}.json")
        limit = default_latency(network)
        assert limit == 600
        solved = solve(network, 3700, goal=Goal(8, limit))
        assert solved.cycles <= 3700
        assert latency_cycles(network, solved.folds) <= limit
        assert estimate(network, solved).bram <= 4
        free = solve(network, 3700, goal=Goal(8))
        assert luts(network, free) <= luts(network, solved)
        with pytest.raises(UserError, match="nearest found is"):
            solve(network, 3700, goal=Goal(8, 10))


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
