from __future__ import annotations

import pytest

from bnn_hw.errors import UserError
from bnn_hw.generate import folding
from bnn_hw.generate.folding import Fold
from bnn_hw.generate.solver import solve


def test_window_shifts_count_every_word_once():
    # Simulated by hand: a register of 7, preloaded with 5 paddings, takes 3600 samples and the
    # paddings right of them that the last window (stride 2) reaches: 3604 positions less 5.
    from tests.reference import reference_network

    blocks = reference_network().blocks
    assert [folding.window_shifts(b) for b in blocks] == [3604, 903, 453, 228, 116, 60]


def test_override_names_the_nearest_legal_fold():
    from tests.reference import reference_network

    network = reference_network()
    solved = solve(network, 3700)
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
