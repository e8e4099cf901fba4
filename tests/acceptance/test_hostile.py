"""What a hostile user typed and got a traceback for: one line, status 2, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnn_hw.ir import save_network
from tests.acceptance.conftest import Run
from tests.simulate.nets import small_network

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def refused(run: Run) -> Run:
    save_network(small_network(), Path("m.json"))

    def call(*arguments: object) -> str:
        before = sorted(Path().rglob("*"))
        error = run(*arguments, status=2)
        assert error.startswith("bnn-hw: error: ") and error.count("\n") == 1, error
        assert sorted(Path().rglob("*")) == before
        return error

    return call


def test_name_too_long_for_a_file(refused: Run) -> None:
    assert "neither a shipped network" in refused("info", "a" * 5000)


def test_file_where_the_build_folder_should_be(refused: Run) -> None:
    Path("file").write_text("in the way")
    assert "it is a file" in refused("generate", "m.json", "-o", "file")
    assert Path("file").read_text() == "in the way"


def test_link_to_a_build_folder_stays_a_link(refused: Run, run: Run) -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real")
    for _ in range(2):
        run("generate", "m.json", "-o", "link")
    assert Path("link").is_symlink() and Path("real/manifest.json").is_file()
    assert sorted(path.name for path in Path().iterdir()) == ["link", "m.json", "real"]


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000])
def test_toml_that_python_cannot_hold(refused: Run, value: str) -> None:
    text = (ROOT / "networks" / "ecg5.toml").read_text()
    Path("t.toml").write_text(text.replace("samples = 3600", f"samples = {value}"))
    checkpoint = ROOT / "models" / "ecg5.npz"
    assert "t.toml" in refused("freeze", checkpoint, "t.toml", "-o", "x.json")
    assert "t.toml" in refused("train", "t.toml")


def test_npy_of_one_number(refused: Run) -> None:
    np.save("i.npy", np.int8(3))
    assert "holds one number" in refused("classify", "m.json", "i.npy")


def test_npy_header_that_promises_more_than_memory(refused: Run) -> None:
    for shape in ((2**62, 4), (10**13, 40), (-1, 40)):
        with open("i.npy", "wb") as stream:
            header = {"descr": "<i2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            stream.write(bytes(100))
        assert "not an .npy" in refused("classify", "m.json", "i.npy")


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "100001", "1" * 31, "\u0663"])
def test_fragments_beyond_reason(refused: Run, count: str) -> None:
    assert "--fragments" in refused("verify", "m.json", "--fragments", count)
