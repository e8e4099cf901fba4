"""The picture of one fragment: the samples, what each layer made of them, the scores.

Reads a network, one fragment and its golden trace; gives an SVG. Positions of every layer are drawn
over the samples they came from, so that one can look straight up from a bit to the beat it saw.
"""

from __future__ import annotations

import base64
import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.ecg.fragments import FRAGMENT_SAMPLES
from bnn_hw.ecg.records import MITDB_SAMPLING_RATE_HZ
from bnn_hw.errors import ToolMissing, install
from bnn_hw.golden import Trace
from bnn_hw.ir import Network
from bnn_hw.report.style import GRID, INK, SIGNAL, drawing, svg_bytes

_MUTED = "#8a94a3"  # lighter than elsewhere, for many axes stand close together
_WIDTH_INCHES = 11.0
# More classes than these stand without their names.
_NAMED_CLASSES = 40


def require_matplotlib() -> None:
    """Raise :class:`ToolMissing` unless matplotlib can be imported."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ToolMissing(
            f"the report needs matplotlib, which is not installed; {install('verify')}"
        )


def data_uri(svg: bytes) -> str:
    """An SVG as a data URI for an ``img`` element."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def fragment_picture(
    network: Network, samples: npt.NDArray[np.integer[Any]], trace: Trace
) -> bytes:
    """Draw one fragment.

    Parameters
    ----------
    samples
        ``(channels, samples)`` as the network takes them.
    trace
        Golden trace of this one fragment.
    """
    from matplotlib.figure import Figure

    with drawing(edges=_MUTED):
        blocks = trace.blocks
        heights = [1.5, *(0.34 + 0.016 * min(b.sums.shape[2], 64) for b in blocks), 0.25, 1.5]
        if network.classes <= _NAMED_CLASSES:
            heights[-3] = 0.2 + 0.11 * network.classes
        figure = Figure(figsize=(_WIDTH_INCHES, sum(heights) + 0.9), layout="constrained")
        axes = figure.subplots(len(heights), 1, height_ratios=heights)
        axes[-2].set_visible(False)  # room for the scores' own title and the time axis above it
        span, unit = _span(network)
        _draw_samples(axes[0], network, samples, span)
        for block, axis in zip(blocks, axes[1:-2], strict=True):
            if block.bits is not None:
                _draw_bits(axis, block.name, block.bits[0], span)
            elif block.pooled is not None:
                _draw_sums(axis, network, block.name, block.pooled[0], span)
        for axis in axes[:-3]:
            axis.set_xticklabels([])
        axes[-3].set_xlabel(unit, color=_MUTED)
        _draw_scores(axes[-1], network, trace)
        return svg_bytes(figure)


def _span(network: Network) -> tuple[float, str]:
    """Length of the time axis and its unit; ECG is drawn in seconds."""
    fragment = network.input
    if fragment.samples == FRAGMENT_SAMPLES and fragment.channels == 1:
        return fragment.samples / MITDB_SAMPLING_RATE_HZ, "seconds"
    return float(fragment.samples), "sample"


def _draw_samples(
    axis: Any, network: Network, samples: npt.NDArray[np.integer[Any]], span: float
) -> None:
    time = np.linspace(0, span, samples.shape[1], endpoint=False)
    for channel in samples:
        axis.plot(time, channel, color=SIGNAL, linewidth=0.8)
    axis.set_xlim(0, span)
    axis.set_title(f"samples  ({network.input.bits} bits, {network.input.unit})", **_TITLE)
    axis.grid(color=GRID, linewidth=0.6)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


_TITLE: dict[str, Any] = {"loc": "left", "fontsize": 9, "color": INK, "pad": 3}


def _draw_bits(axis: Any, name: str, bits: npt.NDArray[np.uint8], span: float) -> None:
    from matplotlib.colors import ListedColormap

    positions, channels = bits.shape
    axis.imshow(
        bits.T,
        aspect="auto",
        interpolation="nearest",
        cmap=ListedColormap([GRID, INK]),
        vmin=0,
        vmax=1,
        extent=(0, span, channels, 0),
    )
    axis.set_yticks([])
    axis.set_title(f"{name}  bits of {channels} channels at {positions} positions", **_TITLE)


def _draw_sums(
    axis: Any, network: Network, name: str, sums: npt.NDArray[np.int64], span: float
) -> None:
    positions, channels = sums.shape
    largest = max(1, int(np.abs(sums).max()))
    axis.imshow(
        sums.T,
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu",
        vmin=-largest,
        vmax=largest,
        extent=(0, span, channels, 0),
    )
    axis.set_yticks([])
    if channels <= _NAMED_CLASSES:
        axis.set_yticks(np.arange(channels) + 0.5, network.labels, fontsize=7)
        axis.tick_params(axis="y", length=0, labelcolor=INK)
    text = f"{name}  pooled sums of {channels} classes at {positions} positions, red -{largest} to blue +{largest}"
    axis.set_title(text, **_TITLE)


def _draw_scores(axis: Any, network: Network, trace: Trace) -> None:
    scores = trace.result.scores[0].astype(float) / 2.0**network.head.fraction_bits
    best = int(trace.result.classes[0])
    colours = [SIGNAL if i == best else INK for i in range(len(scores))]
    places = np.arange(len(scores))
    axis.bar(places, scores, color=colours, width=0.7)
    axis.axhline(0, color=_MUTED, linewidth=0.6)
    labels = network.labels if len(scores) <= _NAMED_CLASSES else [""] * len(scores)
    axis.set_xticks(places, labels, fontsize=9, rotation=0 if len(scores) <= 8 else 35)
    axis.tick_params(axis="x", length=0, labelcolor=INK)
    axis.set_title(f"scores  (the highest, {network.labels[best]}, is the class)", **_TITLE)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
