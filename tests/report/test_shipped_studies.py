"""The studies under models/studies: a mean that is shown is one that anyone can measure again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bnn_hw.assets import models_dir
from bnn_hw.cli.models import find_model, shipped_models
from bnn_hw.ecg.fragments import load_set
from bnn_hw.report.study_files import (
    condense,
    differences,
    load_seeds,
    load_study,
    measure_again,
    noted_studies,
)
from bnn_hw.training.experiment import Experiment, load_experiment

FOLDERS = sorted(path for path in (models_dir() / "studies").iterdir() if path.is_dir())
SUFFIXES = ("", "_paper", "_inter_patient")
EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def studies_of(name: str) -> list[Path]:
    """The studies of a shipped network: under its own name, and under two other protocols."""
    own = name.replace("-", "_")
    return [folder for folder in FOLDERS if folder.name.removeprefix(own) in SUFFIXES]


def test_every_study_belongs_to_a_network_that_ships() -> None:
    found = [folder for name in shipped_models() for folder in studies_of(name)]
    assert sorted(found) == FOLDERS
    assert all(studies_of(name) for name in shipped_models())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_study_is_of_the_experiment_that_the_repository_has(folder: Path) -> None:
    study = load_study(folder)
    experiment, _ = load_experiment(EXPERIMENTS / f"{folder.name}.toml")
    assert Experiment.model_validate(study.experiment) == experiment
    assert {entry.seed for entry in study.seeds} == set(experiment.training.seeds)


@pytest.mark.parametrize("name", shipped_models())
def test_the_card_of_a_network_keeps_its_studies(name: str) -> None:
    kept = {condensed.protocol: condensed for condensed in noted_studies(find_model(name).network)}
    for folder in studies_of(name):
        study = load_study(folder)
        assert kept.pop(study.protocol) == condense(study)
    assert not kept


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.skipif(
    "BNN_HW_RECORDS" not in os.environ, reason="needs the whole records, not a tool"
)
def test_every_figure_comes_out_again_from_the_frozen_networks(folder: Path) -> None:
    study = load_study(folder)
    fragments = load_set(study.set, Path(os.environ["BNN_HW_RECORDS"]))
    assert differences(study, measure_again(study, load_seeds(folder, study), fragments)) == []
