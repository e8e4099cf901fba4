"""What the model card shows of the studies in a network's provenance, ready to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bnn_hw.metrics import ClassMetrics, score_confusion
from bnn_hw.report.study_model import PART_TITLES, PARTS, Condensed, Summary
from bnn_hw.report.text import percent

_TITLES = {"random": "honest random", "paper": "paper", "inter-patient": "inter-patient"}
# Of the paper's protocol the totals are enough: it is there only to compare.
_DETAILED = ("random", "inter-patient")


@dataclass(frozen=True)
class ProtocolRow:
    """One kind of network under one protocol."""

    protocol: str
    network: str
    seeds: str
    accuracy: str = "-"
    correct: str = "-"
    interval: str = "-"
    macro_f1: str = "-"


@dataclass(frozen=True)
class PooledClass:
    """One class: sensitivity, positive predictivity and F1 of each kind of network."""

    label: str
    fragments: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class ClassSection:
    """Classes and confusion under one protocol, the test parts of all seeds together."""

    title: str
    seeds: int
    networks: tuple[str, ...]
    rows: tuple[PooledClass, ...]
    confusion: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class StudyContext:
    """The part of the card's context that comes from studies; empty without any."""

    protocols_in_words: str
    protocol_rows: tuple[ProtocolRow, ...]
    class_sections: tuple[ClassSection, ...]
    origin: str
    study_commands: tuple[str, ...]
    with_stretches: str
    with_ectopy: str


def study_context(studies: Sequence[Condensed], digest: str, is_seventeen: bool) -> StudyContext:
    """Rows and sentences of ``studies``, one a protocol; ``digest`` is that of the card's network."""
    rows = [row for study in studies for row in _rows(study)]
    if is_seventeen and studies:
        rows.append(ProtocolRow(_TITLES["inter-patient"], "no such split exists", "-"))
    words = {1: "one protocol", 2: "two protocols", 3: "three protocols"}
    return StudyContext(
        protocols_in_words=words.get(len(studies), ""),
        protocol_rows=tuple(rows),
        class_sections=tuple(_section(study) for study in studies if study.protocol in _DETAILED),
        origin=_origin(studies, digest),
        study_commands=tuple(line for study in studies for line in _commands(study)),
        with_stretches=_titles(study for study in studies if study.stretch_share),
        with_ectopy=_titles(study for study in studies if study.ectopy_share),
    )


def _titles(studies: Iterable[Condensed]) -> str:
    return ", ".join(_TITLES[study.protocol] for study in studies)


def _summaries(study: Condensed) -> list[tuple[str, Summary]]:
    found = [(name, getattr(study.summary, name)) for name in PARTS]
    return [(PART_TITLES[name], summary) for name, summary in found if summary is not None]


def _rows(study: Condensed) -> list[ProtocolRow]:
    title = _TITLES[study.protocol]
    if study.protocol == "paper":
        title += " (chosen on the test)"
    rows = []
    for name, summary in _summaries(study):
        pooled = summary.pooled
        low, high = pooled.interval_95_distinct
        rows.append(
            ProtocolRow(
                protocol=title,
                network=name,
                seeds=str(len(study.seeds)),
                accuracy=f"**{summary.accuracy.percent()}** ({percent(summary.accuracy.min)} to "
                f"{percent(summary.accuracy.max)})",
                correct=f"{pooled.correct:,} of {pooled.fragments:,}, "
                f"{pooled.distinct_fragments:,} different",
                interval=f"{percent(low, 1)} to {percent(high, 1)}",
                macro_f1=summary.macro_f1.percent(),
            )
        )
    return rows


def _section(study: Condensed) -> ClassSection:
    summaries = _summaries(study)
    pooled = [
        score_confusion(np.array(summary.pooled.confusion, np.int64), study.labels).classes
        for _, summary in summaries
    ]
    rows = []
    for index, label in enumerate(study.labels):
        cells = [text for classes in pooled for text in _cells(classes[index])]
        rows.append(PooledClass(label, pooled[0][index].fragments, tuple(cells)))
    confusion = zip(study.labels, study.summary.binary.pooled.confusion, strict=True)
    return ClassSection(
        title=_TITLES[study.protocol],
        seeds=len(study.seeds),
        networks=tuple(name for name, _ in summaries),
        rows=tuple(rows),
        confusion=tuple(confusion),
    )


def _cells(entry: ClassMetrics) -> tuple[str, str, str]:
    return (
        percent(entry.sensitivity, 1),
        percent(entry.positive_predictivity, 1),
        percent(entry.f1, 1),
    )


def _origin(studies: Sequence[Condensed], digest: str) -> str:
    for study in studies:
        if study.chosen_digest == digest:
            where = "the test part" if study.protocol == "paper" else "validation"
            return f"seed {study.chosen} of experiment `{study.name}`, picked on {where}"
    return ""


def _commands(study: Condensed) -> tuple[str, str]:
    title = _TITLES[study.protocol]
    return (
        f"{title}, every seed's frozen network measured again: "
        f"`bnn-hw study models/studies/{study.name} --records DIR`",
        f"{title}, trained from records: `make train EXPERIMENT=experiments/{study.name}.toml "
        "RECORDS=DIR`",
    )
