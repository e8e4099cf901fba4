"""Pragmas: which are known, with which options and values, in which scope.

Pragmas are no part of the syntax tree. They are taken from the tokens of each file and belong to the
innermost compound statement around them. Reads a unit; gives findings, and the pragmas for the rules
that ask for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bnn_hw.verify.hls_rules.grammar import ARRAY, GRAMMARS, NUMBER, SHAPES, Grammar, values_of
from bnn_hw.verify.hls_rules.offences import Findings
from bnn_hw.verify.hls_rules.unit import Place, Unit, definitions
from bnn_hw.verify.hls_rules.values import Cursor, body

_LOOPS = {"FOR_STMT", "WHILE_STMT", "DO_STMT", "CXX_FOR_RANGE_STMT"}


@dataclass(frozen=True, eq=False)
class Pragma:
    """One ``#pragma HLS`` as it stands; names in lower case, values as written."""

    place: Place
    offset: int
    name: str
    options: Mapping[str, str]
    flags: tuple[str, ...]
    scope: Cursor | None  # innermost compound statement
    kind: str  # what that is the body of: function, loop, block, or outside

    @property
    def variable(self) -> str | None:
        """The variable or port it is about."""
        grammar = GRAMMARS.get(self.name)
        return self.options.get(grammar.named) if grammar and grammar.named else None


def check_pragmas(unit: Unit, findings: Findings) -> tuple[Pragma, ...]:
    """Hold every pragma of the unit's files against the grammar; give those of HLS."""
    functions = list(definitions(unit))
    found = tuple(_pragmas(unit, functions, findings))
    seen: dict[tuple[object, ...], Pragma] = {}
    for pragma in found:
        findings.look("pragma-known")
        grammar = GRAMMARS.get(pragma.name)
        if grammar is None:
            findings.add(
                pragma.place, "pragma-known", f"pragma HLS {pragma.name} is unknown",
                f"use one of {', '.join(GRAMMARS)}",
            )  # fmt: skip
            continue
        _check_options(pragma, grammar, findings)
        findings.look("pragma-place")
        if pragma.kind not in grammar.scopes:
            findings.add(
                pragma.place, "pragma-place",
                f"pragma HLS {pragma.name} stands in the scope '{pragma.kind}'",
                f"put it into the body of a {' or '.join(sorted(grammar.scopes))}",
            )  # fmt: skip
        scope = pragma.scope
        where = (scope.extent.start.file.name, scope.extent.start.offset) if scope else ()
        key = (pragma.name, pragma.variable, pragma.options.get("dim"), *where)
        if key in seen:
            findings.add(
                pragma.place, "pragma-place",
                f"pragma HLS {pragma.name} stands a second time in this scope (line {seen[key].place.line})",
                "keep one",
            )  # fmt: skip
        seen.setdefault(key, pragma)
        if grammar.named and pragma.variable:
            _check_variable(unit, pragma, functions, findings)
    return found


def _pragmas(unit: Unit, functions: list[Cursor], findings: Findings) -> Iterator[Pragma]:
    parsed = unit.translation_unit
    for file in unit.files:
        extent = parsed.get_extent(str(file), (0, file.stat().st_size))
        tokens = [t for t in parsed.get_tokens(extent=extent) if t.kind.name != "COMMENT"]
        at = 0
        while at < len(tokens):
            start = tokens[at]
            place = Place(file.name, start.location.line)
            if start.spelling == "_Pragma":
                findings.add(
                    place, "pragma-known", "_Pragma hides a pragma from these rules",
                    "write it as #pragma",
                )  # fmt: skip
            words = [token.spelling for token in tokens[at : at + 3]]
            at += 1
            if words[:2] != ["#", "pragma"]:
                continue
            line, rest = place.line, []
            while at < len(tokens) and tokens[at].location.line == line:
                rest.append(tokens[at].spelling)
                at += 1
            if len(rest) > 2 and rest[1] == "HLS":
                yield _parse(unit, functions, place, start.location.offset, rest[2:], findings)
            elif rest[1:] != ["once"]:
                findings.add(
                    place, "pragma-known", f"pragma {' '.join(rest[1:3])} is not one of HLS",
                    "take it out",
                )  # fmt: skip


def _parse(
    unit: Unit, functions: list[Cursor], place: Place, offset: int, words: list[str],
    findings: Findings,
) -> Pragma:  # fmt: skip
    name, rest = words[0].lower(), words[1:]
    options: dict[str, str] = {}
    flags: list[str] = []
    while rest:
        word = rest.pop(0)
        if rest and rest[0] == "=":
            value = rest[1] if len(rest) > 1 else ""
            del rest[:2]
            if word.lower() in options:
                findings.add(
                    place, "pragma-option", f"pragma HLS {name} has {word}= twice", "keep one"
                )
            options[word.lower()] = value
        else:
            flags.append(word.lower())
    scope, kind = _scope(unit, functions, place, offset)
    return Pragma(place, offset, name, options, tuple(flags), scope, kind)


def _check_options(pragma: Pragma, grammar: Grammar, findings: Findings) -> None:
    findings.look("pragma-option", 1 + len(pragma.options) + len(pragma.flags))

    def wrong(what: str, instead: str) -> None:
        findings.add(pragma.place, "pragma-option", f"pragma HLS {pragma.name}: {what}", instead)

    taken = ", ".join([*(f"{option}=" for option in grammar.options), *sorted(grammar.flags)])
    for option, value in pragma.options.items():
        pattern = grammar.options.get(option)
        if pattern is None:
            wrong(f"no option {option}=", f"it takes {taken or 'none'}")
        elif not pattern.fullmatch(value):
            wrong(f"{option}={value} is no value of it", f"it takes {values_of(pattern)}")
    for flag in pragma.flags:
        if flag not in grammar.flags:
            wrong(f"no option {flag}", f"it takes {taken or 'none'}")
    for option in sorted(grammar.required - set(pragma.options)):
        wrong(f"{option}= is missing", f"name its {option}")
    if grammar is ARRAY and "off" not in pragma.flags:
        shapes = [flag for flag in pragma.flags if flag in SHAPES]
        shapes += [pragma.options["type"].lower()] if "type" in pragma.options else []
        if len(shapes) != 1:
            wrong(f"{len(shapes)} types", f"give one of {', '.join(SHAPES)}")
        elif (shapes[0] == "complete") == ("factor" in pragma.options):
            wrong(
                f"type {shapes[0]} with{'' if shapes[0] == 'complete' else 'out'} factor=",
                "cyclic and block take a factor, complete takes none",
            )


def _contains(cursor: Cursor, offset: int) -> bool:
    return bool(cursor.extent.start.offset <= offset < cursor.extent.end.offset)


def _scope(
    unit: Unit, functions: list[Cursor], place: Place, offset: int
) -> tuple[Cursor | None, str]:
    """The innermost compound statement around an offset, and what it is the body of."""
    for function in functions:
        if unit.place(function).file != place.file or not _contains(function, offset):
            continue
        block = body(function)
        if block is None or not _contains(block, offset):
            continue
        innermost, kind, at = block, "function", block
        while True:
            inner = [child for child in at.get_children() if _contains(child, offset)]
            if not inner:
                return innermost, kind
            if inner[0].kind.name == "COMPOUND_STMT":
                innermost, kind = inner[0], "loop" if at.kind.name in _LOOPS else "block"
            at = inner[0]
    return None, "outside"


def _check_variable(
    unit: Unit, pragma: Pragma, functions: list[Cursor], findings: Findings
) -> None:
    findings.look("pragma-variable")
    here = [f for f in (unit.top, *unit.reached, *functions) if _is_around(unit, f, pragma)]
    name = pragma.variable
    if pragma.name == "interface":
        if not here or here[0] != unit.top:
            findings.add(
                pragma.place, "pragma-place", "pragma HLS interface outside the top function",
                "put it there",
            )  # fmt: skip
            return
        ports = [port.spelling for port in unit.top.get_arguments()]
        if name not in (*ports, "return"):
            findings.add(
                pragma.place, "pragma-variable", f"the top function has no port {name}",
                f"choose from {', '.join((*ports, 'return'))}",
            )  # fmt: skip
        return
    for function in here:
        declared = next((v for v in _visible(function, pragma.offset) if v.spelling == name), None)
        if declared is None:
            findings.add(
                pragma.place, "pragma-variable",
                f"no variable {name} is declared before this pragma in its scope",
                "put the pragma behind the declaration, in the same scope",
            )  # fmt: skip
            return
        dim = pragma.options.get("dim", "0")
        if any(function == reached for reached in unit.reached) and NUMBER.fullmatch(dim):
            dimensions = _dimensions(declared.type)
            if int(dim) > dimensions or (pragma.name.startswith("array") and dimensions == 0):
                findings.add(
                    pragma.place, "pragma-variable",
                    f"{name} has {dimensions} dimensions, not {max(int(dim), 1)}",
                    "choose a dimension that it has",
                )  # fmt: skip


def _is_around(unit: Unit, function: Cursor, pragma: Pragma) -> bool:
    return unit.place(function).file == pragma.place.file and _contains(function, pragma.offset)


def _visible(function: Cursor, offset: int) -> Iterator[Cursor]:
    """Parameters, and variables that are declared before an offset in the scopes around it."""
    yield from (child for child in function.get_children() if child.kind.name == "PARM_DECL")
    at = body(function)
    while at is not None:
        inner = None
        for child in at.get_children():
            if child.kind.name == "DECL_STMT" and child.extent.end.offset <= offset:
                yield from child.get_children()
            elif _contains(child, offset):
                inner = child
        at = inner


def _dimensions(kind: object) -> int:
    canonical = kind.get_canonical()  # type: ignore[attr-defined]
    if canonical.kind.name == "LVALUEREFERENCE":
        canonical = canonical.get_pointee()
    count = 0
    while canonical.kind.name in ("CONSTANTARRAY", "DEPENDENTSIZEDARRAY", "INCOMPLETEARRAY"):
        count += 1
        canonical = canonical.element_type.get_canonical()
    return count
