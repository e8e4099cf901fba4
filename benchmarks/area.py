"""LUT6, FF and RAM of a generated build on Xilinx 7 series, by Yosys from pip: total and per stage.

    python benchmarks/area.py [BUILD]        # default build/ecg17; 'make generate' makes it

Yosys states area, never timing; place and route decides what a device takes in the end. The figures
in docs/hardware.md come from here.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path

from pyosys import libyosys as yosys

from bnn_hw.generate.manifest import read_manifest

_CELL = re.compile(r"^\s+(\d+)\s+(?:\S+\s+)?([A-Z][A-Z0-9_]+)\s*$", re.MULTILINE)
_RAM = re.compile(r"RAMB|RAM\d+|SRL")


def synthesise(build: Path, top: str) -> dict[str, int]:
    """LUT, FF, RAM (block RAM, LUT RAM and shift registers) and DSP cells of the module ``top``."""
    files = [
        str(build / "rtl" / line)
        for line in (build / "rtl/files.f").read_text().splitlines()
        if line and not line.startswith("//")
    ]
    design = yosys.Design()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stat.txt"
        for command in (
            f"read_slang --threads 1 --keep-hierarchy --top {top} {' '.join(files)}",
            f"hierarchy -check -top {top}",
            f"synth_xilinx -family xc7 -flatten -noiopad -top {top}",
            "setattr -mod -unset keep_hierarchy",
            "flatten",
            "opt_clean",
        ):
            design.run_pass(f"tee -q {command}")
        design.run_pass(f"tee -q -o {log} stat")
        cells = {name: int(count) for count, name in _CELL.findall(log.read_text())}
    return {
        "lut": sum(n for name, n in cells.items() if re.fullmatch(r"LUT\d", name)),
        "ff": sum(n for name, n in cells.items() if name.startswith("FD")),
        "ram": sum(n for name, n in cells.items() if _RAM.match(name)),
        "dsp": sum(n for name, n in cells.items() if name.startswith("DSP")),
    }


def main() -> None:
    """Print a row a stage and one for the whole design."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("build", nargs="?", type=Path, default=Path("build/ecg17"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    manifest = read_manifest(arguments.build)
    name = manifest["name"]
    tops = {layer: f"{name}_{layer}" for layer in manifest["folding"]}
    tops["all, with framer and head"] = f"{name}_top"
    found = {}
    for label, top in tops.items():
        found[label] = synthesise(arguments.build, top)
        if not arguments.json:
            figures = "  ".join(f"{kind} {count:>6}" for kind, count in found[label].items())
            print(f"{label:<26} {figures}", flush=True)
    if arguments.json:
        cycles = manifest["cycles_per_fragment"]
        print(json.dumps({"name": name, "cycles_per_fragment": cycles, "stages": found}, indent=2))


if __name__ == "__main__":
    main()
