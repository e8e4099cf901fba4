"""The bench of the whole network: small networks that cross shapes and folds, then a shipped one.

Generates each into a build folder of its own below the work folder, gives it real ECG, and runs
``sim/network/test_network.py`` over its tap wrapper. Reads frozen networks and the shipped slices;
gives a :class:`bnn_hw.simulate.cocotb_runner.BenchRun` each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.assets import models_dir
from bnn_hw.ecg.preparation import prepare
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError
from bnn_hw.generate.build import generate
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.folding import Folding
from bnn_hw.ir import Network, load_network
from bnn_hw.simulate.benches import bench_module
from bnn_hw.simulate.cocotb_runner import BenchJob, BenchRun, Simulator, run_bench
from bnn_hw.simulate.design import taps_files

SMALL_FRAGMENTS = 4
SHIPPED_FRAGMENTS = 2
SMALL_TIMEOUT_S = 300.0
SHIPPED_TIMEOUT_S = 1200.0


def small_names() -> list[str]:
    """Names of the small networks."""
    return list(bench_module("network.networks").small_networks())


def run_small(name: str, simulator: Simulator, work: Path) -> BenchRun:
    """Run a small network through every test of the bench."""
    networks = bench_module("network.networks")
    case = networks.small_networks()[name]
    samples = networks.ecg_for(case.network, SMALL_FRAGMENTS)
    return _run(name, case.network, case.folding, samples, simulator, work, fast=False)


def run_shipped(model: str, simulator: Simulator, work: Path, fast: bool) -> BenchRun:
    """Run a shipped network, or a frozen one by its path, on real ECG.

    Back to back alone in Icarus, where a fragment takes seconds, and with ``fast``.
    """
    network = find_network(model)
    folding = choose_folding(network)
    samples = shipped_samples(network, SHIPPED_FRAGMENTS)
    alone = fast or simulator is Simulator.ICARUS
    return _run(network.name, network, folding, samples, simulator, work, fast=alone)


def find_network(model: str) -> Network:
    """A shipped network by its name, or a frozen one by its path.

    Raises
    ------
    UserError
        When there is no such network.
    """
    path = models_dir() / f"{model}.json"
    if not path.is_file():
        path = Path(model)
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in models_dir().glob("*.json"))) or "none"
        raise UserError(f"model {model!r} is neither a shipped network ({shipped}) nor a file")
    return load_network(path)


def shipped_samples(network: Network, fragments: int) -> npt.NDArray[np.int16]:
    """Real ECG as the network's input wants it: ``(fragments, 1, samples) int16``.

    Raises
    ------
    UserError
        When the network does not take ECG fragments.
    """
    take = network.input
    name = "ecg5" if network.classes == 5 else "ecg17"
    slices = load_slices("ecg5" if name == "ecg5" else "ecg17").samples
    if take.channels != 1 or take.samples != slices.shape[1]:
        raise UserError(
            f"network {network.name} takes {take.channels} channels of {take.samples} samples, the "
            f"shipped ECG has 1 of {slices.shape[1]}; simulate it with 'bnn-hw verify --input FILE'"
        )
    chosen = slices[np.linspace(0, len(slices) - 1, fragments).astype(int)]
    prepared = prepare(chosen, take.preparation, take.bits, take.peak, take.steps)
    return prepared[:, np.newaxis, :]


def _run(
    name: str,
    network: Network,
    folding: Folding,
    samples: npt.NDArray[np.integer[Any]],
    simulator: Simulator,
    work: Path,
    fast: bool,
) -> BenchRun:
    folder = work / "networks" / name
    build = generate(network, folding, folder, samples)
    sample_file = work / "networks" / f"{name}.npy"
    np.save(sample_file, samples)
    job = BenchJob(
        name=f"network {name}",
        module="sim.network.test_network",
        top=f"{network.name}_taps",
        sources=tuple(taps_files(folder, network.name)),
        environment={
            "BNN_BUILD": str(build.path.resolve()),
            "BNN_SAMPLES": str(sample_file.resolve()),
            "BNN_FAST": "1" if fast else "0",
        },
        timeout_s=SHIPPED_TIMEOUT_S if fast else SMALL_TIMEOUT_S,
    )
    return run_bench(job, simulator, work)
