"""The page docs/performance.md from the stored results of benchmarks/performance.py.

Reads the results and performance_notes.toml, and nothing else that was measured; gives Markdown. The
text around the tables is performance.md.j2.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from guard import TOLERANCE
from performance_measure import MODEL
from performance_peers import (
    beats_sentence,
    published_remarks,
    published_sentence,
    published_table,
)
from performance_points import judge, number
from performance_store import Entry, Results

from bnn_hw.cli.models import find_model
from bnn_hw.generate.fpga_targets import TARGETS
from bnn_hw.generate.render import environment
from bnn_hw.ir import Network

NOTES = Path(__file__).with_name("performance_notes.toml")
_TEMPLATE = Path(__file__).with_name("performance.md.j2")


@dataclass(frozen=True)
class Page:
    """What the template sees."""

    model: str
    classes: int
    digest: str
    samples: int
    yosys: str
    points_table: str
    points_remarks: tuple[str, ...]
    targets_table: str
    folds_sentence: str
    folds_table: str
    cycles_table: str
    popcount_table: str
    speed_table: str
    speed_sentence: str
    beats_sentence: str
    published_table: str
    published_sentence: str
    published_remarks: tuple[str, ...]
    guard_percent: str


def read_notes(path: Path = NOTES) -> dict[str, Any]:
    """Points, reasons and published works."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def render_page(results: Results, notes: Mapping[str, Any]) -> str:
    """The whole page; the same results and notes give the same bytes."""
    network = find_model(MODEL).network
    points = [judge(point, results) for point in notes["points"]]
    targets = results["targets"]
    rate = targets.get("ecp5-85k", {}).get("fragments_per_s")
    made = [entry["tool_versions"]["pyosys"] for entry in targets.values() if "lut" in entry]
    versions = sorted(set(made))
    beats = notes["beats"]
    beats_of_fragment = beats["annotated"] / (beats["records"] * beats["minutes"] * 6)
    page = Page(
        model=network.name,
        classes=network.classes,
        digest=network.digest()[:16],
        samples=network.input.samples,
        yosys=" ".join(["pyosys", *versions]),
        points_table=table(
            ("point", "must", "aim", "reached", ""),
            [(p.name, p.must, p.aim, p.reached, p.verdict) for p in points],
        ),
        points_remarks=tuple(f"*{p.name}*: {p.reason}" for p in points if p.reason),
        targets_table=_targets_table(targets),
        folds_sentence=_folds_sentence(results["folds"]),
        folds_table=_folds_table(results["folds"], network),
        cycles_table=_cycles_table(results["simulations"]),
        popcount_table=_popcount_table(results["popcount"]),
        speed_table=_speed_table(results["speed"].get("all")),
        speed_sentence=_speed_sentence(results["speed"].get("all"), rate),
        beats_sentence=beats_sentence(beats, beats_of_fragment),
        published_table=published_table(targets, notes["published"], beats_of_fragment),
        published_sentence=published_sentence(targets, notes["published"]),
        published_remarks=published_remarks(notes["published"]),
        guard_percent=f"{100 * TOLERANCE:g}",
    )
    values = {field.name: getattr(page, field.name) for field in fields(page)}
    template = environment(hash_comments=True).from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(values)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: int = 99) -> str:
    """A Markdown table; columns from ``right`` on are set to the right."""
    rule = ["---:" if index >= right else "---" for index in range(len(head))]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _targets_table(targets: Mapping[str, Entry]) -> str:
    head = ("target", "cycles", "LUT", "estimate", "FF", "LUT RAM", "block RAM", "logic cells")
    rows = []
    for name, entry in targets.items():
        path = entry.get("critical_path")
        routing = "-" if path is None else f"{100 * path['routing_ns'] / path['ns']:.0f} %"
        # The estimate is of the family that it names, not of every target's own.
        own = name in TARGETS and entry["estimate"]["family"] == TARGETS[name].family.value
        figures = ("ff", "lut_ram", "bram", "logic_cells", "fmax_mhz")
        rows.append(
            (
                f"`{name}`",
                number(entry["cycles_per_fragment"]),
                number(entry.get("lut")),
                number(entry["estimate"]["lut"]) if own else "-",
                *(number(entry.get(figure)) for figure in figures),
                routing,
                number(entry.get("fragments_per_s"), 0),
            )
        )
    return table((*head, "Fmax, MHz", "routing", "fragments/s"), rows, 1)


def _ordered(folds: Mapping[str, Entry]) -> list[Entry]:
    return sorted(folds.values(), key=lambda entry: (-entry["cycles"], entry["estimate"]["lut"]))


def _error(entry: Entry) -> float:
    return float(entry["estimate"]["lut"] / entry["lut"] - 1)


def _folds_sentence(folds: Mapping[str, Entry]) -> str:
    measured = [entry for entry in folds.values() if entry["lut"] is not None]
    if not measured:
        return "Not measured yet."
    worst = max(map(_error, measured), key=abs)
    mean = sum(abs(_error(entry)) for entry in measured) / len(measured)
    only = len(folds) - len(measured)
    more = f"; {only} more are too large for Yosys here and only estimated" if only else ""
    return (
        f"{len(measured)} foldings{more}. The solver chooses by the "
        f"estimate, before any synthesis: it is {100 * mean:.1f} % off in the mean and {100 * worst:+.1f} % "
        "at worst. The last columns are PE x SIMD of each layer, with the cycles that a step takes where it is "
        "one digit each, and the bits of a weight word that lie in block RAM (in RAM)."
    )


def _folds_table(folds: Mapping[str, Entry], network: Network) -> str:
    names = [block.name for block in network.blocks]
    rows = [
        (
            entry["asked"] if not entry["asked"].isdigit() else f"<= {int(entry['asked']):,}",
            number(entry["cycles"]),
            number(entry["estimate"]["lut"]),
            number(entry["lut"]),
            "-" if entry["lut"] is None else f"{100 * _error(entry):+.1f} %",
            *(number(entry[figure]) for figure in ("ff", "ram", "bram")),
            *(_fold(entry["folding"].get(name, {})) for name in names),
        )
        for entry in _ordered(folds)
    ]
    head = (
        "asked for",
        "cycles",
        "estimated LUT6",
        "LUT6",
        "error",
        "FF",
        "RAM and SRL",
        "block RAM",
    )
    return table((*head, *names), rows, 1)


def _fold(fold: Mapping[str, Any]) -> str:
    """PE x SIMD, and what else is not as it is by default."""
    more = [f"{fold['digits']} digits"] if fold.get("digits", 1) > 1 else []
    more += [f"{fold['block_bits']} in RAM"] if fold.get("block_bits") else []
    more += ["ring"] if fold.get("ring") else []
    return ", ".join([f"{fold.get('pe', '-')} x {fold.get('simd', '-')}", *more])


def _cycles_table(simulations: Mapping[str, Entry]) -> str:
    rows = [
        (
            f"`{name}`",
            number(entry["formula_cycles"]),
            number(entry.get("cycles_per_fragment")),
            number(entry.get("latency_cycles")),
        )
        for name, entry in sorted(simulations.items())
    ]
    return table(("network at one sample a cycle", "formula", "simulated", "latency"), rows, 1)


def _popcount_table(popcounts: Mapping[str, Entry]) -> str:
    rows = []
    for name, entry in popcounts.items():
        shape = f"{entry['pe']} x {entry['simd']}"
        rows.append((name, entry["weights"], shape, entry["steps"], *_per_bit(entry)))
    rom = [entry for entry in popcounts.values() if entry["weights"] == "ROM"]
    if rom:
        total = {name: sum(entry[name] for entry in rom) for name in ("bits", "naive", "cells")}
        rows.insert(len(rom), ("all with ROM", "ROM", "", "", *_per_bit(total)))
    head = ("layer", "weights", "PE x SIMD", "steps", "bits", "loop", "a bit", "cells", "a bit")
    return table(head, rows, 2)


def _per_bit(entry: Mapping[str, int]) -> tuple[str, ...]:
    bits, naive, cells = entry["bits"], entry["naive"], entry["cells"]
    return number(bits), number(naive), f"{naive / bits:.2f}", number(cells), f"{cells / bits:.2f}"


def _speed_table(speed: Entry | None) -> str:
    if speed is None:
        return "Not measured yet."
    speeds = speed["fragments_per_s"]
    rows = [
        (name, number(found, 0), f"{speeds['packed golden'] / found:,.3g}")
        for name, found in sorted(speeds.items(), key=lambda item: -item[1])
    ]
    return table(("program", "fragments/s", "packed golden is times as fast"), rows, 1)


def _speed_sentence(speed: Entry | None, rate: float | None) -> str:
    if speed is None:
        return ""
    text = (
        f"The Verilated RTL simulates {number(speed['verilated_cycles_per_s'], 0)} cycles a second."
    )
    if rate is not None:
        times = rate / speed["fragments_per_s"]["packed golden"]
        text += f" The ECP5-85k above does {times:,.2g} times the fragments of the fastest program."
    return text
