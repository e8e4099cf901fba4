"""The stages of a plan as the SystemVerilog templates see them: cells in a chain, and their streams.

Reads a :class:`bnn_hw.generate.plan.Plan`; gives one :class:`Stage` a layer, for
:mod:`bnn_hw.generate.rtl`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnn_hw.generate.pipeline import narrow_factor
from bnn_hw.generate.plan import Plan, PoolPlan, StagePlan

# Second halves of module names that are taken by what stands beside the stages.
_TAKEN = ("pkg", "top", "taps", "icarus_tb", "main", "registers", "axil_top")


# Beats a position from which a delay line is cheaper in a memory, where windows are in one as well.
LONG_LINE_BEATS = 4


@dataclass(frozen=True)
class Stream:
    """A local stream of a stage: ``<name>_valid``, ``<name>_ready``, ``<name>_data``."""

    name: str
    bits: int


@dataclass(frozen=True)
class Pool:
    """A pool cell of a stage and the streams it stands between."""

    name: str
    source: str
    target: str
    lanes: int
    lane_bits: int
    beats: int
    signed: int
    plan: PoolPlan


@dataclass(frozen=True)
class Stage:
    """A stage as the templates see it: the plan, names, and what the chain of cells looks like."""

    plan: StagePlan
    module: str
    camel: str
    summary: str
    source: str
    target: str
    out_bits: int
    narrow_factor: int
    streams: tuple[Stream, ...]
    sum_pools: tuple[Pool, ...]
    bit_pools: tuple[Pool, ...]
    decide_source: str
    collect_source: str

    @property
    def name(self) -> str:
        """The layer's name, a plain identifier."""
        return self.plan.name

    @property
    def mvu_source(self) -> str:
        """What goes into the matrix-vector unit: windows, or their slices step by step."""
        return "slice" if self.plan.ring_depth else "window"

    @property
    def uncut(self) -> str:
        """The stream into the FIFO behind the pipeline; last stage without it: that of its lanes."""
        if not self.plan.is_last:
            return "comparisons"
        name = "sums" if self.plan.is_first else "popcounts"
        return f"uncut_{name}" if self.plan.has_cut else name

    @property
    def compared(self) -> str:
        """All stages but the last: the stream of comparisons that the pools or decisions take."""
        return _compared(self.plan)

    @property
    def lanes(self) -> int:
        """Lanes of a beat behind the narrowing (PE itself in all but the last stage)."""
        return self.plan.pe // self.narrow_factor

    @property
    def beats(self) -> int:
        """Beats a position behind the narrowing."""
        return self.plan.nf * self.narrow_factor

    @property
    def cut_bits(self) -> int:
        """Bits of a word of the FIFO behind the pipeline."""
        return next(stream.bits for stream in self.streams if stream.name == self.uncut)

    @property
    def lines_in_memory(self) -> int:
        """1 where delay lines of a position (pools, head) lie in a memory, else 0: long ones of slow folds."""
        return int(self.plan.ring_depth > 0 and self.beats >= LONG_LINE_BEATS)

    @property
    def collect_beats(self) -> int:
        """Beats that make a word of the output: a position, or a slice of the next stage's ring."""
        return self.out_bits // self.plan.pe

    @property
    def pools(self) -> tuple[Pool, ...]:
        """All pools, in order."""
        return self.sum_pools + self.bit_pools


def build_stages(plan: Plan) -> tuple[Stage, ...]:
    """Every layer of the plan, in order, each named so that no two names clash."""
    modules = _module_names(plan)
    camels = ["".join(p[:1].upper() + p[1:] for p in s.name.split("_")) for s in plan.stages]
    if len(set(camels)) != len(camels):
        camels = [f"Stage{s.index + 1}" for s in plan.stages]
    stages: list[Stage] = []
    source = "samples"
    for stage, module, camel in zip(plan.stages, modules, camels, strict=True):
        built = _stage(stage, module, camel, source)
        stages.append(built)
        source = built.target
    return tuple(stages)


def _module_names(plan: Plan) -> list[str]:
    """``<network>_<layer>``, but for a layer that is called like a file that stands beside it."""
    names = {stage.name for stage in plan.stages}
    modules = []
    for stage in plan.stages:
        layer = stage.name
        while layer in _TAKEN or (layer != stage.name and layer in names):
            layer += "_stage"
        modules.append(f"{plan.name}_{layer}")
    return modules


def _stage(stage: StagePlan, module: str, camel: str, source: str) -> Stage:
    fan_in = f"{stage.kernel} x {stage.in_channels}"
    summary = (
        f"{stage.name}: {stage.in_length} positions in, window {fan_in}, {stage.positions} windows, "
        f"{stage.out_channels} channels, {stage.out_positions} positions out"
    )
    factor = narrow_factor(stage.pe, stage.sf) if stage.is_last else 1
    lanes, beats = stage.pe // factor, stage.nf * factor
    if stage.ring_depth:
        streams = [Stream("slice", stage.slice_bits)]
    else:
        streams = [Stream("word", stage.in_bits), Stream("window", stage.window_bits)]
    if stage.is_last:
        raw_bits = stage.lane_bits if stage.is_first else stage.sum_bits
        if factor > 1:
            streams.append(Stream("beat", stage.pe * raw_bits))
        if stage.has_cut:
            uncut = "uncut_sums" if stage.is_first else "uncut_popcounts"
            streams.append(Stream(uncut, lanes * raw_bits))
        if not stage.is_first:
            streams.append(Stream("popcounts", lanes * raw_bits))
        width, signed = stage.lane_bits, 1
        streams.append(Stream("sums", lanes * width))
        sum_pools = _pools("sum_pool", stage.sum_pools, "sums", "out", lanes, width, beats, signed)
        streams += [Stream(pool.target, lanes * width) for pool in sum_pools[:-1]]
        return Stage(
            plan=stage,
            module=module,
            camel=camel,
            summary=summary,
            source=source,
            target=f"{stage.name}_sums",
            out_bits=lanes * width,
            narrow_factor=factor,
            streams=tuple(streams),
            sum_pools=sum_pools,
            bit_pools=(),
            decide_source="",
            collect_source="",
        )
    bits = stage.sides * stage.pe
    streams += [Stream("sums", stage.pe * stage.sum_bits), Stream("comparisons", bits)]
    compared = _compared(stage)
    if stage.has_cut:
        streams.append(Stream(compared, bits))
    sum_pools = _pools("sum_pool", stage.sum_pools, compared, None, bits, 1, stage.nf, 0)
    bit_pools = _pools("bit_pool", stage.bit_pools, "accepts", None, stage.pe, 1, stage.nf, 0)
    streams += [Stream(pool.target, bits) for pool in sum_pools]
    streams.append(Stream("accepts", stage.pe))
    streams += [Stream(pool.target, stage.pe) for pool in bit_pools]
    return Stage(
        plan=stage,
        module=module,
        camel=camel,
        summary=summary,
        source=source,
        target=f"{stage.name}_words",
        out_bits=stage.out_channels // stage.out_parts,
        narrow_factor=1,
        streams=tuple(streams),
        sum_pools=sum_pools,
        bit_pools=bit_pools,
        decide_source=sum_pools[-1].target if sum_pools else compared,
        collect_source=bit_pools[-1].target if bit_pools else "accepts",
    )


def _compared(stage: StagePlan) -> str:
    return "compared" if stage.has_cut else "comparisons"


def _pools(
    name: str,
    plans: Sequence[PoolPlan],
    source: str,
    last_target: str | None,
    lanes: int,
    lane_bits: int,
    beats: int,
    signed: int,
) -> tuple[Pool, ...]:
    """A chain of pools from ``source``; ``last_target`` names the last one's output stream."""
    pools: list[Pool] = []
    for i, plan in enumerate(plans):
        target = f"{name}{i + 1}"
        if last_target is not None and i == len(plans) - 1:
            target = last_target
        pools.append(Pool(f"{name}{i + 1}", source, target, lanes, lane_bits, beats, signed, plan))
        source = target
    return tuple(pools)
