"""Vendor part of the hand-off: Vivado scripts and constraints, IP shell, Vitis configuration.

Reads a plan; gives the texts below ``handoff/vivado/`` and ``hls/hls_config.cfg``. Vivado itself
writes the IP's component.xml and the project of the block design; the scripts tell it how.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from bnn_hw.assets import rtl_dir
from bnn_hw.generate.axil import axil_context
from bnn_hw.generate.plan import Plan
from bnn_hw.generate.render import render

FOLDER = "handoff/vivado"
ZYNQ_PART = "xc7z020clg400-1"
ARTIX_PART = "xc7a100tcsg324-1"
# Where main.c looks for the registers unless it is told otherwise.
REGISTERS_BASE = "0x43C00000"

_TEMPLATES = (
    "common.tcl",
    "implement.tcl",
    "package_ip.tcl",
    "clock.xdc",
    "ooc.xdc",
    "arty_a7.xdc",
)
_ARTY_CLOCK_HZ = 100_000_000
_ARTY_BAUD = 1_000_000
# AXI DMA: its length register, and the port that it shares with the memory (S_AXI_HP0).
_LEAST_LENGTH_BITS = 14
_MOST_LENGTH_BITS = 26
_MEMORY_BITS = 64
# AXI4-Stream data width converter.
_MOST_STREAM_BYTES = 512


@dataclass(frozen=True)
class VendorContext:
    """What the templates below ``handoff/vivado`` and the Vitis configuration see.

    ``address_bits`` is 0 for a design without registers.
    """

    name: str
    digest: str
    generator_version: str
    cycles: int
    beats: int
    axis_bits: int
    result_bits: int
    result_beats: int
    address_bits: int
    board_cells: tuple[str, ...]

    vendor: str = "bnn_hw"
    library: str = "user"
    ip_version: str = "1.0"
    zynq_part: str = ZYNQ_PART
    artix_part: str = ARTIX_PART
    registers_base: str = REGISTERS_BASE
    arty_baud: int = _ARTY_BAUD
    arty_clocks_per_bit: int = _ARTY_CLOCK_HZ // _ARTY_BAUD

    @property
    def top(self) -> str:
        """The accelerator without registers, which the board's top holds."""
        return f"{self.name}_top"

    @property
    def design_top(self) -> str:
        """The module that holds everything else."""
        return f"{self.name}_axil_top" if self.address_bits else self.top

    @property
    def board_top(self) -> str:
        """The network between registers, behind a serial line."""
        return f"{self.name}_board"

    @property
    def shell(self) -> str:
        """The Verilog module around ``design_top``."""
        return f"{self.name}_bd"

    @property
    def design_function(self) -> str:
        """The top function of the C++."""
        return f"{self.name}_top"

    @property
    def vlnv(self) -> str:
        """Vendor, library, name and version of the IP."""
        return f"{self.vendor}:{self.library}:{self.name}:{self.ip_version}"

    @property
    def streams(self) -> tuple[str, ...]:
        """The bus interfaces that run on ``aclk``."""
        return ("s_axis", "m_axis", *(("s_axil",) if self.address_bits else ()))

    @property
    def address_range(self) -> int:
        """Bytes of addresses of the registers."""
        return 1 << self.address_bits

    @property
    def axis_bytes(self) -> int:
        """Bytes of a beat of ``s_axis``."""
        return self.axis_bits // 8

    @property
    def result_bytes(self) -> int:
        """Bytes of a beat of ``m_axis``."""
        return self.result_bits // 8

    @property
    def fragment_bytes(self) -> int:
        """Bytes that the DMA sends for a fragment."""
        return self.beats * self.axis_bytes

    @property
    def dma_length_bits(self) -> int:
        """Width of the DMA's length register: its longest transfer is one byte less than 2**width."""
        longest = max(self.fragment_bytes, self.result_beats * self.result_bytes)
        return max(_LEAST_LENGTH_BITS, longest.bit_length())

    @property
    def dma_stream_bits(self) -> int:
        """Width of the DMA's stream: a power of two that divides that of ``s_axis``."""
        return gcd(self.axis_bits, _MEMORY_BITS)

    @property
    def dma_stream_bytes(self) -> int:
        """Bytes of a beat of the DMA's stream."""
        return self.dma_stream_bits // 8

    @property
    def dma_memory_bits(self) -> int:
        """Width of the DMA's reads from memory: no narrower than its stream, 32 or more."""
        return max(32, self.dma_stream_bits)

    @property
    def needs_converter(self) -> bool:
        """Whether ``s_axis`` is wider than the DMA's stream."""
        return self.dma_stream_bits != self.axis_bits

    @property
    def has_overlay(self) -> bool:
        """Whether there is a block design: the driver needs registers, the DMA has its limits."""
        return (
            self.address_bits > 0
            and self.axis_bytes <= _MOST_STREAM_BYTES
            and self.dma_length_bits <= _MOST_LENGTH_BITS
        )


def vendor_context(plan: Plan, axi_lite: bool) -> VendorContext:
    """The context of ``plan``; :class:`UserError` when registers are asked for and do not fit."""
    address_bits = axil_context(plan).map.address_bits if axi_lite else 0
    name = f"{plan.name}_board"
    cells = tuple(path.name for path in sorted((rtl_dir() / "board").glob("*.sv")))
    return VendorContext(
        name=plan.name,
        digest=plan.digest,
        generator_version=plan.generator_version,
        cycles=plan.cycles,
        beats=plan.beats,
        axis_bits=plan.axis_bits,
        result_bits=plan.result_bits,
        result_beats=plan.classes + 1,
        address_bits=address_bits,
        board_cells=(*cells, f"{name}.sv"),
    )


def render_vendor(plan: Plan, axi_lite: bool = False) -> dict[str, str]:
    """The files below ``handoff/vivado/``, and ``hls/hls_config.cfg``, as path and text.

    ``axi_lite``: the design has registers; only then there is a block design for the PYNQ-Z2.
    """
    context = vendor_context(plan, axi_lite)
    names = [*_TEMPLATES, *(["pynq_z2.tcl"] if context.has_overlay else [])]
    files = {f"{FOLDER}/{name}": render(f"{FOLDER}/{name}.j2", context) for name in names}
    files[f"{FOLDER}/{context.shell}.v"] = render(f"{FOLDER}/name_bd.v.j2", context)
    files["hls/hls_config.cfg"] = render("hls/hls_config.cfg.j2", context)
    return files
