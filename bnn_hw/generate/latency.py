"""Latency of a folding: cycles from a fragment's last sample to the last beat of its result.

Reads blocks and their folds; follows one fragment, alone in the accelerator and sent without a pause,
through every cell of ``rtl/`` by the cycle in which each of its words passes. It takes room behind every
cell for granted: exact where no stage stops the one before it, which the derived depths of the FIFOs
see to at up to a stage's own rate; where a slow stage holds up the samples themselves, the last of them
comes later and the latency is at most this. The bench beside the cycles test measures both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bnn_hw.generate.folding import (
    Fold,
    WindowShape,
    beat_of,
    score_cycles,
    score_pairs,
    window_in_beats,
)
from bnn_hw.generate.pipeline import mvu_latency, narrow_factor
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.layers import MaxPool
from bnn_hw.ir.network import Network

# From sums to comparisons and through the FIFO behind them; the last stage: FIFO and centre.
_COMPARED_CYCLES = 2


def latency_cycles(network: Network, folds: Sequence[Fold], samples_per_beat: int = 1) -> int:
    """Cycles between the last sample's transfer and that of the result's last beat, one fragment alone.

    An upper bound where a stage holds up the samples (see the module).
    """
    words = list(range(network.input.samples // samples_per_beat))
    last_sample = words[-1]
    for block, fold in zip(network.blocks, folds, strict=True):
        shape = window_in_beats(block, beat_of(block, samples_per_beat))
        words = list(_stage_words(block, shape, fold, words))
    # With a peak the head adds it a beat a cycle; score_cycles counts one for each class.
    head = score_cycles(network, score_pairs(network, folds[-1]))
    if network.head.peak_weight:
        lanes = _lanes(network.blocks[-1], folds[-1])
        head += network.classes // lanes - network.classes
    return words[-1] + head - last_sample


def tail_windows(block: Block | WindowShape) -> int:
    """Windows of a fragment that are still to be worked on when its last input word has come."""
    needed = (block.positions - 1) * block.stride + block.kernel
    return max(0, -(-(needed - block.pad_left - block.in_length) // block.stride)) + 1


def _lanes(block: Block, fold: Fold) -> int:
    return fold.pe // narrow_factor(fold.pe, block.fan_in // fold.simd)


def _stage_words(
    block: Block, shape: WindowShape, fold: Fold, words: Sequence[int]
) -> Iterator[int]:
    """Cycles in which a stage's words leave it, from those in which its input words come."""
    sf = block.fan_in // fold.simd
    # A digit serial unit counts its latency from the window's first cycle, the others a step's own.
    last_step = fold.steps(block) - 1
    behind = last_step + mvu_latency(block, fold)
    sums = [start + behind for start in _window_starts(block, shape, fold, words)]
    if block.threshold is None:
        factor = narrow_factor(fold.pe, sf)
        centre = 1 if block.input_bits is None else 0
        turns = factor if factor > 1 else 0
        leave: Iterable[int] = [cycle + turns + 1 + centre for cycle in sums]
    else:
        leave = [cycle + _COMPARED_CYCLES for cycle in sums]
    for pool in (*block.sum_pools, *block.bit_pools):
        leave = _pooled(pool, list(leave))
    yield from leave


def _pooled(pool: MaxPool, cycles: Sequence[int]) -> Iterator[int]:
    for position in range(pool.out_length(len(cycles))):
        yield cycles[position * pool.stride + pool.size - 1] + 1


def _window_starts(
    block: Block, shape: WindowShape, fold: Fold, words: Sequence[int]
) -> Iterator[int]:
    """The cycle in which the matrix-vector unit begins with each window.

    The window takes a step a cycle: padding that is not preloaded, input words once they have passed the
    FIFO, a step that moves it on only when the window before has been taken.
    """
    held = fold.held(block)
    # A ring writes a word part by part, and reads it a cycle later.
    waits = block.in_channels // fold.simd + 1 if fold.ring else 1
    preset = min(shape.pad_left, shape.kernel - 1)
    first_gap = shape.kernel - preset
    shifts = (shape.positions - 1) * shape.stride + first_gap
    pad_before = shape.pad_left - preset
    step, taken = -1, -1
    for shift in range(shifts):
        word = shift - pad_before
        step += 1
        if 0 <= word < shape.in_length:
            step = max(step, words[word] + waits)
        elif shift == 0:
            # The first step waits for the fragment's first word even where it takes none.
            step = max(step, words[0] + waits)
        behind = shift - first_gap
        moves = (shift + 1 - first_gap) % shape.stride == 0
        if moves:
            step = max(step, taken)
        if behind >= -1 and moves:
            taken = step + held
            yield step + 1
