"""Hand-off to synthesis: what a stranger needs to take the build folder into a tool flow."""

from __future__ import annotations

from dataclasses import dataclass

from bnn_hw.generate.axil import AxilContext, axil_context
from bnn_hw.generate.plan import Plan, StagePlan
from bnn_hw.generate.render import render

_TEMPLATES = ("HANDOFF.md", "vivado_synth.tcl")


@dataclass(frozen=True)
class HandoffContext:
    """What the templates below ``templates/handoff`` see."""

    name: str
    digest: str
    generator_version: str
    top: str
    samples: int
    input_channels: int
    input_bits: int
    axis_bits: int
    result_bits: int
    result_beats: int
    classes: int
    class_lines: tuple[str, ...]
    cycles: int
    fraction_bits: int
    stages: tuple[StagePlan, ...]
    stage_cycles: tuple[int, ...]
    axil: AxilContext | None
    fragments_per_s_at_100_mhz: int

    @property
    def stage_rows(self) -> tuple[tuple[StagePlan, int], ...]:
        """Each stage with its cycles a fragment."""
        return tuple(zip(self.stages, self.stage_cycles, strict=True))


def render_handoff(plan: Plan, axi_lite: bool = False) -> dict[str, str]:
    """The files below ``handoff/`` as path and text; ``axi_lite``: the design has registers."""
    axil = axil_context(plan) if axi_lite else None
    context = HandoffContext(
        name=plan.name,
        digest=plan.digest,
        generator_version=plan.generator_version,
        top=axil.wrapper if axil else f"{plan.name}_top",
        samples=plan.samples,
        input_channels=plan.input_channels,
        input_bits=plan.input_bits,
        axis_bits=plan.axis_bits,
        result_bits=plan.result_bits,
        result_beats=plan.classes + 1,
        classes=plan.classes,
        class_lines=tuple(f"{i}: {label}" for i, label in enumerate(plan.labels)),
        cycles=plan.cycles,
        fraction_bits=plan.head.fraction_bits,
        stages=plan.stages,
        stage_cycles=plan.stage_cycles,
        axil=axil,
        fragments_per_s_at_100_mhz=100_000_000 // plan.cycles,
    )
    return {f"handoff/{name}": render(f"handoff/{name}.j2", context) for name in _TEMPLATES}
