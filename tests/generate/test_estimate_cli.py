"""``bnn-hw generate --estimate``: what it prints, that it needs no tool, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bnn_hw.cli import main
from bnn_hw.generate.folding import fastest
from bnn_hw.generate.manifest import read_manifest
from bnn_hw.ir import load_network, save_network
from tests.simulate.nets import small_network

COLUMNS = ["layer", "PE", "SIMD", "steps", "cycles", "share", "LUT", "FF", "ROM"]


@pytest.fixture
def call(capfd, monkeypatch, tmp_path):
    """``call("--estimate", ...)`` on a small network in an empty folder: status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    save_network(small_network(), tmp_path / "little.json")

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main(["generate", "little.json", *map(str, arguments)])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run


def test_json_is_the_estimate_and_nothing_is_written(call, tmp_path):
    status, out, _ = call("--estimate", "--json")
    assert status == 0
    found = json.loads(out)
    network = load_network(tmp_path / "little.json")
    assert [layer["name"] for layer in found["estimate"]["layers"]] == list(found["folding"])
    assert found["estimate"]["cycles"] == found["cycles_per_fragment"] >= network.input.samples
    assert found["estimate"]["lut"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["little.json"]


def test_the_table_explains_every_layer(call, tmp_path):
    status, out, _ = call("--estimate")
    assert status == 0
    lines = out.splitlines()
    assert all(column in lines[1] for column in COLUMNS)
    for block in load_network(tmp_path / "little.json").blocks:
        assert any(line.startswith(block.name) and "%" in line for line in lines)


def test_the_manifest_holds_the_estimate_of_the_build(call, tmp_path):
    assert call("--fold", "smallest", "-o", "out")[0] == 0
    manifest = read_manifest(tmp_path / "out")
    layers = manifest["estimate"]["layers"]
    of_layers = {la["name"]: (la["pe"], la["simd"]) for la in layers}
    folding = manifest["folding"]
    assert of_layers == {name: (fold["pe"], fold["simd"]) for name, fold in folding.items()}
    for layer in layers:
        in_block = folding[layer["name"]]["block_bits"] > 0
        assert in_block == layer["rom"].startswith("block")
    assert manifest["estimate"]["cycles"] == manifest["cycles_per_fragment"]


def test_smallest_and_fastest_are_the_two_ends(call, tmp_path):
    network = load_network(tmp_path / "little.json")
    small, fast = (
        json.loads(call("--estimate", "--json", "--fold", goal)[1])["estimate"]
        for goal in ("smallest", "fastest")
    )
    assert small["lut"] <= fast["lut"] and small["cycles"] >= fast["cycles"]
    assert fast["cycles"] == fastest(network, 2).cycles < fastest(network).cycles


def test_a_rate_at_a_clock_is_met(call):
    found = json.loads(call("--estimate", "--json", "--rate", 20_000, "--clock", 100)[1])
    assert found["cycles_per_fragment"] <= 100e6 / 20_000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--cycles", 5), "nearest legal is"),
        (("--samples-per-cycle", 3), "nearest legal is 2 (legal are 1, 2)"),
        (("--cycles", 25, "--samples-per-cycle", 1), "at one sample a cycle the nearest legal is"),
        (("--cycles", 500, "--fold", "smallest"), "two targets"),
        (("--fold", "smallest", "--fold", "fastest"), "two targets"),
        (("--rate", 10), "belong together"),
        (("--clock", 10), "belong together"),
        (("--rate", 1e9, "--clock", 100), "nearest legal are"),
        (("--rate", "nan", "--clock", 100), "above 0"),
        (("--fold", "small"), "smallest, fastest or LAYER=PExSIMD"),
        (("--family", "virtex2"), "there are"),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(call, tmp_path, arguments, says):
    status, out, err = call(*arguments)
    assert status == 2 and out == ""
    assert len(err.strip().splitlines()) == 1 and says in err
    assert [path.name for path in tmp_path.iterdir()] == ["little.json"]


def test_an_estimate_loads_no_tool():
    script = (
        "import sys\n"
        "from bnn_hw.cli import main\n"
        "assert main(['generate', 'ecg17', '--estimate']) == 0\n"
        "print(sorted({'pyosys', 'torch', 'pyslang', 'cocotb'} & set(sys.modules)))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"
