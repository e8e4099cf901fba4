"""Windows and delay lines in memories: bit-exact under stalls, and exactly as fast as the plan says."""

from dataclasses import replace

import numpy as np
import pytest

from bnn_hw.errors import UserError
from bnn_hw.generate.build import generate, open_build
from bnn_hw.generate.folding import Fold, fastest, override
from bnn_hw.generate.plan import build_plan
from bnn_hw.golden import plain
from bnn_hw.ir import Head, NetworkInput
from bnn_hw.simulate.icarus import compile_icarus, run_icarus
from bnn_hw.simulate.taps import compare

from .nets import small_network

FRAGMENTS = 5
SAMPLES = 120
# With coefficients of one bit the head is done before the next fragment needs it.
NETWORK = replace(
    small_network(),
    input=NetworkInput(SAMPLES, 5),
    layers=(*small_network().layers[:-1], Head((-1, 0, -1, 0), (0, -1, -1, 0), (0, 0, 0, 0), 4)),
)
FOLDINGS = {
    "slices": {
        "conv1": Fold(2, 1, ring=True),
        "conv2": Fold(1, 2, 2, ring=True),
        "conv3": Fold(1, 3, ring=True),
    },
    "words": {"conv1": Fold(4, 1, 4, ring=True), "conv2": Fold(2, 1, ring=True)},
    "behind registers": {"conv2": Fold(1, 4, ring=True), "conv3": Fold(1, 1, 1, ring=True)},
    "last alone": {"conv1": (1, 5), "conv3": Fold(2, 6, ring=True)},
}


def _samples() -> np.ndarray:
    return np.random.default_rng(3).integers(-16, 16, (FRAGMENTS, SAMPLES)).astype(np.int16)


@pytest.mark.parametrize("name", FOLDINGS)
def test_every_stream_equals_golden_and_cycles_are_the_plan_s(tmp_path, name):
    folding = override(NETWORK, fastest(NETWORK), FOLDINGS[name])
    samples = _samples()
    built = generate(NETWORK, folding, tmp_path / "build", samples[:1, None, :])
    build = open_build(built.path)
    assert build.plan == built.plan, "the manifest holds the whole folding"
    rings = {
        block.name for block, fold in zip(NETWORK.blocks, folding.folds, strict=True) if fold.ring
    }
    assert rings == {stage.name for stage in build.plan.stages if stage.ring_depth}
    design = compile_icarus(build.path, build.plan, tmp_path / "work")
    trace = plain.trace(NETWORK, samples)
    for stall_seed in (None, 1, 2):
        taps = tmp_path / f"taps{stall_seed}"
        run = run_icarus(design, build.plan, samples, taps, stall_seed=stall_seed)
        assert run.fragments == FRAGMENTS
        for comparison in compare(build.plan, taps, trace):
            assert comparison.passed and comparison.mismatches == 0, comparison
        if stall_seed is None:
            assert run.cycles_per_fragment == folding.cycles


def test_slices_pass_between_rings_where_the_beats_make_them_up():
    folding = override(NETWORK, fastest(NETWORK), FOLDINGS["slices"])
    plan = build_plan(NETWORK, folding)
    assert [stage.in_parts for stage in plan.stages] == [1, 2, 2]
    assert [stage.out_parts for stage in plan.stages] == [2, 2, 1]
    whole = build_plan(NETWORK, override(NETWORK, fastest(NETWORK), FOLDINGS["words"]))
    assert [stage.in_parts for stage in whole.stages] == [1, 1, 1]


@pytest.mark.parametrize("fold", [Fold(1, 3, ring=True), Fold(1, 12, ring=True)])
def test_a_ring_that_cannot_be_is_refused_in_one_line(fold):
    with pytest.raises(UserError, match="conv2: windows cannot be read from a memory") as refused:
        override(NETWORK, fastest(NETWORK), {"conv2": fold})
    assert "\n" not in str(refused.value)
