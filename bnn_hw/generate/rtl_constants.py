"""The constants of a network as packed SystemVerilog parameters, written to be read.

Reads a :class:`bnn_hw.generate.plan.Plan` and its stages; gives the rows of ``<name>_pkg.sv``, one
ROM word, threshold or coefficient a line, for :mod:`bnn_hw.generate.rtl`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bnn_hw.generate.plan import Plan, StagePlan
from bnn_hw.generate.rtl_stages import Stage


@dataclass(frozen=True)
class Row:
    """One line of a packed constant: its literal and what it is."""

    literal: str
    comment: str
    separator: str


@dataclass(frozen=True)
class Constant:
    """A packed localparam, ``bits`` wide; ``rows`` run from the high bits to the low ones.

    ``heading`` stands above the first constant of a stage, empty elsewhere.
    """

    name: str
    bits: int
    heading: str
    comment: str
    rows: tuple[Row, ...]


def build_constants(plan: Plan, stages: Sequence[Stage]) -> tuple[Constant, ...]:
    """Every constant of the network: stage by stage, then the head."""
    return tuple(_constants(plan, stages))


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
        ["every channel alike"],
        "What stands left and right of a fragment.",
        heading=f"{stage.summary}.",
    )
    yield _constant(
        f"{stage.camel}Weights",
        plan.weight_bits,
        plan.weight_words,
        [_step_comment(plan, step) for step in range(plan.nf * plan.sf)],
        f"Weights, one fold step a word: bit lane * {plan.simd} + element.",
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
    channels = _span("channel", beat * plan.pe, plan.pe)
    return f"step {step}: {channels}, {_span('element', fold * plan.simd, plan.simd)}"


def _span(what: str, first: int, count: int) -> str:
    return f"{what} {first}" if count == 1 else f"{what}s {first} to {first + count - 1}"


def _constant(
    name: str,
    width: int,
    values: Sequence[int],
    comments: Sequence[str],
    comment: str,
    heading: str = "",
) -> Constant:
    """A constant of one value a row, the last value (the high bits) first."""
    rows = [
        Row(f"{width}'h{value & ((1 << width) - 1):0{(width + 3) // 4}x}", text, ",")
        for value, text in zip(values, comments, strict=True)
    ]
    rows[0] = Row(rows[0].literal, rows[0].comment, "")
    return Constant(name, width * len(values), heading, comment, tuple(reversed(rows)))
