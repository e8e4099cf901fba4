"""The translation unit that Vitis HLS would synthesise, parsed with libclang.

Reads the ``hls`` folder of a build in the view of synthesis (``__SYNTHESIS__`` set, the driver left
out) with the headers that C simulation uses; gives cursors. Templates are followed where they are
instantiated: a call leads to the body with its numbers filled in, so what is judged is what would
be built.
"""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnn_hw.errors import ToolMissing, UserError
from bnn_hw.files import write_text
from bnn_hw.simulate.csim import xilinx_headers
from bnn_hw.simulate.tools import ToolFailed, find_gxx, require_module, run_tool
from bnn_hw.verify.hls_rules.values import Cursor, body, is_constant, is_constexpr

_SEARCH_LIST = re.compile(r"#include <\.\.\.> search starts here:\n(.*?)\nEnd of search list", re.S)
_WIDEST_WORD = re.compile(r"^#define AP_INT_MAX_W (\d+)$", re.M)
# The free Xilinx headers refuse __SYNTHESIS__, so they come before it.
_PREAMBLE = "#include <ap_int.h>\n#include <hls_stream.h>\n#define __SYNTHESIS__\n"
_PRECOMPILING = threading.Lock()

_FUNCTIONS = {"FUNCTION_DECL", "CXX_METHOD", "CONSTRUCTOR", "DESTRUCTOR", "CONVERSION_FUNCTION"}
_SCOPES = {"NAMESPACE", "STRUCT_DECL", "CLASS_DECL", "CLASS_TEMPLATE", "LINKAGE_SPEC"}


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands: file below ``hls/`` and line, counted from 1."""

    file: str
    line: int


@dataclass(eq=False)
class Unit:
    """A parsed translation unit: its own files, its top function, what synthesis reaches from it.

    ``reached`` holds the definitions (functions, instantiated where they are templates) in the order
    of first call, the top first.
    """

    folder: Path
    xilinx: Path
    translation_unit: Any
    files: tuple[Path, ...]
    top: Cursor
    reached: tuple[Cursor, ...] = ()
    _texts: dict[str, bytes] = field(default_factory=dict)

    def is_own(self, cursor: Cursor) -> bool:
        """Whether it is written in the build's own ``hls`` folder."""
        file = cursor.location.file
        return file is not None and Path(file.name).parent == self.folder

    def is_xilinx(self, cursor: Cursor) -> bool:
        """Whether it comes from Xilinx' headers."""
        file = cursor.location.file
        return file is not None and Path(file.name).is_relative_to(self.xilinx)

    def place(self, cursor: Cursor) -> Place:
        """File and line of a cursor."""
        file = cursor.location.file
        return Place(Path(file.name).name if file else "?", cursor.location.line)

    def text(self, extent: Any) -> str:
        """Source text of an extent."""
        name = extent.start.file.name
        if name not in self._texts:
            self._texts[name] = Path(name).read_bytes()
        source = self._texts[name][extent.start.offset : extent.end.offset]
        return source.decode(errors="replace")


def parse_unit(build_dir: Path) -> Unit:
    """Parse the top function's file of a build folder as synthesis sees it.

    Raises
    ------
    ToolMissing
        When libclang, g++ (whose standard headers are used) or the Xilinx headers are not installed.
    ToolFailed
        When the C++ does not parse: the first error.
    UserError
        When ``build_dir`` holds no HLS C++.
    """
    require_module("clang")
    from clang import cindex

    folder = build_dir.resolve() / "hls"
    drivers = sorted(folder.glob("*_csim.cpp"))
    if len(drivers) != 1:
        raise UserError(
            f"{build_dir / 'hls'} holds {len(drivers)} C-simulation drivers (*_csim.cpp), a build has one; "
            "run 'make generate' again"
        )
    name = drivers[0].name.removesuffix("_csim.cpp")
    source, header = folder / f"{name}.cpp", folder / f"{name}.hpp"
    for file in (source, header):
        if not file.is_file():
            raise UserError(f"{file} is missing; run 'make generate' again")
    xilinx = xilinx_headers()
    arguments = ["-std=c++17", "-nostdinc", "-nostdinc++"]
    for include in (*_system_headers(), str(xilinx)):
        arguments += ["-isystem", include]
    width = _WIDEST_WORD.search(header.read_text(errors="replace"))
    if width is not None:
        arguments.append(f"-DAP_INT_MAX_W={width[1]}")
    try:
        with _PRECOMPILING:
            precompiled = _precompiled(tuple(arguments))
        parsed = cindex.Index.create().parse(
            str(source), args=[*arguments, "-include-pch", precompiled]
        )
    except cindex.LibclangError as error:
        raise ToolMissing(f"libclang cannot be loaded ({error}); install it anew") from None
    except (cindex.TranslationUnitLoadError, cindex.TranslationUnitSaveError):
        raise ToolFailed(f"rules of HLS: {source.name} cannot be parsed by libclang") from None
    _refuse_errors(parsed, cindex)
    own = {Path(source)} | {Path(included.include.name) for included in parsed.get_includes()}
    files = tuple(sorted(file for file in own if file.parent == folder and file.is_file()))
    top = _top(parsed, f"{name}_top", folder)
    unit = Unit(folder, xilinx, parsed, files, top)
    unit.reached = tuple(_reach(unit, top))
    return unit


@functools.cache
def _system_headers() -> tuple[str, ...]:
    """Folders of standard headers, as g++ has them: libclang comes without any."""
    shown = run_tool([str(find_gxx()), "-E", "-v", "-x", "c++", "/dev/null"], timeout_s=60).errors
    match = _SEARCH_LIST.search(shown)
    if match is None:
        raise ToolMissing("g++ does not tell its include folders; install it anew")
    return tuple(line.strip() for line in match[1].splitlines())


@functools.cache
def _precompiled(arguments: tuple[str, ...]) -> str:
    """What comes before the C++ in the view of synthesis, parsed once a process: it takes longest."""
    from clang import cindex

    folder = Path(tempfile.mkdtemp(prefix="bnn_hw_hls_rules_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    view = folder / "synthesis_view.hpp"
    write_text(view, _PREAMBLE)
    parsed = cindex.Index.create().parse(
        str(view),
        args=[*arguments, "-x", "c++-header"],
        options=cindex.TranslationUnit.PARSE_INCOMPLETE,
    )
    _refuse_errors(parsed, cindex)
    parsed.save(str(folder / "synthesis_view.pch"))
    return str(folder / "synthesis_view.pch")


def _refuse_errors(parsed: Any, cindex: Any) -> None:
    for message in parsed.diagnostics:
        if message.severity >= cindex.Diagnostic.Error:
            file = message.location.file
            where = f"{Path(file.name).name}:{message.location.line}: " if file else ""
            raise ToolFailed(f"rules of HLS: C++ does not parse: {where}{message.spelling}")


def _top(parsed: Any, name: str, folder: Path) -> Cursor:
    for cursor in parsed.cursor.get_children():
        file = cursor.location.file
        if (
            cursor.kind.name == "FUNCTION_DECL"
            and cursor.spelling == name
            and cursor.is_definition()
            and file is not None
            and Path(file.name).parent == folder
        ):
            return cursor
    raise ToolFailed(f"rules of HLS: no function {name} is defined; run 'make generate' again")


def definitions(unit: Unit) -> Iterator[Cursor]:
    """Every function with a body in the unit's own files, templates as they are written."""

    def below(cursor: Cursor) -> Iterator[Cursor]:
        for child in cursor.get_children():
            if not unit.is_own(child):
                continue
            if child.kind.name in _SCOPES:
                yield from below(child)
            elif child.kind.name in _FUNCTIONS | {"FUNCTION_TEMPLATE"} and body(child) is not None:
                yield child

    return below(unit.translation_unit.cursor)


def walk(cursor: Cursor) -> Iterator[Cursor]:
    """A cursor and all below it, without the name that a stream is given for C simulation."""
    yield cursor
    if cursor.kind.name == "CALL_EXPR" and is_stream(cursor.type):
        return
    for child in cursor.get_children():
        yield from walk(child)


def calls(function: Cursor) -> Iterator[tuple[Cursor, Cursor | None]]:
    """Every call in a body and the function it calls; constants of the compiler are none."""
    block = body(function)
    for cursor in walk(block) if block is not None else ():
        if cursor.kind.name == "CALL_EXPR" and not is_stream(cursor.type):
            callee = cursor.referenced
            if callee is None or not (is_constexpr(callee) and is_constant(cursor)):
                yield cursor, callee


def _reach(unit: Unit, top: Cursor) -> Iterator[Cursor]:
    waiting, seen = [top], {top.get_usr()}
    while waiting:
        function = waiting.pop(0)
        yield function
        for _, callee in calls(function):
            if callee is None or not unit.is_own(callee) or callee.kind.name not in _FUNCTIONS:
                continue
            defined = callee if body(callee) is not None else callee.get_definition()
            if defined is not None and body(defined) and defined.get_usr() not in seen:
                seen.add(defined.get_usr())
                waiting.append(defined)


def is_stream(kind: Any) -> bool:
    """Whether a type is ``hls::stream``, or a reference to one."""
    canonical = kind.get_canonical()
    if canonical.kind.name in ("LVALUEREFERENCE", "RVALUEREFERENCE"):
        canonical = canonical.get_pointee()
    spelling: str = canonical.spelling
    return spelling.removeprefix("const ").startswith("hls::stream<")


def is_const(kind: Any) -> bool:
    """Whether a type, or the elements of an array type, is constant."""
    kind = kind.get_canonical()
    while not kind.is_const_qualified() and kind.kind.name == "CONSTANTARRAY":
        kind = kind.element_type
    return bool(kind.is_const_qualified())
