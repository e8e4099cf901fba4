"""The cells of one stage at any fold, as the terms that the estimator weighs.

Reads a block; gives, for a fold, the :class:`bnn_hw.generate.estimate_terms.CellTerms` of every cell
that its stage is made of. What does not hang on the fold is counted once, for the solver asks for
every legal fold.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bnn_hw.generate.estimate_terms import (
    LUT_ROM_DEPTH,
    LUT_WAYS,
    CellTerms,
    block_rams,
    count_bits,
    fifo,
    pool_cells,
    tally_terms,
)
from bnn_hw.generate.folding import Fold, window_in_beats, window_shifts
from bnn_hw.generate.pipeline import cut_depth, narrow_factor, products
from bnn_hw.generate.plan import fifo_depth, sum_widths
from bnn_hw.ir.blocks import Block

# Beats up to which the ROM of thresholds merges with the comparison of two bits in a LUT6.
_MERGED_BEATS = 4


class BlockTerms:
    """The terms of one block at any fold; what does not depend on the fold is counted once.

    ``beat`` positions come in at once.
    """

    def __init__(self, block: Block, beat: int = 1) -> None:
        self.block = block
        self.beat = beat
        self.is_last = block.threshold is None
        self.word_bits = block.in_channels * (block.input_bits or 1)
        self.sum_bits, self.lane_bits = sum_widths(block)
        self.sides = 2 if block.two_sided else 1
        self.inverts = np.array([band.invert for band in block.bands()], dtype=bool)
        self._window = self._window_terms()

    def cells(self, fold: Fold) -> Iterator[CellTerms]:
        """Every cell of the stage but its input FIFO, in the order of the stream."""
        yield self._window
        if self.block.input_bits is None:
            yield self._bits(fold)
        else:
            yield self._digits(fold) if fold.digits > 1 else self._integers(fold)
        if self.is_last:
            yield from self._last(fold)
        else:
            yield from self._compared(fold)

    def input_fifo(self, fold: Fold, before: tuple[Block, Fold] | None) -> CellTerms:
        """The FIFO at the head of the stage; its depth hangs on the fold before as well."""
        width = self.beat * self.word_bits
        return fifo("u_fifo", width, fifo_depth(self.block, fold, before))

    def lanes(self, fold: Fold) -> tuple[int, int]:
        """Lanes of a beat behind the sums, and beats a position."""
        factor = narrow_factor(fold.pe, self.block.fan_in // fold.simd) if self.is_last else 1
        return fold.pe // factor, self.block.out_channels // fold.pe * factor

    def _window_terms(self) -> CellTerms:
        block = window_in_beats(self.block, self.beat)
        bits = self.beat * self.word_bits
        beside = (min(block.stride, block.kernel) - 1) * bits
        first_gap = block.kernel - min(block.pad_left, block.kernel - 1)
        padded = block.pad_left > 0 or block.pad_right > 0
        needed = (block.positions - 1) * block.stride + block.kernel - block.pad_left
        counter = count_bits(window_shifts(block))
        # Where the kind of a step changes, the step counter is compared: into and out of the input,
        # and where words are left over.
        switches = 2 * padded + (needed < block.in_length)
        terms = {
            "cell": 1,
            # The oldest words of a beat that no window needs are no flip-flops.
            "bit": block.kernel * bits - block.offset * self.word_bits,
            "beside_bit": beside,
            # Words beside the window that its first step sets to padding.
            "preset_bit": beside if first_gap % block.stride == 1 else 0,
            "padded_bit": bits if padded else 0,
            "counter": counter,
            "switch_bit": switches * counter,
            "gap": count_bits(block.stride),
        }
        return CellTerms("u_window", "window", terms)

    def _folds(self, fold: Fold) -> dict[str, float]:
        """Counters and the choice of a slice of the window."""
        sf, bits = self.block.fan_in // fold.simd, fold.simd * (self.block.input_bits or 1)
        return {
            "cell": 1,
            "counter": count_bits(fold.steps(self.block)) + (count_bits(sf) if sf > 1 else 0),
            "select": bits * -(-sf // LUT_WAYS) if sf > 1 else 0,
            "slice": bits if sf > 1 else 0,
            "accumulate": fold.pe * self.sum_bits if sf > 1 else 0,
        }

    def _bits(self, fold: Fold) -> CellTerms:
        """As ``rtl/bnn_mvu_bits.sv``: products, a tally or two a lane, and with two their sum."""
        depth, word_bits = fold.steps(self.block), fold.pe * fold.simd
        terms = self._folds(fold)
        before = products(self.block, fold)
        if before.two_slices:
            # The LUTs of the products choose between the slices.
            terms |= {"select": 0, "slice": 0}
        if before.word_register:
            terms["slice"] = fold.simd
        terms["product"] = word_bits if before.ways == 1 and depth > 1 else 0
        adders = self._full_adders if before.shared else fold.pe * before.columns
        terms["full_adder"] = 2 * adders if before.ways == 3 else 0
        terms["word"] = word_bits - fold.block_bits if before.word_register else 0
        terms["block"] = block_rams(fold.block_bits, depth)
        terms["rom"] = terms["word"] * -(-depth // LUT_ROM_DEPTH)
        tallies = fold.pe * (2 if before.ways == 3 else 1)
        terms |= {name: tallies * n for name, n in tally_terms(before.columns).items()}
        terms["join_bit"] = fold.pe * fold.simd.bit_length() if before.ways == 3 else 0
        return CellTerms("u_mvu", "bits", terms)

    @cached_property
    def _full_adders(self) -> int:
        """Adders of ``rtl/bnn_shared_adders.sv`` that lanes use: patterns of a column, opposites once."""
        total = 0
        for start in range(0, self.block.fan_in, 3):
            column = self.block.rows[:, start : start + 3]
            if column.shape[1] == 3:
                column = column ^ column[:, :1]
            total += len(np.unique(column, axis=0))
        return total

    def _integers(self, fold: Fold) -> CellTerms:
        depth = fold.steps(self.block)
        terms = self._folds(fold)
        terms["lane_bit"] = fold.pe * self.sum_bits
        if depth == 1:
            adder_bits, lanes, negated = self._constant_adders
            terms["adder_bit"] = adder_bits
            terms["lane_bit"] = lanes * self.sum_bits
            terms["negated_bit"] = negated * self.sum_bits
            return CellTerms("u_mvu", "integers_constant", terms)
        bits, count = self.block.input_bits or 1, fold.simd
        adder_bits = 0
        while count > 1:
            adder_bits += (count // 2) * (bits + 1)
            count, bits = -(-count // 2), bits + 1
        terms["adder_bit"] = fold.pe * adder_bits
        in_luts = fold.pe * fold.simd - fold.block_bits
        terms["rom"] = in_luts * -(-depth // LUT_ROM_DEPTH)
        terms["block"] = block_rams(fold.block_bits, depth)
        return CellTerms("u_mvu", "integers_rom", terms)

    def _digits(self, fold: Fold) -> CellTerms:
        """As ``rtl/bnn_mvu_digits.sv``: adders and their carries, digits to choose, digits that wait."""
        adders, waiting = self._digit_adders
        bits = -(-self.sum_bits // fold.digits)
        lanes = self.block.out_channels
        negated = int((self.block.rows[:, 0] == 0).sum())
        terms = {
            "cell": 1,
            "counter": count_bits(fold.digits),
            "select": bits * self.block.fan_in * -(-fold.digits // LUT_WAYS),
            "adder": adders + negated,
            "adder_bit": (adders + negated) * bits,
            "wait_bit": (waiting + lanes * fold.digits - negated) * bits,
            "slice": bits * self.block.fan_in,
        }
        return CellTerms("u_mvu", "integers_digits", terms)

    @cached_property
    def _digit_adders(self) -> tuple[int, int]:
        """Adders of all levels, and digits that wait a level; lanes equal or opposite count once."""
        rows, fan_in = self.block.rows, self.block.fan_in
        adders, waiting, span = 0, 0, 2
        while span < 2 * fan_in and fan_in > 1:
            for start in range(0, fan_in, span):
                part = rows[:, start : start + span]
                distinct = np.unique(part ^ part[:, :1], axis=0).shape[0]
                if start + span // 2 < fan_in:
                    adders += distinct
                else:
                    waiting += distinct
            span *= 2
        return adders, waiting

    @cached_property
    def _constant_adders(self) -> tuple[int, int, int]:
        """Adder bits of an unrolled integer layer, lanes, and lanes to be negated, equals counted once.

        As in ``rtl/bnn_signed_tree.sv``: a node takes the sign of its low operand, so that lanes share
        it where their weights over its elements are equal or opposite; the root subtracts either way
        round and is negative only where both of its operands are.
        """
        rows, fan_in = np.unique(self.block.rows, axis=0), self.block.fan_in
        half = 1 << (count_bits(fan_in) - 1) if fan_in > 1 else 0
        negated = (rows[:, 0] == 0) & (rows[:, half] == 0)
        total, spans = 0, [(0, fan_in)]
        while spans:
            below = []
            for start, stop in spans:
                if stop - start < 2:
                    continue
                root = stop - start == fan_in
                flipped = negated if root else rows[:, start] == 0
                distinct = np.unique(rows[:, start:stop] ^ flipped[:, None], axis=0).shape[0]
                height = count_bits(stop - start)
                total += distinct * ((self.block.input_bits or 1) + height)
                middle = start + (1 << (height - 1))
                below += [(start, middle), (middle, stop)]
            spans = below
        return total, rows.shape[0], int(negated.sum())

    def _compared(self, fold: Fold) -> Iterator[CellTerms]:
        block, nf = self.block, self.block.out_channels // fold.pe
        bits = self.sides * fold.pe
        terms = {"cell": 1, "compare": bits, "compare_bit": bits * self.sum_bits}
        if nf == 1:
            yield CellTerms("u_threshold", "threshold_constant", terms)
        else:
            terms["deep_bit"] = terms["compare_bit"] if nf > _MERGED_BEATS else 0
            terms["rom"] = terms["compare_bit"] * (-(-nf // LUT_ROM_DEPTH) - 1)
            terms["counter"] = count_bits(nf)
            yield CellTerms("u_threshold", "threshold_rom", terms)
        yield from self._cut(bits, fold)
        yield from pool_cells("u_sum_pool", block.sum_pools, block.positions, bits, 1, nf)
        inverts = self.inverts.reshape(nf, fold.pe)
        mixed = int((inverts.any(axis=0) & ~inverts.all(axis=0)).sum())
        terms = {
            "lane": fold.pe if self.sides == 2 else mixed,
            "mixed": mixed,
            "counter": count_bits(nf) if mixed else 0,
        }
        yield CellTerms("u_decide", "decide", terms)
        yield from pool_cells("u_bit_pool", block.bit_pools, block.head_length, fold.pe, 1, nf)
        if nf > 1:
            terms = {"cell": 1, "bit": (nf - 1) * fold.pe, "counter": count_bits(nf)}
            yield CellTerms("u_collect", "collect", terms)

    def _cut(self, bits: int, fold: Fold) -> Iterator[CellTerms]:
        depth = cut_depth(self.block, fold)
        if depth > 0:
            yield fifo("u_cut", bits, depth)

    def _last(self, fold: Fold) -> Iterator[CellTerms]:
        block = self.block
        lanes, beats = self.lanes(fold)
        factor = fold.pe // lanes
        if factor > 1:
            terms = {
                "cell": 1,
                "bit": fold.pe * self.sum_bits,
                "select": lanes * self.sum_bits * -(-factor // LUT_WAYS),
            }
            yield CellTerms("u_narrow", "narrow", terms)
        yield from self._cut(lanes * self.sum_bits, fold)
        if block.input_bits is None:
            terms = {"cell": 1, "lane": lanes, "sum_bit": lanes * (self.lane_bits - 1)}
            yield CellTerms("u_centre", "centre", terms)
        yield from pool_cells(
            "u_sum_pool", block.sum_pools, block.positions, lanes, self.lane_bits, beats
        )
