"""A generated design as simulators take it: its source files, its samples, what a run leaves.

Shared by the Verilator and the Icarus run. Reads a build folder and samples; gives file lists,
sample files and :class:`SimulationRun`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.generate.plan import Plan
from bnn_hw.simulate.lint import build_files
from bnn_hw.simulate.tools import Finished, ToolFailed

# What a generated simulation prints last; see templates/sim.
_FIGURES = ("fragments", "cycles", "cycles_per_fragment", "result_latency_cycles")


@dataclass(frozen=True)
class SimulationRun:
    """A finished simulation of whole fragments.

    Attributes
    ----------
    folder
        Holds a file a tap, see :mod:`bnn_hw.simulate.taps`.
    cycles
        From the end of reset to the last result beat.
    cycles_per_fragment
        From one result to the next, the mean over all; None with a single fragment.
    latency_cycles
        From the first fragment's last sample to the end of its result.
    """

    folder: Path
    fragments: int
    cycles: int
    cycles_per_fragment: float | None
    latency_cycles: int


def taps_files(build: Path, name: str) -> list[Path]:
    """SystemVerilog of a build folder in compile order, the tap wrapper last.

    Raises
    ------
    UserError
        When one is missing.
    """
    files = [*build_files(build), build / "sim" / f"{name}_taps.sv"]
    return [_present(file) for file in files]


def simulation_file(build: Path, name: str, suffix: str) -> Path:
    """File ``sim/<name>_<suffix>`` of a build folder; raises :class:`UserError` when it is missing."""
    return _present(build / "sim" / f"{name}_{suffix}")


def _present(file: Path) -> Path:
    if not file.is_file():
        raise UserError(f"{file} is missing; run 'make generate' again")
    return file


def sources_digest(files: Sequence[Path], *more: str) -> str:
    """Short digest of the files' contents and ``more``, to name what is built from them."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode())
        digest.update(content)
    digest.update("\n".join(more).encode())
    return digest.hexdigest()[:16]


def sample_beats(plan: Plan, samples: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int16]:
    """Fragments as beats ``(fragments, samples, channels) int16``.

    Parameters
    ----------
    samples
        Integers ``(fragments, channels, samples)``, or ``(fragments, samples)`` with one channel.

    Raises
    ------
    UserError
        When there is no fragment, the shape is another, or a sample does not fit into 16 bits.
    """
    array = np.asarray(samples)
    if array.ndim == 2:
        array = array[:, np.newaxis, :]
    wanted = (plan.input_channels, plan.samples)
    if array.ndim != 3 or array.shape[1:] != wanted or len(array) == 0:
        raise UserError(
            f"samples have shape {np.shape(samples)}, the design {plan.name} takes (fragments, "
            f"{wanted[0]}, {wanted[1]}) with at least 1 fragment"
        )
    narrow = array.astype(np.int16)
    if not np.array_equal(narrow, array):
        raise UserError(
            "samples hold a value beyond 16 bits; prepare them as the network's input says"
        )
    return np.ascontiguousarray(narrow.transpose(0, 2, 1))


def read_figures(what: str, finished: Finished, fragments: int, folder: Path) -> SimulationRun:
    """The run from the JSON line a generated simulation ends with.

    Raises
    ------
    ToolFailed
        When there is no such line, or it tells of another number of fragments.
    """
    figures: dict[str, Any] = {}
    for line in finished.output.splitlines():
        if line.startswith("{"):
            try:
                figures = json.loads(line)
            except ValueError:
                continue
    missing = [name for name in _FIGURES if name not in figures]
    if missing:
        raise ToolFailed(f"{what} ended without its figures ('{missing[0]}' is missing)")
    if figures["fragments"] != fragments:
        raise ToolFailed(f"{what} gave {figures['fragments']} results for {fragments} fragments")
    period = figures["cycles_per_fragment"]
    return SimulationRun(
        folder=folder,
        fragments=fragments,
        cycles=int(figures["cycles"]),
        cycles_per_fragment=None if period is None else float(period),
        latency_cycles=int(figures["result_latency_cycles"]),
    )
