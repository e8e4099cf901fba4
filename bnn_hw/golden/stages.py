"""One block of the packed model: its sums, then its comparisons, pools and polarities.

Reads a :class:`bnn_hw.ir.Block`, prepares its constants once, and turns one chunk of fragments into
the bits (or, in the last block, the pooled sums) that leave it. Sums of a block of bits stay
popcounts all the way: ``sum = 2 * popcount - fan_in`` is monotone, so the thresholds and the pools
move over to the popcount.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.golden.types import Bits, Integers
from bnn_hw.golden.words import (
    WORD,
    Scratch,
    planes_from_flags,
    pool,
    position_words,
    window_words,
)
from bnn_hw.ir import Block, popcount_threshold
from bnn_hw.ir.bits import pack_bytes, pack_words64

# Words in one XOR buffer, 256 KB: it is written and read again at once and must stay in the L2 cache.
_TILE_WORDS = 1 << 15


class Stage:
    """What every block has in common; subclasses give the sums.

    ``sum_type`` is the narrowest dtype that holds each sum (or popcount) and each threshold.
    """

    def __init__(self, block: Block, sum_type: npt.DTypeLike) -> None:
        self.block = block
        self.sum_type = np.dtype(sum_type)
        bands = block.bands()
        never = self.limit(max(block.reach(c).high for c in range(block.out_channels)) + 1)
        self._low = self._column([self.limit(band.low) for band in bands])
        self._high = self._column(
            [never if band.high is None else self.limit(band.high) for band in bands]
        )
        inverted = np.array([band.invert for band in bands], dtype=np.uint8)
        self._invert = pack_bytes(inverted)[:, np.newaxis, np.newaxis]

    def _column(self, limits: list[int]) -> npt.NDArray[Any]:
        return np.array(limits, dtype=self.sum_type)[:, np.newaxis, np.newaxis]

    def limit(self, bound: int) -> int:
        """The bound on a sum as a bound on what :meth:`sums` gives."""
        raise NotImplementedError

    def sums(self, source: npt.NDArray[Any], scratch: Scratch) -> npt.NDArray[Any]:
        """Sums, or popcounts, of every window: ``(out, fragments, positions)`` of ``sum_type``."""
        raise NotImplementedError

    def plain_sums(self, sums: npt.NDArray[Any]) -> Integers:
        """What :meth:`sums` gives as the sums of the definition, int64."""
        raise NotImplementedError

    @property
    def bytes_per_fragment(self) -> int:
        """Bytes of the arrays that one fragment takes while it is in this block."""
        raise NotImplementedError

    def bits(self, source: npt.NDArray[Any], scratch: Scratch) -> Bits:
        """Byte planes (:mod:`bnn_hw.golden.words`) of the block's output."""
        block = self.block
        sums = self.sums(source, scratch)
        planes = self._compared(sums, self._low, scratch)
        if block.two_sided:
            planes &= ~self._compared(sums, self._high, scratch)
        planes ^= self._invert
        for layer in block.bit_pools:
            planes = pool(planes, layer, np.bitwise_or)
        return planes

    def head_sums(
        self, source: npt.NDArray[Any], scratch: Scratch, peak_weight: int
    ) -> tuple[Integers, Integers]:
        """``S_plus`` and ``S_minus`` of the last block, each ``(fragments, classes) int64``."""
        sums = self.sums(source, scratch)
        for layer in self.block.sum_pools:
            sums = pool(sums, layer, np.maximum)
        pooled = self.plain_sums(sums)
        plus, minus = np.maximum(pooled, 0).sum(axis=2), np.minimum(pooled, 0).sum(axis=2)
        if peak_weight:
            peak = peak_weight * pooled.max(axis=2)
            plus[peak > 0] += peak[peak > 0]
            minus[peak < 0] += peak[peak < 0]
        return plus.T, minus.T

    def _compared(self, sums: npt.NDArray[Any], limits: npt.NDArray[Any], scratch: Scratch) -> Bits:
        """``sum >= limit`` of every channel, after the pools over sums, as byte planes."""
        out = len(sums)
        flags = scratch.take("flags", (-(-out // 8) * 8, *sums.shape[1:]), np.bool_)
        flags[out:] = False
        np.greater_equal(sums, limits, out=flags[:out])
        planes = planes_from_flags(flags)
        for layer in self.block.sum_pools:
            # max(sums) >= limit exactly when one sum >= limit
            planes = pool(planes, layer, np.bitwise_or)
        return planes


class IntegerStage(Stage):
    """The first block: sums of signed samples, ``source`` is ``(fragments, channels, samples)``."""

    def __init__(self, block: Block) -> None:
        # One bit more than the sums: the bound "above every sum" is used too.
        width = block.sum_bits + 1
        super().__init__(block, np.int16 if width <= 16 else np.int32 if width <= 32 else np.int64)
        signs = 2 * block.rows.astype(self.sum_type) - 1
        self._signs = signs.reshape(block.out_channels, block.kernel, block.in_channels)

    def limit(self, bound: int) -> int:
        """The sums are the plain ones."""
        return bound

    def plain_sums(self, sums: npt.NDArray[Any]) -> Integers:
        """The same numbers as int64."""
        return sums.astype(np.int64)

    @property
    def bytes_per_fragment(self) -> int:
        """Samples padded and sorted, products and sums, with a comparison each."""
        block = self.block
        samples = block.in_channels * (block.in_length + block.pad_left + block.pad_right)
        sums = block.out_channels * block.positions
        return 2 * samples * self.sum_type.itemsize + sums * (2 * self.sum_type.itemsize + 1)

    def sums(self, source: npt.NDArray[Any], scratch: Scratch) -> npt.NDArray[Any]:
        """Add whole rows of samples times +1 or -1, one tap of all outputs at a time."""
        block = self.block
        length = block.pad_left + block.in_length + block.pad_right
        padded = scratch.take("samples", (*source.shape[:2], length), self.sum_type)
        padded.fill(block.pad_value)
        padded[:, :, block.pad_left : block.pad_left + block.in_length] = source
        # A tap reads every stride-th sample: sorted by phase these lie side by side.
        phases = [
            np.ascontiguousarray(padded[:, :, phase :: block.stride])
            for phase in range(min(block.stride, block.kernel))
        ]
        sums = scratch.take(
            "sums", (block.out_channels, len(source), block.positions), self.sum_type
        )
        sums.fill(0)
        products = scratch.take("products", sums.shape, self.sum_type)
        for tap in range(block.kernel):
            start, phase = divmod(tap, block.stride)
            for channel in range(block.in_channels):
                row = phases[phase][:, channel, start : start + block.positions]
                np.multiply(row, self._signs[:, tap, channel, np.newaxis, np.newaxis], out=products)
                np.add(sums, products, out=sums)
        return sums


class PopcountStage(Stage):
    """A block of bits: popcounts of agreeing bits, ``source`` is the byte planes before it."""

    def __init__(self, block: Block) -> None:
        # fan_in + 1 is the bound that no popcount reaches.
        largest = block.fan_in + 1
        super().__init__(
            block, np.uint8 if largest < 1 << 8 else np.uint16 if largest < 1 << 16 else np.uint32
        )
        # window XOR inverted row has a 1 where window and row agree; beyond fan_in both are 0
        self._rows = pack_words64(1 - block.rows)

    def limit(self, bound: int) -> int:
        """The bound on the popcount."""
        return popcount_threshold(bound, self.block.fan_in)

    def plain_sums(self, sums: npt.NDArray[Any]) -> Integers:
        """``2 * popcount - fan_in``."""
        return 2 * sums.astype(np.int64) - self.block.fan_in

    @property
    def bytes_per_fragment(self) -> int:
        """Position words, window words and popcounts, with a comparison each."""
        block = self.block
        padded = block.in_length + block.pad_left + block.pad_right
        words = -(-block.in_channels // WORD) * padded
        words += -(-block.fan_in // WORD) * block.positions
        return 8 * words + block.out_channels * block.positions * (self.sum_type.itemsize + 1)

    def sums(self, source: npt.NDArray[Any], scratch: Scratch) -> npt.NDArray[Any]:
        """Popcount of ``window XNOR row`` for every window and row."""
        block = self.block
        windows = window_words(position_words(source, block, scratch), block, scratch)
        count, fragments, positions = windows.shape
        flat = windows.reshape(count, fragments * positions)
        sums = scratch.take("sums", (block.out_channels, flat.shape[1]), self.sum_type)
        step = max(1, _TILE_WORDS // flat.shape[1])
        for start in range(0, block.out_channels, step):
            rows = self._rows[start : start + step]
            total = sums[start : start + step]
            agreeing = scratch.take("xor", total.shape, np.uint64)
            partial = scratch.take("count", total.shape, np.uint8)
            for index in range(count):
                np.bitwise_xor(flat[index], rows[:, index, np.newaxis], out=agreeing)
                if index == 0:
                    np.bitwise_count(agreeing, out=total)
                else:
                    np.bitwise_count(agreeing, out=partial)
                    np.add(total, partial, out=total)
        return sums.reshape(block.out_channels, fragments, positions)
