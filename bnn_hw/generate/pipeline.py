"""The pipeline of a stage: its latency, and the room that what is on its way in it needs.

Nothing stalls the pipeline of a stage whose windows stand in registers: an enable that reached all of its
registers in one cycle would set the clock of a large stage. Instead a step starts only while the FIFO
behind the pipeline (``u_cut``) has room for all beats that are on their way.
"""

from __future__ import annotations

from typing import NamedTuple

from bnn_hw.generate.folding import Fold
from bnn_hw.ir.blocks import Block

# A LUT's inputs decide how deep a ROM merges with what follows (rtl/bnn_mvu_bits.sv).
_SHALLOW_STEPS = 8
_TWO_SLICE_STEPS = 16
_MERGED_STEPS = 32
# From so many lanes and elements on lanes of constant weights share full adders (rtl/bnn_shared_adders.sv).
_SHARED_LANES = 16
_SHARED_ELEMENTS = 24
# A FIFO gives a word every cycle from two on.
_LEAST_DEPTH = 2


class Products(NamedTuple):
    """What stands before the popcount of a lane, by the depth of the weight ROM (rtl/bnn_mvu_bits.sv).

    ``ways`` products go into a column, whose adder lanes of constant weights may share; the ROM's word
    has a register of its own, or the LUTs of the products choose between two slices of the window.
    """

    ways: int
    columns: int
    word_register: bool
    two_slices: bool
    shared: bool


def products(block: Block, fold: Fold) -> Products:
    """The products of a layer of bits at ``fold``."""
    depth, sf = fold.steps(block), block.fan_in // fold.simd
    word_register = depth > _MERGED_STEPS or fold.block_bits > 0
    shared = depth == 1 and fold.pe >= _SHARED_LANES and fold.simd >= _SHARED_ELEMENTS
    ways = 3 if shared or word_register or 1 < depth <= _SHALLOW_STEPS else 1
    two_slices = sf == 2 and _SHALLOW_STEPS < depth <= _TWO_SLICE_STEPS and not word_register
    return Products(ways, -(-fold.simd // ways), word_register, two_slices, shared)


def mvu_latency(block: Block, fold: Fold) -> int:
    """Cycles from a fold step to its sums, as in docs/hardware.md."""
    depth, sf = fold.steps(block), block.fan_in // fold.simd
    if fold.digits > 1:
        return fold.digits + (fold.simd - 1).bit_length() + 1
    if block.input_bits is not None:
        return (depth > 1) + (fold.simd - 1).bit_length() + 1
    before = products(block, fold)
    tally = 1 + ((before.columns + 19) // 19 - 1).bit_length()
    slice_register = (sf > 1 and not before.two_slices) or before.word_register
    column_register = depth > 1 or before.shared
    return slice_register + column_register + tally + (before.ways == 3) + (sf > 1)


def narrow_factor(pe: int, sf: int) -> int:
    """Lanes of the last stage that share what stands behind its sums.

    That stage has nothing but arithmetic there: while it works on SF folds, the lanes of a beat can
    take their turns.
    """
    return max(d for d in range(1, pe + 1) if pe % d == 0 and d <= sf)


def skid_words(block: Block, fold: Fold) -> int:
    """Words on their way to ``u_cut`` besides the one that a ready asks for; 0 for a ring, which stalls.

    A word is written ``latency`` cycles after its step and counts for the ready from the next cycle on.
    The steps from ``latency`` cycles before a ready to the ready's own cycle so are not in its count, and
    one in ``apart`` of them ends a beat.
    """
    if fold.ring:
        return 0
    sf = block.fan_in // fold.simd
    apart = sf * fold.digits
    if block.threshold is not None:
        # Through the thresholds, a cycle.
        return (mvu_latency(block, fold) + 1) // apart
    factor = narrow_factor(fold.pe, sf)
    latency = mvu_latency(block, fold) + (factor if factor > 1 else 0)
    return (latency // apart + 1) * factor - 1


def cut_depth(block: Block, fold: Fold) -> int:
    """Words of ``u_cut``: room for what is on its way, and for two words, so that it stays on its way.

    0, no FIFO, for a ring: its stage stalls, and is far from critical.
    """
    if fold.ring:
        return 0
    return skid_words(block, fold) + _LEAST_DEPTH
