"""Parameter sets of a cell, and the module that instantiates all of them side by side.

A bench names its cell, its cases and illegal parameter sets once; the runner renders ``cases.sv.j2``
from them, so that one build serves every case, and the bench finds the ports of a case by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from jinja2 import Environment, FileSystemLoader, StrictUndefined


@dataclass(frozen=True)
class Wide:
    """A packed constant of ``width`` bits; a negative ``value`` is taken in two's complement."""

    width: int
    value: int

    def literal(self) -> str:
        """The constant as a SystemVerilog literal."""
        return f"{self.width}'h{self.value & ((1 << self.width) - 1):x}"


def packed(values: Sequence[int], width: int) -> Wide:
    """Values as one constant, the first lowest, each in ``width`` bits of two's complement."""
    mask = (1 << width) - 1
    return Wide(width * len(values), sum((v & mask) << (i * width) for i, v in enumerate(values)))


def signed_value(bits: int, width: int) -> int:
    """The number that ``width`` bits mean in two's complement."""
    return bits - (1 << width) if bits >> (width - 1) & 1 else bits


def named(values: Iterable[str]) -> list[cocotb.Param]:
    """Options of ``cocotb.parametrize`` that appear in a test's name as they are."""
    return [cocotb.Param(value=value, name=value) for value in values]


Parameters = Mapping[str, "int | Wide"]


@dataclass(frozen=True)
class Port:
    """A port of the cell; ``width`` None makes it a single bit without a range."""

    name: str
    width: int | None = None
    is_input: bool = True


@dataclass(frozen=True)
class Case:
    """One parameter set of a cell; ``data`` is whatever the bench needs to know about it."""

    name: str
    parameters: Parameters
    ports: tuple[Port, ...]
    data: Any = None


@dataclass(frozen=True)
class Bench:
    """A cell with its cases, and parameter sets that its elaboration must refuse."""

    cell: str
    cases: tuple[Case, ...]
    illegal: tuple[Parameters, ...] = field(default_factory=tuple)

    @property
    def top(self) -> str:
        """Module that holds every case."""
        return f"{self.cell}_cases"

    def case(self, name: str) -> Case:
        """The case called ``name``."""
        return next(case for case in self.cases if case.name == name)

    @property
    def names(self) -> list[str]:
        """Names of the cases, to parametrise tests with."""
        return [case.name for case in self.cases]


CLOCKED = (Port("clk_i"), Port("rst_ni"))


def stream_in(name: str, width: int) -> tuple[Port, ...]:
    """Ports of a stream into the cell."""
    return (
        Port(f"{name}_valid_i"),
        Port(f"{name}_ready_o", None, False),
        Port(f"{name}_data_i", width),
    )


def stream_out(name: str, width: int) -> tuple[Port, ...]:
    """Ports of a stream out of the cell."""
    return (
        Port(f"{name}_valid_o", None, False),
        Port(f"{name}_ready_i"),
        Port(f"{name}_data_o", width, False),
    )


def parameter_text(value: int | Wide) -> str:
    """A parameter's value as SystemVerilog."""
    return value.literal() if isinstance(value, Wide) else str(value)


def render_cases(bench: Bench) -> str:
    """The module that instantiates every case of ``bench``; ports are ``<case>_<port>``."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="${",
        variable_end_string="}",
        line_statement_prefix="//%",
    )
    return environment.get_template("cases.sv.j2").render(
        bench=bench, parameter_text=parameter_text
    )


class CasePorts:
    """The ports of one case in a running simulation, by the cell's own port names."""

    def __init__(self, dut: Any, case: Case) -> None:
        self.case = case
        for port in case.ports:
            setattr(self, port.name, getattr(dut, f"{case.name}_{port.name}"))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the case has no port {name}")

    def stream_in(self, name: str) -> tuple[Any, Any, list[Any]]:
        """Valid, ready and data of a stream into the cell."""
        return (
            getattr(self, f"{name}_valid_i"),
            getattr(self, f"{name}_ready_o"),
            [getattr(self, f"{name}_data_i")],
        )

    def stream_out(self, name: str) -> tuple[Any, Any, list[Any]]:
        """Valid, ready and data of a stream out of the cell."""
        return (
            getattr(self, f"{name}_valid_o"),
            getattr(self, f"{name}_ready_i"),
            [getattr(self, f"{name}_data_o")],
        )
