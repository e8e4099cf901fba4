"""The RTL as slang elaborates it: instances and their parameters.

Reads SystemVerilog files; gives a tree of :class:`Cell`. What :mod:`bnn_hw.simulate.constants`
compares with the network comes from here, so that it sees what a synthesis tool would, whatever way
a constant is written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnn_hw.simulate.tools import ToolFailed, require_module


@dataclass(frozen=True)
class Cell:
    """An instance below another: its module and its parameters as elaborated, None with unknown bits.

    A value is the bits of the parameter as an unsigned number; ``cells`` are the instances below,
    in the order of the source.
    """

    module: str
    instance: str
    parameters: Mapping[str, int | None]
    cells: tuple[Cell, ...]


def elaborate(files: Sequence[Path], top: str) -> Cell:
    """Elaborate ``files`` with slang and read back every instance below ``top``.

    Raises
    ------
    ToolMissing
        When pyslang is not installed.
    ToolFailed
        When the files do not elaborate or hold no module ``top``.
    """
    require_module("pyslang")
    from pyslang import Bag, SourceManager, ast, syntax

    manager = SourceManager()
    # Named, since something may stand above it: registers, a board's top.
    options = ast.CompilationOptions()
    options.topModules = {top}
    bag = Bag()
    bag.compilationOptions = options
    compilation = ast.Compilation(bag)
    for file in files:
        try:
            compilation.addSyntaxTree(syntax.SyntaxTree.fromFile(str(file), manager))
        except RuntimeError as problem:
            raise ToolFailed(f"slang can't read {file.name}: {problem}") from None
    tops = [t for t in compilation.getRoot().topInstances if t.name == top]
    if not tops:
        raise ToolFailed(f"slang finds no module {top}")
    errors = [d for d in compilation.getAllDiagnostics() if d.isError()]
    if errors:
        where = errors[0].location
        line = manager.getLineNumber(where)
        raise ToolFailed(
            f"slang does not elaborate {top}: {len(errors)} errors, the first of kind "
            f"{errors[0].code} in {Path(manager.getFileName(where)).name}, line {line}"
        )
    return _cell(tops[0])


def _cell(instance: Any) -> Cell:
    from pyslang import ast

    below: list[Any] = []

    def collect(symbol: Any) -> Any:
        if isinstance(symbol, ast.InstanceSymbol):
            below.append(symbol)
            return ast.VisitAction.Skip
        return ast.VisitAction.Advance

    instance.body.visit(collect)
    return Cell(
        module=instance.definition.name,
        instance=instance.name,
        parameters={
            parameter.name: _value(parameter)
            for parameter in instance.body.parameters
            if isinstance(parameter, ast.ParameterSymbol)
        },
        cells=tuple(_cell(symbol) for symbol in below),
    )


def _value(parameter: Any) -> int | None:
    from pyslang import SVInt

    value = parameter.value.value
    if not isinstance(value, SVInt) or value.hasUnknown:
        return None
    return int(value) & ((1 << int(value.bitWidth)) - 1)
