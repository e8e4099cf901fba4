from __future__ import annotations

import numpy as np

from bnn_hw.training.metrics import score


def test_scores_of_a_small_case() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    predictions = np.array([0, 0, 1, 1, 0, 0])
    scores = score(labels, predictions, ("n", "s", "v", "q"))
    assert scores.confusion == ((2, 1, 0, 0), (1, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0))
    assert (scores.correct, scores.fragments, scores.accuracy) == (3, 6, 0.5)
    n, s, v, q = scores.classes
    assert (n.sensitivity, n.positive_predictivity, n.f1) == (2 / 3, 2 / 4, 4 / 7)
    assert (s.sensitivity, s.positive_predictivity, s.f1) == (1 / 2, 1 / 2, 2 / 4)
    # Never predicted: sensitivity is 0, predictivity has no meaning.
    assert (v.sensitivity, v.positive_predictivity, v.f1) == (0.0, None, 0.0)
    # No fragment: nothing to find, and no part in the mean.
    assert (q.fragments, q.sensitivity, q.positive_predictivity, q.f1) == (0, None, None, None)
    assert scores.macro_f1 == (4 / 7 + 2 / 4 + 0.0) / 3
    assert scores.to_dict()["classes"][3]["label"] == "q"
