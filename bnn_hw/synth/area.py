"""Cells of one module of a build on Xilinx 7 series: a stage, or the whole network.

Reads a build folder; runs the Yosys script of the hand-off on another top module; gives a
:class:`bnn_hw.synth.cells.CellCounts`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bnn_hw.files import write_text
from bnn_hw.generate.fpga_targets import TARGETS
from bnn_hw.generate.manifest import read_manifest
from bnn_hw.generate.open_flow import count_script, output_folder, yosys_script
from bnn_hw.simulate.lint import build_files
from bnn_hw.synth.cells import CellCounts, count_cells
from bnn_hw.synth.tools import run_yosys

_TARGET = TARGETS["xc7"]


def count_module(build: Path, top: str) -> CellCounts:
    """Counts of the module ``top`` and all below it.

    Raises
    ------
    UserError
        When ``build`` is not a build folder, Yosys is missing, or it fails.
    """
    manifest = read_manifest(build)
    script = yosys_script(_TARGET)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for file in [build / "rtl/files.f", *build_files(build)]:
            write_text(work / "rtl" / file.name, file.read_text(encoding="utf-8"))
        text = count_script(manifest["name"], manifest["digest"], top, _TARGET)
        write_text(work / script, text)
        out = output_folder(_TARGET)
        (work / out).mkdir(parents=True)
        run_yosys(script, f"{out}/yosys.log", work)
        return count_cells(work / out / "cells.json", top, _TARGET.family)
