"""Toggle counts as the report and the command line show them: figures, a row a layer, a picture.

Reads a :class:`~bnn_hw.simulate.activity.measurement.Measurement`; gives text and an SVG. All counts are
for one fragment, the mean where several were counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bnn_hw.report.style import INK, MUTED, PALE, drawing, svg_bytes
from bnn_hw.simulate.activity.counts import Activity, CellActivity, total
from bnn_hw.simulate.activity.measurement import Measurement

RUNS = ("full rate", "low rate", "low rate, clock stopped")
# What a cell of a layer does, by the start of its instance's name; the rest is named last.
_KINDS = {"mvu": "products and sums", "window": "window", "sum_pool": "pool", "bit_pool": "pool"}
_OTHER = "streams, thresholds, collecting"
_OUTSIDE = "framer, head"
_COLOURS = {
    "products and sums": INK,
    "window": "#4f7cac",
    "pool": "#8fb3d9",
    _OTHER: PALE,
    _OUTSIDE: "#c08a3e",
}


@dataclass(frozen=True)
class PartRow:
    """One layer, or one instance below the top; the three counts are those of :data:`RUNS`."""

    name: str
    register_bits: str
    share: str
    registers: tuple[str, ...]
    idle: str
    nets: str


@dataclass(frozen=True)
class ActivityView:
    """What is shown of one measurement; the figures have one value a run."""

    name: str
    digest: str
    source: str
    interval: str
    edges_a_sample: str
    figures: tuple[tuple[str, tuple[str, ...]], ...]
    parts: tuple[PartRow, ...]


def activity_view(measurement: Measurement) -> ActivityView:
    """The tables of a measurement."""
    return ActivityView(
        name=measurement.name,
        digest=measurement.digest,
        source=measurement.source,
        interval=f"{measurement.low.interval_cycles:,}",
        edges_a_sample=f"{measurement.stopped.interval_cycles:,}",
        figures=_figures(measurement.runs),
        parts=_part_rows(measurement),
    )


def _mean(count: int, run: Activity) -> str:
    return f"{round(count / run.fragments):,}"


def _figures(runs: Sequence[Activity]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    def row(what: str, count: Any) -> tuple[str, tuple[str, ...]]:
        return what, tuple(_mean(count(run), run) for run in runs)

    intervals = tuple(
        "as taken" if run.interval_cycles == 1 else f"{run.interval_cycles:,}" for run in runs
    )
    waits = tuple(
        "-" if run.longest_wait_cycles is None else f"{run.longest_wait_cycles:,}" for run in runs
    )
    return (
        ("clock edges a sample", intervals),
        row("clock edges", lambda run: run.cycles),
        row("edges that change a register", lambda run: run.changing_cycles),
        row("register toggles", lambda run: run.toggles.registers),
        row("of them while their cell is idle", lambda run: run.idle.registers),
        row("of them while every cell is idle", lambda run: run.design_idle.registers),
        row("net toggles", lambda run: run.toggles.nets),
        row("net toggles while their cell is idle", lambda run: run.idle.nets),
        row("samples after which all came to rest", lambda run: run.rests),
        ("longest wait of a sample, edges", waits),
        ("edges from the last sample to rest", tuple(f"{run.drain_cycles:,}" for run in runs)),
        ("bits changed in 1,000 edges at rest", tuple(f"{run.after_drain:,}" for run in runs)),
    )


def _part_rows(measurement: Measurement) -> tuple[PartRow, ...]:
    runs = measurement.runs
    rows = [_part_row(name, [run.parts()[name] for run in runs], runs) for name in runs[0].parts()]
    return (*rows, _part_row("all", [list(run.cells) for run in runs], runs))


def _part_row(name: str, cells: Sequence[list[CellActivity]], runs: Sequence[Activity]) -> PartRow:
    sums = [total(cell.toggles for cell in group) for group in cells]
    whole = runs[0].toggles.registers
    return PartRow(
        name=name,
        register_bits=f"{sum(cell.register_bits for cell in cells[0]):,}",
        share=f"{100 * sums[0].registers / whole:.1f} %" if whole else "-",
        registers=tuple(_mean(found.registers, run) for found, run in zip(sums, runs, strict=True)),
        idle=_mean(total(cell.idle for cell in cells[1]).registers, runs[1]),
        nets=_mean(sums[0].nets, runs[0]),
    )


def kind_of(cell: CellActivity) -> str:
    """What a cell does, in the words of the picture."""
    if cell.cell == cell.part:
        return _OUTSIDE
    return _KINDS.get(re.sub(r"[0-9]+$", "", cell.cell), _OTHER)


def activity_picture(measurement: Measurement) -> bytes:
    """Register toggles a fragment of every part in the three runs, as an SVG."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    parts = list(measurement.full.parts())
    with drawing():
        figure = Figure(figsize=(11.0, 0.9 + 0.5 * len(parts)), layout="constrained")
        axis = figure.subplots()
        for i, name in enumerate(parts):
            for j, run in enumerate(measurement.runs):
                place, left = i + 0.27 * (j - 1), 0.0
                for kind, toggles in _by_kind(run.parts()[name]).items():
                    width = toggles / run.fragments
                    axis.barh(place, width, left=left, height=0.23, color=_COLOURS[kind])
                    left += width
        axis.set_yticks(range(len(parts)), parts)
        axis.invert_yaxis()
        axis.xaxis.set_major_formatter(lambda value, position: f"{value / 1e6:g} M")
        axis.set_xlabel("register toggles a fragment", color=MUTED)
        axis.tick_params(axis="y", length=0, labelcolor=INK)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        handles = [Patch(color=colour, label=kind) for kind, colour in _COLOURS.items()]
        axis.legend(handles=handles, frameon=False, fontsize=8, loc="lower right")
        return svg_bytes(figure)


def _by_kind(cells: Sequence[CellActivity]) -> dict[str, int]:
    found = dict.fromkeys(_COLOURS, 0)
    for cell in cells:
        found[kind_of(cell)] += cell.toggles.registers
    return found
