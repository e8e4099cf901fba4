"""Level ``constants``: what is elaborated from the RTL and compiled from the C++ is the network's."""

from __future__ import annotations

from bnn_hw.verify.cpp_constants import compare_cpp
from bnn_hw.verify.levels.streams import work_folder
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome, Tally


def run_constants(subject: Subject, count: int) -> Outcome:
    """Weights, thresholds, polarities, padding, pools and head, each number of each."""
    tally = Tally()
    with work_folder("constants") as folder:
        compare_cpp(tally, subject.network, subject.plan, subject.build.path, folder)
    return tally.outcome()
