"""``python -m bnn_hw.simulate``: cocotb benches of every cell, then of whole networks on real ECG.

What ``make sim`` calls. Prints a line a bench as each ends and a table at the end; the exit status
is 0 when everything passed, 1 when something failed, 2 for wrong use or a missing tool.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bnn_hw.errors import UserError
from bnn_hw.simulate.benches import cell_benches, cell_names, run_cell, run_illegal
from bnn_hw.simulate.cocotb_runner import BenchRun, Simulator, check_simulator, summary
from bnn_hw.simulate.network_bench import run_shipped, run_small, small_names
from bnn_hw.simulate.registers_bench import SMALL, run_shipped_registers, run_small_registers
from bnn_hw.simulate.tools import run_side_by_side

DEFAULT_MODEL = "ecg17"
DEFAULT_WORK = Path("build") / "sim"

# A bench by its name and what runs it.
Bench = tuple[str, Callable[[], BenchRun]]


def benches(simulator: Simulator, model: str, fast: bool, work: Path) -> list[Bench]:
    """Every bench in the order in which they run: small things first."""
    found: list[Bench] = []
    for cell in cell_names():
        found.append((cell, partial(run_cell, cell, simulator, work)))
        if cell in cell_benches():
            found.append((f"{cell}, illegal", partial(run_illegal, cell, simulator, work)))
    for name in _chosen_networks(simulator, fast):
        found.append((f"network {name}", partial(run_small, name, simulator, work)))
    for name in SMALL[:1] if fast else SMALL:
        found.append((f"registers {name}", partial(run_small_registers, name, simulator, work)))
    found.append((f"network {model}", partial(run_shipped, model, simulator, work, fast)))
    found.append((f"registers {model}", partial(run_shipped_registers, model, simulator, work)))
    return found


def _chosen_networks(simulator: Simulator, fast: bool) -> list[str]:
    """All in Icarus; every other one in Verilator, which builds for half a minute each."""
    names = small_names()
    if fast:
        return names[:1]
    return names if simulator is Simulator.ICARUS else names[1::2]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bnn_hw.simulate",
        description="cocotb benches of every cell, then whole networks on real ECG against golden.",
    )
    names = [simulator.value for simulator in Simulator]
    parser.add_argument("--sim", choices=names, default=names[0], help="simulator [%(default)s]")
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help="shipped network, or a frozen network's file [%(default)s]",
    )
    parser.add_argument("--only", metavar="REGEX", help="only benches whose name matches")
    parser.add_argument(
        "--fast", action="store_true", help="one small network, and the model without pauses"
    )
    parser.add_argument(
        "--work", type=Path, default=DEFAULT_WORK, help="folder for builds and logs [%(default)s]"
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run the benches that the arguments ask for; gives the exit status."""
    arguments = _arguments(words)
    simulator = Simulator(arguments.sim)
    try:
        wanted = re.compile(arguments.only or "")
    except re.error as problem:
        print(
            f"error: --only {arguments.only!r} is no regular expression: {problem}", file=sys.stderr
        )
        return 2
    try:
        check_simulator(simulator)
        found = benches(simulator, arguments.model, arguments.fast, arguments.work)
        chosen = [bench for bench in found if wanted.search(bench[0])]
        if not chosen:
            names = ", ".join(name for name, _ in found)
            raise UserError(f"--only {arguments.only!r} matches no bench; there are: {names}")
        print(f"{len(chosen)} benches in {simulator.value}, two at a time", flush=True)
        numbers = itertools.count(1)

        def run_and_tell(name: str, run_it: Callable[[], BenchRun]) -> BenchRun:
            run = run_it()
            print(
                f"[{next(numbers)}/{len(chosen)}] {name}: {run.verdict} "
                f"({run.tests} tests, {run.seconds:.1f} s)\n",
                end="",  # the line in one piece: the other thread prints too
                flush=True,
            )
            return run

        runs = run_side_by_side([partial(run_and_tell, *bench) for bench in chosen])
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print()
    print(summary(runs))
    for run in runs:
        if not run.passed:
            print(f"log of {run.name}: {run.folder}")
    print(f"results, logs and builds: {(arguments.work / simulator.value).resolve()}")
    return 0 if all(run.passed for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
