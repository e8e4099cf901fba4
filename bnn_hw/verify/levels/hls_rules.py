"""Level ``hls-rules``: the HLS C++ keeps the rules of Vitis HLS that can be told without Vitis."""

from __future__ import annotations

from bnn_hw.verify.hls_rules import check_hls_rules
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome


def run_hls_rules(subject: Subject, count: int) -> Outcome:
    """Offences against each rule; every place that a rule was held against counts as compared."""
    found = check_hls_rules(subject.build.path)
    first = str(found.offences[0]) if found.offences else None
    if len(found.offences) > 1:
        first = f"{first} ({len(found.offences)} offences)"
    return Outcome(0, sum(found.checked.values()), len(found.offences), first)
