"""Runs a cocotb bench in Icarus or Verilator and tells whether it truly passed.

Reads SystemVerilog sources and a bench module below ``sim/``; gives a :class:`BenchRun` read from
the results file. A run has failed when a test failed, when there was no test at all, when it left no
results file, and when its time was over: cocotb by itself reports none of these.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from xml.etree import ElementTree

from bnn_hw.assets import sim_dir
from bnn_hw.errors import UserError
from bnn_hw.simulate.tools import (
    Finished,
    ToolTimeout,
    find_iverilog,
    find_verilator,
    first_error,
    require_module,
    run_tool,
    tool_environment,
)

SEED = 20240501
DEFAULT_TIMEOUT_S = 600.0

_ENVIRONMENT = {
    "COCOTB_ANSI_OUTPUT": "0",
    # cocotb would let pytest rewrite every module that a bench imports, numpy too, on each run
    "COCOTB_REWRITE_ASSERTION_FILES": "",
}
_CHILD = Path(__file__).with_name("cocotb_child.py")


class Simulator(Enum):
    """Simulators that benches run in; the value is cocotb's name."""

    ICARUS = "icarus"
    VERILATOR = "verilator"


@dataclass(frozen=True)
class BenchRun:
    """The outcome of one bench: tests run, names of those that failed, and where the log lies."""

    name: str
    simulator: Simulator
    tests: int
    failed: tuple[str, ...]
    seconds: float
    problem: str | None
    folder: Path

    @property
    def passed(self) -> bool:
        """Whether tests ran, none failed, and nothing else went wrong."""
        return self.tests > 0 and not self.failed and self.problem is None

    @property
    def verdict(self) -> str:
        """One word, or the reason of the failure."""
        if self.passed:
            return "passed"
        if self.problem is not None:
            return self.problem
        if self.failed:
            return f"failed: {', '.join(self.failed[:4])}" + (
                " ..." if len(self.failed) > 4 else ""
            )
        return "no test ran"


@dataclass(frozen=True)
class BenchJob:
    """What to run: sources in compile order, their top module and the bench's Python module.

    ``module`` is dotted (``sim.cells.test_window``) and found below ``python_path`` or beside
    ``sim/``. ``environment`` is handed to the bench, ``parameters`` to the top module.
    """

    name: str
    module: str
    top: str
    sources: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)
    python_path: tuple[Path, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S


def check_simulator(simulator: Simulator) -> None:
    """Raise :class:`bnn_hw.errors.ToolMissing` unless cocotb and the simulator are installed."""
    require_module("cocotb")
    require_module("cocotbext.axi")
    if simulator is Simulator.ICARUS:
        find_iverilog()
    else:
        find_verilator()


def run_bench(job: BenchJob, simulator: Simulator, work: Path) -> BenchRun:
    """Build and run one bench in ``work/<simulator>/<name>``.

    Raises
    ------
    ToolMissing
        When the simulator or cocotb is not installed; everything else ends up in the outcome.
    """
    check_simulator(simulator)
    folder = (work / simulator.value / re.sub(r"\W+", "_", job.name)).resolve()
    results = folder / "results.xml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        results.unlink(missing_ok=True)  # that of an earlier run must not speak for this one
        job_file = folder / "job.json"
        job_file.write_text(_job_text(job, simulator, folder, results), encoding="utf-8")
    except OSError as problem:
        raise UserError(f"{folder} can't be written ({problem}); choose another folder") from None
    started = time.monotonic()
    finished: Finished | None = None
    problem_text = None
    try:
        # inside pytest cocotb would exit by itself and name its results file otherwise
        environment = tool_environment()
        environment.pop("PYTEST_CURRENT_TEST", None)
        finished = run_tool(
            [sys.executable, str(_CHILD), str(job_file)],
            timeout_s=job.timeout_s,
            env=environment,
        )
    except ToolTimeout:
        problem_text = f"time is over: did not end within {job.timeout_s:g} s"
    seconds = time.monotonic() - started
    tests, failed = _read_results(results)
    if problem_text is None and finished is not None:
        problem_text = _problem(finished, results, folder)
    return BenchRun(job.name, simulator, tests, failed, seconds, problem_text, folder)


def _job_text(job: BenchJob, simulator: Simulator, folder: Path, results: Path) -> str:
    # One thread and little optimisation: most of the time of a bench goes into compiling.
    verilator_args = ["--no-timing", "-Wno-fatal", "-O3", "-CFLAGS", "-O0"]
    paths = [*job.python_path, sim_dir().parent, Path(__file__).resolve().parents[2]]
    return json.dumps(
        {
            "simulator": simulator.value,
            "sources": [str(source.resolve()) for source in job.sources],
            "top": job.top,
            "module": job.module,
            "parameters": dict(job.parameters),
            "build_args": verilator_args if simulator is Simulator.VERILATOR else [],
            "build_dir": str(folder),
            "build_log": str(folder / "build.log"),
            "log": str(folder / "sim.log"),
            "results": str(results),
            "environment": {**_ENVIRONMENT, **job.environment},
            "python_path": [str(path) for path in dict.fromkeys(paths)],
            "seed": SEED,
        },
        indent=1,
    )


def _read_results(results: Path) -> tuple[int, tuple[str, ...]]:
    """Number of tests in a results file and the names of those that did not pass."""
    if not results.is_file():
        return 0, ()
    try:
        root = ElementTree.parse(results).getroot()
    except ElementTree.ParseError:
        return 0, ()
    tests, failed = 0, []
    for case in root.iter("testcase"):
        if case.find("skipped") is not None:
            continue  # a test that was left out is no test that ran
        tests += 1
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(case.get("name", "without name"))
    return tests, tuple(failed)


def _problem(finished: Finished, results: Path, folder: Path) -> str | None:
    """Why a run failed beyond its tests, or None."""
    if results.is_file() and finished.status == 0:
        return _ignored(folder / "build.log")
    for name in ("sim.log", "build.log"):
        log = folder / name
        if log.is_file() and log.stat().st_mtime >= (folder / "job.json").stat().st_mtime:
            text = log.read_text(encoding="utf-8", errors="replace")
            said = first_error(Finished(finished.status, text, ""))
            if "error" in said.lower() or not results.is_file():
                return f"{'simulation' if name == 'sim.log' else 'build'} failed: {said}"
    if not results.is_file():
        return f"no results file: {first_error(finished)}"
    return f"simulator ended with exit status {finished.status}"


def _ignored(log: Path) -> str | None:
    """A parameter that a bench sets and the cell does not have: Icarus only warns of it."""
    if log.is_file():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if "warning: parameter" in line:
                return f"build ignored something: {line.strip()[:200]}"
    return None


def summary(runs: Sequence[BenchRun]) -> str:
    """A table of the runs, one a line, and a line of totals."""
    width = max((len(run.name) for run in runs), default=4)
    lines = [f"{'bench':<{width}}  {'simulator':<9}  tests  seconds  result"]
    lines += [
        f"{run.name:<{width}}  {run.simulator.value:<9}  {run.tests:>5}  {run.seconds:>7.1f}  {run.verdict}"
        for run in runs
    ]
    failures = sum(not run.passed for run in runs)
    tests = sum(run.tests for run in runs)
    seconds = sum(run.seconds for run in runs)
    outcome = "no bench ran" if not runs else f"{failures} failed" if failures else "all passed"
    lines.append(f"{len(runs)} benches, {tests} tests in {seconds:.1f} s: {outcome}")
    return os.linesep.join(lines)
