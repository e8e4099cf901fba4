"""Synthesis of one design with Yosys, its LUTs, flip-flops and RAM cells counted cell by cell.

Training designs keep the boundaries of the accelerator's cells, so that one run gives as many
measurements as there are cells; held-out designs are flattened, as ``bnn-hw synth`` builds them.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path

from estimate_designs import Design
from pyosys import libyosys as yosys

from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.rtl import render_rtl

_CELLS = (
    *("fifo", "window", "mvu_bits", "mvu_int", "threshold", "pool", "decide", "collect"),
    *("narrow", "centre", "head", "framer"),
)
_COMMANDS = {
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad",
    "ecp5": "synth_ecp5 -nowidelut",
    "ice40": "synth_ice40",
}
_COUNTED = {
    "xc7": {"lut": r"LUT\d", "ff": r"FD\w+", "ram": r"RAMB\w+|RAM\d+\w+|SRL\w+", "dsp": r"DSP\w+"},
    "ecp5": {"lut": r"LUT4|CCU2C", "ff": r"TRELLIS_FF", "ram": r"TRELLIS_DPR16X4|DP16KD"},
    "ice40": {"lut": r"SB_LUT4", "ff": r"SB_DFF\w*", "ram": r"SB_RAM40\w+"},
}
# A carry cell of ECP5 stands in the place of two LUTs.
_TWICE = ("CCU2C",)

Counts = dict[str, int]


def synthesise(design: Design, family: str, keep_cells: bool) -> dict[str, Counts]:
    """LUT, FF and RAM cells by path: ``<stage>.u_<cell>`` or ``u_<cell>``; one path "" if flattened."""
    plan = build_plan(design.network, design.folding)
    top = f"{plan.name}_top"
    with tempfile.TemporaryDirectory() as folder:
        texts = {p: t for p, t in render_rtl(plan).items() if p.startswith("rtl/")}
        for path, text in texts.items():
            (Path(folder) / Path(path).name).write_text(text)
        order = [line for line in texts["rtl/files.f"].splitlines() if line.endswith(".sv")]
        files = " ".join(str(Path(folder) / name) for name in order)
        commands = [f"read_slang --threads 1 --keep-hierarchy --top {top} {files}"]
        commands.append(f"hierarchy -check -top {top}")
        if design.only is not None:
            # The instance's own module becomes the top, all else goes.
            stage, instance = design.only.split(".")
            top = f"bnn_mvu_bits${top}.u_{stage}.{instance}"
            commands.append(f"hierarchy -top {top}")
        elif keep_cells:
            commands.append(f"setattr -mod -set keep_hierarchy 1 {' '.join(map(_pattern, _CELLS))}")
        commands.append(f"{_COMMANDS[family]} -top {top}")
        if design.only is not None or not keep_cells:
            commands += ["setattr -mod -unset keep_hierarchy", "flatten", "opt_clean"]
        log = Path(folder) / "stat.json"
        # 'tee' keeps Yosys' log off the terminal.
        run = yosys.Design()
        for command in commands:
            run.run_pass(f"tee -q {command}")
        run.run_pass(f"tee -q -o {log} stat -json")
        modules = json.loads(log.read_text())["modules"]
    found: dict[str, Counts] = defaultdict(lambda: dict.fromkeys(("lut", "ff", "ram"), 0))
    for module, facts in modules.items():
        path = _cell_path(module)
        for cell, count in facts["num_cells_by_type"].items():
            for resource, pattern in _COUNTED[family].items():
                if re.fullmatch(pattern, cell):
                    found[path][resource] += count * (2 if cell in _TWICE else 1)
    return {path: counts for path, counts in found.items() if any(counts.values())}


def _pattern(cell: str) -> str:
    return f"bnn_{cell}*"


def _cell_path(module: str) -> str:
    """``bnn_pool$net_top.u_conv1.u_pool.u_x`` to ``conv1.u_pool``; the top itself to nothing."""
    _, _, path = module.partition("$")
    parts = path.split(".")[1:]
    if not parts:
        return ""
    if parts[0].startswith("u_bnn_"):
        return parts[0]
    return ".".join([parts[0].removeprefix("u_"), *parts[1:2]])
