"""Guards LUTs and cycles: what rises by more than 3 % above benchmarks/guard.json is a fault.

    python benchmarks/guard.py               # measure and compare; exit 1 where something rose
    python benchmarks/guard.py --update      # after a rise that is worth it, or a gain to be kept

LUTs are those of each layer of a small trained network at one sample a cycle, by Yosys with the cells kept
apart, so that the cell that grew can be named, and of the largest unit of a larger one. Cycles are those of
every shipped network by formula, and of one of them as Verilator counts them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from bnn_hw.cli.models import find_model, shipped_models
from bnn_hw.files import write_text
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.estimate import DEFAULT_FAMILY

REFERENCE = Path(__file__).with_name("guard.json")
# A small network as a whole, and of the large one the popcounts of its largest layer: Yosys takes a
# minute of one core for both.
WHOLE = "ecg17-small"
LARGE, LAYER = "ecg17", "block3"
SIMULATED = "ecg17"
_CELLS = "cells of "
TOLERANCE = 0.03
UPDATE = "if that is worth it, run 'python benchmarks/guard.py --update' and say why in the commit"

Figures = dict[str, dict[str, float]]


def read_reference() -> Figures:
    """The stored figures: group, then name."""
    found: Figures = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return found


def _synthesise(model: str, only: str | None) -> dict[str, dict[str, float]]:
    """Counts by the path of each cell, or of the cell ``only`` alone."""
    from estimate_designs import Design
    from estimate_synthesis import synthesise

    network = find_model(model).network
    design = Design(network.name, network, choose_folding(network), held_out=False, only=only)
    return synthesise(design, DEFAULT_FAMILY, keep_cells=only is None)


def luts_of_layers() -> Figures:
    """LUTs of each layer of the small network and of what is around them; and of each cell."""
    cells = _synthesise(WHOLE, None)
    layers: dict[str, float] = defaultdict(float)
    for path, counts in cells.items():
        layer, _, cell = path.partition(".")
        layers[layer if cell else "around the layers"] += counts["lut"]
    layers["all"] = sum(layers.values())
    of_cells = {path: counts["lut"] for path, counts in cells.items() if counts["lut"]}
    group = f"LUT of {WHOLE}"
    return {group: dict(sorted(layers.items())), _CELLS + group: dict(sorted(of_cells.items()))}


def luts_of_unit() -> Figures:
    """LUTs of the matrix-vector unit of one layer of the large network."""
    cells = _synthesise(LARGE, f"{LAYER}.u_mvu").values()
    return {f"LUT of {LARGE}": {f"{LAYER}.u_mvu": sum(counts["lut"] for counts in cells)}}


def cycles() -> Figures:
    """Cycles a fragment of every shipped network at one sample a cycle, by formula."""
    found = {}
    for model in shipped_models():
        found[model] = choose_folding(find_model(model).network).cycles
    return {"cycles": found}


def simulated() -> Figures:
    """Cycles a fragment and latency of one network, as Verilator counts them."""
    from performance_measure import simulate

    network = find_model(SIMULATED).network
    figures = simulate(network, choose_folding(network), SIMULATED)
    kept = ("cycles_per_fragment", "latency_cycles")
    return {f"simulated {SIMULATED}": {name: figures[name] for name in kept}}


def risen(measured: Figures, reference: Figures) -> list[str]:
    """A line for each figure that rose by more than the tolerance, or that has no reference.

    Single cells are not guarded; beside a layer that rose stand its cells that grew.
    """
    lines = []
    for group, figures in measured.items():
        if group.startswith(_CELLS):
            continue
        for name, now in figures.items():
            before = reference.get(group, {}).get(name)
            if before is None:
                lines.append(f"{group}, {name}: {now:g}, and no reference; {UPDATE}")
            elif now > before * (1 + TOLERANCE):
                rise = f"{before:g} before, {now:g} now ({100 * (now / before - 1):+.1f} %)"
                cells = _grown(
                    name, measured.get(_CELLS + group, {}), reference.get(_CELLS + group, {})
                )
                lines.append(f"{group}, {name}: {rise}{cells}; {UPDATE}")
    return lines


def _grown(layer: str, now: Mapping[str, float], before: Mapping[str, float]) -> str:
    """The cells of ``layer`` that grew, the one that grew most first."""
    growth = {cell: luts - before.get(cell, 0) for cell, luts in now.items()}
    most = sorted(growth.items(), key=lambda item: (-item[1], item[0]))
    mine = [
        f"{cell} {more:+g}"
        for cell, more in most
        if more > 0 and layer in ("all", cell.split(".")[0])
    ]
    return f", {', '.join(mine[:4])}" if mine else ""


def main() -> int:
    """Measure, then compare or store; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--update", action="store_true", help="store what was measured")
    arguments = parser.parse_args()
    measured = {**cycles(), **luts_of_unit(), **luts_of_layers(), **simulated()}
    if arguments.update:
        write_text(REFERENCE, json.dumps(measured, indent=1) + "\n")
    for group, figures in measured.items():
        if not group.startswith(_CELLS):
            print(f"{group}: " + ", ".join(f"{name} {n:g}" for name, n in figures.items()))
    lines = risen(measured, read_reference())
    print("\n".join(lines) if lines else "nothing rose by more than the tolerance")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
