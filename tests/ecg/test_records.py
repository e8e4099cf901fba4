"""Reading records: the values of a good one, one clear line for every kind of broken one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnn_hw.ecg.records import RECORDS_VARIABLE, read_record, record_leads, records_dir
from bnn_hw.ecg.slices import SLICE_RECORD, slice_record_path, slices_dir
from bnn_hw.errors import ToolMissing, UserError

WriteRecord = Callable[..., Path]
Refused = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def real_copy(tmp_path: Path) -> Path:
    """Copy the shipped slice of record 100, to be broken."""
    for suffix in (".hea", ".dat", ".atr"):
        shutil.copy(slices_dir() / (SLICE_RECORD + suffix), tmp_path)
    return tmp_path / SLICE_RECORD


def edit_header(base: Path, old: str, new: str) -> None:
    file = base.with_name(base.name + ".hea")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_real_slice() -> None:
    record = read_record(slice_record_path())
    assert record.name == SLICE_RECORD
    assert record.sampling_rate_hz == 360
    assert record.gain_adu_per_mv == 200
    assert record.zero_adu == 1024
    assert record.lead == "MLII"
    assert record.leads == record_leads(slice_record_path()) == ("MLII", "V5")
    assert record.samples.dtype == np.int16
    assert record.samples.shape == (12600,)
    # The first samples of record 100, as printed in countless tutorials.
    assert record.samples[:8].tolist() == [995, 995, 995, 995, 995, 995, 995, 995]
    assert "".join(record.annotation_symbols[:9]) == "+NNNNNNNA"
    assert record.annotation_samples[:3].tolist() == [18, 77, 370]
    assert len(record.annotation_symbols) == record.annotation_samples.size


def test_second_lead_differs_from_the_first() -> None:
    record = read_record(slice_record_path(), "V5")
    assert record.lead == "V5"
    assert record.samples[0] == 1011


def test_slice_is_the_start_of_record_100(mitdb: Path) -> None:
    for lead in ("MLII", "V5"):
        cut, whole = read_record(slice_record_path(), lead), read_record(mitdb / "100", lead)
        assert np.array_equal(cut.samples, whole.samples[: cut.samples.size])
        count = len(cut.annotation_symbols)
        assert cut.annotation_symbols == whole.annotation_symbols[:count]
        assert np.array_equal(cut.annotation_samples, whole.annotation_samples[:count])
        assert whole.annotation_samples[count] >= cut.samples.size


@pytest.mark.parametrize("suffix", [".hea", ".dat", ".atr"])
def test_suffix_may_be_given(suffix: str) -> None:
    path = slice_record_path()
    assert read_record(path.with_name(path.name + suffix)).name == SLICE_RECORD


def test_all_annotations_of_the_database(mitdb: Path) -> None:
    from bnn_hw.ecg.fragments import MITDB_RECORDS

    assert (mitdb / "RECORDS").read_text().split() == list(MITDB_RECORDS)
    beats = 0
    not_beats = set('[]!x|~+"')
    for name in MITDB_RECORDS:
        record = read_record(mitdb / name)
        assert record.samples.shape == (650000,)
        beats += sum(symbol not in not_beats for symbol in record.annotation_symbols)
    assert beats == 109494


def test_without_annotations(write_record: WriteRecord) -> None:
    record = read_record(write_record())
    assert record.annotation_symbols == ()
    assert record.annotation_samples.shape == (0,)


def test_samples_are_read_only(write_record: WriteRecord) -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_record(write_record()).samples[0] = 0


def test_missing_record(tmp_path: Path, refused: Refused) -> None:
    with refused("record 999", "header", "missing"):
        read_record(tmp_path / "999")


def test_missing_dat(real_copy: Path, refused: Refused) -> None:
    real_copy.with_name(SLICE_RECORD + ".dat").unlink()
    with refused(SLICE_RECORD, "signal file", "missing"):
        read_record(real_copy)


@pytest.mark.parametrize("lost_bytes", [1, 2, 3, 20000, 37800])
def test_truncated_dat(real_copy: Path, lost_bytes: int, refused: Refused) -> None:
    dat = real_copy.with_name(SLICE_RECORD + ".dat")
    dat.write_bytes(dat.read_bytes()[:-lost_bytes])
    with refused(SLICE_RECORD, ".dat is truncated", str(37800 - lost_bytes), "37800"):
        read_record(real_copy)


def test_one_flipped_bit_breaks_the_checksum(real_copy: Path, refused: Refused) -> None:
    dat = real_copy.with_name(SLICE_RECORD + ".dat")
    content = bytearray(dat.read_bytes())
    content[3000] ^= 4
    dat.write_bytes(bytes(content))
    with refused(SLICE_RECORD, "checksum", "MLII"):
        read_record(real_copy)
    # The other lead is sound: byte 3000 holds the low bits of the first signal.
    assert read_record(real_copy, "V5").samples.size == 12600


@pytest.mark.parametrize("fs", [250, 128.5, 1000])
def test_wrong_sampling_rate(write_record: WriteRecord, fs: float, refused: Refused) -> None:
    base = write_record(fs=fs)
    with refused("made_up", "sampling rate", f"{fs:g} Hz", "360 Hz"):
        read_record(base)
    assert read_record(base, sampling_rate_hz=fs).sampling_rate_hz == fs
    assert read_record(base, sampling_rate_hz=None).sampling_rate_hz == fs


def test_missing_lead(write_record: WriteRecord, refused: Refused) -> None:
    with refused("made_up", "lead V1", "MLII, V5"):
        read_record(write_record(), "V1")


@pytest.mark.parametrize(
    ("fmt", "marker"), [("212", -(1 << 11)), ("16", -(1 << 15)), ("24", -(1 << 23))]
)
def test_gap(write_record: WriteRecord, fmt: str, marker: int, refused: Refused) -> None:
    samples = np.full(4000, 5)
    samples[[1234, 1235, 3000]] = marker
    base = write_record(samples=samples, fmt=fmt)
    with refused("made_up", "lead MLII", "gap", "3 invalid samples", "sample 1234"):
        read_record(base)


def test_smallest_value_beside_the_gap_marker_is_a_sample(write_record: WriteRecord) -> None:
    assert read_record(write_record(samples=np.full(4000, -2047))).samples.min() == -2047


def test_samples_beyond_int16(write_record: WriteRecord, refused: Refused) -> None:
    with refused("made_up", "lead MLII", "32768", "32767"):
        read_record(write_record(samples=np.full(4000, 32768), fmt="24"))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"not a header", b"\x00\xff\xfe\x80" * 40, b"made_up two 360 4000\n",
     b"made_up 2 360\n", b"made_up 2 360 4000\nmade_up.dat 212\n", b"made_up 0 360 4000\n",
     b"made_up 1 0 4000\nmade_up.dat 212 200 11 1024 0 0 0 MLII\n",
     b"made_up 1 360 4000\nmade_up.dat 999 200 11 1024 0 0 0 MLII\n",
     b"made_up 1 360 4000\nmade_up.dat 212\n",
     b"made_up 1 360 0\nmade_up.dat 212 200 11 1024 0 0 0 MLII\n",
     b"made_up 1 360 -5\nmade_up.dat 212 200 11 1024 0 0 0 MLII\n"],
)  # fmt: skip
def test_corrupt_header(write_record: WriteRecord, content: bytes, refused: Refused) -> None:
    base = write_record()
    base.with_name("made_up.hea").write_bytes(content)
    with refused("made_up"):
        read_record(base)


def test_multi_segment_record(write_record: WriteRecord, refused: Refused) -> None:
    base = write_record()
    base.with_name("joined.hea").write_text("joined/2 2 360 8000\nmade_up 4000\nmade_up 4000\n")
    with refused("record joined", "segments"):
        read_record(base.with_name("joined"))


def test_units_must_be_millivolts(write_record: WriteRecord, refused: Refused) -> None:
    with refused("made_up", "units", "uV", "mV"):
        read_record(write_record(units="uV"))


def test_several_samples_per_frame(real_copy: Path, refused: Refused) -> None:
    edit_header(real_copy, "212 200.0(1024)/mV 12 0 995", "212x2 200.0(1024)/mV 12 0 995")
    edit_header(real_copy, " 12600", " 6300")
    with refused(SLICE_RECORD, "samples per frame"):
        read_record(real_copy)


@pytest.mark.parametrize("content", [b"", b"\x01", b"\xff" * 501, b"\x12\x04\x00" * 9])
def test_corrupt_annotations(real_copy: Path, content: bytes, refused: Refused) -> None:
    real_copy.with_name(SLICE_RECORD + ".atr").write_bytes(content)
    with refused(SLICE_RECORD, "annotations"):
        read_record(real_copy)


def test_annotations_beyond_the_samples(
    write_record: WriteRecord, real_copy: Path, refused: Refused
) -> None:
    base = write_record()
    shutil.copy(real_copy.with_name(SLICE_RECORD + ".atr"), base.with_name("made_up.atr"))
    with refused("made_up", "annotations", "4000 samples"):
        read_record(base)


def test_records_dir_takes_argument_then_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv(RECORDS_VARIABLE, str(tmp_path))
    assert records_dir() == tmp_path
    assert records_dir(other) == other
    monkeypatch.setenv(RECORDS_VARIABLE, "")
    with refused("bnn-hw data DIR", "--records", RECORDS_VARIABLE):
        records_dir()
    monkeypatch.delenv(RECORDS_VARIABLE)
    with refused("bnn-hw data DIR", "--records", RECORDS_VARIABLE):
        records_dir()
    with refused(str(tmp_path / "none"), "bnn-hw data DIR"):
        records_dir(tmp_path / "none")


def test_wfdb_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wfdb", None)
    with pytest.raises(ToolMissing, match=r"pip install '\.\[ecg\]'"):
        read_record(slice_record_path())


@given(
    st.sampled_from([".hea", ".dat", ".atr"]),
    st.integers(0, 40000),
    st.binary(min_size=0, max_size=6),
    st.integers(0, 6),
)
@settings(max_examples=150, deadline=None)
def test_damage_anywhere_is_read_or_refused(
    suffix: str, position: int, inserted: bytes, removed: int
) -> None:
    # Whatever wfdb makes of a damaged file, only a UserError may come out.
    with TemporaryDirectory() as folder:
        for other in (".hea", ".dat", ".atr"):
            shutil.copy(slices_dir() / (SLICE_RECORD + other), folder)
        file = Path(folder) / (SLICE_RECORD + suffix)
        content = file.read_bytes()
        position %= len(content)
        file.write_bytes(content[:position] + inserted + content[position + removed :])
        with suppress(UserError):
            assert read_record(file).samples.dtype == np.int16
