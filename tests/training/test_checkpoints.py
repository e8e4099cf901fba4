from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bnn_hw.errors import UserError
from bnn_hw.training.checkpoints import load_npz, load_resumable, save_npz, save_resumable


class Harmful:
    """A pickle of this makes a folder when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def test_npz_gives_back_names_shapes_and_values(tmp_path: Path) -> None:
    arrays = {
        "block1.conv.weight": np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32),
        "block1.prelu.weight": np.array([0.25], np.float32),
        "scalar": np.array(0.5, np.float32),
    }
    save_npz(tmp_path / "a.npz", arrays)
    loaded = load_npz(tmp_path / "a.npz")
    assert sorted(loaded) == sorted(arrays)
    for name, array in arrays.items():
        assert loaded[name].dtype == np.float32
        assert loaded[name].shape == array.shape
        assert np.array_equal(loaded[name], array)


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    arrays = {"b": np.ones(3, np.float32), "a": np.zeros(2, np.float32)}
    save_npz(tmp_path / "one.npz", arrays)
    save_npz(tmp_path / "two.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_npz_with_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    np.savez(tmp_path / "bad.npz", x=np.array([Harmful(mark)], dtype=object))
    with pytest.raises(UserError, match=r"no \.npz of plain arrays"):
        load_npz(tmp_path / "bad.npz")
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Harmful(mark)))
    with pytest.raises(UserError, match=r"no \.npz of plain arrays"):
        load_npz(tmp_path / "bare.npz")
    assert not mark.exists()


def test_resume_file_that_runs_code_is_refused(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save({"history": Harmful(mark)}, tmp_path / "bad.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Harmful(mark)))
    for name in ("bad.pt", "bare.pt"):
        with pytest.raises(UserError, match="more than arrays and numbers"):
            load_resumable(tmp_path / name)
    assert not mark.exists()
    # The same bytes do run where nobody forbids it, so the test could fail.
    torch.load(tmp_path / "bad.pt", weights_only=False)
    assert mark.exists()


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_damaged_files_get_one_line(tmp_path: Path, keep: int) -> None:
    save_resumable(tmp_path / "a.pt", {"x": torch.ones(100)})
    save_npz(tmp_path / "a.npz", {"x": np.ones(1000, np.float32)})
    for name, load in (("a.pt", load_resumable), ("a.npz", load_npz)):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(UserError) as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        save_npz(tmp_path / "file" / "a.npz", {"x": np.ones(1, np.float32)})
