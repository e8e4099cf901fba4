"""The vendor's scripts, run against a stand-in that refuses what Vivado would refuse."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bnn_hw.generate.axil import axil_context
from bnn_hw.generate.build import Build, generate
from bnn_hw.generate.estimate import estimate
from bnn_hw.generate.handoff import render_handoff
from bnn_hw.generate.vendor import FOLDER, render_vendor, vendor_context
from bnn_hw.simulate.csim import xilinx_headers
from bnn_hw.simulate.lint import build_files, lint_files
from bnn_hw.simulate.tools import find_verilator, run_tool
from tests.generate.vivado_design import Refused
from tests.generate.vivado_stand_in import Vivado
from tests.generate.vivado_tables import HLS_KEYS, PARTS
from tests.simulate.nets import little_folding, small_network, small_plan, small_samples

PLAN = small_plan()
BOARD = "tul.com.tw:pynq-z2:part0:1.0"
REPORTS = ("utilization.rpt", "timing.rpt", "power.rpt", "drc.rpt", "methodology.rpt")


def _generate(target: Path, axi_lite: bool) -> Build:
    network = small_network()
    samples = small_samples()[:, None, :]
    return generate(network, little_folding(network), target, samples, axi_lite=axi_lite)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    root = tmp_path_factory.mktemp("vendor")
    return {axi_lite: _generate(root / str(axi_lite), axi_lite).path for axi_lite in (False, True)}


@pytest.fixture
def build(folders, tmp_path):
    """A build folder of the test's own, with registers."""
    return Path(shutil.copytree(folders[True], tmp_path / "build"))


@pytest.fixture(params=[False, True], ids=["plain", "axi-lite"])
def either(request, folders, tmp_path):
    return Path(shutil.copytree(folders[request.param], tmp_path / "build"))


def script(build: Path, name: str) -> Path:
    return build / FOLDER / name


def break_file(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


# ---- without a project --------------------------------------------------------------------------


def test_implementation_out_of_context(either):
    vivado = Vivado(slack_ns=1.25)
    vivado.source(script(either, "implement.tcl"))
    assert vivado.done == [
        "synth_design",
        "opt_design",
        "place_design",
        "phys_opt_design",
        "route_design",
    ]
    assert vivado.out_of_context
    constraints = vivado.constraints
    assert constraints.clocks == {"clk": ("clk_i", 10.0)}
    # Every port but the clock is asynchronous, and said to be.
    assert constraints.untimed == set(constraints.design.ports) - {"clk_i"}
    assert "HD.CLK_SRC" in constraints.properties["clk_i"]
    folder = either / "synth/vivado/xc7z020clg400-1"
    names = {file.name for file in folder.iterdir()}
    assert names == {*REPORTS, "utilization_synthesised.rpt", "synthesised.dcp", "routed.dcp"}
    rate = 1000 / 8.75 * 1e6 / PLAN.cycles
    assert f"Fmax 114.3 MHz, {rate:.0f} fragments a second" in vivado.printed[-1]


def test_part_and_period_can_be_chosen(build):
    vivado = Vivado()
    part = "xc7a100tcsg324-1"
    vivado.source(script(build, "implement.tcl"), "-part", part, "-period_ns", "6.5")
    assert vivado.constraints.clocks == {"clk": ("clk_i", 6.5)}
    assert (build / "synth/vivado" / part / "routed.dcp").is_file()


def test_bitstream_for_the_arty(either):
    vivado = Vivado()
    vivado.source(script(either, "implement.tcl"), "-board", "arty_a7", "-bitstream", "1")
    assert not vivado.out_of_context
    assert (either / "synth/vivado/arty_a7/little_board.bit").is_file()
    pins = {
        port: found["PACKAGE_PIN"] for port, found in vivado.constraints.properties.items()
        if "PACKAGE_PIN" in found
    }  # fmt: skip
    assert pins == {
        "clk_i": "E3",
        "button_ni": "C2",
        "uart_rx_i": "A9",
        "uart_tx_o": "D10",
        "led_o": "H5",
    }
    # 100 MHz over the bits of a megabaud.
    (synth,) = [call for call in vivado.calls if call[0] == "synth_design"]
    assert "ClocksPerBit=100" in synth


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-bitstream", "1"), "out of context there are no pins"),
        (("-board", "basys3"), "-board basys3 is not known"),
        (("-board", "arty_a7", "-period_ns", "5"), "oscillator"),
        (("-bard", "arty_a7"), "no argument -bard; there are: -bitstream -board -part -period_ns"),
        (("-part",), "arguments come in pairs"),
        (("-part", "xc7z999"), "no part xc7z999"),
    ],
)
def test_wrong_arguments_are_told(build, arguments, message):
    with pytest.raises(Refused, match=re.escape(message)):
        Vivado().source(script(build, "implement.tcl"), *arguments)


def test_no_bitstream_without_timing(build):
    vivado = Vivado(slack_ns=-0.1)
    with pytest.raises(Refused, match="timing is not met"):
        vivado.source(script(build, "implement.tcl"), "-board", "arty_a7", "-bitstream", "1")
    assert not list(build.rglob("*.bit"))
    assert (build / "synth/vivado/arty_a7/timing.rpt").is_file()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("implement.tcl", "bnn_uart_rx.sv", "bnn_uart.sv", "no file"),
        ("implement.tcl", "arty_a7.xdc", "arty.xdc", "no file"),
        ("implement.tcl", "phys_opt_design\n", "phys_optimise_design\n", "invalid command name"),
        ("implement.tcl", "phys_opt_design\n", "", "comes after"),
        ("implement.tcl", "report_drc -file", "report_drc -output", "no option -output"),
        ("implement.tcl", "-top little_board", "-top little_bord", "does not elaborate"),
        ("implement.tcl", "ClocksPerBit=", "ClockPerBit=", "no parameter ClockPerBit"),
        ("common.tcl", "rtl files.f", "rtl list.f", "couldn't open"),
        ("clock.xdc", "get_ports clk_i", "get_ports aclk", "no port aclk"),
        ("clock.xdc", "uart_tx_o led_o", "uart_tx_o led", "no port led"),
        ("clock.xdc", "u_uart_rx/line_q_reg", "u_uart/line_q_reg", "no register"),
        ("clock.xdc", "create_clock", "if 1 {}\nfoo\ncreate_clock", "invalid command name"),
        ("clock.xdc", "create_clock", "foreach x 1 {}\ncreate_clock", "invalid command name"),
        ("arty_a7.xdc", "PACKAGE_PIN H5", "PACKAGE_PIN D10", "two ports have one pin"),
        ("arty_a7.xdc", "IOSTANDARD LVCMOS33", "STANDARD LVCMOS33", "no property"),
        ("arty_a7.xdc", "get_ports led_o", "get_ports uart_tx_o", "port led_o has no pin"),
    ],
)
def test_a_fault_in_the_implementation_is_caught(build, file, old, new, message):
    break_file(script(build, file), old, new)
    with pytest.raises(Refused, match=message):
        Vivado().source(script(build, "implement.tcl"), "-board", "arty_a7", "-bitstream", "1")


def test_a_missing_source_is_caught(build):
    (build / "rtl/bnn_window.sv").unlink()
    with pytest.raises(Refused, match=r"no file .*bnn_window\.sv"):
        Vivado().source(script(build, "implement.tcl"))
    break_file(build / "rtl/files.f", "bnn_window.sv\n", "")
    with pytest.raises(Refused, match="does not elaborate"):
        Vivado().source(script(build, "implement.tcl"))


# ---- IP -----------------------------------------------------------------------------------------


def test_the_ip_has_its_interfaces(either):
    vivado = Vivado()
    vivado.source(script(either, "package_ip.tcl"))
    assert list(vivado.catalogue) == ["bnn_hw:user:little:1.0"]
    assert (either / "synth/vivado/ip/little/component.xml").is_file()
    registers = (either / "rtl/little_axil_top.sv").exists()
    streams = ["s_axis", "m_axis", *(["s_axil"] if registers else [])]
    found = vivado.interfaces
    assert list(found) == ["aclk", "aresetn", *streams, *(["irq_o"] if registers else [])]
    assert found["aclk"].parameters == {
        "ASSOCIATED_BUSIF": ":".join(streams),
        "ASSOCIATED_RESET": "aresetn",
    }
    assert found["aresetn"].parameters == {"POLARITY": "ACTIVE_LOW"}
    assert sorted(found["s_axis"].ports) == ["TDATA", "TLAST", "TREADY", "TVALID"]
    assert sorted(found["m_axis"].ports) == ["TDATA", "TLAST", "TREADY", "TUSER", "TVALID"]
    assert (found["s_axis"].master, found["m_axis"].master) == (False, True)
    if registers:
        assert found["s_axil"].parameters["PROTOCOL"] == "AXI4LITE"
        assert found["irq_o"].parameters == {"SENSITIVITY": "LEVEL_HIGH"}
        block = {"range": "4096", "width": "32", "usage": "register"}
        assert vivado.maps == {"s_axil": {"reg0": block}}
        assert len(found["s_axil"].ports) == 19
    # Again: the folder of the first run does not stand in the way.
    Vivado().source(script(either, "package_ip.tcl"))


def test_a_frequency_that_vivado_infers_is_removed(build):
    parameter = "ASSOCIATED_RESET aresetn"
    break_file(script(build, "little_bd.v"), parameter, f"{parameter}, FREQ_HZ 100000000")
    vivado = Vivado()
    vivado.source(script(build, "package_ip.tcl"))
    assert "FREQ_HZ" not in vivado.interfaces["aclk"].parameters


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("package_ip.tcl", "little_bd.v", "little.v", "no file"),
        ("package_ip.tcl", "top little_bd", "top little_axil_top", "is Verilog, not"),
        ("package_ip.tcl", "ipx::save_core", "ipx::store_core", "invalid command name"),
        ("package_ip.tcl", "{s_axis m_axis s_axil}", "{s_axis m_axis s_axi}", "no interface s_axi"),
        ("package_ip.tcl", "s_axis:m_axis:s_axil", "s_axis:m_axis", "not all on the clock"),
        ("little_bd.v", "m_axis TUSER", "m_axis TLAST", "TLAST twice"),
        ("little_bd.v", ".s_axil_rdata(", ".s_axil_rdat(", "does not elaborate"),
        ("little_bd.v", "irq_o INTERRUPT", "irq INTERRUPT", "names another"),
        ("little_bd.v", "little_axil_top u_top", "little_top u_top", "does not elaborate"),
    ],
)
def test_a_fault_in_the_ip_is_caught(build, file, old, new, message):
    break_file(script(build, file), old, new)
    with pytest.raises(Refused, match=message):
        Vivado().source(script(build, "package_ip.tcl"))


def test_the_shell_has_the_ports_of_its_top_and_lints(either):
    registers = (either / "rtl/little_axil_top.sv").exists()
    top = "little_axil_top" if registers else "little_top"
    shell = script(either, "little_bd.v")
    ports = [re.findall(r"^ +\.(\w+)\((\w+)\)", shell.read_text(), re.M)]
    assert all(inner == outer for inner, outer in ports[0])
    text = (either / f"rtl/{top}.sv").read_text()
    declared = re.findall(r"^  (?:in|out)put +logic .*?(\w+),?$", text.split(");")[0], re.M)
    assert [inner for inner, _ in ports[0]] == declared
    files = [*build_files(either), shell]
    for result in lint_files("little_bd", files):
        said = [message for message in result.messages if shell.name in message]
        assert result.files == len(files) and not said, (result.front_end, said)


def test_the_shell_is_verilog_2001(either, tmp_path):
    """Verilator takes it in that language, with an empty module in the accelerator's place."""
    shell = script(either, "little_bd.v")
    inner = re.search(r"(little\w*_top) u_top", shell.read_text())[1]
    empty = tmp_path / "empty.v"
    header, _, _ = shell.read_text().partition("\n);")
    empty.write_text(header.replace("module little_bd", f"module {inner}") + "\n);\nendmodule\n")
    command = [str(find_verilator()), "--lint-only", "--language", "1364-2001", "-Wno-fatal"]
    command += ["--top-module", "little_bd"]
    finished = run_tool([*command, str(shell), str(empty)], timeout_s=60)
    assert finished.status == 0, finished.text
    break_file(shell, "input  wire aclk", "input  logic aclk")
    assert run_tool([*command, str(shell), str(empty)], timeout_s=60).status != 0


# ---- block design -------------------------------------------------------------------------------


def packaged(build: Path, boards: str = "", slack_ns: float = 0.5) -> Vivado:
    vivado = Vivado(slack_ns, boards)
    vivado.source(script(build, "package_ip.tcl"))
    return vivado


@pytest.mark.parametrize("boards", ["", BOARD])
def test_the_overlay(build, boards):
    vivado = packaged(build, boards)
    vivado.source(script(build, "pynq_z2.tcl"))
    folder = build / "synth/vivado/pynq_z2"
    assert (folder / "little.bit").is_file() and (folder / "little.hwh").is_file()
    design = vivado.blocks
    assert design.valid
    # The names that driver and notebook look for, and the address of main.c.
    driver = (build / "handoff/little_driver.py").read_text()
    (names,) = re.findall(r'from_overlay\(overlay, "(\w+)", "(\w+)"\)', driver)
    assert set(names) <= set(design.cells)
    notebook = (build / "handoff/little.ipynb").read_text()
    assert "little.bit" in notebook and all(name in notebook for name in names)
    (base,) = set(re.findall(r"_BASE (0x\w+)u", (build / "handoff/main.c").read_text()))
    assert design.addresses["little_0/s_axil"] == (int(base, 16), 4096)
    assert design.nets["interrupts/In0"] == "little_0/irq_o"
    assert design.nets["processing_system7_0/IRQ_F2P"] == "axi_intc_0/irq"
    clocks = {s for p, s in design.nets.items() if design.kind(p, False) == "clk"}
    assert clocks == {"processing_system7_0/FCLK_CLK0"}
    # Again, over what the first run left.
    packaged(build, boards).source(script(build, "pynq_z2.tcl"))


def test_the_design_alone_and_another_clock(build):
    vivado = packaged(build)
    vivado.source(script(build, "pynq_z2.tcl"), "-stop", "design", "-clock_mhz", "50")
    assert vivado.blocks.valid and not list(build.rglob("*.bit"))
    config = vivado.blocks.cells["processing_system7_0"].config
    assert config["PCW_FPGA0_PERIPHERAL_FREQMHZ"] == "50"


def test_the_overlay_needs_the_ip_and_its_timing(build):
    with pytest.raises(Refused, match=r"run handoff/vivado/package_ip\.tcl first"):
        Vivado().source(script(build, "pynq_z2.tcl"))
    with pytest.raises(Refused, match="timing is not met by -1 ns"):
        packaged(build, slack_ns=-1).source(script(build, "pynq_z2.tcl"))
    assert not (build / "synth/vivado/pynq_z2/little.bit").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("xilinx.com:ip:axi_dma:7.1", "xilinx.com:ip:axi_dma:8.1", "no IP"),
        ("bnn_hw:user:little:1.0", "bnn_hw:user:little:2.0", "no IP"),
        ("little_0/irq_o", "little_0/irq", "no pin irq"),
        ("little_0/m_axis ", "little_0/maxis ", "no interface maxis"),
        ("  memory/aresetn\n", "", "memory/aresetn is not connected"),
        ("  little_0/aclk\n", "", "little_0/aclk is not connected"),
        ("NUM_MI 3", "NUM_MI 2", "no interface M02_AXI"),
        ("NUM_SI 2", "NUM_SI 3", "S02_AXI is not connected"),
        ("NUM_PORTS 3", "NUM_PORTS 2", "no pin In2"),
        ("M_TUSER_WIDTH 0", "M_TUSER_WIDTH 1", "bytes and TUSER bits"),
        ("mm2s_tdata_width 16", "mm2s_tdata_width 32", "bytes and TUSER bits"),
        ("S_TDATA_NUM_BYTES 4", "S_TDATA_NUM_BYTES 8", "bytes and TUSER bits"),
        ("c_sg_length_width", "c_length_width", "no property"),
        ("0x43C00000", "0x41800000", "lies on"),
        ("assign_bd_address\n", "", "no addresses of the memory"),
        (
            "link control/M01_AXI",
            "link control/M00_AXI",
            "connected already",
        ),
        ("system_wrapper [current", "system [current", "no top system"),
        ("hw_handoff/system.hwh", "hw_handoff/design.hwh", "no files matched"),
    ],
)
def test_a_fault_in_the_overlay_is_caught(build, old, new, message):
    break_file(script(build, "pynq_z2.tcl"), old, new)
    with pytest.raises(Refused, match=message):
        packaged(build).source(script(build, "pynq_z2.tcl"))


@pytest.mark.parametrize(
    ("axis_bits", "stream", "memory", "converter"),
    [
        (16, 16, 32, False),
        (32, 32, 32, False),
        (48, 16, 32, True),
        (64, 64, 64, False),
        (96, 32, 32, True),
        (128, 64, 64, True),
        (4096, 64, 64, True),
    ],
)
def test_the_dma_for_any_number_of_channels(axis_bits, stream, memory, converter):
    context = vendor_context(replace(PLAN, axis_bits=axis_bits), axi_lite=True)
    found = context.dma_stream_bits, context.dma_memory_bits, context.needs_converter
    assert found == (stream, memory, converter)
    assert context.axis_bits % context.dma_stream_bits == 0 and context.has_overlay


def test_the_dma_counts_a_whole_fragment():
    for samples, bits in ((40, 14), (8191, 14), (8192, 15), (3600 * 10, 17)):
        context = vendor_context(replace(PLAN, samples=samples), axi_lite=True)
        assert context.dma_length_bits == bits
        assert 2 * samples < 1 << bits
    for plan in (replace(PLAN, samples=1 << 26), replace(PLAN, axis_bits=4112)):
        assert not vendor_context(plan, axi_lite=True).has_overlay
        assert f"{FOLDER}/pynq_z2.tcl" not in render_vendor(plan, axi_lite=True)


def test_three_channels_get_a_width_converter(tmp_path):
    files = render_vendor(replace(PLAN, axis_bits=48, input_channels=3), axi_lite=True)
    text = files[f"{FOLDER}/pynq_z2.tcl"]
    assert "axis_dwidth_converter" in text and "M_TDATA_NUM_BYTES 6" in text
    plain = render_vendor(PLAN, axi_lite=True)[f"{FOLDER}/pynq_z2.tcl"]
    assert "axis_dwidth_converter" not in plain


# ---- text ---------------------------------------------------------------------------------------


def test_the_tcl_is_clean(either):
    scripts = sorted((either / FOLDER).glob("*.tcl"))
    assert len(scripts) == (4 if (either / "rtl/little_axil_top.sv").exists() else 3)
    command = [sys.executable, "-m", "tclint", *map(str, scripts)]
    finished = run_tool(command, timeout_s=60)
    assert finished.status == 0, finished.text
    break_file(scripts[0], "namespace eval bnn {", "namespace eval bnn { {")
    assert run_tool(command, timeout_s=60).status != 0


def test_the_vitis_configuration(either):
    file = either / "hls/hls_config.cfg"
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string("[general]\n" + file.read_text())
    assert parser.sections() == ["general", "hls"]
    assert dict(parser["general"]) == {"part": "xc7z020clg400-1"}
    pairs = [
        tuple(line.split("=", 1))
        for line in file.read_text().splitlines()
        if line and line[0] not in "#["
    ]
    assert {key for key, _ in pairs} <= HLS_KEYS | {"part"}
    values = dict(pairs)
    assert values["part"] in PARTS and values["flow_target"] == "vivado"
    assert values["package.output.format"] == "ip_catalog"
    for key, value in pairs:
        if key in ("syn.file", "tb.file"):
            assert (file.parent / value).is_file(), value
    assert f"void {values['syn.top']}(" in (file.parent / values["syn.file"]).read_text()
    # The test bench finds its samples under the name that the simulator gives them.
    data = [Path(value).name for key, value in pairs if key == "tb.file"]
    assert values["csim.argv"].split()[1] in data
    # What the older script says, the configuration says too.
    script_text = (file.parent / "run_hls.tcl").read_text()
    assert values["part"] in script_text and f"set_top {values['syn.top']}\n" in script_text
    assert f"-period {10}" in script_text or "set period_ns 10\n" in script_text
    assert values["clock"] == "10ns"


def test_the_configuration_simulates(build, tmp_path):
    """Its sources and arguments, compiled here, give the expected results."""
    folder = build / "hls"
    text = (folder / "hls_config.cfg").read_text()
    sources = re.findall(r"^(?:syn|tb)\.file=(\S+\.cpp)$", text, re.M)
    flags = re.search(r"^syn\.cflags=(.*)$", text, re.M)[1].split()
    program = tmp_path / "csim"
    command = ["g++", *flags, "-Wno-unknown-pragmas", "-isystem", str(xilinx_headers())]
    subprocess.run(
        [*command, *(str(folder / name) for name in sources), "-o", str(program)], check=True
    )
    for data in re.findall(r"^tb\.file=(\S+\.txt)$", text, re.M):
        shutil.copy(folder / data, tmp_path)
    arguments = re.search(r"^csim\.argv=(.*)$", text, re.M)[1].split()
    finished = subprocess.run(
        [str(program), *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    expected = json.loads((build / "vectors/expected.json").read_text())
    rows = [[r["class"], 0, *r["scores"]] for r in expected["results"]]
    assert [[int(word) for word in line.split()] for line in finished.stdout.splitlines()] == rows


def test_the_page_tells_of_every_script(either):
    page = (either / "handoff/HANDOFF.md").read_text()
    for name in re.findall(
        r"(?:handoff|synth|rtl)/[\w./-]+\.(?:tcl|v|sh|ys|c|py|ipynb|sv|f)\b", page
    ):
        assert (either / name).is_file(), name
    for file in (either / FOLDER).glob("*.tcl"):
        assert file.name == "common.tcl" or file.name in page
    network = small_network()
    area = estimate(network, little_folding(network))
    assert f"| **all** | {area.lut} | {area.ff} |" in page
    registers = (either / "rtl/little_axil_top.sv").exists()
    assert ("pynq_z2.tcl" in page) == registers
    assert "--axi-lite" in page or registers
    assert "What to expect" not in render_handoff(PLAN)["handoff/HANDOFF.md"]


def test_everything_is_the_same_twice():
    for axi_lite in (False, True):
        assert render_vendor(PLAN, axi_lite) == render_vendor(PLAN, axi_lite)
    plain = render_vendor(PLAN)
    assert not any("axil" in text for text in plain.values())
    assert axil_context(PLAN).wrapper in render_vendor(PLAN, True)[f"{FOLDER}/little_bd.v"]
