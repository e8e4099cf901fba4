"""Cycles and latency of an estimate against the simulated hardware: equal, not close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnn_hw.assets import models_dir
from bnn_hw.generate.build import generate
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.estimate import estimate
from bnn_hw.generate.folding import Fold, fastest, folding_of, override
from bnn_hw.generate.solver import Goal, solve, solve_fastest, solve_smallest
from bnn_hw.ir import Head, NetworkInput
from bnn_hw.ir.file import load_network
from bnn_hw.simulate.icarus import compile_icarus, run_icarus
from tests.simulate.nets import small_network

FRAGMENTS = 6
SAMPLES = 240
# With coefficients of one bit the head is done with its scores before the next fragment needs it, but
# for the fastest foldings; a busy head is an upper bound, not exact.
NETWORK = replace(
    small_network(),
    input=NetworkInput(SAMPLES, 5),
    layers=(*small_network().layers[:-1], Head((-1, 0, -1, 0), (0, -1, -1, 0), (0, 0, 0, 0), 4)),
)

FOLDINGS = {
    "fastest": solve_fastest(NETWORK),
    "smallest": solve_smallest(NETWORK),
    "half": solve(NETWORK, 2 * fastest(NETWORK).cycles),
    "tenth": solve(NETWORK, 10 * fastest(NETWORK).cycles),
    "first layer": override(NETWORK, fastest(NETWORK), {"conv1": (1, 1)}),
    "middle layer": override(NETWORK, fastest(NETWORK), {"conv2": (1, 3)}),
    "two samples": fastest(NETWORK, 2),
    "two samples, folded": folding_of(NETWORK, solve(NETWORK, 900).folds, 2),
    "last layer": override(NETWORK, fastest(NETWORK), {"conv3": (2, 1)}),
    "digits": override(NETWORK, fastest(NETWORK), {"conv1": Fold(4, 5, digits=2)}),
    "more digits than the stride": override(
        NETWORK, fastest(NETWORK), {"conv1": Fold(4, 5, digits=4)}
    ),
    "block RAM": override(NETWORK, fastest(NETWORK), {"conv2": Fold(2, 4, block_bits=8)}),
    "part in block RAM": override(NETWORK, fastest(NETWORK), {"conv3": Fold(1, 6, block_bits=2)}),
    "soon": solve(NETWORK, 2 * fastest(NETWORK).cycles, goal=Goal(8, 60)),
}
# Those in which a slow stage holds up the samples: their latency is a bound.
HELD_UP = {
    *("smallest", "tenth", "half", "first layer", "middle layer", "last layer"),
    *("more digits than the stride", "block RAM", "two samples, folded"),
}
BUSY_HEAD = {"fastest", "two samples"}


@pytest.mark.parametrize("name", FOLDINGS)
def test_cycles_a_fragment_are_those_of_the_simulation(tmp_path, name):
    folding = FOLDINGS[name]
    head_free = folding.cycles == max(folding.beats, *folding.stage_cycles)
    assert head_free == (name not in BUSY_HEAD)
    rng = np.random.default_rng(3)
    samples = rng.integers(-16, 16, (FRAGMENTS, SAMPLES)).astype(np.int16)
    build = generate(NETWORK, folding, tmp_path / "build", samples[:1, None, :])
    design = compile_icarus(build.path, build.plan, tmp_path / "work")
    run = run_icarus(design, build.plan, samples, tmp_path / "taps")
    assert run.fragments == FRAGMENTS
    expected = estimate(NETWORK, folding)
    if head_free:
        assert run.cycles_per_fragment == expected.cycles
    else:
        assert run.cycles_per_fragment <= expected.cycles
    if name in HELD_UP:
        assert run.latency_cycles <= expected.latency
    else:
        assert run.latency_cycles == expected.latency


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_latency_of_a_shipped_network_is_that_of_the_simulation(tmp_path, name):
    network = load_network(models_dir() / f"{name}.json")
    folding = choose_folding(network)
    samples = np.random.default_rng(5).integers(-500, 500, (1, 3600)).astype(np.int16)
    build = generate(network, folding, tmp_path / "build", samples[:, None, :])
    design = compile_icarus(build.path, build.plan, tmp_path / "work")
    run = run_icarus(design, build.plan, samples, tmp_path / "taps")
    expected = estimate(network, folding)
    assert run.latency_cycles == expected.latency <= 600
