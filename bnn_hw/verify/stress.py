"""Seeded fragments that no heart makes: they move channels which real ECG leaves quiet.

Fragment ``i`` depends on ``i`` and the network alone, so a longer run starts with the same fragments
as a shorter one. The first of each round meets the weights of the first layer: every channel's sum
is brought to the ends of its reach, where no signal would take it, and to both sides of its
thresholds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bnn_hw.ir import Block, Network, NetworkInput

KINDS = (
    "matched",
    "noise",
    "walk",
    "square wave",
    "ramp",
    "highest",
    "lowest",
    "impulses",
    "waves",
)
_SEED = 20231

Row = npt.NDArray[np.int16]


def stress_fragments(network: Network, count: int) -> tuple[npt.NDArray[np.int16], list[str]]:
    """``count`` fragments over the full range of the input of ``network``.

    Returns
    -------
    ``(count, channels, samples) int16`` and the name of each.
    """
    shape = network.input
    fragments = np.empty((count, shape.channels, shape.samples), dtype=np.int16)
    names = []
    matched = _matched_fragments(network.blocks[0], -(-count // len(KINDS)))
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        for channel in range(shape.channels if kind != "matched" else 0):
            rng = np.random.default_rng((_SEED, index, channel))
            fragments[index, channel] = _row(kind, rng, shape)
        if kind == "matched":
            fragments[index] = matched[index // len(KINDS)]
        names.append(f"stress {index} ({kind})")
    return fragments, names


def _matched_fragments(block: Block, count: int) -> list[Row]:
    """``count`` fragments ``(channels, samples)`` of windows that meet the weights of ``block``.

    Windows stand side by side at starts that the stride reaches; as many fragments as it takes, then
    from the first window again.
    """
    windows = [
        _window_with_sum(block, channel, target)
        for channel in range(block.out_channels)
        for target in _targets(block, channel)
    ]
    pitch = -(-block.kernel // block.stride) * block.stride
    first = -block.pad_left % block.stride
    starts = range(first, block.in_length - block.kernel + 1, pitch)
    fragments = []
    for index in range(count):
        fragment = np.zeros((block.in_channels, block.in_length), dtype=np.int16)
        for place, start in enumerate(starts):
            window = windows[(index * len(starts) + place) % len(windows)]
            fragment[:, start : start + block.kernel] = window
        fragments.append(fragment)
    return fragments


def _targets(block: Block, channel: int) -> list[int]:
    """Sums to bring a channel to: both ends, and the two neighbours of each threshold."""
    reach = block.reach(channel)
    targets = [reach.high, reach.low]
    if block.threshold is not None:
        band = block.bands()[channel]
        bounds = [band.low] if band.high is None else [band.low, band.high]
        targets += [
            t for bound in bounds for t in (bound, bound - 1) if reach.low <= t <= reach.high
        ]
    return targets


def _window_with_sum(block: Block, channel: int, target: int) -> Row:
    """A window ``(channels, kernel)`` whose sum with the weights of ``channel`` is ``target``."""
    assert block.input_bits is not None  # the first block of a network takes integers
    low, high = -(1 << (block.input_bits - 1)), (1 << (block.input_bits - 1)) - 1
    signs = 2 * block.rows[channel].astype(np.int64) - 1
    # From the lowest sum upwards, element by element, until nothing is left to add.
    lowest = np.where(signs > 0, low, high)
    left = target - int((signs * lowest).sum())
    steps = np.clip(left - np.arange(signs.size) * (high - low), 0, high - low)
    values = (lowest + signs * steps).astype(np.int16)
    window: Row = values.reshape(block.kernel, block.in_channels).T
    return window


def _row(kind: str, rng: np.random.Generator, shape: NetworkInput) -> Row:
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
