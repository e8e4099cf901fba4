"""The picture of a Pareto table: accuracy against bytes and against multiply-adds.

Takes the same results as benchmarks/accuracy_report.py; gives an SVG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from accuracy_report import Result, Row, front, rows
from accuracy_tables import Table

from bnn_hw.report.style import GRID, INK, MUTED, PALE, SIGNAL, drawing, svg_bytes

# Places of a name around its point, the first that is free is taken: points right and up, anchor.
_PLACES = (
    (6, 4, "left"), (6, -10, "left"), (-6, 4, "right"), (-6, -10, "right"), (0, 9, "center"),
    (0, -15, "center"), (6, 14, "left"), (6, -20, "left"), (-6, 14, "right"), (-6, -20, "right"),
)  # fmt: skip


def picture(table: Table, results: Mapping[str, Sequence[Result]]) -> bytes:
    """SVG: accuracy against bytes and against multiply-adds, a point a variant, the front a line.

    Full points are validation, which decides, hollow ones the test with its standard deviation.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    given = rows(table, results)
    with drawing():
        figure = Figure(figsize=(11, 4.6), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots(1, 2, sharey=True)
        best = front(given)
        for axis, what in zip(axes, ("bytes", "operations"), strict=True):
            _draw(axis, given, best, what)
        axes[0].set_ylabel("accuracy, % (mean of the seeds)", color=MUTED)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=4, frameon=False,
            fontsize=8, labelcolor=MUTED,
        )  # fmt: skip
        figure.suptitle(_title(table, given), color=INK, fontsize=11, x=0.01, ha="left")
        # Names are laid out where the points came to lie, and move nothing any more.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for axis, what in zip(axes, ("bytes", "operations"), strict=True):
            _name_points(axis, given, what, canvas.get_renderer())
        return svg_bytes(figure)


def _title(table: Table, given: Sequence[Row]) -> str:
    data = table.variants[0].experiment.data
    return f"{table.name}: {len(given)} networks, set {data.set}, protocol {data.protocol}"


def _place(row: Row, what: str) -> float:
    return row.storage_bytes if what == "bytes" else row.macs / 1e6


def _draw(axis: Any, given: Sequence[Row], best: set[str], what: str) -> None:
    if what == "bytes":
        line = sorted((r for r in given if r.variant.name in best), key=lambda r: r.storage_bytes)
        # Between two of its points the front gives what the smaller one gives.
        axis.step(
            [*(row.storage_bytes for row in line), max(row.storage_bytes for row in given)],
            [100 * row.mean("validation") for row in [*line, line[-1]]],
            where="post", color=PALE, linewidth=1.6, label="front on validation", zorder=1,
        )  # fmt: skip
    for index, row in enumerate(given):
        place, tests = _place(row, what), [100 * share for share in row.shares("test")]
        validation = 100 * row.mean("validation")
        colour = SIGNAL if row.variant.name in best else INK
        axis.plot([place] * 2, [validation, mean(tests)], color=GRID, linewidth=0.8, zorder=1)
        axis.errorbar(
            [place], [mean(tests)], stdev(tests) if len(tests) > 1 else None,
            fmt="o", color=MUTED, ecolor=PALE, markerfacecolor="white", markersize=4, linewidth=1,
            label=None if index else "test, +- standard deviation", zorder=2,
        )  # fmt: skip
        axis.plot([place], [validation], "o", color=colour, markersize=5, zorder=3)
    axis.plot([], [], "o", color=SIGNAL, markersize=5, label="validation, on the front")
    axis.plot([], [], "o", color=INK, markersize=5, label="validation")
    unit = "bytes" if what == "bytes" else "million binary multiply-adds a fragment"
    axis.set_xlabel(unit, color=MUTED)
    axis.margins(x=0.12, y=0.1)
    axis.grid(color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _name_points(axis: Any, given: Sequence[Row], what: str, renderer: Any) -> None:
    """Names beside the points of validation, none upon another name or point."""
    frame = axis.get_window_extent(renderer)
    taken: list[tuple[float, ...]] = []
    for part in ("validation", "test"):
        for row in given:
            x, y = axis.transData.transform((_place(row, what), 100 * row.mean(part)))
            taken.append((x - 4, y - 4, x + 4, y + 4))
    for row in given:
        point = (_place(row, what), 100 * row.mean("validation"))
        text = axis.annotate(
            row.variant.name, point, (0, 0), textcoords="offset points", fontsize=7.5, color=INK
        )
        # The last place is taken when none is free.
        for right, up, anchor in _PLACES:
            text.set_position((right, up))
            text.set_horizontalalignment(anchor)
            box = tuple(text.get_window_extent(renderer).extents)
            free = not any(_overlap(box, other) for other in taken)
            if free and frame.x0 < box[0] and box[2] < frame.x1:
                break
        taken.append(box)


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    aside = one[2] + 2 < other[0] or other[2] + 2 < one[0]
    return not (aside or one[3] < other[1] or other[3] < one[1])
