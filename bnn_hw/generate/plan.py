"""The plan: a network and its folding as plain numbers, from which RTL and HLS are rendered.

All arithmetic of the generators stands here, once, so that templates need none: widths, fold order,
thresholds in the hardware's domain, FIFO depths. Both generators read the plan; neither reads the
other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bnn_hw import __version__
from bnn_hw.errors import UserError
from bnn_hw.generate.folding import Fold, Folding, accumulator_bits, beat_of, score_pairs
from bnn_hw.generate.pipeline import cut_depth, skid_words
from bnn_hw.generate.ring import ring_depth
from bnn_hw.ir.accept import popcount_threshold
from bnn_hw.ir.bits import Bits, row_to_int
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.layers import MaxPool, signed_bits
from bnn_hw.ir.network import Network

AXIS_SAMPLE_BITS = 16
# Fragments whose framing verdict may wait for their result; a full FIFO only stalls the input.
ERROR_FIFO_DEPTH = 4


@dataclass(frozen=True)
class PoolPlan:
    """A max-pool on the folded stream, with the positions it takes and gives a fragment."""

    size: int
    stride: int
    in_positions: int
    out_positions: int


@dataclass(frozen=True)
class StagePlan:
    """One block as hardware: see ``docs/hardware.md`` for the meaning of each width and order.

    ``ring_depth`` is 0 where windows stand in registers; else they are read from a ring of so many
    positions, which takes the place of the input FIFO as well. ``cut_depth`` words are those of the
    FIFO behind the pipeline, 0 for none, ``skid`` of them for what is on its way
    (:mod:`bnn_hw.generate.pipeline`). ``in_parts`` words of the input stream
    make a position, ``out_parts`` of the output stream.
    """

    index: int
    name: str
    is_first: bool
    is_last: bool
    in_channels: int
    element_bits: int
    in_length: int
    kernel: int
    stride: int
    pad_left: int
    pad_right: int
    pad_word: int
    positions: int
    out_channels: int
    pe: int
    simd: int
    block_bits: int
    digits: int
    fifo_depth: int
    cut_depth: int
    skid: int
    ring_depth: int
    in_parts: int
    sum_bits: int
    lane_bits: int
    weight_words: tuple[int, ...]
    sides: int
    thresholds: tuple[int, ...]
    invert: tuple[int, ...]
    sum_pools: tuple[PoolPlan, ...]
    bit_pools: tuple[PoolPlan, ...]
    out_positions: int
    out_parts: int = 1
    beat: int = 1  # positions that come in at once

    @property
    def has_cut(self) -> bool:
        """Whether a FIFO stands behind the pipeline, which then never stalls."""
        return self.cut_depth > 0

    @property
    def word_bits(self) -> int:
        """Bits of one position of the input stream."""
        return self.in_channels * self.element_bits

    @property
    def window_elements(self) -> int:
        """Fan-in: elements of a window."""
        return self.kernel * self.in_channels

    @property
    def window_bits(self) -> int:
        """Bits of a window."""
        return self.kernel * self.word_bits

    @property
    def slice_bits(self) -> int:
        """Bits of the elements that one fold step takes."""
        return self.simd * self.element_bits

    @property
    def in_bits(self) -> int:
        """Bits of a word of the input stream: a position, a slice of it, or several, the oldest lowest."""
        return self.beat * self.word_bits // self.in_parts

    @property
    def parts(self) -> int:
        """Slices of a position of a ring."""
        return self.in_channels // self.simd

    @property
    def nf(self) -> int:
        """Neuron folds: beats a position."""
        return self.out_channels // self.pe

    @property
    def sf(self) -> int:
        """Synapse folds: steps a beat."""
        return self.window_elements // self.simd

    @property
    def held(self) -> int:
        """Cycles a window is worked on: fold steps, each of its digits."""
        return self.nf * self.sf * self.digits

    @property
    def weight_bits(self) -> int:
        """Bits of a ROM word."""
        return self.pe * self.simd


@dataclass(frozen=True)
class HeadPlan:
    """The head: per class two accumulators, its largest sum and an affine in fixed point."""

    positions: int
    peak_weight: int
    acc_bits: int
    positive_bits: int
    negative_bits: int
    offset_bits: int
    score_bits: int
    step_pairs: int
    positive: tuple[int, ...]
    negative: tuple[int, ...]
    offset: tuple[int, ...]
    fraction_bits: int


@dataclass(frozen=True)
class Plan:
    """A whole accelerator as numbers."""

    name: str
    digest: str
    generator_version: str
    samples: int
    input_channels: int
    input_bits: int
    axis_bits: int
    labels: tuple[str, ...]
    result_bits: int
    cycles: int
    stage_cycles: tuple[int, ...]
    error_fifo_depth: int
    stages: tuple[StagePlan, ...]
    head: HeadPlan
    samples_per_beat: int = 1

    @property
    def beats(self) -> int:
        """Beats of ``s_axis`` a fragment."""
        return self.samples // self.samples_per_beat

    @property
    def beat_samples(self) -> int:
        """Samples of a beat of ``s_axis``, all channels counted."""
        return self.input_channels * self.samples_per_beat

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.labels)


def build_plan(network: Network, folding: Folding) -> Plan:
    """The plan of ``network`` at ``folding``.

    Raises
    ------
    UserError
        When a score does not fit into 64 bits.
    """
    score_bits = network.score_bits
    if score_bits > 64:
        raise UserError(
            f"network {network.name}: a score takes {score_bits} bits, at most 64; freeze it with fewer fraction bits"
        )
    head = network.head
    last = network.blocks[-1]
    stages: list[StagePlan] = []
    before: tuple[Block, Fold] | None = None
    for block, fold in zip(network.blocks, folding.folds, strict=True):
        beat = beat_of(block, folding.samples_per_beat)
        stage = _stage(block, fold, before, beat)
        if stages:
            stages[-1] = replace(stages[-1], out_parts=stage.in_parts)
        stages.append(stage)
        before = block, fold
    return Plan(
        name=network.name,
        digest=network.digest(),
        generator_version=__version__,
        samples=network.input.samples,
        input_channels=network.input.channels,
        input_bits=network.input.bits,
        axis_bits=AXIS_SAMPLE_BITS * network.input.channels * folding.samples_per_beat,
        labels=network.labels,
        result_bits=32 if score_bits <= 32 else 64,
        cycles=folding.cycles,
        stage_cycles=folding.stage_cycles,
        error_fifo_depth=ERROR_FIFO_DEPTH,
        stages=tuple(stages),
        head=HeadPlan(
            positions=last.head_length,
            peak_weight=head.peak_weight,
            acc_bits=accumulator_bits(last, network.head_terms),
            positive_bits=signed_bits(head.positive),
            negative_bits=signed_bits(head.negative),
            offset_bits=signed_bits(head.offset),
            score_bits=score_bits,
            step_pairs=score_pairs(network, folding.folds[-1]),
            positive=head.positive,
            negative=head.negative,
            offset=head.offset,
            fraction_bits=head.fraction_bits,
        ),
        samples_per_beat=folding.samples_per_beat,
    )


def rom_words(rows: Bits, fold: Fold) -> tuple[int, ...]:
    """Weights in fold order, the one place where it is written.

    Step ``s = nf_i * SF + sf_i`` reads word ``s``; its bit ``p * SIMD + j`` is the weight of output
    channel ``nf_i * PE + p`` and window element ``sf_i * SIMD + j``.
    """
    out_channels, fan_in = rows.shape
    nf, sf = out_channels // fold.pe, fan_in // fold.simd
    words = rows.reshape(nf, fold.pe, sf, fold.simd).transpose(0, 2, 1, 3).reshape(nf * sf, -1)
    return tuple(row_to_int(word) for word in words)


def _stage(block: Block, fold: Fold, before: tuple[Block, Fold] | None, beat: int) -> StagePlan:
    sides = 2 if block.two_sided else 1
    thresholds = _thresholds(block, sides)
    sum_bits, lane_bits = sum_widths(block)
    length = block.positions
    waiting = fifo_depth(block, fold, before)
    pools: list[list[PoolPlan]] = []
    for group in (block.sum_pools, block.bit_pools):
        plans, length = _pools(group, length)
        pools.append(plans)
    return StagePlan(
        index=block.index,
        name=block.name,
        is_first=block.index == 0,
        is_last=block.threshold is None,
        in_channels=block.in_channels,
        element_bits=block.input_bits or 1,
        in_length=block.in_length,
        kernel=block.kernel,
        stride=block.stride,
        pad_left=block.pad_left,
        pad_right=block.pad_right,
        pad_word=_pad_word(block),
        positions=block.positions,
        out_channels=block.out_channels,
        pe=fold.pe,
        simd=fold.simd,
        block_bits=fold.block_bits,
        digits=fold.digits,
        fifo_depth=waiting,
        cut_depth=cut_depth(block, fold),
        skid=skid_words(block, fold),
        ring_depth=ring_depth(block, waiting) if fold.ring else 0,
        in_parts=block.in_channels // fold.simd if fold.ring and _gives_slices(before, fold) else 1,
        sum_bits=sum_bits,
        lane_bits=lane_bits,
        weight_words=rom_words(block.rows, fold),
        sides=sides,
        thresholds=thresholds,
        invert=tuple(int(band.invert) for band in block.bands()),
        sum_pools=tuple(pools[0]),
        bit_pools=tuple(pools[1]),
        out_positions=length,
        beat=beat,
    )


def _gives_slices(before: tuple[Block, Fold] | None, fold: Fold) -> bool:
    """Whether the beats of the stage before make up slices of a ring, so that none collects positions."""
    return before is not None and fold.simd % before[1].pe == 0


def sum_widths(block: Block) -> tuple[int, int]:
    """Bits of a sum and of a threshold, and of a signed sum as the head takes it."""
    thresholds = _thresholds(block, 2 if block.two_sided else 1)
    if block.input_bits is not None:
        reaches = [block.reach(c) for c in range(block.out_channels)]
        bits = signed_bits([*thresholds, min(r.low for r in reaches), max(r.high for r in reaches)])
        return bits, bits
    bits = max(block.fan_in, *thresholds, 0).bit_length()
    return bits, signed_bits((-block.fan_in, block.fan_in))


def _thresholds(block: Block, sides: int) -> tuple[int, ...]:
    """Bounds in the hardware's domain, index ``side * out_channels + channel``."""
    bounds: list[int] = []
    for side in range(sides):
        for channel, band in enumerate(block.bands()):
            unreachable = block.reach(channel).high + 1
            if side == 0:
                bounds.append(band.low)
            else:
                bounds.append(unreachable if band.high is None else band.high)
    if block.input_bits is not None:
        return tuple(bounds)
    return tuple(popcount_threshold(bound, block.fan_in) for bound in bounds)


def _pad_word(block: Block) -> int:
    bits = block.input_bits or 1
    element = (
        block.pad_value & ((1 << bits) - 1)
        if block.input_bits is not None
        else int(block.pad_value > 0)
    )
    return sum(element << (channel * bits) for channel in range(block.in_channels))


def _pools(group: tuple[MaxPool, ...], length: int) -> tuple[list[PoolPlan], int]:
    plans = []
    for pool in group:
        out = pool.out_length(length)
        plans.append(PoolPlan(pool.size, pool.stride, length, out))
        length = out
    return plans, length


def fifo_depth(block: Block, fold: Fold, before: tuple[Block, Fold] | None) -> int:
    """Words that arrive while the stage works on windows whose newest positions are padding.

    Those windows take no input; without room for what comes meanwhile the stage before would stop
    once a fragment, and a folding that is just fast enough would miss its cycles.
    """
    if before is None:
        return 2
    block_before, fold_before = before
    needed = (block.positions - 1) * block.stride + block.kernel
    pad_windows = max(0, -(-(needed - block.pad_left - block.in_length) // block.stride))
    busy_cycles = pad_windows * fold.held(block)
    stride = 1
    for pool in (*block_before.sum_pools, *block_before.bit_pools):
        stride *= pool.stride
    period_cycles = max(1, fold_before.held(block_before) * stride)
    return max(2, 1 + -(-busy_cycles // period_cycles))
