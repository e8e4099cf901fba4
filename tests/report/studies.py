"""Studies of shipped networks on the shipped slices: quick to make, and real figures of golden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnn_hw.assets import models_dir
from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.slices import load_slices
from bnn_hw.ir import Network, load_network
from bnn_hw.metrics import score_confusion
from bnn_hw.report.evaluation import Protocol
from bnn_hw.report.study import build_study, counted, figures, measure_seed
from bnn_hw.report.study_model import Header, Part, Study
from tests.reference import reference_network

SEEDS = (3, 5)


def slices_study(
    protocol: Protocol = "random", set_name: Any = "ecg5", floats: bool = True, smoke: bool = False
) -> tuple[Study, dict[int, Network], FragmentSet]:
    """A study of two seeds: the shipped network, and one with random weights and its labels."""
    fragments = load_slices(set_name)
    shipped = load_network(models_dir() / f"{set_name}.json")
    other = reference_network(len(shipped.labels), shipped.input.bits)
    stranger = Network("other", shipped.input, other.layers, shipped.labels)
    networks = dict(zip(SEEDS, (shipped, stranger), strict=True))
    header = Header(
        smoke=smoke,
        set=set_name,
        protocol=protocol,
        test_share=0.25,
        validation_share=0.25,
        name=f"{set_name}_{protocol.replace('-', '_')}",
        experiment={"training": {"seeds": list(SEEDS)}},
    )
    parts = float_parts(shipped.labels) if floats else {}
    entries = [
        measure_seed(header, fragments, network, seed, seed, 10 * seed, parts)
        for seed, network in networks.items()
    ]
    return build_study(header, fragments, entries, SEEDS[0], shipped), networks, fragments


def float_parts(labels: tuple[str, ...]) -> Mapping[str, Part]:
    """A twin that is right but for one fragment, a teacher that always is."""
    right = np.eye(len(labels), dtype=np.int64) * 2
    wrong = right.copy()
    wrong[0, 0], wrong[0, 1] = 1, 1
    scores = {"twin": score_confusion(wrong, labels), "teacher": score_confusion(right, labels)}
    return {
        name: Part(epoch=7, validation=figures(value), test=counted(value))
        for name, value in scores.items()
    }
