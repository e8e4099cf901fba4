"""Random networks and random folds through the command line, every level.

``python -m tests.acceptance.campaign FIRST COUNT`` runs draws by hand and keeps what failed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from bnn_hw.cli import main
from bnn_hw.description import Description
from bnn_hw.generate.folding import divisors
from bnn_hw.ir import Network, load_network, save_network
from tests import strategies

_DRAWS_BEFORE = 4  # hypothesis begins with the simplest example


def draw(strategy: st.SearchStrategy[Any], seed: int) -> Any:
    """One example of ``strategy``, the same for the same seed."""
    seen: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=_DRAWS_BEFORE,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(value: Any) -> None:
        seen.append(value)

    collect()
    return seen[-1]


def description_toml(description: Description) -> str:
    """The description as a user would write it (every string is plain, every list of integers)."""
    data = description.to_dict()

    def lines(table: dict[str, Any]) -> list[str]:
        return [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]

    top = {key: data[key] for key in ("name", "labels")}
    text = [*lines(top), "[input]", *lines(data["input"])]
    for layer in data["layers"]:
        text += ["[[layers]]", *lines(layer)]
    return "\n".join(text) + "\n"


def random_folds(network: Network, seed: int) -> list[str]:
    """``--fold`` options: a legal fold for every layer, half of them folded hard."""
    rng = np.random.default_rng(seed)
    options = []
    for block in network.blocks:
        pe = int(rng.choice(divisors(block.out_channels)))
        simd = int(rng.choice(divisors(block.fan_in)))
        options += ["--fold", f"{block.name}={pe}x{simd}"]
    return options


def one(seed: int, folder: Path, fragments: int = 3) -> dict[str, Any]:
    """Draw network ``seed``, generate and verify it in ``folder``; what ``verify`` wrote."""
    given: list[str] = []
    if seed % 2:
        description, arrays = draw(strategies.float_networks(), seed)
        (folder / "drawn.toml").write_text(description_toml(description))
        np.savez(folder / "drawn.npz", **arrays)
        status = main(
            ["freeze", f"{folder}/drawn.npz", f"{folder}/drawn.toml", "-o", f"{folder}/drawn.json"]
        )
        assert status == 0, f"seed {seed}: freeze ended with {status}"
        given = ["--checkpoint", f"{folder}/drawn.npz"]
    else:
        save_network(draw(strategies.networks(), seed), folder / "drawn.json")
    network = load_network(folder / "drawn.json")
    folds = random_folds(network, seed)
    status = main(["generate", f"{folder}/drawn.json", "-o", f"{folder}/build", *folds])
    assert status == 0, f"seed {seed}: generate ended with {status}"
    options = ["--fragments", str(fragments), "--json", f"{folder}/v.json"]
    options += ["--html", f"{folder}/v.html"]
    status = main(
        ["verify", f"{folder}/drawn.json", "--build", f"{folder}/build", *given, *options]
    )
    verdict: dict[str, Any] = json.loads((folder / "v.json").read_text())
    assert (status == 0) == verdict["passed"]
    return {"status": status, "folds": folds, **verdict}


def problems(verdict: dict[str, Any]) -> list[str]:
    """Levels that did not pass or did not run, in words; the torch level may lack a checkpoint."""
    found = []
    for level in verdict["levels"]:
        if level["skipped"] and level["name"] != "torch":
            found.append(f"{level['name']} skipped: {level['why']}")
        elif not level["skipped"] and (level["mismatches"] or not level["compared"]):
            found.append(f"{level['name']}: {level['mismatches']} mismatches, {level['why']}")
    return found


def _by_hand(first: int, count: int) -> None:
    keep = Path("/tmp/acceptance/random")
    keep.mkdir(parents=True, exist_ok=True)
    null = os.open(os.devnull, os.O_WRONLY)
    for seed in range(first, first + count):
        name = tempfile.mkdtemp(dir=keep, prefix=f"{seed}_")
        saved = os.dup(1), os.dup(2)
        os.dup2(null, 1), os.dup2(null, 2)
        try:
            verdict = one(seed, Path(name))
            said = problems(verdict) or ["passed"]
            seconds = sum(level["seconds"] for level in verdict["levels"])
        except Exception as problem:
            said, seconds = [f"{type(problem).__name__}: {problem}"], 0.0
        finally:
            os.dup2(saved[0], 1), os.dup2(saved[1], 2)
        print(f"seed {seed:4d}  {seconds:6.1f} s  {'; '.join(said)}  {name}", flush=True)


if __name__ == "__main__":
    _by_hand(int(sys.argv[1]), int(sys.argv[2]))
