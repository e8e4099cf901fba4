"""Hand-off to synthesis: what a stranger needs to take the build folder into a tool flow."""

from __future__ import annotations

from dataclasses import dataclass

from bnn_hw.generate.axil import AxilContext, axil_context
from bnn_hw.generate.estimate import Estimate
from bnn_hw.generate.fpga_targets import TARGETS
from bnn_hw.generate.open_flow import output_folder, shell_script, yosys_script
from bnn_hw.generate.plan import Plan, StagePlan
from bnn_hw.generate.render import render
from bnn_hw.generate.rtl_stages import Stage, build_stages
from bnn_hw.generate.vendor import VendorContext, vendor_context

_TEMPLATES = ("HANDOFF.md",)


@dataclass(frozen=True)
class HandoffContext:
    """What the templates below ``templates/handoff`` see."""

    name: str
    digest: str
    generator_version: str
    top: str
    samples: int
    samples_per_beat: int
    beats: int
    input_channels: int
    input_bits: int
    axis_bits: int
    result_bits: int
    result_beats: int
    classes: int
    class_lines: tuple[str, ...]
    cycles: int
    fraction_bits: int
    stages: tuple[Stage, ...]
    stage_cycles: tuple[int, ...]
    error_fifo_depth: int
    axil: AxilContext | None
    vendor: VendorContext
    area: Estimate | None
    fragments_per_s_at_100_mhz: int

    @property
    def sample_times(self) -> str:
        """What a beat of ``s_axis`` holds, in words."""
        several = f"{self.samples_per_beat} sample times, the oldest lowest,"
        return "one sample time" if self.samples_per_beat == 1 else several

    @property
    def stage_rows(self) -> tuple[tuple[StagePlan, int], ...]:
        """Each stage with its cycles a fragment."""
        return tuple(zip((s.plan for s in self.stages), self.stage_cycles, strict=True))

    @property
    def open_commands(self) -> tuple[str, ...]:
        """What runs each device of the open flows; a script makes its folder itself, Yosys does not."""
        return tuple(
            f"sh {shell_script(target)}"
            if target.board
            else f"mkdir -p {output_folder(target)} && yosys -m slang -s {yosys_script(target)}"
            for target in TARGETS.values()
        )


def render_handoff(
    plan: Plan, axi_lite: bool = False, area: Estimate | None = None
) -> dict[str, str]:
    """The hand-off's page as path and text.

    ``axi_lite``: the design has registers. Without ``area`` the page says nothing of LUTs.
    """
    axil = axil_context(plan) if axi_lite else None
    context = HandoffContext(
        name=plan.name,
        digest=plan.digest,
        generator_version=plan.generator_version,
        top=axil.wrapper if axil else f"{plan.name}_top",
        samples=plan.samples,
        samples_per_beat=plan.samples_per_beat,
        beats=plan.beats,
        input_channels=plan.input_channels,
        input_bits=plan.input_bits,
        axis_bits=plan.axis_bits,
        result_bits=plan.result_bits,
        result_beats=plan.classes + 1,
        classes=plan.classes,
        class_lines=tuple(f"{i}: {label}" for i, label in enumerate(plan.labels)),
        cycles=plan.cycles,
        fraction_bits=plan.head.fraction_bits,
        stages=build_stages(plan),
        stage_cycles=plan.stage_cycles,
        error_fifo_depth=plan.error_fifo_depth,
        axil=axil,
        vendor=vendor_context(plan, axi_lite),
        area=area,
        fragments_per_s_at_100_mhz=100_000_000 // plan.cycles,
    )
    return {f"handoff/{name}": render(f"handoff/{name}.j2", context) for name in _TEMPLATES}
