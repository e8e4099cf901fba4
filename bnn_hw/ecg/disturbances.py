"""What goes wrong with an ECG on its way to the converter, with the strengths to try.

Stands between the raw fragments and a network's preparation, for the robustness study alone. Reads
fragments in adu less 1024 (200 adu/mV, 360 Hz), gives integers of the same scale as a converter
would give them: computed in float64, rounded half to even once at the end, clipped to its range.

Chance comes from numpy's ``SeedSequence`` and ``PCG64``, one stream for each seed, kind of draw and
row of the fragment set: the draw of a fragment depends neither on the other fragments nor on the
strength. numpy may change what it makes of a stream, and sines, in a later version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import MITDB_GAIN_ADU_PER_MV
from bnn_hw.ecg.records import MITDB_SAMPLING_RATE_HZ
from bnn_hw.errors import UserError

ADC_BITS = 11  # of the MIT-BIH recorder, over 10 mV
DRAW_SEED = 1

WANDER_SINES = 5
WANDER_HZ = (0.05, 0.5)
MUSCLE_HZ = (20.0, 150.0)
MARK_SNR_DB = 18.0

_CHUNK_FRAGMENTS = 256

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """The random generators of some fragments, ``rows`` of their set, for one kind of draw."""

    seed: int
    stream: str
    rows: NDArray[np.int64]

    def generators(self) -> list[np.random.Generator]:
        """One fresh generator a fragment."""
        return [
            np.random.Generator(
                np.random.PCG64(
                    np.random.SeedSequence(self.seed, spawn_key=(*self.stream.encode(), int(row)))
                )
            )
            for row in self.rows
        ]


Function = Callable[[Signal, float, Draws], Signal]


@dataclass(frozen=True)
class Disturbance:
    """One disturbance and the strengths of it that the study tries.

    ``function`` takes ``(n, samples) float64`` in adu, a level in ``unit`` and the draws; it gives
    the disturbed signal, neither rounded nor clipped. ``pattern`` formats a level. Disturbances of
    one ``stream`` draw the same noise. At ``mark_levels`` the accuracy must hold.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    function: Function
    pattern: str
    stream: str = ""
    mark_levels: tuple[float, ...] = ()

    def label(self, level: float) -> str:
        """The level as a reader sees it, such as ``x0.5`` or ``18 dB``."""
        return self.pattern.format(level)


def disturb(
    disturbance: Disturbance,
    level: float,
    samples: NDArray[Any],
    rows: NDArray[np.int64],
    *,
    seed: int = DRAW_SEED,
    bits: int = ADC_BITS,
) -> NDArray[np.int16]:
    """Fragments as a converter of ``bits`` signed bits would have recorded them.

    Parameters
    ----------
    samples
        ``(n, samples)`` integers in adu less 1024.
    rows
        ``(n,)``: the row of each in its set; with ``seed`` it decides what is drawn.

    Returns
    -------
    ``(n, samples) int16`` within ``-2**(bits-1)`` to ``2**(bits-1) - 1``.

    Raises
    ------
    UserError
        When the samples are no integers or not two-dimensional, when rows do not match, when the
        seed is negative, or when ``bits`` is not 2 to 16.
    """
    if not np.issubdtype(samples.dtype, np.integer) or samples.ndim != 2:
        raise UserError(
            f"disturbance {disturbance.name}: samples are {samples.dtype} of shape {samples.shape}, "
            "integers of shape (fragments, samples) are needed; give raw adu"
        )
    if len(rows) != len(samples):
        raise UserError(
            f"disturbance {disturbance.name}: {len(rows)} rows for {len(samples)} fragments; give "
            "one row a fragment"
        )
    if seed < 0:
        raise UserError(f"disturbance {disturbance.name}: seed is {seed}, at least 0 is needed")
    if not 2 <= bits <= 16:
        raise UserError(f"disturbance {disturbance.name}: {bits} bits, 2 to 16 are allowed")
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    result = np.empty(samples.shape, np.int16)
    for start in range(0, len(samples), _CHUNK_FRAGMENTS):
        part = slice(start, start + _CHUNK_FRAGMENTS)
        draws = Draws(seed, disturbance.stream or disturbance.name, rows[part])
        signal = disturbance.function(samples[part].astype(np.float64), level, draws)
        result[part] = np.clip(np.rint(signal), low, high)
    return result


def gain(signal: Signal, factor: float, draws: Draws) -> Signal:
    """``signal * factor``; -1 is a swapped pair of electrodes."""
    return signal * factor


def offset(signal: Signal, millivolts: float, draws: Draws) -> Signal:
    """A constant added to the whole fragment, in mV."""
    return signal + millivolts * MITDB_GAIN_ADU_PER_MV


def wander(signal: Signal, millivolts: float, draws: Draws) -> Signal:
    """Baseline wander of ``millivolts`` from its lowest to its highest value.

    Five sines with frequencies uniform in 0.05 to 0.5 Hz, amplitudes uniform in 0 to 1 and any
    phase; then moved and scaled so that the sum reaches from ``-millivolts / 2`` to
    ``+millivolts / 2`` within the fragment.
    """
    time = _seconds(signal)
    drift = np.empty_like(signal)
    for row, generator in enumerate(draws.generators()):
        hertz = generator.uniform(*WANDER_HZ, size=(WANDER_SINES, 1))
        phase = generator.uniform(0, 2 * np.pi, size=(WANDER_SINES, 1))
        amplitude = generator.uniform(0, 1, size=(WANDER_SINES, 1))
        drift[row] = (amplitude * np.sin(2 * np.pi * hertz * time + phase)).sum(axis=0)
    low, high = drift.min(axis=1, keepdims=True), drift.max(axis=1, keepdims=True)
    drift = _quotient(drift - (low + high) / 2, high - low)
    return signal + drift * (millivolts * MITDB_GAIN_ADU_PER_MV)


def hum(hertz: float) -> Function:
    """Mains hum: one sine of ``hertz`` at any phase; the level is the SNR in dB (:func:`at_snr`)."""

    def function(signal: Signal, snr_db: float, draws: Draws) -> Signal:
        time = _seconds(signal)
        phases = np.array([[g.uniform(0, 2 * np.pi)] for g in draws.generators()])
        return at_snr(signal, np.sin(2 * np.pi * hertz * time + phases), snr_db)

    return function


def muscle_noise(signal: Signal, snr_db: float, draws: Draws) -> Signal:
    """Gaussian noise with nothing outside 20 to 150 Hz; the level is the SNR in dB."""
    spectrum = np.fft.rfft(_gaussian(signal, draws), axis=1)
    hertz = np.fft.rfftfreq(signal.shape[1], 1 / MITDB_SAMPLING_RATE_HZ)
    spectrum[:, (hertz < MUSCLE_HZ[0]) | (hertz > MUSCLE_HZ[1])] = 0
    noise: Signal = np.fft.irfft(spectrum, signal.shape[1], axis=1)
    return at_snr(signal, noise, snr_db)


def white_noise(signal: Signal, snr_db: float, draws: Draws) -> Signal:
    """Gaussian noise of all frequencies; the level is the SNR in dB."""
    return at_snr(signal, _gaussian(signal, draws), snr_db)


def at_snr(signal: Signal, noise: Signal, snr_db: float) -> Signal:
    """``signal`` plus ``noise`` scaled to an SNR of ``snr_db``, each fragment by itself.

    ``SNR = 10 log10(P_signal / P_noise)``. ``P_signal`` is the mean square of the fragment after
    removal of its own mean (an offset is no signal); ``P_noise`` is the mean square of the noise
    that is added, as drawn and before rounding. A flat fragment has no power and gets no noise.
    """
    centred = signal - signal.mean(axis=1, keepdims=True)
    signal_power = (centred * centred).mean(axis=1, keepdims=True)
    noise_power = (noise * noise).mean(axis=1, keepdims=True)
    factor: Signal = np.sqrt(_quotient(signal_power, noise_power)) * 10.0 ** (-snr_db / 20)
    return signal + noise * factor


def lost_contact(signal: Signal, seconds: float, draws: Draws) -> Signal:
    """The electrode is off for ``seconds`` from a random instant: the last value stays.

    The instant is uniform over those that leave the whole gap, and a sample before it, inside the
    fragment. A gap as long as the fragment holds the first sample from start to end.
    """
    length = signal.shape[1]
    gap = min(length, round(seconds * MITDB_SAMPLING_RATE_HZ))
    result = signal.copy()
    for row, generator in enumerate(draws.generators()):
        # One uniform number, so that a longer gap lies at about the same place.
        start = 1 + int(generator.random() * (length - gap)) if gap < length else 0
        result[row, start : start + gap] = signal[row, max(start - 1, 0)]
    return result


def saturation(signal: Signal, millivolts: float, draws: Draws) -> Signal:
    """An amplifier that ends at +-``millivolts`` around the zero of the record."""
    limit = millivolts * MITDB_GAIN_ADU_PER_MV
    return np.clip(signal, -limit, limit)


def resolution(signal: Signal, bits: float, draws: Draws) -> Signal:
    """A converter of ``bits`` bits over the recorder's 10 mV, its codes scaled back to adu.

    Rounded half to even to multiples of ``2**(11 - bits)`` adu and kept within the codes there are.
    11 bits are as recorded. 12 bits give the same, since the record doesn't have the lowest bit:
    what they stand for is a finer converter whose lowest bit is dropped.
    """
    step: float = 2.0 ** (ADC_BITS - bits)
    half: float = 2.0 ** (bits - 1)
    return np.clip(np.rint(signal / step), -half, half - 1) * step


def gain_with(noise: Function) -> Function:
    """A gain, then ``noise`` at 18 dB under the amplified fragment; the level is the gain."""

    def function(signal: Signal, factor: float, draws: Draws) -> Signal:
        return noise(gain(signal, factor, draws), MARK_SNR_DB, draws)

    return function


def _seconds(signal: Signal) -> Signal:
    return np.arange(signal.shape[1]) / MITDB_SAMPLING_RATE_HZ


def _gaussian(signal: Signal, draws: Draws) -> Signal:
    return np.stack([g.standard_normal(signal.shape[1]) for g in draws.generators()])


def _quotient(above: Signal, below: Signal) -> Signal:
    """``above / below``, 0 where ``below`` is 0."""
    result = np.zeros(np.broadcast_shapes(above.shape, below.shape))
    return np.divide(above, below, out=result, where=below > 0)


_SNRS_DB = (24.0, 18.0, 12.0, 6.0)
_AT_18_DB = (MARK_SNR_DB,)
_CORNER = (0.8, 1.25)
_HUM_50, _HUM_60, _MUSCLE = "mains hum 50 Hz", "mains hum 60 Hz", "muscle noise"

# fmt: off
DISTURBANCES: tuple[Disturbance, ...] = (
    Disturbance("gain", "x", (0.5, 0.67, 0.8, 1.25, 1.5, 2.0), gain, "x{:g}", mark_levels=_CORNER),
    Disturbance("offset", "mV", (-0.5, -0.25, 0.25, 0.5), offset, "{:+g} mV"),
    Disturbance("baseline wander", "mV p-p", (0.1, 0.2, 0.5, 1.0), wander, "{:g} mV p-p"),
    Disturbance(_HUM_50, "dB", _SNRS_DB, hum(50.0), "{:g} dB", mark_levels=_AT_18_DB),
    Disturbance(_HUM_60, "dB", _SNRS_DB, hum(60.0), "{:g} dB", mark_levels=_AT_18_DB),
    Disturbance(_MUSCLE, "dB", _SNRS_DB, muscle_noise, "{:g} dB", mark_levels=_AT_18_DB),
    Disturbance("white noise", "dB", _SNRS_DB, white_noise, "{:g} dB"),
    Disturbance("polarity flip", "x", (-1.0,), gain, "x{:g}"),
    Disturbance("lost contact", "s", (1.0, 2.0, 5.0, 10.0), lost_contact, "{:g} s"),
    Disturbance("saturation", "mV", (2.5, 1.5, 1.0), saturation, "+-{:g} mV"),
    Disturbance("resolution", "bits", (12.0, 11.0, 10.0, 9.0, 8.0), resolution, "{:g} bits"),
    Disturbance("gain, 50 Hz at 18 dB", "x", _CORNER, gain_with(hum(50.0)), "x{:g}", _HUM_50, _CORNER),
    Disturbance("gain, 60 Hz at 18 dB", "x", _CORNER, gain_with(hum(60.0)), "x{:g}", _HUM_60, _CORNER),
    Disturbance("gain, muscle at 18 dB", "x", _CORNER, gain_with(muscle_noise), "x{:g}", _MUSCLE, _CORNER),
)
# fmt: on
