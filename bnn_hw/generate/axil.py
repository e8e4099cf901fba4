"""The AXI4-Lite block and its software: which template renders which file from the register map.

Reads a :class:`bnn_hw.generate.plan.Plan` and its :class:`bnn_hw.generate.registers.RegisterMap`;
gives the texts of ``rtl/<name>_registers.sv`` and ``rtl/<name>_axil_top.sv``, and below ``handoff/``
the C header, a bare-metal example, the PYNQ driver and its notebook. Asked for at generation only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bnn_hw.generate.plan import Plan
from bnn_hw.generate.registers import (
    INTERRUPTS,
    WORD_BITS,
    WORD_BYTES,
    Field,
    Register,
    RegisterMap,
    build_registers,
    window_bytes,
)
from bnn_hw.generate.render import render

# Cells of rtl/ that only this block uses begin with it.
CELL_PREFIX = "bnn_axil"
_RTL = ("registers", "axil_top")


@dataclass(frozen=True)
class Part:
    """A run of bits of a register as hardware: a field with its signal, or a gap without one."""

    width: int
    signal: str
    field: Field | None

    @property
    def access(self) -> str:
        """``CONSTANT``, ``STATUS``, ``CONTROL``, ``PULSE``, ``CLEAR``, or ``GAP``."""
        return "GAP" if self.field is None else self.field.access.name


@dataclass(frozen=True)
class Word:
    """A register as its templates see it; ``parts`` run from bit 31 down."""

    register: Register
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """Name of the register."""
        return self.register.name

    @property
    def index(self) -> int:
        """Its offset in words."""
        return self.register.offset // WORD_BYTES

    @property
    def fields(self) -> tuple[Part, ...]:
        """The parts that are fields, from bit 0 up."""
        return tuple(part for part in reversed(self.parts) if part.field is not None)

    @property
    def is_composed(self) -> bool:
        """Whether hardware puts its word together from several runs of bits."""
        return not self.register.is_constant and len(self.parts) > 1

    def having(self, *names: str) -> tuple[Part, ...]:
        """Its fields with one of these accesses."""
        return tuple(part for part in self.fields if part.access in names)

    @property
    def access(self) -> str:
        """What software can do with it, in words."""
        return ", ".join(
            dict.fromkeys(part.field.access.value for part in self.fields if part.field)
        )


@dataclass(frozen=True)
class AxilContext:
    """What every template of the block and of its software sees."""

    plan: Plan
    map: RegisterMap

    @property
    def name(self) -> str:
        """The network's name, a plain identifier."""
        return self.plan.name

    @property
    def upper(self) -> str:
        """Prefix of the C header's macros."""
        return self.plan.name.upper()

    @property
    def camel(self) -> str:
        """Name of the driver's class."""
        return "".join(part[:1].upper() + part[1:] for part in self.plan.name.split("_"))

    @property
    def digest(self) -> str:
        """The network's digest."""
        return self.plan.digest

    @property
    def generator_version(self) -> str:
        """Version of bnn_hw."""
        return self.plan.generator_version

    @property
    def top(self) -> str:
        """The accelerator without the block."""
        return f"{self.plan.name}_top"

    @property
    def wrapper(self) -> str:
        """The accelerator with the block."""
        return axil_top(self.plan)

    @property
    def word_bits(self) -> int:
        """Bits of a register's number."""
        return self.map.address_bits - 2

    @property
    def score_bytes(self) -> int:
        """Bytes of a score."""
        return self.plan.result_bits // 8

    @property
    def interrupts(self) -> tuple[tuple[str, str], ...]:
        """Name and meaning of each source, bit 0 first."""
        return INTERRUPTS

    @property
    def words(self) -> tuple[Word, ...]:
        """Every register but the window."""
        return tuple(_word(r) for r in self.map.registers if not r.is_window)

    @property
    def rows(self) -> tuple[Word, ...]:
        """Every register, the window too."""
        return tuple(_word(r) for r in self.map.registers)

    @property
    def window(self) -> Word:
        """The scores."""
        (window,) = (r for r in self.map.registers if r.is_window)
        return _word(window)

    @property
    def window_index_bits(self) -> int:
        """Bits that number a word within the window."""
        return (window_bytes(self.window.register) // WORD_BYTES).bit_length() - 1

    @property
    def window_tag(self) -> int:
        """The upper bits of the number of each of the window's words."""
        return self.window.index >> self.window_index_bits

    @property
    def class_lines(self) -> tuple[str, ...]:
        """The label of each class in quotes, for C, Python and JSON alike."""
        return tuple(json.dumps(label) for label in self.plan.labels)


def axil_top(plan: Plan) -> str:
    """Name of the top module that has the block."""
    return f"{plan.name}_axil_top"


def axil_modules(plan: Plan) -> tuple[str, ...]:
    """The modules that the block adds to a design, in compile order, without its cells."""
    return tuple(f"{plan.name}_{suffix}" for suffix in _RTL)


def axil_context(plan: Plan) -> AxilContext:
    """The context of ``plan``; raises :class:`UserError` when its register map is impossible."""
    return AxilContext(plan, build_registers(plan))


def render_axil(plan: Plan) -> dict[str, str]:
    """The block's files below ``rtl/`` and its software below ``handoff/`` as path and text."""
    context = axil_context(plan)
    files = {
        f"rtl/{plan.name}_{suffix}.sv": render(f"rtl/name_{suffix}.sv.j2", context)
        for suffix in _RTL
    }
    for target, template in (
        (f"{plan.name}_regs.h", "name_regs.h"),
        ("main.c", "main.c"),
        (f"{plan.name}_driver.py", "name_driver.py"),
        (f"{plan.name}.ipynb", "name.ipynb"),
    ):
        files[f"handoff/{target}"] = render(f"handoff/{template}.j2", context)
    return files


def _word(register: Register) -> Word:
    """The register with its gaps, from the top down."""
    parts: list[Part] = []
    top = WORD_BITS
    for field in reversed(register.fields):
        if field.high + 1 < top:
            parts.append(Part(top - field.high - 1, "", None))
        whole = field.name == "value"
        signal = register.name if whole else f"{register.name}_{field.name}"
        parts.append(Part(field.width, signal, field))
        top = field.low
    if top:
        parts.append(Part(top, "", None))
    return Word(register, tuple(parts))
