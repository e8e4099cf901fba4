"""Loops: each counts from a constant to a constant, and those flattened are nested perfectly.

Judged on instantiated bodies: a bound that depends on a template's numbers is constant there or
nowhere. Reads a unit and its pragmas; gives findings.
"""

from __future__ import annotations

from collections.abc import Iterator

from bnn_hw.verify.hls_rules.offences import Findings
from bnn_hw.verify.hls_rules.pragmas import Pragma
from bnn_hw.verify.hls_rules.unit import Unit, walk
from bnn_hw.verify.hls_rules.values import (
    ADD_ASSIGN,
    ADDRESS_OF,
    ASSIGN,
    BOTH,
    GREATER,
    GREATER_EQUAL,
    LESS,
    LESS_EQUAL,
    POST_DEC,
    POST_INC,
    PRE_DEC,
    PRE_INC,
    STEPS,
    SUB_ASSIGN,
    UNEQUAL,
    Cursor,
    binary_operator,
    body,
    is_constant,
    unary_operator,
)

_LOOPS = {"WHILE_STMT": "while", "DO_STMT": "do", "CXX_FOR_RANGE_STMT": "for over a range"}
_UP, _DOWN = {LESS, LESS_EQUAL, UNEQUAL}, {GREATER, GREATER_EQUAL, UNEQUAL}
# What comes out when the two sides of a comparison change places.
_TURNED = {LESS: GREATER, GREATER: LESS, LESS_EQUAL: GREATER_EQUAL, GREATER_EQUAL: LESS_EQUAL}


def check_loops(unit: Unit, pragmas: tuple[Pragma, ...], findings: Findings) -> None:
    """Hold every loop that synthesis reaches against ``loop-bound`` and ``loop-flatten``."""
    flattened = [p for p in pragmas if p.name == "loop_flatten" and p.scope is not None]
    for function in unit.reached:
        block = body(function)
        for cursor, parents in _with_parents(block, ()) if block is not None else ():
            kind = cursor.kind.name
            if kind in _LOOPS:
                findings.look("loop-bound")
                findings.add(
                    unit.place(cursor), "loop-bound", f"a {_LOOPS[kind]} loop has no static bound",
                    "write 'for (int i = 0; i < constant; ++i)'",
                )  # fmt: skip
            elif kind == "FOR_STMT":
                findings.look("loop-bound")
                fault = _fault(unit, cursor)
                if fault is not None:
                    findings.add(
                        unit.place(cursor), "loop-bound", fault,
                        "write 'for (int i = 0; i < constant; ++i)'",
                    )  # fmt: skip
                if any(
                    pragma.scope.extent == _last(cursor).extent
                    for pragma in flattened
                    if pragma.scope
                ):
                    findings.look("loop-flatten")
                    _check_nest(unit, cursor, parents, findings)


def _last(loop: Cursor) -> Cursor:
    return list(loop.get_children())[-1]


def _with_parents(
    cursor: Cursor, parents: tuple[Cursor, ...]
) -> Iterator[tuple[Cursor, tuple[Cursor, ...]]]:
    yield cursor, parents
    for child in cursor.get_children():
        yield from _with_parents(child, (*parents, cursor))


def _check_nest(unit: Unit, loop: Cursor, parents: tuple[Cursor, ...], findings: Findings) -> None:
    alone = (
        len(parents) >= 2
        and parents[-1].kind.name == "COMPOUND_STMT"
        and parents[-2].kind.name == "FOR_STMT"
        and len(list(parents[-1].get_children())) == 1
    )
    if not alone:
        findings.add(
            unit.place(loop), "loop-flatten", "this loop is not all that a loop around it holds",
            "move the rest into it, or take loop_flatten out",
        )  # fmt: skip


def _fault(unit: Unit, loop: Cursor) -> str | None:
    """What keeps the bound of a ``for`` from being static; None when it is."""
    parts = list(loop.get_children())
    if len(parts) != 4 or parts[0].kind.name != "DECL_STMT":
        return "it does not declare its variable, test it and step it"
    declared = list(parts[0].get_children())
    if len(declared) != 1:
        return "it counts more than one variable"
    variable = declared[0]
    start = [part for part in variable.get_children() if part.kind.is_expression()]
    name = variable.spelling
    if len(start) != 1 or not is_constant(start[0]):
        return f"{name} does not start from a constant"
    direction = _direction(parts[2], variable)
    if direction is None:
        return f"{name} is not stepped by a constant"
    wanted = _UP if direction > 0 else _DOWN
    if not any(_bounds(test, variable, wanted) for test in _tests(parts[1])):
        return f"'{' '.join(unit.text(parts[1].extent).split())}' holds {name} against no constant"
    if any(_changes(cursor, variable) for cursor in walk(parts[3])):
        return f"{name} is changed inside the loop"
    return None


def _tests(condition: Cursor) -> Iterator[Cursor]:
    """Parts of a condition that all must hold: one static bound among them is enough."""
    inner = list(condition.get_children())
    if condition.kind.name in ("UNEXPOSED_EXPR", "PAREN_EXPR") and len(inner) == 1:
        yield from _tests(inner[0])
    elif condition.kind.name == "BINARY_OPERATOR" and binary_operator(condition) == BOTH:
        for part in inner:
            yield from _tests(part)
    else:
        yield condition


def _bounds(test: Cursor, variable: Cursor, wanted: set[int]) -> bool:
    if test.kind.name != "BINARY_OPERATOR":
        return False
    left, right = test.get_children()
    operator = binary_operator(test)
    if operator in wanted and is_constant(right) and _counts(left, variable):
        return True
    turned = _TURNED.get(operator, operator)
    return turned in wanted and is_constant(left) and _counts(right, variable)


def _counts(side: Cursor, variable: Cursor) -> bool:
    """Whether a side of a comparison is the variable, or it and a constant added."""
    if _is(side, variable):
        return True
    inner = list(side.get_children())
    if side.kind.name in ("UNEXPOSED_EXPR", "PAREN_EXPR") and len(inner) == 1:
        return _counts(inner[0], variable)
    if side.kind.name == "BINARY_OPERATOR" and len(inner) == 2:
        return (_is(inner[0], variable) and is_constant(inner[1])) or (
            _is(inner[1], variable) and is_constant(inner[0])
        )
    return False


def _is(expression: Cursor, variable: Cursor) -> bool:
    while expression.kind.name in ("UNEXPOSED_EXPR", "PAREN_EXPR"):
        inner = list(expression.get_children())
        if len(inner) != 1:
            return False
        expression = inner[0]
    return _names_it(expression, variable)


def _names_it(expression: Cursor, variable: Cursor) -> bool:
    named = expression.referenced if expression.kind.name == "DECL_REF_EXPR" else None
    return named is not None and bool(named == variable)


def _direction(step: Cursor, variable: Cursor) -> int | None:
    """+1 or -1 for a step by a constant; None for anything else."""
    inner = list(step.get_children())
    if not inner or not _is(inner[0], variable):
        return None
    if step.kind.name == "UNARY_OPERATOR":
        operator = unary_operator(step)
        return {PRE_INC: 1, POST_INC: 1, PRE_DEC: -1, POST_DEC: -1}.get(operator)
    if step.kind.name == "COMPOUND_ASSIGNMENT_OPERATOR" and is_constant(inner[1]):
        return {ADD_ASSIGN: 1, SUB_ASSIGN: -1}.get(binary_operator(step))
    return None


def _changes(cursor: Cursor, variable: Cursor) -> bool:
    """Whether an expression changes the variable, or hands it out to be changed."""
    inner = list(cursor.get_children())
    kind = cursor.kind.name
    if kind == "UNARY_OPERATOR":
        return unary_operator(cursor) in STEPS | {ADDRESS_OF} and _is(inner[0], variable)
    if kind == "COMPOUND_ASSIGNMENT_OPERATOR":
        return _is(inner[0], variable)
    if kind == "BINARY_OPERATOR":
        return binary_operator(cursor) == ASSIGN and _is(inner[0], variable)
    # A value that is read is wrapped in a conversion; bare, it is bound to a reference.
    bare = any(_names_it(child, variable) for child in inner)
    return bare and kind in ("CALL_EXPR", "VAR_DECL", "LAMBDA_EXPR")
