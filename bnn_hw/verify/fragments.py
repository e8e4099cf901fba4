"""Chooses the fragments that a verification sees, in one order for every level.

Reads the shipped ECG slices, the records where they are at hand, or a file; gives
:class:`Fragments`. A level takes the first so many of them, so fragment 5 is the same in every level.
Real fragments come class by class in turn, a stress fragment after every second one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.ecg.fragments import (
    ECG17_CLASSES,
    FRAGMENT_SAMPLES,
    FragmentSet,
    SetName,
    load_set,
)
from bnn_hw.ecg.labels import ECG5_CLASSES
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError
from bnn_hw.golden import check_samples
from bnn_hw.ir import Network
from bnn_hw.verify.inputs import prepare_fragments, read_input
from bnn_hw.verify.stress import KINDS, stress_fragments

UNLABELLED = -1
# Synthetic fragments for a network that is not fed with ECG, and their samples at most.
SYNTHETIC_FRAGMENTS = 8 * len(KINDS)
_MAX_SYNTHETIC_SAMPLES = 1 << 23


@dataclass(frozen=True, eq=False)
class Fragments:
    """Fragments as the network takes them.

    ``samples`` is ``(n, channels, samples) int16``, ``labels`` is ``(n,) int64`` with -1 where
    nobody knows the class, ``names`` says what each fragment is, ``source`` what they are in one line.
    """

    samples: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        """Number of fragments."""
        return len(self.samples)

    def first(self, count: int) -> Fragments:
        """The first ``count`` of them."""
        return Fragments(self.samples[:count], self.labels[:count], self.names[:count], self.source)


def from_file(
    network: Network, path: Path, prepare: bool = False, lead: str | None = None
) -> Fragments:
    """The fragments of ``path`` alone, in its order; errors as in ``read_input``."""
    given = read_input(path, network.input, prepare=prepare, lead=lead)
    samples = check_samples(network, given.samples).astype(np.int16)
    names = tuple(f"{path.name} {i}" for i in range(len(samples)))
    return Fragments(samples, _unlabelled(len(samples)), names, given.source)


def default_fragments(network: Network, records: Path | None, count: int | None) -> Fragments:
    """Real ECG where the network takes it, and stress fragments; synthetic ones otherwise.

    Parameters
    ----------
    records
        Folder of the records to take the whole set of the network from; None for the slices.
    count
        How many at least; None for what there is. Stress fragments fill what real ones lack.
    """
    real = _real_fragments(network, records)
    if real is None:
        budget = max(
            len(KINDS), _MAX_SYNTHETIC_SAMPLES // (network.input.samples * network.input.channels)
        )
        wanted = count if count is not None else min(SYNTHETIC_FRAGMENTS, budget)
        samples, names = stress_fragments(network, wanted)
        shape = f"{network.input.channels} x {network.input.samples} of {network.input.bits} bits"
        return Fragments(
            samples,
            _unlabelled(wanted),
            tuple(names),
            f"{wanted} seeded synthetic fragments, since ECG does not fit an input of {shape}",
        )
    extra = max(len(KINDS), (count or 0) - len(real))
    return _interleave(real, network, extra)


def demo_samples(network: Network, count: int) -> npt.NDArray[np.int16]:
    """``count`` fragments for the test vectors of a build: real ECG where the network takes it."""
    real = _real_fragments(network, None)
    if real is None:
        return stress_fragments(network, count)[0]
    return real.samples[:count]


def fragment_set(name: SetName, records: Path | None) -> FragmentSet:
    """The whole set from the records, or its shipped slices when ``records`` is None."""
    return load_slices(name) if records is None else load_set(name, records)


def set_of(labels: tuple[str, ...]) -> SetName:
    """The set that goes with the class labels; the one with more rhythms when neither does."""
    return "ecg5" if labels == ECG5_CLASSES else "ecg17"


def _real_fragments(network: Network, records: Path | None) -> Fragments | None:
    if network.input.channels != 1 or network.input.samples != FRAGMENT_SAMPLES:
        return None
    name = set_of(network.labels)
    chosen = fragment_set(name, records)
    try:
        samples = prepare_fragments(chosen.samples, network.input)
    except UserError:
        return None  # raw ECG leaves the range of this input
    order = _class_by_class(chosen.labels)
    known = network.labels == (ECG5_CLASSES if name == "ecg5" else ECG17_CLASSES)
    origin = "slices that ship" if records is None else "records"
    return Fragments(
        samples[order][:, np.newaxis, :].astype(np.int16),
        chosen.labels[order] if known else _unlabelled(len(order)),
        tuple(f"MIT-BIH {chosen.records[i]} from sample {int(chosen.starts[i])}" for i in order),
        f"{len(order)} real ECG fragments ({name}, {origin})",
    )


def _class_by_class(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """An order in which every class has its turn before one has its second."""
    seen: defaultdict[int, int] = defaultdict(int)
    turns = []
    for label in labels.tolist():
        turns.append(seen[label])
        seen[label] += 1
    return np.lexsort((labels, np.array(turns))).astype(np.int64)


def _interleave(real: Fragments, network: Network, extra: int) -> Fragments:
    stress, stress_names = stress_fragments(network, extra)
    order: list[tuple[bool, int]] = []
    used = 0
    for index in range(len(real)):
        order.append((True, index))
        if index % 2 == 1 and used < len(KINDS):
            order.append((False, used))
            used += 1
    order += [(False, index) for index in range(used, extra)]
    samples = np.stack([real.samples[i] if is_real else stress[i] for is_real, i in order])
    labels = [int(real.labels[i]) if is_real else UNLABELLED for is_real, i in order]
    names = tuple(real.names[i] if is_real else stress_names[i] for is_real, i in order)
    source = f"{real.source} and {extra} seeded stress fragments"
    return Fragments(samples, np.array(labels, dtype=np.int64), names, source)


def _unlabelled(count: int) -> npt.NDArray[Any]:
    return np.full(count, UNLABELLED, dtype=np.int64)
