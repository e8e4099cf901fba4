"""Level ``icarus``: the RTL in Icarus Verilog, every stream against golden."""

from __future__ import annotations

from bnn_hw.simulate.icarus import compile_icarus, run_icarus
from bnn_hw.verify.levels.streams import simulate_streams
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome


def run_icarus_level(subject: Subject, count: int) -> Outcome:
    """Streams and results of the first ``count`` fragments; an unknown bit is a mismatch."""
    return simulate_streams(subject, count, "icarus", compile_icarus, run_icarus)
