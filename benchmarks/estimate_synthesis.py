"""Synthesis of one design with Yosys, its LUTs, flip-flops and RAM cells counted cell by cell.

Training designs keep the boundaries of the accelerator's cells, so that one run gives as many
measurements as there are cells; held-out designs are flattened, as ``bnn-hw synth`` builds them.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from estimate_designs import Design
from pyosys import libyosys as yosys

from bnn_hw.generate.estimate import RESOURCES
from bnn_hw.generate.fpga_targets import Family
from bnn_hw.generate.plan import StagePlan, build_plan
from bnn_hw.generate.rtl import render_rtl
from bnn_hw.synth.cells import count_cells

_CELLS = (
    *(
        "fifo",
        "window",
        "mvu_bits",
        "mvu_int",
        "mvu_digits",
        "threshold",
        "pool",
        "decide",
        "collect",
    ),
    *("narrow", "centre", "head", "framer"),
)
# Kept apart while synthesis runs, then counted with the cell that they lie in.
_INSIDE = ("count6", "count_add", "products", "full_adders", "weights")
_COMMANDS = {
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad",
    "ecp5": "synth_ecp5 -nowidelut",
    "ice40": "synth_ice40 -device u",
}

_LEAF_MODULE = re.compile(
    r"^module (?P<name>\\bnn_count(6|_add)\$\S+)\n(?P<body>.*?)^end\n", re.MULTILINE | re.DOTALL
)

Counts = dict[str, float]


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
        # 'tee' keeps Yosys' log off the terminal.
        run = yosys.Design()
        run.run_pass(f"tee -q read_slang --threads 1 --keep-hierarchy --top {top} {files}")
        whole = Path(folder) / "whole.il"
        run.run_pass(f"tee -q write_rtlil {whole}")
        whole.write_text(merge_equal(whole.read_text()))
        commands = ["design -reset", f"read_rtlil {whole}", f"hierarchy -check -top {top}"]
        if design.only is not None:
            # The instance's own module becomes the top, all else goes.
            stage, instance = design.only.split(".")
            layer = next(layer for layer in plan.stages if layer.name == stage)
            top = f"bnn_mvu_{_unit(layer)}${top}.u_{stage}.{instance}"
            commands.append(f"hierarchy -top {top}")
        elif keep_cells:
            commands.append(f"setattr -mod -set keep_hierarchy 1 {' '.join(map(_pattern, _CELLS))}")
        commands.append(f"{_COMMANDS[family]} -top {top}")
        if design.only is not None or not keep_cells:
            commands.append("setattr -mod -unset keep_hierarchy")
        else:
            inside = " ".join(map(_pattern, _INSIDE))
            commands.append(f"setattr -mod -unset keep_hierarchy {inside}")
        commands += ["flatten", "opt_clean"]
        log = Path(folder) / "stat.json"
        for command in commands:
            run.run_pass(f"tee -q {command}")
        run.run_pass(f"tee -q -o {log} stat -json")
        found: dict[str, Counts] = {}
        for module in json.loads(log.read_text())["modules"]:
            counts = count_cells(log, module.removeprefix("\\"), Family(family))
            of_path = found.setdefault(_cell_path(module), dict.fromkeys(RESOURCES, 0))
            for resource in RESOURCES:
                of_path[resource] += getattr(counts, resource)
    return {path: counts for path, counts in found.items() if any(counts.values())}


def merge_equal(rtlil: str) -> str:
    """``rtlil`` with one module for all leaf modules that are equal but for their names.

    slang gives every popcount cell of every lane a module of its own; synthesised once, the same cells
    come out in a tenth of the time.
    """
    first: dict[str, str] = {}
    renamed: dict[str, str] = {}
    for found in _LEAF_MODULE.finditer(rtlil):
        body = re.sub(r"^ *attribute .*\n", "", found["body"], flags=re.MULTILINE)
        for number, name in enumerate(dict.fromkeys(re.findall(r"\$\d\S*", body))):
            body = re.sub(re.escape(name) + r"(?!\S)", f"$#{number}", body)
        same = first.setdefault(found["name"].partition("$")[0] + body, found["name"])
        renamed[found["name"]] = same
    return re.sub(
        r"^( *cell )(\S+)",
        lambda cell: cell[1] + renamed.get(cell[2], cell[2]),
        rtlil,
        flags=re.MULTILINE,
    )


def _unit(layer: StagePlan) -> str:
    """Which matrix-vector unit a stage has, as its module is called."""
    if not layer.is_first:
        return "bits"
    return "digits" if layer.digits > 1 else "int"


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
