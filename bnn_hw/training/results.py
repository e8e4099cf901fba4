"""What a training run gives: chosen epochs and scores of every seed and of each of its networks.

Written by `bnn_hw.training.run` to NAME.metrics.json; `bnn-hw train` makes a study of it, with the
frozen networks' own figures in the place of the binary ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bnn_hw.description import Description
from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.metrics import Scores
from bnn_hw.training.experiment import Experiment


@dataclass(frozen=True)
class PartResult:
    """Chosen epoch of one network, and its scores on validation and test in single precision."""

    epoch: int
    validation: Scores
    test: Scores

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        scores = {"validation": self.validation.to_dict(), "test": self.test.to_dict()}
        return {"epoch": self.epoch, **scores}


@dataclass(frozen=True)
class SeedResult:
    """What one seed gave.

    `parts` has "binary" and, where it was trained, "twin". `rank` orders seeds: what
    selection maximises on validation, ties by the lower loss. `digests` are those of its data.
    """

    seed: int
    split_seed: int
    rank: tuple[float, float]
    parts: dict[str, PartResult]
    digests: dict[str, str]
    sign_zeros_test: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        parts = {name: part.to_dict() for name, part in self.parts.items()}
        facts = {"seed": self.seed, "split_seed": self.split_seed, "data": dict(self.digests)}
        return {**facts, "sign_zeros_test": self.sign_zeros_test, **parts}


@dataclass(frozen=True)
class Trained:
    """Outcome of a run: the experiment as it was run, its set, and every seed that was asked for."""

    experiment: Experiment
    description: Description
    fragments: FragmentSet
    smoke: bool
    seeds: tuple[SeedResult, ...]

    @property
    def chosen(self) -> SeedResult:
        """The seed that is best on validation; the first of equals."""
        return max(self.seeds, key=lambda result: result.rank)

    def checkpoint(self, out: Path, seed: int) -> Path:
        """File of a seed's binary network."""
        return out / f"{self.experiment.name}.seed{seed}.npz"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: what NAME.metrics.json holds."""
        best = self.chosen
        return {
            "experiment": self.experiment.model_dump(mode="json"),
            "smoke": self.smoke,
            "seed_chosen": best.seed,
            **best.parts["binary"].to_dict(),
            "seeds": [result.to_dict() for result in self.seeds],
            "torch_version": str(torch.__version__),
        }
