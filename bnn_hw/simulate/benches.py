"""The cell benches of ``sim/cells``: finds them, writes their cases, runs them, refuses the illegal.

Reads each bench's table of parameter sets and the cells of ``rtl/``; gives one
:class:`bnn_hw.simulate.cocotb_runner.BenchRun` a cell. A cell without a bench is a failed run, so
that a new cell cannot go untested unnoticed.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bnn_hw.assets import rtl_dir, sim_dir
from bnn_hw.simulate.cocotb_runner import BenchJob, BenchRun, Simulator, run_bench
from bnn_hw.simulate.lint import cell_files, cells
from bnn_hw.simulate.tools import (
    ToolTimeout,
    find_iverilog,
    find_verilator,
    require_module,
    run_tool,
)

CELL_TIMEOUT_S = 400.0
ILLEGAL_TIMEOUT_S = 60.0
# A cell refuses by instantiating a module that does not exist and whose name tells why.
REFUSAL = "bnn_error_"


def bench_module(name: str) -> Any:
    """Import ``sim.<name>`` from where the benches lie."""
    require_module("cocotb")
    root = str(sim_dir().parent)
    if root not in sys.path:
        sys.path.insert(0, root)
    return importlib.import_module(f"sim.{name}")


def cell_names() -> list[str]:
    """Names of all cells, ``bnn_`` taken off, in alphabetical order."""
    return [name.removeprefix("bnn_") for name in cells()]


def cell_benches() -> Mapping[str, Path]:
    """The bench of each cell by the cell's name without ``bnn_``."""
    folder = sim_dir() / "cells"
    return {path.stem.removeprefix("test_"): path for path in sorted(folder.glob("test_*.py"))}


def run_cell(name: str, simulator: Simulator, work: Path) -> BenchRun:
    """Run the bench of cell ``name`` (``window`` for ``bnn_window``) in ``work``."""
    if name not in cell_benches():
        folder = sim_dir() / "cells"
        why = f"no bench: {folder.name}/test_{name}.py is missing"
        return BenchRun(name, simulator, 0, (), 0.0, why, folder)
    bench = bench_module(f"cells.test_{name}").BENCH
    cases = bench_module("common.cases")
    folder = work / "cases"
    folder.mkdir(parents=True, exist_ok=True)
    top = folder / f"{bench.top}.sv"
    _write_if_new(top, cases.render_cases(bench))
    job = BenchJob(
        name=name,
        module=f"sim.cells.test_{name}",
        top=bench.top,
        sources=(*cell_files(bench.cell, rtl_dir()), top),
        timeout_s=CELL_TIMEOUT_S,
    )
    return run_bench(job, simulator, work)


def _write_if_new(path: Path, text: str) -> None:
    """Write a source only when it changed, so that make does not build it again."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def run_illegal(name: str, simulator: Simulator, work: Path) -> BenchRun:
    """Elaborate cell ``name`` with each illegal parameter set: the simulator must refuse every one.

    A refusal counts only when it names a ``bnn_error_`` module; the legal defaults must pass.
    """
    started = time.monotonic()
    bench = bench_module(f"cells.test_{name}").BENCH
    failed = []
    parameter_sets: list[Mapping[str, Any]] = [{}, *bench.illegal]
    for parameters in parameter_sets:
        refused = REFUSAL in _elaborate(bench.cell, parameters, simulator)
        if refused != bool(parameters):
            failed.append(
                " ".join(f"{key}={value}" for key, value in parameters.items()) or "legal"
            )
    return BenchRun(
        f"{name}, illegal",
        simulator,
        len(bench.illegal),
        tuple(failed),
        time.monotonic() - started,
        None,
        work,
    )


def _elaborate(cell: str, parameters: Mapping[str, Any], simulator: Simulator) -> str:
    """What the simulator says to ``cell`` with these parameters; empty when it takes them."""
    text = bench_module("common.cases").parameter_text
    files = [str(file) for file in cell_files(cell, rtl_dir())]
    if simulator is Simulator.ICARUS:
        command = [str(find_iverilog()), "-g2012", "-t", "null", "-s", cell]
        command += [f"-P{cell}.{key}={text(value)}" for key, value in parameters.items()]
    else:
        command = [str(find_verilator()), "--lint-only", "-Wno-fatal", "--top-module", cell]
        command += [f"-G{key}={text(value)}" for key, value in parameters.items()]
    try:
        finished = run_tool([*command, *files], timeout_s=ILLEGAL_TIMEOUT_S)
    except ToolTimeout as problem:
        return str(problem)
    return finished.text if finished.status else ""
