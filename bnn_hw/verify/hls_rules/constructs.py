"""Constructs that Vitis HLS refuses, in everything that synthesis reaches.

Reads a unit; gives findings. Xilinx' own headers are theirs to answer for: calls into them are not
followed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bnn_hw.verify.hls_rules.offences import Findings
from bnn_hw.verify.hls_rules.unit import Unit, calls, is_const, is_stream, walk
from bnn_hw.verify.hls_rules.values import Cursor, body, is_constant, is_constexpr

_FLOATS = {"FLOAT", "DOUBLE", "LONGDOUBLE", "FLOAT128", "HALF", "FLOAT16"}
_MEMORY = {"malloc", "calloc", "realloc", "free", "alloca", "operator new", "operator delete"}
_FUNCTION_TYPES = {"FUNCTIONPROTO", "FUNCTIONNOPROTO"}
_NUMBERS = re.compile(r"[\s{},+\-]*(?:(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*[\s{},+\-]*)*")

# Kind of a cursor -> rule, what it is, what to do.
_KINDS: Mapping[str, tuple[str, str, str]] = {
    "CXX_NEW_EXPR": ("dynamic-memory", "new", "use an array of constant size"),
    "CXX_DELETE_EXPR": ("dynamic-memory", "delete", "use an array of constant size"),
    "CXX_THROW_EXPR": ("exception", "throw", "give an error bit instead"),
    "CXX_TRY_STMT": ("exception", "try", "give an error bit instead"),
    "CXX_DYNAMIC_CAST_EXPR": ("virtual", "dynamic_cast", "use a template parameter"),
    "CXX_TYPEID_EXPR": ("virtual", "typeid", "use a template parameter"),
    "CXX_REINTERPRET_CAST_EXPR": ("pointer", "reinterpret_cast", "use range() of ap_uint"),
    "GOTO_STMT": ("jump", "goto", "use a condition"),
    "INDIRECT_GOTO_STMT": ("jump", "goto", "use a condition"),
    "LAMBDA_EXPR": ("jump", "a lambda", "use a function template"),
    "ASM_STMT": ("jump", "assembler", "write it in C++"),
    "MS_ASM_STMT": ("jump", "assembler", "write it in C++"),
    "FLOATING_LITERAL": ("floating", "a floating-point number", "use ap_int or ap_uint"),
}
_BY_KIND = {rule for rule, _, _ in _KINDS.values()}


def check_constructs(unit: Unit, findings: Findings) -> None:
    """Hold every function that synthesis reaches against the rules on constructs."""
    edges: dict[str, list[tuple[Cursor, str]]] = {}
    for function in unit.reached:
        edges[function.get_usr()] = [
            (call, callee.get_usr()) for call, callee in calls(function) if callee is not None
        ]
        for rule in (*sorted(_BY_KIND), "recursion"):
            findings.look(rule)
        for call, callee in calls(function):
            _check_call(unit, call, callee, findings)
        for parameter in function.get_arguments():
            _check_variable(unit, parameter, findings)
        _check_type(
            unit, function, function.result_type, f"the result of {function.spelling}", findings
        )
        block = body(function)
        for cursor in walk(block) if block is not None else ():
            _check_cursor(unit, cursor, findings)
    _check_recursion(unit, edges, findings)


def _check_cursor(unit: Unit, cursor: Cursor, findings: Findings) -> None:
    kind = cursor.kind.name
    if kind in _KINDS:
        rule, what, instead = _KINDS[kind]
        findings.add(unit.place(cursor), rule, f"{what} is used", instead)
    elif kind == "VAR_DECL":
        _check_variable(unit, cursor, findings)
        if cursor.storage_class.name == "STATIC":
            _check_static(unit, cursor, findings)
    elif kind == "DECL_REF_EXPR":
        named = cursor.referenced
        if named is not None and named.kind.name == "VAR_DECL" and _is_global(named):
            if unit.is_own(named):
                _check_static(unit, named, findings)
            else:
                findings.add(
                    unit.place(cursor), "std-library", f"{named.spelling} of a library is used",
                    "use a port or a constant",
                )  # fmt: skip
    elif kind == "CSTYLE_CAST_EXPR" and cursor.type.get_canonical().kind.name == "POINTER":
        findings.add(
            unit.place(cursor), "pointer", f"a cast to {cursor.type.spelling}",
            "use range() of ap_uint",
        )  # fmt: skip
    elif cursor.kind.is_expression() and cursor.type.get_canonical().kind.name in _FLOATS:
        findings.add(
            unit.place(cursor), "floating", f"an expression of type {cursor.type.spelling}",
            "use ap_int or ap_uint",
        )  # fmt: skip


def _is_global(variable: Cursor) -> bool:
    return variable.semantic_parent.kind.name in (
        "NAMESPACE", "TRANSLATION_UNIT", "STRUCT_DECL", "CLASS_DECL",
    )  # fmt: skip


def _check_call(unit: Unit, call: Cursor, callee: Cursor | None, findings: Findings) -> None:
    for rule in ("virtual", "pointer", "std-library", "system-call", "dynamic-memory"):
        findings.look(rule)
    place = unit.place(call)
    if callee is None or callee.kind.name in ("VAR_DECL", "PARM_DECL", "FIELD_DECL"):
        findings.add(
            place, "pointer", f"{call.spelling or 'a function'} is called through a pointer",
            "call a function by its name or use a template parameter",
        )  # fmt: skip
        return
    if callee.kind.name == "CXX_METHOD" and callee.is_virtual_method():
        findings.add(
            place, "virtual", f"{call.spelling} is a virtual function", "use a template parameter"
        )
    if unit.is_own(callee) or unit.is_xilinx(callee):
        return
    name = callee.spelling
    if name in _MEMORY:
        findings.add(place, "dynamic-memory", f"{name} is called", "use an array of constant size")
    elif _of_std(callee):
        findings.add(
            place, "std-library", f"std::{name} is called", "write a function of its own for it"
        )
    else:
        findings.add(
            place, "system-call", f"{name} is called",
            "put it between '#ifndef __SYNTHESIS__' and '#endif'",
        )  # fmt: skip


def _of_std(declared: Cursor) -> bool:
    parent = declared.semantic_parent
    while parent is not None and parent.kind.name != "TRANSLATION_UNIT":
        if parent.kind.name == "NAMESPACE" and parent.spelling in ("std", "__gnu_cxx"):
            return True
        parent = parent.semantic_parent
    return False


def _check_variable(unit: Unit, variable: Cursor, findings: Findings) -> None:
    _check_type(unit, variable, variable.type, variable.spelling or "a parameter", findings)


def _check_type(unit: Unit, at: Cursor, declared: Any, name: str, findings: Findings) -> None:
    """Look through references and arrays for types that no hardware is made of."""
    for rule in ("floating", "pointer", "dynamic-memory", "std-library"):
        findings.look(rule)
    place = unit.place(at)
    kind = declared.get_canonical()
    pointers = 0
    while True:
        word = kind.kind.name
        if word == "VARIABLEARRAY":
            findings.add(
                place, "dynamic-memory", f"the size of {name} is not constant",
                "use a constant size",
            )  # fmt: skip
        if word in ("CONSTANTARRAY", "VARIABLEARRAY", "INCOMPLETEARRAY"):
            kind = kind.element_type.get_canonical()
        elif word in ("POINTER", "LVALUEREFERENCE", "RVALUEREFERENCE"):
            pointers += word == "POINTER"
            kind = kind.get_pointee().get_canonical()
            if kind.kind.name in _FUNCTION_TYPES:
                break
        else:
            break
    if kind.kind.name in _FUNCTION_TYPES or kind.kind.name == "MEMBERPOINTER":
        findings.add(
            place, "pointer", f"{name} points to a function or a member",
            "use a template parameter",
        )  # fmt: skip
    elif pointers > 1:
        findings.add(place, "pointer", f"{name} points to a pointer", "use an array")
    elif kind.kind.name in _FLOATS:
        findings.add(place, "floating", f"{name} has type {kind.spelling}", "use ap_int or ap_uint")
    else:
        made_by = kind.get_declaration()
        outside = made_by.location.file is not None and not (
            unit.is_own(made_by) or unit.is_xilinx(made_by)
        )
        if outside and _of_std(made_by):
            findings.add(
                place, "std-library", f"{name} has type {kind.spelling[:40]}",
                "use an array or a struct of this project",
            )  # fmt: skip


def _check_static(unit: Unit, variable: Cursor, findings: Findings) -> None:
    findings.look("static-state")
    place, name = unit.place(variable), variable.spelling
    if is_stream(variable.type):
        findings.add(place, "static-state", f"stream {name} is static", "declare it in the region")
    elif not is_const(variable.type):
        findings.add(
            place, "static-state", f"{name} keeps a state from one fragment to the next",
            "make it const or local",
        )  # fmt: skip
    else:
        # Thousands of weights: told to be numbers by their text, not node by node.
        text = unit.text(variable.extent)
        value = text.partition("=")[2]
        if value and _NUMBERS.fullmatch(value):
            return
        for cursor in walk(variable):
            called = cursor.referenced if cursor.kind.name == "CALL_EXPR" else None
            if called is None or called.kind.name == "CONSTRUCTOR":
                continue
            if not (is_constexpr(called) and is_constant(cursor)):
                findings.add(
                    place, "static-state", f"{name} is initialised by a call of {called.spelling}",
                    "initialise it with numbers",
                )  # fmt: skip


def _check_recursion(
    unit: Unit, edges: dict[str, list[tuple[Cursor, str]]], findings: Findings
) -> None:
    reaches = {
        function: {callee for _, callee in out if callee in edges}
        for function, out in edges.items()
    }
    grown = True
    while grown:
        grown = False
        for found in reaches.values():
            more = set().union(*(reaches[callee] for callee in found)) - found
            if more:
                found |= more
                grown = True
    for function, out in edges.items():
        for call, callee in out:
            if callee == function or function in reaches.get(callee, ()):
                findings.add(
                    unit.place(call), "recursion", f"{call.spelling} leads back to itself",
                    "use a loop with a constant bound",
                )  # fmt: skip
