"""Folding for devices of logic cells, a LUT of four inputs with a flip-flop each, and small block RAM.

There a flip-flop costs as much as a LUT, so windows, weights and delay lines belong into block RAM as
far as there is some. Reads a network, the cycles a fragment may take and the block RAMs of the device;
gives the :class:`bnn_hw.generate.folding.Folding` with the fewest cells of a rough model. It decides
between folds and nothing else; what they take is for synthesis to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bnn_hw.errors import UserError
from bnn_hw.generate.estimate_terms import count_bits
from bnn_hw.generate.folding import (
    Fold,
    Folding,
    accumulator_bits,
    fastest,
    folding_of,
    held_cycles,
    legal_folds,
)
from bnn_hw.generate.pipeline import narrow_factor
from bnn_hw.generate.plan import sum_widths
from bnn_hw.generate.ring import ring_depth, ring_fits
from bnn_hw.generate.rtl_stages import LONG_LINE_BEATS
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.network import Network

# Widths of a block RAM of 4 kbit by its words.
_RAM_WIDTHS = {256: 16, 512: 8, 1024: 4, 2048: 2}
_LUT_WORDS = 16
# Cells of a ring's counters and of a register window's, as counted on ecg17.
_RING_CELLS = 100
_WINDOW_CELLS = 60
# Cells a product of bits takes: half an XNOR's LUT, the popcount behind it.
_PRODUCT_CELLS = 2.0


@dataclass(frozen=True)
class _Choice:
    """Folds of the layers so far, and what they take."""

    cells: float
    rams: int
    folds: tuple[Fold, ...]


def solve_logic_cells(network: Network, cycles: int, rams: int) -> Folding:
    """The folding of at most ``cycles`` a fragment and ``rams`` block RAMs with the fewest logic cells.

    Raises
    ------
    UserError
        When no folding is fast enough; the message gives the fewest cycles that are legal.
    """
    limit = fastest(network).cycles
    if cycles < limit:
        raise UserError(
            f"{cycles} cycles a fragment cannot be met by {network.name}: at one sample a cycle the "
            f"nearest legal is {limit}; give CYCLES={limit} or more"
        )
    best = {0: _Choice(0.0, 0, ())}
    for block in network.blocks:
        longer: dict[int, _Choice] = {}
        for option in _options(network, block, cycles):
            for choice in best.values():
                used = choice.rams + option.rams
                joined = _Choice(choice.cells + option.cells, used, choice.folds + option.folds)
                if used <= rams and (used not in longer or joined.cells < longer[used].cells):
                    longer[used] = joined
        best = longer
    return folding_of(network, min(best.values(), key=lambda choice: choice.cells).folds)


def _options(network: Network, block: Block, cycles: int) -> Iterator[_Choice]:
    """Every fold of a block that is fast enough, windows and weights in a memory or not."""
    for plain in legal_folds(block):
        steps, bits = plain.steps(block), plain.pe * plain.simd
        for ring in (False, True) if ring_fits(block, steps, plain.simd) else (False,):
            fold = replace(plain, ring=ring)
            if held_cycles(network, block, fold) > cycles:
                continue
            cells, rams = _stage(network, block, fold)
            yield _Choice(cells + bits * _rom_cells(steps), rams, (fold,))
            if steps > 1:
                in_ram = replace(fold, block_bits=bits)
                yield _Choice(cells, rams + block_rams(bits, steps), (in_ram,))


def _stage(network: Network, block: Block, fold: Fold) -> tuple[float, int]:
    """Logic cells and block RAMs of a stage without its weights."""
    element = block.input_bits or 1
    nf, sf = block.out_channels // fold.pe, block.fan_in // fold.simd
    word, bits = block.in_channels * element, fold.simd * element
    sum_bits, lane_bits = sum_widths(block)
    rams = 0
    if fold.ring:
        cells: float = _RING_CELLS + bits
        rams += block_rams(bits, ring_depth(block, 2) * block.in_channels // fold.simd)
    else:
        taps = block.kernel + min(block.kernel, block.stride) - 1
        cells = _WINDOW_CELLS + (taps + 2) * word + (bits * (1 + sf / 3) if sf > 1 else 0)
    if block.input_bits is None:
        cells += _PRODUCT_CELLS * fold.pe * fold.simd + (2 * fold.pe * sum_bits if sf > 1 else 0)
    else:
        cells += fold.pe * (2 * (fold.simd - 1) * (element + 2) + 3 * sum_bits)
    is_last = block.threshold is None
    lanes, lane = (
        (fold.pe, 1) if not is_last else (fold.pe // narrow_factor(fold.pe, sf), lane_bits)
    )
    beats = block.out_channels // lanes
    if is_last:
        peak = lane_bits if network.head.peak_weight else 0
        line = lanes * (2 * accumulator_bits(block, network.head_terms) + peak)
        lines = [line]
        cells += 3 * line + (fold.pe * sum_bits if fold.pe > lanes else 0)
    else:
        sides = 2 if block.two_sided else 1
        lanes *= sides
        lines = []
        cells += lanes * sum_bits * (1 + _rom_cells(nf)) + block.out_channels - fold.pe
    for pool in (*block.sum_pools, *block.bit_pools):
        line = lanes * lane * -(-(pool.size - 1) // pool.stride)
        lines.append(line)
        cells += 3 * line
    for line in lines:
        if fold.ring and beats >= LONG_LINE_BEATS:
            rams += block_rams(line, beats)
        else:
            cells += line * beats
    return cells, rams


def _rom_cells(words: int) -> float:
    """LUTs a bit of a ROM in LUTs, its multiplexers included; none where it is a constant."""
    return 0.0 if words == 1 else 1.3 * -(-words // _LUT_WORDS)


def block_rams(bits: int, words: int) -> int:
    """Block RAMs of 4 kbit that hold ``words`` of ``bits``."""
    deepest = max(_RAM_WIDTHS)
    if words > deepest:
        return -(-words // deepest) * -(-bits // _RAM_WIDTHS[deepest])
    depth = max(min(_RAM_WIDTHS), 1 << count_bits(words))
    return -(-bits // _RAM_WIDTHS[depth])
