"""Training data: prepared integers, labels, and which fragment serves what.

Reads a fragment set of `bnn_hw.ecg`, splits it by the experiment's protocol and prepares it as the
network description says; gives float tensors of integers. The test part stays in numpy, out of the
training loop's reach, until the one reading at the end.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bnn_hw.description import Description
from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.preparation import prepare
from bnn_hw.ecg.splits import Split, inter_patient_split, paper_split, random_split
from bnn_hw.ecg.stretches import Stretches
from bnn_hw.errors import UserError
from bnn_hw.training.experiment import DataConfig

# Every class has at least two slices, so a quarter each still leaves half of them to train on.
SMOKE_SHARES = (0.25, 0.25)


@dataclass(frozen=True, eq=False)
class Part:
    """Fragments of one side: samples (n, time) float32 integers, labels (n,) int64."""

    samples: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of fragments."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The three sides of a split, the names of the classes and digests of what was read.

    `stretches` may stand in for the training fragments, raw, where training asks for it.

    `digests` gives sha256 hex of the whole set's raw samples and labels, and of each side's rows.
    """

    train: Part
    validation: Part
    test: Part
    class_names: tuple[str, ...]
    digests: dict[str, str]
    stretches: Stretches | None = None


def split_fragments(fragments: FragmentSet, config: DataConfig, seed: int) -> Split:
    """Split a set by the experiment's protocol; `seed` counts where the experiment fixes no split.

    Protocol `paper` gives the test rows as validation too, since it selects on the test.
    """
    if config.split_seed is not None:
        seed = config.split_seed
    match config.protocol:
        case "inter-patient":
            return inter_patient_split(fragments, seed)
        case "paper":
            split = paper_split(fragments, seed)
            return replace(split, validation=split.test)
        case "random":
            return random_split(fragments, seed, config.test_share, config.validation_share)


def smoke_split(fragments: FragmentSet, seed: int) -> Split:
    """Split the few shipped slices: shows that the way works, measures nothing."""
    return random_split(fragments, seed, *SMOKE_SHARES)


def arrange(fragments: FragmentSet, split: Split, description: Description) -> TrainingData:
    """Prepare the fragments of a split as the network takes them; UserError when they don't fit."""
    if tuple(description.labels) != tuple(fragments.class_names):
        raise UserError(
            f"network {description.name} has labels {', '.join(description.labels)}; set "
            f"{fragments.name} has {', '.join(fragments.class_names)}"
        )
    shape = description.input
    if (shape.channels, shape.samples) != (1, fragments.samples.shape[1]):
        raise UserError(
            f"network {description.name} takes {shape.channels} x {shape.samples} samples; set "
            f"{fragments.name} has 1 x {fragments.samples.shape[1]}"
        )
    samples = prepare(
        fragments.samples, shape.preparation, shape.bits, peak=shape.peak, steps=shape.steps
    )
    sides = {"train": split.train, "validation": split.validation, "test": split.test}
    for name, rows in sides.items():
        if not len(rows):
            raise UserError(f"split of {fragments.name}: the {name} side is empty; change shares")
    digests = {
        "samples_sha256": _sha256(fragments.samples),
        "labels_sha256": _sha256(fragments.labels),
    }
    digests |= {f"{name}_rows_sha256": _sha256(rows) for name, rows in sides.items()}
    parts = {
        name: Part(
            torch.from_numpy(samples[rows].astype(np.float32)),
            torch.from_numpy(fragments.labels[rows].astype(np.int64)),
        )
        for name, rows in sides.items()
    }
    return TrainingData(
        parts["train"], parts["validation"], parts["test"], fragments.class_names, digests
    )


def _sha256(array: NDArray[np.int16] | NDArray[np.int64]) -> str:
    little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return hashlib.sha256(little_endian.tobytes()).hexdigest()
