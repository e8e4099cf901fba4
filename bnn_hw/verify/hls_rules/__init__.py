"""Rules of Vitis HLS, held against the rendered C++ with libclang.

Reads the ``hls`` folder of a build; gives offences, one line each. No Vitis is needed and nothing is
claimed about II, area or timing: these are what the guide (UG1399) asks of C++ before it is
synthesised at all, see :data:`RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bnn_hw.verify.hls_rules.constructs import check_constructs
from bnn_hw.verify.hls_rules.dataflow import check_dataflow
from bnn_hw.verify.hls_rules.loops import check_loops
from bnn_hw.verify.hls_rules.offences import RULES, Findings, Offence, Rule
from bnn_hw.verify.hls_rules.pragmas import check_pragmas
from bnn_hw.verify.hls_rules.unit import parse_unit

__all__ = ["RULES", "HlsRules", "Offence", "Rule", "check_hls_rules"]


@dataclass(frozen=True)
class HlsRules:
    """Offences by file and line, and how many places each rule was held against."""

    offences: tuple[Offence, ...]
    checked: Mapping[str, int]


def check_hls_rules(build_dir: Path) -> HlsRules:
    """Hold the C++ of a build folder against every rule.

    Raises
    ------
    ToolMissing
        When libclang, g++ or the Xilinx headers are not installed.
    ToolFailed
        When the C++ does not parse: the first error.
    UserError
        When ``build_dir`` holds no HLS C++.
    """
    unit = parse_unit(build_dir)
    findings = Findings()
    pragmas = check_pragmas(unit, findings)
    check_dataflow(unit, pragmas, findings)
    check_loops(unit, pragmas, findings)
    check_constructs(unit, findings)
    return HlsRules(findings.offences, {rule: findings.checked[rule] for rule in RULES})
