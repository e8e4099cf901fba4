"""Stretches of the training records that may stand in for a training fragment of the same class.

Side station of `fragments`, for training alone. A stretch has the record, lead and class of its
fragment, the class by the rules of `labels`, and overlaps no fragment of the validation or the test
part, in no lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import FragmentSet, cut_record
from bnn_hw.ecg.labels import rhythm_class, window_class
from bnn_hw.ecg.records import Annotations, read_annotations
from bnn_hw.ecg.splits import Split
from bnn_hw.errors import UserError

# A stretch may start at every quarter of a second.
STEP_SAMPLES = 90


@dataclass(frozen=True, eq=False)
class Stretches:
    """Records, and for every training fragment where its stretches start.

    ``samples`` has one ``(length,) int16`` array a record and lead, adu less zero; ``annotations``
    has what the cardiologists noted in it, ``open`` which samples touch no closed fragment,
    ``(length,) bool``. Of training fragment i, in the order of the training part, ``sources[i]`` says
    which of them, and its stretches start at ``starts[first[i] : first[i] + counts[i]]``; all
    ``int64``.
    """

    samples: tuple[NDArray[np.int16], ...]
    annotations: tuple[Annotations, ...]
    open: tuple[NDArray[np.bool_], ...]
    sources: NDArray[np.int64]
    starts: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    length: int

    def pick(
        self, rows: NDArray[np.int64], chances: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return source and first sample of one stretch a training fragment.

        ``chances`` are at least 0 and below 1, one a row. Every row must have a stretch.
        """
        picked = (chances.astype(np.float64) * self.counts[rows]).astype(np.int64)
        return self.sources[rows], self.starts[self.first[rows] + picked]

    def cut(self, sources: NDArray[np.int64], begins: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return the samples, ``(rows, length)``, of the stretches that were picked."""
        return np.stack(
            [
                self.samples[source][begin : begin + self.length]
                for source, begin in zip(sources.tolist(), begins.tolist(), strict=True)
            ]
        )


def find_stretches(fragments: FragmentSet, split: Split, records: Path) -> Stretches:
    """Find the stretches of a split's training fragments.

    Raises ``UserError`` for records that can't be read, and for a set without a rule of classes.
    """
    length = int(fragments.samples.shape[1])
    names = np.array(fragments.records)
    closed = np.concatenate([split.validation, split.test])
    leads = fragments.leads or ("",) * len(fragments)
    sources: dict[tuple[str, str], int] = {}
    samples: list[NDArray[np.int16]] = []
    marks: list[Annotations] = []
    is_open: list[NDArray[np.bool_]] = []
    groups: dict[tuple[str, str, int], tuple[int, int]] = {}
    starts: list[NDArray[np.int64]] = []
    of_row: list[tuple[int, int, int]] = []
    found = 0
    for row in split.train.tolist():
        record, lead = fragments.records[row], leads[row]
        label = int(fragments.labels[row])
        if (record, lead) not in sources:
            whole = cut_record(records, record, lead or None)
            annotations = read_annotations(records / record)
            sources[record, lead] = len(samples)
            samples.append(whole)
            marks.append(annotations)
            is_open.append(
                _open_samples(whole.size, length, fragments.starts[closed[names[closed] == record]])
            )
            free = _free_starts(is_open[-1], length)
            classes = classes_of(fragments.name, fragments.class_names, annotations, free, length)
            for known in range(len(fragments.class_names)):
                own = free[classes == known]
                groups[record, lead, known] = (found, len(own))
                starts.append(own)
                found += len(own)
        of_row.append((sources[record, lead], *groups[record, lead, label]))
    table = np.array(of_row, np.int64).reshape(-1, 3)
    return Stretches(
        tuple(samples),
        tuple(marks),
        tuple(is_open),
        sources=table[:, 0],
        starts=np.concatenate(starts),
        first=table[:, 1],
        counts=table[:, 2],
        length=length,
    )


def _open_samples(size: int, length: int, closed: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which samples lie in no fragment that starts at ``closed``."""
    is_open = np.ones(size, bool)
    for start in closed:
        is_open[start : start + length] = False
    return is_open


def _free_starts(is_open: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Return where a stretch may start with all its samples in the open."""
    taken = np.concatenate([[0], np.cumsum(~is_open)])
    starts = np.arange(0, is_open.size - length + 1, STEP_SAMPLES, dtype=np.int64)
    free: NDArray[np.int64] = starts[taken[starts + length] == taken[starts]]
    return free


def classes_of(
    set_name: str,
    class_names: Sequence[str],
    annotations: Annotations,
    starts: NDArray[np.int64],
    length: int,
) -> NDArray[np.int64]:
    """Return the class of the stretch at each start by the set's rule, -1 where none is decided.

    Raises ``UserError`` for a set without a rule.
    """
    positions, symbols = annotations.positions, annotations.symbols
    first = np.searchsorted(positions, starts, side="left").tolist()
    last = np.searchsorted(positions, starts + length, side="left").tolist()
    inside = [symbols[a:b] for a, b in zip(first, last, strict=True)]
    found: list[str | None]
    if set_name == "ecg5":
        found = [window_class(own) for own in inside]
    elif set_name == "ecg17":
        spans = _rhythms(annotations, starts, length)
        found = [rhythm_class(own, seen) for own, seen in zip(spans, inside, strict=True)]
    else:
        raise UserError(
            f"stretches of set {set_name}: no rule gives their class, ecg5 and ecg17 have one; "
            "take out data.stretch_share"
        )
    number = {name: index for index, name in enumerate(class_names)}
    return np.array([-1 if name is None else number[name] for name in found], np.int64)


def _rhythms(
    annotations: Annotations, starts: NDArray[np.int64], length: int
) -> Sequence[dict[str, int]]:
    """Return the samples of each rhythm in the stretch at each start."""
    changes = [
        (int(position), note)
        for position, symbol, note in zip(
            annotations.positions, annotations.symbols, annotations.notes, strict=True
        )
        if symbol == "+"
    ]
    # The first note stands at the first beat: its rhythm was there before.
    names = [changes[0][1] if changes else "", *(note for _, note in changes)]
    borders = np.array([0, *(position for position, _ in changes)], np.int64)
    first = (np.searchsorted(borders, starts, side="right") - 1).tolist()
    last = np.searchsorted(borders, starts + length, side="left").tolist()
    spans: list[dict[str, int]] = []
    for start, low, high in zip(starts.tolist(), first, last, strict=True):
        cuts = [start, *borders[low + 1 : high].tolist(), start + length]
        own: dict[str, int] = {}
        for name, begin, end in zip(names[low:high], cuts, cuts[1:], strict=False):
            own[name] = own.get(name, 0) + end - begin
        spans.append(own)
    return spans
