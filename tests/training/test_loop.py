from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.training.checkpoints import load_resumable, save_resumable
from bnn_hw.training.data import TrainingData
from bnn_hw.training.experiment import Experiment
from bnn_hw.training.loop import SeedRun, evaluate

Make = Callable[..., Experiment]


def finish(run: SeedRun, data: TrainingData) -> SeedRun:
    while not run.finished:
        run.run_epoch(data)
    return run


def assert_same(one: SeedRun, two: SeedRun) -> None:
    assert one.history == two.history
    assert (one.best["epoch"], one.best["loss"]) == (two.best["epoch"], two.best["loss"])
    for weights in ("weights", None):
        a = one.best["weights"] if weights else one.network.state_dict()
        b = two.best["weights"] if weights else two.network.state_dict()
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("estimator", ["straight-through", "narrowing"])
@pytest.mark.parametrize("stop", [1, 4])
def test_interrupted_and_resumed_equals_uninterrupted(
    tmp_path: Path,
    tiny_description: Description,
    make_experiment: Make,
    tiny_data: TrainingData,
    estimator: str,
    stop: int,
) -> None:
    experiment = make_experiment(estimator={"kind": estimator})
    whole = finish(SeedRun(experiment, tiny_description, 7), tiny_data)
    first = SeedRun(experiment, tiny_description, 7)
    for _ in range(stop):
        first.run_epoch(tiny_data)
    save_resumable(tmp_path / "state.pt", first.state())
    torch.manual_seed(999)  # nothing may hang on the global generator
    second = SeedRun(experiment, tiny_description, 7)
    second.restore(load_resumable(tmp_path / "state.pt"))
    assert len(second.history) == stop
    assert_same(whole, finish(second, tiny_data))


def test_a_seed_fixes_everything_and_another_changes_it(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    runs = [finish(SeedRun(make_experiment(), tiny_description, s), tiny_data) for s in (7, 7, 8)]
    assert_same(runs[0], runs[1])
    assert runs[0].history != runs[2].history


def test_training_learns(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    experiment = make_experiment(training={"seeds": [7], "epochs": 60, "batch": 8})
    run = finish(SeedRun(experiment, tiny_description, 7), tiny_data)
    assert run.history[-1]["train_loss"] < run.history[0]["train_loss"] / 1.5
    assert run.best["accuracy"] >= 0.8


def test_the_best_epoch_is_chosen_on_validation_ties_by_loss(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    experiment = make_experiment(
        training={"seeds": [7], "epochs": 20, "batch": 8}, selection={"start": 0.5}
    )
    run = finish(SeedRun(experiment, tiny_description, 7), tiny_data)
    late = run.history[10:]
    expected = max(late, key=lambda f: (f["validation_accuracy"], -f["validation_loss"]))
    assert run.best["epoch"] == expected["epoch"]
    # The weights kept are those of that epoch: they give its figures again.
    loss, accuracy = evaluate(run.chosen_network(), tiny_data.validation)
    assert (loss, accuracy) == (expected["validation_loss"], expected["validation_accuracy"])


def test_the_test_part_has_no_say(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"training read the test part: {name}")

    blind = TrainingData(tiny_data.train, tiny_data.validation, Untouchable(), ("a", "b", "c"), {})  # type: ignore[arg-type]
    run = finish(SeedRun(make_experiment(), tiny_description, 7), blind)
    assert_same(run, finish(SeedRun(make_experiment(), tiny_description, 7), tiny_data))


def test_a_foreign_or_torn_state_is_refused(
    tiny_description: Description, make_experiment: Make
) -> None:
    run = SeedRun(make_experiment(), tiny_description, 7)
    other = SeedRun(make_experiment(estimator={"clip": 2.0}), tiny_description, 7)
    with pytest.raises(UserError, match="belongs to another experiment"):
        run.restore(other.state())
    with pytest.raises(UserError, match="belongs to another seed"):
        run.restore(SeedRun(make_experiment(), tiny_description, 8).state())
    torn = {name: value for name, value in run.state().items() if name != "optimiser"}
    with pytest.raises(UserError, match="incomplete"):
        run.restore(torn)


def test_divergence_is_said(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    run = SeedRun(make_experiment(), tiny_description, 7)
    with torch.no_grad():
        run.network.state_dict()["block2.bn.bias"].fill_(float("nan"))
    with pytest.raises(UserError, match="diverged"):
        run.run_epoch(tiny_data)
