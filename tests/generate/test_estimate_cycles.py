"""Cycles of an estimate against the simulated hardware, fragments back to back: equal, not close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnn_hw.generate.build import generate
from bnn_hw.generate.estimate import estimate
from bnn_hw.generate.folding import fastest, override
from bnn_hw.generate.solver import solve, solve_fastest, solve_smallest
from bnn_hw.ir import Head, NetworkInput
from bnn_hw.simulate.icarus import compile_icarus, run_icarus
from tests.simulate.nets import small_network

FRAGMENTS = 6
SAMPLES = 240
# With coefficients of one bit the head is done with its scores before the next fragment needs it; a
# busy head is an upper bound, not exact.
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
    "last layer": override(NETWORK, fastest(NETWORK), {"conv3": (2, 1)}),
}


@pytest.mark.parametrize("name", FOLDINGS)
def test_cycles_a_fragment_are_those_of_the_simulation(tmp_path, name):
    folding = FOLDINGS[name]
    assert folding.cycles == max(SAMPLES, *folding.stage_cycles), "the head holds nothing up here"
    rng = np.random.default_rng(3)
    samples = rng.integers(-16, 16, (FRAGMENTS, SAMPLES)).astype(np.int16)
    build = generate(NETWORK, folding, tmp_path / "build", samples[:1, None, :])
    design = compile_icarus(build.path, build.plan, tmp_path / "work")
    run = run_icarus(design, build.plan, samples, tmp_path / "taps")
    assert run.fragments == FRAGMENTS
    assert run.cycles_per_fragment == estimate(NETWORK, folding).cycles
