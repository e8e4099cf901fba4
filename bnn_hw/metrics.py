"""Accuracy, confusion matrix and what each class gets, from labels and predictions."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Two-sided 95 % of the standard normal distribution.
_Z95 = 1.959964


@dataclass(frozen=True)
class ClassMetrics:
    """One class: sensitivity (recall), positive predictivity (precision) and F1.

    None where the quotient has no meaning: a class without fragments or without predictions.
    """

    label: str
    fragments: int
    sensitivity: float | None
    positive_predictivity: float | None
    f1: float | None


@dataclass(frozen=True)
class Scores:
    """Scores of a set of fragments; ``confusion[true][predicted]`` counts."""

    fragments: int
    correct: int
    accuracy: float
    macro_f1: float | None
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassMetrics, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "fragments": self.fragments,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "confusion": [list(row) for row in self.confusion],
            "classes": [vars(entry) for entry in self.classes],
        }


def score(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], class_names: tuple[str, ...]
) -> Scores:
    """Score predictions, both ``(n,) int64`` indices into ``class_names``."""
    size = len(class_names)
    confusion = np.zeros((size, size), np.int64)
    np.add.at(confusion, (labels, predictions), 1)
    return score_confusion(confusion, class_names)


def score_confusion(confusion: NDArray[np.int64], class_names: tuple[str, ...]) -> Scores:
    """Scores of counts ``(classes, classes) int64``, row the truth, column the answer.

    ``macro_f1`` is the mean of F1 over the classes that have fragments (F1 counts 0 when none of
    them is found). Source of the terms: ANSI/AAMI EC57.
    """
    classes = []
    for index, label in enumerate(class_names):
        hits = int(confusion[index, index])
        real, said = int(confusion[index].sum()), int(confusion[:, index].sum())
        classes.append(
            ClassMetrics(
                label=label,
                fragments=real,
                sensitivity=hits / real if real else None,
                positive_predictivity=hits / said if said else None,
                f1=2 * hits / (real + said) if real else None,
            )
        )
    f1 = [entry.f1 for entry in classes if entry.f1 is not None]
    correct, fragments = int(np.trace(confusion)), int(confusion.sum())
    return Scores(
        fragments=fragments,
        correct=correct,
        accuracy=correct / fragments if fragments else 0.0,
        macro_f1=sum(f1) / len(f1) if f1 else None,
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        classes=tuple(classes),
    )


def confidence_interval(correct: float, fragments: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson (1927): ``correct`` of ``fragments``, 0 to 1 each."""
    if fragments == 0:
        return 0.0, 1.0
    share, z = correct / fragments, _Z95
    scale = 1 + z * z / fragments
    centre = (share + z * z / (2 * fragments)) / scale
    half = z * sqrt(share * (1 - share) / fragments + z * z / (4 * fragments**2)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)
