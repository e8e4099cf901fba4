from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bnn_hw.description import Description
from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.preparation import prepare
from bnn_hw.ecg.slices import load_slices
from bnn_hw.ecg.splits import Split, inter_patient_split, random_split
from bnn_hw.errors import UserError
from bnn_hw.training import data
from bnn_hw.training.experiment import DataConfig

NETWORKS = Path(__file__).parents[2] / "networks"


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> FragmentSet:
    """The shipped slices in the place of the whole set from records."""
    fragments = load_slices("ecg5")
    monkeypatch.setattr(data, "load_set", lambda name, records: fragments)
    return fragments


def assert_sides(got: data.TrainingData, fragments: FragmentSet, split: Split) -> None:
    for part, rows in (
        (got.train, split.train),
        (got.validation, split.validation),
        (got.test, split.test),
    ):
        assert part.samples.dtype == torch.float32
        assert np.array_equal(part.samples.numpy(), fragments.samples[rows])
        assert np.array_equal(part.labels.numpy(), fragments.labels[rows])
    assert sum(map(len, (got.train, got.validation, got.test))) <= len(fragments)


def test_random_protocol_is_the_split_of_ecg(slices: FragmentSet) -> None:
    config = DataConfig(set="ecg5", split_seed=3, test_share=0.3, validation_share=0.2)
    got = data.load_data(config, Description.load(NETWORKS / "ecg5.toml"), Path("unused"))
    assert_sides(got, slices, random_split(slices, 3, 0.3, 0.2))
    other = config.model_copy(update={"split_seed": 4})
    moved = data.load_data(other, Description.load(NETWORKS / "ecg5.toml"), Path("unused"))
    assert moved.digests["samples_sha256"] == got.digests["samples_sha256"]
    assert moved.digests["test_rows_sha256"] != got.digests["test_rows_sha256"]


def test_inter_patient_protocol_is_the_split_of_ecg(slices: FragmentSet) -> None:
    config = DataConfig(set="ecg5", split_seed=3, protocol="inter-patient")
    got = data.load_data(config, Description.load(NETWORKS / "ecg5.toml"), Path("unused"))
    assert_sides(got, slices, inter_patient_split(slices, 3))


@pytest.mark.parametrize(
    "fields",
    [{"preparation": "peak", "peak": 127, "bits": 8}, {"preparation": "zscore", "steps": 64}],
)
def test_samples_are_prepared_as_the_network_says(fields: dict[str, Any]) -> None:
    plain = Description.load(NETWORKS / "ecg5.toml").to_dict()
    plain["input"] |= fields
    description = Description.from_dict(plain)
    config = DataConfig(set="ecg5", split_seed=1)
    got = data.load_smoke_data(config, description)
    fragments = load_slices("ecg5")
    split = random_split(fragments, 1, 0.25, 0.25)
    of = description.input
    expected = prepare(
        fragments.samples[split.test], of.preparation, of.bits, peak=of.peak, steps=of.steps
    )
    assert np.array_equal(got.test.samples.numpy(), expected)


def test_a_network_of_another_length_is_refused() -> None:
    plain = Description.load(NETWORKS / "ecg5.toml").to_dict()
    plain["input"]["samples"] = 1800
    with pytest.raises(UserError, match="takes 1 x 1800 samples"):
        data.load_smoke_data(DataConfig(set="ecg5", split_seed=1), Description.from_dict(plain))
