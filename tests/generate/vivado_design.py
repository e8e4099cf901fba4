"""What the stand-in for Vivado knows of the RTL: modules, ports, interfaces, elaborated by slang."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyslang import Bag
from pyslang.ast import ArgumentDirection, Compilation, CompilationOptions, Symbol, SymbolKind
from pyslang.syntax import SyntaxTree


class Refused(Exception):
    """What Vivado would end a script with."""


@dataclass
class Interface:
    """A bus interface of an IP: its type, who drives, parameters, physical port by logical one."""

    vlnv: str
    ports: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    master: bool = False


@dataclass(frozen=True)
class Port:
    """Width, direction and attributes of a port."""

    width: int
    output: bool
    attributes: dict[str, str]


@dataclass(frozen=True)
class _Facts:
    """Plain values; nothing of slang outlives the function that asks it."""

    errors: tuple[str, ...]
    parameters: frozenset[str] = frozenset()
    ports: dict[str, Port] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()


def _ask_slang(files: Sequence[Path], top: str) -> _Facts:
    options = CompilationOptions()
    options.topModules = {top}
    bag = Bag()
    bag.compilationOptions = options
    compilation = Compilation(bag)
    for file in files:
        compilation.addSyntaxTree(SyntaxTree.fromFile(str(file)))
    tops = [i for i in compilation.getRoot().topInstances if i.name == top]
    errors = [str(d.code) for d in compilation.getAllDiagnostics() if d.isError()]
    if not tops or errors:
        return _Facts((f"{len(tops)} modules {top}", *errors))
    body = tops[0].body
    ports: dict[str, Port] = {}
    for port in body.portList:
        attributes = compilation.getAttributes(port.internalSymbol)
        ports[port.name] = Port(
            port.type.bitWidth,
            port.direction == ArgumentDirection.Out,
            {a.name: a.value.convertToStr().value for a in attributes},
        )
    variables: set[str] = set()

    def visit(symbol: Symbol) -> None:
        if symbol.kind == SymbolKind.Variable:
            variables.add(symbol.hierarchicalPath.removeprefix(f"{top}."))

    body.visit(visit)
    return _Facts((), frozenset(p.name for p in body.parameters), ports, frozenset(variables))


class Design:
    """The module ``top`` within ``files``; :class:`Refused` when slang finds an error there."""

    def __init__(self, files: Sequence[Path], top: str) -> None:
        facts = _ask_slang(files, top)
        if facts.errors:
            raise Refused(f"{top} does not elaborate: {', '.join(facts.errors[:5])}")
        self.parameters = facts.parameters
        self.ports = facts.ports
        self._variables = facts.variables

    def has_register(self, cell: str) -> bool:
        """Whether ``cell``, as Vivado names registers (``u_x/y_reg[*]``), stands for a variable."""
        path = re.fullmatch(r"(.+)_reg(\[(\*|\d+)\])?", cell)
        return path is not None and path[1].replace("/", ".") in self._variables

    def interfaces(self) -> dict[str, Interface]:
        """The interfaces that the ports' X_INTERFACE attributes make."""
        found: dict[str, Interface] = {}
        for name, port in self.ports.items():
            if "X_INTERFACE_INFO" not in port.attributes:
                raise Refused(f"port {name} belongs to no interface")
            vlnv, interface, logical = port.attributes["X_INTERFACE_INFO"].split()
            entry = found.setdefault(interface, Interface(vlnv))
            if entry.vlnv != vlnv or logical in entry.ports:
                raise Refused(f"{interface}: {logical} twice, or of two types")
            entry.ports[logical] = name
            for pair in port.attributes.get("X_INTERFACE_PARAMETER", "").split(","):
                if pair:
                    key, value = pair.split()
                    entry.parameters[key] = value
            if logical in ("TVALID", "AWVALID", "INTERRUPT"):
                entry.master = port.output
        for interface, entry in found.items():
            if entry.parameters.pop("XIL_INTERFACENAME", interface) != interface:
                raise Refused(f"XIL_INTERFACENAME of {interface} names another")
        return found
