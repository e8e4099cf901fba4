"""Folding for logic cells: the best of all foldings by its own model, within cycles and block RAM."""

import json
from itertools import product

import pytest

from bnn_hw.cli import main
from bnn_hw.cli.models import find_model
from bnn_hw.errors import UserError
from bnn_hw.generate.folding import fastest, folding_of
from bnn_hw.generate.fpga_targets import TARGETS
from bnn_hw.generate.logic_cells import _options, block_rams, solve_logic_cells
from bnn_hw.generate.plan import build_plan
from tests.simulate.nets import small_network

NETWORK = small_network()


@pytest.mark.parametrize("rams", [0, 2, 5, 30])
@pytest.mark.parametrize("times", [1, 3, 12])
def test_no_other_folding_takes_fewer_cells(rams, times):
    cycles = times * fastest(NETWORK).cycles
    every = product(*(list(_options(NETWORK, block, cycles)) for block in NETWORK.blocks))
    legal = [choice for choice in every if sum(option.rams for option in choice) <= rams]
    least = min(sum(option.cells for option in choice) for choice in legal)
    folding = solve_logic_cells(NETWORK, cycles, rams)
    assert folding.cycles <= cycles
    of_folds = {
        tuple(fold for option in choice for fold in option.folds): sum(o.cells for o in choice)
        for choice in legal
    }
    assert of_folds[folding.folds] == pytest.approx(least)


def test_too_few_cycles_are_refused_with_the_fewest():
    limit = fastest(NETWORK).cycles
    with pytest.raises(UserError, match=f"nearest legal is {limit}"):
        solve_logic_cells(NETWORK, limit - 1, 30)


@pytest.mark.parametrize(
    ("bits", "words", "rams"),
    [(16, 256, 1), (17, 3, 2), (8, 257, 1), (9, 512, 2), (4, 1024, 1), (2, 2048, 1), (2, 2049, 2)],
)
def test_block_rams_by_width_and_depth(bits, words, rams):
    assert block_rams(bits, words) == rams


@pytest.mark.parametrize("model", ["ecg17", "ecg5"])
def test_the_small_device_gets_windows_and_weights_in_memory(model):
    network, target = find_model(model).network, TARGETS["up5k"]
    folding = solve_logic_cells(network, target.cycles, target.block_rams)
    assert folding == folding_of(network, folding.folds)
    assert folding.cycles <= 100_000
    for stage in build_plan(network, folding).stages:
        assert stage.ring_depth >= 2 * stage.kernel + 2, stage.name
        assert stage.block_bits == stage.weight_bits, stage.name


def test_generate_folds_for_a_device_as_synth_does(capfd):
    assert main(["generate", "ecg17", "--target", "up5k", "--estimate", "--json"]) == 0
    shown = json.loads(capfd.readouterr().out)
    target = TARGETS["up5k"]
    folding = solve_logic_cells(find_model("ecg17").network, target.cycles, target.block_rams)
    found = [(layer["pe"], layer["simd"]) for layer in shown["folding"].values()]
    assert found == [(fold.pe, fold.simd) for fold in folding.folds]
    assert shown["cycles_per_fragment"] == folding.cycles


@pytest.mark.parametrize("beside", [["--latency", "600"], ["--rom", "lut"], ["--clock", "12"]])
def test_a_device_and_another_goal_are_refused_in_one_line(capfd, beside):
    assert main(["generate", "ecg17", "--target", "up5k", *beside]) == 2
    errors = capfd.readouterr().err
    assert "--target folds as" in errors and errors.count("\n") == 1
