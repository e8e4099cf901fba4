"""Every constant of the RTL as slang elaborates it, against the network.

Fragments exercise a constant only where a sum comes near it; this check reads each one back from the
elaborated design, so that a flipped weight or threshold which no fragment reaches is still caught.
Reads the ``rtl`` folder of a build, the network and its plan; gives one :class:`ConstantComparison` a
group of constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnn_hw.generate.plan import Plan, PoolPlan, StagePlan
from bnn_hw.ir import Block, Network
from bnn_hw.ir.bits import Bits, int_to_row
from bnn_hw.simulate.elaboration import Cell, elaborate
from bnn_hw.simulate.lint import build_files


@dataclass(frozen=True)
class ConstantComparison:
    """Constants of one kind of one layer: how many were compared, differ, and the first of these."""

    name: str
    compared: int
    mismatches: int
    first: str | None

    @property
    def passed(self) -> bool:
        """Whether something was compared and all of it was equal."""
        return self.compared > 0 and self.mismatches == 0


# Module and parameters of a cell that must stand in a stage.
_Wanted = tuple[str, Mapping[str, int]]


def compare_constants(network: Network, plan: Plan, build: Path) -> list[ConstantComparison]:
    """Compare every constant of the RTL in ``build`` with the network's.

    Raises
    ------
    ToolMissing
        When pyslang is not installed.
    ToolFailed
        When the design does not elaborate.
    UserError
        When the build folder has no list of files.
    """
    top = elaborate(build_files(build), f"{plan.name}_top")
    stages = [cell for cell in top.cells if not cell.module.startswith("bnn_")]
    found = list(_compare_cells("top", _wanted_top(plan), _without(top.cells, stages)))
    if len(stages) != len(plan.stages):
        text = f"{top.module} has {len(stages)} layers, the network has {len(plan.stages)}"
        return [*found, ConstantComparison("layers", 0, 1, text)]
    for cell, stage, block in zip(stages, plan.stages, network.blocks, strict=True):
        found += _compare_stage(cell, stage, block)
    head = next((cell for cell in top.cells if cell.module == "bnn_head"), None)
    if head is not None:
        found += _compare_head(head, plan)
    return found


def _without(cells: Sequence[Cell], others: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if all(cell is not other for other in others)]


def _wanted_top(plan: Plan) -> Iterator[_Wanted]:
    last, head = plan.stages[-1], plan.head
    yield (
        "bnn_framer",
        {
            "Samples": plan.beats,
            "Channels": plan.beat_samples,
            "InputBits": plan.input_bits,
        },
    )
    yield (
        "bnn_head",
        {
            "LaneBits": last.lane_bits,
            "Positions": head.positions,
            "PeakWeight": head.peak_weight,
            "Classes": plan.classes,
            "AccBits": head.acc_bits,
            "PositiveBits": head.positive_bits,
            "NegativeBits": head.negative_bits,
            "OffsetBits": head.offset_bits,
            "ScoreBits": head.score_bits,
            "ResultBits": plan.result_bits,
            "StepPairs": head.step_pairs,
        },
    )


def _wanted_stage(stage: StagePlan, narrow_factor: int) -> Iterator[_Wanted]:
    """The cells of a stage in order; the last stage may hand its lanes on in turns."""
    shape = {
        "Kernel": stage.kernel,
        "Stride": stage.stride,
        "PadLeft": stage.pad_left,
        "PadRight": stage.pad_right,
        "InLength": stage.in_length,
        "Positions": stage.positions,
    }
    if stage.ring_depth:
        slices = {"SliceBits": stage.slice_bits, "Parts": stage.parts, "Turns": stage.nf}
        yield "bnn_window_ram", {**slices, "InParts": stage.parts // stage.in_parts, **shape}
    else:
        beat = {"Beat": stage.beat} if stage.beat > 1 else {}
        yield _window(stage), {**beat, "WordBits": stage.word_bits, **shape}
    folds = {"Pe": stage.pe, "Simd": stage.simd, "Nf": stage.nf, "Sf": stage.sf}
    widths = {"SumBits": stage.sum_bits, "BlockBits": stage.block_bits}
    if stage.digits > 1:
        whole = {"Pe": stage.pe, "Simd": stage.simd, "Digits": stage.digits}
        element = {"ElementBits": stage.element_bits}
        yield "bnn_mvu_digits", {**whole, **element, "SumBits": stage.sum_bits}
    elif stage.is_first:
        yield "bnn_mvu_int", {**folds, "ElementBits": stage.element_bits, **widths}
    else:
        yield "bnn_mvu_bits", {**folds, **widths}
    lanes, beats = stage.pe // narrow_factor, stage.nf * narrow_factor
    if stage.is_last:
        if narrow_factor > 1:
            yield "bnn_narrow", {"Width": stage.pe * stage.sum_bits, "Factor": narrow_factor}
        if not stage.is_first:
            widths = {"SumBits": stage.sum_bits, "LaneBits": stage.lane_bits}
            yield "bnn_centre", {"Lanes": lanes, **widths, "FanIn": stage.window_elements}
        signed = {"LaneBits": stage.lane_bits, "Signed": 1}
        for pool in stage.sum_pools:
            yield "bnn_pool", {"Lanes": lanes, **signed, "Nf": beats, **_pool(pool)}
        return
    sides = {"Pe": stage.pe, "Nf": stage.nf, "Sides": stage.sides}
    yield "bnn_threshold", {**sides, "SumBits": stage.sum_bits, "Signed": int(stage.is_first)}
    for pool in stage.sum_pools:
        widths = {"Lanes": stage.sides * stage.pe, "LaneBits": 1}
        yield "bnn_pool", {**widths, "Nf": stage.nf, **_pool(pool)}
    yield "bnn_decide", sides
    for pool in stage.bit_pools:
        yield "bnn_pool", {"Lanes": stage.pe, "LaneBits": 1, "Nf": stage.nf, **_pool(pool)}
    yield "bnn_collect", {"Pe": stage.pe, "Nf": stage.nf // stage.out_parts}


def _window(stage: StagePlan) -> str:
    return "bnn_window_wide" if stage.beat > 1 else "bnn_window"


def _pool(pool: PoolPlan) -> dict[str, int]:
    return {
        "Size": pool.size,
        "Stride": pool.stride,
        "InPositions": pool.in_positions,
        "OutPositions": pool.out_positions,
    }


def _compare_cells(
    where: str, wanted: Iterator[_Wanted] | Sequence[_Wanted], cells: Sequence[Cell]
) -> Iterator[ConstantComparison]:
    """The modules in their order, then each plain number.

    FIFOs are left out: they hold no constant of the network, and where they stand is a matter of time.
    """
    wanted = list(wanted)
    cells = [cell for cell in cells if cell.module != "bnn_fifo"]
    modules, want_modules = [cell.module for cell in cells], [module for module, _ in wanted]
    if modules != want_modules:
        text = f"{where}: cells are {' '.join(modules)}, not {' '.join(want_modules)}"
        yield ConstantComparison(f"{where}.shape", 0, 1, text)
        return
    pairs = [
        (f"{cell.instance}.{name}", value, cell.parameters.get(name))
        for cell, (_, numbers) in zip(cells, wanted, strict=True)
        for name, value in numbers.items()
    ]
    yield _compare_values(f"{where}.shape", pairs)


def _compare_values(name: str, pairs: Sequence[tuple[str, int, int | None]]) -> ConstantComparison:
    """Pairs of what a number is called, its value in the network and its value in the RTL."""
    wrong = [(what, want, got) for what, want, got in pairs if want != got]
    first = None
    if wrong:
        what, want, got = wrong[0]
        seen = "no known value" if got is None else str(got)
        first = f"{name}, {what}: network {want}, RTL {seen}"
    return ConstantComparison(name, len(pairs), len(wrong), first)


def _compare_stage(cell: Cell, stage: StagePlan, block: Block) -> Iterator[ConstantComparison]:
    by_module = {below.module: below for below in cell.cells}
    narrow = by_module.get("bnn_narrow")
    factor = (narrow.parameters.get("Factor") or 1) if narrow is not None else 1
    if stage.pe % factor:
        factor = 1  # then the cells will differ
    shape = list(_compare_cells(stage.name, _wanted_stage(stage, factor), cell.cells))
    yield from shape
    if not all(comparison.passed for comparison in shape):
        return  # with another shape the packed constants can't be told apart
    if stage.ring_depth:
        pad = by_module["bnn_window_ram"].parameters["PadSlice"]
        pads = [("slice", stage.pad_word & ((1 << stage.slice_bits) - 1), pad)]
    else:
        pads = [("word", stage.pad_word, by_module[_window(stage)].parameters["PadWord"])]
    yield _compare_values(f"{stage.name}.padding", pads)
    unit = next(cell for cell in cell.cells if cell.module.startswith("bnn_mvu_"))
    yield _compare_weights(stage, block, unit.parameters["Weights"])
    if stage.is_last:
        return
    thresholds = _unpack(
        by_module["bnn_threshold"].parameters["Thresholds"],
        stage.sum_bits,
        len(stage.thresholds),
        signed=stage.is_first,
    )
    yield _compare_values(
        f"{stage.name}.thresholds",
        [
            (f"channel {i % stage.out_channels}, side {i // stage.out_channels}", want, got)
            for i, (want, got) in enumerate(zip(stage.thresholds, thresholds, strict=True))
        ],
    )
    invert = _unpack(by_module["bnn_decide"].parameters["Invert"], 1, stage.out_channels)
    yield _compare_values(
        f"{stage.name}.invert",
        [
            (f"channel {c}", want, got)
            for c, (want, got) in enumerate(zip(stage.invert, invert, strict=True))
        ],
    )


def _compare_weights(stage: StagePlan, block: Block, packed: int | None) -> ConstantComparison:
    name = f"{stage.name}.weights"
    if packed is None:
        return ConstantComparison(name, 0, 1, f"{name}: unknown bits")
    rows = weight_rows(stage, packed)
    wrong = np.argwhere(rows != block.rows)
    first = None
    if len(wrong):
        channel, element = (int(i) for i in wrong[0])
        tap, source = divmod(element, stage.in_channels)
        first = (
            f"{name}, channel {channel}, tap {tap}, input channel {source}: "
            f"network {block.rows[channel, element]}, RTL {rows[channel, element]}"
        )
    return ConstantComparison(name, block.rows.size, len(wrong), first)


def weight_rows(stage: StagePlan, packed: int) -> Bits:
    """Weights as the RTL holds them, ROM word 0 lowest, as rows ``(out, fan_in) uint8``."""
    bits = int_to_row(packed, stage.nf * stage.sf * stage.weight_bits)
    folded = bits.reshape(stage.nf, stage.sf, stage.pe, stage.simd)
    rows = folded.transpose(0, 2, 1, 3).reshape(stage.out_channels, stage.window_elements)
    return np.ascontiguousarray(rows)


def _compare_head(head: Cell, plan: Plan) -> Iterator[ConstantComparison]:
    for kind, width, wanted in (
        ("Positive", plan.head.positive_bits, plan.head.positive),
        ("Negative", plan.head.negative_bits, plan.head.negative),
        ("Offset", plan.head.offset_bits, plan.head.offset),
    ):
        got = _unpack(head.parameters.get(kind), width, plan.classes, signed=True)
        yield _compare_values(
            f"head.{kind.lower()}",
            [(f"class {c}", w, g) for c, (w, g) in enumerate(zip(wanted, got, strict=True))],
        )


def _unpack(
    packed: int | None, width: int, count: int, *, signed: bool = False
) -> list[int | None]:
    """``count`` numbers of ``width`` bits, the first in the low bits."""
    if packed is None:
        return [None] * count
    values = [(packed >> (i * width)) & ((1 << width) - 1) for i in range(count)]
    return [v - (v >> (width - 1) << width) if signed else v for v in values]
