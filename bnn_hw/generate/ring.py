"""Windows in a memory instead of registers: where they can be, and how much memory they take.

A stage that is folded far holds a window for many steps and looks at a few elements in each, so the
window need not stand in registers: ``rtl/bnn_window_ram.sv`` keeps the positions in a ring and reads
one slice a step. Reads a block; gives plain numbers to :mod:`bnn_hw.generate.folding` (cycles) and
:mod:`bnn_hw.generate.plan` (the cell's parameters).
"""

from __future__ import annotations

from bnn_hw.ir.blocks import Block


def ring_fits(block: Block, steps: int, simd: int) -> bool:
    """Whether windows of the block can be read from a ring at ``steps`` of ``simd`` elements.

    Each slice must lie within one position; the windows must not leave out positions; and one window,
    with the words that none needs, must come in beside another, so that a fragment never waits for it.
    """
    if block.in_channels % simd or block.stride > block.kernel:
        return False
    needed = (block.positions - 1) * block.stride + block.kernel
    dropped = block.in_length - min(block.in_length, max(0, needed - block.pad_left))
    return steps > 1 and dropped + block.kernel * (block.in_channels // simd) <= steps


def ring_depth(block: Block, waiting: int) -> int:
    """Positions of the ring, a power of two.

    Two windows and two positions more, so that the next window is there when one has been read; and
    a window, the padding between two fragments and the ``waiting`` words that come while the stage
    works on windows of padding, so that the stage before need not stop for them.
    """
    rest = block.pad_left + block.pad_right + waiting
    return 1 << (max(2 * block.kernel + 2, block.kernel + rest) - 1).bit_length()
