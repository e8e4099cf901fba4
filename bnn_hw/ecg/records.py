"""Reads MIT-BIH style WFDB records, and refuses broken ones with one clear line.

First station on the way from record to report. Reads a folder of WFDB records (``.hea``, ``.dat``
and, where there is one, ``.atr``); gives one lead of one record as raw integers with its
annotations. wfdb is imported only when a record is read, since generating hardware needs none.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnn_hw.errors import ToolMissing, UserError, install

RECORDS_VARIABLE = "BNN_HW_RECORDS"
MITDB_SAMPLING_RATE_HZ = 360

# Bits a sample takes in a .dat file. Compressed formats (508, 516, 524) have no fixed size; wfdb
# itself notices when those end early.
_STORED_BITS = {
    "8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12,
}  # fmt: skip

# The value by which a WFDB format says "no sample here" (WFDB signal(5)), as read by wfdb.
_GAP_MARKERS = {
    "16": -(1 << 15), "24": -(1 << 23), "32": -(1 << 31), "61": -(1 << 15), "80": -(1 << 7),
    "160": -(1 << 15), "212": -(1 << 11), "310": -(1 << 9), "311": -(1 << 9), "508": -(1 << 7),
    "516": -(1 << 15), "524": -(1 << 23),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Annotations:
    """What the cardiologists marked in a record, in the order of time.

    ``positions`` is ``(n,) int64``, ascending, in samples from the start; ``symbols`` has the
    one-character WFDB code of each, ``notes`` its text: the name of the rhythm that starts there.
    """

    positions: NDArray[np.int64]
    symbols: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Record:
    """One lead of one WFDB record, as stored.

    ``samples`` is ``(length,) int16`` in raw adu, nothing subtracted; ``zero_adu`` is the value
    that means 0 mV. ``annotation_samples`` is ``(n,) int64``, ascending, in samples from the
    start; ``annotation_symbols`` holds the one-character WFDB code of each. Both are empty when
    the record has no ``.atr``.
    """

    name: str
    sampling_rate_hz: float
    gain_adu_per_mv: float
    zero_adu: int
    lead: str
    leads: tuple[str, ...]
    samples: NDArray[np.int16]
    annotation_samples: NDArray[np.int64]
    annotation_symbols: tuple[str, ...]


def records_dir(path: str | Path | None = None) -> Path:
    """Return the folder of the records: the argument, else the variable ``BNN_HW_RECORDS``.

    Raises ``UserError`` when neither is set or when there is no such folder.
    """
    chosen = path if path is not None else os.environ.get(RECORDS_VARIABLE) or None
    remedy = (
        f"`bnn-hw data DIR` fetches the records; then give --records DIR or set {RECORDS_VARIABLE}"
    )
    if chosen is None:
        raise UserError(f"records: no folder of MIT-BIH records given; {remedy}")
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise UserError(f"records: {folder} is not a folder; {remedy}")
    return folder


def read_record(
    path: str | Path,
    lead: str | None = None,
    sampling_rate_hz: float | None = MITDB_SAMPLING_RATE_HZ,
) -> Record:
    """Read one lead of a WFDB record.

    ``path`` is the record without suffix (``.hea`` or ``.dat`` is taken off). ``lead`` is a signal
    name of the header; None takes the first signal. ``sampling_rate_hz`` is the rate the record
    must have; None accepts any.

    Raises ``UserError`` naming record and field: missing header, ``.dat`` or lead, another
    sampling rate, a ``.dat`` that is too short, a checksum that differs, a gap, a header or
    ``.atr`` that can't be read.
    """
    base = _base(path)
    header = _read_header(base)
    name = base.name
    if sampling_rate_hz is not None and header.fs != sampling_rate_hz:
        raise UserError(
            f"record {name}: sampling rate is {header.fs:g} Hz, {sampling_rate_hz:g} Hz is needed; "
            "resample the record first"
        )
    leads = tuple(str(signal) for signal in header.sig_name)
    channel = _channel_of(name, leads, lead)
    _check_files(base, header)
    samples = _read_samples(base, header, channel)
    annotations = _read_annotations(base, samples.size)
    return Record(
        name=name,
        sampling_rate_hz=float(header.fs),
        gain_adu_per_mv=_gain_per_mv(name, header, channel),
        zero_adu=int(header.baseline[channel]),
        lead=leads[channel],
        leads=leads,
        samples=samples,
        annotation_samples=annotations.positions,
        annotation_symbols=annotations.symbols,
    )


def import_wfdb() -> Any:
    """Return the wfdb module; raises ``ToolMissing`` when it isn't installed."""
    try:
        return importlib.import_module("wfdb")
    except ImportError as problem:
        raise ToolMissing(
            f"wfdb, which reads and fetches ECG records, is not installed; {install('ecg')}"
        ) from problem


def read_annotations(path: str | Path) -> Annotations:
    """Return a record's annotations, none where it has no ``.atr``; errors as `read_record`."""
    base = _base(path)
    return _read_annotations(base, int(_read_header(base).sig_len))


def record_leads(path: str | Path) -> tuple[str, ...]:
    """Return the names of a record's signals; raises ``UserError`` as ``read_record`` does."""
    return tuple(str(signal) for signal in _read_header(_base(path)).sig_name)


def _base(path: str | Path) -> Path:
    base = Path(path)
    return base.with_suffix("") if base.suffix in (".hea", ".dat", ".atr") else base


def _read_header(base: Path) -> Any:
    """Return the wfdb header object after checking the fields that the rest relies on."""
    wfdb = import_wfdb()
    file = base.with_name(base.name + ".hea")
    if not file.is_file():
        raise UserError(
            f"record {base.name}: header {file} is missing; `bnn-hw data DIR` fetches the "
            "MIT-BIH records"
        )
    try:
        header = wfdb.rdheader(str(base))
    except Exception as problem:  # wfdb raises many kinds on a broken header
        raise UserError(
            f"record {base.name}: header {file} can't be read ({_one_line(problem)}); "
            "fetch the record again"
        ) from problem
    if getattr(header, "n_seg", None) is not None:
        raise UserError(
            f"record {base.name}: field segments is {header.n_seg}, only single-segment records "
            "are read; name one of its segments"
        )
    for field, what in (
        ("sig_name", "signal name"), ("file_name", "signal file"), ("fmt", "format"),
        ("baseline", "baseline"), ("adc_gain", "gain"), ("fs", "sampling rate"),
        ("sig_len", "length"),
    ):  # fmt: skip
        value = getattr(header, field, None)
        missing = value is None or (isinstance(value, list) and (not value or None in value))
        if missing:
            raise UserError(
                f"record {base.name}: field {what} is missing in header {file}; "
                "fetch the record again"
            )
    return header


def _channel_of(name: str, leads: tuple[str, ...], lead: str | None) -> int:
    if lead is None:
        return 0
    if lead not in leads:
        raise UserError(
            f"record {name}: lead {lead} is not there; it has {', '.join(leads)}; choose one"
        )
    return leads.index(lead)


def _gain_per_mv(name: str, header: Any, channel: int) -> float:
    units = header.units[channel] if header.units else None
    if units not in (None, "mV"):
        raise UserError(
            f"record {name}: field units of lead {header.sig_name[channel]} is {units}, "
            "mV is needed; rewrite the header in mV"
        )
    gain = float(header.adc_gain[channel])
    if not np.isfinite(gain) or gain <= 0:
        raise UserError(
            f"record {name}: field gain of lead {header.sig_name[channel]} is {gain:g}, "
            "it must be above 0; correct the header"
        )
    return gain


def _check_files(base: Path, header: Any) -> None:
    """Check that every signal file is there and as long as the header says."""
    for file_name in dict.fromkeys(header.file_name):
        file = base.with_name(file_name)
        if not file.is_file():
            raise UserError(
                f"record {base.name}: signal file {file} is missing; fetch the record again"
            )
        channels = [i for i, other in enumerate(header.file_name) if other == file_name]
        bits = [_STORED_BITS.get(str(header.fmt[i])) for i in channels]
        if None in bits:
            continue
        per_frame = [
            size * (header.samps_per_frame[i] or 1)
            for size, i in zip(bits, channels, strict=True)
            if size is not None
        ]
        offset = header.byte_offset[channels[0]] or 0
        needed = offset + (sum(per_frame) * header.sig_len + 7) // 8
        if file.stat().st_size < needed:
            raise UserError(
                f"record {base.name}: signal file {file} is truncated: {file.stat().st_size} "
                f"bytes, {needed} are needed for {header.sig_len} samples; fetch the record again"
            )


def _read_samples(base: Path, header: Any, channel: int) -> NDArray[np.int16]:
    wfdb = import_wfdb()
    name, lead = base.name, header.sig_name[channel]
    if (header.samps_per_frame[channel] or 1) != 1:
        raise UserError(
            f"record {name}: field samples per frame of lead {lead} is "
            f"{header.samps_per_frame[channel]}, 1 is needed; resample the record first"
        )
    try:
        read = wfdb.rdrecord(str(base), channels=[channel], physical=False, return_res=32)
    except Exception as problem:  # wfdb raises many kinds on broken signal files
        raise UserError(
            f"record {name}: signal file {header.file_name[channel]} can't be read "
            f"({_one_line(problem)}); fetch the record again"
        ) from problem
    signal = np.asarray(read.d_signal)[:, 0].astype(np.int64)
    if signal.size != header.sig_len:
        raise UserError(
            f"record {name}: lead {lead} holds {signal.size} samples, the header says "
            f"{header.sig_len}; fetch the record again"
        )
    marker = _GAP_MARKERS.get(str(header.fmt[channel]))
    gaps = np.flatnonzero(signal == marker) if marker is not None else np.empty(0, np.int64)
    if gaps.size:
        raise UserError(
            f"record {name}: lead {lead} has a gap: {gaps.size} invalid samples, the first at "
            f"sample {gaps[0]}; cut the record around it"
        )
    checksum = header.checksum[channel] if header.checksum else None
    if checksum is not None and (int(signal.sum()) - int(checksum)) % (1 << 16):
        raise UserError(
            f"record {name}: checksum of lead {lead} differs from the header's {checksum}: the "
            "samples are damaged; fetch the record again"
        )
    limits = np.iinfo(np.int16)
    if signal.size and (signal.min() < limits.min or signal.max() > limits.max):
        raise UserError(
            f"record {name}: lead {lead} has samples from {signal.min()} to {signal.max()}, "
            f"{limits.min} to {limits.max} are allowed; rescale the record"
        )
    samples = signal.astype(np.int16)
    samples.flags.writeable = False
    return samples


def _read_annotations(base: Path, length: int) -> Annotations:
    """Return what the ``.atr`` file holds, nothing where there is none."""
    wfdb = import_wfdb()
    file = base.with_name(base.name + ".atr")
    if not file.is_file():
        return Annotations(np.empty(0, np.int64), (), ())
    if file.stat().st_size == 0:
        # wfdb reads no annotations from it; a sound file ends with a mark of two bytes.
        raise UserError(
            f"record {base.name}: annotations {file} are an empty file; fetch the record again"
        )
    try:
        annotation = wfdb.rdann(str(base), "atr")
        positions = np.asarray(annotation.sample, dtype=np.int64)
        symbols = tuple(str(symbol) for symbol in annotation.symbol)
        # WFDB pads a note with a zero byte.
        notes = tuple(str(note).rstrip("\0") for note in annotation.aux_note)
    except Exception as problem:  # wfdb raises many kinds on a broken annotation file
        raise UserError(
            f"record {base.name}: annotations {file} can't be read ({_one_line(problem)}); "
            "fetch the record again"
        ) from problem
    ascending = bool(np.all(np.diff(positions) >= 0))
    if positions.size and not (ascending and positions[0] >= 0 and positions[-1] < length):
        raise UserError(
            f"record {base.name}: annotations {file} lie outside the {length} samples or out of "
            "order; fetch the record again"
        )
    return Annotations(positions, symbols, notes)


def _one_line(problem: Exception) -> str:
    return f"{type(problem).__name__}: {' '.join(str(problem).split())}"
