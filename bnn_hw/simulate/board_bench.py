"""The bench of a network on a board: its serial line in, its serial line out, against golden.

Renders the board's top of the hand-off around a small network and runs ``sim/board/test_board.py``
over it; gives a :class:`bnn_hw.simulate.cocotb_runner.BenchRun`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bnn_hw.files import write_text
from bnn_hw.generate.folding import Folding
from bnn_hw.generate.open_flow import FOLDER, render_open_flow
from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.rtl import render_rtl
from bnn_hw.ir import Network, save_network
from bnn_hw.simulate.cocotb_runner import BenchJob, BenchRun, Simulator, run_bench
from bnn_hw.simulate.lint import build_files

TIMEOUT_S = 800.0
# Few, for a bench's time goes into the bits on the line.
_CLOCKS_PER_BIT = 4


def run_board(
    network: Network, folding: Folding, samples: np.ndarray, simulator: Simulator, work: Path
) -> BenchRun:
    """Run the board's bench on ``network`` at ``folding``.

    Parameters
    ----------
    samples
        Fragments to send, ``(fragments, channels, samples)`` integers as the network takes them.
    """
    plan = build_plan(network, folding)
    name = f"board {network.name}"
    build = (work / "boards" / network.name).resolve()
    files = {**render_rtl(plan), **render_open_flow(plan)}
    for path, text in files.items():
        write_text(build / path, text)
    save_network(network, build / "network.json")
    np.save(build / "samples.npy", samples)
    board = sorted(build / path for path in files if path.startswith(f"{FOLDER}/rtl/"))
    job = BenchJob(
        name=name,
        module="sim.board.test_board",
        top=f"{plan.name}_board",
        sources=(*build_files(build), *board),
        environment={"BNN_BOARD": str(build), "BNN_RESULT_BYTES": str(plan.result_bits // 8)},
        parameters={"ClocksPerBit": _CLOCKS_PER_BIT},
        timeout_s=TIMEOUT_S,
    )
    return run_bench(job, simulator, work)
