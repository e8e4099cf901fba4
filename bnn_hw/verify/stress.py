"""Seeded fragments that no heart makes: they move channels which real ECG leaves quiet.

Fragment ``i`` depends on ``i`` and the input's shape alone, so a longer run starts with the same
fragments as a shorter one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bnn_hw.verify.inputs import InputShape

KINDS = ("noise", "walk", "square wave", "ramp", "highest", "lowest", "impulses", "waves")
_SEED = 20231

Row = npt.NDArray[np.int16]


def stress_fragments(shape: InputShape, count: int) -> tuple[npt.NDArray[np.int16], list[str]]:
    """``count`` fragments over the full range of the input.

    Returns
    -------
    ``(count, channels, samples) int16`` and the name of each.
    """
    fragments = np.empty((count, shape.channels, shape.samples), dtype=np.int16)
    names = []
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        for channel in range(shape.channels):
            rng = np.random.default_rng((_SEED, index, channel))
            fragments[index, channel] = _row(kind, rng, shape)
        names.append(f"stress {index} ({kind})")
    return fragments, names


def _row(kind: str, rng: np.random.Generator, shape: InputShape) -> Row:
    low, high = -(1 << (shape.bits - 1)), (1 << (shape.bits - 1)) - 1
    samples = shape.samples
    time = np.arange(samples)
    match kind:
        case "noise":
            values = rng.integers(low, high + 1, samples)
        case "walk":
            step = max(1, high // 32)
            values = np.cumsum(rng.integers(-step, step + 1, samples))
        case "square wave":
            half = int(rng.integers(1, max(2, samples // 8) + 1))
            values = np.where(time // half % 2 == 0, high, low)
        case "ramp":
            values = low + time * (high - low) // max(1, samples - 1)
        case "highest":
            values = np.full(samples, high)
        case "lowest":
            values = np.full(samples, low)
        case "impulses":
            quiet = rng.integers(low // 16, high // 16 + 1, samples)
            values = np.where(rng.random(samples) < 0.05, rng.choice((low, high), samples), quiet)
        case _:
            phase = rng.random(3) * 2 * np.pi
            periods = rng.uniform(4, max(8, samples // 4), 3)
            sum_of_waves = sum(
                np.sin(2 * np.pi * time / p + f) for p, f in zip(periods, phase, strict=True)
            )
            values = np.rint(np.asarray(sum_of_waves) * high / 3)
    return np.clip(values, low, high).astype(np.int16)
