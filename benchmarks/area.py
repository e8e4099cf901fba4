"""LUT6, FF and RAM of a generated build on Xilinx 7 series, by Yosys from pip: total and per stage.

    python benchmarks/area.py [BUILD]        # default build/ecg17; 'make generate' makes it

Yosys states area, never timing; place and route decides what a device takes in the end. docs/hardware.md
says what a fold costs; 'bnn-hw synth' gives the figures of the whole network.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bnn_hw.errors import UserError
from bnn_hw.generate.manifest import read_manifest
from bnn_hw.synth.area import count_module


def main() -> int:
    """Print a row a stage and one for the whole design; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("build", nargs="?", type=Path, default=Path("build/ecg17"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        manifest = read_manifest(arguments.build)
        name = manifest["name"]
        tops = {layer: f"{name}_{layer}" for layer in manifest["folding"]}
        tops["all, with framer and head"] = f"{name}_top"
        found = {}
        for label, top in tops.items():
            counts = count_module(arguments.build, top)
            found[label] = {kind: getattr(counts, kind) for kind in ("lut", "ff", "ram", "dsp")}
            if not arguments.json:
                figures = "  ".join(f"{kind} {count:>6}" for kind, count in found[label].items())
                print(f"{label:<26} {figures}", flush=True)
    except UserError as error:
        print(f"area: error: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        cycles = manifest["cycles_per_fragment"]
        print(json.dumps({"name": name, "cycles_per_fragment": cycles, "stages": found}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
