"""The bench of the AXI4-Lite block and its software, over whole networks on real ECG.

Generates each network with the block into a build folder of its own below the work folder, compiles
the C example of its hand-off, and runs ``sim/network/test_registers.py`` and ``test_software.py``:
cocotbext-axi drives the registers, then the rendered PYNQ driver and the rendered C do. Gives a
:class:`bnn_hw.simulate.cocotb_runner.BenchRun` each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.assets import sim_dir
from bnn_hw.generate.build import Build, generate
from bnn_hw.generate.folding import Folding, default_cycles
from bnn_hw.generate.solver import solve
from bnn_hw.ir import Network
from bnn_hw.simulate.benches import bench_module
from bnn_hw.simulate.cocotb_runner import BenchJob, BenchRun, Simulator, run_bench
from bnn_hw.simulate.lint import build_files
from bnn_hw.simulate.network_bench import (
    SHIPPED_FRAGMENTS,
    SHIPPED_TIMEOUT_S,
    SMALL_FRAGMENTS,
    find_network,
    shipped_samples,
)
from bnn_hw.simulate.tools import check_tool, find_gxx

# Small networks that have the block: results of 32 bits, and of 64.
SMALL = ("classic_solved", "points_slowest")
C_FRAGMENTS = 3
_COMPILE_TIMEOUT_S = 120.0


def run_small_registers(name: str, simulator: Simulator, work: Path) -> BenchRun:
    """Run a small network with registers through every test of the bench."""
    networks = bench_module("network.networks")
    case = networks.small_networks()[name]
    samples = networks.ecg_for(case.network, SMALL_FRAGMENTS)
    return _run(name, case.network, case.folding, samples, simulator, work, fast=False)


def run_shipped_registers(model: str, simulator: Simulator, work: Path) -> BenchRun:
    """Run a shipped network, or a frozen one by its path, with registers through the short tests.

    What the others test is not the network's: the small ones show it.
    """
    network = find_network(model)
    folding = solve(network, default_cycles(network))
    samples = shipped_samples(network, SHIPPED_FRAGMENTS)
    return _run(network.name, network, folding, samples, simulator, work, fast=True)


def _run(
    name: str,
    network: Network,
    folding: Folding,
    samples: npt.NDArray[np.integer[Any]],
    simulator: Simulator,
    work: Path,
    fast: bool,
) -> BenchRun:
    build = generate(network, folding, work / "registers" / name, samples, axi_lite=True)
    return run_registers(name, build, samples, simulator, work, fast)


def run_registers(
    name: str,
    build: Build,
    samples: npt.NDArray[np.integer[Any]],
    simulator: Simulator,
    work: Path,
    fast: bool,
) -> BenchRun:
    """Run the bench over a build folder that has the block, as it lies there."""
    sample_file = work / "registers" / f"{name}.npy"
    np.save(sample_file, samples)
    environment = {
        "BNN_BUILD": str(build.path.resolve()),
        "BNN_SAMPLES": str(sample_file.resolve()),
        "BNN_FAST": "1" if fast else "0",
    }
    for variant, options in (("POLLED", ()), ("INTERRUPT", ("USE_INTERRUPT",))):
        library = compile_example(build, work / "registers" / f"{name}_{variant}.so", options)
        environment[f"BNN_C_{variant}"] = str(library.resolve())
    job = BenchJob(
        name=f"registers {name}",
        module="sim.network.test_registers,sim.network.test_software",
        top=build.top,
        sources=tuple(build_files(build.path)),
        environment=environment,
        timeout_s=SHIPPED_TIMEOUT_S,
    )
    return run_bench(job, simulator, work)


def compile_example(build: Build, library: Path, defined: tuple[str, ...]) -> Path:
    """The C example of a build folder as a library whose registers the bench reaches.

    ``sim/network/host_bus.h`` hands its reads, writes, waits and printing to the bench.

    Raises
    ------
    ToolFailed
        When it does not compile without a warning.
    """
    prefix = build.plan.name.upper()
    macros = [
        f"{prefix}_READ(offset)=host_read(offset)",
        f"{prefix}_WRITE(offset,value)=host_write(offset,value)",
        f"{prefix}_WAIT()=host_wait({build.plan.name}_interrupt)",
        f"{prefix}_RESULTS={C_FRAGMENTS}u",
        "main=example_main",
        *(f"{prefix}_{name}" for name in defined),
    ]
    flags = "-x c -std=c11 -O1 -Wall -Wextra -Werror -pedantic -shared -fPIC".split()
    check_tool(
        "C example",
        [
            str(find_gxx()),
            *flags,
            *(f"-D{macro}" for macro in macros),
            "-include",
            str(sim_dir() / "network" / "host_bus.h"),
            str(build.path / "handoff" / "main.c"),
            "-o",
            str(library),
        ],
        timeout_s=_COMPILE_TIMEOUT_S,
    )
    return library
