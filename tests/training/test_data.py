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
from bnn_hw.ecg.splits import Split, inter_patient_split, paper_split, random_split
from bnn_hw.errors import UserError
from bnn_hw.training import data
from bnn_hw.training.experiment import DataConfig

NETWORKS = Path(__file__).parents[2] / "networks"


ECG5 = Description.load(NETWORKS / "ecg5.toml")


@pytest.fixture
def slices() -> FragmentSet:
    return load_slices("ecg5")


def rows_of(split: Split) -> list[list[int]]:
    return [side.tolist() for side in (split.train, split.validation, split.test)]


def test_arranged_sides_are_those_of_the_split(slices: FragmentSet) -> None:
    split = random_split(slices, 3, 0.3, 0.2)
    got = data.arrange(slices, split, ECG5)
    for part, rows in (
        (got.train, split.train),
        (got.validation, split.validation),
        (got.test, split.test),
    ):
        assert part.samples.dtype == torch.float32 and len(part) == len(rows)
        assert np.array_equal(part.samples.numpy(), slices.samples[rows])
        assert np.array_equal(part.labels.numpy(), slices.labels[rows])
    moved = data.arrange(slices, random_split(slices, 4, 0.3, 0.2), ECG5)
    assert moved.digests["samples_sha256"] == got.digests["samples_sha256"]
    assert moved.digests["test_rows_sha256"] != got.digests["test_rows_sha256"]


def test_random_protocol_is_the_split_of_ecg(slices: FragmentSet) -> None:
    config = DataConfig(set="ecg5", split_seed=3, test_share=0.3, validation_share=0.2)
    for seed in (1, 2):  # the experiment's split seed goes before the training seed
        got = data.split_fragments(slices, config, seed)
        assert rows_of(got) == rows_of(random_split(slices, 3, 0.3, 0.2))


def test_without_split_seed_every_seed_has_its_own_split(slices: FragmentSet) -> None:
    config = DataConfig(set="ecg5", test_share=0.3, validation_share=0.2)
    splits = [rows_of(data.split_fragments(slices, config, seed)) for seed in (1, 2)]
    assert splits == [rows_of(random_split(slices, seed, 0.3, 0.2)) for seed in (1, 2)]
    assert splits[0] != splits[1]


def test_inter_patient_protocol_is_the_split_of_ecg(slices: FragmentSet) -> None:
    config = DataConfig(set="ecg5", split_seed=3, protocol="inter-patient")
    got = data.split_fragments(slices, config, 1)
    assert rows_of(got) == rows_of(inter_patient_split(slices, 3))


def test_paper_protocol_validates_on_the_test(slices: FragmentSet) -> None:
    config = DataConfig(set="ecg5", protocol="paper")
    got, of_ecg = data.split_fragments(slices, config, 2), paper_split(slices, 2)
    assert rows_of(got) == [of_ecg.train.tolist(), of_ecg.test.tolist(), of_ecg.test.tolist()]


def test_smoke_split_leaves_something_on_every_side(slices: FragmentSet) -> None:
    split = data.smoke_split(slices, 1)
    assert rows_of(split) == rows_of(random_split(slices, 1, 0.25, 0.25))
    assert all(rows_of(split))


@pytest.mark.parametrize(
    "fields",
    [{"preparation": "peak", "peak": 127, "bits": 8}, {"preparation": "zscore", "steps": 64}],
)
def test_samples_are_prepared_as_the_network_says(
    slices: FragmentSet, fields: dict[str, Any]
) -> None:
    plain = ECG5.to_dict()
    plain["input"] |= fields
    description = Description.from_dict(plain)
    split = random_split(slices, 1, 0.25, 0.25)
    got = data.arrange(slices, split, description)
    of = description.input
    expected = prepare(
        slices.samples[split.test], of.preparation, of.bits, peak=of.peak, steps=of.steps
    )
    assert np.array_equal(got.test.samples.numpy(), expected)


def test_a_network_of_another_length_is_refused(slices: FragmentSet) -> None:
    plain = ECG5.to_dict()
    plain["input"]["samples"] = 1800
    with pytest.raises(UserError, match="takes 1 x 1800 samples"):
        data.arrange(slices, data.smoke_split(slices, 1), Description.from_dict(plain))


def test_an_empty_side_is_refused(slices: FragmentSet) -> None:
    with pytest.raises(UserError, match="validation side is empty"):
        data.arrange(slices, paper_split(slices, 1), ECG5)
