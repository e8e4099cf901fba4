"""The picture of docs/performance.md: LUTs against cycles a fragment, estimated and by Yosys.

Reads the stored foldings and the limits of the point at full rate; gives an SVG.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from performance_store import Entry

from bnn_hw.report.style import GRID, INK, MUTED, PALE, SIGNAL, drawing, svg_bytes

_SEEN_POINTS = 0.3
# Places of a figure around its point: points right and up, anchor.
_PLACES = (
    (0, 7, "center"), (0, -13, "center"), (7, -3, "left"), (-7, -3, "right"), (7, 6, "left"),
    (-7, 6, "right"), (-7, -11, "right"), (7, -11, "left"),
)  # fmt: skip


def picture(folds: Mapping[str, Entry], point: Mapping[str, Any], name: str) -> bytes:
    """Points joined by a line, full ones by Yosys, hollow ones estimated; both axes logarithmic.

    The corner in red is what was asked of the full rate: to its left and below it must be.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    entries = sorted(folds.values(), key=lambda entry: (entry["cycles"], -entry["estimate"]["lut"]))
    measured = [entry for entry in entries if entry["lut"] is not None]
    with drawing():
        figure = Figure(figsize=(8.2, 4.6), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axis = figure.subplots()
        axis.set_xscale("log")
        axis.set_yscale("log")
        cycles = [entry["cycles"] for entry in measured]
        luts = [entry["lut"] for entry in measured]
        axis.plot(cycles, luts, color=PALE, linewidth=1.6, zorder=1)
        for entry in measured:
            both = [entry["lut"], entry["estimate"]["lut"]]
            axis.plot([entry["cycles"]] * 2, both, color=MUTED, linewidth=0.6, zorder=2)
        axis.plot(
            [entry["cycles"] for entry in entries],
            [entry["estimate"]["lut"] for entry in entries],
            "o", color=MUTED, markerfacecolor="white", markersize=5, linewidth=0, zorder=3,
            label="estimate, before any synthesis",
        )  # fmt: skip
        axis.plot(
            cycles, luts, "o", color=INK, markersize=5, linewidth=0, zorder=4, label="Yosys, LUT6"
        )
        limits = {limit["figure"]: limit for limit in point["limits"]}
        _corner(axis, limits["cycles_per_fragment"]["most"], limits["lut"]["most"])
        for values, place in ((cycles, axis.xaxis), (luts, axis.yaxis)):
            place.set_major_locator(
                LogLocator(10, (1, 2, 5) if values is cycles else (1, 1.5, 2, 3, 5, 7))
            )
            place.set_minor_locator(NullLocator())
            place.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.margins(x=0.06, y=0.14)
        axis.set_xlabel("cycles a fragment of 10 s", color=MUTED)
        axis.set_ylabel("LUT6", color=MUTED)
        axis.grid(color=GRID, linewidth=0.6)
        axis.set_axisbelow(True)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        axis.legend(loc="upper right", frameon=False, fontsize=8, labelcolor=MUTED)
        title = (
            f"{name}: {len(measured)} foldings on Xilinx 7 series, weights of the trained network"
        )
        figure.suptitle(title, color=INK, fontsize=11, x=0.01, ha="left")
        figure.draw_without_rendering()
        _label(axis, measured, canvas.get_renderer())
        return svg_bytes(figure)


def same_picture(one: bytes, other: bytes) -> bool:
    """Whether two SVG differ by less than anyone sees: the layout's last digits hang on the machine."""
    numbers = re.compile(rb"-?\d+\.\d+")
    if numbers.sub(b"", one) != numbers.sub(b"", other):
        return False
    pairs = zip(numbers.findall(one), numbers.findall(other), strict=True)
    return all(abs(float(a) - float(b)) < _SEEN_POINTS for a, b in pairs)


def _corner(axis: Any, cycles: float, luts: float) -> None:
    """The limits of the full rate, as lines from the left and from below that meet."""
    axis.plot([cycles], [luts], marker="+", color=SIGNAL, markersize=11, zorder=5)
    axis.annotate(
        f"asked at full rate:\n<= {luts:,} LUT6 at <= {cycles:,} cycles",
        (cycles, luts), (46, 26), textcoords="offset points", fontsize=8, color=SIGNAL,
        arrowprops={"arrowstyle": "-", "color": SIGNAL, "linewidth": 0.6},
    )  # fmt: skip


def _label(axis: Any, measured: list[Entry], renderer: Any) -> None:
    """LUTs beside the points: on the first place that is free, and none where all are taken."""
    taken = []
    for entry in measured:
        pair = (entry["lut"], entry["estimate"]["lut"])
        (x, low), (_, high) = (axis.transData.transform((entry["cycles"], n)) for n in sorted(pair))
        taken.append((x - 4, low - 4, x + 4, high + 4))
    for text in axis.texts:
        taken.append(tuple(text.get_window_extent(renderer).extents))
    for entry in measured:
        text = axis.annotate(
            f"{entry['lut']:,.0f}", (entry["cycles"], entry["lut"]), (0, 0),
            textcoords="offset points", fontsize=7.5, color=INK,
        )  # fmt: skip
        for right, up, anchor in _PLACES:
            text.set_position((right, up))
            text.set_horizontalalignment(anchor)
            box = tuple(text.get_window_extent(renderer).extents)
            if not any(_overlap(box, other) for other in taken):
                taken.append(box)
                break
        else:
            text.remove()


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    aside = one[2] < other[0] or other[2] < one[0]
    return not (aside or one[3] < other[1] or other[3] < one[1])
