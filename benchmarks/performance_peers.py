"""The comparison with published works in docs/performance.md, in fragments of 10 s.

Reads targets of the stored results and the works of performance_notes.toml; gives Markdown. A figure
that a work does not state stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OWN = {
    "ecp5-25k": "full rate",
    "ecp5-85k": "fastest",
    "up5k": "real time",
    "xc7": "full rate; area alone",
}
# Targets that are after speed.
_FAST = ("ecp5-25k", "ecp5-85k")
_FRAGMENT, _BEAT = "fragment of 10 s", "beat"

Work = Mapping[str, Any]


def published_table(
    targets: Mapping[str, Mapping[str, Any]], works: Sequence[Work], beats_of_fragment: float
) -> str:
    """Rows of this project first, then the published ones."""
    rows = []
    for name, what in _OWN.items():
        entry = targets.get(name)
        if entry is None or "lut" not in entry:
            continue
        rate = entry["fragments_per_s"]
        kind = "LUT6" if name == "xc7" else "LUT4"
        time = "" if rate is None else f"{1e6 / rate:,.2f} us"
        per_s = "" if rate is None else f"{rate:,.0f}"
        device = f"{entry['device']}, {what}"
        lut = f"{entry['lut']:,} {kind}"
        rows.append((f"this one, `{name}`", _FRAGMENT, device, lut, time, per_s, "not claimed"))
    for number, work in enumerate(works, start=1):
        lut = f"{work['lut']} LUT" if "lut" in work else ""
        lut += f", {work['dsp']} DSP" if "dsp" in work else ""
        time = f"{work['time_us']:,} us" if "time_us" in work else ""
        rows.append(
            (
                f"{work['work']} [{number}]",
                work["unit"],
                work["device"],
                lut,
                time,
                _rate(work, beats_of_fragment),
                _power(work),
            )
        )
    head = ("work", "classifies", "device", "LUT", "time of one", "fragments of 10 s/s", "power")
    lines = [head, ["---"] * 4 + ["---:"] * 2 + ["---"], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _rate(work: Work, beats_of_fragment: float) -> str:
    """Fragments of 10 s that the stated time allows, one inference after the other."""
    if "time_us" not in work:
        return ""
    per_s = 1e6 / work["time_us"]
    if work["unit"] == _FRAGMENT:
        return f"{per_s:,.0f}"
    if work["unit"] == _BEAT:
        return f"{per_s / beats_of_fragment:,.0f}, {beats_of_fragment:.1f} beats each"
    return ""


def _power(work: Work) -> str:
    parts = []
    if "power_mw" in work:
        value, _, how = str(work["power_mw"]).partition(", ")
        parts.append(f"{value} mW" + (f", {how}" if how else ""))
    if "energy_nj" in work:
        value, _, how = str(work["energy_nj"]).partition(", ")
        parts.append(f"{value} nJ a {work['unit']}" + (f", {how}" if how else ""))
    return "; ".join(parts)


def beats_sentence(beats: Mapping[str, int], beats_of_fragment: float) -> str:
    """How many beats a fragment holds, and from what that is reckoned."""
    return (
        f"A fragment holds {beats_of_fragment:.1f} beats in the mean of the MIT-BIH Arrhythmia Database "
        f"(about {beats['annotated']:,} annotated beats in {beats['records']} records of "
        f"{beats['minutes']} minutes), so a work that classifies beats works that often in 10 s."
    )


def published_sentence(targets: Mapping[str, Mapping[str, Any]], works: Sequence[Work]) -> str:
    """How this project's rates compare with the one work of the same unit."""
    same = [work for work in works if work["unit"] == _FRAGMENT and "time_us" in work]
    parts = []
    for name in _FAST:
        rate = targets.get(name, {}).get("fragments_per_s")
        if rate is not None and same:
            parts.append(f"{rate * same[0]['time_us'] / 1e6:,.1f} times on `{name}`")
    if not parts:
        return ""
    return (
        f"Beside the one work that classifies the same fragments, [1], fragments a second are "
        f"{' and '.join(parts)}. Accuracies are those of other splits: see the model cards."
    )


def published_remarks(works: Sequence[Work]) -> tuple[str, ...]:
    """Citation, task and caveat of each work."""
    return tuple(
        f"[{number}] {work['citation']}: {work['task']}. {work['caveat']}"
        for number, work in enumerate(works, start=1)
    )
