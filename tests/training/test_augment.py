from __future__ import annotations

import torch

from bnn_hw.training.augment import Fragments, augment
from bnn_hw.training.experiment import AugmentationConfig


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def samples() -> torch.Tensor:
    return torch.randint(-1024, 1024, (16, 50), generator=generator()).float()


def test_off_changes_nothing() -> None:
    assert torch.equal(augment(samples(), AugmentationConfig(), 11, generator()), samples())


def test_result_is_integers_of_the_input_range() -> None:
    config = AugmentationConfig(shift_samples=9, gain=(0.5, 2.0), baseline=50, noise=5)
    result = augment(samples(), config, 11, generator())
    assert torch.equal(result, result.round())
    assert (result.min().item(), result.max().item()) == (-1024, 1023)
    assert torch.equal(result, augment(samples(), config, 11, generator()))


def test_shift_is_a_rotation_within_its_bounds() -> None:
    result = augment(samples(), AugmentationConfig(shift_samples=2), 11, generator())
    shifts = set()
    for before, after in zip(samples(), result, strict=True):
        fitting = [s for s in range(-2, 3) if torch.equal(before.roll(s), after)]
        assert len(fitting) == 1
        shifts.add(fitting[0])
    assert shifts == {-2, -1, 0, 1, 2}


def test_gain_and_baseline_are_one_draw_a_fragment() -> None:
    flat = torch.full((200, 5), 100.0)
    gained = augment(flat, AugmentationConfig(gain=(0.8, 1.25)), 11, generator())
    assert all(len(set(row)) == 1 for row in gained.tolist())
    assert gained.min() >= 80
    assert gained.max() <= 125
    assert len(gained.unique()) > 20
    moved = augment(flat, AugmentationConfig(baseline=10), 11, generator())
    assert all(len(set(row)) == 1 for row in moved.tolist())
    assert (moved.min().item(), moved.max().item()) == (90, 110)
