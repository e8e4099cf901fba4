"""Each single planted fault in the constants of the RTL must be found, and named."""

import pytest

from bnn_hw.simulate.constants import compare_constants, weight_rows
from bnn_hw.simulate.tools import ToolFailed

PACKAGE = "rtl/little_pkg.sv"
TOP = "rtl/little_top.sv"

# File, text, its replacement, the group of constants that must differ and what is said of it.
FAULTS = {
    "weight of the first layer": (
        PACKAGE,
        "10'h0c9",
        "10'h1c9",
        "conv1.weights",
        "conv1.weights, channel 3, tap 3, input channel 0: network 0, RTL 1",
    ),
    "weight": (PACKAGE, "12'he6b", "12'hc6b", "conv2.weights", "channel 5"),
    "weight of the last layer": (PACKAGE, "24'hca3eeb", "24'hca3eea", "conv3.weights", "channel 0"),
    "unknown weight": (PACKAGE, "12'h201", "12'h20x", "conv2.weights", "unknown bits"),
    "two channels swapped": (
        PACKAGE,
        "12'h201,  // step 2",
        "12'h210,  // step 2",
        "conv2.weights",
        "channel 0",
    ),
    "signed threshold": (
        PACKAGE,
        "8'hb3",
        "8'hb4",
        "conv1.thresholds",
        "conv1.thresholds, channel 2, side 0: network -77, RTL -76",
    ),
    "low threshold": (
        PACKAGE,
        "4'h7,  // low, channel 3",
        "4'h6,  // low, channel 3",
        "conv2.thresholds",
        "channel 3, side 0: network 7, RTL 6",
    ),
    "high threshold that is never reached": (
        PACKAGE,
        "4'hd,  // high, channel 4",
        "4'hc,  // high, channel 4",
        "conv2.thresholds",
        "channel 4, side 1: network 13, RTL 12",
    ),
    "polarity": (PACKAGE, "6'h1a", "6'h1b", "conv2.invert", "channel 0: network 0, RTL 1"),
    "padding": (PACKAGE, "4'hf  //", "4'he  //", "conv2.padding", "network 15, RTL 14"),
    "padding of the first layer": (PACKAGE, "5'h07", "5'h06", "conv1.padding", "network 7, RTL 6"),
    "pad moved to the other side": (
        "rtl/little_conv1.sv",
        ".PadRight (2)",
        ".PadRight (3)",
        "conv1.shape",
        "PadRight",
    ),
    "pool size": (
        "rtl/little_conv1.sv",
        ".Size        (3)",
        ".Size        (2)",
        "conv1.shape",
        "Size: network 3, RTL 2",
    ),
    "unsigned comparison": (
        "rtl/little_conv1.sv",
        ".Signed    (1)",
        ".Signed    (0)",
        "conv1.shape",
        "Signed",
    ),
    "fan-in of the sums": (
        "rtl/little_conv3.sv",
        ".FanIn   (12)",
        ".FanIn   (11)",
        "conv3.shape",
        "FanIn",
    ),
    "samples": (TOP, ".Samples  (40)", ".Samples  (39)", "top.shape", "Samples"),
    "input bits": (TOP, ".InputBits(5)", ".InputBits(6)", "top.shape", "InputBits"),
    "head positions": (TOP, ".Positions   (3)", ".Positions   (2)", "top.shape", "Positions"),
}


def compare(build, network, plan):
    return {found.name: found for found in compare_constants(network, plan, build)}


def test_a_generated_design_has_the_constants_of_its_network(little):
    found = compare(little.path, little.network, little.plan)
    assert all(group.passed and group.first is None for group in found.values()), found
    for block, stage in zip(little.network.blocks, little.plan.stages, strict=True):
        assert found[f"{block.name}.weights"].compared == block.rows.size
        if not stage.is_last:
            assert found[f"{block.name}.thresholds"].compared == len(stage.thresholds)
            assert found[f"{block.name}.invert"].compared == block.out_channels
    for kind in ("positive", "negative", "offset"):
        assert found[f"head.{kind}"].compared == 4


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(little, broken, fault):
    file, old, new, group, said = FAULTS[fault]
    found = compare(broken(file, old, new), little.network, little.plan)
    assert not found[group].passed
    assert said in (found[group].first or "")
    if group.split(".")[1] != "shape":
        others = [name for name, other in found.items() if name != group and not other.passed]
        assert others == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("rtl/little_conv2.sv", ".PadLeft  (1)", ".PadLeft  (0)"),
        ("rtl/little_conv1.sv", ".Stride   (2)", ".Stride   (3)"),
        ("rtl/little_conv2.sv", ".Stride      (2)", ".Stride      (1)"),
    ],
)
def test_a_shape_that_does_not_add_up_is_refused_by_its_cell(little, broken, file, old, new):
    with pytest.raises(ToolFailed, match=r"UnknownModule.*bnn_(window|pool)\.sv"):
        compare(broken(file, old, new), little.network, little.plan)


@pytest.mark.parametrize("kind", ["Positive", "Negative", "Offset"])
def test_a_head_coefficient_is_found(little, broken, kind):
    values = getattr(little.plan.head, kind.lower())
    bits = getattr(little.plan.head, f"{kind.lower()}_bits")
    text = f"class 1: {values[1]}"
    package = (little.path / PACKAGE).read_text().split(f"Head{kind} = ")[1]
    line = next(row for row in package.splitlines() if text in row)
    literal = f"{bits}'h{values[1] & ((1 << bits) - 1):0{(bits + 3) // 4}x}"
    other = f"{bits}'h{(values[1] ^ 1) & ((1 << bits) - 1):0{(bits + 3) // 4}x}"
    assert literal in line
    start = f"Head{kind} = " + package.split(line)[0]
    build = broken(PACKAGE, start + line, start + line.replace(literal, other))
    found = compare(build, little.network, little.plan)
    name = f"head.{kind.lower()}"
    assert found[name].first == f"{name}, class 1: network {values[1]}, RTL {values[1] ^ 1}"
    assert [other for other, group in found.items() if not group.passed] == [name]


def test_a_constant_that_is_computed_instead_of_written_is_still_read(little, broken):
    build = broken(PACKAGE, "12'he6b", "12'(12'he6a + 12'd2 - 12'd1)")
    assert all(group.passed for group in compare(build, little.network, little.plan).values())


def test_a_cell_left_out_is_found(little, broken):
    text = (little.path / "rtl/little_conv2.sv").read_text()
    start = text.index("  bnn_decide ")
    decide = text[start : text.index(");", start) + 3]
    build = broken("rtl/little_conv2.sv", decide, "")
    found = compare(build, little.network, little.plan)
    assert "cells are" in (found["conv2.shape"].first or "")


def test_a_layer_left_out_is_found(little, broken):
    text = (little.path / TOP).read_text()
    start = text.index("  little_conv3 ")
    layer = text[start : text.index(");", start) + 3]
    found = compare(broken(TOP, layer, ""), little.network, little.plan)
    assert not found["layers"].passed


def test_a_design_that_does_not_elaborate_fails(little, broken):
    with pytest.raises(ToolFailed, match=r"slang does not elaborate little_top.*little_conv2\.sv"):
        compare_constants(
            little.network,
            little.plan,
            broken("rtl/little_conv2.sv", "bnn_collect #(", "bnn_gather #("),
        )


def test_weight_rows_undo_the_fold_order(little):
    for stage, block in zip(little.plan.stages, little.network.blocks, strict=True):
        packed = sum(word << (i * stage.weight_bits) for i, word in enumerate(stage.weight_words))
        assert (weight_rows(stage, packed) == block.rows).all()
