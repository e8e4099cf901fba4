from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bnn_hw.description import Description
from bnn_hw.ecg.beats import BEAT_KINDS
from bnn_hw.errors import UserError
from bnn_hw.training.beat_reader import BeatReader
from bnn_hw.training.checkpoints import load_resumable, save_resumable
from bnn_hw.training.data import Part, TrainingData
from bnn_hw.training.experiment import Experiment
from bnn_hw.training.loop import SeedRun
from bnn_hw.training.network import build_from_checkpoint, build_network, checkpoint_arrays

Make = Callable[..., Experiment]

KINDS = len(BEAT_KINDS) + 1
KIND = {"none": 0} | {name: kind for kind, (name, _) in enumerate(BEAT_KINDS, 1)}
SPAN = 10  # samples a position
# A code of four signs for each kind, as four channels of a sign layer can hold.
CODES = torch.tensor(
    [[1.0 if kind >> bit & 1 else -1.0 for bit in range(4)] for kind in range(KINDS)]
)


def encoded(beats: Tensor) -> Tensor:
    """Hidden values (n, 4, 1, positions) that spell out the rarest kind of each `SPAN` samples."""
    kinds = beats.reshape(len(beats), -1, SPAN).amax(2).long()
    return CODES[kinds].permute(0, 2, 1)[:, :, None]


@pytest.fixture
def beats() -> Tensor:
    """Tracks (20, 400) with beats of every kind among stretches of none."""
    generator = torch.Generator().manual_seed(3)
    kinds = torch.randint(0, KINDS, (20, 80), generator=generator, dtype=torch.int8)
    kinds[torch.rand(kinds.shape, generator=generator) < 0.5] = 0
    return kinds.repeat_interleave(5, 1)


@pytest.fixture
def reader(tiny_description: Description) -> BeatReader:
    torch.manual_seed(5)
    return BeatReader(build_network(tiny_description))


def cost(reader: BeatReader, hidden: Tensor, beats: Tensor) -> float:
    with torch.no_grad():
        return float(reader.loss(hidden, beats))


def with_weights(reader: BeatReader, centre: Tensor, bias: Tensor) -> BeatReader:
    """Give a reader weights that look at a position and none of its neighbours."""
    with torch.no_grad():
        reader.conv.weight.zero_()
        reader.conv.weight[:, :, reader.conv.kernel_size[0] // 2] = centre
        reader.conv.bias.copy_(bias)
    return reader


def test_the_kind_at_every_position_is_what_is_asked_for(reader: BeatReader, beats: Tensor) -> None:
    # The kind that is there scores 10 * 4, every other at most 10 * 2.
    with_weights(reader, 10 * CODES, torch.zeros(KINDS))
    almost_nothing = (KINDS - 1) * math.exp(-20)
    hidden = encoded(beats)
    assert cost(reader, hidden, beats) <= almost_nothing
    # One position too late is the answer to another question.
    assert cost(reader, hidden.roll(1, 3), beats) > 5
    # A lone sample of a rarer kind is the answer of its position.
    beats[0] = 0
    beats[0, 7 * SPAN] = KIND["supraventricular"]
    beats[0, 8 * SPAN - 1] = KIND["normal"]
    hidden = encoded(beats)
    assert cost(reader, hidden, beats) <= almost_nothing
    beats[0, 7 * SPAN] = 0
    # One of 20 x 40 positions is answered wrongly, by 20 at least, with weights up to 3.
    assert cost(reader, hidden, beats) > 20 / (20 * 40 * 3)


def test_missing_an_ectopic_beat_costs_more_than_missing_a_normal_one(reader: BeatReader) -> None:
    nothing = torch.zeros(KINDS)
    nothing[0] = 5.0
    with_weights(reader, torch.zeros(KINDS, 4), nothing)
    hidden = torch.ones(1, 4, 1, 40)
    loss = {}
    for name in ("none", "normal", "supraventricular", "ventricular", "fusion"):
        beats = torch.zeros((1, 400), dtype=torch.int8)
        beats[0, : 5 * SPAN] = KIND[name]
        loss[name] = cost(reader, hidden, beats)
    assert loss["none"] < loss["normal"] < loss["ventricular"] < loss["fusion"]
    assert loss["supraventricular"] == loss["fusion"]


@pytest.mark.parametrize("tells", [True, False])
def test_the_reader_learns_what_the_hidden_layer_tells(
    reader: BeatReader, beats: Tensor, tells: bool
) -> None:
    # Values that are right in kind and wrong in place tell nothing.
    hidden = encoded(beats) if tells else encoded(beats.roll(1, 0))
    optimiser = torch.optim.Adam(reader.parameters(), lr=0.1)
    first = cost(reader, hidden, beats)
    for _ in range(150):
        optimiser.zero_grad()
        loss = reader.loss(hidden, beats)
        loss.backward()
        optimiser.step()
    last = cost(reader, hidden, beats)
    assert first > 1.5
    assert last < 0.01 if tells else last > 1.0


def test_what_the_reader_asks_reaches_the_hidden_layers(
    tiny_description: Description, reader: BeatReader, beats: Tensor
) -> None:
    network = build_network(tiny_description)
    samples = torch.randn((20, 40), generator=torch.Generator().manual_seed(1)).mul(30).round()
    _, hidden = network.logits_and_hidden(samples)
    reader.loss(hidden, beats[:, :40]).backward()
    first, last = network.matrices()
    assert first.weight.grad is not None and bool(first.weight.grad.any())
    # The last layer stands after what it reads.
    assert last.weight.grad is None


def test_a_network_that_ends_with_a_dense_layer_is_refused(tiny_description: Description) -> None:
    fields = tiny_description.to_dict()
    fields["layers"] = [
        *fields["layers"][:5],
        {"type": "dense", "out_channels": 3},
        {"type": "head"},
    ]
    with pytest.raises(UserError, match="network tiny ends with a dense layer"):
        BeatReader(build_network(Description.from_dict(fields)))


# In the loop.

SAMPLES = 1000
EVERYTHING: dict[str, Any] = {
    "beats": {"weight": 0.7},
    "augmentation": {
        "shift_samples": 400,
        "seam_samples": 200,
        "gain": [0.8, 1.25],
        "wander": 5,
        "disturbed_share": 0.5,
        "snr_db": [6, 30],
    },
}


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
    beats = np.zeros((60, SAMPLES), np.int8)
    labels = np.arange(60) % 3
    for row, label in enumerate(labels):
        for beat, at in enumerate(range(20, SAMPLES - 20, int(generator.integers(70, 130)))):
            inverted = label == 1 or (label == 2 and beat == 4)
            samples[row, at - 8 : at + 8] += -70 if inverted else 70
            beats[row, at - 10 : at + 10] = KIND["ventricular" if inverted else "normal"]
    tensors = torch.from_numpy(samples.astype(np.float32)), torch.from_numpy(labels)
    marks = torch.from_numpy(beats)
    parts = [
        Part(tensors[0][a:b], tensors[1][a:b], marks[a:b] if a == 0 else None)
        for a, b in ((0, 36), (36, 48), (48, 60))
    ]
    return TrainingData(*parts, class_names=("a", "b", "c"), digests={})


def finish(run: SeedRun, data: TrainingData) -> SeedRun:
    while not run.finished:
        run.run_epoch(data)
    return run


def assert_same(one: SeedRun, two: SeedRun) -> None:
    assert one.history == two.history and one.best["epoch"] == two.best["epoch"]
    assert one.reader is not None and two.reader is not None
    for a, b in (
        (one.network.state_dict(), two.network.state_dict()),
        (one.best["weights"], two.best["weights"]),
        (one.reader.state_dict(), two.reader.state_dict()),
    ):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert torch.equal(one.generator.get_state(), two.generator.get_state())


@pytest.mark.parametrize("stop", [1, 4])
def test_interrupted_and_resumed_equals_uninterrupted(
    tmp_path: Path,
    long_description: Description,
    make_experiment: Make,
    long_data: TrainingData,
    stop: int,
) -> None:
    experiment = make_experiment(**EVERYTHING)
    whole = finish(SeedRun(experiment, long_description, 7), long_data)
    # The seam is found: not all fragments are rotated at their full length.
    assert whole._source is not None
    assert len(whole._source.lengths.unique()) > 5
    first = SeedRun(experiment, long_description, 7)
    for _ in range(stop):
        first.run_epoch(long_data)
    save_resumable(tmp_path / "state.pt", first.state())
    torch.manual_seed(999)  # nothing may hang on the global generator
    second = SeedRun(experiment, long_description, 7)
    second.restore(load_resumable(tmp_path / "state.pt"))
    assert first.reader is not None and second.reader is not None
    fresh = SeedRun(experiment, long_description, 7).reader
    assert fresh is not None
    assert torch.equal(first.reader.conv.weight, second.reader.conv.weight)
    assert not torch.equal(fresh.conv.weight, second.reader.conv.weight)
    assert_same(whole, finish(second, long_data))


def test_two_runs_of_a_seed_are_equal_and_the_reader_matters(
    long_description: Description, make_experiment: Make, long_data: TrainingData
) -> None:
    experiment = make_experiment(**EVERYTHING)
    runs = [finish(SeedRun(experiment, long_description, 7), long_data) for _ in range(2)]
    assert_same(*runs)
    without = make_experiment(**EVERYTHING | {"beats": None})
    plain = SeedRun(without, long_description, 7)
    start = SeedRun(experiment, long_description, 7)
    # Both start from the same weights, and end at others.
    one, two = start.network.state_dict(), plain.network.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    finish(plain, long_data)
    one, two = runs[0].network.state_dict(), plain.network.state_dict()
    assert any(not torch.equal(one[name], two[name]) for name in one)


def test_the_weight_of_the_reader_is_heeded(
    long_description: Description, make_experiment: Make, long_data: TrainingData
) -> None:
    losses = {}
    for weight in (None, 0.5, 2.0):
        beats = None if weight is None else {"weight": weight}
        experiment = make_experiment(
            beats=beats, augmentation={}, training={"seeds": [7], "epochs": 1, "batch": 36}
        )
        # One step: the loss of the untouched network.
        losses[weight] = SeedRun(experiment, long_description, 7).run_epoch(long_data)["train_loss"]
    run = SeedRun(make_experiment(beats={"weight": 1.0}), long_description, 7)
    assert run.reader is not None
    run.network.train()
    # In the order of the batch, or sums of floats would come out otherwise.
    order = torch.randperm(36, generator=run.generator)
    logits, hidden = run.network.logits_and_hidden(long_data.train.samples[order])
    assert long_data.train.beats is not None
    share = run.reader.loss(hidden, long_data.train.beats[order])
    labels = F.cross_entropy(logits, long_data.train.labels[order])
    assert losses == {None: labels.item(), **{w: (labels + w * share).item() for w in (0.5, 2.0)}}


def test_no_checkpoint_holds_the_reader(
    long_description: Description, make_experiment: Make, long_data: TrainingData
) -> None:
    experiment = make_experiment(**EVERYTHING)
    run = finish(SeedRun(experiment, long_description, 7), long_data)
    arrays = checkpoint_arrays(run.chosen_network())
    plain = checkpoint_arrays(build_network(long_description))
    assert {name: array.shape for name, array in arrays.items()} == {
        name: array.shape for name, array in plain.items()
    }
    twin = build_from_checkpoint(long_description, arrays)
    got = twin(long_data.test.samples.double()).argmax(1)
    assert torch.equal(got, run.network(long_data.test.samples).argmax(1))
    assert not any("reader" in name for name in run.best["weights"])


def test_a_state_without_its_reader_is_torn(
    long_description: Description, make_experiment: Make
) -> None:
    run = SeedRun(make_experiment(**EVERYTHING), long_description, 7)
    for reader in ({}, {"conv.weight": torch.zeros(9, 4, 5)}):
        with pytest.raises(UserError, match="incomplete"):
            run.restore(run.state() | {"reader": reader})


def test_the_reader_learns_in_the_loop(
    long_description: Description, make_experiment: Make, long_data: TrainingData
) -> None:
    # Beats that were not moved with the samples would teach nothing.
    moved = {"shift_samples": 400, "seam_samples": 200}
    experiment = make_experiment(
        beats={"weight": 1.0},
        augmentation=moved,
        training={"seeds": [7], "epochs": 40, "batch": 12},
    )
    run = finish(SeedRun(experiment, long_description, 7), long_data)
    assert run.reader is not None and long_data.train.beats is not None
    untrained = SeedRun(experiment, long_description, 7)
    losses = []
    for each in (untrained, run):
        each.network.eval()
        _, hidden = each.network.logits_and_hidden(long_data.train.samples)
        assert each.reader is not None
        losses.append(cost(each.reader, hidden, long_data.train.beats))
    assert losses[1] < losses[0] / 3
