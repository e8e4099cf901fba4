"""Build folders of the small network, rendered once, and a way to verify a changed copy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bnn_hw.cli import main
from bnn_hw.generate.build import generate
from bnn_hw.ir import save_network
from bnn_hw.verify.fragments import demo_samples
from tests.simulate.nets import folding_of, small_network

FOLDS = {"conv1": (2, 5), "conv2": (3, 4), "conv3": (2, 6)}


@dataclass(frozen=True)
class Verified:
    status: int
    verdict: Any

    def level(self, name: str) -> dict[str, Any]:
        """The entry of one level."""
        return next(level for level in self.verdict["levels"] if level["name"] == name)

    def caught(self) -> set[str]:
        """Names of the levels that found a mismatch."""
        return {level["name"] for level in self.verdict["levels"] if level["mismatches"]}


@pytest.fixture(scope="session")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder, folded, with its reference network ``little.json`` beside it."""
    network = small_network()
    folder = tmp_path_factory.mktemp("small")
    save_network(network, folder / "little.json")
    generate(network, folding_of(network, FOLDS), folder / "little", demo_samples(network, 4))
    return folder / "little"


@pytest.fixture
def build_copy(small_build: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "little"
    shutil.copytree(small_build, copy)
    return copy


@pytest.fixture
def run_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verified]:
    """Runs ``bnn-hw verify`` with the arguments given and reads its JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BNN_HW_RECORDS", raising=False)

    def call(*arguments: object) -> Verified:
        target = tmp_path / "verdict.json"
        given = ["verify", *map(str, arguments), "--json", str(target)]
        status = main([*given, "--html", str(tmp_path / "verdict.html")])
        return Verified(status, json.loads(target.read_text()))

    return call
