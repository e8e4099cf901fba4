"""What the benches of the three window cells share: a block of a shape, its parameters, its windows."""

from __future__ import annotations

import numpy as np

from bnn_hw.ir import Block
from bnn_hw.ir.bits import int_to_row, row_to_int
from sim.common.blocks import make_block


def window_block(
    channels: int, kernel: int, stride: int, pad_left: int, pad_right: int, length: int
) -> Block:
    """A block of one output channel; its weights, all 1, play no part in its windows."""
    return make_block(
        np.ones((1, kernel * channels), dtype=np.uint8),
        in_channels=channels,
        in_length=length,
        stride=stride,
        pad_left=pad_left,
        pad_right=pad_right,
    )


def shape_parameters(block: Block) -> dict[str, int]:
    """The parameters of every window cell that the block's shape alone gives."""
    return {
        "Kernel": block.kernel,
        "Stride": block.stride,
        "PadLeft": block.pad_left,
        "PadRight": block.pad_right,
        "InLength": block.in_length,
        "Positions": block.positions,
    }


def shape_name(block: Block) -> str:
    """The shape as part of a case's name."""
    pads = f"l{block.pad_left}_r{block.pad_right}"
    return f"k{block.kernel}_s{block.stride}_{pads}_n{block.in_length}"


def windows(block: Block, words: list[int], pad_word: int) -> list[int]:
    """Windows of one fragment, the oldest position in the low bits."""
    pad = int_to_row(pad_word, block.in_channels)
    rows = [int_to_row(word, block.in_channels) for word in words]
    padded = np.array([pad] * block.pad_left + rows + [pad] * block.pad_right, dtype=np.uint8)
    starts = range(0, block.positions * block.stride, block.stride)
    return [row_to_int(padded[start : start + block.kernel].reshape(-1)) for start in starts]
