"""Renders the hls folder of a plan, without the rest of a build folder."""

from __future__ import annotations

from pathlib import Path

from bnn_hw.generate.hls import render_hls
from bnn_hw.generate.plan import Plan


def write_hls(plan: Plan, folder: Path) -> Path:
    """The folder, with ``hls/`` below it."""
    for name, text in render_hls(plan).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
