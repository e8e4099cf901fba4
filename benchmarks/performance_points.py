"""The points to be reached in docs/performance.md, judged: reached, wished for, or missed and why.

Reads a point of performance_notes.toml and the stored results; gives a :class:`Point` in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from performance_measure import MODEL
from performance_store import Entry, Results

# What stands for the reason of a missed point that nobody has written down.
UNKNOWN = "The reason is not known yet."
# Figures of a point, as the page words them.
_WORDS = {
    "cycles_per_fragment": "cycles",
    "lut": "LUT6",
    "bram": "BRAM36",
    "dsp": "DSP",
    "fmax_mhz": "MHz",
    "fragments_per_s": "fragments/s",
    "logic_cells": "LC",
    "latency_cycles": "cycles",
}


@dataclass(frozen=True)
class Point:
    """A point to be reached, judged; ``reason`` is empty where nothing was missed."""

    name: str
    must: str
    aim: str
    reached: str
    verdict: str
    reason: str


def judge(point: Mapping[str, Any], results: Results) -> Point:
    """``point`` of the notes beside what was measured."""
    measured = _measured(point["from"], results)
    must, aim, reached = [], [], []
    kept = wished = True
    for limit in point["limits"]:
        figure, word = limit["figure"], _WORDS[limit["figure"]]
        sign = "<=" if "most" in limit else ">="
        bound = limit.get("most", limit.get("least"))
        found = measured.get(figure)
        must.append(f"{sign} {bound:,} {word}" if bound else f"0 {word}")
        if "aim" in limit:
            aim.append(f"{sign} {limit['aim']:,} {word}")
        if found is None:
            kept = False
            continue
        reached.append(f"{number(found)} {word}")
        kept &= found <= bound if sign == "<=" else found >= bound
        if "aim" in limit:
            wished &= found <= limit["aim"] if sign == "<=" else found >= limit["aim"]
    if not measured:
        verdict = "not measured"
    else:
        verdict = ("**aim**" if wished else "must") if kept else "missed"
    failed = measured.get("failed")
    reason = "" if kept or not measured else point["reason"] or UNKNOWN
    if failed:
        reached.append("no result")
        reason = f"{failed}. {reason}"
    return Point(
        name=point["name"],
        must=", ".join(must),
        aim=", ".join(aim),
        reached=", ".join(reached) or "-",
        verdict=verdict,
        reason=reason,
    )


def _measured(source: str, results: Results) -> Entry:
    if source == "simulation":
        return results["simulations"].get(MODEL, {})
    return results["targets"].get(source, {})


def number(value: float | None, digits: int = 1) -> str:
    """A figure with separators, ``-`` where there is none."""
    if value is None:
        return "-"
    return f"{value:,.{digits}f}".removesuffix("." + "0" * digits)
