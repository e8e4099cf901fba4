"""Lint of SystemVerilog in four front ends: Verilator, Icarus, slang and Yosys.

Reads the ``rtl`` folder of a build, or the cells of ``rtl/`` each alone at its default parameters;
gives every warning and error of every front end. Clean means none of either, and zero files is not
clean: a design counts as portable only when all four take it without a word.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnn_hw.assets import rtl_dir
from bnn_hw.errors import UserError
from bnn_hw.simulate.tools import (
    Finished,
    find_iverilog,
    find_verilator,
    require_module,
    run_tool,
)

LINT_TIMEOUT_S = 300.0
FILE_LIST = "files.f"

_CHILD = Path(__file__).with_name("front_end_child.py")
_CHILD_DONE = "front end done"
_WORD = re.compile(r"\bbnn_[a-z0-9_]+\b")


@dataclass(frozen=True)
class LintResult:
    """What one front end said about one top module; ``files`` is how many files it read."""

    front_end: str
    top: str
    files: int
    messages: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether files were read and nothing was said about them."""
        return self.files > 0 and not self.messages


def _matching(pattern: str, finished: Finished) -> tuple[str, ...]:
    matcher = re.compile(pattern)
    return tuple(line.strip() for line in finished.text.splitlines() if matcher.search(line))


def _with_status(messages: tuple[str, ...], finished: Finished) -> tuple[str, ...]:
    """Messages, or one that tells of a failure without any."""
    if finished.status != 0 and not messages:
        return (f"ended with exit status {finished.status} and no message",)
    return messages


def _verilator(top: str, files: Sequence[Path]) -> tuple[str, ...]:
    command = [str(find_verilator()), "--lint-only", "-Wall", "--top-module", top]
    finished = run_tool([*command, *map(str, files)], timeout_s=LINT_TIMEOUT_S)
    messages = _matching(r"^%(Warning|Error)(?!: Exiting due to)", finished)
    return _with_status(messages, finished)


def _icarus(top: str, files: Sequence[Path]) -> tuple[str, ...]:
    command = [str(find_iverilog()), "-g2012", "-Wall", "-t", "null", "-s", top]
    finished = run_tool([*command, *map(str, files)], timeout_s=LINT_TIMEOUT_S)
    return _with_status(_matching(r"\S", finished), finished)


def _child(front_end: str, pattern: str, top: str, files: Sequence[Path]) -> tuple[str, ...]:
    command = [sys.executable, str(_CHILD), front_end, top, *map(str, files)]
    finished = run_tool(command, timeout_s=LINT_TIMEOUT_S)
    messages = _matching(pattern, finished)
    if not finished.output.rstrip().endswith(_CHILD_DONE) and not messages:
        return (f"ended early with exit status {finished.status}",)
    return _with_status(messages, finished)


def _slang(top: str, files: Sequence[Path]) -> tuple[str, ...]:
    require_module("pyslang")
    return _child("slang", r"(^|\s)(warning|error|fatal error):", top, files)


def _yosys(top: str, files: Sequence[Path]) -> tuple[str, ...]:
    require_module("pyosys")
    return _child("yosys", r"(^|\s)(Warning|ERROR):", top, files)


FRONT_ENDS: Mapping[str, Callable[[str, Sequence[Path]], tuple[str, ...]]] = {
    "verilator": _verilator,
    "icarus": _icarus,
    "slang": _slang,
    "yosys": _yosys,
}


def lint_files(
    top: str, files: Sequence[Path], front_ends: Sequence[str] = tuple(FRONT_ENDS)
) -> list[LintResult]:
    """Lint ``files`` with ``top`` as the top module in each of ``front_ends``.

    Raises
    ------
    ToolMissing
        When a front end is not installed.
    """
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        why = f"{missing[0]} is missing" if missing else "no file to read"
        return [LintResult(name, top, 0, (why,)) for name in front_ends]
    return [LintResult(name, top, len(files), FRONT_ENDS[name](top, files)) for name in front_ends]


def build_files(build: Path) -> list[Path]:
    """Source files of a build folder in compile order, from ``rtl/files.f``.

    Raises
    ------
    UserError
        When the list cannot be read or names a file outside the folder.
    """
    listed = build / "rtl" / FILE_LIST
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"{listed} can't be read ({problem}); run 'make generate' again") from None
    files = []
    for line in lines:
        name = line.split("//")[0].strip()
        if not name:
            continue
        path = listed.parent / name
        if not path.resolve().is_relative_to(build.resolve()):
            raise UserError(
                f"{listed}: {name[:80]!r} lies outside {build}; run 'make generate' again"
            )
        files.append(path)
    return files


def lint_build(build: Path, top: str) -> list[LintResult]:
    """Lint the design of a build folder in all front ends; ``top`` is its topmost module."""
    return lint_files(top, build_files(build))


def cell_files(top: str, folder: Path) -> list[Path]:
    """The file of cell ``top`` and of every cell below it, those that are used first."""
    found: list[Path] = []

    def visit(cell: str) -> None:
        path = folder / f"{cell}.sv"
        if path in found or not path.is_file():
            return
        # placed before what it uses is known, so that a recursive cell ends the search
        found.append(path)
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        for word in _WORD.findall(text):
            visit(word)

    visit(top)
    return found[::-1]


def cells(folder: Path | None = None) -> list[str]:
    """Names of the cells: one a ``.sv`` file of ``rtl/``, in alphabetical order."""
    return sorted(path.stem for path in (folder or rtl_dir()).glob("*.sv"))


def lint_cells(folder: Path | None = None) -> list[LintResult]:
    """Lint each cell alone, at its default parameters, in all front ends."""
    where = folder or rtl_dir()
    names = cells(where)
    if not names:
        return [LintResult(name, "*", 0, (f"no cell in {where}",)) for name in FRONT_ENDS]
    return [result for name in names for result in lint_files(name, cell_files(name, where))]
