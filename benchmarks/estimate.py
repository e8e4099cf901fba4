"""Fit the estimator of bnn_hw to Yosys, and check it on designs that the fit has not seen.

    python benchmarks/estimate.py --measure [--family xc7]   # Yosys, half an hour; only what is missing
    python benchmarks/estimate.py --fit                      # coefficients into the package
    python benchmarks/estimate.py --check                    # table of the held-out designs

Measured points lie in benchmarks/estimate_points.json with the digest of the cells they were made
from; after a change of rtl/ they are measured anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from estimate_designs import Design, designs
from scipy.optimize import nnls

from bnn_hw.assets import rtl_dir
from bnn_hw.generate.estimate import COEFFICIENTS, RESOURCES, estimate
from bnn_hw.generate.estimate_stages import BlockTerms
from bnn_hw.generate.estimate_terms import (
    CellTerms,
    error_fifo_terms,
    framer_terms,
    head_terms,
)
from bnn_hw.generate.folding import Fold, score_pairs

POINTS = Path(__file__).with_name("estimate_points.json")
WORST = 0.10
_RIDGE = 0.03
# Terms of the matrix-vector unit over bits that are written as LUTs; what the points leave open is
# settled towards 1.
_LUT_TERMS = {
    *("accumulate", "counter", "full_adder", "join_bit", "product", "rom", "select", "tally_lut"),
}

Counts = dict[str, float]
Floats = npt.NDArray[np.float64]


def cells_digest() -> str:
    """sha256 over the names and texts of all cells of a network."""
    digest = hashlib.sha256()
    for path in sorted(rtl_dir().glob("*.sv")):
        if path.name.startswith("bnn_axil"):
            continue  # beside the network, not in it
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_points() -> dict[str, Any]:
    """The stored measurements: by family, then by design."""
    return json.loads(POINTS.read_text()) if POINTS.is_file() else {"families": {}}


def made_from(design: Design) -> dict[str, Any]:
    """What a measurement belongs to, besides the cells."""
    folds = zip(design.network.blocks, design.folding.folds, strict=True)
    return {
        "network": design.network.digest(),
        "folding": {block.name: _fold_text(fold) for block, fold in folds},
    }


def _fold_text(fold: Fold) -> str:
    """PE and SIMD, and what else is not as it is by default."""
    text = f"{fold.pe}x{fold.simd}"
    text += f", {fold.digits} digits" if fold.digits > 1 else ""
    return text + (f", {fold.block_bits} bits in block RAM" if fold.block_bits else "")


def measured(design: Design, family: str) -> dict[str, Counts] | None:
    """Stored counts of ``design`` by cell; None where there are none of this network and folding."""
    point = read_points()["families"].get(family, {}).get(design.name)
    if point is None or not made_from(design).items() <= point.items():
        return None
    found: dict[str, Counts] = point["measured"]
    return found


def measure(family: str, only: str) -> None:
    """Synthesise every design whose measurement is missing or of other cells."""
    from estimate_synthesis import synthesise

    digest = cells_digest()
    for design in designs():
        points = read_points()
        of_family = points["families"].setdefault(family, {})
        source = {"cells_digest": digest, **made_from(design)}
        asked = any(part in design.name for part in only.split(","))
        if not asked or source.items() <= of_family.get(design.name, {}).items():
            continue
        start = time.monotonic()
        found = synthesise(design, family, keep_cells=not design.held_out)
        of_family[design.name] = {"held_out": design.held_out, **source, "measured": found}
        beside = POINTS.with_suffix(".new")
        beside.write_text(json.dumps(points, indent=1) + "\n")
        os.replace(beside, POINTS)
        luts = sum(counts["lut"] for counts in found.values())
        print(f"{family} {design.name}: {luts} LUT, {time.monotonic() - start:.0f} s", flush=True)


def cells_of(design: Design) -> Iterator[tuple[str, CellTerms]]:
    """Every cell of a design with its path, as :mod:`estimate_synthesis` names it."""
    before = None
    for block, fold in zip(design.network.blocks, design.folding.folds, strict=True):
        terms = BlockTerms(block)
        for cell in (terms.input_fifo(fold, before), *terms.cells(fold)):
            yield f"{block.name}.{cell.instance}", cell
        before = block, fold
        lanes = terms.lanes(fold)
    for cell in (framer_terms(design.network), error_fifo_terms()):
        yield cell.instance, cell
    pairs = score_pairs(design.network, design.folding.folds[-1])
    yield "u_bnn_head", head_terms(design.network, *lanes, pairs)


def fit(family: str) -> None:
    """Least squares of relative errors with coefficients of at least 0, cell kind by cell kind."""
    rows: dict[str, list[tuple[CellTerms, Counts]]] = defaultdict(list)
    for design in designs():
        found = None if design.held_out else measured(design, family)
        if found is None:
            continue
        nothing: Counts = dict.fromkeys(RESOURCES, 0)
        for path, cell in cells_of(design):
            if design.only not in (None, path):
                continue
            rows[cell.kind].append((cell, found.get(path, nothing)))
    coefficients: dict[str, Any] = {}
    for kind, cells in sorted(rows.items()):
        names = sorted({name for cell, _ in cells for name in cell.terms})
        matrix = np.array([[cell.terms[name] for name in names] for cell, _ in cells], dtype=float)
        coefficients[kind] = {}
        for resource in RESOURCES:
            counts = np.array([found[resource] for _, found in cells], dtype=float)
            # Relative errors, and those of a handful of LUTs no more than they matter.
            weight = 1 / (counts + 10)
            guess = [kind == "bits" and resource == "lut" and n in _LUT_TERMS for n in names]
            prior = np.array(guess, dtype=float)
            solution = _solve(matrix * weight[:, None], counts * weight, prior)
            fitted = matrix @ solution
            error = np.abs(fitted - counts) / (counts + 10)
            coefficients[kind][resource] = dict(
                zip(names, [round(float(value), 4) for value in solution], strict=True)
            )
            if resource == "lut":
                print(
                    f"{family} {kind:<20} {len(cells):>3} cells, error mean {error.mean():.1%} "
                    f"worst {error.max():.1%}  {coefficients[kind]['lut']}"
                )
    stored: dict[str, Any] = {"families": {}}
    if COEFFICIENTS.is_file():
        stored = json.loads(COEFFICIENTS.read_text())
    stored["families"][family] = coefficients
    COEFFICIENTS.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")


def _solve(matrix: Floats, counts: Floats, prior: Floats) -> Floats:
    """Least squares with coefficients of at least 0.

    A weak ridge around ``prior`` shares among terms what the points cannot tell apart, instead of
    giving all of it to one of them.
    """
    size = np.sqrt((matrix**2).mean(axis=0)) + 1e-9
    ridge = np.diag(size * _RIDGE)
    solution: Floats
    solution, _ = nnls(np.vstack([matrix, ridge]), np.concatenate([counts, ridge @ prior]))
    return solution


def check(family: str) -> bool:
    """Print estimate beside measurement of every held-out design; whether all are within 10 %."""
    good, compared = True, 0
    for design in designs():
        found = measured(design, family)
        if found is None or design.only is not None:
            continue
        estimated = estimate(design.network, design.folding, family)
        errors = []
        for resource in ("lut", "ff", "ram"):
            counted = sum(counts[resource] for counts in found.values())
            guess = getattr(estimated, resource)
            errors.append(
                f"{resource} {counted:>6} {guess:>6} {guess / max(1, counted) - 1:>+7.1%}"
            )
            if resource == "lut" and design.held_out:
                good &= abs(guess - counted) <= WORST * counted
                compared += 1
        print(f"{family} {design.name:<16} {'   '.join(errors)}")
    stale = [
        name
        for name, point in read_points()["families"].get(family, {}).items()
        if point["cells_digest"] != cells_digest()
    ]
    print(f"{family}: {compared} held-out designs compared, {len(stale)} points of other cells")
    return good and compared > 0


def main() -> None:
    """Run what was asked for, in the order measure, fit, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for step in ("measure", "fit", "check"):
        parser.add_argument(f"--{step}", action="store_true")
    parser.add_argument("--family", action="append", choices=("xc7", "ecp5", "ice40"))
    parser.add_argument(
        "--only", default="", metavar="TEXT,...", help="measure designs with this in their name"
    )
    arguments = parser.parse_args()
    good = True
    for family in arguments.family or ["xc7"]:
        if arguments.measure:
            measure(family, arguments.only)
        if arguments.fit:
            fit(family)
        if arguments.check:
            good &= check(family)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
