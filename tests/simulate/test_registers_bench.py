"""The benches of the AXI4-Lite block catch what is planted in it: cells, rendered modules, software."""

import re
import shutil
from pathlib import Path

import pytest

from bnn_hw.assets import rtl_dir
from bnn_hw.errors import UserError
from bnn_hw.generate.build import Build, generate
from bnn_hw.simulate import benches
from bnn_hw.simulate.cocotb_runner import BenchRun, Simulator
from bnn_hw.simulate.registers_bench import run_registers

from .nets import little_folding, small_network, small_samples

# Cell, text in its file, and what takes its place.
CELL_FAULTS = {
    "write without its data": ("axil", r"address_full_q & data_full_q &", "address_full_q &"),
    "write before the answer is taken": ("axil", r" & ~answer_valid_q;", ";"),
    "answer falls by itself": ("axil", r"answer_valid_q & ~s_axil_bready", "1'b0"),
    "no SLVERR for a write": ("axil", r"\{answer_error_q, 1'b0\}", "2'b00"),
    "no SLVERR for a read": ("axil", r"\{data_error_q, 1'b0\}", "2'b00"),
    "read data change while they wait": ("axil", r"if \(read\) begin", "if (1'b1) begin"),
    "clearing beats a new event": (
        "axil_interrupt",
        r"\(raw_q & ~clear_i\) \| event_i",
        "(raw_q | event_i) & ~clear_i",
    ),
    "disabled events ask": ("axil_interrupt", r"\|status_o", "|raw_q"),
    "scores show before the class": (
        "axil_results",
        r"\{~shown_bank_q, index_q\}",
        "{shown_bank_q, index_q}",
    ),
    "hold is not heeded": ("axil_results", r"ends & ~hold_i", "ends"),
    "a held result is not counted": ("axil_results", r"if \(ends\) begin", "if (keep) begin"),
    "words of a score swapped": (
        "axil_results",
        r"score_word_i\[0\] \? shown",
        "!score_word_i[0] ? shown",
    ),
    "flag of the first beat": ("axil_results", r"flagged_q <= ends &", "flagged_q <= beat_i &"),
}

# File of the build folder, text in it, what takes its place, a test that must fail.
BUILD_FAULTS = {
    "digest": ("rtl/little_registers.sv", r"(digest6|32'h)", None, "identity"),
    "offset of a register": (
        "rtl/little_registers.sv",
        r"10'h012: read_data_o = errors_i",
        "10'h015: read_data_o = errors_i",
        "identity",
    ),
    "class and score swapped": (
        "rtl/little_axil_top.sv",
        r"\.last_i      \(m_axis_tlast\)",
        ".last_i      (m_axis_tvalid & ~m_axis_tlast)",
        "results",
    ),
    "offset in the driver": (
        "handoff/little_driver.py",
        r'"result_fragment": 0x050',
        '"result_fragment": 0x044 + 4',
        "driver",
    ),
}


@pytest.mark.parametrize("fault", CELL_FAULTS)
def test_a_planted_fault_fails_the_bench_of_its_cell(tmp_path, monkeypatch, fault):
    cell, old, new = CELL_FAULTS[fault]
    folder = tmp_path / "rtl"
    shutil.copytree(rtl_dir(), folder)
    path = folder / f"bnn_{cell}.sv"
    text, planted = re.subn(old, new, path.read_text())
    assert planted, f"bnn_{cell}.sv does not hold {old!r}: plant the fault anew"
    path.write_text(text)
    monkeypatch.setattr(benches, "rtl_dir", lambda: folder)
    found = benches.run_cell(cell, Simulator.ICARUS, tmp_path / "work")
    assert found.tests > 0, found.verdict
    assert found.failed, f"the bench of {cell} passes: {found.verdict}"


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Build:
    network = small_network()
    target = tmp_path_factory.mktemp("little") / "build"
    samples = small_samples()[:, None, :]
    return generate(network, little_folding(network), target, samples, axi_lite=True)


def _run(build: Build, path: Path, work: Path) -> BenchRun:
    (work / "registers").mkdir(parents=True)
    changed = Build(path, build.network, build.plan, True)
    samples = small_samples()[:, None, :]
    return run_registers("little", changed, samples, Simulator.ICARUS, work, fast=True)


def test_the_bench_passes_over_the_build_as_it_is(little, tmp_path):
    found = _run(little, little.path, tmp_path)
    assert found.passed and found.tests == 4, found.verdict


@pytest.mark.parametrize("fault", BUILD_FAULTS)
def test_a_planted_fault_fails_the_bench_of_the_block(little, tmp_path, fault):
    file, old, new, test = BUILD_FAULTS[fault]
    folder = tmp_path / "build"
    shutil.copytree(little.path, folder)
    path = folder / file
    text = path.read_text()
    if new is None:
        # one bit of a constant
        (line,) = (line for line in text.splitlines() if line.endswith("// digest6"))
        digit = re.search(r"32'h([0-9a-f])", line)
        old, new = (
            re.escape(line),
            line.replace(f"32'h{digit[1]}", f"32'h{int(digit[1], 16) ^ 1:x}", 1),
        )
    text, planted = re.subn(old, new, text)
    assert planted == 1, f"{file} holds {old!r} {planted} times"
    path.write_text(text)
    found = _run(little, folder, tmp_path / "work")
    assert test in found.failed, found.verdict


def test_c_that_does_not_compile_is_told_in_one_line(little, tmp_path):
    folder = tmp_path / "build"
    shutil.copytree(little.path, folder)
    path = folder / "handoff/little_regs.h"
    path.write_text(path.read_text().replace("LITTLE_SCORE_OFFSET", "LITTLE_SCORES_OFFSET"))
    with pytest.raises(UserError, match=r"C example: .*LITTLE_SCORE_OFFSET"):
        _run(little, folder, tmp_path / "work")
