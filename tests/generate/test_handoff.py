"""The page of the hand-off against the hardware that is rendered with it."""

from __future__ import annotations

import re

import pytest

from bnn_hw.cli.models import find_model
from bnn_hw.cli.synth import folding_for
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.fpga_targets import find_target
from bnn_hw.generate.handoff import render_handoff
from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.rtl import render_rtl

NETWORK = find_model("ecg17").network
FOLDINGS = {
    "full rate": choose_folding(NETWORK),
    "fastest": choose_folding(NETWORK, folds=("fastest",)),
    "rings": folding_for(NETWORK, find_target("up5k"))[0],
}


def fifo(text: str, instance: str) -> tuple[int, int, int] | None:
    """Words, bits and words on their way of a ``bnn_fifo`` in a rendered layer."""
    found = re.search(rf"bnn_fifo #\(([^;]*?)\) {instance} \(", text)
    if found is None:
        return None
    given = dict(re.findall(r"\.(\w+)\s*\(([\d *]+)\)", found[1]))
    one, _, other = given["Width"].partition("*")
    return int(given["Depth"]), int(one) * int(other or 1), int(given.get("Skid", 0))


@pytest.mark.parametrize("folding", FOLDINGS.values(), ids=FOLDINGS)
def test_the_page_lists_every_fifo_of_the_layers(folding):
    plan = build_plan(NETWORK, folding)
    page = render_handoff(plan)["handoff/HANDOFF.md"].partition("\nBuffers, ")[2]
    layers = render_rtl(plan)
    for stage in plan.stages:
        [row] = re.findall(rf"^\| {stage.name} \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
        text = layers[f"rtl/ecg17_{stage.name}.sv"]
        head, cut = fifo(text, "u_fifo"), fifo(text, "u_cut")
        if head is None:
            [depth] = re.findall(r"\.Depth\s*\((\d+)\)", text.partition("u_window (")[0])
            assert row[0] == f"memory of {depth} positions x {stage.word_bits}"
        else:
            assert row[0] == f"{head[0]} x {head[1]}"
        assert row[1] == ("none, the layer stalls" if cut is None else "{} x {} ({})".format(*cut))
    [top] = re.findall(r"\.Depth\((\d+)\)\n  \) u_bnn_error_fifo", layers["rtl/ecg17_top.sv"])
    assert f"on at most {top} fragments" in page
