"""A network, an experiment and data small enough to train in a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bnn_hw.description import Description
from bnn_hw.training.data import Part, TrainingData
from bnn_hw.training.experiment import Experiment

torch.set_num_threads(1)


@pytest.fixture
def tiny_description() -> Description:
    return Description.from_dict(
        {
            "name": "tiny",
            "labels": ["a", "b", "c"],
            "input": {"samples": 40, "bits": 8},
            "layers": [
                {"type": "conv", "out_channels": 4, "kernel": 5, "stride": 2, "padding": [2, 1]},
                {"type": "max_pool", "size": 3, "stride": 2},
                {"type": "prelu"},
                {"type": "batch_norm"},
                {"type": "sign"},
                {"type": "conv", "out_channels": 3, "kernel": 3, "padding": [1, 1]},
                {"type": "prelu"},
                {"type": "batch_norm"},
                {"type": "head"},
            ],
        }
    )


@pytest.fixture
def make_experiment() -> Callable[..., Experiment]:
    def make(**changes: Any) -> Experiment:
        fields: dict[str, Any] = {
            "name": "tiny",
            "network": "tiny.toml",
            "data": {"set": "ecg5", "split_seed": 1},
            "training": {"seeds": [7], "epochs": 6, "batch": 8},
            "augmentation": {"shift_samples": 5, "gain": [0.8, 1.25], "baseline": 3, "noise": 1},
        }
        return Experiment.model_validate(fields | changes)

    return make


@pytest.fixture
def tiny_data() -> TrainingData:
    generator = torch.Generator().manual_seed(20)
    labels = torch.arange(60) % 3
    # Three classes that differ in the length of their wave.
    time = torch.arange(40)[None, :]
    waves = 60 * torch.sin(time / (1.0 + labels[:, None]))
    samples = (waves + 10 * torch.randn((60, 40), generator=generator)).round()
    parts = [Part(samples[a:b], labels[a:b]) for a, b in ((0, 33), (33, 48), (48, 60))]
    return TrainingData(*parts, class_names=("a", "b", "c"), digests={})
