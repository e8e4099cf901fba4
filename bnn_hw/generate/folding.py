"""Folding: how many output channels (PE) and window elements (SIMD) a stage takes a cycle.

A stage with fan-in ``K`` and ``C`` output channels takes ``NF * SF`` fold steps a position, where
``NF = C / PE`` and ``SF = K / SIMD``; one step a cycle. The solver takes cycles a fragment and gives
each stage the cheapest legal fold that keeps within it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from bnn_hw.errors import UserError
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.layers import signed_bits
from bnn_hw.ir.network import Network

# A LUT6 holds 64 bits of ROM for one output.
_LUT_ROM_DEPTH = 64


@dataclass(frozen=True)
class Fold:
    """Output channels and window elements a cycle."""

    pe: int
    simd: int

    def steps(self, block: Block) -> int:
        """Fold steps a position, ``NF * SF``."""
        return (block.out_channels // self.pe) * (block.fan_in // self.simd)


@dataclass(frozen=True)
class Folding:
    """A legal fold for every block, and the cycles that follow from it."""

    folds: tuple[Fold, ...]
    stage_cycles: tuple[int, ...]
    head_cycles: int
    samples: int

    @property
    def cycles(self) -> int:
        """Cycles from one fragment to the next, back to back: those of the slowest part."""
        return max(self.samples, self.head_cycles, *self.stage_cycles)


def divisors(number: int) -> list[int]:
    """Every divisor, ascending."""
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def window_shifts(block: Block) -> int:
    """Cycles a fragment in which the window register takes a word: inputs and inserted padding.

    The padding left of the first sample is preloaded, as far as it fits into the register.
    """
    preloaded = min(block.pad_left, block.kernel - 1)
    needed = (block.positions - 1) * block.stride + block.kernel
    used = min(block.in_length, max(needed - block.pad_left, 0))
    return needed - preloaded + block.in_length - used


def stage_cycles(block: Block, fold: Fold) -> int:
    """Cycles a fragment of one stage: a window is held for its steps, the last one with a shift."""
    return block.positions * (fold.steps(block) - 1) + window_shifts(block)


def score_cycles(network: Network) -> int:
    """Cycles in which the head works on its scores and takes no sums (see ``rtl/bnn_head.sv``).

    A score takes two cycles a coefficient bit, one for the offset and one to be sent; the class is
    one beat more.
    """
    head = network.head
    coefficient_bits = max(signed_bits(head.positive), signed_bits(head.negative))
    return network.classes * (2 * coefficient_bits + 2) + 1


def head_cycles(network: Network, last: Fold) -> int:
    """Cycles a fragment of the last stage with the head behind it.

    While the head scores one fragment, the stage may go on up to the next one's first pooled sums;
    only what the scores take longer than that is added to the stage's own cycles.
    """
    block = network.blocks[-1]
    steps = last.steps(block)
    first_positions = 1
    for pool in reversed(block.sum_pools):
        first_positions = (first_positions - 1) * pool.stride + pool.size
    first_shifts = (first_positions - 1) * block.stride + block.kernel
    first_shifts -= min(block.pad_left, block.kernel - 1)
    ahead = first_positions * (steps - 1) + first_shifts
    # Lanes of a beat may take turns behind the sums; the last of them comes so much later.
    turns = min(last.pe, block.fan_in // last.simd) - 1
    return stage_cycles(block, last) + max(0, score_cycles(network) + turns - ahead)


def accumulator_bits(block: Block) -> int:
    """Width of the head's signed sums over time."""
    reaches = [block.reach(c) for c in range(block.out_channels)]
    low = min(min(r.low, 0) for r in reaches) * block.head_length
    high = max(max(r.high, 0) for r in reaches) * block.head_length
    return signed_bits((low, high))


def lut_cost(block: Block, fold: Fold) -> int:
    """Rough LUT6 of a stage's folded dot product, to compare folds of one stage with one another."""
    depth = fold.steps(block)
    lanes = fold.pe * fold.simd
    element = 1 if block.input_bits is None else block.input_bits + 1
    rom = 0 if depth == 1 else lanes * -(-depth // _LUT_ROM_DEPTH)
    folds_in = block.fan_in // fold.simd
    # A 4:1 multiplexer is one LUT6; the slice of the window is shared by all PE.
    select = (
        fold.simd
        * (1 if block.input_bits is None else block.input_bits)
        * (-(-(folds_in - 1) // 3))
    )
    accumulate = fold.pe * block.sum_bits * (2 if folds_in > 1 else 1)
    return rom + lanes * element + select + accumulate


def legal_folds(block: Block) -> list[Fold]:
    """Every pair of divisors of the output channels and of the fan-in."""
    return [Fold(p, s) for p in divisors(block.out_channels) for s in divisors(block.fan_in)]


def fastest(network: Network) -> Folding:
    """Everything unrolled."""
    return _folding(network, tuple(Fold(b.out_channels, b.fan_in) for b in network.blocks))


def default_cycles(network: Network) -> int:
    """One sample a cycle and a little for the edges: 3,700 for 3,600 samples; more where it must."""
    return max(network.input.samples + network.input.samples // 36, fastest(network).cycles)


def solve(network: Network, cycles: int) -> Folding:
    """The cheapest legal folding of at most ``cycles`` a fragment.

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
    folds = []
    for block in network.blocks:
        fast_enough = [f for f in legal_folds(block) if stage_cycles(block, f) <= cycles]
        if block is network.blocks[-1]:
            fast_enough = [f for f in fast_enough if head_cycles(network, f) <= cycles]
        folds.append(min(fast_enough, key=lambda f: (lut_cost(block, f), f.pe * f.simd, f.pe)))
    return _folding(network, tuple(folds))


def override(network: Network, folding: Folding, folds: Mapping[str, tuple[int, int]]) -> Folding:
    """``folding`` with the ``(PE, SIMD)`` given for some layers by name.

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
            pe, simd = folds[block.name]
            _check_divides(block, "PE", pe, block.out_channels, "output channels")
            _check_divides(block, "SIMD", simd, block.fan_in, "window elements")
            chosen[index] = Fold(pe, simd)
    return _folding(network, tuple(chosen))


def _check_divides(block: Block, what: str, value: int, total: int, of: str) -> None:
    if value < 1 or total % value:
        nearest = min(divisors(total), key=lambda d: (abs(d - value), -d))
        raise UserError(
            f"{block.name}: {what}={value} does not divide its {total} {of}; nearest legal is {nearest} "
            f"(legal are {', '.join(map(str, divisors(total)))})"
        )


def _folding(network: Network, folds: tuple[Fold, ...]) -> Folding:
    return Folding(
        folds=folds,
        stage_cycles=tuple(stage_cycles(b, f) for b, f in zip(network.blocks, folds, strict=True)),
        head_cycles=head_cycles(network, folds[-1]),
        samples=network.input.samples,
    )
