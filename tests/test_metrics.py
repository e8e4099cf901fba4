from __future__ import annotations

import numpy as np

from bnn_hw.metrics import confidence_interval, score, score_confusion


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
    assert score_confusion(np.array(scores.confusion), ("n", "s", "v", "q")) == scores


def test_scores_of_nothing() -> None:
    scores = score_confusion(np.zeros((2, 2), np.int64), ("a", "b"))
    assert (scores.fragments, scores.correct, scores.accuracy, scores.macro_f1) == (0, 0, 0.0, None)


def test_wilson_interval_against_published_values():
    # Newcombe (1998), table I: 81 of 263, 15 of 148 and 0 of 20 by the score method.
    assert [round(x, 4) for x in confidence_interval(81, 263)] == [0.2553, 0.3662]
    assert [round(x, 4) for x in confidence_interval(15, 148)] == [0.0624, 0.1605]
    assert [round(x, 4) for x in confidence_interval(0, 20)] == [0.0, 0.1611]
    assert confidence_interval(0, 0) == (0.0, 1.0)
