"""A few fragments through the RTL in Icarus Verilog, with a plain testbench and no Python inside.

Reads the ``rtl`` and ``sim`` folders of a build and samples; gives the same binary tap files as the
Verilated model. Icarus knows unknown bits: an ``x`` in a tap is a failure that names tap and beat.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.generate.plan import Plan
from bnn_hw.generate.vectors import axis_lines
from bnn_hw.simulate.design import (
    SimulationRun,
    read_figures,
    sample_beats,
    simulation_file,
    sources_digest,
    taps_files,
)
from bnn_hw.simulate.taps import Tap, taps
from bnn_hw.simulate.tools import ToolFailed, check_tool, find_iverilog, find_vvp

BUILD_TIMEOUT_S = 300.0
RUN_TIMEOUT_S = 120.0
# A fragment of the reference network takes some seconds.
RUN_TIMEOUT_PER_FRAGMENT_S = 120.0
# Cycles of a fragment that are meant by that.
TIMED_CYCLES = 10_000

_FLAGS = ("-g2012",)


def compile_icarus(build: Path, plan: Plan, work: Path) -> Path:
    """Compile the plain testbench of a build folder in ``work``; gives the compiled design.

    Raises
    ------
    ToolMissing
        When Icarus is not installed.
    ToolFailed
        When the design does not compile: the first error.
    UserError
        When a file of the build folder is missing or ``work`` cannot be written.
    """
    iverilog = find_iverilog()
    top = f"{plan.name}_icarus_tb"
    sources = [*taps_files(build, plan.name), simulation_file(build, plan.name, "icarus_tb.sv")]
    program = work / f"icarus_{sources_digest(sources, *_FLAGS)}.vvp"
    if program.is_file():
        return program
    try:
        work.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkstemp(dir=work, suffix=".part")[1])
    except OSError as problem:
        raise UserError(f"{work} can't be written ({problem.strerror}); choose another") from None
    try:
        check_tool(
            "Icarus does not compile the design",
            [str(iverilog), *_FLAGS, "-s", top, "-o", str(staging), *map(str, sources)],
            timeout_s=BUILD_TIMEOUT_S,
        )
        staging.replace(program)
    finally:
        staging.unlink(missing_ok=True)
    return program


def run_icarus(
    program: Path,
    plan: Plan,
    samples: npt.NDArray[np.integer[Any]],
    folder: Path,
    *,
    stall_seed: int | None = None,
) -> SimulationRun:
    """Run fragments back to back and write the taps to ``folder``.

    Parameters and errors are those of :func:`bnn_hw.simulate.verilator.run_verilator`; an unknown
    bit in a tap is a :class:`ToolFailed` too.
    """
    beats = sample_beats(plan, samples)
    try:
        with tempfile.TemporaryDirectory(prefix="bnn_hw_icarus_") as temporary:
            lines = Path(temporary) / "samples.hex"
            text = axis_lines(beats.transpose(0, 2, 1), plan.samples_per_beat)
            lines.write_text(text.replace(" ", ""), encoding="ascii")  # tlast above tdata
            command = [str(find_vvp()), "-n", str(program), f"+samples={lines}"]
            command += [f"+out={temporary}"]
            command += [] if stall_seed is None else [f"+stall={max(1, stall_seed)}"]
            finished = check_tool(
                "Icarus simulation",
                command,
                timeout_s=RUN_TIMEOUT_S + _fragment_timeout_s(plan) * len(beats),
            )
            for line in finished.output.splitlines():
                if line.startswith("FAIL"):
                    raise ToolFailed(f"Icarus simulation: {line.removeprefix('FAIL: ')}")
            folder.mkdir(parents=True, exist_ok=True)
            for tap in taps(plan):
                raw = _tap_bytes(tap, Path(temporary) / f"{tap.name}.hex")
                (folder / tap.file).write_bytes(raw)
    except OSError as problem:
        raise UserError(f"{folder} can't be written ({problem.strerror}); choose another") from None
    return read_figures("Icarus simulation", finished, len(beats), folder)


def _fragment_timeout_s(plan: Plan) -> float:
    """More for the many cycles that a fragment takes at a slow fold."""
    return RUN_TIMEOUT_PER_FRAGMENT_S * max(1.0, plan.cycles / TIMED_CYCLES)


def _tap_bytes(tap: Tap, path: Path) -> bytes:
    """The hex lines of a tap as the bytes of its binary file.

    Raises
    ------
    ToolFailed
        When there is no such tap or a line holds an unknown bit.
    """
    if not path.is_file():
        raise ToolFailed(f"Icarus simulation wrote no tap {tap.name}")
    raw = bytearray()
    for beat, line in enumerate(path.read_text(encoding="ascii").split()):
        try:
            value = int(line, 16)
        except ValueError:
            fragment, within = divmod(beat, tap.beats_per_fragment)
            raise ToolFailed(
                f"Icarus simulation: fragment {fragment}, {tap.name}, beat {within} has unknown bits: {line[:80]}"
            ) from None
        raw += value.to_bytes(tap.bytes_per_beat, "little")
    return bytes(raw)
