"""Augmentation of training fragments: what a wearer's recording could have been instead.

Works on the integers that the network's first layer takes and gives integers of the same range,
so that what is trained on is what hardware can see. Never applied to validation or test.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bnn_hw.training.experiment import AugmentationConfig


def augment(
    samples: Tensor, config: AugmentationConfig, bits: int, generator: torch.Generator
) -> Tensor:
    """Return fragments that are shifted, amplified, offset and noisy, each by its own draw.

    `samples` is (n, time), float tensor of integers; so is the result, rounded half to even and
    clipped to `bits` signed bits.

    - shift: a rotation by up to +-`shift_samples` (what leaves at one end enters at the other, so
      no sample of a neighbouring fragment, which may be a test fragment, comes in);
    - gain: log-uniform between the two factors of `gain`;
    - baseline: one offset up to +-`baseline`; noise: white, standard deviation `noise`; both in
      the unit of the samples.
    """
    count, length = samples.shape
    if config.shift_samples:
        shifts = torch.randint(
            -config.shift_samples, config.shift_samples + 1, (count, 1), generator=generator
        )
        samples = samples.gather(1, (torch.arange(length)[None, :] - shifts) % length)
    low, high = math.log(config.gain[0]), math.log(config.gain[1])
    if low < high:
        drawn = torch.rand((count, 1), generator=generator)
        samples = samples * torch.exp(low + (high - low) * drawn)
    if config.baseline:
        samples = samples + config.baseline * (2 * torch.rand((count, 1), generator=generator) - 1)
    if config.noise:
        samples = samples + config.noise * torch.randn(samples.shape, generator=generator)
    return samples.round().clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
