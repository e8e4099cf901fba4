"""Fetching records: what is asked of wfdb, and one clear line for each failure.

The network itself is never touched: wfdb's two download functions are replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import wfdb

from bnn_hw.ecg.fetch import SUMS_FILE, fetch_records, verify_records
from bnn_hw.ecg.fragments import MITDB_RECORDS

Refused = Callable[..., AbstractContextManager[None]]


def fill(folder: Path) -> None:
    lines = []
    for record in MITDB_RECORDS:
        for suffix in (".hea", ".dat", ".atr"):
            content = (record + suffix).encode()
            (folder / (record + suffix)).write_bytes(content)
            lines.append(f"{hashlib.sha256(content).hexdigest()} {record}{suffix}\n")
    (folder / SUMS_FILE).write_text("".join(lines))


def test_real_records_match_their_sums(mitdb: Path) -> None:
    assert verify_records(mitdb) == 144


def test_fetch_asks_for_the_48_records_and_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "mitdb"
    asked: list[object] = []

    def dl_database(name: str, folder: str, records: list[str], annotators: list[str]) -> None:
        asked.append((name, folder, records, annotators))
        print("progress of wfdb")
        fill(Path(folder))

    def dl_files(name: str, folder: str, files: list[str]) -> None:
        asked.append((name, folder, files))

    monkeypatch.setattr(wfdb, "dl_database", dl_database)
    monkeypatch.setattr(wfdb, "dl_files", dl_files)
    assert fetch_records(target) == target
    assert asked == [
        ("mitdb", str(target), list(MITDB_RECORDS), ["atr"]),
        ("mitdb", str(target), [SUMS_FILE, "RECORDS"]),
    ]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("problem", [ConnectionError("no\nroute"), OSError("x"), ValueError("y")])
def test_without_network(
    problem: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    def dl_database(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(wfdb, "dl_database", dl_database)
    with refused("physionet.org", type(problem).__name__, "check the network"):
        fetch_records(tmp_path)


def test_folder_that_cannot_be_made(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "file").write_text("")
    with refused(str(tmp_path / "file"), "choose another"):
        fetch_records(tmp_path / "file" / "mitdb")


def test_missing_file(tmp_path: Path, refused: Refused) -> None:
    fill(tmp_path)
    (tmp_path / "207.atr").unlink()
    with refused("207.atr", "missing"):
        verify_records(tmp_path)


def test_damaged_file(tmp_path: Path, refused: Refused) -> None:
    fill(tmp_path)
    assert verify_records(tmp_path) == 144
    (tmp_path / "207.dat").write_bytes(b"207.daT")
    with refused("207.dat", "differs", SUMS_FILE):
        verify_records(tmp_path)


def test_file_without_a_sum(tmp_path: Path, refused: Refused) -> None:
    fill(tmp_path)
    sums = tmp_path / SUMS_FILE
    sums.write_text("".join(x for x in sums.read_text().splitlines(True) if "123.hea" not in x))
    with refused("123.hea", SUMS_FILE):
        verify_records(tmp_path)


def test_without_sums_only_presence_is_checked(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / SUMS_FILE).unlink()
    assert verify_records(tmp_path) == 0


def test_sums_that_are_no_text(tmp_path: Path, refused: Refused) -> None:
    fill(tmp_path)
    (tmp_path / SUMS_FILE).write_bytes(b"\xff\xfe\x80")
    with refused(SUMS_FILE, "can't be read"):
        verify_records(tmp_path)
