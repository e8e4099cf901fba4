"""Canonical dataflow: what a region holds, and who writes and reads each stream.

Reads a unit and its pragmas; gives findings. A process writes a stream if its body, or a function
that it hands the stream to, does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bnn_hw.verify.hls_rules.offences import Findings
from bnn_hw.verify.hls_rules.pragmas import Pragma
from bnn_hw.verify.hls_rules.unit import Unit, is_const, is_stream, walk
from bnn_hw.verify.hls_rules.values import Cursor, body

_WRAPPERS = {"UNEXPOSED_EXPR", "PAREN_EXPR"}
_QUIET = {
    "USING_DIRECTIVE",
    "USING_DECLARATION",
    "TYPEDEF_DECL",
    "TYPE_ALIAS_DECL",
    "STATIC_ASSERT",
}
_BLOCKING = {"read", "write", "operator>>", "operator<<"}


@dataclass
class _Ends:
    """Processes at the two ends of one stream, by their place among the calls of the region."""

    declared: Cursor
    writers: list[int] = field(default_factory=list)
    readers: list[int] = field(default_factory=list)


def check_dataflow(unit: Unit, pragmas: tuple[Pragma, ...], findings: Findings) -> None:
    """Hold every dataflow region against the rules of canonical dataflow; the top must be one."""
    regions = [p for p in pragmas if p.name == "dataflow" and p.scope is not None]
    findings.look("dataflow-body")
    top = body(unit.top)
    if not any(_same(region.scope, top) for region in regions):
        findings.add(
            unit.place(unit.top), "dataflow-body", f"{unit.top.spelling} is no dataflow region",
            "put '#pragma HLS dataflow' into its body",
        )  # fmt: skip
    for function in unit.reached:
        block = body(function)
        for region in regions:
            for inner in walk(block) if block is not None else ():
                if inner.kind.name == "COMPOUND_STMT" and _same(inner, region.scope):
                    _check_region(unit, function, inner, pragmas, findings)
    _check_interface(unit, pragmas, findings)


def _same(one: Cursor | None, other: Cursor | None) -> bool:
    """Whether two statements stand at the same place; one may be an instance of the other."""
    return one is not None and other is not None and bool(one.extent == other.extent)


def _check_interface(unit: Unit, pragmas: tuple[Pragma, ...], findings: Findings) -> None:
    named = {pragma.variable for pragma in pragmas if pragma.name == "interface"}
    for port in [*(port.spelling for port in unit.top.get_arguments()), "return"]:
        findings.look("interface")
        if port not in named:
            findings.add(
                unit.place(unit.top), "interface", f"port {port} has no interface pragma",
                f"add '#pragma HLS interface mode=... port={port}'",
            )  # fmt: skip


def _check_region(
    unit: Unit, function: Cursor, block: Cursor, pragmas: tuple[Pragma, ...], findings: Findings
) -> None:
    streams: dict[str, _Ends] = {}
    ports = {p.spelling: _Ends(p) for p in function.get_arguments() if is_stream(p.type)}
    process = 0
    for statement in block.get_children():
        findings.look("dataflow-body")
        if statement.kind.name == "DECL_STMT":
            for declared in statement.get_children():
                _check_declaration(unit, declared, streams, findings)
        elif statement.kind.name == "CALL_EXPR":
            _check_process(unit, statement, process, {**ports, **streams}, findings)
            process += 1
        else:
            findings.add(
                unit.place(statement), "dataflow-body",
                f"'{_start(unit, statement)}' is neither a declaration nor a call",
                "move it into a process",
            )  # fmt: skip
    for name, ends in streams.items():
        _check_ends(unit, name, ends, findings)
    for name, ends in ports.items():
        findings.look("dataflow-stream")
        if len(ends.writers) + len(ends.readers) != 1:
            findings.add(
                unit.place(ends.declared), "dataflow-stream",
                f"port {name} has {len(ends.readers)} readers and {len(ends.writers)} writers",
                "give each port to one process",
            )  # fmt: skip
    for name, ends in streams.items():
        findings.look("stream-depth")
        own = [p for p in pragmas if p.name == "stream" and p.variable == name]
        if sum(_same(p.scope, block) and "depth" in p.options for p in own) != 1:
            findings.add(
                unit.place(ends.declared), "stream-depth", f"stream {name} has no depth",
                f"add '#pragma HLS stream variable={name} depth=...' behind it",
            )  # fmt: skip


def _check_declaration(
    unit: Unit, declared: Cursor, streams: dict[str, _Ends], findings: Findings
) -> None:
    if declared.kind.name in _QUIET:
        return
    static = declared.storage_class.name == "STATIC"
    if declared.kind.name == "VAR_DECL" and is_stream(declared.type) and not static:
        streams[declared.spelling] = _Ends(declared)
        return
    findings.add(
        unit.place(declared), "dataflow-body",
        f"{declared.spelling or _start(unit, declared)} is no local stream",
        "declare streams alone in a dataflow region",
    )  # fmt: skip


def _check_process(
    unit: Unit, call: Cursor, process: int, streams: dict[str, _Ends], findings: Findings
) -> None:
    callee = call.referenced
    place = unit.place(call)
    if callee is None or not unit.is_own(callee) or body(callee) is None:
        findings.add(
            place, "dataflow-body", f"{call.spelling or 'a call'} is no process with a body here",
            "call a cell",
        )  # fmt: skip
        return
    if callee.result_type.get_canonical().kind.name != "VOID":
        findings.add(
            place, "dataflow-body", f"process {call.spelling} returns a value",
            "give the value through a stream and return void",
        )  # fmt: skip
    for argument, parameter in zip(call.get_arguments(), callee.get_arguments(), strict=False):
        findings.look("dataflow-argument")
        named = _named(argument)
        if named is None:
            findings.add(
                place, "dataflow-argument",
                f"argument '{unit.text(argument.extent)}' of {call.spelling} is an expression",
                "hand over a stream, a port or a constant by its name",
            )  # fmt: skip
        elif is_stream(named.type):
            if named.spelling not in streams:
                findings.add(
                    place, "dataflow-argument",
                    f"{named.spelling} is no stream of this region", "declare it in the region",
                )  # fmt: skip
                continue
            reads, writes = _use(unit, callee, parameter, findings, ())
            ends = streams[named.spelling]
            ends.readers += [process] * reads
            ends.writers += [process] * writes
        elif not is_const(named.type):
            findings.add(
                place, "dataflow-argument", f"{named.spelling} is neither stream nor constant",
                "give data through a stream",
            )  # fmt: skip


def _check_ends(unit: Unit, name: str, ends: _Ends, findings: Findings) -> None:
    findings.look("dataflow-stream")
    place = unit.place(ends.declared)
    for role, found in (("producer", ends.writers), ("consumer", ends.readers)):
        if len(found) != 1:
            findings.add(
                place, "dataflow-stream", f"stream {name} has {len(found)} {role}s",
                f"give it one {role}",
            )  # fmt: skip
    if len(ends.writers) == len(ends.readers) == 1 and ends.writers[0] >= ends.readers[0]:
        findings.add(
            place, "dataflow-stream", f"stream {name} is read before it is written",
            "call the producer first",
        )  # fmt: skip


def _named(expression: Cursor) -> Cursor | None:
    """What a plain name stands for; None for anything else."""
    while expression.kind.name in _WRAPPERS:
        inner = list(expression.get_children())
        if len(inner) != 1:
            return None
        expression = inner[0]
    return expression.referenced if expression.kind.name == "DECL_REF_EXPR" else None


def _names_it(expression: Cursor, parameter: Cursor) -> bool:
    named = _named(expression)
    return named is not None and bool(named == parameter)


def _use(
    unit: Unit, function: Cursor, parameter: Cursor, findings: Findings, above: tuple[str, ...]
) -> tuple[bool, bool]:
    """Whether a function reads and whether it writes the stream that is its ``parameter``."""
    findings.look("stream-access")
    block = body(function)
    if parameter.type.get_canonical().kind.name != "LVALUEREFERENCE" or block is None:
        findings.add(
            unit.place(parameter), "stream-access",
            f"{function.spelling} takes stream {parameter.spelling} by value",
            "take it by reference",
        )  # fmt: skip
        return False, False
    if function.get_usr() in above:  # recursion: a rule of its own
        return False, False
    reads = writes = False
    uses = 0
    for call in walk(block):
        if call.kind.name != "CALL_EXPR":
            continue
        method = _method_on(call, parameter)
        if method is not None:
            uses += 1
            reads |= method in ("read", "operator>>")
            writes |= method in ("write", "operator<<")
            if method not in _BLOCKING or (method == "read" and list(call.get_arguments())):
                findings.add(
                    unit.place(call), "stream-access", f"{parameter.spelling}.{method}() is used",
                    "use read() and write() alone",
                )  # fmt: skip
            continue
        callee = call.referenced
        for argument, inner in _handed_on(call, parameter):
            uses += 1
            if callee is not None and unit.is_own(callee) and body(callee) is not None:
                more = _use(unit, callee, inner, findings, (*above, function.get_usr()))
                reads, writes = reads | more[0], writes | more[1]
            else:
                findings.add(
                    unit.place(argument), "stream-access",
                    f"{parameter.spelling} goes into {call.spelling}", "use it in a cell",
                )  # fmt: skip
    if uses != sum(1 for name in _names(block) if name == parameter):
        findings.add(
            unit.place(function), "stream-access",
            f"{function.spelling} uses {parameter.spelling} other than by a call", "read or write it",
        )  # fmt: skip
    return reads, writes


def _names(block: Cursor) -> Iterator[Cursor]:
    for cursor in walk(block):
        if cursor.kind.name == "DECL_REF_EXPR" and cursor.referenced is not None:
            yield cursor.referenced


def _method_on(call: Cursor, parameter: Cursor) -> str | None:
    """Name of the method that ``call`` calls on a stream, if it is that stream's."""
    for child in call.get_children():
        if child.kind.name == "MEMBER_REF_EXPR":
            if any(_names_it(owner, parameter) for owner in child.get_children()):
                return str(child.spelling)
        elif call.spelling.startswith("operator") and _names_it(child, parameter):
            return str(call.spelling)
        break
    return None


def _handed_on(call: Cursor, parameter: Cursor) -> Iterator[tuple[Cursor, Cursor]]:
    callee = call.referenced
    given = list(callee.get_arguments()) if callee is not None else []
    for at, argument in enumerate(call.get_arguments()):
        if _names_it(argument, parameter):
            yield argument, given[at] if at < len(given) else argument


def _start(unit: Unit, cursor: Cursor) -> str:
    return " ".join(unit.text(cursor.extent).split())[:40]
