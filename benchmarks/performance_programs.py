"""Measurements of benchmarks/performance.py that other benchmarks and simulations make.

Popcounts by benchmarks/popcount.py, row by row; and fragments a second of the golden models, the C
simulation and the Verilated RTL in one run, as ratios. Gives entries for :mod:`performance_store`.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import golden
import numpy as np
import numpy.typing as npt
import popcount
from performance_measure import MODEL, WORK, Say, rtl_texts
from performance_store import keep_only, key_of, read_results, store

from bnn_hw.assets import rtl_dir
from bnn_hw.cli.models import find_model
from bnn_hw.errors import UserError
from bnn_hw.generate.build import generate
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.plan import StagePlan
from bnn_hw.golden import PackedNetwork, plain
from bnn_hw.simulate.csim import compile_csim, run_csim
from bnn_hw.simulate.verilator import compile_verilator, run_verilator
from bnn_hw.verify.fragments import demo_samples

# Fragments of each row; the slow ones get fewer.
_FRAGMENTS = {"packed golden": 2048, "torch eval": 256, "plain golden": 128}
_SIMULATED = {"C simulation": 128, "Verilated RTL": 64}


def measure_popcount(path: Path, say: Say) -> None:
    """A row for each binary layer with its weights in ROM, and two with constant weights."""
    network = find_model(MODEL).network
    folding = choose_folding(network)
    cells = {file.name: file.read_text(encoding="utf-8") for file in rtl_dir().glob("bnn_*.sv")}
    cells = {name: text for name, text in cells.items() if not name.startswith("bnn_axil")}
    cells["popcount.sv"] = Path(popcount.__file__).with_name("popcount.sv").read_text("utf-8")
    rows: list[tuple[str, str, StagePlan]] = [
        (stage.name, "ROM", stage) for stage in popcount.binary_stages(network, folding)
    ]
    for stage in popcount.unrolled_stages(network, folding):
        rows.append((f"{stage.name} unrolled", "constants", stage))
    for name, weights, stage in rows:
        shape = f"{stage.pe} {stage.simd} {stage.nf} {stage.sf} {stage.sum_bits}"
        contents = f"{stage.weight_words} {stage.thresholds}"
        key = key_of(cells, shape, contents, version("pyosys"))
        if read_results(path)["popcount"].get(name, {}).get("key") == key:
            continue
        say(f"popcount of {name}: Yosys, twice")
        row = popcount.measure(stage.name, stage)
        facts = {"weights": weights, "pe": stage.pe, "simd": stage.simd}
        steps = stage.nf * stage.sf
        entry = {"key": key, "network": network.digest(), "steps": steps, **facts, **asdict(row)}
        store("popcount", name, entry, path)
    keep_only("popcount", {name for name, _, _ in rows}, path)


def measure_speed(path: Path, say: Say) -> None:
    """Process time of every program that computes the network, one after the other on one core.

    Raises
    ------
    UserError
        When two of them disagree on a class.
    """
    network = find_model(MODEL).network
    folding = choose_folding(network)
    key = key_of(rtl_texts(network, folding), network.digest(), version("numpy"))
    if read_results(path)["speed"].get("all", {}).get("key") == key:
        return
    say("fragments a second of the programs")
    build = generate(network, folding, WORK / f"{MODEL}_default", demo_samples(network, 4))
    csim = compile_csim(build.path, WORK / "csim")
    verilated = compile_verilator(build.path, build.plan, WORK / "simulations")
    packed = PackedNetwork(network)
    programs: dict[str, Callable[[golden.Samples], golden.Classes]] = {
        "packed golden": lambda part: packed.run(part).classes,
        "plain golden": lambda part: plain.run(network, part).classes,
        "torch eval": golden.torch_classes(network),
    }
    real = demo_samples(network, 8)
    samples = np.tile(real, (_FRAGMENTS["packed golden"] // len(real), 1, 1))
    expected = packed.run(real).classes
    speeds: dict[str, float] = {}
    for name, classes in programs.items():
        row, found = golden.measure(name, classes, samples[: _FRAGMENTS[name]])
        _check(name, found, expected)
        speeds[name] = row.per_second

    some = samples[: _SIMULATED["C simulation"]]
    start = _children()
    _check("C simulation", run_csim(csim, some).classes, expected)
    speeds["C simulation"] = len(some) / (_children() - start)
    some = samples[: _SIMULATED["Verilated RTL"]]
    start = _children()
    run = run_verilator(verilated, build.plan, some, WORK / "taps", taps=False)
    speeds["Verilated RTL"] = run.fragments / (_children() - start)
    entry = {
        "key": key,
        "network": network.digest(),
        "fragments_per_s": {name: round(speed, 1) for name, speed in speeds.items()},
        "verilated_cycles_per_s": round(speeds["Verilated RTL"] * folding.cycles),
    }
    store("speed", "all", entry, path)


def _check(name: str, found: npt.NDArray[np.int64], expected: npt.NDArray[np.int64]) -> None:
    if not np.array_equal(found, np.resize(expected, len(found))):
        raise UserError(
            f"{name} gives other classes than packed golden: run 'bnn-hw verify {MODEL}'"
        )


def _children() -> float:
    """Processor time of finished child processes, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
