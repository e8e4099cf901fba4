"""The picture of a robustness study: accuracy against strength, one panel a disturbance.

Reads what :func:`bnn_hw.report.robustness.study` gives; gives an SVG. All panels share the axis of
accuracy, so that what costs most is seen at once.
"""

from __future__ import annotations

from typing import Any

from bnn_hw.report.style import GRID, INK, MUTED, PALE, SIGNAL, drawing, svg_bytes

_COLUMNS = 4
_PANEL_INCHES = (2.9, 2.2)
# Disturbances that share a panel; the others have their own.
_TOGETHER = {
    "gain, 50 Hz at 18 dB": "gain and noise at 18 dB",
    "gain, 60 Hz at 18 dB": "gain and noise at 18 dB",
    "gain, muscle at 18 dB": "gain and noise at 18 dB",
}


def picture(results: dict[str, Any]) -> bytes:
    """Small multiples: a point a level with its accuracy, the clean level as a line."""
    from matplotlib.figure import Figure

    panels = _panels(results["rows"])
    lines = -(-len(panels) // _COLUMNS)
    with drawing():
        figure = Figure(
            figsize=(_COLUMNS * _PANEL_INCHES[0], lines * _PANEL_INCHES[1] + 0.6),
            layout="constrained",
        )
        axes = figure.subplots(lines, _COLUMNS, sharey=True, squeeze=False)
        clean = 100 * results["clean"]["accuracy"]
        for index, axis in enumerate(axes.flat):
            if index >= len(panels):
                axis.set_visible(False)
                continue
            name, rows = panels[index]
            _draw(axis, name, rows, clean)
            if index % _COLUMNS == 0:
                axis.set_ylabel("accuracy, %", color=MUTED)
        # The same for every network; beyond 100 there is room for the figures above the points.
        axes[0][0].set_ylim(0, 112)
        axes[0][0].set_yticks(range(0, 101, 20))
        figure.suptitle(_title(results), color=INK, fontsize=11, x=0.01, ha="left")
        return svg_bytes(figure)


def _title(results: dict[str, Any]) -> str:
    clean = results["clean"]
    return (
        f"{results['network']}: accuracy on {clean['fragments']} disturbed test fragments "
        f"(line: clean, {100 * clean['accuracy']:.2f} %; red: more than 1 point below it)"
    )


def _panels(rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        panels.setdefault(_TOGETHER.get(row["disturbance"], row["disturbance"]), []).append(row)
    return list(panels.items())


def _draw(axis: Any, name: str, rows: list[dict[str, Any]], clean: float) -> None:
    from matplotlib.patheffects import withStroke

    accuracies = [100 * row["accuracy"] for row in rows]
    places = list(range(len(rows)))
    axis.axhline(clean, color=PALE, linewidth=1.6)
    if name not in _TOGETHER.values():
        axis.plot(*_line(rows, clean), color=MUTED, linewidth=0.8)
    for place, row, accuracy in zip(places, rows, accuracies, strict=True):
        colour = SIGNAL if row["difference_points"] < -1 else INK
        axis.plot([place], [accuracy], "o", color=colour, markersize=4)
        # Below the line unless the figure would leave the panel.
        below = accuracy < clean and accuracy > 15
        axis.annotate(
            f"{accuracy:.1f}",
            (place, accuracy),
            textcoords="offset points",
            xytext=(0, -11) if below else (0, 4),
            ha="center",
            fontsize=7.5,
            color=colour,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
    axis.set_xticks(places, [_tick(name, row) for row in rows], fontsize=7.5)
    axis.set_xlim(-0.6, len(rows) - 0.4)
    axis.tick_params(axis="x", length=0)
    unit = "" if name in _TOGETHER.values() or rows[0]["unit"] == "x" else f", {_unit(rows[0])}"
    axis.set_title(name + unit, loc="left", fontsize=9, color=INK, pad=3)
    axis.grid(axis="y", color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _line(rows: list[dict[str, Any]], clean: float) -> tuple[list[float], list[float]]:
    """The line through the points; it passes the clean level where that lies between two levels."""
    places = [float(place) for place in range(len(rows))]
    accuracies = [100 * row["accuracy"] for row in rows]
    neutral = {"gain": 1.0, "offset": 0.0}.get(rows[0]["disturbance"])
    if neutral is not None:
        above = sum(row["level"] < neutral for row in rows)
        places.insert(above, above - 0.5)
        accuracies.insert(above, clean)
    return places, accuracies


def _unit(row: dict[str, Any]) -> str:
    return "dB SNR" if row["unit"] == "dB" else str(row["unit"])


def _tick(name: str, row: dict[str, Any]) -> str:
    """The level without its unit, which stands in the title."""
    label = str(row["label"]).removesuffix(f" {row['unit']}")
    if name in _TOGETHER.values():
        # "gain, 50 Hz at 18 dB" -> "50 Hz"
        return f"{row['disturbance'].split(', ')[1].removesuffix(' at 18 dB')}\n{label}"
    return label
