"""The devices that ``make synth`` and the open-flow scripts of the hand-off know, as data.

One :class:`Target` a device, with the board that a bitstream is built for. Read by
:mod:`bnn_hw.generate.open_flow`, which renders the scripts, and by :mod:`bnn_hw.synth`, which runs
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bnn_hw.errors import UserError


class Family(Enum):
    """Device families; the value names the synthesis script."""

    XC7 = "xc7"
    ECP5 = "ecp5"
    ICE40 = "ice40"


@dataclass(frozen=True)
class Board:
    """A board with a serial port: its pin file, oscillator and baud rate."""

    name: str
    pin_file: str
    clock_hz: int
    baud: int

    @property
    def clocks_per_bit(self) -> int:
        """Clock cycles a bit of the serial line."""
        return round(self.clock_hz / self.baud)


@dataclass(frozen=True)
class Target:
    """A device that a network can be synthesised for.

    Attributes
    ----------
    cycles
        Cycles a fragment by default; None is the fastest legal folding.
    nextpnr
        Device options of nextpnr; empty where there is no open place and route.
    goal_mhz
        What nextpnr is asked for. More than is wanted: its placer stops trying where this is met.
    block_rams
        Set where logic cells are what is scarce: block RAMs of 4 kbit that windows, weights and delay
        lines may take in their stead (:mod:`bnn_hw.generate.logic_cells`).
    rom
        Where weights lie, as ``generate --rom``. A block RAM of ECP5 gives its word 5.7 ns into the cycle,
        for the open flow does not use its output register.
    merges_counts
        Whether the cells that count bits are mapped with what stands around them. There are thousands
        in a design of several samples a cycle, each of which Yosys would map on its own, for hours.
    """

    name: str
    family: Family
    device: str
    # The most that the solver may take; none: a little above the fewest that are legal.
    cycles: int | None
    nextpnr: tuple[str, ...] = ()
    goal_mhz: int | None = None
    board: Board | None = None
    block_rams: int | None = None
    rom: str = "auto"
    merges_counts: bool = False

    @property
    def routed(self) -> bool:
        """Whether place and route from open tools exists."""
        return self.board is not None


_ULX3S = Board("ULX3S", "ulx3s.lpf", clock_hz=25_000_000, baud=1_000_000)
_ICEBREAKER = Board("iCEBreaker", "icebreaker.pcf", clock_hz=12_000_000, baud=1_000_000)
_CABGA381 = ("--package", "CABGA381", "--speed", "6")

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("xc7", Family.XC7, "Xilinx 7 series", cycles=3700),
        Target(
            "ecp5-25k",
            Family.ECP5,
            "LFE5U-25F-6BG381C",
            cycles=3700,
            nextpnr=("--25k", *_CABGA381),
            goal_mhz=200,
            board=_ULX3S,
            rom="lut",
        ),
        Target(
            "ecp5-85k",
            Family.ECP5,
            "LFE5U-85F-6BG381C",
            cycles=None,
            nextpnr=("--85k", *_CABGA381),
            goal_mhz=200,
            board=_ULX3S,
            rom="lut",
            merges_counts=True,
        ),
        Target(
            "up5k",
            Family.ICE40,
            "iCE40UP5K-SG48",
            cycles=100_000,
            nextpnr=("--up5k", "--package", "sg48"),
            goal_mhz=24,
            board=_ICEBREAKER,
            block_rams=30,
        ),
    )
}


def find_target(name: str) -> Target:
    """The target of that name; :class:`UserError` lists those there are."""
    try:
        return TARGETS[name]
    except KeyError:
        raise UserError(
            f"TARGET {name[:80]!r} is not known; choose one of {', '.join(TARGETS)}"
        ) from None
