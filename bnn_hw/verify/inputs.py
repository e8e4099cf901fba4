"""Reads INPUT, a WFDB record or an ``.npy``, as fragments of one network.

Used by classify, by verify and by the calibration of freeze. An ``.npy`` holds the integers that the
network itself takes; with ``prepare`` they are raw and go through the network's own preparation
first. A record is always prepared. wfdb is imported only for a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError

Samples = npt.NDArray[np.integer[Any]]


class InputShape(Protocol):
    """What a fragment looks like; a network's input and a description's input both say it."""

    @property
    def samples(self) -> int:
        """Samples a fragment."""

    @property
    def channels(self) -> int:
        """Channels a sample."""

    @property
    def bits(self) -> int:
        """Bits a sample, signed."""

    @property
    def preparation(self) -> Any:
        """Name of the preparation."""

    @property
    def peak(self) -> int | None:
        """Parameter of preparation ``peak``."""

    @property
    def steps(self) -> int | None:
        """Parameter of preparation ``zscore``."""


@dataclass(frozen=True, eq=False)
class InputFragments:
    """Fragments as the network takes them, ``(n, samples)`` or ``(n, channels, samples)`` integers.

    ``remark`` is one line about what else there was, such as samples left over; empty if nothing.
    """

    samples: Samples
    source: str
    remark: str = ""


def prepare_fragments(samples: Samples, shape: InputShape) -> Samples:
    """Raw fragments ``(n, samples)`` through the network's preparation; errors of ``prepare``."""
    from bnn_hw.ecg.preparation import prepare

    return prepare(samples, shape.preparation, shape.bits, shape.peak, shape.steps)


def read_input(
    path: Path, shape: InputShape, *, prepare: bool = False, lead: str | None = None
) -> InputFragments:
    """Fragments of a file.

    Parameters
    ----------
    path
        ``.npy`` of any integer type, or a WFDB record with or without suffix.
    prepare
        Whether an ``.npy`` is raw.
    lead
        Lead of a record; by default MLII, else the first.

    Raises
    ------
    UserError
        When the file is missing, damaged, or not of the network's shape.
    """
    if path.suffix == ".npy":
        if lead is not None:
            raise UserError(
                f"--lead {lead} goes with a WFDB record and {path.name} is an array; leave it out"
            )
        samples = read_npy(path)
        if prepare:
            samples = prepare_fragments(samples, shape)
        return InputFragments(samples, f"{path.name}, {len(samples)} fragments")
    if shape.channels != 1:
        raise UserError(
            f"record {path}: the network takes {shape.channels} channels, a record gives one lead; "
            "give an .npy of shape (fragments, channels, samples)"
        )
    from bnn_hw.ecg.wfdb_input import record_fragments

    record = record_fragments(path, shape.samples, lead)
    rest = record.remainder_samples
    return InputFragments(
        prepare_fragments(record.samples, shape),
        f"record {record.record}, lead {record.lead}, {len(record.samples)} fragments",
        f"record {record.record}: the last {rest} samples fill no fragment" if rest else "",
    )


def read_npy(path: Path) -> Samples:
    """The array of an ``.npy``; pickles are refused, sizes come from the file and not its header.

    Raises
    ------
    UserError
        When the file is missing, damaged, or holds no integers.
    """
    if not path.is_file():
        raise UserError(f"input {path} cannot be read: no such file; check the path")
    try:
        # A header with an absurd shape makes numpy warn on its way to the error.
        with np.errstate(all="ignore"):
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError, OverflowError) as error:
        raise UserError(
            f"input {path} is not an .npy of integers: {error}; write it with numpy.save"
        ) from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"input {path} holds several arrays; give one array as .npy")
    if array.ndim == 0:
        raise UserError(
            f"input {path} holds one number; give an array of shape (fragments, samples)"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise UserError(
            f"input {path} has dtype {array.dtype}, integers are needed; round or quantise the samples "
            "as the network's input says and save them as an integer dtype"
        )
    return array
