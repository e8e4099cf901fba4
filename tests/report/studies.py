"""Studies of shipped networks on the shipped slices: quick to make, and real figures of golden."""

from __future__ import annotations

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
    protocol: Protocol = "random", set_name: Any = "ecg5", twins: bool = True, smoke: bool = False
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
    twin = float_twin(shipped.labels) if twins else None
    entries = [
        measure_seed(header, fragments, network, seed, seed, 10 * seed, twin)
        for seed, network in networks.items()
    ]
    return build_study(header, fragments, entries, SEEDS[0], shipped), networks, fragments


def float_twin(labels: tuple[str, ...]) -> Part:
    """A twin that is right but for one fragment."""
    confusion = np.eye(len(labels), dtype=np.int64) * 2
    confusion[0, 0], confusion[0, 1] = 1, 1
    scores = score_confusion(confusion, labels)
    return Part(epoch=7, validation=figures(scores), test=counted(scores))
