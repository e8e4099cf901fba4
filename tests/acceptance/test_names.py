"""Layers may have any plain name, those of the generated files' own things too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnn_hw.ir import save_network
from tests.acceptance.conftest import Run
from tests.simulate.nets import small_network


@pytest.mark.parametrize(
    "name",
    [
        "head",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("top", "pkg", "little", "CONV1", "samples", "errors", "s_axis", "taps")
        ),
    ],
)
def test_name_of_a_layer(run: Run, name: str) -> None:
    save_network(small_network(), Path("m.json"))
    data = json.loads(Path("m.json").read_text())
    data["layers"][3]["name"] = name
    Path("m.json").write_text(json.dumps(data))
    run("verify", "m.json", "--levels", "constants,csim,icarus,lint", "--fragments", 2)
    assert json.loads(Path("build/verify.json").read_text())["passed"]
