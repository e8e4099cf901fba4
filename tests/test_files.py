"""Whole folders are written in one step: all of the new one, or the old one untouched."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bnn_hw.errors import UserError
from bnn_hw.files import write_folder

OLD = {"a.txt": b"old", "deep/b.txt": b"old"}
NEW = {"c.txt": b"new", "deep/er/d.bin": b"\xff\x00"}


def allow(old: Path) -> None:
    """Any old folder may go."""
    assert old.exists() and old.is_absolute()


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_new_files_are_all_that_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "sub" / "folder"
    for files in (OLD, NEW):
        write_folder(folder, files, allow)
        assert content(folder) == files
    assert list(folder.parent.iterdir()) == [folder]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_what_stands_behind_a_link_is_replaced(tmp_path: Path) -> None:
    write_folder(tmp_path / "real", OLD, allow)
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", NEW, allow)
    assert (tmp_path / "link").is_symlink() and content(tmp_path / "real") == NEW
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_the_old_folder_stays_whole_when_writing_fails(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write_folder(folder, OLD, allow)
    with pytest.raises(UserError, match="folder cannot be written"):
        write_folder(folder, {**NEW, "c.txt/below": b"c.txt is a file"}, allow)
    assert content(folder) == OLD
    assert list(tmp_path.iterdir()) == [folder]


def test_a_file_in_the_way_of_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="file/below cannot be written"):
        write_folder(tmp_path / "file/below", NEW, allow)
    assert content(tmp_path) == {"file": b"in the way"}


@pytest.mark.parametrize("name", ["mine", "link", "nowhere/../mine"])
def test_what_the_check_keeps_is_left_alone(tmp_path: Path, name: str) -> None:
    write_folder(tmp_path / "mine", OLD, allow)
    (tmp_path / "link").symlink_to("mine")

    def keep(old: Path) -> None:
        assert old == (tmp_path / "mine").resolve()
        raise UserError("it stays")

    with pytest.raises(UserError, match="it stays"):
        write_folder(tmp_path / name, NEW, keep)
    assert content(tmp_path / "mine") == OLD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "mine"]
