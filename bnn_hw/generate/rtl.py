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
from bnn_hw.generate.plan import HeadPlan, Plan, PoolPlan, StagePlan
from bnn_hw.generate.render import render

_MAX_CELL_BYTES = 1 << 20
# Second halves of module names that are taken by what stands beside the stages.
_TAKEN = ("pkg", "top", "taps", "icarus_tb", "main")


@dataclass(frozen=True)
class Row:
    """One line of a packed constant: its literal and what it is."""

    literal: str
    comment: str
    separator: str


@dataclass(frozen=True)
class Constant:
    """A packed localparam, ``bits`` wide; ``rows`` run from the high bits to the low ones."""

    name: str
    bits: int
    comment: str
    rows: tuple[Row, ...]


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
    def lanes(self) -> int:
        """Lanes of a beat behind the narrowing (PE itself in all but the last stage)."""
        return self.plan.pe // self.narrow_factor

    @property
    def beats(self) -> int:
        """Beats a position behind the narrowing."""
        return self.plan.nf * self.narrow_factor

    @property
    def pools(self) -> tuple[Pool, ...]:
        """All pools, in order."""
        return self.sum_pools + self.bit_pools


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
        return self.plan.input_channels * self.plan.input_bits


@dataclass(frozen=True)
class StageContext:
    """What the template of one stage sees."""

    name: str
    digest: str
    generator_version: str
    package: str
    stage: Stage


def render_rtl(plan: Plan) -> dict[str, str]:
    """The files below ``rtl/`` and ``sim/`` as path and text.

    Raises
    ------
    UserError
        When the installation lacks its templates or cells.
    """
    stages = _stages(plan)
    cells = {path.name: read_text(path, _MAX_CELL_BYTES, "cell") for path in sorted(rtl_dir().glob("*.sv"))}
    context = RtlContext(
        plan=plan,
        package=f"{plan.name}_pkg",
        top=f"{plan.name}_top",
        stages=stages,
        constants=tuple(_constants(plan, stages)),
        cells=tuple(cells),
        taps=tuple(_taps(plan, stages)),
        class_rows=tuple(f"{i}: {label}" for i, label in enumerate(plan.labels)),
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


def _stages(plan: Plan) -> tuple[Stage, ...]:
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
    # The last stage has nothing but arithmetic behind its sums: while it works on SF folds, the
    # lanes of a beat can take their turns in it.
    factor = 1
    if stage.is_last:
        factor = max(d for d in range(1, stage.pe + 1) if stage.pe % d == 0 and d <= stage.sf)
    lanes, beats = stage.pe // factor, stage.nf * factor
    streams = [Stream("word", stage.word_bits), Stream("window", stage.window_bits)]
    if stage.is_last:
        raw_bits = stage.lane_bits if stage.is_first else stage.sum_bits
        if factor > 1:
            streams.append(Stream("beat", stage.pe * raw_bits))
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
    sum_pools = _pools("sum_pool", stage.sum_pools, "comparisons", None, bits, 1, stage.nf, 0)
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
        out_bits=stage.out_channels,
        narrow_factor=1,
        streams=tuple(streams),
        sum_pools=sum_pools,
        bit_pools=bit_pools,
        decide_source=sum_pools[-1].target if sum_pools else "comparisons",
        collect_source=bit_pools[-1].target if bit_pools else "accepts",
    )


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
        pools.append(
            Pool(f"{name}{i + 1}", source, target, lanes, lane_bits, beats, signed, plan)
        )
        source = target
    return tuple(pools)


def _constants(plan: Plan, stages: Sequence[Stage]) -> Iterator[Constant]:
    for stage in stages:
        yield from _stage_constants(stage)
    head = plan.head
    for kind, width, values in (
        ("Positive", head.positive_bits, head.positive),
        ("Negative", head.negative_bits, head.negative),
        ("Offset", head.offset_bits, head.offset),
    ):
        yield _constant(
            f"Head{kind}",
            width,
            values,
            [f"class {c}: {value}" for c, value in enumerate(values)],
            f"{kind} coefficient of each class, {width} bits two's complement.",
        )


def _stage_constants(stage: Stage) -> Iterator[Constant]:
    plan = stage.plan
    yield _constant(
        f"{stage.camel}PadWord",
        plan.word_bits,
        (plan.pad_word,),
        [f"{plan.in_channels} channels of {plan.element_bits} bits"],
        f"{stage.summary}. What stands left and right of a fragment.",
    )
    yield _constant(
        f"{stage.camel}Weights",
        plan.weight_bits,
        plan.weight_words,
        [_step_comment(plan, step) for step in range(plan.nf * plan.sf)],
        f"Weights, one fold step a word: bit lane * {plan.simd} + element of {plan.pe} lanes.",
    )
    if plan.is_last:
        return
    yield _constant(
        f"{stage.camel}Thresholds",
        plan.sum_bits,
        plan.thresholds,
        [
            f"{'high, ' if i >= plan.out_channels else 'low, ' if plan.sides == 2 else ''}"
            f"channel {i % plan.out_channels}: {value}"
            for i, value in enumerate(plan.thresholds)
        ],
        f"Thresholds on {'sums' if plan.is_first else 'popcounts'}, {plan.sum_bits} bits each.",
    )
    yield _constant(
        f"{stage.camel}Invert",
        plan.out_channels,
        (sum(bit << c for c, bit in enumerate(plan.invert)),),
        [f"bit c is channel c; {sum(plan.invert)} of {plan.out_channels} inverted"],
        "Polarity of each accept set.",
    )


def _step_comment(plan: StagePlan, step: int) -> str:
    beat, fold = divmod(step, plan.sf)
    return (
        f"step {step}: channels {beat * plan.pe} to {(beat + 1) * plan.pe - 1}, "
        f"elements {fold * plan.simd} to {(fold + 1) * plan.simd - 1}"
    )


def _constant(
    name: str, width: int, values: Sequence[int], comments: Sequence[str], comment: str
) -> Constant:
    """A constant of one value a row, the last value (the high bits) first."""
    rows = [
        Row(f"{width}'h{value & ((1 << width) - 1):0{(width + 3) // 4}x}", text, ",")
        for value, text in zip(values, comments, strict=True)
    ]
    rows[0] = Row(rows[0].literal, rows[0].comment, "")
    return Constant(name, width * len(values), comment, tuple(reversed(rows)))


def _taps(plan: Plan, stages: Sequence[Stage]) -> Iterator[Tap]:
    """The taps of :mod:`bnn_hw.simulate.taps`, in its order, without the result."""
    for stage in stages:
        layer, lanes = stage.plan, stage.out_bits
        if stage.plan.is_last:
            kinds = [("sums", "sums" if stage.sum_pools else "out", lanes, stage.narrow_factor)]
            if stage.sum_pools:
                kinds.append(("pooled", "out", lanes, stage.narrow_factor))
        else:
            kinds = [
                ("comparisons", "comparisons", layer.sides * layer.pe, 1),
                ("bits", "out", lanes, 1),
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
