"""Windows beside the fragments: against a naive mask of samples and a direct cut of the record."""

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

from bnn_hw.ecg.beats import beat_tracks
from bnn_hw.ecg.fragments import FragmentSet, cut_record
from bnn_hw.ecg.splits import Split, inter_patient_split, paper_split, random_split
from bnn_hw.ecg.windows import STEP_SAMPLES, BeatWindows, free_windows

WriteRecord = Callable[..., Path]
Refused = Callable[..., AbstractContextManager[None]]

LENGTH = 720
RECORD = 4000
NAMES = ("one", "two", "three")
LEADS = ("MLII", "V5")
TRAIN, VALIDATION, TEST, UNUSED = range(4)
# Record, lead, first sample, side of the split.
Row = tuple[str, str, int, int]


@pytest.fixture
def written(tmp_path: Path, write_record: WriteRecord) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Write three annotated records; give the raw samples of each lead."""
    raw = {}
    for seed, name in enumerate(NAMES):
        generator = np.random.default_rng(seed)
        samples = generator.integers(0, 2047, RECORD)
        write_record(name, samples)
        raw[name, "MLII"], raw[name, "V5"] = samples, samples // 2
        beats = np.sort(generator.choice(RECORD, 40, replace=False))
        symbols = generator.choice(list("NVAF+"), 40).tolist()
        wfdb.wrann(name, "atr", beats, symbols, write_dir=str(tmp_path))
    return raw


def made_up(*rows: Row) -> tuple[FragmentSet, Split]:
    """Fragments whose samples are never read, and their split."""
    fragments = FragmentSet(
        name="made up",
        samples=np.zeros((len(rows), LENGTH), np.int16),
        labels=np.zeros(len(rows), np.int64),
        class_names=("a",),
        records=tuple(record for record, _, _, _ in rows),
        starts=np.array([start for _, _, start, _ in rows], np.int64),
        twins=np.arange(len(rows), dtype=np.int64),
        leads=tuple(lead for _, lead, _, _ in rows),
    )
    sides = np.array([side for _, _, _, side in rows], np.int64)
    return fragments, Split(*(np.flatnonzero(sides == side) for side in range(3)))


def naive_starts(rows: list[Row], name: str, samples: int, length: int) -> list[int]:
    """Where a window of a record may start: sample by sample."""
    closed = np.zeros(samples, bool)
    for record, _, start, side in rows:
        if record == name and side in (VALIDATION, TEST):
            closed[start : start + length] = True
    return [
        start
        for start in range(0, samples - length + 1, STEP_SAMPLES)
        if not closed[start : start + length].any()
    ]


def starts_of(windows: BeatWindows, record: int) -> list[int]:
    starts: list[int] = windows.places[windows.places[:, 0] == record, 1].tolist()
    return starts


rows_of_any_split = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(LEADS),
        st.integers(0, RECORD - LENGTH),
        st.sampled_from((TRAIN, VALIDATION, TEST, UNUSED)),
    ),
    min_size=1,
    max_size=14,
).filter(lambda rows: any(side == TRAIN for _, _, _, side in rows))


# The records are written once and only read.
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=rows_of_any_split)
@example(rows=[("one", "MLII", 0, TRAIN)])
@example(rows=[("two", "V5", 90, TRAIN), ("two", "MLII", 1000, TEST), ("one", "V5", 0, VALIDATION)])
def test_windows_are_what_a_naive_mask_leaves(
    tmp_path: Path,
    written: dict[tuple[str, str], NDArray[np.int64]],
    refused: Refused,
    rows: list[Row],
) -> None:
    trained = list(dict.fromkeys(name for name, _, _, side in rows if side == TRAIN))
    expected = {name: naive_starts(rows, name, RECORD, LENGTH) for name in trained}
    if not any(expected.values()):
        with refused("made up", "set beats.windows to 0"):
            free_windows(*made_up(*rows), tmp_path)
        return
    windows = free_windows(*made_up(*rows), tmp_path)
    assert windows.length == LENGTH and windows.places.dtype == np.int64
    found = {}
    for i, samples in enumerate(windows.samples):
        # No two leads are alike, so the samples tell record and lead.
        ((name, lead),) = [
            key for key, raw in written.items() if np.array_equal(samples, raw - 1024)
        ]
        counts = Counter(own for record, own, _, side in rows if (record, side) == (name, TRAIN))
        assert counts[lead] == max(counts.values())
        found[name] = starts_of(windows, i)
    assert found == expected
    assert len(windows.places) == sum(len(starts) for starts in expected.values())


@pytest.mark.parametrize("side", [VALIDATION, TEST])
@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize(
    ("start", "around"),
    [(1800, [1080, 2520]), (1799, [990, 2520]), (1801, [1080, 2610])],
)
def test_a_window_may_end_where_a_closed_fragment_starts_and_no_later(
    tmp_path: Path,
    written: dict[tuple[str, str], NDArray[np.int64]],
    side: int,
    lead: str,
    start: int,
    around: list[int],
) -> None:
    split = made_up(("one", "MLII", 1700, TRAIN), ("one", lead, start, side))
    starts = starts_of(free_windows(*split, tmp_path), 0)
    assert [max(s for s in starts if s < 1800), min(s for s in starts if s > 1800)] == around


def test_windows_come_from_records_of_the_training_part_alone(
    tmp_path: Path, written: dict[tuple[str, str], NDArray[np.int64]]
) -> None:
    # The others are not even read: they do not exist.
    rows: list[Row] = [
        ("absent", "MLII", 0, TEST),
        ("two", "V5", 0, TRAIN),
        ("gone", "V5", 90, VALIDATION),
        ("away", "V5", 90, UNUSED),
    ]
    windows = free_windows(*made_up(*rows), tmp_path)
    assert len(windows.samples) == len(windows.tracks) == 1
    assert np.array_equal(windows.samples[0], written["two", "V5"] - 1024)
    # A closed fragment of another record closes nothing here.
    assert starts_of(windows, 0) == list(range(0, RECORD - LENGTH + 1, STEP_SAMPLES))


def test_samples_and_tracks_agree_with_a_direct_cut(
    tmp_path: Path, written: dict[tuple[str, str], NDArray[np.int64]]
) -> None:
    rows: list[Row] = [
        ("two", "V5", 100, TRAIN),
        ("one", "MLII", 2000, TRAIN),
        ("one", "V5", 2500, TEST),
    ]
    windows = free_windows(*made_up(*rows), tmp_path)
    order = np.random.default_rng(3).permutation(len(windows.places))
    samples, tracks = windows.take(order)
    assert samples.dtype == np.int16 and tracks.dtype == np.int8
    assert samples.shape == tracks.shape == (len(order), LENGTH)
    lead_of = (("two", "V5"), ("one", "MLII"))
    cut = [(lead_of[index], int(start)) for index, start in windows.places[order]]
    for row, (key, start) in enumerate(cut):
        assert np.array_equal(samples[row], written[key][start : start + LENGTH] - 1024)
    fragments, _ = made_up(*((*key, start, TRAIN) for key, start in cut))
    expected = beat_tracks(fragments, tmp_path)
    assert np.array_equal(tracks, expected)
    assert len(np.unique(expected)) > 3


def test_no_free_window_is_said_in_one_line(
    tmp_path: Path, written: dict[tuple[str, str], NDArray[np.int64]], refused: Refused
) -> None:
    closed: list[Row] = [("one", "V5", start, TEST) for start in range(0, RECORD, 700)]
    with refused("made up", "no stretch", "set beats.windows to 0"):
        free_windows(*made_up(("one", "MLII", 10, TRAIN), *closed), tmp_path)
    # One more record in the training part, and there are some.
    free = free_windows(
        *made_up(("one", "MLII", 10, TRAIN), *closed, ("two", "V5", 0, TRAIN)), tmp_path
    )
    assert set(free.places[:, 0].tolist()) == {1}


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
        free_windows(*made_up(("other", "MLII", 0, TRAIN)), tmp_path)


def test_torn_annotations_are_said_and_none_are_no_beats(
    tmp_path: Path, write_record: WriteRecord, refused: Refused
) -> None:
    write_record("bare")
    split = made_up(("bare", "MLII", 0, TRAIN))
    assert not free_windows(*split, tmp_path).tracks[0].any()
    (tmp_path / "bare.atr").write_bytes(b"")
    with refused("bare", "annotations"):
        free_windows(*split, tmp_path)


# The records.


def rows_of(fragments: FragmentSet, split: Split) -> list[Row]:
    sides = np.full(len(fragments), UNUSED)
    for side, rows in enumerate((split.train, split.validation, split.test)):
        sides[rows] = side
    starts = fragments.starts.tolist()
    return list(zip(fragments.records, fragments.leads, starts, sides.tolist(), strict=True))


@pytest.mark.parametrize("protocol", ["random", "paper"])
def test_windows_of_the_records_keep_off_validation_and_test(
    mitdb: Path, ecg17: FragmentSet, protocol: str
) -> None:
    split = random_split(ecg17, 1) if protocol == "random" else paper_split(ecg17, 1)
    windows = free_windows(ecg17, split, mitdb)
    rows = rows_of(ecg17, split)
    trained = dict.fromkeys(name for name, _, _, side in rows if side == TRAIN)
    for i, name in enumerate(trained):
        assert starts_of(windows, i) == naive_starts(rows, name, windows.samples[i].size, 3600)
    # Every training fragment of the record's lead lies in it where its index says.
    agree = 0
    for row in split.train:
        whole = windows.samples[list(trained).index(ecg17.records[row])]
        start = int(ecg17.starts[row])
        agree += np.array_equal(whole[start : start + 3600], ecg17.samples[row])
    assert agree == sum(
        max(
            Counter(
                lead for other, lead, _, side in rows if (other, side) == (name, TRAIN)
            ).values()
        )
        for name in trained
    )


def test_windows_between_patients_come_from_training_records(
    mitdb: Path, ecg5: FragmentSet
) -> None:
    split = inter_patient_split(ecg5, 1)
    windows = free_windows(ecg5, split, mitdb)
    trained = dict.fromkeys(ecg5.records[row] for row in split.train)
    assert not {ecg5.records[row] for row in (*split.validation, *split.test)} & set(trained)
    assert len(windows.samples) == len(trained)
    for name, samples in zip(trained, windows.samples, strict=True):
        assert np.array_equal(samples, cut_record(mitdb, name, "MLII"))
