"""What one run counted: changed bits, cell by cell and in sum.

Reads what ``sim/activity/activity_main.cpp`` writes, or a kept measurement; gives :class:`Activity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Packet = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Toggles:
    """Changed bits: of registers, and of all named nets, registers among them."""

    registers: int = 0
    nets: int = 0

    def __add__(self, other: Toggles) -> Toggles:
        return Toggles(self.registers + other.registers, self.nets + other.nets)


@dataclass(frozen=True)
class CellActivity:
    """What one cell does in the counted time.

    Attributes
    ----------
    part
        The layer, or the instance below the top (``bnn_framer``, ``bnn_head``, ...).
    cell
        Its instance in the layer; the same as ``part`` outside of layers.
    register_bits
        Register bits of the RTL; synthesis merges equal ones and makes delay lines LUT RAM.
    busy_cycles
        Cycles in which one of its ``valid`` nets was up, in that cycle or the one before.
    toggles, idle
        All changed bits, and those in cycles in which the cell is not busy.
    """

    part: str
    cell: str
    register_bits: int
    busy_cycles: int
    toggles: Toggles
    idle: Toggles


@dataclass(frozen=True)
class Activity:
    """Toggles of a design from the end of one result to that of another, ``fragments`` later.

    Attributes
    ----------
    interval_cycles
        Edges of the clock from one sample to the next; 1: as fast as they are taken.
    stops
        How often the clock stood still, before a sample, in the whole run; 0: it never did.
    cycles, busy_cycles, changing_cycles
        All counted edges; those at which some cell is busy; those that change a register.
    design_idle
        Changed bits in cycles in which no cell is busy.
    rests
        Counted samples after which an edge changed no register before the next sample came.
    longest_wait_cycles
        Most edges from the time a sample is due to the one that takes it; None at interval 1.
    drain_cycles
        Edges from the one that takes the very last sample to the last one that changes a register.
    after_drain
        Bits that changed in the thousand edges after that.
    """

    fragments: int
    interval_cycles: int
    stops: int
    cycles: int
    busy_cycles: int
    changing_cycles: int
    rests: int
    longest_wait_cycles: int | None
    drain_cycles: int
    after_drain: int
    design_idle: Toggles
    cells: tuple[CellActivity, ...]

    @property
    def toggles(self) -> Toggles:
        """Changed bits of all cells."""
        return total(cell.toggles for cell in self.cells)

    @property
    def idle(self) -> Toggles:
        """Changed bits of all cells while the cell itself was not busy."""
        return total(cell.idle for cell in self.cells)

    @property
    def register_bits(self) -> int:
        """Register bits of all cells."""
        return sum(cell.register_bits for cell in self.cells)

    def parts(self) -> dict[str, list[CellActivity]]:
        """Cells by layer or instance below the top, in the order of the design."""
        found: dict[str, list[CellActivity]] = {}
        for cell in self.cells:
            found.setdefault(cell.part, []).append(cell)
        return found


def total(counts: Iterable[Toggles]) -> Toggles:
    """The sum of counts."""
    return sum(counts, Toggles())


def counted(
    raw: dict[str, Any], fragments: int, interval_cycles: int, layers: Sequence[str]
) -> Activity:
    """The counts of one run from what the simulation wrote; KeyError when something is missing.

    Parts come as samples pass them: the framer, the layers, what stands behind them.
    """
    order = {part: place for place, part in enumerate(("bnn_framer", *layers))}
    nets: dict[str, list[dict[str, Any]]] = {cell["name"]: [] for cell in raw["cells"]}
    for net in raw["nets"]:
        nets[net["cell"]].append(net)
    cells = tuple(
        CellActivity(
            part=cell["name"].split("/")[0],
            cell=cell["name"].split("/")[-1],
            register_bits=sum(net["bits"] for net in nets[cell["name"]] if net["register"]),
            busy_cycles=cell["busy_cycles"],
            toggles=_sum(nets[cell["name"]], "toggles"),
            idle=_sum(nets[cell["name"]], "idle"),
        )
        for cell in sorted(
            raw["cells"], key=lambda cell: order.get(cell["name"].split("/")[0], len(order))
        )
    )
    return Activity(
        fragments=fragments,
        interval_cycles=interval_cycles,
        stops=raw["stops"],
        cycles=raw["cycles"],
        busy_cycles=raw["busy_cycles"],
        changing_cycles=raw["changing_cycles"],
        rests=raw["rests"],
        longest_wait_cycles=raw["longest_wait"] if interval_cycles > 1 else None,
        drain_cycles=raw["drain_cycles"],
        after_drain=raw["after_drain"],
        design_idle=_sum(raw["nets"], "design_idle"),
        cells=cells,
    )


def _sum(nets: Sequence[dict[str, Any]], kind: str) -> Toggles:
    return Toggles(
        sum(net[kind] for net in nets if net["register"]), sum(net[kind] for net in nets)
    )


def result_packets(raw: dict[str, Any]) -> tuple[Packet, ...]:
    """The results of a run, fragment by fragment: beats of data, ``tuser``, ``tlast``."""
    packets: list[list[tuple[int, int, int]]] = [[]]
    for data, user, last in raw["packets"]:
        packets[-1].append((data, user, last))
        if last:
            packets.append([])
    return tuple(tuple(packet) for packet in packets if packet)


def activity_from(kept: dict[str, Any]) -> Activity:
    """The counts of one run from ``asdict`` of them; KeyError or TypeError when they are not."""
    cells = tuple(
        CellActivity(
            **{**cell, "toggles": Toggles(**cell["toggles"]), "idle": Toggles(**cell["idle"])}
        )
        for cell in kept["cells"]
    )
    return Activity(**{**kept, "cells": cells, "design_idle": Toggles(**kept["design_idle"])})
