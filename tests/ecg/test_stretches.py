"""Stretches of the training records: against a naive count, sample by sample, and direct cuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import ECG17_CLASSES, FragmentSet, cut_record
from bnn_hw.ecg.labels import ECG5_CLASSES, rhythm_class, window_class
from bnn_hw.ecg.records import read_annotations
from bnn_hw.ecg.splits import Split, inter_patient_split, paper_split, random_split
from bnn_hw.ecg.stretches import STEP_SAMPLES, Stretches, classes_of, find_stretches

WriteRecord = Callable[..., Path]
Refused = Callable[..., AbstractContextManager[None]]

LENGTH = 720
RECORD = 4000
NAMES = ("one", "two", "three")
LEADS = ("MLII", "V5")
CLASSES = {"ecg5": ECG5_CLASSES, "ecg17": ECG17_CLASSES}
RHYTHMS = ("(N", "(AFIB", "(B", "(T", "(SVTA", "(XX")
TRAIN, VALIDATION, TEST, UNUSED = range(4)
# Record, lead, first sample, side of the split, class.
Row = tuple[str, str, int, int, int]
Written = dict[str, tuple[NDArray[np.int64], list[tuple[int, str, str]]]]


@pytest.fixture
def written(tmp_path: Path, write_record: WriteRecord) -> Written:
    """Write three annotated records; give the raw samples of the first lead and the annotations."""
    made = {}
    for seed, name in enumerate(NAMES):
        generator = np.random.default_rng(seed)
        samples = generator.integers(0, 2047, RECORD)
        write_record(name, samples)
        at = np.sort(generator.choice(np.arange(30, RECORD), 24, replace=False)).tolist()
        # Mostly normal beats, so that the rules of both sets often decide.
        symbols = generator.choice(list("NNNNNNVA"), 24).tolist()
        notes = [""] * 24
        for place in (0, 9, 16):
            symbols[place], notes[place] = "+", str(generator.choice(RHYTHMS))
        wfdb.wrann(name, "atr", np.array(at), symbols, aux_note=notes, write_dir=str(tmp_path))
        made[name] = (samples, list(zip(at, symbols, notes, strict=True)))
    return made


def made_up(set_: str, *rows: Row) -> tuple[FragmentSet, Split]:
    """Fragments whose samples are never read, and their split."""
    fragments = FragmentSet(
        name=set_,
        samples=np.zeros((len(rows), LENGTH), np.int16),
        labels=np.array([label for *_, label in rows], np.int64),
        class_names=CLASSES.get(set_, ("a",)),
        records=tuple(record for record, *_ in rows),
        starts=np.array([start for _, _, start, _, _ in rows], np.int64),
        twins=np.arange(len(rows), dtype=np.int64),
        leads=tuple(lead for _, lead, *_ in rows),
    )
    sides = np.array([side for _, _, _, side, _ in rows], np.int64)
    return fragments, Split(*(np.flatnonzero(sides == side) for side in range(3)))


def naive_starts(set_: str, rows: list[Row], row: Row, written: Written) -> list[int]:
    """Where a stretch for a training fragment may start: sample by sample."""
    name, _, _, _, label = row
    marks = written[name][1]
    closed = np.zeros(RECORD, bool)
    for record, _, start, side, _ in rows:
        if record == name and side in (VALIDATION, TEST):
            closed[start : start + LENGTH] = True
    rhythm_at = [next(note for _, symbol, note in marks if symbol == "+")] * RECORD
    for position, symbol, note in marks:
        if symbol == "+":
            rhythm_at[position:] = [note] * (RECORD - position)
    found = []
    for start in range(0, RECORD - LENGTH + 1, STEP_SAMPLES):
        inside = [symbol for at, symbol, _ in marks if start <= at < start + LENGTH]
        if set_ == "ecg5":
            own: str | None = window_class(inside)
        else:
            own = rhythm_class(Counter(rhythm_at[start : start + LENGTH]), inside)
        if own == CLASSES[set_][label] and not closed[start : start + LENGTH].any():
            found.append(start)
    return found


def starts_of(stretches: Stretches, row: int) -> list[int]:
    first, count = int(stretches.first[row]), int(stretches.counts[row])
    starts: list[int] = stretches.starts[first : first + count].tolist()
    return starts


rows_of_any_split = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(LEADS),
        st.integers(0, RECORD - LENGTH),
        st.sampled_from((TRAIN, VALIDATION, TEST, UNUSED)),
        st.sampled_from(range(5)),
    ),
    min_size=1,
    max_size=14,
).filter(lambda rows: any(side == TRAIN for _, _, _, side, _ in rows))


# The records are written once and only read.
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(set_=st.sampled_from(sorted(CLASSES)), rows=rows_of_any_split)
@example(set_="ecg5", rows=[("one", "MLII", 0, TRAIN, label) for label in range(5)])
@example(set_="ecg17", rows=[(name, "V5", 0, TRAIN, label) for name in NAMES for label in (0, 6)])
def test_stretches_are_what_a_naive_count_leaves(
    tmp_path: Path, written: Written, set_: str, rows: list[Row]
) -> None:
    stretches = find_stretches(*made_up(set_, *rows), tmp_path)
    assert stretches.length == LENGTH
    trained = [row for row in rows if row[3] == TRAIN]
    for i, row in enumerate(trained):
        assert starts_of(stretches, i) == naive_starts(set_, rows, row, written)
        # The lead is the fragment's own: the second has half the first one's value.
        raw = written[row[0]][0] // (1 + LEADS.index(row[1]))
        assert np.array_equal(stretches.samples[stretches.sources[i]], raw - 1024)
    assert len(stretches.samples) == len({(record, lead) for record, lead, *_ in trained})


def test_the_made_up_records_have_stretches_of_both_rules(tmp_path: Path, written: Written) -> None:
    """The property above would hold for no stretch at all."""
    for set_, classes in CLASSES.items():
        rows: list[Row] = [
            (name, "MLII", 0, TRAIN, k) for name in NAMES for k in range(len(classes))
        ]
        stretches = find_stretches(*made_up(set_, *rows), tmp_path)
        assert (stretches.counts > 0).sum() > 2


@pytest.mark.parametrize("side", [VALIDATION, TEST])
@pytest.mark.parametrize("lead", LEADS)
def test_a_closed_fragment_closes_both_leads(
    tmp_path: Path, written: Written, side: int, lead: str
) -> None:
    free = find_stretches(*made_up("ecg5", ("one", "MLII", 0, TRAIN, 2)), tmp_path)
    closed = find_stretches(
        *made_up("ecg5", ("one", "MLII", 0, TRAIN, 2), ("one", lead, 1800, side, 2)), tmp_path
    )
    left = [s for s in starts_of(free, 0) if s + LENGTH <= 1800 or s >= 1800 + LENGTH]
    assert starts_of(closed, 0) == left != starts_of(free, 0)


def test_records_of_the_other_parts_are_not_read(tmp_path: Path, written: Written) -> None:
    rows: list[Row] = [
        ("absent", "MLII", 0, TEST, 0),
        ("two", "V5", 0, TRAIN, 0),
        ("gone", "V5", 90, VALIDATION, 0),
        ("away", "V5", 90, UNUSED, 0),
    ]
    assert len(find_stretches(*made_up("ecg5", *rows), tmp_path).samples) == 1


def test_taken_samples_agree_with_a_direct_cut(tmp_path: Path, written: Written) -> None:
    rows: list[Row] = [(name, lead, 100, TRAIN, 2) for name in NAMES for lead in LEADS]
    stretches = find_stretches(*made_up("ecg5", *rows), tmp_path)
    own = np.flatnonzero(stretches.counts)
    assert len(own) == len(rows)
    for chance in (0.0, 0.5, float(np.nextafter(np.float32(1), np.float32(0)))):
        sources, begins = stretches.pick(own, np.full(len(own), chance, np.float32))
        samples = stretches.cut(sources, begins)
        assert samples.dtype == np.int16 and samples.shape == (len(own), LENGTH)
        for row in own.tolist():
            starts = starts_of(stretches, row)
            record, lead, *_ = rows[row]
            start = starts[int(chance * len(starts))]
            whole = cut_record(tmp_path, record, lead)
            assert np.array_equal(samples[row], whole[start : start + LENGTH])
            # What was noted there goes with them: all of the record, both leads alike.
            marks = stretches.annotations[sources[row]]
            noted = zip(marks.positions.tolist(), marks.symbols, marks.notes, strict=True)
            assert list(noted) == written[record][1]


def test_a_set_without_a_rule_is_refused(
    tmp_path: Path, written: Written, refused: Refused
) -> None:
    with refused("other", "stretch_share"):
        find_stretches(*made_up("other", ("one", "MLII", 0, TRAIN, 0)), tmp_path)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"gain": 100.0}, ("field gain is 100", "200 and 1024")),
        ({"zero": 0}, ("field zero 0", "200 and 1024")),
        ({"leads": ("V1", "V5")}, ("MLII",)),
        ({"fs": 250}, ("250",)),
    ],
)
def test_a_record_that_is_no_mit_bih_record_is_refused(
    tmp_path: Path,
    write_record: WriteRecord,
    refused: Refused,
    fields: dict[str, object],
    words: tuple[str, ...],
) -> None:
    write_record("other", **fields)
    with refused("other", *words):
        cut_record(tmp_path, "other", "MLII")
    with refused("other", *words):
        find_stretches(*made_up("ecg5", ("other", "MLII", 0, TRAIN, 0)), tmp_path)


def test_torn_annotations_are_said(
    tmp_path: Path, write_record: WriteRecord, refused: Refused
) -> None:
    write_record("bare")
    # Without annotations every stretch is a Q, and no beat is anywhere.
    split = made_up("ecg5", ("bare", "MLII", 0, TRAIN, 4))
    stretches = find_stretches(*split, tmp_path)
    assert stretches.counts.tolist() == [len(range(0, RECORD - LENGTH + 1, STEP_SAMPLES))]
    assert stretches.annotations[0].symbols == ()
    (tmp_path / "bare.atr").write_bytes(b"")
    with refused("bare", "annotations"):
        find_stretches(*split, tmp_path)


# The records.


@pytest.mark.parametrize("protocol", ["random", "paper"])
@pytest.mark.parametrize("set_", ["ecg5", "ecg17"])
def test_stretches_of_the_records_keep_off_validation_and_test(
    mitdb: Path, request: pytest.FixtureRequest, set_: str, protocol: str
) -> None:
    fragments: FragmentSet = request.getfixturevalue(set_)
    split = random_split(fragments, 1) if protocol == "random" else paper_split(fragments, 1)
    stretches = find_stretches(fragments, split, mitdb)
    names = np.array(fragments.records)
    closed = np.concatenate([split.validation, split.test])
    for name in dict.fromkeys(fragments.records):
        near = fragments.starts[closed[names[closed] == name]]
        for i in np.flatnonzero(names[split.train] == name)[:20]:
            starts = np.array(starts_of(stretches, int(i)))
            assert starts.size == 0 or (abs(starts[:, None] - near[None, :]) >= 3600).all()
    # Nearly all fragments have some; every one of them lies in its source where its index says.
    assert (stretches.counts > 0).mean() > 0.99
    for i, row in enumerate(split.train[:200]):
        start = int(fragments.starts[row])
        whole = stretches.samples[stretches.sources[i]]
        assert np.array_equal(whole[start : start + 3600], fragments.samples[row])


def test_stretches_between_patients_come_from_training_records(
    mitdb: Path, ecg5: FragmentSet
) -> None:
    split = inter_patient_split(ecg5, 1)
    stretches = find_stretches(ecg5, split, mitdb)
    trained = dict.fromkeys(ecg5.records[row] for row in split.train)
    assert not {ecg5.records[row] for row in (*split.validation, *split.test)} & set(trained)
    assert len(stretches.samples) == len(trained)
    for name, samples in zip(trained, stretches.samples, strict=True):
        assert np.array_equal(samples, cut_record(mitdb, name, "MLII"))


def test_the_rule_agrees_with_the_published_seventeen_classes(
    mitdb: Path, ecg17: FragmentSet
) -> None:
    agreed = Counter[str]()
    for name in dict.fromkeys(ecg17.records):
        rows = np.flatnonzero(np.array(ecg17.records) == name)
        annotations = read_annotations(mitdb / name)
        found = classes_of("ecg17", ECG17_CLASSES, annotations, ecg17.starts[rows], 3600)
        for label, own in zip(ecg17.labels[rows], found, strict=True):
            agreed["none" if own < 0 else "same" if own == label else "other"] += 1
    assert agreed == {"same": 974, "none": 24, "other": 2}
