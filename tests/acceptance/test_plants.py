"""A fault at a random place of a build folder is caught with the manifest left out."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from bnn_hw.generate.build import generate
from bnn_hw.generate.folding import default_cycles
from bnn_hw.generate.solver import solve
from bnn_hw.ir import save_network
from bnn_hw.verify.fragments import demo_samples
from tests.acceptance.plants import CPP, RTL, caught_by
from tests.reference import reference_network
from tests.simulate.nets import folding_of, small_network

FOLDS = {"conv1": (2, 5), "conv2": (3, 4), "conv3": (2, 6)}
# Numbers in the constants are read back; wiring shows in the streams alone.
ONLY_IN_STREAMS = {"wires swapped"}


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = small_network()
    folder = tmp_path_factory.mktemp("planted")
    save_network(network, folder / "little.json")
    generate(network, folding_of(network, FOLDS), folder / "little", demo_samples(network, 2))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("seed", [101, 102])
@pytest.mark.parametrize(
    ("language", "kind"), [("rtl", kind) for kind in RTL] + [("cpp", kind) for kind in CPP]
)
def test_planted_fault_is_caught(
    little: Path, tmp_path: Path, language: str, kind: str, seed: int
) -> None:
    build = tmp_path / "little"
    shutil.copytree(little / "little", build)
    plant = {"rtl": RTL, "cpp": CPP}[language][kind]
    did = plant(build, random.Random(f"{kind} {seed}"))
    levels = "constants,icarus" if language == "rtl" else "constants,csim"
    caught = caught_by(build, little / "little.json", levels, tmp_path)
    assert caught, did
    assert kind in ONLY_IN_STREAMS or "constants" in caught, did


def test_weight_bit_beyond_the_window_is_a_mismatch(tmp_path: Path) -> None:
    """The last chunk of a lane has room for more bits than the lane."""
    network = reference_network()
    model, build = tmp_path / "reference.json", tmp_path / "reference"
    save_network(network, model)
    generate(network, solve(network, default_cycles(network)), build, demo_samples(network, 1))
    path = build / "hls" / "reference_weights.hpp"
    text = path.read_text()
    chunk = re.search(r"conv3_weights\S* = {\s*{0x\w+, 0x", text)
    assert chunk
    path.write_text(text[: chunk.end()] + "8000" + text[chunk.end() :])
    assert caught_by(build, model, "constants", tmp_path) == {"constants"}
