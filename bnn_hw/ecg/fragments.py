"""Cuts records into labelled 10 s fragments: the five-class and the seventeen-class set.

Second station on the way from record to report. Reads a folder of MIT-BIH records and, for the
seventeen classes, the index shipped in ``bnn_hw/ecg/data``; gives a ``FragmentSet`` of integers.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.labels import ECG5_CLASSES, window_class
from bnn_hw.ecg.records import Record, read_record
from bnn_hw.errors import UserError

SetName = Literal["ecg5", "ecg17"]

FRAGMENT_SAMPLES = 3600
MITDB_ZERO_ADU = 1024
MITDB_GAIN_ADU_PER_MV = 200

# fmt: off
MITDB_RECORDS = tuple(str(number) for number in (
    100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 111, 112, 113, 114, 115, 116,
    117, 118, 119, 121, 122, 123, 124, 200, 201, 202, 203, 205, 207, 208, 209, 210,
    212, 213, 214, 215, 217, 219, 220, 221, 222, 223, 228, 230, 231, 232, 233, 234,
))
# fmt: on
PACED_RECORDS = frozenset({"102", "104", "107", "217"})
NO_MLII_FIRST_RECORDS = frozenset({"114"})
ECG5_RECORDS = tuple(
    name for name in MITDB_RECORDS if name not in PACED_RECORDS | NO_MLII_FIRST_RECORDS
)
ECG5_WINDOWS = 180

ECG17_CLASSES = (
    "NSR", "APB", "AFL", "AFIB", "SVTA", "WPW", "PVC", "Bigeminy", "Trigeminy", "VT", "IVR",
    "VFL", "Fusion", "LBBBB", "RBBBB", "SDHB", "PR",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class FragmentSet:
    """Labelled fragments, one row each.

    ``samples`` is ``(n, 3600) int16`` in adu less 1024 (200 adu/mV, 360 Hz); ``labels`` is
    ``(n,) int64``, an index into ``class_names``; ``records`` names the record of each fragment;
    ``starts`` is ``(n,) int64``, the first sample in that record. ``twins`` is ``(n,) int64``:
    fragments with the same number are byte-identical. ``leads`` names the lead of each, or is
    empty where nobody recorded it.
    """

    name: str
    samples: NDArray[np.int16]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    records: tuple[str, ...]
    starts: NDArray[np.int64]
    twins: NDArray[np.int64]
    leads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that all fields have one length, and make the arrays read-only."""
        n = len(self.records)
        lengths = {
            "samples": len(self.samples), "labels": len(self.labels), "starts": len(self.starts),
            "twins": len(self.twins), "leads": len(self.leads) if self.leads else n,
        }  # fmt: skip
        for field, length in lengths.items():
            if length != n:
                raise UserError(f"fragment set {self.name}: {length} {field} for {n} records")
        for field in ("samples", "labels", "starts", "twins"):
            # A view, so that the caller's own array keeps its flag.
            array = getattr(self, field).view()
            array.flags.writeable = False
            object.__setattr__(self, field, array)

    def __len__(self) -> int:
        """Return the number of fragments."""
        return len(self.records)

    def class_counts(self) -> NDArray[np.int64]:
        """Return how many fragments each class has: ``(classes,) int64``."""
        return np.bincount(self.labels, minlength=len(self.class_names)).astype(np.int64)


@dataclass(frozen=True)
class IndexRow:
    """Where one fragment of the seventeen-class set lies in the MIT-BIH database."""

    label: int
    file: str
    record: str
    lead: str
    start: int


def load_set(name: SetName, records: Path) -> FragmentSet:
    """Rebuild the five-class (``ecg5``) or seventeen-class (``ecg17``) set from MIT-BIH records.

    ``ecg5`` has 7740 fragments by rule, records in the database's order and windows ascending;
    ``ecg17`` has 1000 fragments in the order of the shipped index. Raises ``UserError`` for an
    unknown name and for every fault of a record (see ``read_record``).
    """
    if name == "ecg5":
        return _load_ecg5(records)
    if name == "ecg17":
        return _load_ecg17(records)
    raise UserError(f"fragment set {name!r} is unknown; choose ecg5 or ecg17")


def read_index() -> tuple[IndexRow, ...]:
    """Return the shipped index of the seventeen-class set, 1000 rows in the file's order.

    Source: P. Plawiak, Mendeley Data, doi:10.17632/7dybx7wyfn.3, CC BY 4.0.
    """
    file = resources.files("bnn_hw.ecg").joinpath("data/plawiak17_index.csv")
    with file.open(encoding="utf-8") as stream:
        return tuple(
            IndexRow(
                # The folder is "<class number from 1> <class name>".
                label=ECG17_CLASSES.index(row["class_dir"].split(" ", 1)[1]),
                file=row["file"],
                record=row["record"],
                lead=row["lead"],
                start=int(row["sampfrom"]),
            )
            for row in csv.DictReader(stream)
        )


def twin_groups(samples: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return group numbers that byte-identical fragments share.

    ``samples`` is ``(n, length)``; returns ``(n,) int64``, groups counted from 0 in order of
    their first fragment.
    """
    group_of: dict[bytes, int] = {}
    return np.array(
        [group_of.setdefault(row.tobytes(), len(group_of)) for row in samples], np.int64
    )


def cut_record(folder: Path, name: str, lead: str | None) -> NDArray[np.int16]:
    """Return a whole MIT-BIH record less its zero: ``(length,) int16``; faults as `load_set`."""
    record = _read_mitdb(folder, name, lead)
    return _narrow(record, record.samples.astype(np.int64) - MITDB_ZERO_ADU)


def _load_ecg5(folder: Path) -> FragmentSet:
    rows, labels, names, starts = [], [], [], []
    window_starts = np.arange(ECG5_WINDOWS, dtype=np.int64) * FRAGMENT_SAMPLES
    for name in ECG5_RECORDS:
        record = _read_mitdb(folder, name, lead=None)
        if record.lead != "MLII":
            raise UserError(
                f"record {name}: first lead is {record.lead}, MLII is needed for ecg5; "
                "fetch the record again"
            )
        if not record.annotation_symbols:
            raise UserError(
                f"record {name}: annotations {name}.atr are missing or empty, ecg5 takes its "
                "labels from them; fetch the record again"
            )
        # Half-open windows: an annotation on a border belongs to the window that starts there.
        first = np.searchsorted(record.annotation_samples, window_starts, side="left")
        last = np.searchsorted(
            record.annotation_samples, window_starts + FRAGMENT_SAMPLES, side="left"
        )
        for start, low, high in zip(window_starts, first, last, strict=True):
            rows.append(_cut(record, int(start)))
            label = window_class(record.annotation_symbols[low:high])
            labels.append(ECG5_CLASSES.index(label))
            names.append(name)
            starts.append(int(start))
    leads = ("MLII",) * len(rows)
    return _assemble("ecg5", ECG5_CLASSES, rows, labels, names, starts, leads)


def _load_ecg17(folder: Path) -> FragmentSet:
    index = read_index()
    wanted = dict.fromkeys((row.record, row.lead) for row in index)
    # One record after the other, so that only the cut fragments stay in memory.
    cuts: dict[int, NDArray[np.int16]] = {}
    for name, lead in wanted:
        record = _read_mitdb(folder, name, lead)
        for i, row in enumerate(index):
            if (row.record, row.lead) == (name, lead):
                cuts[i] = _cut(record, row.start)
    return _assemble(
        "ecg17",
        ECG17_CLASSES,
        [cuts[i] for i in range(len(index))],
        [row.label for row in index],
        [row.record for row in index],
        [row.start for row in index],
        tuple(row.lead for row in index),
    )


def _read_mitdb(folder: Path, name: str, lead: str | None) -> Record:
    """Read a record and check that it has the scale that all MIT-BIH records share."""
    record = read_record(folder / name, lead)
    found = (record.gain_adu_per_mv, record.zero_adu)
    if found != (MITDB_GAIN_ADU_PER_MV, MITDB_ZERO_ADU):
        raise UserError(
            f"record {name}: field gain is {found[0]:g} adu/mV and field zero {found[1]} adu, "
            f"MIT-BIH has {MITDB_GAIN_ADU_PER_MV} and {MITDB_ZERO_ADU}; fetch the record again"
        )
    return record


def _cut(record: Record, start: int) -> NDArray[np.int16]:
    stop = start + FRAGMENT_SAMPLES
    if stop > record.samples.size:
        raise UserError(
            f"record {record.name}: length is {record.samples.size} samples, {stop} are needed; "
            "fetch the record again"
        )
    # Subtract in a wider type: int16 less 1024 could wrap around on a foreign record.
    return _narrow(record, record.samples[start:stop].astype(np.int64) - MITDB_ZERO_ADU)


def _narrow(record: Record, values: NDArray[np.int64]) -> NDArray[np.int16]:
    limits = np.iinfo(np.int16)
    if values.min() < limits.min or values.max() > limits.max:
        raise UserError(
            f"record {record.name}: lead {record.lead} less {MITDB_ZERO_ADU} leaves int16; "
            "fetch the record again"
        )
    return values.astype(np.int16)


def _assemble(
    name: str,
    class_names: tuple[str, ...],
    rows: list[NDArray[np.int16]],
    labels: list[int],
    records: list[str],
    starts: list[int],
    leads: tuple[str, ...],
) -> FragmentSet:
    samples = np.stack(rows)
    return FragmentSet(
        name=name,
        samples=samples,
        labels=np.array(labels, np.int64),
        class_names=class_names,
        records=tuple(records),
        starts=np.array(starts, np.int64),
        twins=twin_groups(samples),
        leads=leads,
    )
