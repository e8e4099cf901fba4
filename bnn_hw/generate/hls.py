"""The HLS C++ of a plan: which template renders which file, and which headers go beside them.

Reads a :class:`bnn_hw.generate.plan.Plan`; gives the texts of ``hls/``: the hand-written headers,
the network's shapes, constants and dataflow region, its C-simulation driver, and a Tcl script and
`hls_config.cfg` for Vitis HLS. The RTL's generator is its sibling; the two share the plan and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnn_hw.assets import hls_dir
from bnn_hw.files import read_text
from bnn_hw.generate.plan import HeadPlan, Plan, PoolPlan, StagePlan
from bnn_hw.generate.render import render

_CHUNK_BITS = 64
# What the Xilinx headers hold without being told, and what Vitis HLS holds at most.
_AP_INT_BITS = 1024
_VITIS_MAX_BITS = 4096
_MAX_HEADER_BYTES = 1 << 20
_STREAM_DEPTH = 2


@dataclass(frozen=True)
class HlsStream:
    """A local stream of the dataflow region: identifier, bits of an element, FIFO depth."""

    name: str
    bits: int
    depth: int


@dataclass(frozen=True)
class HlsPool:
    """A pool of a layer: its shape's name, the streams it stands between, lanes of a beat, its tap."""

    name: str
    source: str
    target: str
    lanes: int
    lane_bits: int
    tap: str
    plan: PoolPlan


@dataclass(frozen=True)
class HlsStage:
    """A stage as the templates see it: the plan, stream names and constants as text."""

    plan: StagePlan
    summary: str
    source: str
    streams: tuple[HlsStream, ...]
    sum_pools: tuple[HlsPool, ...]
    bit_pools: tuple[HlsPool, ...]
    decide_positions: int
    compared: str
    collected: str
    weight_rows: tuple[str, ...]
    padding_row: str
    threshold_sides: tuple[tuple[str, ...], ...]
    threshold_summary: str
    invert_rows: tuple[str, ...]

    @property
    def name(self) -> str:
        """The layer's name, a plain identifier."""
        return self.plan.name

    @property
    def pools(self) -> tuple[HlsPool, ...]:
        """All pools, in order."""
        return self.sum_pools + self.bit_pools

    @property
    def rom_suffix(self) -> str:
        """Which process of ``hls/bnn_mvu.hpp``: weights in block RAM, in LUTs, or constants."""
        if self.plan.block_bits:
            return "_block"
        return "_lut" if self.plan.nf * self.plan.sf > 1 else ""

    @property
    def weight_width(self) -> int:
        """Bits of a chunk of a weight lane."""
        return min(self.plan.simd, _CHUNK_BITS)

    @property
    def weight_columns(self) -> int:
        """Chunks of a ROM word: those of all its lanes."""
        return self.plan.pe * len(_chunk_widths(self.plan.simd))

    @property
    def padding_width(self) -> int:
        """Bits of a chunk of the padding word."""
        return min(self.plan.word_bits, _CHUNK_BITS)

    @property
    def padding_columns(self) -> int:
        """Chunks of the padding word."""
        return len(_chunk_widths(self.plan.word_bits))

    @property
    def sum_type(self) -> str:
        """Type of a sum and of a threshold: popcounts are unsigned, integer sums signed."""
        return f"{'ap_int' if self.plan.is_first else 'ap_uint'}<{self.plan.sum_bits}>"


@dataclass(frozen=True)
class HlsContext:
    """What every template below ``templates/hls`` sees."""

    name: str
    guard: str
    digest: str
    generator_version: str
    max_width_bits: int
    samples: int
    samples_per_beat: int
    beats: int
    input_channels: int
    input_bits: int
    axis_bits: int
    result_bits: int
    classes: int
    label_lines: tuple[str, ...]
    error_fifo_depth: int
    stages: tuple[HlsStage, ...]
    head: HeadPlan
    head_source: str
    positive_row: str
    negative_row: str
    offset_row: str

    @property
    def top_indent(self) -> str:
        """Blanks that set the top function's second parameter below its first."""
        return " " * len(f"void {self.name}_top(")

    @property
    def beyond_vitis(self) -> bool:
        """Whether a word is wider than Vitis HLS synthesises; C simulation takes any width."""
        return self.max_width_bits > _VITIS_MAX_BITS

    @property
    def last(self) -> StagePlan:
        """The stage that feeds the head."""
        return self.stages[-1].plan


def render_hls(plan: Plan) -> dict[str, str]:
    """The files below ``hls/`` of a build folder.

    Returns
    -------
    Text by path, ``hls/...``: the headers as they are, then what is rendered for this network.
    """
    context = hls_context(plan)
    files = {
        f"hls/{path.name}": read_text(path, _MAX_HEADER_BYTES, "HLS header")
        for path in sorted(hls_dir().glob("bnn_*.hpp"))
    }
    for template in ("name.hpp", "name_weights.hpp", "name.cpp", "name_csim.cpp"):
        target = plan.name + template.removeprefix("name")
        files[f"hls/{target}"] = render(f"hls/{template}.j2", context)
    files["hls/run_hls.tcl"] = render("hls/run_hls.tcl.j2", context)
    return files


def hls_context(plan: Plan) -> HlsContext:
    """The templates' context: everything that takes arithmetic or number formatting."""
    stages: list[HlsStage] = []
    source = "samples"
    for stage, following in zip(plan.stages, (*plan.stages[1:], None), strict=True):
        stages.append(_stage(stage, source, following))
        source = f"{stage.name}_bits"
    widest = max(plan.axis_bits, *(_widest(stage) for stage in plan.stages))
    return HlsContext(
        name=plan.name,
        guard=plan.name.upper(),
        digest=plan.digest,
        generator_version=plan.generator_version,
        max_width_bits=-(-widest // _AP_INT_BITS) * _AP_INT_BITS,
        samples=plan.samples,
        samples_per_beat=plan.samples_per_beat,
        beats=plan.beats,
        input_channels=plan.input_channels,
        input_bits=plan.input_bits,
        axis_bits=plan.axis_bits,
        result_bits=plan.result_bits,
        classes=plan.classes,
        label_lines=tuple(f"{i}: {label}" for i, label in enumerate(plan.labels)),
        error_fifo_depth=plan.error_fifo_depth,
        stages=tuple(stages),
        head=plan.head,
        head_source=stages[-1].compared,
        positive_row=_numbers(plan.head.positive),
        negative_row=_numbers(plan.head.negative),
        offset_row=_numbers(plan.head.offset),
    )


def _stage(stage: StagePlan, source: str, following: StagePlan | None) -> HlsStage:
    name, folded_bits = stage.name, _folded_bits(stage)
    first = f"{name}_sums" if stage.is_last else f"{name}_comparisons"
    streams = [
        HlsStream(f"{name}_windows", stage.window_bits, _STREAM_DEPTH),
        HlsStream(first, folded_bits, _STREAM_DEPTH),
    ]
    lanes, lane_bits = (stage.pe, stage.lane_bits) if stage.is_last else (folded_bits, 1)
    sum_pools = _chain(stage.sum_pools, "sum_pool", f"{name}_merged", first, lanes, lane_bits)
    if stage.is_last and sum_pools:
        sum_pools = (*sum_pools[:-1], _with_tap(sum_pools[-1], "pooled"))
    bit_pools = _chain(
        stage.bit_pools, "bit_pool", f"{name}_pooled", f"{name}_accepted", stage.pe, 1
    )
    streams += [HlsStream(pool.target, folded_bits, _STREAM_DEPTH) for pool in sum_pools]
    if following is not None:
        streams.append(HlsStream(f"{name}_accepted", stage.pe, _STREAM_DEPTH))
        streams += [HlsStream(pool.target, stage.pe, _STREAM_DEPTH) for pool in bit_pools]
        streams.append(HlsStream(f"{name}_bits", stage.out_channels, following.fifo_depth))
    return HlsStage(
        plan=stage,
        summary=_summary(stage),
        source=source,
        streams=tuple(streams),
        sum_pools=sum_pools,
        bit_pools=bit_pools,
        decide_positions=sum_pools[-1].plan.out_positions if sum_pools else stage.positions,
        compared=sum_pools[-1].target if sum_pools else first,
        collected=bit_pools[-1].target if bit_pools else f"{name}_accepted",
        weight_rows=tuple(_weight_row(word, stage) for word in stage.weight_words),
        padding_row=_hex_row(stage.pad_word, stage.word_bits),
        threshold_sides=_threshold_sides(stage),
        threshold_summary=_threshold_summary(stage),
        invert_rows=_rows(stage.invert, stage.pe),
    )


def _chain(
    plans: tuple[PoolPlan, ...], kind: str, stem: str, source: str, lanes: int, lane_bits: int
) -> tuple[HlsPool, ...]:
    """Pools one behind the other; each reads what the one before it gives."""
    pools = []
    for number, plan in enumerate(plans, start=1):
        target = f"{stem}{number}"
        pools.append(HlsPool(f"{kind}{number}", source, target, lanes, lane_bits, "none", plan))
        source = target
    return tuple(pools)


def _with_tap(pool: HlsPool, tap: str) -> HlsPool:
    return HlsPool(pool.name, pool.source, pool.target, pool.lanes, pool.lane_bits, tap, pool.plan)


def _folded_bits(stage: StagePlan) -> int:
    """Bits of a beat between the matrix-vector unit and what follows it."""
    return stage.pe * (stage.lane_bits if stage.is_last else stage.sides)


def _widest(stage: StagePlan) -> int:
    # The window's register holds whole beats: one more than the window at most.
    window_bits = stage.window_bits + (2 * (stage.beat - 1)) * stage.word_bits
    return max(window_bits, _folded_bits(stage), stage.out_channels)


def _summary(stage: StagePlan) -> str:
    elements = f"{stage.element_bits}-bit integers" if stage.is_first else "bits"
    return (
        f"{stage.name}: {stage.in_channels} to {stage.out_channels} channels of {elements}, kernel "
        f"{stage.kernel}; PE {stage.pe}, SIMD {stage.simd}, NF {stage.nf}, SF {stage.sf}"
    )


def _threshold_summary(stage: StagePlan) -> str:
    domain = "the sum" if stage.is_first else "the popcount"
    bounds = "lower bounds, then upper bounds" if stage.sides > 1 else "lower bounds"
    return f"Thresholds on {domain}: {bounds}."


def _chunk_widths(bits: int) -> tuple[int, ...]:
    """Widths of the chunks of a word, the lowest first."""
    return tuple(min(_CHUNK_BITS, bits - low) for low in range(0, bits, _CHUNK_BITS))


def _hex_row(word: int, bits: int) -> str:
    """A word as its chunks in hex, the lowest chunk first."""
    chunks = []
    for index, width in enumerate(_chunk_widths(bits)):
        chunk = word >> (_CHUNK_BITS * index) & ((1 << width) - 1)
        chunks.append(f"0x{chunk:0{-(-width // 4)}x}")
    return ", ".join(chunks)


def _weight_row(word: int, stage: StagePlan) -> str:
    lane_mask = (1 << stage.simd) - 1
    lanes = (word >> (stage.simd * p) & lane_mask for p in range(stage.pe))
    return ", ".join(_hex_row(lane, stage.simd) for lane in lanes)


def _threshold_sides(stage: StagePlan) -> tuple[tuple[str, ...], ...]:
    channels = stage.out_channels
    return tuple(
        _rows(stage.thresholds[low : low + channels], stage.pe)
        for low in range(0, len(stage.thresholds), channels)
    )


def _rows(values: tuple[int, ...], columns: int) -> tuple[str, ...]:
    return tuple(_numbers(values[low : low + columns]) for low in range(0, len(values), columns))


def _numbers(values: tuple[int, ...]) -> str:
    return ", ".join(str(value) for value in values)
