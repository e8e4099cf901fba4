from __future__ import annotations

from pathlib import Path

import pytest

from bnn_hw.errors import UserError
from bnn_hw.training.experiment import ScheduleConfig, load_experiment
from bnn_hw.training.schedule import learning_rate

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
GOOD = """
name = "tiny"
network = "net.toml"
[data]
set = "ecg5"
split_seed = 1
[training]
seeds = [1]
epochs = 2
"""
NETWORK = """
name = "net"
labels = ["a"]
[input]
samples = 8
bits = 4
[[layers]]
type = "conv"
[[layers]]
type = "head"
"""


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_experiments_are_legal(path: Path) -> None:
    experiment, description = load_experiment(path)
    assert experiment.name == path.stem
    assert description.input.samples == 3600


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(GOOD)
    (tmp_path / "net.toml").write_text(NETWORK)
    experiment, description = load_experiment(tmp_path / "x.toml")
    assert (experiment.training.batch, experiment.data.protocol) == (64, "random")
    assert description.name == "net"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("epochs = 2", "epochs = 0", "training.epochs"),
        ("epochs = 2", "epochs = 2.5", "training.epochs"),
        ("epochs = 2", "epochs = 2\npatience = 3", "training.patience"),
        ("seeds = [1]", "seeds = []", "training.seeds"),
        ('"ecg5"', '"ecg6"', "data.set"),
        ("split_seed = 1", 'split_seed = 1\nprotocol = "ours"', "data.protocol"),
        ("split_seed = 1", "split_seed = 1\nectopy_share = 0.4", "set stretch_share too"),
        ("epochs = 2", "epochs = 2\n[teacher]\nepochs = 1", "teacher: Extra inputs"),
        ("epochs = 2", "epochs = 2\n[beats]\nweight = 1.0", "beats: Extra inputs"),
        ("epochs = 2", "epochs = 2\n[estimator]\nclip = 0", "estimator.clip"),
        ("epochs = 2", "epochs = 2\n[twin]\nepochs = 0", "twin.epochs"),
        ('"tiny"', '"a\\"; $finish; //"', "plain identifier"),
        ("[data]", "[data", "experiment"),
        ("epochs = 2", "epochs = 2\n[optimiser]\nlearning_rate = nan", "optimiser.learning_rate"),
        ("epochs = 2", "epochs = 2\n[augmentation]\ngain = [2.0, 1.0]", "augmentation.gain"),
        ('"net.toml"', '"absent.toml"', "absent.toml"),
    ],
)
def test_a_wrong_experiment_gets_one_line(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in GOOD
    (tmp_path / "x.toml").write_text(GOOD.replace(old, new, 1))
    (tmp_path / "net.toml").write_text(NETWORK)
    with pytest.raises(UserError) as caught:
        load_experiment(tmp_path / "x.toml")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_experiment_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.toml"):
        load_experiment(tmp_path / "nothing.toml")


def test_one_cycle_rises_to_the_peak_and_falls() -> None:
    config = ScheduleConfig(kind="one-cycle", warm_up=0.25)
    rates = [learning_rate(config, 1.0, step, 100) for step in range(100)]
    assert rates[0] == 1.0 / 25
    assert rates[25] == 1.0
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)
    assert 1e-4 < rates[-1] < 2e-3


def test_cosine_and_constant() -> None:
    cosine = ScheduleConfig(kind="cosine", warm_up=0.0)
    assert learning_rate(cosine, 0.5, 0, 10) == 0.5
    assert learning_rate(cosine, 0.5, 9, 10) < 0.02
    constant = ScheduleConfig(kind="constant")
    assert {learning_rate(constant, 0.5, step, 10) for step in range(10)} == {0.5}
