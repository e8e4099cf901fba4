"""Runs ``bnn-hw`` in this process; small networks and checkpoints on disk to run it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bnn_hw.cli import main
from bnn_hw.ir import save_network
from tests.simulate.nets import small_network

DESCRIPTION = """
name = "tiny"
labels = ["a", "b", "c"]
[input]
samples = 24
bits = 6
[[layers]]
type = "conv"
stride = 2
padding = [2, 1]
pad_value = -1
[[layers]]
type = "max_pool"
size = 3
stride = 2
[[layers]]
type = "prelu"
[[layers]]
type = "batch_norm"
[[layers]]
type = "sign"
[[layers]]
type = "conv"
padding = [1, 1]
[[layers]]
type = "batch_norm"
[[layers]]
type = "head"
"""


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """``run("info", path)`` in an empty folder; output is taken from the file descriptors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BNN_HW_RECORDS", raising=False)

    def call(*arguments: object) -> Ended:
        status = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Ended(status, captured.out, captured.err)

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Runs, checks that it was refused in one line with status 2 and no traceback; the line."""

    def call(*arguments: object) -> str:
        ended = run(*arguments)
        assert ended.status == 2, ended
        assert ended.out == ""
        lines = ended.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("bnn-hw: error: "), ended.err
        return lines[0]

    return call


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "little.json"
    save_network(small_network(), path)
    return path


def tiny_arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    arrays = {
        "block1.conv.weight": rng.normal(size=(4, 1, 5)),
        "block1.prelu.weight": np.array([0.25]),
        "block2.conv.weight": rng.normal(size=(3, 4, 3)),
    }
    for block, channels, spread in ((1, 4, 40.0), (2, 3, 3.0)):
        arrays |= {
            f"block{block}.bn.weight": rng.normal(size=channels),
            f"block{block}.bn.bias": rng.normal(size=channels),
            f"block{block}.bn.running_mean": rng.normal(size=channels) * spread,
            f"block{block}.bn.running_var": rng.random(channels) * spread**2 + 1,
        }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return tiny_arrays()


@pytest.fixture
def description(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(DESCRIPTION)
    return path


@pytest.fixture
def checkpoint(tmp_path: Path, arrays: dict[str, np.ndarray]) -> Path:
    path = tmp_path / "tiny.npz"
    np.savez(path, **arrays)
    return path
