"""Numbers that the compiler knows: constant expressions, and operators that libclang tells.

Reads cursors of instantiated bodies; gives truths about them. Nothing is computed here: whether a
constant has a value is asked of libclang itself.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

# A libclang cursor; the package has no types.
Cursor = Any

_EVALUATED_INTEGER = 1


def body(function: Cursor) -> Cursor | None:
    """The compound statement of a definition."""
    for child in function.get_children():
        if child.kind.name == "COMPOUND_STMT":
            return child
    return None


def is_constexpr(function: Cursor) -> bool:
    """Whether ``constexpr`` stands in the declaration of a function."""
    block = body(function)
    end = block.extent.start.offset if block is not None else function.extent.end.offset
    for token in function.get_tokens():
        if token.location.offset >= end:
            return False
        if token.spelling == "constexpr":
            return True
    return False


_LITERALS = {
    "INTEGER_LITERAL", "CXX_BOOL_LITERAL_EXPR", "CHARACTER_LITERAL", "CXX_UNARY_EXPR",
    "SIZE_OF_PACK_EXPR",
}  # fmt: skip
_TRANSPARENT = {
    "UNEXPOSED_EXPR", "PAREN_EXPR", "BINARY_OPERATOR", "UNARY_OPERATOR", "CONDITIONAL_OPERATOR",
    "CXX_FUNCTIONAL_CAST_EXPR", "CXX_STATIC_CAST_EXPR", "CSTYLE_CAST_EXPR", "INIT_LIST_EXPR",
}  # fmt: skip


def is_constant(expression: Cursor) -> bool:
    """Whether an expression is a number for the compiler: literals, constants and their arithmetic."""
    kind = expression.kind.name
    if kind in _LITERALS:
        return True
    if kind in ("DECL_REF_EXPR", "MEMBER_REF_EXPR"):
        named = expression.referenced
        if named is not None:
            if named.kind.name == "ENUM_CONSTANT_DECL":
                return True
            # A variable template, instantiated, is an unexposed declaration.
            known = named.kind.name in ("VAR_DECL", "UNEXPOSED_DECL")
            return known and expression.type.is_const_qualified() and has_value(named)
    inner = list(expression.get_children())
    if kind == "DECL_REF_EXPR":  # a template's number, filled in
        return bool(inner) and all(map(is_constant, inner))
    if kind == "CALL_EXPR":
        callee = expression.referenced
        if callee is None or not is_constexpr(callee):
            return False
        return all(is_constant(argument) for argument in expression.get_arguments())
    if kind == "UNARY_OPERATOR" and unary_operator(expression) in STEPS:
        return False
    return kind in _TRANSPARENT and bool(inner) and all(map(is_constant, inner))


# CXUnaryOperatorKind and CXBinaryOperatorKind of libclang, as far as they are asked for.
POST_INC, POST_DEC, PRE_INC, PRE_DEC, ADDRESS_OF = range(1, 6)
STEPS = {POST_INC, POST_DEC, PRE_INC, PRE_DEC}
LESS, GREATER, LESS_EQUAL, GREATER_EQUAL, _EQUAL, UNEQUAL = range(11, 17)
BOTH, ASSIGN, ADD_ASSIGN, SUB_ASSIGN = 20, 22, 26, 27


@functools.cache
def _library() -> Any:
    """Functions of libclang that its Python package does not name."""
    from clang import cindex

    library = cindex.conf.lib
    for name in ("clang_getCursorBinaryOperatorKind", "clang_getCursorUnaryOperatorKind"):
        getattr(library, name).argtypes = [cindex.Cursor]
        getattr(library, name).restype = ctypes.c_int
    library.clang_Cursor_Evaluate.argtypes = [cindex.Cursor]
    library.clang_Cursor_Evaluate.restype = ctypes.c_void_p
    library.clang_EvalResult_getKind.argtypes = [ctypes.c_void_p]
    library.clang_EvalResult_getKind.restype = ctypes.c_int
    library.clang_EvalResult_dispose.argtypes = [ctypes.c_void_p]
    library.clang_EvalResult_dispose.restype = None
    return library


def binary_operator(cursor: Cursor) -> int:
    """Which operator a binary operator or a compound assignment is."""
    return int(_library().clang_getCursorBinaryOperatorKind(cursor))


def unary_operator(cursor: Cursor) -> int:
    """Which operator a unary operator is."""
    return int(_library().clang_getCursorUnaryOperatorKind(cursor))


def has_value(variable: Cursor) -> bool:
    """Whether the compiler knows the integer that a variable is initialised with."""
    library = _library()
    result = library.clang_Cursor_Evaluate(variable)
    if not result:
        return False
    try:
        return bool(library.clang_EvalResult_getKind(result) == _EVALUATED_INTEGER)
    finally:
        library.clang_EvalResult_dispose(result)
