"""Both fragment sets against their indexes: every label, every count, every position."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from bnn_hw.ecg.fragments import (
    ECG5_RECORDS,
    ECG17_CLASSES,
    FragmentSet,
    load_set,
    read_index,
    twin_groups,
)
from bnn_hw.ecg.records import read_record
from bnn_hw.ecg.slices import slices_dir
from bnn_hw.errors import UserError

Refused = Callable[..., AbstractContextManager[None]]
WriteRecord = Callable[..., Path]

ECG17_COUNTS = [283, 66, 20, 135, 13, 21, 133, 55, 13, 10, 10, 10, 11, 103, 62, 10, 45]


def test_ecg5_every_label(ecg5: FragmentSet) -> None:
    with (slices_dir() / "ecg5_labels.csv").open(encoding="utf-8") as stream:
        expected = {row["record"]: row["labels"] for row in csv.DictReader(stream)}
    assert list(expected) == list(ECG5_RECORDS)
    assert len(ecg5) == 43 * 180 == 7740
    found = "".join(ecg5.class_names[label] for label in ecg5.labels)
    assert found == "".join(expected.values())
    assert ecg5.records == tuple(name for name in expected for _ in range(180))
    assert ecg5.starts.tolist() == [3600 * k for _ in expected for k in range(180)]


def test_ecg5_counts(ecg5: FragmentSet) -> None:
    assert ecg5.class_names == ("N", "S", "V", "F", "Q")
    assert ecg5.class_counts().tolist() == [5186, 545, 1890, 100, 19]
    assert np.unique(ecg5.twins).size == 7740


def test_ecg17_counts_twins_and_leads(ecg17: FragmentSet) -> None:
    assert len(ecg17) == 1000
    assert ecg17.class_names == ECG17_CLASSES
    assert ecg17.class_counts().tolist() == ECG17_COUNTS
    sizes = Counter(Counter(ecg17.twins.tolist()).values())
    assert sizes == {1: 982, 2: 9}
    assert np.unique(ecg17.samples, axis=0).shape[0] == 991
    elsewhere = [r for r, lead in zip(ecg17.records, ecg17.leads, strict=True) if lead != "MLII"]
    assert elsewhere == ["109", "109", "118"]
    assert {lead for lead in ecg17.leads if lead != "MLII"} == {"V1"}


def test_ecg17_follows_the_index_row_by_row(ecg17: FragmentSet) -> None:
    for i, row in enumerate(read_index()):
        found = (ecg17.labels[i], ecg17.records[i], ecg17.leads[i], ecg17.starts[i])
        assert found == (row.label, row.record, row.lead, row.start)
        # The original's file name starts with the record's name.
        assert row.file.startswith(row.record)


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_samples_are_the_record_less_1024(
    name: str, mitdb: Path, request: pytest.FixtureRequest
) -> None:
    fragments: FragmentSet = request.getfixturevalue(name)
    assert fragments.samples.dtype == np.int16
    assert fragments.samples.shape == (len(fragments), 3600)
    for row in range(0, len(fragments), 97):
        record = read_record(mitdb / fragments.records[row], fragments.leads[row])
        start = int(fragments.starts[row])
        expected = record.samples[start : start + 3600].astype(int) - 1024
        assert np.array_equal(fragments.samples[row], expected)


def test_index_without_records() -> None:
    index = read_index()
    assert np.bincount([row.label for row in index]).tolist() == ECG17_COUNTS
    assert all(0 <= row.start <= 650000 - 3600 for row in index)
    assert len({(row.record, row.lead, row.start) for row in index}) == 991


def test_attribution_stands_beside_the_index() -> None:
    import bnn_hw.ecg

    text = (Path(bnn_hw.ecg.__file__).parent / "data" / "ATTRIBUTION.md").read_text()
    assert "10.17632/7dybx7wyfn.3" in text
    assert "CC BY 4.0" in text


def test_twin_groups() -> None:
    rows = np.array([[1, 2], [3, 4], [1, 2], [3, 5], [3, 4]], np.int16)
    assert twin_groups(rows).tolist() == [0, 1, 0, 2, 1]


def test_unknown_set(tmp_path: Path, refused: Refused) -> None:
    with refused("ecg6", "ecg5 or ecg17"):
        load_set("ecg6", tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_empty_folder(name: str, tmp_path: Path, refused: Refused) -> None:
    with refused("record 100", "header", "missing"):
        load_set(name, tmp_path)  # type: ignore[arg-type]


def test_record_too_short(write_record: WriteRecord, refused: Refused) -> None:
    folder = write_record("100").parent
    with refused("record 100", "length is 4000"):
        load_set("ecg17", folder)


def test_ecg5_needs_annotations(write_record: WriteRecord, refused: Refused) -> None:
    folder = write_record("100").parent
    with refused("record 100", "100.atr"):
        load_set("ecg5", folder)


def test_ecg5_needs_mlii_first(write_record: WriteRecord, refused: Refused) -> None:
    folder = write_record("100", leads=("V5", "MLII")).parent
    with refused("record 100", "first lead is V5", "MLII"):
        load_set("ecg5", folder)


@pytest.mark.parametrize(("gain", "zero"), [(100.0, 1024), (200.0, 0)])
def test_foreign_scale(gain: float, zero: int, write_record: WriteRecord, refused: Refused) -> None:
    folder = write_record("100", gain=gain, zero=zero).parent
    with refused("record 100", "gain", "zero"):
        load_set("ecg17", folder)


def test_one_truncated_record_is_named(mitdb: Path, tmp_path: Path, refused: Refused) -> None:
    for file in mitdb.iterdir():
        if file.suffix in (".hea", ".dat", ".atr"):
            (tmp_path / file.name).symlink_to(file)
    (tmp_path / "123.dat").unlink()
    shutil.copy(mitdb / "123.dat", tmp_path / "123.dat")
    (tmp_path / "123.dat").chmod(0o644)
    with (tmp_path / "123.dat").open("r+b") as stream:
        stream.truncate(900_000)
    with refused("record 123", "truncated", "900000"):
        load_set("ecg5", tmp_path)


def test_fields_of_different_length_are_refused() -> None:
    one = np.zeros(1, np.int64)
    with pytest.raises(UserError, match="2 labels for 1 records"):
        FragmentSet(
            "x", np.zeros((1, 4), np.int16), np.zeros(2, np.int64), ("a",), ("r",), one, one
        )


def test_arrays_are_read_only_and_the_callers_stay_writable() -> None:
    samples, one = np.zeros((1, 4), np.int16), np.zeros(1, np.int64)
    fragments = FragmentSet("x", samples, one, ("a",), ("r",), one, one)
    with pytest.raises(ValueError, match="read-only"):
        fragments.samples[0, 0] = 1
    samples[0, 0] = 1


def test_sets_and_slices_load_without_wfdb() -> None:
    program = (
        "import sys; import bnn_hw.ecg.splits, bnn_hw.ecg.preparation, bnn_hw.ecg.wfdb_input, "
        "bnn_hw.ecg.fetch; from bnn_hw.ecg.slices import load_slices; "
        "load_slices('ecg5'); load_slices('ecg17'); "
        "sys.exit(any(name in sys.modules for name in ('wfdb', 'pandas', 'torch', 'scipy')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
