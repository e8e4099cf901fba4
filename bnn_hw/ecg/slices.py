"""Loads the few real ECG fragments that ship with bnn_hw, for the demo and the tests.

Takes the place of the records where those are not at hand. Reads ``<name>_slices.npz`` and
``<name>_slices.json`` of the data folder, gives a ``FragmentSet``; numpy is all it needs.
``bnn_hw.ecg.make_slices`` writes the files. Too few fragments to measure accuracy with.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from bnn_hw.assets import data_dir
from bnn_hw.ecg.fragments import FRAGMENT_SAMPLES, FragmentSet, SetName, twin_groups
from bnn_hw.errors import UserError

SLICE_SETS: tuple[SetName, ...] = ("ecg5", "ecg17")
# A real WFDB record (fmt 212, two leads, .atr): the first 35 s of record 100.
SLICE_RECORD = "mitdb_100_35s"


def slices_dir() -> Path:
    """Return the folder of the shipped slices."""
    return data_dir() / "ecg"


def slice_record_path() -> Path:
    """Return the shipped WFDB record, without suffix."""
    return slices_dir() / SLICE_RECORD


def load_slices(name: SetName, folder: Path | None = None) -> FragmentSet:
    """Load the shipped fragments of ``ecg5`` or ``ecg17``, or those written to ``folder``.

    ``samples`` is ``(n, 3600) int16`` in adu less 1024, every class at least twice. Raises
    ``UserError`` for an unknown name and for files that are missing or do not fit together.
    """
    if name not in SLICE_SETS:
        raise UserError(f"slices {name!r} are unknown; choose ecg5 or ecg17")
    where = slices_dir() if folder is None else folder
    array_file, json_file = where / f"{name}_slices.npz", where / f"{name}_slices.json"
    try:
        with np.load(array_file, allow_pickle=False) as archive:
            samples = archive["samples"]
        described = json.loads(json_file.read_text(encoding="utf-8"))
        class_names = tuple(str(text) for text in described["class_names"])
        fragments = described["fragments"]
        labels = np.array([class_names.index(row["label"]) for row in fragments], np.int64)
        starts = np.array([int(row["start"]) for row in fragments], np.int64)
        records = tuple(str(row["record"]) for row in fragments)
        leads = tuple(str(row["lead"]) for row in fragments)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as problem:
        raise UserError(
            f"slices {name}: {array_file} and {json_file.name} can't be read "
            f"({type(problem).__name__}: {problem}); install bnn_hw again"
        ) from problem
    if samples.dtype != np.int16 or samples.shape != (len(records), FRAGMENT_SAMPLES):
        raise UserError(
            f"slices {name}: {array_file} holds {samples.dtype} {samples.shape}, int16 "
            f"{(len(records), FRAGMENT_SAMPLES)} is needed; install bnn_hw again"
        )
    return FragmentSet(
        name=name,
        samples=samples,
        labels=labels,
        class_names=class_names,
        records=records,
        starts=starts,
        twins=twin_groups(samples),
        leads=leads,
    )
