"""A WFDB record of any length cut into fragments to classify."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.records import read_record
from bnn_hw.ecg.slices import slice_record_path
from bnn_hw.ecg.wfdb_input import record_fragments

Refused = Callable[..., AbstractContextManager[None]]
WriteRecord = Callable[..., Path]


def test_real_slice() -> None:
    cut = record_fragments(slice_record_path())
    record = read_record(slice_record_path())
    assert (cut.record, cut.lead, cut.remainder_samples) == ("mitdb_100_35s", "MLII", 1800)
    assert cut.samples.shape == (3, 3600)
    assert cut.samples.dtype == np.int16
    assert np.array_equal(cut.samples.ravel(), record.samples[:10800] - np.int16(1024))


@pytest.mark.parametrize(
    ("length", "count", "remainder"),
    [(1, 12600, 0), (100, 126, 0), (12600, 1, 0), (12599, 1, 1), (7, 1800, 0), (8, 1575, 0)],
)
def test_every_length(length: int, count: int, remainder: int) -> None:
    cut = record_fragments(slice_record_path(), length)
    assert cut.samples.shape == (count, length)
    assert cut.remainder_samples == remainder


def test_equals_the_five_class_set(mitdb: Path, ecg5: FragmentSet) -> None:
    cut = record_fragments(mitdb / "234")
    rows = [i for i, name in enumerate(ecg5.records) if name == "234"]
    assert np.array_equal(cut.samples, ecg5.samples[rows])
    assert cut.remainder_samples == 2000


def test_mlii_is_preferred_else_the_first_lead(write_record: WriteRecord) -> None:
    swapped = record_fragments(write_record("swapped", leads=("V5", "MLII")))
    assert swapped.lead == "MLII"
    assert record_fragments(write_record("swapped2", leads=("V5", "MLII")), lead="V5").lead == "V5"
    assert record_fragments(write_record("other", leads=("I", "II"))).lead == "I"


@pytest.mark.parametrize("gain", [100.0, 400.0, 1000.0, 199.5, 333.3])
@pytest.mark.parametrize("zero", [0, -5, 300])
def test_gain_is_converted_exactly(gain: float, zero: int, write_record: WriteRecord) -> None:
    samples = np.random.default_rng(3).integers(-2000, 2000, 3600)
    cut = record_fragments(write_record(samples=samples, gain=gain, zero=zero))
    factor = 200 / Fraction(str(gain))
    assert cut.samples[0].tolist() == [round((int(x) - zero) * factor) for x in samples]
    assert cut.source_gain_adu_per_mv == gain


def test_half_goes_to_even(write_record: WriteRecord) -> None:
    samples = np.array([-5, -3, -1, 0, 1, 3, 5] * 600)
    cut = record_fragments(write_record(samples=samples, gain=400.0, zero=0), samples=7)
    assert cut.samples[0].tolist() == [-2, -2, 0, 0, 0, 2, 2]


def test_too_short(write_record: WriteRecord, refused: Refused) -> None:
    with refused("made_up", "length is 3599", "3600"):
        record_fragments(write_record(samples=np.arange(3599) % 7))


@pytest.mark.parametrize(("gain", "zero"), [(1.0, 0), (200.0, -32000), (0.000001, 0)])
def test_converted_samples_must_fit_int16(
    gain: float, zero: int, write_record: WriteRecord, refused: Refused
) -> None:
    with refused("made_up", "MLII", "32767 are allowed"):
        record_fragments(write_record(gain=gain, zero=zero))


def test_illegal_fragment_length(refused: Refused) -> None:
    with refused("fragment length is 0"):
        record_fragments(slice_record_path(), 0)


def test_faults_of_the_record_come_through(
    write_record: WriteRecord, tmp_path: Path, refused: Refused
) -> None:
    with refused("made_up", "sampling rate", "250"):
        record_fragments(write_record(fs=250))
    with refused("made_up", "lead aVF", "MLII, V5"):
        record_fragments(write_record(), lead="aVF")
    with refused("record none", "missing"):
        record_fragments(tmp_path / "none")
