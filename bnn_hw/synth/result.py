"""The figures of one synthesis, as ``make synth`` prints them and ``report.json`` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bnn_hw.generate.folding import Fold
from bnn_hw.generate.fpga_targets import Target
from bnn_hw.synth.cells import CellCounts
from bnn_hw.synth.timing import Timing, logic_cells


@dataclass(frozen=True)
class SynthResult:
    """Everything that is known about a network on a device.

    Attributes
    ----------
    network
        Counts of the network alone, its AXI-Stream ports the border.
    logic_cells
        The same packed into logic cells (LUT and flip-flop) by nextpnr; None without one.
    timing
        The board's whole design, routed; None where there is no open place and route.
    bitstream
        Name of its file beside the report.
    """

    model: str
    digest: str
    target: Target
    cycles: int
    samples_per_cycle: int
    folds: Mapping[str, Fold]
    network: CellCounts
    logic_cells: int | None
    timing: Timing | None
    bitstream: str | None
    seed: int
    estimate: Mapping[str, Any]
    tool_versions: Mapping[str, str]

    @property
    def fragments_per_s(self) -> float | None:
        """Fragments a second at Fmax, back to back; None where no tool gives an Fmax."""
        if self.timing is None:
            return None
        return round(self.timing.fmax_mhz * 1e6 / self.cycles, 1)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values: the keys of the contract first."""
        counts = self.network
        return {
            "model": self.model,
            "target": self.target.name,
            "cycles_per_fragment": self.cycles,
            "lut": counts.lut,
            "ff": counts.ff,
            "bram": counts.bram,
            "fmax_mhz": None if self.timing is None else self.timing.fmax_mhz,
            "fragments_per_s": self.fragments_per_s,
            "estimate": dict(self.estimate),
            "tool_versions": dict(self.tool_versions),
            "digest": self.digest,
            "device": self.target.device,
            "dsp": counts.dsp,
            "lut_ram": counts.lut_ram,
            "ram": counts.ram,
            "logic_cells": self.logic_cells,
            "cells": dict(counts.cells),
            "samples_per_cycle": self.samples_per_cycle,
            "folding": {name: asdict(fold) for name, fold in self.folds.items()},
            "seed": self.seed,
            "board": None if self.timing is None else self._board(self.timing),
        }

    def _board(self, timing: Timing) -> dict[str, Any]:
        board = self.target.board
        assert board is not None, "what was routed has a board"
        return {
            "name": board.name,
            "clock_mhz": board.clock_hz / 1e6,
            "logic_cells": logic_cells(timing.used),
            "used": dict(timing.used),
            "available": dict(timing.available),
            "critical_path": timing.critical_path.as_dict(),
            "bitstream": self.bitstream,
        }
