"""Bits of many positions at a time: planes of channels, words of positions, words of windows.

The packed model keeps a layer's bits in three forms, all in the order of :mod:`bnn_hw.ir.bits`:

* byte planes ``(ceil(channels / 8), fragments, positions) uint8``: bit ``b`` of plane ``g`` is
  channel ``8 * g + b``. Thresholds write them, pools and polarities work on eight channels at once;
* position words ``(ceil(channels / 64), fragments, positions) uint64``, padding included;
* window words ``(ceil(fan_in / 64), fragments, positions) uint64``: a window as one long word, made
  by shifting whole rows of position words.

Positions are always the last axis, so that numpy's inner loops are long.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bnn_hw.golden.types import Bits
from bnn_hw.ir import Block, MaxPool
from bnn_hw.ir.bits import unpack_bytes

Words = npt.NDArray[np.uint64]
Number = TypeVar("Number", bound=np.generic)

WORD = 64


class Scratch:
    """Memory that is used again for every chunk of fragments: pages stay mapped and in the cache."""

    def __init__(self) -> None:
        self._buffers: dict[str, npt.NDArray[Any]] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """An array whose content is whatever the last use of ``name`` left in it."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            # 8-byte elements: every dtype in use is then aligned
            buffer = np.empty((size + 7) // 8, dtype=np.uint64).view(np.uint8)
            self._buffers[name] = buffer
        return buffer[:size].view(dtype).reshape(shape)


def planes_from_flags(flags: npt.NDArray[np.bool_]) -> Bits:
    """Comparison results ``(8 * planes, fragments, positions) bool`` to byte planes."""
    ones = flags.view(np.uint8).reshape(-1, 8, *flags.shape[1:])
    planes = ones[:, 7].copy()
    for bit in range(6, -1, -1):
        # Horner's scheme: additions of bytes run faster than shifts of bytes
        np.add(planes, planes, out=planes)
        np.add(planes, ones[:, bit], out=planes)
    return planes


def pool(values: npt.NDArray[Number], layer: MaxPool, operation: np.ufunc) -> npt.NDArray[Number]:
    """``operation`` (maximum, or OR for bits) over ``layer.size`` positions every ``layer.stride``."""
    positions = values.shape[-1]
    span = 1  # values[..., i] covers positions i to i + span - 1
    while 2 * span <= layer.size:
        values = operation(values[..., :-span], values[..., span:])
        span *= 2
    if span < layer.size:
        last = positions - layer.size + 1
        values = operation(values[..., :last], values[..., layer.size - span :])
    return values[..., :: layer.stride]


def position_words(planes: Bits, block: Block, scratch: Scratch) -> Words:
    """Byte planes as position words with the padding of ``block`` around them."""
    count, fragments, length = planes.shape
    words: Words = scratch.take(
        "positions",
        (-(-count // 8), fragments, block.pad_left + length + block.pad_right),
        np.uint64,
    )
    inside = slice(block.pad_left, block.pad_left + length)
    for index, word in enumerate(words):
        width = min(WORD, block.in_channels - WORD * index)
        word.fill((1 << width) - 1 if block.pad_value == 1 else 0)
        values = planes[8 * index].astype(np.uint64)
        for group in range(8 * index + 1, min(8 * index + 8, count)):
            values |= planes[group].astype(np.uint64) << np.uint64(8 * (group % 8))
        word[:, inside] = values
    return words


def window_words(positions: Words, block: Block, scratch: Scratch) -> Words:
    """Position words to window words: each row of one tap is shifted to its place in the window."""
    shape = (-(-block.fan_in // WORD), positions.shape[1], block.positions)
    windows: Words = scratch.take("windows", shape, np.uint64)
    windows.fill(0)
    span = block.stride * (block.positions - 1) + 1
    for tap in range(block.kernel):
        for index in range(len(positions)):
            row = positions[index][:, tap : tap + span : block.stride]
            width = min(WORD, block.in_channels - WORD * index)
            at, shift = divmod(tap * block.in_channels + WORD * index, WORD)
            windows[at] |= row << np.uint64(shift) if shift else row
            if shift + width > WORD:
                windows[at + 1] |= row >> np.uint64(WORD - shift)
    return windows


def bits_from_planes(planes: Bits, channels: int) -> Bits:
    """Byte planes to ``(fragments, positions, channels) uint8`` of 0 and 1."""
    return unpack_bytes(np.ascontiguousarray(planes.transpose(1, 2, 0)), channels)
