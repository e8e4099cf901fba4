"""Level ``constants``: what is elaborated from the RTL and compiled from the C++ is the network's."""

from __future__ import annotations

from bnn_hw.simulate.constants import compare_constants
from bnn_hw.verify.cpp_constants import compare_cpp
from bnn_hw.verify.levels.streams import work_folder
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome, Tally


def run_constants(subject: Subject, count: int) -> Outcome:
    """Weights, thresholds, polarities, padding, pools and head, each number of each."""
    network, plan, build = subject.network, subject.plan, subject.build.path
    tally = Tally()
    for group in compare_constants(network, plan, build):
        tally.add(group.compared, group.mismatches, f"RTL {group.first}")
    with work_folder("constants") as folder:
        compare_cpp(tally, network, plan, build, folder)
    return tally.outcome()
