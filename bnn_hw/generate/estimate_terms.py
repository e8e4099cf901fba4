"""What each cell of an accelerator is made of, as numbers that a fold changes.

Reads a block and its fold; gives one :class:`CellTerms` a cell: how many products, window bits,
compared bits and so on it holds. :mod:`bnn_hw.generate.estimate` weighs them with coefficients that
``benchmarks/estimate.py`` fits to synthesised cells. Only counts stand here, no coefficient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bnn_hw.generate.folding import Fold, accumulator_bits, window_shifts
from bnn_hw.generate.plan import fifo_depth, sum_widths
from bnn_hw.generate.rtl_stages import narrow_factor
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.layers import MaxPool, signed_bits
from bnn_hw.ir.network import Network

# How synthesis fills a LUT6 changes at these depths of the weight ROM (see rtl/bnn_mvu_bits.sv).
SHALLOW_STEPS = 8
MERGED_STEPS = 32
_LUT_ROM_DEPTH = 64
# A LUT6 is a 4:1 multiplexer.
_LUT_WAYS = 4
# Bits from which synthesis takes LUT RAM for a FIFO of two words, and for a deeper one.
_RAM_BITS = 28
_DEEP_RAM_BITS = 16
# Words up to which that is LUT RAM and not block RAM.
_LUT_RAM_DEPTH = 64
# Entries from which it takes shift-register LUTs for a delay line, and how many one holds.
_SHIFT_ENTRIES = 3
_SHIFT_DEPTH = 32
# Beats up to which the ROM of thresholds merges with the comparison of two bits in a LUT6.
_MERGED_BEATS = 4


@dataclass(frozen=True)
class CellTerms:
    """One cell: its instance name, the model it follows, and the model's terms."""

    instance: str
    kind: str
    terms: Mapping[str, float]


def count_bits(modulus: int) -> int:
    """Bits of a counter modulo ``modulus``; 0 for a constant."""
    return (modulus - 1).bit_length()


def fifo(instance: str, width: int, depth: int) -> CellTerms:
    """``bnn_fifo``: registers where its words are few and narrow, else LUT RAM or block RAM."""
    pointers = 2 * count_bits(depth) + count_bits(depth + 1)
    if width * depth < (_RAM_BITS if depth <= 2 else _DEEP_RAM_BITS):
        terms = {"cell": 1, "bit": width * depth, "pointer": pointers}
        return CellTerms(instance, "fifo_registers", terms)
    if depth > _LUT_RAM_DEPTH:
        terms = {"cell": 1, "bit": width, "pointer": pointers, "block": -(-width // 36)}
        return CellTerms(instance, "fifo_block", terms)
    # One LUT RAM cell is 32 words of six bits.
    terms = {"cell": 1, "pointer": pointers, "ram": -(-width // 6) * -(-depth // 32)}
    return CellTerms(instance, "fifo_ram", terms)


def _line(bits: int, entries: int) -> dict[str, float]:
    """``bnn_delay``: flip-flops where it is short, else shift-register LUTs."""
    if entries < _SHIFT_ENTRIES:
        return {"line_bit": bits * entries, "line_ram": 0}
    return {"line_bit": 0, "line_ram": bits * -(-entries // _SHIFT_DEPTH)}


class BlockTerms:
    """The terms of one block at any fold; what does not depend on the fold is counted once."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.is_last = block.threshold is None
        self.word_bits = block.in_channels * (block.input_bits or 1)
        self.sum_bits, self.lane_bits = sum_widths(block)
        self.sides = 2 if block.two_sided else 1
        self.inverts = np.array([band.invert for band in block.bands()], dtype=bool)
        self._window = self._window_terms()
        self._constant_adders: tuple[int, int] | None = None
        self._constant_bits: tuple[int, int] | None = None

    def cells(self, fold: Fold) -> Iterator[CellTerms]:
        """Every cell of the stage but its input FIFO, in the order of the stream."""
        yield self._window
        yield self._integers(fold) if self.block.input_bits is not None else self._bits(fold)
        if self.is_last:
            yield from self._last(fold)
        else:
            yield from self._compared(fold)

    def input_fifo(self, fold: Fold, before: tuple[Block, Fold] | None) -> CellTerms:
        """The FIFO at the head of the stage; its depth hangs on the fold before as well."""
        return fifo("u_fifo", self.word_bits, fifo_depth(self.block, fold, before))

    def lanes(self, fold: Fold) -> tuple[int, int]:
        """Lanes of a beat behind the sums, and beats a position."""
        factor = narrow_factor(fold.pe, self.block.fan_in // fold.simd) if self.is_last else 1
        return fold.pe // factor, self.block.out_channels // fold.pe * factor

    def _window_terms(self) -> CellTerms:
        block = self.block
        padded = block.pad_left > 0 or block.pad_right > 0
        needed = (block.positions - 1) * block.stride + block.kernel - block.pad_left
        counter = count_bits(window_shifts(block))
        # Where the kind of a step changes, the step counter is compared: into and out of the input,
        # and where words are left over.
        switches = 2 * padded + (needed < block.in_length)
        terms = {
            "cell": 1,
            "bit": block.kernel * self.word_bits,
            "gathered_bit": (min(block.stride, block.kernel) - 1) * self.word_bits,
            "padded_bit": self.word_bits if padded else 0,
            "counter": counter,
            "switch_bit": switches * counter,
        }
        return CellTerms("u_window", "window", terms)

    def _folds(self, fold: Fold) -> dict[str, float]:
        """Counters and the choice of a slice of the window."""
        sf, bits = self.block.fan_in // fold.simd, fold.simd * (self.block.input_bits or 1)
        return {
            "cell": 1,
            "counter": count_bits(fold.steps(self.block)) + (count_bits(sf) if sf > 1 else 0),
            "select": bits * -(-sf // _LUT_WAYS) if sf > 1 else 0,
            "slice": bits if sf > 1 else 0,
            "accumulate": fold.pe * self.sum_bits if sf > 1 else 0,
        }

    def _bits(self, fold: Fold) -> CellTerms:
        depth, products = fold.steps(self.block), fold.pe * fold.simd
        if depth == 1:
            kind, ways = "bits_constant", 6
        elif depth <= SHALLOW_STEPS:
            kind, ways = "bits_shallow", 3
        elif depth <= MERGED_STEPS:
            kind, ways = "bits_merged", 1
        else:
            kind, ways = "bits_deep", 3
        columns = -(-fold.simd // ways)
        vectors = {6: 3, 3: 2, 1: 1}[ways]
        terms = self._folds(fold)
        lanes = fold.pe
        if depth == 1:
            if self._constant_bits is None:
                self._constant_bits = self._shared_columns(columns)
            lanes, terms["pattern"] = self._constant_bits
        else:
            terms["product"] = products
        terms["tally"] = lanes * vectors * (columns - columns.bit_length())
        terms["lane"] = lanes
        terms["lane_bit"] = lanes * self.sum_bits
        if kind == "bits_deep":
            terms["rom"] = products * -(-depth // _LUT_ROM_DEPTH)
        return CellTerms("u_mvu", kind, terms)

    def _shared_columns(self, columns: int) -> tuple[int, int]:
        """Lanes of an unrolled layer with weights of their own, and products after sharing.

        A compressor adds six products, bits g, g + columns, ... of the window; lanes with equal weights
        there share it.
        """
        rows = self.block.rows
        patterns = 0
        for column in range(columns):
            part = rows[:, column::columns]
            patterns += part.shape[1] * np.unique(part, axis=0).shape[0]
        return np.unique(rows, axis=0).shape[0], patterns

    def _integers(self, fold: Fold) -> CellTerms:
        depth = fold.steps(self.block)
        terms = self._folds(fold)
        terms["lane_bit"] = fold.pe * self.sum_bits
        if depth == 1:
            if self._constant_adders is None:
                self._constant_adders = self._shared_adders()
            terms["adder_bit"] = self._constant_adders[0]
            terms["negated_bit"] = self._constant_adders[1] * self.sum_bits
            return CellTerms("u_mvu", "integers_constant", terms)
        bits, count = self.block.input_bits or 1, fold.simd
        adder_bits = 0
        while count > 1:
            adder_bits += (count // 2) * (bits + 1)
            count, bits = -(-count // 2), bits + 1
        terms["adder_bit"] = fold.pe * adder_bits
        terms["rom"] = fold.pe * fold.simd * -(-depth // _LUT_ROM_DEPTH)
        return CellTerms("u_mvu", "integers_rom", terms)

    def _shared_adders(self) -> tuple[int, int]:
        """Adder bits of an unrolled integer layer, equal nodes counted once; lanes to be negated.

        As in ``rtl/bnn_signed_tree.sv``: a node takes the sign of its low operand, so that lanes share
        it where their weights over its elements are equal or opposite; the root subtracts either way
        round and is negative only where both of its operands are.
        """
        rows, fan_in = self.block.rows, self.block.fan_in
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
        return total, int(negated.sum())

    def _compared(self, fold: Fold) -> Iterator[CellTerms]:
        block, nf = self.block, self.block.out_channels // fold.pe
        bits = self.sides * fold.pe
        terms = {"cell": 1, "compare": bits, "compare_bit": bits * self.sum_bits}
        if nf == 1:
            yield CellTerms("u_threshold", "threshold_constant", terms)
        else:
            terms["deep_bit"] = terms["compare_bit"] if nf > _MERGED_BEATS else 0
            terms["rom"] = terms["compare_bit"] * (-(-nf // _LUT_ROM_DEPTH) - 1)
            terms["counter"] = count_bits(nf)
            yield CellTerms("u_threshold", "threshold_rom", terms)
        yield fifo("u_cut", bits, 2)
        yield from _pools("u_sum_pool", block.sum_pools, block.positions, bits, 1, nf)
        inverts = self.inverts.reshape(nf, fold.pe)
        mixed = int((inverts.any(axis=0) & ~inverts.all(axis=0)).sum())
        terms = {
            "lane": fold.pe if self.sides == 2 else mixed,
            "mixed": mixed,
            "counter": count_bits(nf) if mixed else 0,
        }
        yield CellTerms("u_decide", "decide", terms)
        yield from _pools("u_bit_pool", block.bit_pools, block.head_length, fold.pe, 1, nf)
        if nf > 1:
            terms = {"cell": 1, "bit": (nf - 1) * fold.pe, "counter": count_bits(nf)}
            yield CellTerms("u_collect", "collect", terms)

    def _last(self, fold: Fold) -> Iterator[CellTerms]:
        block = self.block
        lanes, beats = self.lanes(fold)
        factor = fold.pe // lanes
        if factor > 1:
            terms = {
                "cell": 1,
                "bit": fold.pe * self.sum_bits,
                "select": lanes * self.sum_bits * -(-factor // _LUT_WAYS),
            }
            yield CellTerms("u_narrow", "narrow", terms)
        yield fifo("u_cut", lanes * self.sum_bits, 2)
        if block.input_bits is None:
            terms = {"cell": 1, "lane": lanes, "sum_bit": lanes * (self.lane_bits - 1)}
            yield CellTerms("u_centre", "centre", terms)
        yield from _pools(
            "u_sum_pool", block.sum_pools, block.positions, lanes, self.lane_bits, beats
        )


def _pools(
    instance: str, pools: tuple[MaxPool, ...], length: int, lanes: int, lane_bits: int, beats: int
) -> Iterator[CellTerms]:
    for number, pool in enumerate(pools, start=1):
        open_windows = -(-(pool.size - 1) // pool.stride)
        bits = lanes * lane_bits
        terms = {
            "cell": 1,
            "bit": bits,
            "open_bit": bits * open_windows,
            "counter": count_bits(length) + count_bits(pool.stride) + count_bits(beats),
            **_line(bits * open_windows, beats),
        }
        kind = "pool_bits" if lane_bits == 1 else "pool_sums"
        yield CellTerms(f"{instance}{number}", kind, terms)
        length = pool.out_length(length)


def head_terms(network: Network, lanes: int, beats: int) -> CellTerms:
    """``bnn_head`` behind a last stage of ``lanes`` lanes and ``beats`` beats a position."""
    head, last = network.head, network.blocks[-1]
    acc_bits = accumulator_bits(last, network.head_terms)
    peak_bits = lanes * sum_widths(last)[1] if head.peak_weight else 0
    coefficient_bits = max(signed_bits(head.positive), signed_bits(head.negative))
    steps = network.classes * coefficient_bits
    terms = {
        "cell": 1,
        "accumulate": lanes * acc_bits,
        "select": 2 * acc_bits * -(-lanes // _LUT_WAYS) if lanes > 1 else 0,
        "score_bit": network.score_bits,
        "coefficient": 2 * -(-steps // _LUT_ROM_DEPTH),
        "offset": signed_bits(head.offset) * -(-network.classes // _LUT_ROM_DEPTH),
        "counter": count_bits(last.head_length) + count_bits(steps) + 2 * count_bits(beats),
        "peak": lanes * acc_bits if head.peak_weight else 0,
        "peak_bit": peak_bits,
        **_line(2 * lanes * acc_bits + peak_bits, beats),
    }
    return CellTerms("u_bnn_head", "head", terms)


def framer_terms(network: Network) -> CellTerms:
    """``bnn_framer``."""
    of = network.input
    terms = {
        "cell": 1,
        "sample_bit": of.channels * of.bits,
        "check_bit": of.channels * (17 - of.bits),
        "counter": count_bits(of.samples),
    }
    return CellTerms("u_bnn_framer", "framer", terms)


def error_fifo_terms() -> CellTerms:
    """The FIFO of the framer's verdicts: one bit wide, always the same depth."""
    return CellTerms("u_bnn_error_fifo", "error_fifo", {"cell": 1})
