"""The fitted estimator against designs that the fit has not seen: as stored, and by Yosys anew."""

from __future__ import annotations

import estimate as bench
import pytest
from estimate_designs import designs

from bnn_hw.generate.estimate import estimate

HELD_OUT = [design for design in designs() if design.held_out]
TRAINING = [design for design in designs() if not design.held_out]
MEASURED = [design for design in HELD_OUT if bench.measured(design, "xc7") is not None]


def test_no_held_out_design_is_fitted():
    assert len(MEASURED) >= 12 and {"ecg5_1x", "ecg17_1x"} <= {d.name for d in MEASURED}
    seen = {design.network.digest() for design in TRAINING}
    assert seen.isdisjoint(design.network.digest() for design in HELD_OUT)


@pytest.mark.parametrize("design", MEASURED, ids=lambda design: design.name)
def test_luts_of_an_unseen_design_are_within_a_tenth_of_yosys(design):
    luts = sum(counts["lut"] for counts in bench.measured(design, "xc7").values())
    assert luts > 0
    assert abs(estimate(design.network, design.folding).lut - luts) <= bench.WORST * luts


def test_equal_leaves_are_synthesised_once_and_unequal_ones_apart():
    from estimate_synthesis import merge_equal

    def leaf(name, operator, number):
        return f"module \\bnn_count6${name}\n  cell {operator} ${number}_x\n  end\nend\n"

    cells = [f"  cell \\bnn_count6${name} \\u_{name}\n  end\n" for name in "abc"]
    leaves = [leaf("a", "$xor", 3), leaf("b", "$xor", 8), leaf("c", "$and", 3)]
    merged = merge_equal("".join([*leaves, "module \\top\n", *cells, "end\n"]))
    assert merged.count("cell \\bnn_count6$a ") == 2
    assert merged.count("cell \\bnn_count6$c ") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unseen0", "unseen4", "unseen5"])
def test_yosys_of_today_is_within_a_tenth_of_the_estimate(name):
    from estimate_synthesis import synthesise

    [design] = [d for d in HELD_OUT if d.name == name]
    luts = sum(c["lut"] for c in synthesise(design, "xc7", keep_cells=False).values())
    assert abs(estimate(design.network, design.folding).lut - luts) <= bench.WORST * luts
