"""The HTML page of a verification: one self-contained file, pictures and styles inside.

Last station. Reads verdicts with their networks, plans and fragments; gives the page. The template
holds the page, this module the numbers; HTML is escaped, unlike hardware.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from bnn_hw import __version__
from bnn_hw.assets import templates_dir
from bnn_hw.errors import UserError
from bnn_hw.files import write_text
from bnn_hw.generate.plan import Plan
from bnn_hw.golden import PackedNetwork, plain
from bnn_hw.ir import Network
from bnn_hw.ir.storage import macs, storage
from bnn_hw.metrics import Scores, score
from bnn_hw.report.activity import RUNS, ActivityView, activity_picture, activity_view
from bnn_hw.report.pictures import data_uri, fragment_picture, require_matplotlib
from bnn_hw.simulate.activity.measurement import Measurement
from bnn_hw.simulate.tools import tool_versions
from bnn_hw.verify.fragments import UNLABELLED, Fragments
from bnn_hw.verify.levels import LEVELS
from bnn_hw.verify.provenance import checkpoint_digest_of
from bnn_hw.verify.verdict import LevelResult, Verdict

TEMPLATE = "report/verify.html.j2"


@dataclass(frozen=True, eq=False)
class Subject:
    """One network of the page and what was found about it; ``activity`` where toggles were counted."""

    verdict: Verdict
    network: Network
    plan: Plan
    fragments: Fragments
    activity: Measurement | None = None


@dataclass(frozen=True)
class LevelRow:
    """One line of the table of levels; ``state`` is equal, differs, skipped or left-out."""

    name: str
    says: str
    state: str
    fragments: str
    compared: str
    mismatches: str
    seconds: str
    why: str


@dataclass(frozen=True)
class ConfusionCell:
    """One count; ``shade`` is its share of the true class in percent."""

    count: int
    shade: int
    hit: bool


@dataclass(frozen=True)
class ConfusionRow:
    """One true class."""

    label: str
    cells: tuple[ConfusionCell, ...]
    fragments: int
    sensitivity: str


@dataclass(frozen=True)
class Confusion:
    """Confusion matrix of the labelled fragments."""

    labels: tuple[str, ...]
    rows: tuple[ConfusionRow, ...]
    correct: int
    fragments: int
    accuracy: str


@dataclass(frozen=True)
class FoldRow:
    """One line of the folding table."""

    layer: str
    channels: str
    window: int
    positions: int
    pe: int
    simd: int
    nf: int
    sf: int
    cycles: str
    busy: int


@dataclass(frozen=True)
class Section:
    """One network as the template shows it."""

    name: str
    passed: bool
    digest: str
    checkpoint_digest: str
    facts: tuple[tuple[str, str], ...]
    source: str
    levels: tuple[LevelRow, ...]
    picture: str
    picture_text: str
    confusion: Confusion | None
    folds: tuple[FoldRow, ...]
    cycles: str
    activity: ActivityView | None
    activity_picture: str


def write_report(path: Path, subjects: Sequence[Subject]) -> None:
    """Write the page of ``subjects`` to ``path``.

    Raises
    ------
    UserError
        When the file can't be written.
    ToolMissing
        When matplotlib is not installed.
    """
    write_text(path, render_page(subjects))


def render_page(subjects: Sequence[Subject]) -> str:
    """The page as text; errors as in :func:`write_report`."""
    require_matplotlib()
    if not subjects:
        raise UserError("report: no network to report on")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(subject) for subject in subjects]
    return environment.get_template(TEMPLATE).render(
        sections=sections,
        passed=all(section.passed for section in sections),
        versions=versions(),
        activity_runs=RUNS,
        generator=f"bnn_hw {__version__}",
    )


def versions() -> list[tuple[str, str]]:
    """Name and version of everything that had a hand in it; a missing one is said to be so."""
    found = [("bnn_hw", __version__), ("Python", platform.python_version())]
    for package in ("numpy", "torch", "jinja2", "matplotlib"):
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append((package, "not installed"))
    return [*found, *tool_versions().items()]


def _section(subject: Subject) -> Section:
    network, verdict, plan = subject.network, subject.verdict, subject.plan
    shown = 0
    trace = plain.trace(network, subject.fragments.samples[shown : shown + 1])
    picture = fragment_picture(network, subject.fragments.samples[shown], trace)
    predicted = network.labels[int(trace.result.classes[0])]
    label = int(subject.fragments.labels[shown])
    text = f"{subject.fragments.names[shown]}: classified as {predicted}"
    if label != UNLABELLED:
        text += f", annotated as {network.labels[label]}"
    stored = storage(network)
    facts = (
        ("Classes", ", ".join(network.labels)),
        ("Input", f"{network.input.samples:,} samples of {network.input.bits} bits, {network.input.unit}"),
        ("Storage", f"{stored.storage_bytes:,} bytes: {stored.weight_bits:,} bits of weights, "
         f"{stored.threshold_bits:,} of thresholds, {stored.head_bits:,} of the head"),
        ("Work", f"{macs(network):,} binary multiply-adds a fragment"),
    )  # fmt: skip
    counted = subject.activity
    return Section(
        name=network.name,
        passed=verdict.passed,
        digest=verdict.digest,
        checkpoint_digest=checkpoint_digest_of(network) or "not noted",
        facts=facts,
        source=verdict.source or subject.fragments.source,
        levels=tuple(_level_row(level) for level in verdict.levels),
        picture=data_uri(picture),
        picture_text=text,
        confusion=_confusion(subject),
        folds=_fold_rows(plan),
        cycles=f"{plan.cycles:,}",
        activity=None if counted is None else activity_view(counted),
        activity_picture="" if counted is None else data_uri(activity_picture(counted)),
    )


def _level_row(level: LevelResult) -> LevelRow:
    says = next((known.says for known in LEVELS if known.name == level.name), "")
    if level.skipped:
        state = "left-out" if level.left_out else "skipped"
        return LevelRow(level.name, says, state, "", "", "", "", level.why or "")
    return LevelRow(
        name=level.name,
        says=says,
        state="equal" if level.passed else "differs",
        fragments=f"{level.fragments:,}" if level.fragments else "",
        compared=f"{level.compared:,}",
        mismatches=f"{level.mismatches:,}",
        seconds=f"{level.seconds:.1f}",
        why=level.why or "",
    )


def _confusion(subject: Subject) -> Confusion | None:
    labels = subject.fragments.labels
    labelled = np.flatnonzero(labels != UNLABELLED)
    if not labelled.size:
        return None
    network = subject.network
    classes = PackedNetwork(network).run(subject.fragments.samples[labelled]).classes
    scores: Scores = score(labels[labelled], classes, network.labels)
    rows = []
    for true, (label, counts) in enumerate(zip(network.labels, scores.confusion, strict=True)):
        total = sum(counts)
        cells = tuple(
            ConfusionCell(count, round(100 * count / total) if total else 0, said == true)
            for said, count in enumerate(counts)
        )
        sensitivity = f"{100 * counts[true] / total:.0f} %" if total else "no fragment"
        rows.append(ConfusionRow(label, cells, total, sensitivity))
    return Confusion(
        labels=network.labels,
        rows=tuple(rows),
        correct=scores.correct,
        fragments=scores.fragments,
        accuracy=f"{100 * scores.accuracy:.1f} %",
    )


def _fold_rows(plan: Plan) -> tuple[FoldRow, ...]:
    return tuple(
        FoldRow(
            layer=stage.name,
            channels=f"{stage.in_channels} → {stage.out_channels}",
            window=stage.window_elements,
            positions=stage.positions,
            pe=stage.pe,
            simd=stage.simd,
            nf=stage.nf,
            sf=stage.sf,
            cycles=f"{cycles:,}",
            busy=round(100 * cycles / plan.cycles),
        )
        for stage, cycles in zip(plan.stages, plan.stage_cycles, strict=True)
    )
