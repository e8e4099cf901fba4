"""The SystemVerilog of a plan: which template renders which file, and the cells that go beside them.

Reads a :class:`bnn_hw.generate.plan.Plan`; gives the texts of ``rtl/`` (cells, constants, one module
a stage, the top) and ``sim/`` (the wrapper with taps, a plain testbench, a C++ main for Verilator).
The HLS generator is its sibling; the two share the plan and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bnn_hw.assets import rtl_dir
from bnn_hw.files import read_text
from bnn_hw.generate.axil import CELL_PREFIX, axil_modules
from bnn_hw.generate.plan import HeadPlan, Plan
from bnn_hw.generate.render import render
from bnn_hw.generate.rtl_constants import Constant, build_constants
from bnn_hw.generate.rtl_stages import Stage, build_stages

_MAX_CELL_BYTES = 1 << 20


@dataclass(frozen=True)
class Tap:
    """A tap of the simulation wrapper.

    ``stream`` is the hierarchical name below the top without ``_valid``; ``factor`` beats of
    ``beat_bits`` bits make one beat of the tap.
    """

    name: str
    port: str
    valid: str
    ready: str
    data: str
    beat_bits: int
    factor: int

    @property
    def bits(self) -> int:
        """Bits of a beat of the tap."""
        return self.beat_bits * self.factor

    @property
    def bytes(self) -> int:
        """Bytes of a beat in a tap file."""
        return (self.bits + 7) // 8


@dataclass(frozen=True)
class RtlContext:
    """What every template below ``templates/rtl`` and ``templates/sim`` sees."""

    plan: Plan
    package: str
    top: str
    stages: tuple[Stage, ...]
    constants: tuple[Constant, ...]
    cells: tuple[str, ...]
    taps: tuple[Tap, ...]
    class_rows: tuple[str, ...]
    axil_modules: tuple[str, ...]

    @property
    def name(self) -> str:
        """The network's name, a plain identifier."""
        return self.plan.name

    @property
    def digest(self) -> str:
        """The network's digest."""
        return self.plan.digest

    @property
    def generator_version(self) -> str:
        """Version of bnn_hw."""
        return self.plan.generator_version

    @property
    def head(self) -> HeadPlan:
        """The head's widths."""
        return self.plan.head

    @property
    def last(self) -> Stage:
        """The stage that feeds the head."""
        return self.stages[-1]

    @property
    def sample_bits(self) -> int:
        """Bits of one word behind the framer."""
        return self.plan.beat_samples * self.plan.input_bits


@dataclass(frozen=True)
class StageContext:
    """What the template of one stage sees."""

    name: str
    digest: str
    generator_version: str
    package: str
    stage: Stage


def render_rtl(plan: Plan, axi_lite: bool = False) -> dict[str, str]:
    """The files below ``rtl/`` and ``sim/`` as path and text.

    With ``axi_lite`` the cells of the AXI4-Lite block are there and its modules are listed; their
    texts come from :mod:`bnn_hw.generate.axil`.

    Raises
    ------
    UserError
        When the installation lacks its templates or cells.
    """
    stages = build_stages(plan)
    cells = {
        path.name: read_text(path, _MAX_CELL_BYTES, "cell")
        for path in sorted(rtl_dir().glob("*.sv"))
        if axi_lite or not path.name.startswith(CELL_PREFIX)
    }
    context = RtlContext(
        plan=plan,
        package=f"{plan.name}_pkg",
        top=f"{plan.name}_top",
        stages=stages,
        constants=build_constants(plan, stages),
        cells=tuple(cells),
        taps=tuple(_taps(plan, stages)),
        class_rows=tuple(f"{i}: {label}" for i, label in enumerate(plan.labels)),
        axil_modules=axil_modules(plan) if axi_lite else (),
    )
    files = {f"rtl/{name}": text for name, text in cells.items()}
    files[f"rtl/{context.package}.sv"] = render("rtl/name_pkg.sv.j2", context)
    for stage in stages:
        files[f"rtl/{stage.module}.sv"] = render(
            "rtl/name_layer.sv.j2",
            StageContext(plan.name, plan.digest, plan.generator_version, context.package, stage),
        )
    files[f"rtl/{context.top}.sv"] = render("rtl/name_top.sv.j2", context)
    files["rtl/files.f"] = render("rtl/files.f.j2", context)
    for suffix in ("taps.sv", "icarus_tb.sv", "main.cpp"):
        files[f"sim/{plan.name}_{suffix}"] = render(f"sim/name_{suffix}.j2", context)
    return files


def _taps(plan: Plan, stages: Sequence[Stage]) -> Iterator[Tap]:
    """The taps of :mod:`bnn_hw.simulate.taps`, in its order, without the result."""
    for stage in stages:
        layer, lanes = stage.plan, stage.out_bits
        if stage.plan.is_last:
            kinds = [("sums", "sums", lanes, stage.narrow_factor)]
            if stage.sum_pools:
                kinds.append(("pooled", "out", lanes, stage.narrow_factor))
        else:
            kinds = [
                ("comparisons", stage.compared, layer.sides * layer.pe, 1),
                ("bits", "out", lanes, layer.out_parts),
            ]
        for kind, stream, bits, factor in kinds:
            path = f"u_top.u_{stage.name}.{stream}"
            ends = ("_valid_o", "_ready_i", "_data_o") if stream == "out" else _LOCAL_ENDS
            yield Tap(
                name=f"{stage.name}.{kind}",
                port=f"tap_{stage.name}_{kind}",
                valid=path + ends[0],
                ready=path + ends[1],
                data=path + ends[2],
                beat_bits=bits,
                factor=factor,
            )


_LOCAL_ENDS = ("_valid", "_ready", "_data")
