from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from bnn_hw.description import Description
from bnn_hw.ecg.ectopy import CLASS_OF_KIND, SYMBOLS, Ectopy, Kind
from bnn_hw.ecg.records import Annotations
from bnn_hw.ecg.stretches import Stretches
from bnn_hw.errors import UserError
from bnn_hw.training.augment import Fragments
from bnn_hw.training.checkpoints import load_resumable, save_resumable
from bnn_hw.training.data import Part, TrainingData
from bnn_hw.training.experiment import Experiment
from bnn_hw.training.loop import SeedRun, evaluate

Make = Callable[..., Experiment]


def finish(run: SeedRun, data: TrainingData) -> SeedRun:
    while not run.finished:
        run.run_epoch(data)
    return run


def finish_resumed(
    make_run: Callable[[], SeedRun], data: TrainingData, stop: int, folder: Path
) -> SeedRun:
    """Train `stop` epochs, save, and let another run go on to the end from the file."""
    first = make_run()
    for _ in range(stop):
        first.run_epoch(data)
    save_resumable(folder / "state.pt", first.state())
    torch.manual_seed(999)  # nothing may hang on the global generator
    second = make_run()
    second.restore(load_resumable(folder / "state.pt"))
    assert len(second.history) == stop
    return finish(second, data)


def assert_same(one: SeedRun, two: SeedRun) -> None:
    assert one.history == two.history
    assert (one.best["epoch"], one.best["loss"]) == (two.best["epoch"], two.best["loss"])
    for weights in ("weights", None):
        a = one.best["weights"] if weights else one.network.state_dict()
        b = two.best["weights"] if weights else two.network.state_dict()
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)


def training(**changes: Any) -> dict[str, Any]:
    return {"training": {"seeds": [7], "epochs": 6, "batch": 8} | changes}


# Every ingredient of a recipe, each alone, and all that go together.
RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "clip": {"estimator": {"clip": 0.5}},
    "least slope": {"optimiser": {"least_slope": 0.3}},
    "macro-F1": {"selection": {"metric": "macro-f1"}},
    "real": {"optimiser": {"name": "adamw", "weight_clip": 0.0}},
    "disturbances": {"augmentation": {"shift_samples": 5, "disturbed_share": 0.5, "wander": 8}},
    "all": training(norm_momentum=0.02)
    | {
        "optimiser": {"least_slope": 0.0},
        "selection": {"metric": "macro-f1", "start": 0.5},
        "augmentation": {"shift_samples": 5, "gain": [0.8, 1.25], "disturbed_share": 0.5},
    },
}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("stop", [1, 4])
def test_interrupted_and_resumed_equals_uninterrupted(
    tmp_path: Path,
    tiny_description: Description,
    make_experiment: Make,
    tiny_data: TrainingData,
    recipe: str,
    stop: int,
) -> None:
    experiment = make_experiment(**RECIPES[recipe])
    real = recipe == "real"

    def make_run() -> SeedRun:
        return SeedRun(experiment, tiny_description, 7, real)

    whole = finish(make_run(), tiny_data)
    assert_same(whole, finish_resumed(make_run, tiny_data, stop, tmp_path))


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "plain"])
def test_every_ingredient_does_something(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData, recipe: str
) -> None:
    plain = finish(SeedRun(make_experiment(), tiny_description, 7), tiny_data)
    experiment = make_experiment(**RECIPES[recipe])
    run = SeedRun(experiment, tiny_description, 7, real=recipe == "real")
    finish(run, tiny_data)
    same = all(
        torch.equal(tensor, run.best["weights"][name])
        for name, tensor in plain.best["weights"].items()
    )
    # The rule of choice alone may well choose the same epoch; its own test follows.
    assert recipe == "macro-F1" or not same


def test_no_sign_stands_in_a_real_network(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    run = finish(SeedRun(make_experiment(), tiny_description, 7, real=True), tiny_data)
    network = run.chosen_network()
    assert not any(module.binary for module in [*network.matrices(), *network.signs()])
    # Its answers move with the size of a weight, which a sign would hide.
    before = network(tiny_data.test.samples)
    with torch.no_grad():
        network.matrices()[1].weight.mul_(2.0)
    assert not torch.equal(before, network(tiny_data.test.samples))
    binary = finish(SeedRun(make_experiment(), tiny_description, 7), tiny_data).chosen_network()
    before = binary(tiny_data.test.samples)
    with torch.no_grad():
        binary.matrices()[1].weight.mul_(2.0)
    assert torch.equal(before, binary(tiny_data.test.samples))


def test_no_slope_falls_below_the_least(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    least = {}
    for bound in (None, 0.3):
        experiment = make_experiment(optimiser={"least_slope": bound})
        run = finish(SeedRun(experiment, tiny_description, 7), tiny_data)
        slopes = [w for name, w in run.network.state_dict().items() if "prelu" in name]
        least[bound] = float(torch.cat(slopes).min())
    assert least[None] < 0.3  # they start at 0.25
    assert least[0.3] >= float(torch.tensor(0.3))


def test_macro_f1_chooses_where_it_is_asked_for(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    experiment = make_experiment(
        **training(epochs=20), selection={"metric": "macro-f1", "start": 0.2}
    )
    run = finish(SeedRun(experiment, tiny_description, 7), tiny_data)
    late = run.history[4:]
    expected = max(late, key=lambda f: (f["validation_macro_f1"], -f["validation_loss"]))
    assert run.best["epoch"] == expected["epoch"]
    assert run.best["merit"] == expected["validation_macro_f1"]
    assert evaluate(run.chosen_network(), tiny_data.validation)[2] == run.best["merit"]


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
    figures = evaluate(run.chosen_network(), tiny_data.validation)
    names = ("validation_loss", "validation_accuracy", "validation_macro_f1")
    assert figures == tuple(expected[name] for name in names)


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
    with pytest.raises(UserError, match="belongs to another real"):
        run.restore(SeedRun(make_experiment(), tiny_description, 7, real=True).state())
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


def test_a_state_from_before_a_field_resumes_where_its_default_stands(
    tmp_path: Path,
    tiny_description: Description,
    make_experiment: Make,
    tiny_data: TrainingData,
) -> None:
    experiment = make_experiment(twin={"epochs": 6})
    assert experiment.twin is not None
    for plan, real in ((experiment, False), (experiment.of_twin(experiment.twin), True)):
        whole = finish(SeedRun(plan, tiny_description, 7, real=real), tiny_data)
        first = SeedRun(plan, tiny_description, 7, real=real)
        for _ in range(2):
            first.run_epoch(tiny_data)
        save_resumable(tmp_path / "state.pt", without_new_fields(first.state()))
        second = SeedRun(plan, tiny_description, 7, real=real)
        second.restore(load_resumable(tmp_path / "state.pt"))
        assert_same(whole, finish(second, tiny_data))


def without_new_fields(state: dict[str, Any]) -> dict[str, Any]:
    """A state as it was written before `norm_momentum` and `stretch_share` existed."""
    fields = json.loads(state["experiment"])
    del fields["training"]["norm_momentum"], fields["data"]["stretch_share"]
    return state | {"experiment": json.dumps(fields)}


@pytest.mark.parametrize(
    "changes",
    [
        training(norm_momentum=0.02),
        {"data": {"set": "ecg5", "split_seed": 1, "stretch_share": 0.5}},
    ],
    ids=["norm_momentum", "stretch_share"],
)
def test_a_state_with_another_value_of_a_field_is_refused(
    tiny_description: Description, make_experiment: Make, changes: dict[str, Any]
) -> None:
    plain = SeedRun(make_experiment(), tiny_description, 7)
    other = SeedRun(make_experiment(**changes), tiny_description, 7)
    # A field that is absent stands at its default, which is another value here.
    for run, state in (
        (plain, other.state()),
        (other, plain.state()),
        (other, without_new_fields(other.state())),
    ):
        with pytest.raises(UserError, match="belongs to another experiment") as caught:
            run.restore(state)
        assert "\n" not in str(caught.value)
    plain.restore(plain.state())
    other.restore(other.state())


@pytest.mark.parametrize("told", ["no JSON", "{}", None, 5])
def test_a_state_that_names_no_experiment_is_refused(
    tiny_description: Description, make_experiment: Make, told: object
) -> None:
    run = SeedRun(make_experiment(), tiny_description, 7)
    fields = json.loads(run.state()["experiment"])
    for experiment in (told, json.dumps(fields | {"unknown": 1})):
        with pytest.raises(UserError, match="belongs to another experiment"):
            run.restore(run.state() | {"experiment": experiment})


def test_a_state_with_a_field_that_is_no_more_is_refused_by_its_name(
    tiny_description: Description, make_experiment: Make
) -> None:
    run = SeedRun(make_experiment(), tiny_description, 7)
    fields = json.loads(run.state()["experiment"])
    for old, named in (
        ({"averaging": {"decay": 0.0}}, "averaging"),
        ({"teacher": None}, "teacher"),
        ({"beats": None}, "beats"),
    ):
        state = run.state() | {"experiment": json.dumps(fields | old), "average": {}}
        with pytest.raises(UserError, match=rf"another experiment \({named}: Extra ") as caught:
            run.restore(state)
        assert "\n" not in str(caught.value)


def test_norm_momentum_is_that_of_every_batch_norm(
    tiny_description: Description, make_experiment: Make, tiny_data: TrainingData
) -> None:
    # One step: the running values start at mean 0 and variance 1 and take a share of the batch.
    moved = {}
    for momentum in (0.25, 1.0):
        one_step = {"seeds": [7], "epochs": 1, "batch": 33, "norm_momentum": momentum}
        run = SeedRun(make_experiment(training=one_step), tiny_description, 7)
        norms = [m for m in run.network.modules() if isinstance(m, nn.BatchNorm2d)]
        assert [norm.momentum for norm in norms] == [momentum] * 2
        run.run_epoch(tiny_data)
        moved[momentum] = [(norm.running_mean, norm.running_var) for norm in norms]
    for (mean, variance), (whole_mean, whole_variance) in zip(moved[0.25], moved[1.0], strict=True):
        # A quarter is exact in binary, so a share of it is too.
        assert torch.equal(mean, 0.25 * whole_mean)
        assert torch.equal(variance, 0.25 * whole_variance + 0.75)
    assert make_experiment().training.norm_momentum == 0.1  # torch's own


# Seams, which the tiny fragments are too short for.

SAMPLES = 1000


@pytest.fixture
def long_description(tiny_description: Description) -> Description:
    """The tiny network on fragments long enough to look for a seam."""
    fields = tiny_description.to_dict()
    fields["input"]["samples"] = SAMPLES
    return Description.from_dict(fields)


@pytest.fixture
def long_data() -> TrainingData:
    """Fragments with an upright or an inverted beat every 70 to 130 samples; one class has both."""
    generator = np.random.default_rng(6)
    samples = generator.normal(0, 3, (60, SAMPLES)).round()
    labels = np.arange(60) % 3
    for row, label in enumerate(labels):
        for beat, at in enumerate(range(20, SAMPLES - 20, int(generator.integers(70, 130)))):
            inverted = label == 1 or (label == 2 and beat == 4)
            samples[row, at - 8 : at + 8] += -70 if inverted else 70
    tensors = torch.from_numpy(samples.astype(np.float32)), torch.from_numpy(labels)
    parts = [Part(tensors[0][a:b], tensors[1][a:b]) for a, b in ((0, 36), (36, 48), (48, 60))]
    return TrainingData(*parts, class_names=("a", "b", "c"), digests={})


@pytest.mark.parametrize("stop", [1, 4])
def test_a_run_with_seams_and_disturbances_resumes_to_the_same_bits(
    tmp_path: Path,
    long_description: Description,
    make_experiment: Make,
    long_data: TrainingData,
    stop: int,
) -> None:
    disturbed = {"gain": [0.8, 1.25], "wander": 5, "disturbed_share": 0.5, "snr_db": [6, 30]}
    experiment = make_experiment(
        augmentation={"shift_samples": 400, "seam_samples": 200} | disturbed
    )

    def make_run() -> SeedRun:
        return SeedRun(experiment, long_description, 7)

    whole = finish(make_run(), long_data)
    # The seam is found: not all fragments are rotated at their full length.
    assert whole._source is not None
    assert len(whole._source.lengths.unique()) > 5
    second = finish_resumed(make_run, long_data, stop, tmp_path)
    assert_same(whole, second)
    assert torch.equal(whole.generator.get_state(), second.generator.get_state())


# Stretches in the place of fragments.


@pytest.fixture
def stretched(tiny_data: TrainingData) -> TrainingData:
    """The tiny data with two records, and where stretches of each fragment start."""
    generator = np.random.default_rng(11)
    samples = [generator.integers(-100, 100, length).astype(np.int16) for length in (300, 200)]
    nothing = Annotations(np.zeros(0, np.int64), (), ())
    count = len(tiny_data.train)
    # Every fifth fragment has none.
    counts = np.where(np.arange(count) % 5 == 4, 0, 1 + np.arange(count) % 7)
    return replace(
        tiny_data,
        stretches=Stretches(
            tuple(samples),
            annotations=(nothing, nothing),
            open=tuple(np.ones(record.size, bool) for record in samples),
            sources=np.arange(count) % 2,
            starts=generator.integers(0, 160, int(counts.sum())),
            first=np.cumsum(counts) - counts,
            counts=counts,
            length=40,
        ),
    )


STRETCHED = {"data": {"set": "ecg5", "split_seed": 1, "stretch_share": 0.7}}


@pytest.mark.parametrize("stop", [1, 4])
def test_a_run_with_stretches_resumes_to_the_same_bits(
    tmp_path: Path,
    tiny_description: Description,
    make_experiment: Make,
    stretched: TrainingData,
    stop: int,
) -> None:
    experiment = make_experiment(**STRETCHED)

    def make_run() -> SeedRun:
        return SeedRun(experiment, tiny_description, 7)

    whole = finish(make_run(), stretched)
    second = finish_resumed(make_run, stretched, stop, tmp_path)
    assert_same(whole, second)
    assert torch.equal(whole.generator.get_state(), second.generator.get_state())
    # The samples of the stretches were read: others lead elsewhere.
    assert stretched.stretches is not None
    silent = tuple(np.zeros_like(array) for array in stretched.stretches.samples)
    other = replace(stretched, stretches=replace(stretched.stretches, samples=silent))
    assert whole.history != finish(make_run(), other).history


def test_stretches_stand_in_for_their_share_of_the_fragments_that_have_some(
    tiny_description: Description, make_experiment: Make, stretched: TrainingData
) -> None:
    part, stretches = stretched.train, stretched.stretches
    assert stretches is not None
    run = SeedRun(make_experiment(**STRETCHED), tiny_description, 7)
    lengths = torch.full((len(part), 1), 40)
    source = Fragments(part.samples, lengths)
    rows = torch.arange(len(part))
    replaced = total = 0
    for _ in range(40):
        mixed, labels = run._elsewhere(source, rows, part.labels, stretches)
        assert labels is part.labels
        for row in rows.tolist():
            own = mixed.lengths[row].item() == 0
            if stretches.counts[row]:
                total += 1
                replaced += own
            else:
                assert not own
            if not own:
                assert torch.equal(mixed.samples[row], part.samples[row])
                continue
            first, count = int(stretches.first[row]), int(stretches.counts[row])
            spans = [slice(s, s + 40) for s in stretches.starts[first : first + count].tolist()]
            whole = stretches.samples[int(stretches.sources[row])]
            assert any(np.array_equal(mixed.samples[row].numpy(), whole[span]) for span in spans)
    assert 0.6 * total < replaced < 0.8 * total
    # The source keeps its own rows.
    assert torch.equal(source.samples, part.samples) and int(lengths.min()) == 40


def test_stretches_are_prepared_as_the_fragments_are(
    tiny_description: Description, make_experiment: Make, stretched: TrainingData
) -> None:
    fields = tiny_description.to_dict()
    fields["input"] |= {"preparation": "peak", "peak": 127}
    part, stretches = stretched.train, stretched.stretches
    assert stretches is not None
    source = Fragments(part.samples, torch.full((len(part), 1), 40))
    rows = torch.arange(len(part))
    for description, peak in ((Description.from_dict(fields), 127.0), (tiny_description, 100.0)):
        run = SeedRun(make_experiment(**STRETCHED), description, 7)
        mixed, _ = run._elsewhere(source, rows, part.labels, stretches)
        new = mixed.samples[mixed.lengths[:, 0] == 0].abs().amax(1)
        assert len(new) > 2
        assert set(new.tolist()) == {127.0} if peak == 127.0 else float(new.max()) <= peak


@pytest.fixture
def rhythmic(tiny_data: TrainingData) -> TrainingData:
    """The tiny data with a record of normal beats and one that has ventricular ones as well."""
    generator = np.random.default_rng(12)
    positions = np.arange(80, 3000, 150)
    symbols = (tuple("N" * positions.size), tuple(("NNNV" * positions.size)[: positions.size]))
    marks = tuple(Annotations(positions, own, ("",) * positions.size) for own in symbols)
    # Scaled up and lifted, a ventricular beat still fits into 8 bits.
    samples = tuple(generator.integers(-40, 40, 3000).astype(np.int16) for _ in marks)
    count = len(tiny_data.train)
    return replace(
        tiny_data,
        stretches=Stretches(
            samples,
            annotations=marks,
            open=tuple(np.ones(3000, bool) for _ in marks),
            sources=np.zeros(count, np.int64),
            starts=np.arange(600, 2400, 7),
            first=np.zeros(count, np.int64),
            counts=np.full(count, 250),
            length=40,
        ),
    )


ECTOPIC = {"data": {"set": "ecg5", "split_seed": 1, "stretch_share": 0.9, "ectopy_share": 0.6}}
PLAIN = {"data": {**ECTOPIC["data"], "ectopy_share": 0.0}}


def with_labels(description: Description, *labels: str) -> Description:
    return Description.from_dict(description.to_dict() | {"labels": list(labels)})


def test_ectopic_beats_change_the_class_of_normal_stretches_alone(
    tiny_description: Description,
    make_experiment: Make,
    rhythmic: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("V", "N", "S")
    description = with_labels(tiny_description, *names)
    part, stretches = rhythmic.train, rhythmic.stretches
    assert stretches is not None
    put_in: list[tuple[Kind, NDArray[np.int16], Annotations]] = []
    insert = Ectopy.insert

    def noted(
        self: Ectopy, source: int, begin: int, kind: Kind, generator: np.random.Generator
    ) -> tuple[NDArray[np.int16], Annotations] | None:
        made = insert(self, source, begin, kind, generator)
        if made is not None:
            put_in.append((kind, *made))
        return made

    monkeypatch.setattr(Ectopy, "insert", noted)
    run = SeedRun(make_experiment(**ECTOPIC), description, 7)
    without = SeedRun(make_experiment(**PLAIN), description, 7)
    source = Fragments(part.samples, torch.full((len(part), 1), 40))
    rows = torch.arange(len(part))
    seen = set()
    for _ in range(60):
        put_in.clear()
        # Both draw the same stretches, since those are drawn first.
        without.generator.set_state(run.generator.get_state())
        plain, _ = without._elsewhere(source, rows, part.labels, stretches)
        mixed, labels = run._elsewhere(source, rows, part.labels, stretches)
        assert torch.equal(mixed.lengths, plain.lengths)
        changed = labels != part.labels
        # It was a normal one that a stretch stands in for.
        assert set(part.labels[changed].tolist()) <= {1}
        assert not mixed.lengths[changed].any()
        # Where the label is another the samples are, and nowhere else.
        assert torch.equal((mixed.samples != plain.samples).any(1), changed)
        for row, (kind, samples, beats) in zip(changed.nonzero()[:, 0], put_in, strict=True):
            assert names[int(labels[row])] == CLASS_OF_KIND["ecg5"][kind]
            assert SYMBOLS[kind] in beats.symbols
            assert np.array_equal(mixed.samples[row].numpy(), samples)
            seen.add(kind)
    assert seen == {"supraventricular", "ventricular"}
    # The part keeps its labels.
    assert torch.equal(part.labels, torch.arange(33) % 3)


def test_a_run_with_ectopic_beats_resumes_to_the_same_bits(
    tmp_path: Path, tiny_description: Description, make_experiment: Make, rhythmic: TrainingData
) -> None:
    description = with_labels(tiny_description, "V", "N", "S")
    experiment = make_experiment(**ECTOPIC)

    def make_run() -> SeedRun:
        return SeedRun(experiment, description, 7)

    whole = finish(make_run(), rhythmic)
    assert_same(whole, finish_resumed(make_run, rhythmic, 1, tmp_path))
    plain = make_experiment(**PLAIN)
    assert whole.history != finish(SeedRun(plain, description, 7), rhythmic).history
