from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnn_hw.errors import UserError
from bnn_hw.generate import folding
from bnn_hw.generate.folding import Fold
from tests.strategies import networks


@settings(max_examples=60, deadline=None)
@given(network=networks(), slack=st.floats(1.0, 50.0))
def test_solution_is_legal_and_within_the_target(network, slack):
    limit = folding.fastest(network).cycles
    target = int(limit * slack)
    solved = folding.solve(network, target)
    assert solved.cycles <= target
    for block, fold in zip(network.blocks, solved.folds, strict=True):
        assert block.out_channels % fold.pe == 0
        assert block.fan_in % fold.simd == 0


@settings(max_examples=30, deadline=None)
@given(network=networks())
def test_solution_is_the_cheapest_of_each_layer(network):
    target = 3 * folding.fastest(network).cycles
    solved = folding.solve(network, target)
    for block, fold in zip(network.blocks, solved.folds, strict=True):
        for other in folding.legal_folds(block):
            if folding.held_cycles(network, block, other) <= target:
                assert folding.lut_cost(block, fold) <= folding.lut_cost(block, other)


@settings(max_examples=20, deadline=None)
@given(network=networks())
def test_too_fast_a_target_is_refused_with_the_nearest_legal(network):
    limit = folding.fastest(network).cycles
    with pytest.raises(UserError, match=f"nearest legal is {limit}"):
        folding.solve(network, limit - 1)
    assert folding.solve(network, limit).cycles == limit


def test_window_shifts_count_every_word_once():
    # Simulated by hand: a register of 7, preloaded with 5 paddings, takes 3600 samples and the
    # paddings right of them that the last window (stride 2) reaches: 3604 positions less 5.
    from tests.reference import reference_network

    blocks = reference_network().blocks
    assert [folding.window_shifts(b) for b in blocks] == [3604, 903, 453, 228, 116, 60]


def test_override_names_the_nearest_legal_fold():
    from tests.reference import reference_network

    network = reference_network()
    solved = folding.solve(network, 3700)
    with pytest.raises(
        UserError, match=r"conv2: PE=3 does not divide its 16 output channels; nearest legal is 4"
    ):
        folding.override(network, solved, {"conv2": (3, 56)})
    with pytest.raises(
        UserError, match=r"SIMD=10 does not divide its 56 window elements; nearest legal is 8"
    ):
        folding.override(network, solved, {"conv2": (4, 10)})
    with pytest.raises(UserError, match="'conv9'"):
        folding.override(network, solved, {"conv9": (1, 1)})
    changed = folding.override(network, solved, {"conv2": (2, 8)})
    assert changed.folds[1] == Fold(2, 8)
    assert changed.folds[0] == solved.folds[0]


def test_divisors():
    for number in range(1, 200):
        assert folding.divisors(number) == [d for d in range(1, number + 1) if number % d == 0]
