"""Fetches the MIT-BIH Arrhythmia Database into a folder, for ``bnn-hw data``.

Stands before everything else: what it writes is the folder that ``bnn_hw.ecg.records`` reads.
Only this module uses the network.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from pathlib import Path

from bnn_hw.ecg.fragments import MITDB_RECORDS
from bnn_hw.ecg.records import import_wfdb
from bnn_hw.errors import UserError

DATABASE = "mitdb"
SUMS_FILE = "SHA256SUMS.txt"
_SUFFIXES = (".hea", ".dat", ".atr")


def fetch_records(folder: str | Path) -> Path:
    """Fetch all 48 records from PhysioNet into ``folder``, verify them, and return the folder.

    A fetch that was cut off goes on where it stopped. Raises ``UserError`` when the folder can't
    be written, when there is no network, and when a file is missing or damaged afterwards.
    Source: G. B. Moody, R. G. Mark, MIT-BIH Arrhythmia Database, doi:10.13026/C2F305, ODC-By 1.0.
    """
    wfdb = import_wfdb()
    target = Path(folder).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UserError(
            f"records: folder {target} can't be made ({problem.strerror}); choose another"
        ) from problem
    try:
        # wfdb tells its progress on stdout, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            wfdb.dl_database(DATABASE, str(target), records=list(MITDB_RECORDS), annotators=["atr"])
            wfdb.dl_files(DATABASE, str(target), [SUMS_FILE, "RECORDS"])
    except Exception as problem:  # requests, urllib and wfdb each raise their own kinds
        reason = " ".join(str(problem).split())
        raise UserError(
            f"records: {DATABASE} can't be fetched from physionet.org into {target} "
            f"({type(problem).__name__}: {reason}); check the network and run it again"
        ) from problem
    verify_records(target)
    return target


def verify_records(folder: Path) -> int:
    """Check that all 48 records are there and match ``SHA256SUMS.txt``; return the files matched.

    Without that file only the presence is checked and 0 returned. Raises ``UserError`` naming the
    first file that is missing, unlisted or damaged.
    """
    names = [record + suffix for record in MITDB_RECORDS for suffix in _SUFFIXES]
    for name in names:
        if not (folder / name).is_file():
            raise UserError(
                f"records: file {folder / name} is missing; `bnn-hw data {folder}` fetches it"
            )
    sums = folder / SUMS_FILE
    if not sums.is_file():
        return 0
    expected = _read_sums(sums)
    for name in names:
        if name not in expected:
            raise UserError(f"records: {sums} has no line for {name}; delete it and fetch again")
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected[name]:
            raise UserError(
                f"records: file {folder / name} differs from {SUMS_FILE}; delete it and run "
                f"`bnn-hw data {folder}` again"
            )
    return len(names)


def _read_sums(sums: Path) -> dict[str, str]:
    try:
        lines = sums.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"records: {sums} can't be read; delete it and fetch again") from problem
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return {pair[1].lstrip("*"): pair[0].lower() for pair in pairs if len(pair) == 2}
