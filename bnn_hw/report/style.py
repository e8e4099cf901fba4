"""What all pictures share: their colours, their style, and how a figure becomes an SVG.

Needs matplotlib, which is imported only when something is drawn. The same figure gives the same
bytes again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PALE, SIGNAL, MUTED, GRID = "#1f3a5f", "#c9d6e6", "#b3261e", "#5d6775", "#e9eef5"


@contextmanager
def drawing(edges: str = MUTED) -> Iterator[None]:
    """Within it figures are made, drawn and saved in the common style, axes in colour ``edges``."""
    from matplotlib import rc_context

    style = {
        "svg.hashsalt": "bnn_hw",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.edgecolor": edges,
        "axes.linewidth": 0.6,
        "xtick.color": edges,
        "ytick.color": edges,
    }
    with rc_context(style):
        yield


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG, without date or creator; to be called within :func:`drawing`."""
    # Nothing reaches beyond its axes, and the names of clip paths would hang on the last digits of
    # the layout solver, so that two pages of the same verdict would differ.
    for artist in figure.findobj():
        artist.set_clip_on(False)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()
