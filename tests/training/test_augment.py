from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bnn_hw.training.augment import RATE_HZ, Fragments, augment, seam_lengths
from bnn_hw.training.experiment import AugmentationConfig

BITS = 11


def generator(seed: int = 4) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def samples() -> Tensor:
    return torch.randint(-1024, 1024, (16, 50), generator=generator()).float()


def whole(rows: Tensor, search: int = 0) -> Fragments:
    return Fragments(rows, seam_lengths(rows, search))


def augmented(rows: Tensor, bits: int = BITS, seed: int = 4, **config: Any) -> Tensor:
    plan = AugmentationConfig.model_validate(config)
    return augment(whole(rows), plan, bits, generator(seed))


EVERYTHING: dict[str, Any] = {
    "shift_samples": 9,
    "gain": (0.5, 2.0),
    "disturbed_share": 0.5,
    "wander": 40.0,
    "baseline": 50.0,
    "noise": 5.0,
}


def test_off_changes_nothing() -> None:
    drawn = generator()
    # Lengths below the fragment's own: without a shift nothing is cut at the seam either.
    given_in = Fragments(samples(), torch.full((16, 1), 37))
    result = augment(given_in, AugmentationConfig(), BITS, drawn)
    assert torch.equal(result, samples())
    assert torch.equal(drawn.get_state(), generator().get_state())  # nothing was drawn


def test_result_is_integers_of_the_input_range() -> None:
    result = augmented(samples(), **EVERYTHING)
    assert torch.equal(result, result.round())
    assert (result.min().item(), result.max().item()) == (-1024, 1023)


def test_rounds_half_to_even() -> None:
    halves = torch.tensor([[0.5, 1.5, 2.5, -0.5, -1.5]])
    assert augmented(halves).tolist() == [[0, 2, 2, 0, -2]]


def test_two_equal_factors_are_a_fixed_gain() -> None:
    rows = torch.tensor([[1.0, -3.0, 700.0]])
    assert augmented(rows, gain=(2.0, 2.0)).tolist() == [[2, -6, 1023]]


def test_the_generator_alone_decides() -> None:
    torch.manual_seed(1)
    one = augmented(samples(), **EVERYTHING)
    torch.manual_seed(2)
    assert torch.equal(one, augmented(samples(), **EVERYTHING))
    assert not torch.equal(one, augmented(samples(), seed=5, **EVERYTHING))


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_augmentation_alone_does_something(name: str) -> None:
    assert not torch.equal(augmented(samples(), **{name: EVERYTHING[name]}), samples())


def test_shift_is_a_rotation_within_its_bounds() -> None:
    result = augmented(samples(), shift_samples=2)
    shifts = set()
    for before, after in zip(samples(), result, strict=True):
        fitting = [s for s in range(-2, 3) if torch.equal(before.roll(s), after)]
        assert len(fitting) == 1
        shifts.add(fitting[0])
    assert shifts == {-2, -1, 0, 1, 2}


def test_gain_and_baseline_are_one_draw_a_fragment() -> None:
    flat = torch.full((200, 5), 100.0)
    gained = augmented(flat, gain=(0.8, 1.25))
    assert all(len(set(row)) == 1 for row in gained.tolist())
    assert gained.min() >= 80
    assert gained.max() <= 125
    assert len(gained.unique()) > 20
    moved = augmented(flat, baseline=10)
    assert all(len(set(row)) == 1 for row in moved.tolist())
    assert (moved.min().item(), moved.max().item()) == (90, 110)


# The seam.


def test_no_search_and_fragments_too_short_have_full_lengths() -> None:
    rows = torch.zeros((3, 2000))
    assert seam_lengths(rows, 0).tolist() == [[2000]] * 3
    # No length falls below half of the fragment, nor below the stretch that is looked for.
    assert seam_lengths(rows, 701).tolist() == [[2000]] * 3
    assert seam_lengths(rows, 700).tolist() == [[1000]] * 3
    assert seam_lengths(rows[:, :602], 3).tolist() == [[602]] * 3
    assert seam_lengths(rows[:, :602], 1).tolist() == [[301]] * 3
    assert seam_lengths(rows[:, :40], 5).tolist() == [[40]] * 3


@pytest.mark.parametrize("length", [1340, 1341, 1499, 1700])
def test_the_seam_is_where_the_start_comes_again(length: int) -> None:
    rows = torch.randint(-500, 500, (300, 2000), generator=generator()).float()
    # More rows than are worked through at once; every other one starts over later.
    lengths = torch.tensor([length, 1700] * 150)
    for row, at in zip(rows, lengths.tolist(), strict=True):
        row[at : at + 300] = row[:300] + torch.tensor([1.0, -1.0]).repeat(150)
    assert torch.equal(seam_lengths(rows, 360)[:, 0], lengths)


@settings(deadline=None, max_examples=60)
@given(
    time=st.integers(1320, 2400),
    period=st.integers(2, 361),
    phase=st.integers(0, 360),
    seed=st.integers(0, 99),
)
def test_rotated_at_the_seam_a_periodic_signal_stays_periodic(
    time: int, period: int, phase: int, seed: int
) -> None:
    # All values of a period are distinct, so it repeats after `period` samples and never sooner.
    beat = torch.randperm(period, generator=generator(seed)).float()
    row = beat[(torch.arange(time) + phase) % period]
    rows = row.expand(4, -1)
    shifted = AugmentationConfig(shift_samples=1800, seam_samples=360)
    fragments = whole(rows, search=360)
    assert set((fragments.lengths % period).flatten().tolist()) == {0}
    result = augment(fragments, shifted, BITS, generator(seed))
    assert torch.equal(result[:, period:], result[:, :-period])
    for signal in result:
        peaks = torch.nonzero(signal == period - 1).flatten()
        assert len(peaks) >= time // period
        assert set(peaks.diff().tolist()) == {period}


def test_rotated_at_the_full_length_it_does_not() -> None:
    rows = (torch.arange(1500) % 280).float().expand(40, -1)
    irregular = [
        set(torch.nonzero(row == 279).flatten().diff().tolist()) != {280}
        for row in augmented(rows, shift_samples=700)
    ]
    # The one odd distance, 380, is seen unless the fragment's ends lie in it: 1120 of 1500 draws.
    assert sum(irregular) > 20


def test_rows_are_taken_with_all_that_belongs_to_them() -> None:
    rows = torch.arange(12.0).reshape(4, 3)
    fragments = Fragments(rows, torch.tensor([[3], [2], [1], [3]]))
    taken = fragments.take(torch.tensor([2, 0]))
    assert taken.samples.tolist() == [[6, 7, 8], [0, 1, 2]]
    assert taken.lengths.tolist() == [[1], [3]]


# Disturbances.

LOUD_BITS = 24
TIME = 3600


def loud() -> Tensor:
    """Integers so large that rounding at the end is nothing beside what is added."""
    wave = torch.randn((300, TIME), generator=generator(8), dtype=torch.float64)
    offset = torch.arange(300)[:, None] * 1000  # no part of the signal's power
    return (wave * 2**17 + offset).round().float()


def added(rows: Tensor, **config: Any) -> Tensor:
    return augmented(rows, LOUD_BITS, **config).double() - rows.double()


def kind_of(disturbance: Tensor) -> str:
    """Tell hum, muscle noise and white noise apart by where their power lies."""
    power = torch.fft.rfft(disturbance).abs().square()
    hertz = torch.arange(len(power)) * RATE_HZ / len(disturbance)
    share = [
        float(power[(hertz >= low) & (hertz <= high)].sum() / power.sum())
        for low, high in ((45 - 1, 65 + 1), (20, 150))
    ]
    # In 44 to 66 Hz noise has but 22/130 or 22/180 of its power; outside 20 to 150 Hz white
    # noise has 50/180 and muscle noise nothing.
    if share[0] > 0.9:
        return "hum"
    return "muscle" if share[1] > 0.99 else "white"


def rms(values: Tensor) -> Tensor:
    return values.square().mean(1).sqrt()


@pytest.mark.parametrize("snr_db", [6.0, 18.0])
def test_disturbances_have_the_power_that_is_asked_for(snr_db: float) -> None:
    rows = loud()
    noise = added(rows, disturbed_share=1.0, snr_db=(snr_db, snr_db))
    wanted = rows.double().std(1) * 10 ** (-snr_db / 20)
    kinds = [kind_of(row) for row in noise]
    # Bounds of the unit power. Hum: 1 - mean cos(2 w t + ...), and a sum of cosines of step 2 w is
    # at most 1 / sin(w) <= sqrt(2) for 45 to 65 Hz at 360 Hz. Muscle noise is scaled to it.
    # White: chi-square over TIME draws, six standard deviations.
    bound = {"hum": math.sqrt(2) / TIME, "muscle": 0.0, "white": 6 * math.sqrt(2 / TIME)}
    # Rounding moves each sample by 0.5; float32 sums of up to 2**21 are off by 1/8 more, and
    # its products by a few parts in 2**24.
    slack = 1.0 + wanted * 2**-20
    for kind, got, want, off in zip(kinds, rms(noise), wanted, slack, strict=True):
        low, high = ((1 + sign * bound[kind]) ** 0.5 for sign in (-1, 1))
        assert want * low - off <= got <= want * high + off, kind
    assert [kinds.count(kind) for kind in bound] == [100] * 3


@pytest.mark.parametrize("count", range(1, 8))
def test_any_number_of_fragments_is_disturbed(count: int) -> None:
    # A rest of a batch may hold a single one.
    noise = added(loud()[:count], disturbed_share=1.0)
    assert bool((noise != 0).any(1).all())
    kinds = [kind_of(row) for row in noise]
    assert kinds.count("hum") == kinds.count("muscle") == count // 3


def test_the_ratio_is_drawn_between_its_bounds() -> None:
    rows = loud()
    noise = added(rows, disturbed_share=1.0, snr_db=(6.0, 30.0))
    ratios = 20 * torch.log10(rows.double().std(1) / rms(noise))
    # White noise alone strays, by 6 sqrt(2 / TIME) of its power: 0.62 dB.
    assert 5.3 < ratios.min() < 8 and 28 < ratios.max() < 30.7
    assert abs(float(ratios.mean()) - 18) < 6 * 24 / math.sqrt(12 * 300)


def test_a_share_of_the_fragments_is_disturbed_and_a_flat_one_never() -> None:
    assert torch.equal(augmented(samples(), disturbed_share=1e-9), samples())
    disturbed = int((added(loud(), disturbed_share=0.3) != 0).any(1).sum())
    assert abs(disturbed - 90) <= 6 * math.sqrt(300 * 0.3 * 0.7)
    flat = torch.full((20, TIME), 77.0)
    assert torch.equal(augmented(flat, disturbed_share=1.0), flat)


def test_wander_is_slow_and_within_its_bound() -> None:
    rows = torch.zeros((200, TIME))
    drift = added(rows, wander=5000.0)
    assert drift.abs().max() <= 5000
    assert drift.abs().amax(1).max() > 4500  # some draw comes near
    # The steepest step of a sine of 0.5 Hz, and 0.5 of rounding at either end.
    assert drift.diff(dim=1).abs().max() <= 5000 * 2 * math.pi * 0.5 / RATE_HZ + 1
    assert len(drift[:, 0].unique()) > 190  # each its own draw


def test_noise_is_white_and_as_strong_as_asked() -> None:
    rows = torch.zeros((20, TIME))
    noise = added(rows, noise=1000.0)
    deviation = rms(noise) / 1000
    assert (deviation - 1).abs().max() < 6 / math.sqrt(2 * TIME)
    assert {kind_of(row) for row in noise} == {"white"}
