"""What is read from the tools' reports: counts of cells, timing, logic cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnn_hw.generate.fpga_targets import Family
from bnn_hw.simulate.tools import ToolFailed
from bnn_hw.synth.cells import count_cells
from bnn_hw.synth.timing import Use, read_logic_cells, read_timing


def _stat(folder: Path, cells: dict[str, int]) -> Path:
    path = folder / "cells.json"
    path.write_text(json.dumps({"modules": {"\\net": {"num_cells_by_type": cells}}}))
    return path


def test_xc7_counts_each_kind_once(tmp_path):
    cells = {
        "$scopeinfo": 9,
        "LUT1": 1,
        "LUT6": 10,
        "MUXF7": 3,
        "FDRE": 5,
        "FDSE": 2,
        "RAM32M": 2,
        "SRL16E": 3,
        "RAMB18E1": 3,
        "RAMB36E1": 1,
        "DSP48E1": 1,
        "CARRY4": 4,
    }
    counts = count_cells(_stat(tmp_path, cells), "net", Family.XC7)
    assert (counts.lut, counts.ff, counts.ram, counts.lut_ram) == (11, 7, 9, 11)
    assert (counts.bram, counts.dsp, counts.carry) == (2.5, 1, 4)
    assert "$scopeinfo" not in counts.cells and counts.cells["MUXF7"] == 3


def test_counts_of_the_lattice_families(tmp_path):
    ecp5 = {"LUT4": 7, "TRELLIS_FF": 3, "TRELLIS_DPR16X4": 2, "DP16KD": 1, "CCU2C": 4}
    counts = count_cells(_stat(tmp_path, ecp5), "net", Family.ECP5)
    assert (counts.lut, counts.ff, counts.ram, counts.lut_ram, counts.bram) == (15, 3, 3, 8, 1)
    ice40 = {"SB_LUT4": 7, "SB_DFFESR": 3, "SB_DFF": 1, "SB_RAM40_4K": 2, "SB_CARRY": 5}
    counts = count_cells(_stat(tmp_path, ice40), "net", Family.ICE40)
    assert (counts.lut, counts.ff, counts.bram, counts.carry) == (7, 4, 2, 5)


def test_a_module_that_was_not_counted_is_an_error(tmp_path):
    with pytest.raises(ToolFailed, match="no count of other"):
        count_cells(_stat(tmp_path, {}), "other", Family.XC7)


def _hop(kind: str, delay: float, start: str, end: str) -> dict:
    return {
        "type": kind,
        "delay": delay,
        "from": {"cell": start},
        "to": {"cell": end},
        "net": f"{start}_net",
    }


def _timing(folder: Path, **changes) -> Path:
    path = [
        _hop("clk-to-q", 0.5, "u_network.a", "u_network.a"),
        _hop("routing", 1.0, "u_network.a", "u_network.b"),
        _hop("logic", 0.25, "u_network.b", "u_network.b"),
        _hop("routing", 2.0, "u_network.b", "u_fifo.c"),
        _hop("setup", 0.25, "u_fifo.c", "u_fifo.c"),
    ]
    data = {
        "fmax": {"clk": {"achieved": 250.004, "constraint": 200}},
        "critical_paths": [
            {"from": "<async>", "to": "posedge clk", "path": []},
            {"from": "posedge clk", "to": "posedge clk", "path": path},
        ],
        "utilization": {
            "ICESTORM_LC": {"used": 7, "available": 5280},
            "SB_PLL": {"used": 0, "available": 1},
        },
    }
    file = folder / "timing.json"
    file.write_text(json.dumps(data | changes))
    return file


def test_the_longest_path_between_registers(tmp_path):
    timing = read_timing(_timing(tmp_path))
    path = timing.critical_path
    assert timing.fmax_mhz == 250.0
    assert (path.start, path.end, path.in_network) == ("u_network.a", "u_fifo.c", False)
    assert (path.ns, path.logic_ns, path.routing_ns, path.logic_levels) == (4.0, 1.0, 3.0, 1)
    assert timing.used == {"ICESTORM_LC": 7}


@pytest.mark.parametrize("clocks", [{}, {"a": {"achieved": 1.0}, "b": {"achieved": 2.0}}])
def test_fmax_is_that_of_one_clock_or_none_at_all(tmp_path, clocks):
    with pytest.raises(ToolFailed, match="no timing of one clock"):
        read_timing(_timing(tmp_path, fmax=clocks))


def test_logic_cells_of_a_packed_design(tmp_path):
    log = tmp_path / "network.log"
    log.write_text("Info: Device utilisation:\nInfo: \t    ICESTORM_LC:    1010/   5280    19%\n")
    assert read_logic_cells(log) == Use(1010, 5280)
    log.write_text("ERROR: nothing\n")
    with pytest.raises(ToolFailed, match="no count of logic cells"):
        read_logic_cells(log)
