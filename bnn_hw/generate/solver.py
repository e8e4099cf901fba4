"""Folding solver: from a target to PE and SIMD a layer, with the fewest estimated LUTs.

Reads a network and a target: cycles a fragment, or "smallest", or "fastest". Gives the legal
:class:`bnn_hw.generate.folding.Folding` whose whole accelerator the estimator
(:mod:`bnn_hw.generate.estimate`) thinks smallest among all that keep within the target. The choice is
exact, not a heuristic: layers hang together only by the FIFO between two neighbours and the block RAMs
that they share, so the best chain of folds is found layer by layer. A limit of the latency is met by a
price on each of its cycles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, floor, inf, log10

from bnn_hw.errors import UserError
from bnn_hw.generate.estimate import DEFAULT_FAMILY, Coefficients, area, load_coefficients
from bnn_hw.generate.estimate_stages import BlockTerms
from bnn_hw.generate.estimate_terms import block_ram_width, block_rams, head_terms
from bnn_hw.generate.folding import (
    Fold,
    Folding,
    beat_of,
    check_samples_per_beat,
    digit_folds,
    fastest,
    folding_of,
    held_cycles,
    legal_folds,
    legal_samples_per_beat,
    score_cycles,
    score_pairs,
    window_in_beats,
)
from bnn_hw.generate.latency import latency_cycles, tail_windows
from bnn_hw.generate.pipeline import mvu_latency
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.network import Network


@dataclass(frozen=True)
class Goal:
    """What the solver may spend besides cycles.

    Attributes
    ----------
    block_rams
        Block RAMs for weights, in halves: of 18 kbit each. None puts the weights of every folded layer
        into block RAM, however many that takes.
    latency
        Most cycles from a fragment's last sample to the end of its result; None: any.
    samples_per_beat
        Samples that come in at once; None: as few as the cycles allow.
    """

    block_rams: int | None = 0
    latency: int | None = None
    samples_per_beat: int | None = None


@dataclass(frozen=True)
class _Choice:
    """A fold of a layer with its LUTs and its share of the latency."""

    fold: Fold
    lut: float
    tail: int


@dataclass(frozen=True)
class _Chain:
    """The cheapest folds of the layers so far, their LUTs, and those with the price of the latency."""

    cost: float
    lut: float
    folds: tuple[Fold, ...]


# By cycles that a window is held, and block RAMs taken so far.
_Chains = dict[tuple[int, int], _Chain]
_NO_GOAL = Goal()
# LUTs that a cycle of latency may cost while a limit is sought, and how finely.
_MOST_LUTS_A_CYCLE = 64.0
_PRICES = 14


def solve(
    network: Network, cycles: int, family: str = DEFAULT_FAMILY, goal: Goal = _NO_GOAL
) -> Folding:
    """The folding of at most ``cycles`` a fragment with the fewest estimated LUTs on ``family``.

    The input is as narrow as ``cycles`` allow, unless ``goal`` says how wide. Without a latency in ``goal``
    no legal folding within the target takes fewer; with one the solver looks among those that are best at
    some price of a cycle of latency.

    Raises
    ------
    UserError
        When no folding is fast enough, or none is found within the latency; the message gives the
        nearest that is legal. For a family that the estimator does not know, and for samples a beat
        that are not legal.
    """
    for samples in _widths(network, goal.samples_per_beat):
        limit = fastest(network, samples).cycles
        if cycles >= limit:
            return _Search(network, family, goal, samples).best(cycles)
    raise UserError(
        f"{cycles} cycles a fragment cannot be met by {network.name}: at {_at_once(samples)} a cycle the "
        f"nearest legal is {limit}; give CYCLES={limit} or more"
    )


def solve_fastest(network: Network, family: str = DEFAULT_FAMILY, goal: Goal = _NO_GOAL) -> Folding:
    """The smallest of the foldings with the fewest cycles a fragment."""
    widths = _widths(network, goal.samples_per_beat)
    cycles, samples = min((fastest(network, s).cycles, s) for s in widths)
    return _Search(network, family, goal, samples).best(cycles)


def solve_smallest(
    network: Network, family: str = DEFAULT_FAMILY, goal: Goal = _NO_GOAL
) -> Folding:
    """The folding with the fewest estimated LUTs; one sample a beat unless ``goal`` says otherwise."""
    samples = _widths(network, goal.samples_per_beat)[0]
    return _Search(network, family, goal, samples).best(None)


def place_roms(
    network: Network, folding: Folding, family: str = DEFAULT_FAMILY, goal: Goal = _NO_GOAL
) -> Folding:
    """``folding`` with each layer's PE and SIMD as they are and its weights where they cost least."""
    anew = replace(goal, latency=None)
    return _Search(network, family, anew, folding.samples_per_beat, folding.folds).best(None)


def _widths(network: Network, samples_per_beat: int | None) -> list[int]:
    """Samples a beat to choose from, the fewest first."""
    if samples_per_beat is None:
        return legal_samples_per_beat(network)
    check_samples_per_beat(network, samples_per_beat)
    return [samples_per_beat]


def _at_once(samples: int) -> str:
    return "one sample" if samples == 1 else f"{samples} samples"


def default_latency(network: Network) -> int:
    """A sixth of a fragment: 600 cycles for 3,600 samples."""
    return network.input.samples // 6


def cycles_for_rate(
    network: Network,
    fragments_per_s: float,
    clock_mhz: float,
    samples_per_beat: int | None = None,
) -> int:
    """Cycles a fragment that ``fragments_per_s`` leave at ``clock_mhz``.

    Raises
    ------
    UserError
        When the rate or the clock is not above 0, or no folding is fast enough; the message gives the
        nearest legal rate and clock.
    """
    if not (0 < fragments_per_s < inf and 0 < clock_mhz < inf):
        raise UserError(
            f"rate {fragments_per_s:g} fragments/s at {clock_mhz:g} MHz: both must be above 0"
        )
    # A rate that divides the clock leaves that many cycles, not one less by rounding.
    cycles = floor(clock_mhz * 1e6 / fragments_per_s * (1 + 1e-12))
    widths = _widths(network, samples_per_beat)
    limit, samples = min((fastest(network, s).cycles, s) for s in widths)
    if cycles < limit:
        rate = _significant(clock_mhz * 1e6 / limit, floor)
        clock = _significant(fragments_per_s * limit / 1e6, ceil)
        raise UserError(
            f"{fragments_per_s:g} fragments/s at {clock_mhz:g} MHz leave {cycles} cycles a fragment, "
            f"{network.name} needs {limit} at {_at_once(samples)} a cycle: nearest legal are {rate:g} fragments/s "
            f"at this clock, or {clock:g} MHz for this rate"
        )
    return cycles


def _significant(value: float, rounded: Callable[[float], int]) -> float:
    """``value`` with four digits, rounded towards what can be met."""
    unit = 10.0 ** (floor(log10(value)) - 3)
    return rounded(value / unit) * unit


class _Search:
    """Chains of folds of one network: what is asked for many times is counted once."""

    def __init__(
        self,
        network: Network,
        family: str,
        goal: Goal,
        samples_per_beat: int,
        only: tuple[Fold, ...] = (),
    ) -> None:
        self.network = network
        self.goal = goal
        self.coefficients = load_coefficients(family)
        self.samples_per_beat = samples_per_beat
        self.terms = [BlockTerms(b, beat_of(b, samples_per_beat)) for b in network.blocks]
        self.only = only
        self._fifo = [_fifo_luts(terms, self.coefficients) for terms in self.terms]

    def best(self, cycles: int | None) -> Folding:
        """The cheapest folding; with a limit of latency the cheapest that was found within it."""
        choices = [
            [self._choices(index, cycles, pairs) for index in range(len(self.terms))]
            for pairs in (1, 2)
        ]
        first = self._cheapest(choices, 0.0)
        limit = self.goal.latency
        if limit is None or self._latency(first) <= limit:
            return self._folding(first)
        hasty = self._cheapest(choices, _MOST_LUTS_A_CYCLE)
        nearest = self._latency(hasty)
        if nearest > limit:
            raise UserError(
                f"a result {limit} cycles after the last sample cannot be met by {self.network.name} here: "
                f"the nearest found is {nearest}; give --latency {nearest} or more, or fewer cycles a fragment"
            )
        low, high = 0.0, _MOST_LUTS_A_CYCLE
        for _ in range(_PRICES):
            price = (low + high) / 2 if low else high / 8
            tried = self._cheapest(choices, price)
            if self._latency(tried) <= limit:
                high = price
                if tried.lut < hasty.lut:
                    hasty = tried
            else:
                low = price
        return self._folding(hasty)

    def _folding(self, chain: _Chain) -> Folding:
        return folding_of(self.network, chain.folds, self.samples_per_beat)

    def _latency(self, chain: _Chain) -> int:
        return latency_cycles(self.network, chain.folds, self.samples_per_beat)

    def _cheapest(
        self, choices: list[list[dict[tuple[int, int], _Choice]]], price: float
    ) -> _Chain:
        """The chain of the lowest cost; of equals the one with the fewest steps in its last layer."""
        found: list[tuple[float, tuple[int, int], _Chain]] = []
        for of_layers in choices:
            chains: _Chains = {}
            for index, best in enumerate(of_layers):
                chains = self._extend(chains, index, best, price)
            found += [(chain.cost, key, chain) for key, chain in chains.items()]
        return min(found, key=lambda item: item[:2])[2]

    def _choices(
        self, index: int, cycles: int | None, pairs: int
    ) -> dict[tuple[int, int], _Choice]:
        """The cheapest fold of a layer for each time that a window is held and block RAMs it takes.

        Folds that hold a window equally long take equal cycles and equal FIFOs: only the cheapest of
        them counts. ``pairs`` are those of the head; a last layer that gives it others is left out.
        """
        network, terms = self.network, self.terms[index]
        block = terms.block
        shape = window_in_beats(block, terms.beat)
        best: dict[tuple[int, int], _Choice] = {}
        folds = [self.only[index]] if self.only else [*legal_folds(block), *digit_folds(block)]
        for plain in folds:
            plain = replace(plain, block_bits=0)
            if block.threshold is None and score_pairs(network, plain) != pairs:
                continue
            held = held_cycles(network, block, plain, pairs, self.samples_per_beat)
            if cycles is not None and held > cycles:
                continue
            tail = tail_windows(shape) * plain.held(block) + mvu_latency(block, plain)
            if block.threshold is None:
                tail += score_cycles(network, pairs)
            for taken, fold, lut in self._places(terms, plain, pairs):
                key = plain.held(block), taken
                if key not in best or lut < best[key].lut:
                    best[key] = _Choice(fold, lut, tail)
        # More block RAM must save something.
        return {
            (held, taken): choice
            for (held, taken), choice in sorted(best.items())
            if all(
                best[held, less].lut > choice.lut for less in range(taken) if (held, less) in best
            )
        }

    def _places(
        self, terms: BlockTerms, plain: Fold, pairs: int
    ) -> Iterator[tuple[int, Fold, float]]:
        """Block RAMs, fold and LUTs for each amount of block RAM that a fold's weights may take."""
        bits, steps = plain.pe * plain.simd, plain.steps(terms.block)

        def luts(fold: Fold) -> float:
            cells = list(terms.cells(fold))
            if terms.block.threshold is None:
                cells.append(head_terms(self.network, *terms.lanes(fold), pairs))
            return area(cells, self.coefficients).lut

        whole = block_rams(bits, steps) if steps > 1 else 0
        most = self.goal.block_rams
        if whole and most is None:
            fold = replace(plain, block_bits=bits)
            # The solver need not count what is not limited.
            yield 0, fold, luts(fold)
            return
        yield 0, plain, luts(plain)
        if not whole or not most:
            return
        # LUTs are linear in the bits: two folds tell all.
        width = block_ram_width(steps)
        full = replace(plain, block_bits=bits)
        full_lut = luts(full)
        a_bit = luts(replace(plain, block_bits=1)) - full_lut
        for taken in range(1, min(whole, most) + 1):
            fold = replace(plain, block_bits=min(bits, taken * width)) if width else full
            if width == 0 and taken < whole:
                continue
            outside = (bits - fold.block_bits) / max(1, bits - 1)
            yield taken, fold, full_lut + outside * a_bit

    def _extend(
        self, chains: _Chains, index: int, best: dict[tuple[int, int], _Choice], price: float
    ) -> _Chains:
        """The cheapest chains one layer longer."""
        fifo_lut = self._fifo[index]
        longer: _Chains = {}
        before = self.network.blocks[index - 1] if index else None
        most = self.goal.block_rams or 0
        for (held, taken), choice in best.items():
            cost = choice.lut + price * choice.tail
            if before is None:
                lut = fifo_lut(choice.fold, None)
                longer[held, taken] = _Chain(cost + lut, choice.lut + lut, (choice.fold,))
                continue
            fifos: dict[int, float] = {}
            for (held_before, used), chain in chains.items():
                if used + taken > most:
                    continue
                if held_before not in fifos:
                    fifos[held_before] = fifo_lut(choice.fold, (before, chain.folds[-1]))
                fifo = fifos[held_before]
                key = held, used + taken
                if key not in longer or chain.cost + cost + fifo < longer[key].cost:
                    longer[key] = _Chain(
                        chain.cost + cost + fifo,
                        chain.lut + choice.lut + fifo,
                        (*chain.folds, choice.fold),
                    )
        return longer


def _fifo_luts(
    terms: BlockTerms, coefficients: Coefficients
) -> Callable[[Fold, tuple[Block, Fold] | None], float]:
    """LUTs of the input FIFO; few depths are common to many pairs of folds."""

    @cache
    def of_cell(kind: str, *items: tuple[str, float]) -> float:
        return sum(coefficients[kind]["lut"][name] * count for name, count in items)

    def of_folds(fold: Fold, before: tuple[Block, Fold] | None) -> float:
        cell = terms.input_fifo(fold, before)
        return of_cell(cell.kind, *cell.terms.items())

    return of_folds
