"""Checkpoints on disk: `.npz` of plain arrays to ship, a torch file to resume from.

Neither can carry code: numpy reads with allow_pickle=False, torch with weights_only=True. Both
are written beside and renamed, so a run that is killed leaves the file before, whole.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bnn_hw.errors import UserError
from bnn_hw.files import read_bytes, write_bytes

_MAX_BYTES = 1 << 30


def save_npz(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Write float32 arrays by reference name, with `.npz` compression and no pickle.

    Equal arrays give equal bytes: entries are sorted and carry no date. Raises UserError when the
    folder can't be written.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            entry = io.BytesIO()
            array = np.ascontiguousarray(arrays[name], dtype="<f4").reshape(arrays[name].shape)
            np.lib.format.write_array(entry, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, entry.getvalue())
    write_bytes(path, buffer.getvalue())


def load_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read a `.npz` of arrays; UserError for anything else, objects that need pickle included."""
    content = read_bytes(path, _MAX_BYTES, "checkpoint")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, AttributeError, zipfile.BadZipFile):
        raise UserError(
            f"checkpoint {path} is no .npz of plain arrays: was it cut short, or pickled?"
        ) from None


def save_resumable(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run: tensors, numbers, strings, lists and dicts of them."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(path, buffer.getvalue())


def load_resumable(path: Path) -> dict[str, Any]:
    """Read the state of a run; UserError for a damaged file or one that wants to run code."""
    content = read_bytes(path, _MAX_BYTES, "resume file")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError):
        raise UserError(
            f"resume file {path} is damaged or holds more than arrays and numbers; delete it and "
            "start the training anew"
        ) from None
    if not isinstance(state, dict):
        raise UserError(f"resume file {path} holds no state of a training; delete it")
    return state
