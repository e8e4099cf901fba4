"""The folding that a user asks for: one target and what is set besides, in the words of the CLI.

Reads a network and options as text and numbers; gives a :class:`bnn_hw.generate.folding.Folding` by the
solver that fits. Whoever renders a network without being told how folds it as ``choose_folding(network)``.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bnn_hw.errors import UserError
from bnn_hw.generate.estimate import DEFAULT_FAMILY
from bnn_hw.generate.folding import Folding, default_cycles, fastest, override
from bnn_hw.generate.logic_cells import solve_logic_cells
from bnn_hw.generate.solver import (
    Goal,
    cycles_for_rate,
    default_latency,
    place_roms,
    solve,
    solve_fastest,
    solve_smallest,
)
from bnn_hw.ir.network import Network

_FOLD = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,62})=([0-9]{1,9})x([0-9]{1,9})", re.ASCII)


def choose_folding(
    network: Network,
    cycles: int | None = None,
    folds: tuple[str, ...] = (),
    rate: float | None = None,
    clock: float | None = None,
    family: str = DEFAULT_FAMILY,
    block_rams: int | None = None,
    rom: str = "auto",
    latency: int | None = None,
    samples_per_cycle: int | None = None,
) -> Folding:
    """The solver's folding, with the layers set that ``folds`` give as ``LAYER=PExSIMD``.

    Its target is one of ``cycles`` a fragment, ``rate`` (fragments/s) with ``clock`` (MHz), and
    ``smallest`` or ``fastest`` in ``folds``; without any it is one beat of the input a cycle. With
    ``block_rams`` and cycles it is that of :mod:`bnn_hw.generate.logic_cells`. A beat of the input has
    ``samples_per_cycle`` samples; without it as few as the target allows, one where there is none.

    Raises
    ------
    UserError
        When there are two targets, or the one cannot be met, or a fold is not legal; gives the nearest
        legal one.
    """
    goals = [fold for fold in folds if fold in _GOALS]
    given = [f"--fold {goal}" for goal in goals]
    given += [f"--cycles {cycles}"] if cycles is not None else []
    given += [f"--rate {rate:g}"] if rate is not None else []
    if len(given) > 1:
        raise UserError(f"{given[0]} and {given[1]} are two targets: give one of them")
    goal = Goal(ROMS[rom], latency, samples_per_cycle)
    if (rate is None) != (clock is None):
        raise UserError("--rate FRAGMENTS_PER_S and --clock MHZ belong together: give both or none")
    if goals:
        folding = _GOALS[goals[0]](network, family, goal)
    else:
        if rate is not None and clock is not None:
            cycles = cycles_for_rate(network, rate, clock, samples_per_cycle)
        if cycles is None:
            goal = replace(goal, samples_per_beat=samples_per_cycle or 1)
            cycles = default_cycles(network, samples_per_cycle or 1)
        if block_rams is None or _is_wide(network, cycles, samples_per_cycle):
            folding = _solve(network, cycles, family, goal)
        else:
            folding = solve_logic_cells(network, cycles, block_rams)
    given_folds = dict(_parse_fold(f) for f in folds if f not in _GOALS)
    if not given_folds:
        return folding
    if block_rams is not None:
        return override(network, folding, given_folds)
    # The weights of all layers share the block RAM: they are placed anew.
    return place_roms(network, override(network, folding, given_folds), family, goal)


def _is_wide(network: Network, cycles: int, samples_per_cycle: int | None) -> bool:
    """Whether more than one sample has to come in at once; such a fold is no matter of small devices."""
    if samples_per_cycle is None:
        return cycles < fastest(network).cycles
    return samples_per_cycle > 1


def _solve(network: Network, cycles: int, family: str, goal: Goal) -> Folding:
    """At one sample a cycle the result is to come soon, too, where that can be had."""
    if goal.latency is None and cycles <= default_cycles(network):
        try:
            soon = replace(goal, latency=default_latency(network))
            return solve(network, cycles, family, soon)
        except UserError:
            pass
    return solve(network, cycles, family, goal)


# Block RAM that weights may take by default, in halves of a BRAM36; any amount; none.
ROMS = {"auto": 8, "block": None, "lut": 0}
_GOALS = {"smallest": solve_smallest, "fastest": solve_fastest}


def _parse_fold(text: str) -> tuple[str, tuple[int, int]]:
    match = _FOLD.fullmatch(text)
    if match is None:
        raise UserError(
            f"--fold {text[:80]!r} is not smallest, fastest or LAYER=PExSIMD, such as block2=4x8"
        )
    return match[1], (int(match[2]), int(match[3]))
