"""Folding solver: from a target to PE and SIMD a layer, with the fewest estimated LUTs.

Reads a network and a target: cycles a fragment, or "smallest", or "fastest". Gives the legal
:class:`bnn_hw.generate.folding.Folding` whose whole accelerator the estimator
(:mod:`bnn_hw.generate.estimate`) thinks smallest among all that keep within the target. The choice is
exact, not a heuristic: layers hang together only by the FIFO between two neighbours, so the best
chain of folds is found layer by layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil, floor, inf, log10

from bnn_hw.errors import UserError
from bnn_hw.generate.estimate import DEFAULT_FAMILY, Coefficients, area, load_coefficients
from bnn_hw.generate.estimate_stages import BlockTerms
from bnn_hw.generate.estimate_terms import head_terms
from bnn_hw.generate.folding import Fold, Folding, fastest, folding_of, held_cycles, legal_folds
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.network import Network


@dataclass(frozen=True)
class _Chain:
    """The cheapest folds of the layers so far, and their LUTs."""

    lut: float
    folds: tuple[Fold, ...]


def solve(network: Network, cycles: int, family: str = DEFAULT_FAMILY) -> Folding:
    """The folding of at most ``cycles`` a fragment with the fewest estimated LUTs on ``family``.

    Raises
    ------
    UserError
        When no folding is fast enough; the message gives the fewest cycles that are legal. For a
        family that the estimator does not know.
    """
    limit = fastest(network).cycles
    if cycles < limit:
        raise UserError(
            f"{cycles} cycles a fragment cannot be met by {network.name}: at one sample a cycle the "
            f"nearest legal is {limit}; give CYCLES={limit} or more"
        )
    return _cheapest(network, cycles, family)


def solve_fastest(network: Network, family: str = DEFAULT_FAMILY) -> Folding:
    """The smallest of the foldings with the fewest cycles a fragment."""
    return _cheapest(network, fastest(network).cycles, family)


def solve_smallest(network: Network, family: str = DEFAULT_FAMILY) -> Folding:
    """The folding with the fewest estimated LUTs."""
    return _cheapest(network, None, family)


def cycles_for_rate(network: Network, fragments_per_s: float, clock_mhz: float) -> int:
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
    limit = fastest(network).cycles
    if cycles < limit:
        rate = _significant(clock_mhz * 1e6 / limit, floor)
        clock = _significant(fragments_per_s * limit / 1e6, ceil)
        raise UserError(
            f"{fragments_per_s:g} fragments/s at {clock_mhz:g} MHz leave {cycles} cycles a fragment, "
            f"{network.name} needs {limit} at one sample a cycle: nearest legal are {rate:g} fragments/s "
            f"at this clock, or {clock:g} MHz for this rate"
        )
    return cycles


def _significant(value: float, rounded: Callable[[float], int]) -> float:
    """``value`` with four digits, rounded towards what can be met."""
    unit = 10.0 ** (floor(log10(value)) - 3)
    return rounded(value / unit) * unit


def _cheapest(network: Network, cycles: int | None, family: str) -> Folding:
    """The chain of folds with the fewest LUTs; of equals the one with the fewest steps early."""
    coefficients = load_coefficients(family)
    chains: dict[int, _Chain] = {}
    before: Block | None = None
    for block in network.blocks:
        terms = BlockTerms(block)
        # Folds of equal steps take equal cycles and equal FIFOs: only the cheapest of them counts.
        best: dict[int, tuple[float, Fold]] = {}
        for fold in legal_folds(block):
            if cycles is not None and held_cycles(network, block, fold) > cycles:
                continue
            cells = list(terms.cells(fold))
            if block.threshold is None:
                cells.append(head_terms(network, *terms.lanes(fold)))
            lut = area(cells, coefficients).lut
            steps = fold.steps(block)
            if steps not in best or lut < best[steps][0]:
                best[steps] = lut, fold
        chains = _extend(chains, before, terms, best, coefficients)
        before = block
    chain = min(chains.items(), key=lambda item: (item[1].lut, item[0]))[1]
    return folding_of(network, chain.folds)


def _extend(
    chains: dict[int, _Chain],
    before: Block | None,
    terms: BlockTerms,
    best: dict[int, tuple[float, Fold]],
    coefficients: Coefficients,
) -> dict[int, _Chain]:
    """The cheapest chains one layer longer, by the fold steps of their last layer."""
    fifo_lut = _fifo_luts(terms, coefficients)
    longer: dict[int, _Chain] = {}
    for steps, (lut, fold) in sorted(best.items()):
        if before is None:
            longer[steps] = _Chain(lut + fifo_lut(fold, None), (fold,))
            continue
        joined = [
            _Chain(
                chain.lut + lut + fifo_lut(fold, (before, chain.folds[-1])), (*chain.folds, fold)
            )
            for _, chain in sorted(chains.items())
        ]
        longer[steps] = min(joined, key=lambda chain: chain.lut)
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
