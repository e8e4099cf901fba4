"""Fragments by the thousand through the Verilated RTL.

Reads the ``rtl`` and ``sim`` folders of a build and samples; gives the binary tap files of
:mod:`bnn_hw.simulate.taps` and the cycles it took. What is compiled is kept under the digest of its
sources, so that unchanged RTL is not built twice.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.generate.plan import Plan
from bnn_hw.simulate.design import (
    SimulationRun,
    read_figures,
    sample_beats,
    simulation_file,
    sources_digest,
    taps_files,
)
from bnn_hw.simulate.tools import check_tool, find_verilator, tool_environment

BUILD_TIMEOUT_S = 900.0
# Without progress the program ends by itself; this is the last resort.
RUN_TIMEOUT_S = 120.0
RUN_TIMEOUT_PER_FRAGMENT_S = 2.0

# Lint is a check of its own; a design with a warning is still simulated.
_FLAGS = ("--cc", "--exe", "--build", "-j", "2", "-O3", "-Wno-fatal", "--no-timing")
_CXX_FLAGS = ("-CFLAGS", "-O2")


def compile_verilator(build: Path, plan: Plan, work: Path) -> Path:
    """Build the simulation of a build folder in ``work``; gives the program.

    Raises
    ------
    ToolMissing
        When Verilator or what it needs is not installed.
    ToolFailed
        When the design does not compile: the first error.
    UserError
        When a file of the build folder is missing or ``work`` cannot be written.
    """
    verilator = find_verilator()
    main = simulation_file(build, plan.name, "main.cpp")
    sources = taps_files(build, plan.name)
    top = f"{plan.name}_taps"
    digest = sources_digest([*sources, main], str(verilator), *_FLAGS, *_CXX_FLAGS)
    place = work / f"verilator_{digest}"
    program = place / f"V{top}"
    if program.is_file():
        return program
    try:
        work.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=work, prefix=".verilator_"))
    except OSError as problem:
        raise UserError(f"{work} can't be written ({problem.strerror}); choose another") from None
    try:
        command = [str(verilator), *_FLAGS, "--top-module", top, "--Mdir", str(staging)]
        files = [str(file.resolve()) for file in (*sources, main)]
        check_tool(
            "Verilator does not compile the design",
            [*command, *_CXX_FLAGS, *files],
            timeout_s=BUILD_TIMEOUT_S,
            env=tool_environment(),
        )
        if not program.is_file():
            shutil.rmtree(place, ignore_errors=True)
            staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return program


def run_verilator(
    program: Path,
    plan: Plan,
    samples: npt.NDArray[np.integer[Any]],
    folder: Path,
    *,
    taps: bool = True,
    stall_seed: int | None = None,
) -> SimulationRun:
    """Run fragments back to back and write the taps to ``folder``.

    Parameters
    ----------
    samples
        Integers ``(fragments, channels, samples)`` or ``(fragments, samples)``; at most 16 bits.
    taps
        False writes the result alone.
    stall_seed
        Makes source and sink pause at random; None lets them run freely.

    Raises
    ------
    ToolFailed
        When the simulation fails, makes no progress or its time is over.
    UserError
        When the samples do not fit the design or ``folder`` cannot be written.
    """
    beats = sample_beats(plan, samples)
    stalls = [] if stall_seed is None else ["--stall", str(stall_seed)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".samples") as file:
            file.write(beats.astype("<i2").tobytes())
            file.flush()
            command = [str(program), file.name, str(len(beats)), str(folder)]
            finished = check_tool(
                "Verilator simulation",
                [*command, *([] if taps else ["--no-taps"]), *stalls],
                timeout_s=RUN_TIMEOUT_S + RUN_TIMEOUT_PER_FRAGMENT_S * len(beats),
            )
    except OSError as problem:
        raise UserError(f"{folder} can't be written ({problem.strerror}); choose another") from None
    return read_figures("Verilator simulation", finished, len(beats), folder)
