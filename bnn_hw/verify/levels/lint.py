"""Level ``lint``: Verilator, Icarus, slang and Yosys take the RTL without a word."""

from __future__ import annotations

from bnn_hw.simulate.lint import lint_build
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome, Tally


def run_lint(subject: Subject, count: int) -> Outcome:
    """Messages of each front end; every file it read counts as compared."""
    tally = Tally()
    for result in lint_build(subject.build.path, subject.build.top):
        said = f"{result.front_end}: {result.messages[0]}" if result.messages else None
        tally.add(result.files, len(result.messages), said)
    return tally.outcome()
