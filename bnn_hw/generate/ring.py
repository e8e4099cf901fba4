"""Windows in a memory instead of registers: when a stage has them there, and how much memory.

A stage that is folded far holds a window for many steps and looks at a few elements in each, so the
window need not stand in registers: ``rtl/bnn_window_ram.sv`` keeps the positions in a ring and reads
one slice a step. Reads a block; gives plain numbers to :mod:`bnn_hw.generate.folding` (cycles) and
:mod:`bnn_hw.generate.plan` (the cell's parameters).
"""

from __future__ import annotations

from bnn_hw.ir.blocks import Block

# Fold steps from which a window goes to memory: those at which the weights get a register as well.
_SLOW_STEPS = 33
# Bits of a window from which the counters of a ring are smaller than the window's registers.
_WIDE_BITS = 96


def window_in_memory(block: Block, steps: int, simd: int) -> bool:
    """Whether the stage keeps its windows in a memory when it takes ``steps`` of ``simd`` elements.

    Each slice must lie within one position; the windows must not leave out positions; and the words
    that no window needs must come in beside one window, so that a fragment never waits for them.
    """
    if block.in_channels % simd or block.stride > block.kernel:
        return False
    parts = block.in_channels // simd
    bits = block.kernel * block.in_channels * (block.input_bits or 1)
    needed = (block.positions - 1) * block.stride + block.kernel
    dropped = block.in_length - min(block.in_length, max(0, needed - block.pad_left))
    return (
        steps >= _SLOW_STEPS
        and bits >= _WIDE_BITS
        and block.kernel > 1
        and dropped + block.kernel * parts <= steps
    )


def ring_depth(block: Block, waiting: int) -> int:
    """Positions of the ring, a power of two.

    Two windows and two positions more, so that the next window is there when one has been read; and
    a window, the padding between two fragments and the ``waiting`` words that come while the stage
    works on windows of padding, so that the stage before need not stop for them.
    """
    rest = block.pad_left + block.pad_right + waiting
    return 1 << (max(2 * block.kernel + 2, block.kernel + rest) - 1).bit_length()
