"""Verilator runs the design on samples while ``sim/activity`` counts what changes.

Reads SystemVerilog and beats; gives :class:`~bnn_hw.simulate.activity.counts.Activity` and the results.
What is compiled is kept under the digest of its sources.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.assets import sim_dir
from bnn_hw.errors import UserError
from bnn_hw.simulate.activity.counts import Activity, Packet, counted, result_packets
from bnn_hw.simulate.design import sources_digest
from bnn_hw.simulate.tools import ToolFailed, check_tool, find_verilator, tool_environment

# Tracing makes a large model: a minute of one core for the shipped networks.
BUILD_TIMEOUT_S = 3600.0
RUN_TIMEOUT_S = 3600.0

# Back to back the first layers run ahead of the slowest until the streams between them are full.
_WARMUP_BACK_TO_BACK = 8

# --flatten: one net with many names is traced once. Arrays and buses of any width are traced.
_FLAGS = (
    *("--cc", "--exe", "--build", "-j", "2", "-O3", "-Wno-fatal", "--no-timing", "--flatten"),
    *("--trace-vcd", "--trace-max-array", "65536", "--trace-max-width", "0"),
    *("--prefix", "Vactivity"),
)


def compile_activity(sources: Sequence[Path], top: str, work: Path) -> Path:
    """Build the counting simulation of a top with AXI4-Stream ports in ``work``; gives the program.

    Raises
    ------
    ToolMissing
        When Verilator or what it needs is not installed.
    ToolFailed
        When the design does not compile: the first error.
    UserError
        When ``work`` cannot be written.
    """
    verilator = find_verilator()
    main = sim_dir() / "activity" / "activity_main.cpp"
    counter = sim_dir() / "activity" / "toggle_counter.h"
    digest = sources_digest([*sources, main, counter], str(verilator), top, *_FLAGS)
    place = work / f"activity_{digest}"
    program = place / "Vactivity"
    if program.is_file():
        return program
    try:
        work.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=work, prefix=".activity_"))
    except OSError as problem:
        raise UserError(f"{work} can't be written ({problem.strerror}); choose another") from None
    try:
        files = [str(file.resolve()) for file in (*sources, main)]
        check_tool(
            "Verilator does not compile the design",
            [str(verilator), *_FLAGS, "--top-module", top, "--Mdir", str(staging), *files],
            timeout_s=BUILD_TIMEOUT_S,
            env=tool_environment(),
        )
        if not program.is_file():
            shutil.rmtree(place, ignore_errors=True)
            staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return program


def warmup_fragments(interval_cycles: int) -> int:
    """Fragments that go in before the counts, until every one takes the same time."""
    return _WARMUP_BACK_TO_BACK if interval_cycles == 1 else 1


def count_activity(
    program: Path,
    layers: Sequence[str],
    beats: npt.NDArray[np.int16],
    interval_cycles: int,
    stops: bool = False,
) -> tuple[Activity, tuple[Packet, ...]]:
    """Send fragments and count what they change; gives the counts and every result.

    Parameters and errors are those of :func:`count_nets`.
    """
    raw = count_nets(program, layers, beats, interval_cycles, stops)
    try:
        return counted(raw, len(beats), interval_cycles, layers), result_packets(raw)
    except KeyError as problem:
        raise ToolFailed(f"toggle count gave no figures: {problem} is missing") from None


def count_nets(
    program: Path,
    layers: Sequence[str],
    beats: npt.NDArray[np.int16],
    interval_cycles: int,
    stops: bool = False,
) -> dict[str, Any]:
    """Send fragments and count what they change, net by net, as the simulation writes it.

    Fragments go in before and after those that are counted, so that the design is at work throughout:
    :func:`warmup_fragments` that end with the last one, and the first one. There is a result of each.

    Parameters
    ----------
    layers
        Instances below the top, without ``u_``, whose cells are counted one by one.
    beats
        ``(fragments, samples, channels)``.
    interval_cycles
        Edges of the clock from one sample to the next, 1 or more.
    stops
        Whether the clock stands still before each sample while every other input changes at random.

    Raises
    ------
    ToolFailed
        When the simulation fails or makes no progress, or an output has changed after a stop.
    UserError
        When there is no fragment or the interval is below 1.
    """
    if beats.ndim != 3 or beats.size == 0:
        raise UserError(f"beats have shape {beats.shape}; give (fragments, samples, channels)")
    if interval_cycles < 1:
        raise UserError(f"interval of {interval_cycles} cycles; give 1 or more")
    fragments, samples, channels = beats.shape
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "samples", Path(folder) / "activity.json"
        given.write_bytes(beats.astype("<i2").tobytes())
        warmup = warmup_fragments(interval_cycles)
        counts = (samples, channels, fragments, warmup, interval_cycles, int(stops))
        numbers = [str(x) for x in counts]
        check_tool(
            "toggle count",
            [str(program), str(given), *numbers, str(found), *layers],
            timeout_s=RUN_TIMEOUT_S,
        )
        try:
            raw: dict[str, Any] = json.loads(found.read_text())
        except (OSError, ValueError) as problem:
            raise ToolFailed(f"toggle count gave no figures: {problem!r}") from None
    return raw
