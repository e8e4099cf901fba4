"""Folding: how many output channels (PE) and window elements (SIMD) a stage takes a cycle.

A stage with fan-in ``K`` and ``C`` output channels takes ``NF * SF`` fold steps a position, where
``NF = C / PE`` and ``SF = K / SIMD``; one step a cycle. The solver takes cycles a fragment and gives
each stage the cheapest legal fold that keeps within it.

The input may bring several samples a cycle: the first stage's window then moves on by whole beats of
them, and everything behind it is as before, for its stride leaves at most one window a beat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd, isqrt

from bnn_hw.errors import UserError
from bnn_hw.generate.ring import ring_fits
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.layers import Head, signed_bits
from bnn_hw.ir.network import Network

# Fold steps of the last layer from which the head may take its time, too.
_UNHURRIED_STEPS = 32


@dataclass(frozen=True)
class Fold:
    """Output channels and window elements a cycle, and where the weights lie.

    Attributes
    ----------
    block_bits
        Bits of a weight word of ``pe * simd`` bits that are read from block RAM; the others are LUTs.
        0 in a layer without fold steps, whose weights are constants.
    digits
        Cycles a fold step takes, working on one digit of all its integers in each; more than 1 only in
        a first layer without fold steps (``rtl/bnn_mvu_digits.sv``).
    ring
        Windows are read from a memory slice by slice, not held in registers
        (:mod:`bnn_hw.generate.ring`).
    """

    pe: int
    simd: int
    block_bits: int = 0
    digits: int = 1
    ring: bool = False

    def steps(self, block: Block) -> int:
        """Fold steps a position, ``NF * SF``."""
        return (block.out_channels // self.pe) * (block.fan_in // self.simd)

    def held(self, block: Block) -> int:
        """Cycles for which a window is held: fold steps, each of ``digits``."""
        return self.steps(block) * self.digits


@dataclass(frozen=True)
class Folding:
    """A legal fold for every block, and the cycles that follow from it."""

    folds: tuple[Fold, ...]
    stage_cycles: tuple[int, ...]
    held_cycles: int
    samples: int
    samples_per_beat: int = 1

    @property
    def beats(self) -> int:
        """Beats of ``s_axis`` a fragment; the framer takes one a cycle."""
        return self.samples // self.samples_per_beat

    @property
    def cycles(self) -> int:
        """Most cycles from one fragment to the next, back to back: those of the slowest part."""
        return max(self.beats, self.held_cycles)


@dataclass(frozen=True)
class WindowShape:
    """A window over beats of several positions, as ``rtl/bnn_window_wide.sv`` sees it.

    All lengths are in beats; ``offset`` positions of the oldest beat are older than the window.
    """

    kernel: int
    stride: int
    pad_left: int
    pad_right: int
    in_length: int
    positions: int
    offset: int


def window_in_beats(block: Block, beat: int) -> WindowShape:
    """The window of ``block`` over beats of ``beat`` positions, a divisor of stride and length.

    Left padding is rounded up to whole beats, which sets the window ``offset`` positions off the
    beat's edge; the stride is whole beats, so all windows lie alike.
    """
    pad_left = -(-block.pad_left // beat)
    offset = pad_left * beat - block.pad_left
    kernel = -(-(offset + block.kernel) // beat)
    stride, in_length = block.stride // beat, block.in_length // beat
    pad_right = max(0, (block.positions - 1) * stride + kernel - pad_left - in_length)
    return WindowShape(kernel, stride, pad_left, pad_right, in_length, block.positions, offset)


def divisors(number: int) -> list[int]:
    """Every divisor, ascending."""
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def window_shifts(block: Block | WindowShape) -> int:
    """Cycles a fragment in which the window register takes a word: inputs and inserted padding.

    The padding left of the first sample is preloaded, as far as it fits into the register.
    """
    preloaded = min(block.pad_left, block.kernel - 1)
    needed = (block.positions - 1) * block.stride + block.kernel
    used = min(block.in_length, max(needed - block.pad_left, 0))
    return needed - preloaded + block.in_length - used


def window_cycles(block: Block | WindowShape, held: int) -> int:
    """Cycles a fragment of ``rtl/bnn_window.sv``, back to back, when each window is held so long.

    The words between two windows come in while the first of them is held, but for the last word,
    which moves the window on; and so do the dropped words and the first group of words of the next
    fragment behind the last window.
    """
    preloaded = min(block.pad_left, block.kernel - 1)
    first_gap = block.kernel - preloaded
    first_group = (first_gap - 1) % block.stride + 1
    dropped = window_shifts(block) - ((block.positions - 1) * block.stride + first_gap)
    between = (block.positions - 1) * max(block.stride, held)
    return between + max(held, dropped + first_group) + first_gap - first_group


def stage_cycles(block: Block, fold: Fold, beat: int = 1) -> int:
    """Cycles a fragment of one stage: a window is held for its fold steps and their digits.

    From a memory (:mod:`bnn_hw.generate.ring`) they follow without a gap, over fragments too.
    """
    if fold.ring:
        return block.positions * fold.steps(block)
    return window_cycles(window_in_beats(block, beat), fold.held(block))


def score_pairs(network: Network, last: Fold) -> int:
    """Pairs of coefficient bits that the head takes a cycle: two behind a last layer in a hurry.

    Where that saves steps: coefficients of few bits have none to save.
    """
    saves = coefficient_steps(network.head, 2) < coefficient_steps(network.head, 1)
    return 2 if saves and last.steps(network.blocks[-1]) < _UNHURRIED_STEPS else 1


def score_cycles(network: Network, pairs: int = 1) -> int:
    """Cycles in which the head works on its scores and takes no sums (see ``rtl/bnn_head.sv``).

    A score takes a cycle for each ``pairs`` pairs of coefficient bits, at least ``pairs + 1``, and one for
    the offset; a few more pass until the class is sent. Before them the largest sums are added, a beat a
    cycle: at most one a class.
    """
    peak = network.classes if network.head.peak_weight else 0
    return peak + network.classes * (coefficient_steps(network.head, pairs) + 1) + 2 + pairs


def coefficient_steps(head: Head, pairs: int) -> int:
    """Steps of a class in the head, ``pairs`` pairs of coefficient bits in each (``rtl/bnn_head.sv``)."""
    bits = max(signed_bits(head.positive), signed_bits(head.negative))
    return max(-(-bits // (2 * pairs)), pairs + 1)


def windows_ahead(network: Network) -> tuple[int, ...]:
    """Windows of each block that go into the first pooled sums of a fragment."""
    ahead: list[int] = []
    needed = 1
    for block in reversed(network.blocks):
        for pool in reversed(block.sum_pools + block.bit_pools):
            needed = (needed - 1) * pool.stride + pool.size
        ahead.append(needed)
        words = (needed - 1) * block.stride + block.kernel - block.pad_left
        needed = min(max(words, 1), block.in_length)
    return tuple(reversed(ahead))


def held_cycles(
    network: Network, block: Block, fold: Fold, pairs: int = 1, samples_per_beat: int = 1
) -> int:
    """Cycles a fragment of one stage, counting how long a busy head may hold it up.

    While the head scores one fragment, every stage may go on up to what makes the next fragment's
    first pooled sums; what the scores, at ``pairs`` pairs of coefficient bits a cycle, take longer than
    that is added to the stage's own cycles.
    An upper bound: words that wait between the stages take off some of it.
    """
    windows = windows_ahead(network)[block.index]
    beat = beat_of(block, samples_per_beat)
    shape = window_in_beats(block, beat)
    ahead = (windows - 1) * max(shape.stride, fold.held(block))
    if not fold.ring:
        ahead += shape.kernel - min(shape.pad_left, shape.kernel - 1)
    # Lanes of a last beat may take turns behind the sums.
    busy = score_cycles(network, pairs) + network.classes - 1
    return stage_cycles(block, fold, beat) + max(0, busy - ahead)


def accumulator_bits(block: Block, terms: int) -> int:
    """Width of the head's signed sums, of ``terms`` pooled sums of the last block each."""
    reaches = [block.reach(c) for c in range(block.out_channels)]
    low = min(min(r.low, 0) for r in reaches) * terms
    high = max(max(r.high, 0) for r in reaches) * terms
    return signed_bits((low, high))


def legal_folds(block: Block) -> list[Fold]:
    """Every pair of divisors of the output channels and of the fan-in."""
    return [Fold(p, s) for p in divisors(block.out_channels) for s in divisors(block.fan_in)]


def digit_folds(block: Block) -> list[Fold]:
    """The folds of a first layer that work on digits: whole windows and all channels, in some cycles."""
    if block.input_bits is None or block.threshold is None:
        return []
    reaches = [block.reach(channel) for channel in range(block.out_channels)]
    bits = signed_bits([bound for reach in reaches for bound in (reach.low, reach.high)])
    digits = {-(-bits // width) for width in range(1, bits)}
    return [Fold(block.out_channels, block.fan_in, digits=count) for count in sorted(digits)]


def beat_of(block: Block, samples_per_beat: int) -> int:
    """Positions that come into a stage at once: only the first one takes several."""
    return samples_per_beat if block.index == 0 else 1


def legal_samples_per_beat(network: Network) -> list[int]:
    """Samples a beat of ``s_axis``, ascending from 1: whole beats a fragment and a window's stride."""
    return divisors(gcd(network.input.samples, network.blocks[0].stride))


def check_samples_per_beat(network: Network, samples_per_beat: int) -> None:
    """Raise :class:`UserError`, which names the nearest legal number, for one that is not legal."""
    legal = legal_samples_per_beat(network)
    if samples_per_beat not in legal:
        nearest = min(legal, key=lambda s: (abs(s - samples_per_beat), -s))
        raise UserError(
            f"{samples_per_beat} samples a cycle do not divide both the {network.input.samples} samples of "
            f"{network.name} and the stride {network.blocks[0].stride} of {network.blocks[0].name}; nearest "
            f"legal is {nearest} (legal are {', '.join(map(str, legal))})"
        )


def fastest(network: Network, samples_per_beat: int = 1) -> Folding:
    """Everything unrolled."""
    folds = tuple(Fold(b.out_channels, b.fan_in) for b in network.blocks)
    return folding_of(network, folds, samples_per_beat)


def default_cycles(network: Network, samples_per_beat: int = 1) -> int:
    """One beat a cycle and a little for the edges: 3,700 for 3,600 beats; more where it must."""
    beats = network.input.samples // samples_per_beat
    return max(beats + beats // 36, fastest(network, samples_per_beat).cycles)


def override(
    network: Network, folding: Folding, folds: Mapping[str, Fold | tuple[int, int]]
) -> Folding:
    """``folding`` with the fold given for some layers by name; a pair is PE and SIMD.

    Raises
    ------
    UserError
        For an unknown layer, or a PE or SIMD that does not divide; gives the nearest legal one.
    """
    names = [block.name for block in network.blocks]
    unknown = sorted(set(folds) - set(names))
    if unknown:
        raise UserError(
            f"fold for layer {unknown[0][:80]!r}: {network.name} has {', '.join(names)}"
        )
    chosen = list(folding.folds)
    for index, block in enumerate(network.blocks):
        if block.name in folds:
            given = folds[block.name]
            fold = given if isinstance(given, Fold) else Fold(*given)
            _check_divides(block, "PE", fold.pe, block.out_channels, "output channels")
            _check_divides(block, "SIMD", fold.simd, block.fan_in, "window elements")
            _check_block_bits(block, fold)
            _check_digits(block, fold)
            _check_ring(block, fold, beat_of(block, folding.samples_per_beat))
            chosen[index] = fold
    return folding_of(network, tuple(chosen), folding.samples_per_beat)


def _check_divides(block: Block, what: str, value: int, total: int, of: str) -> None:
    if value < 1 or total % value:
        nearest = min(divisors(total), key=lambda d: (abs(d - value), -d))
        raise UserError(
            f"{block.name}: {what}={value} does not divide its {total} {of}; nearest legal is {nearest} "
            f"(legal are {', '.join(map(str, divisors(total)))})"
        )


def _check_block_bits(block: Block, fold: Fold) -> None:
    most = fold.pe * fold.simd if fold.steps(block) > 1 else 0
    if not 0 <= fold.block_bits <= most:
        raise UserError(
            f"{block.name}: {fold.block_bits} bits of a weight word in block RAM; at PE {fold.pe} and "
            f"SIMD {fold.simd} 0 to {most} are legal"
        )


def _check_ring(block: Block, fold: Fold, beat: int) -> None:
    if fold.ring and (beat > 1 or not ring_fits(block, fold.steps(block), fold.simd)):
        raise UserError(
            f"{block.name}: windows cannot be read from a memory at PE {fold.pe} and SIMD {fold.simd}; SIMD "
            f"must divide its {block.in_channels} input channels, the stride not exceed the kernel, and one "
            "sample come in a cycle"
        )


def _check_digits(block: Block, fold: Fold) -> None:
    if fold.digits != 1 and fold not in digit_folds(block):
        legal = ", ".join(str(of.digits) for of in digit_folds(block))
        raise UserError(
            f"{block.name}: {fold.digits} digits at PE {fold.pe} and SIMD {fold.simd}; legal are 1"
            + (f" and, unrolled, {legal}" if legal else "")
        )


def folding_of(network: Network, folds: tuple[Fold, ...], samples_per_beat: int = 1) -> Folding:
    """The folding of ``network`` with a legal fold for every block, in order.

    Raises
    ------
    UserError
        When so many samples a beat are not legal; gives the nearest number that is.
    """
    check_samples_per_beat(network, samples_per_beat)
    pairs = list(zip(network.blocks, folds, strict=True))
    of_head = score_pairs(network, folds[-1])
    return Folding(
        folds=folds,
        stage_cycles=tuple(stage_cycles(b, f, beat_of(b, samples_per_beat)) for b, f in pairs),
        held_cycles=max(held_cycles(network, b, f, of_head, samples_per_beat) for b, f in pairs),
        samples=network.input.samples,
        samples_per_beat=samples_per_beat,
    )
