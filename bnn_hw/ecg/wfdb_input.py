"""Cuts a WFDB record of any length into fragments to classify.

The way in for ``bnn-hw classify``. Reads one record, gives consecutive fragments in the unit that
the networks here take: adu with 0 at 0 mV and 200 adu a mV, 360 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import FRAGMENT_SAMPLES, MITDB_GAIN_ADU_PER_MV
from bnn_hw.ecg.preparation import map_distinct
from bnn_hw.ecg.records import read_record, record_leads
from bnn_hw.errors import UserError

PREFERRED_LEAD = "MLII"


@dataclass(frozen=True, eq=False)
class RecordFragments:
    """Consecutive fragments of one record.

    ``samples`` is ``(n, length) int16`` in adu with zero at 0 mV, 200 adu/mV;
    ``remainder_samples`` counts the samples at the end that fill no fragment;
    ``source_gain_adu_per_mv`` is the record's own gain, before conversion.
    """

    record: str
    lead: str
    samples: NDArray[np.int16]
    remainder_samples: int
    source_gain_adu_per_mv: float


def record_fragments(
    path: str | Path, samples: int = FRAGMENT_SAMPLES, lead: str | None = None
) -> RecordFragments:
    """Cut a 360 Hz WFDB record into consecutive fragments of ``samples`` samples.

    ``lead`` None takes MLII where the record has it, else its first lead. Each sample becomes
    ``round((adu - zero) * 200 / gain)``, exact and half to even; at 200 adu/mV that only subtracts
    the zero.

    Raises ``UserError`` for every fault that ``read_record`` knows, for a record shorter than one
    fragment, and for a converted sample beyond int16.
    """
    if samples < 1:
        raise UserError(f"fragment length is {samples}, at least 1 is needed")
    if lead is None and PREFERRED_LEAD in record_leads(path):
        lead = PREFERRED_LEAD
    record = read_record(path, lead)
    count, remainder = divmod(record.samples.size, samples)
    if count == 0:
        raise UserError(
            f"record {record.name}: length is {record.samples.size} samples, a fragment takes "
            f"{samples}; give a longer record"
        )
    levels = record.samples[: count * samples].astype(np.int64) - record.zero_adu
    if record.gain_adu_per_mv != MITDB_GAIN_ADU_PER_MV:
        # The shortest decimal of the float is what the header says.
        factor = MITDB_GAIN_ADU_PER_MV / Fraction(str(record.gain_adu_per_mv))
        _check_int16(record.name, record.lead, *(round(int(x) * factor) for x in _ends(levels)))
        levels = map_distinct(levels, lambda level: round(level * factor))
    _check_int16(record.name, record.lead, *_ends(levels))
    return RecordFragments(
        record=record.name,
        lead=record.lead,
        samples=levels.astype(np.int16).reshape(count, samples),
        remainder_samples=remainder,
        source_gain_adu_per_mv=record.gain_adu_per_mv,
    )


def _ends(levels: NDArray[np.int64]) -> tuple[int, int]:
    return int(levels.min()), int(levels.max())


def _check_int16(record: str, lead: str, lowest: int, highest: int) -> None:
    limits = np.iinfo(np.int16)
    if lowest < limits.min or highest > limits.max:
        raise UserError(
            f"record {record}: lead {lead} runs from {lowest} to {highest} at "
            f"{MITDB_GAIN_ADU_PER_MV} adu/mV, {limits.min} to {limits.max} are allowed; check the "
            "fields gain and baseline"
        )
