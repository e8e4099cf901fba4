"""One command for the figures of the hardware: measures what changed, writes docs/performance.md.

    python benchmarks/performance.py                    # all; resumes, and skips what is the same
    python benchmarks/performance.py --only folds,xc7   # some of it: a part, or a target by name
    python benchmarks/performance.py --render           # the page from what is stored, in seconds
    python benchmarks/performance.py --check            # whether the page is that, and of today

Parts are targets (Yosys and nextpnr), folds (Yosys), simulations (Verilator), popcount (Yosys) and
speed. Results lie in performance_results.json, each with a digest of the hardware, the folding and the
network it was measured from, so after a change only what it touches is measured again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from performance_measure import (
    MODEL,
    measure_folds,
    measure_simulations,
    measure_targets,
    stale,
)
from performance_picture import picture, same_picture
from performance_programs import measure_popcount, measure_speed
from performance_report import read_notes, render_page
from performance_store import PARTS, RESULTS, read_results

from bnn_hw.errors import UserError
from bnn_hw.files import write_bytes, write_text
from bnn_hw.generate.fpga_targets import TARGETS

_DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = _DOCS / "performance.md"
PICTURE = _DOCS / "performance/luts.svg"


def rendered(path: Path = RESULTS) -> tuple[str, bytes]:
    """Page and picture of what is stored."""
    results, notes = read_results(path), read_notes()
    [full_rate] = [point for point in notes["points"] if point["from"] == "xc7"]
    return render_page(results, notes), picture(results["folds"], full_rate, MODEL)


def check(path: Path = RESULTS) -> list[str]:
    """What is wrong with the page: not what is stored, or of another network than ships."""
    page, drawn = rendered(path)
    wrong = []
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page:
        wrong.append(f"{PAGE} is not what the stored results give")
    if not PICTURE.is_file() or not same_picture(PICTURE.read_bytes(), drawn):
        wrong.append(f"{PICTURE} is not what the stored results give")
    return wrong + [
        f"{entry} was measured on another network" for entry in stale(read_results(path))
    ]


def _write(path: Path) -> None:
    page, drawn = rendered(path)
    PICTURE.parent.mkdir(exist_ok=True)
    write_bytes(PICTURE, drawn)
    write_text(PAGE, page)
    print(f"written {PAGE} and {PICTURE}")


def main() -> int:
    """Measure what is missing and write, or check; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", metavar="PART,...", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--most-luts", type=int, default=40_000, help="largest folding for Yosys")
    parser.add_argument("--jobs", type=int, default=1, help="foldings in Yosys at once [1]")
    parser.add_argument("--render", action="store_true", help="write the page, measure nothing")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if not so")
    arguments = parser.parse_args()
    only = {name for name in arguments.only.split(",") if name}
    if only - {*PARTS, *TARGETS}:
        parser.error(f"--only takes {', '.join((*PARTS, *TARGETS))}")
    if arguments.check:
        wrong = check()
        print(
            "\n".join(f"{line}; run 'python benchmarks/performance.py'" for line in wrong) or "good"
        )
        return 1 if wrong else 0
    targets = only & set(TARGETS)
    parts: dict[str, Callable[[], None]] = {
        "simulations": partial(measure_simulations, RESULTS, _say),
        "targets": partial(measure_targets, targets, RESULTS, _say),
        "folds": partial(measure_folds, RESULTS, arguments.most_luts, arguments.jobs, _say),
        "popcount": partial(measure_popcount, RESULTS, _say),
        "speed": partial(measure_speed, RESULTS, _say),
    }
    failed = False
    for name, part in {} if arguments.render else parts.items():
        if only and name not in only and not (name == "targets" and targets):
            continue
        try:
            part()
        except UserError as error:
            # The others are worth their time all the same.
            print(f"performance: error: {name}: {error}", file=sys.stderr)
            failed = True
    _write(RESULTS)
    return 2 if failed else 0


def _say(line: str) -> None:
    print(f"performance: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
