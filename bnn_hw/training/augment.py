"""Augmentation of training fragments: what a wearer's recording could have been instead.

Works on the integers that the network's first layer takes and gives integers of the same range,
so that what is trained on is what hardware can see. Never applied to validation or test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bnn_hw.training.experiment import AugmentationConfig

RATE_HZ = 360
# Bands of the disturbances in Hz: mains with its drift, muscle noise, baseline wander.
_HUM, _MUSCLE, _WANDER = (45.0, 65.0), (20.0, 150.0), (0.05, 0.5)
# Samples at the start of a fragment that are looked for again near its end: one beat or more.
_SEAM_TEMPLATE = 300


@dataclass(frozen=True, eq=False)
class Fragments:
    """Fragments to be augmented, a row each.

    `samples` (n, time) float integers; `lengths` (n, 1) int64, after how many samples each is
    rotated (see `seam_lengths`), 0 for one that stays as it is.
    """

    samples: Tensor
    lengths: Tensor

    def take(self, rows: Tensor) -> Fragments:
        """Return the given rows."""
        return Fragments(self.samples[rows], self.lengths[rows])

    def replaced(self, rows: Tensor, samples: Tensor) -> Fragments:
        """Return these with other samples in some rows, which are not to be rotated."""
        return Fragments(
            self.samples.index_copy(0, rows, samples), self.lengths.index_fill(0, rows, 0)
        )


def seam_lengths(samples: Tensor, search: int) -> Tensor:
    """Return (n, 1) int64 lengths at which each fragment joins its own start best.

    The first 300 samples are compared with every stretch in the last `search` + 300; the one of
    least squared distance marks where the fragment starts over. Rotated at that length a regular
    rhythm stays regular: rotated at the full length the seam is a beat too early or too late, which
    is just what tells a premature beat. `search` 0, or a fragment too short, gives full lengths.
    """
    count, time = samples.shape
    first = time - _SEAM_TEMPLATE - search
    if search == 0 or first < max(_SEAM_TEMPLATE, time // 2):
        return torch.full((count, 1), time)
    lengths = []
    for part in samples.split(256):
        stretches = part[:, first:].unfold(1, _SEAM_TEMPLATE, 1)
        distances = (stretches - part[:, None, :_SEAM_TEMPLATE]).square().sum(2)
        lengths.append(first + distances.argmin(1))
    return torch.cat(lengths)[:, None]


def augment(
    fragments: Fragments, config: AugmentationConfig, bits: int, generator: torch.Generator
) -> Tensor:
    """Return samples that are shifted, amplified, offset and disturbed, each row by its own draw.

    They are (n, time), rounded half to even and clipped to `bits` signed bits.

    - shift: a rotation by up to +-`shift_samples` (what leaves at one end enters at the other, so
      no sample of a neighbouring fragment, which may be a test fragment, comes in);
    - gain: log-uniform between the two factors of `gain`;
    - disturbance: in `disturbed_share` of the fragments hum, muscle noise or white noise, at a
      signal to noise ratio drawn from `snr_db`;
    - baseline: one offset up to +-`baseline`, and a slow sine up to `wander`; noise: white, standard
      deviation `noise`; all in the unit of the samples.
    """
    samples = fragments.samples
    count, time = samples.shape

    def draw() -> Tensor:
        return torch.rand((count, 1), generator=generator)

    if config.shift_samples:
        shifts = torch.randint(
            -config.shift_samples, config.shift_samples + 1, (count, 1), generator=generator
        )
        samples = samples.gather(1, _rotation(shifts, fragments.lengths, time))
    low, high = math.log(config.gain[0]), math.log(config.gain[1])
    if low or high:
        samples = samples * torch.exp(low + (high - low) * draw())
    if config.disturbed_share:
        ratio = config.snr_db[0] + (config.snr_db[1] - config.snr_db[0]) * draw()
        rows = (draw() < config.disturbed_share).flatten().nonzero().flatten()
        # torch complains of the deviation of no rows, and some builds' FFT refuses them.
        if len(rows):
            size = samples[rows].std(1, keepdim=True) * 10 ** (-ratio[rows] / 20)
            samples = samples.index_add(0, rows, size * _disturbance(len(rows), time, generator))
    if config.wander:
        samples = samples + config.wander * draw() * _sine(_WANDER, (count, time), generator)
    if config.baseline:
        samples = samples + config.baseline * (2 * draw() - 1)
    if config.noise:
        samples = samples + config.noise * torch.randn(samples.shape, generator=generator)
    limit = 1 << (bits - 1)
    return samples.round().clamp(-limit, limit - 1)


def _rotation(shifts: Tensor, lengths: Tensor, time: int) -> Tensor:
    """Return (n, time) int64: the sample, modulo its row's length, that comes to each place."""
    still = lengths == 0
    lengths = lengths.masked_fill(still, time)
    source = torch.arange(time)[None, :] - (shifts % lengths).masked_fill(still, 0)
    # Lengths reach from half of time to time, so one turn to either side is enough; a remainder
    # of every single index would take three times as long.
    source = torch.where(source < 0, source + lengths, source)
    return torch.where(source >= lengths, source - lengths, source)


def _disturbance(count: int, time: int, generator: torch.Generator) -> Tensor:
    """Return (count, time) of unit power: hum, muscle noise, white noise, a third of the rows each."""
    third = count // 3
    hum = math.sqrt(2) * _sine(_HUM, (third, time), generator)
    noise = torch.randn((count - third, time), generator=generator)
    if third:
        frequencies = torch.fft.rfftfreq(time, 1 / RATE_HZ)
        band = (frequencies >= _MUSCLE[0]) & (frequencies <= _MUSCLE[1])
        muscle = torch.fft.irfft(torch.fft.rfft(noise[:third]) * band, n=time)
        size = muscle.square().mean(1, keepdim=True).sqrt()
        noise[:third] = muscle / size.clamp(min=1e-6)
    return torch.cat([hum, noise])


def _sine(band: tuple[float, float], shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return sines of amplitude 1, a frequency from a band in Hz and any phase a row."""
    count, time = shape
    frequency = band[0] + (band[1] - band[0]) * torch.rand((count, 1), generator=generator)
    phase = torch.rand((count, 1), generator=generator)
    return torch.sin(2 * math.pi * (frequency * torch.arange(time)[None, :] / RATE_HZ + phase))
