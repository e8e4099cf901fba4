"""Level ``verilator``: the RTL in Verilator, every stream against golden."""

from __future__ import annotations

from bnn_hw.simulate.verilator import compile_verilator, run_verilator
from bnn_hw.verify.levels.streams import simulate_streams
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome


def run_verilator_level(subject: Subject, count: int) -> Outcome:
    """Streams and results of the first ``count`` fragments."""
    return simulate_streams(subject, count, "verilator", compile_verilator, run_verilator)
