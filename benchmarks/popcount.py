"""LUT6 a popcount bit on Xilinx 7 series, XNOR and threshold included: the cells against an adder loop.

    python benchmarks/popcount.py [MODEL] [--layers NAME,...] [--constant NAME,...]

Rows: the binary layers of a shipped network with their trained weights, from ROM at the fold of one
sample a cycle; and the first and the last of them unrolled, where the weights are constants. A bit is
one product a cycle. Both versions lie in benchmarks/popcount.sv; Yosys from pip counts.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyosys import libyosys as yosys

from bnn_hw.assets import models_dir, rtl_dir
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.folding import Folding, override
from bnn_hw.generate.plan import StagePlan, build_plan
from bnn_hw.ir.file import load_network
from bnn_hw.ir.network import Network

_CELL = re.compile(r"^\s+(\d+)\s+(?:\S+\s+)?(LUT\d|FD[A-Z]+)\s*$", re.MULTILINE)
_SOURCES = (Path(__file__).with_name("popcount.sv"),)


@dataclass(frozen=True)
class Row:
    """One layer at one fold: LUT6 of both versions."""

    name: str
    bits: int
    naive: int
    cells: int


def packed(values: tuple[int, ...], width: int) -> str:
    """Values as one literal, the first in the low bits."""
    total = sum((v & ((1 << width) - 1)) << (i * width) for i, v in enumerate(values))
    return f"{width * len(values)}'h{total:x}"


def luts(top: str, stage: StagePlan) -> int:
    """LUT6 of module ``top`` with the shape, weights and thresholds of ``stage``."""
    # The last layer has none. Half of its reach stands in, for 0 would be no comparison at all.
    half = (stage.simd * stage.sf + 1) // 2
    thresholds = stage.thresholds[: stage.out_channels] or (half,) * stage.out_channels
    parameters = {
        "Pe": stage.pe,
        "Simd": stage.simd,
        "Nf": stage.nf,
        "Sf": stage.sf,
        "SumBits": stage.sum_bits,
        "Weights": packed(stage.weight_words, stage.weight_bits),
        "Thresholds": packed(thresholds, stage.sum_bits),
    }
    given = " ".join(f"-G {name}={value}" for name, value in parameters.items())
    files = " ".join(str(file) for file in (*sorted(rtl_dir().glob("bnn_*.sv")), *_SOURCES))
    design = yosys.Design()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stat.txt"
        for command in (
            "read_slang --threads 1 --unroll-limit 1000000 --keep-hierarchy "
            f"--top {top} {given} {files}",
            f"hierarchy -check -top {top}",
            f"synth_xilinx -family xc7 -flatten -noiopad -top {top}",
            "setattr -mod -unset keep_hierarchy",
            "flatten",
            "opt_clean",
        ):
            design.run_pass(f"tee -q {command}")
        design.run_pass(f"tee -q -o {log} stat")
        found = _CELL.findall(log.read_text(encoding="utf-8"))
    return sum(int(count) for count, name in found if name.startswith("LUT"))


def measure(name: str, stage: StagePlan) -> Row:
    """Both versions of one layer."""
    return Row(name, stage.pe * stage.simd, luts("naive_layer", stage), luts("cell_layer", stage))


def binary_stages(network: Network, folding: Folding) -> list[StagePlan]:
    """The stages that take bits, with all that a fold gives them."""
    return [stage for stage in build_plan(network, folding).stages if not stage.is_first]


def unrolled_stages(network: Network, folding: Folding) -> list[StagePlan]:
    """The first and the last stage that takes bits, every product of a window in each cycle."""
    blocks = [block for block in network.blocks if block.input_bits is None]
    ends = {b.name: (b.out_channels, b.fan_in) for b in (blocks[0], blocks[-1])}
    stages = binary_stages(network, override(network, folding, ends))
    return [stage for stage in stages if stage.name in ends]


def show(row: Row) -> None:
    """One line of the table."""
    print(
        f"{row.name:<34} {row.bits:>6} {row.naive:>7} {row.naive / row.bits:>6.2f}"
        f" {row.cells:>7} {row.cells / row.bits:>6.2f}",
        flush=True,
    )


def main() -> None:
    """Print a row a layer, and the sum of those with ROM."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", nargs="?", default="ecg17", help="shipped network [%(default)s]")
    parser.add_argument(
        "--layers", help="layers with ROM, commas between [default: all binary ones]"
    )
    parser.add_argument("--constant", help="unrolled layers, of the first and last [default: both]")
    arguments = parser.parse_args()
    network = load_network(models_dir() / f"{arguments.model}.json")
    folding = choose_folding(network)
    folded, unrolled = binary_stages(network, folding), unrolled_stages(network, folding)
    chosen = (arguments.layers or ",".join(stage.name for stage in folded)).split(",")
    constant = (arguments.constant or ",".join(stage.name for stage in unrolled)).split(",")
    head = f"{'layer of ' + network.name:<34} {'bits':>6} {'loop':>7} {'a bit':>6} {'cells':>7} {'a bit':>6}"
    print(head)
    rows = []
    for stage in folded:
        if stage.name in chosen:
            shape = f"{stage.pe} x {stage.simd}, {stage.nf * stage.sf} steps"
            rows.append(measure(f"{stage.name}, ROM, {shape}", stage))
            show(rows[-1])
    total = (sum(getattr(row, kind) for row in rows) for kind in ("bits", "naive", "cells"))
    if rows:
        show(Row("all with ROM", *total))
    for stage in unrolled:
        if stage.name in constant:
            shape = f"{stage.pe} x {stage.simd}"
            show(measure(f"{stage.name}, constant, {shape}", stage))


if __name__ == "__main__":
    main()
