"""A checkpoint trained elsewhere goes the whole way by the command line alone.

The network and its training are an outsider's (``outsider.py``); bnn_hw gets a file and a
description that ships. Its classes must be those of torch in double precision on every fragment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bnn_hw.ecg.fragments import load_set
from bnn_hw.ecg.slices import load_slices
from tests.acceptance.conftest import Run
from tests.acceptance.outsider import OutsidersNet, classes_of, int8_by_peak, trained

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = ROOT / "networks" / "reference5_int8_peak.toml"


@dataclass(frozen=True)
class Foreign:
    net: OutsidersNet
    raw: np.ndarray
    samples: np.ndarray
    labels: np.ndarray


def foreign(pad: float = -1.0) -> Foreign:
    slices = load_slices("ecg5")
    samples = int8_by_peak(slices.samples)
    net = trained(samples, slices.labels, pad=pad)
    return Foreign(net, slices.samples, samples, slices.labels)


@pytest.fixture(scope="module")
def minus() -> Foreign:
    return foreign()


def classes_by_cli(run: Run, model: str, samples: np.ndarray, *options: str) -> list[int]:
    np.save("in.npy", samples)
    rows = json.loads(run("classify", model, "in.npy", "--json", *options))
    assert [row["index"] for row in rows] == list(range(len(samples)))
    return [row["class"] for row in rows]


def test_the_outsiders_network_is_worth_freezing(minus: Foreign) -> None:
    """Several classes, both signs of gamma, a negative slope, counters of batches."""
    state = minus.net.state_dict()
    assert "block1.bn.num_batches_tracked" in state and len(state) == 42
    assert (state["block3.prelu.weight"] < 0).all()
    gammas = torch.cat([state[f"block{i}.bn.weight"] for i in range(1, 7)])
    assert (gammas < 0).sum() > 10 and (gammas > 0).sum() > 10
    assert len(np.unique(classes_of(minus.net, minus.samples))) >= 2


def test_frozen_network_gives_torch_classes(run: Run, minus: Foreign) -> None:
    torch.save(minus.net.state_dict(), "ckpt.pth")
    run("freeze", "ckpt.pth", DESCRIPTION, "-o", "x.json")
    info = json.loads(run("info", "x.json", "--json"))
    assert info["weight_bits"] == 28_280 and info["macs"] > 5_900_000
    want = classes_of(minus.net, minus.samples).tolist()
    assert classes_by_cli(run, "x.json", minus.samples) == want
    assert classes_by_cli(run, "x.json", minus.raw, "--prepare") == want
    levels = "freeze,packed,torch"
    run("verify", "x.json", "--checkpoint", "ckpt.pth", "--levels", levels, "--fragments", 6)
    verdict = json.loads(Path("build/verify.json").read_text())
    assert verdict["passed"] and {v["mismatches"] for v in verdict["levels"]} == {0}


Change = Callable[[dict[str, torch.Tensor]], Any]


def _zero_weights(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    state = dict(state)
    # An outsider who uses sign(0) = +1 could as well have stored these.
    weight = state["block4.conv.weight"].clone()
    weight[weight > 0] = torch.where(weight[weight > 0] < 0.02, 0.0, weight[weight > 0])
    assert (weight == 0).any()
    return {**state, "block4.conv.weight": weight}


SAME: dict[str, Change] = {
    "nested": lambda s: {"state_dict": s, "epoch": 7},
    "double": lambda s: {name: value.double() for name, value in s.items()},
    "more arrays": lambda s: {**s, "teacher.fc.weight": torch.ones(3), "ema.decay": torch.ones(1)},
    "no counters": lambda s: {n: v for n, v in s.items() if not n.endswith("tracked")},
    "zero weights": _zero_weights,
    "not contiguous": lambda s: {
        n: v.transpose(0, -1).contiguous().transpose(0, -1) if v.ndim > 1 else v
        for n, v in s.items()
    },
    "parameters": lambda s: {
        n: torch.nn.Parameter(v) if v.is_floating_point() else v for n, v in s.items()
    },
}


@pytest.mark.parametrize("change", SAME)
def test_other_ways_to_save_the_same_network(run: Run, minus: Foreign, change: str) -> None:
    torch.save(SAME[change](minus.net.state_dict()), "ckpt.pth")
    run("freeze", "ckpt.pth", DESCRIPTION, "-o", "x.json")
    want = classes_of(minus.net, minus.samples).tolist()
    assert classes_by_cli(run, "x.json", minus.samples) == want


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision(run: Run, minus: Foreign, kind: torch.dtype) -> None:
    """Half the bits are another network; its own values are taken exactly."""
    net = OutsidersNet().eval()
    state = {
        n: v.to(kind) if v.is_floating_point() else v for n, v in minus.net.state_dict().items()
    }
    net.load_state_dict({n: v.float() if v.is_floating_point() else v for n, v in state.items()})
    torch.save(state, "ckpt.pth")
    run("freeze", "ckpt.pth", DESCRIPTION, "-o", "x.json")
    want = classes_of(net, minus.samples).tolist()
    assert classes_by_cli(run, "x.json", minus.samples) == want


def test_padding_plus_one(run: Run) -> None:
    plus = foreign(pad=1.0)
    torch.save(plus.net.state_dict(), "ckpt.pth")
    text = DESCRIPTION.read_text()
    assert text.count("pad_value = -1") == 6
    Path("plus.toml").write_text(text.replace("pad_value = -1", "pad_value = 1"))
    run("freeze", "ckpt.pth", "plus.toml", "-o", "x.json")
    want = classes_of(plus.net, plus.samples).tolist()
    assert classes_by_cli(run, "x.json", plus.samples) == want


def test_missing_array_is_named(run: Run, minus: Foreign) -> None:
    state = dict(minus.net.state_dict())
    del state["block5.bn.running_var"]
    torch.save(state, "ckpt.pth")
    line = run("freeze", "ckpt.pth", DESCRIPTION, "-o", "x.json", status=2)
    assert "block5.bn.running_var" in line and line.count("\n") == 1
    assert not Path("x.json").exists()


@pytest.mark.slow
def test_the_whole_way_on_thousands_of_fragments(run: Run, minus: Foreign) -> None:
    """Freeze, generate, simulate and verify; every level; every fragment of the set where at hand.

    Without records (``BNN_HW_RECORDS``) the slices stand in, shifted and scaled to thousands.
    """
    records = os.environ.get("BNN_HW_RECORDS")
    if records:
        raw = load_set("ecg5", Path(records)).samples
    else:
        turns = [np.roll(minus.raw, 97 * turn, axis=1) for turn in range(2000 // len(minus.raw))]
        raw = np.concatenate(turns)
    assert len(raw) > 1900
    torch.save(minus.net.state_dict(), "ckpt.pth")
    run("freeze", "ckpt.pth", DESCRIPTION, "-o", "foreign.json")
    run("generate", "foreign.json", "--cycles", 10_000)
    run("verify", "foreign.json", "--checkpoint", "ckpt.pth")
    verdict = json.loads(Path("build/verify.json").read_text())
    assert verdict["passed"]
    assert {level["name"] for level in verdict["levels"] if level["compared"]} >= {
        "freeze", "packed", "torch", "manifest", "constants", "csim", "icarus", "verilator", "lint",
        "hls-rules",
    }  # fmt: skip
    samples = int8_by_peak(raw)
    assert classes_by_cli(run, "foreign.json", samples) == classes_of(minus.net, samples).tolist()
