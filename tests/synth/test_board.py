"""The board's top behind its serial line, and single faults that its bench must find."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bnn_hw.generate.folding import folding_of
from bnn_hw.ir import Head, Network
from bnn_hw.simulate import board_bench
from bnn_hw.simulate.cocotb_runner import BenchRun, Simulator
from tests.simulate.nets import little_folding, small_network, small_samples


def _escaping(network: Network) -> Network:
    """``network`` with offsets that bring END and ESCAPE into the second byte of its scores."""
    head = network.layers[-1]
    assert isinstance(head, Head)
    offset = (0xC000 + 10, 0xDB00 + 20, *head.offset[2:])
    layers = (*network.layers[:-1], dataclasses.replace(head, offset=offset))
    return dataclasses.replace(network, layers=layers)


def run(simulator: Simulator, work: Path, samples_per_beat: int = 1) -> BenchRun:
    network = _escaping(small_network())
    samples = np.asarray(small_samples(4))[:, np.newaxis, :]
    folding = folding_of(network, little_folding(network).folds, samples_per_beat)
    return board_bench.run_board(network, folding, samples, simulator, work)


@pytest.mark.parametrize("samples_per_beat", [1, 2])
def test_results_over_the_line_equal_golden(tmp_path, samples_per_beat):
    outcome = run(Simulator.ICARUS, tmp_path, samples_per_beat)
    assert outcome.passed, (outcome.verdict, outcome.folder)
    assert outcome.tests == 3


# File below handoff/open/rtl, text in it, and what takes its place.
FAULTS = {
    "flag is lost": ("bnn_slip_tx", "{7'b0, user_q}", "8'b0"),
    "END is not escaped": ("bnn_slip_tx", "(plain == End || plain == Escape)", "(plain == Escape)"),
    "odd byte is kept": ("bnn_slip_rx", "& ~makes_whole;", ";"),
    "odd byte is dropped": ("bnn_slip_rx", "is_end & part & ~makes_whole", "1'b0"),
    "bad stop bit is taken": ("bnn_uart_rx", "valid_q <= line_q[0]", "valid_q <= 1'b1"),
    "bits the wrong way round": ("bnn_uart_tx", "{1'b1, data_q[7:1]}", "{data_q[6:0], 1'b1}"),
    "button does nothing": ("little_board", "if (!button_q[0]) power_on_q <= '0;\n    else ", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, tmp_path, monkeypatch):
    module, text, other = FAULTS[fault]
    real = board_bench.render_open_flow

    def planted(plan):
        files = real(plan)
        path = f"handoff/open/rtl/{module}.sv"
        assert text in files[path]
        return files | {path: files[path].replace(text, other)}

    monkeypatch.setattr(board_bench, "render_open_flow", planted)
    outcome = run(Simulator.ICARUS, tmp_path)
    assert outcome.failed, (outcome.verdict, outcome.folder)
