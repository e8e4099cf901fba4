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
    assert len(HELD_OUT) >= 12 and MEASURED
    seen = {design.network.digest() for design in TRAINING}
    assert seen.isdisjoint(design.network.digest() for design in HELD_OUT)


@pytest.mark.parametrize("design", MEASURED, ids=lambda design: design.name)
def test_luts_of_an_unseen_design_are_within_a_tenth_of_yosys(design):
    luts = sum(counts["lut"] for counts in bench.measured(design, "xc7").values())
    assert luts > 0
    assert abs(estimate(design.network, design.folding).lut - luts) <= bench.WORST * luts


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unseen1", "unseen3", "unseen9"])
def test_yosys_of_today_is_within_a_tenth_of_the_estimate(name):
    from estimate_synthesis import synthesise

    [design] = [d for d in HELD_OUT if d.name == name]
    luts = sum(c["lut"] for c in synthesise(design, "xc7", keep_cells=False).values())
    assert abs(estimate(design.network, design.folding).lut - luts) <= bench.WORST * luts
