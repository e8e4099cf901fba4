"""Properties of the disturbances, on real fragments and on made ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bnn_hw.ecg.disturbances import (
    ADC_BITS,
    DISTURBANCES,
    DRAW_SEED,
    MARK_SNR_DB,
    Disturbance,
    Draws,
    at_snr,
    disturb,
    gain,
    lost_contact,
)
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError

BY_NAME = {disturbance.name: disturbance for disturbance in DISTURBANCES}
NOISES = ("mains hum 50 Hz", "mains hum 60 Hz", "muscle noise", "white noise")
LEVELS = [(d.name, level) for d in DISTURBANCES for level in d.levels]
Samples = NDArray[np.int16]


@pytest.fixture(scope="module")
def samples() -> Samples:
    return load_slices("ecg17").samples[::3]


def rows_of(samples: Samples) -> NDArray[np.int64]:
    return np.arange(len(samples), dtype=np.int64) + 100


def applied(name: str, level: float, samples: Samples, bits: int = ADC_BITS) -> Samples:
    return disturb(BY_NAME[name], level, samples, rows_of(samples), bits=bits)


def test_the_table_has_what_the_study_is_to_try() -> None:
    assert len(BY_NAME) == len(DISTURBANCES)
    assert BY_NAME["gain"].levels == (0.5, 0.67, 0.8, 1.25, 1.5, 2.0)
    assert BY_NAME["offset"].levels == (-0.5, -0.25, 0.25, 0.5)
    assert BY_NAME["resolution"].levels == (12, 11, 10, 9, 8)
    assert all(BY_NAME[name].levels == (24, 18, 12, 6) for name in NOISES)
    marked = {(d.name, level) for d in DISTURBANCES for level in d.mark_levels}
    assert marked <= set(LEVELS)
    corner = {name for name, _ in marked if name.endswith("at 18 dB")}
    assert len(corner) == 3 and {(name, g) for name in corner for g in (0.8, 1.25)} <= marked


@pytest.mark.parametrize(("name", "level"), LEVELS)
@pytest.mark.parametrize("bits", [ADC_BITS, 8])
def test_integers_within_the_range_and_the_input_untouched(
    samples: Samples, name: str, level: float, bits: int
) -> None:
    before = samples.copy()
    disturbed = applied(name, level, samples, bits)
    assert disturbed.dtype == np.int16 and disturbed.shape == samples.shape
    assert disturbed.min() >= -(1 << (bits - 1)) and disturbed.max() < 1 << (bits - 1)
    assert np.array_equal(samples, before)


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_a_draw_hangs_on_seed_and_row_alone(samples: Samples, name: str, level: float) -> None:
    disturbance, rows = BY_NAME[name], rows_of(samples)
    together = disturb(disturbance, level, samples, rows)
    assert np.array_equal(together, disturb(disturbance, level, samples, rows))
    order = np.arange(len(samples))[::-2]
    assert np.array_equal(together[order], disturb(disturbance, level, samples[order], rows[order]))


@pytest.mark.parametrize("name", [*NOISES, "baseline wander", "lost contact"])
def test_another_seed_and_another_row_draw_something_else(samples: Samples, name: str) -> None:
    disturbance, rows = BY_NAME[name], rows_of(samples)
    first = disturb(disturbance, disturbance.levels[1], samples, rows)
    for other in (
        disturb(disturbance, disturbance.levels[1], samples, rows, seed=DRAW_SEED + 1),
        disturb(disturbance, disturbance.levels[1], samples, rows + 1),
    ):
        assert not np.array_equal(first, other)


def test_chunks_do_not_show() -> None:
    many = np.tile(load_slices("ecg5").samples[:4], (80, 1))  # more than one chunk
    rows = np.arange(len(many), dtype=np.int64)
    disturbed = disturb(BY_NAME["white noise"], 12.0, many, rows)
    last = disturb(BY_NAME["white noise"], 12.0, many[-1:], rows[-1:])
    assert np.array_equal(disturbed[-1:], last)


def test_what_changes_nothing(samples: Samples) -> None:
    assert np.array_equal(applied("gain", 1.0, samples), samples)
    assert np.array_equal(applied("offset", 0.0, samples), samples)
    assert np.array_equal(applied("resolution", 11.0, samples), samples)
    assert np.array_equal(applied("resolution", 12.0, samples), samples)
    assert np.array_equal(applied("lost contact", 0.0, samples), samples)
    assert np.array_equal(applied("saturation", 5.12, samples), samples)


def test_flip_twice_is_nothing_but_for_the_one_value_without_a_negative(samples: Samples) -> None:
    kept = np.maximum(samples, -1023)
    flipped = applied("polarity flip", -1.0, kept)
    assert np.array_equal(flipped, -kept)
    assert np.array_equal(applied("polarity flip", -1.0, flipped), kept)
    assert applied("polarity flip", -1.0, np.full((1, 4), -1024, np.int16)).tolist() == [[1023] * 4]


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_gain_rounds_half_to_even_and_clips(samples: Samples, factor: float) -> None:
    expected = [
        min(1023, max(-1024, round(int(value) * factor))) for value in samples.ravel().tolist()
    ]
    assert applied("gain", factor, samples).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("millivolts", "adu"), [(-0.5, -100), (-0.25, -50), (0.25, 50), (0.5, 100)]
)
def test_offset_is_in_millivolts(samples: Samples, millivolts: float, adu: int) -> None:
    expected = np.clip(samples.astype(int) + adu, -1024, 1023)
    assert np.array_equal(applied("offset", millivolts, samples), expected)


@pytest.mark.parametrize("level", BY_NAME["baseline wander"].levels)
def test_wander_reaches_from_minus_to_plus_half_its_level(samples: Samples, level: float) -> None:
    flat = np.zeros_like(samples)
    drift = applied("baseline wander", level, flat).astype(int)
    half = level * 200 / 2  # whole adu at every level of the table
    assert drift.min(axis=1).tolist() == [-half] * len(flat)
    assert drift.max(axis=1).tolist() == [half] * len(flat)
    # No step is steeper than five sines of 0.5 Hz, each with the whole swing, could make it.
    steepest = 5 * half * 2 * np.pi * 0.5 / 360 + 1
    assert np.abs(np.diff(drift, axis=1)).max() <= max(steepest, 2)


def quiet(samples: Samples) -> Samples:
    """Fragments far from the ends of the converter, so that no noise is clipped."""
    return (samples // 8).astype(np.int16)


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("snr_db", [24.0, 18.0, 12.0, 6.0])
def test_noise_has_the_power_that_the_snr_asks_for(
    samples: Samples, name: str, snr_db: float
) -> None:
    clean = quiet(samples)
    noisy = applied(name, snr_db, clean)
    assert noisy.min() > -1024 and noisy.max() < 1023
    added = noisy.astype(np.float64) - clean
    # What is added is the noise n plus a rounding error e of at most 1/2 each: by the triangle
    # inequality rms(n) - 1/2 <= rms(n + e) <= rms(n) + 1/2.
    asked = clean.astype(np.float64).std(axis=1) * 10 ** (-snr_db / 20)
    rms = np.sqrt((added**2).mean(axis=1))
    assert (np.abs(rms - asked) <= 0.5).all()
    assert (asked > 0.5).any()  # else the bound would say nothing


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_in_the_corner_noise_is_measured_against_the_amplified_fragment(
    samples: Samples, factor: float
) -> None:
    clean = quiet(samples).astype(np.float64)
    for name in ("gain, 50 Hz at 18 dB", "gain, 60 Hz at 18 dB", "gain, muscle at 18 dB"):
        added = applied(name, factor, quiet(samples)) - clean * factor
        asked = (clean * factor).std(axis=1) * 10 ** (-MARK_SNR_DB / 20)
        assert (np.abs(np.sqrt((added**2).mean(axis=1)) - asked) <= 0.5).all()


def test_the_corner_draws_the_noise_of_the_plain_row(samples: Samples) -> None:
    for corner, plain in (
        ("gain, 50 Hz at 18 dB", "mains hum 50 Hz"),
        ("gain, 60 Hz at 18 dB", "mains hum 60 Hz"),
        ("gain, muscle at 18 dB", "muscle noise"),
    ):
        assert np.array_equal(applied(corner, 1.0, samples), applied(plain, 18.0, samples))


def spectrum(name: str, samples: Samples) -> NDArray[np.float64]:
    """Power of the unrounded noise at 0, 0.1, 0.2 ... Hz (3600 samples at 360 Hz)."""
    disturbance: Disturbance = BY_NAME[name]
    draws = Draws(DRAW_SEED, name, rows_of(samples))
    signal = samples.astype(np.float64)
    added = disturbance.function(signal, 6.0, draws) - signal
    return (np.abs(np.fft.rfft(added, axis=1)) ** 2).sum(axis=0)


@pytest.mark.parametrize(("name", "tenths"), [("mains hum 50 Hz", 500), ("mains hum 60 Hz", 600)])
def test_hum_is_one_line_of_its_frequency(samples: Samples, name: str, tenths: int) -> None:
    power = spectrum(name, samples)
    assert power.argmax() == tenths
    # What else there is comes from float64 sums alone: some 1e-16 of the amplitude each.
    assert np.delete(power, tenths).max() < 1e-20 * power[tenths]


def test_muscle_noise_stays_in_its_band_and_white_noise_does_not(samples: Samples) -> None:
    muscle, white = spectrum("muscle noise", samples), spectrum("white noise", samples)
    outside = np.ones(len(muscle), bool)
    outside[200:1501] = False
    assert muscle[outside].max() < 1e-20 * muscle.max()
    assert muscle[200:1501].min() > 1e-6 * muscle.max()
    assert white[outside].max() > 0.1 * white.max()


def test_a_flat_fragment_has_no_power_and_gets_no_noise() -> None:
    flat = np.full((2, 3600), 77, np.int16)
    for name in NOISES:
        assert np.array_equal(applied(name, 6.0, flat), flat)
    signal = np.array([[1.0, -1.0]])
    assert np.array_equal(at_snr(signal, np.zeros((1, 2)), 6.0), signal)


@pytest.mark.parametrize("seconds", [1.0, 2.0, 5.0])
def test_lost_contact_holds_the_last_value(seconds: float) -> None:
    # A ramp: every sample differs from its neighbours, so the gap shows where it is.
    ramp = np.tile(np.arange(3600) // 4 * 2 + np.arange(3600) % 2 - 900, (12, 1)).astype(np.int16)
    gap = round(360 * seconds)
    starts = set()
    for before, after in zip(ramp, applied("lost contact", seconds, ramp), strict=True):
        changed = np.flatnonzero(before != after)
        # The first sample of the gap always differs from the one before it, which is held.
        start = int(changed[0])
        starts.add(start)
        assert 1 <= start <= 3600 - gap
        assert (after[start : start + gap] == before[start - 1]).all()
        assert np.array_equal(after[:start], before[:start])
        assert np.array_equal(after[start + gap :], before[start + gap :])
    assert len(starts) > 6


def test_a_gap_as_long_as_the_fragment_holds_the_first_sample(samples: Samples) -> None:
    lost = applied("lost contact", 10.0, samples)
    assert np.array_equal(lost, np.repeat(samples[:, :1], 3600, axis=1))
    assert np.array_equal(applied("lost contact", 60.0, samples), lost)


def test_a_gap_may_end_with_the_fragment_and_never_starts_with_it() -> None:
    signal = np.array([[1.0, 2.0, 3.0]] * 200)
    draws = Draws(DRAW_SEED, "lost contact", np.arange(200, dtype=np.int64))
    held = {tuple(row) for row in lost_contact(signal, 1 / 360, draws).tolist()}
    assert held == {(1.0, 1.0, 3.0), (1.0, 2.0, 2.0)}


@pytest.mark.parametrize(("millivolts", "adu"), [(1.0, 200), (1.5, 300), (2.5, 500)])
def test_saturation_ends_at_its_level(samples: Samples, millivolts: float, adu: int) -> None:
    loud = applied("gain", 2.0, samples)
    saturated = applied("saturation", millivolts, loud)
    assert np.array_equal(saturated, np.clip(loud, -adu, adu))
    assert not np.array_equal(saturated, loud)


@pytest.mark.parametrize("bits", [8, 9, 10])
def test_resolution_gives_the_nearest_code_of_its_width(samples: Samples, bits: int) -> None:
    step, half = 1 << (11 - bits), 1 << (bits - 1)
    every = np.arange(-1024, 1024, dtype=np.int16).reshape(1, -1)
    found = applied("resolution", float(bits), every).ravel().tolist()
    codes = [min(half - 1, max(-half, round(value / step))) for value in range(-1024, 1024)]
    assert found == [code * step for code in codes]
    assert len(set(found)) == 1 << bits


def test_gain_needs_no_draw() -> None:
    nothing = Draws(0, "", np.empty(0, np.int64))
    assert gain(np.array([[2.0, -4.0]]), 1.5, nothing).tolist() == [[3.0, -6.0]]


@pytest.mark.parametrize(
    ("samples", "rows", "options", "says"),
    [
        (np.zeros((2, 9)), [0, 1], {}, "float64"),
        (np.zeros(9, np.int16), [0], {}, r"shape \(9,\)"),
        (np.zeros((2, 9), np.int16), [0], {}, "1 rows for 2 fragments"),
        (np.zeros((1, 9), np.int16), [0], {"seed": -1}, "seed is -1"),
        (np.zeros((1, 9), np.int16), [0], {"bits": 17}, "17 bits"),
    ],
)
def test_refusals(samples: Samples, rows: list[int], options: dict[str, int], says: str) -> None:
    with pytest.raises(UserError, match=says):
        disturb(BY_NAME["gain"], 1.0, samples, np.array(rows, np.int64), **options)
