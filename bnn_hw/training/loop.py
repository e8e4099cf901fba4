"""The training loop of one seed: epochs, validation, choice of the epoch, state to resume from.

It sees the training and the validation part and never the test. Everything that moves from one
epoch to the next is in `SeedRun.state`, so an interrupted run goes on to the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor, nn

from bnn_hw.description import Description
from bnn_hw.ecg.ectopy import CLASS_OF_KIND, KINDS, NORMAL_CLASS, Ectopy
from bnn_hw.ecg.preparation import prepare
from bnn_hw.ecg.stretches import Stretches
from bnn_hw.errors import UserError
from bnn_hw.ir.file import first_line
from bnn_hw.metrics import score
from bnn_hw.training.augment import Fragments, augment, seam_lengths
from bnn_hw.training.data import Part, TrainingData
from bnn_hw.training.experiment import Experiment
from bnn_hw.training.layers import clip_latent_weights, raise_slopes
from bnn_hw.training.network import BinaryNetwork, build_network, make_real
from bnn_hw.training.schedule import learning_rate
from bnn_hw.training.trace import predict_logits

# Best so far: no epoch, an accuracy and a loss that any epoch beats.
_NO_BEST: dict[str, Any] = {"epoch": 0, "merit": -1.0, "accuracy": -1.0, "loss": 0.0, "weights": {}}


class SeedRun:
    """Training of one network from one seed.

    With `real` no weight and no activation is a sign: the float twin. `history` has one dict an
    epoch (epoch from 1, learning_rate, train_loss, validation_loss, validation_accuracy); `best`
    the chosen epoch, its validation figures and its weights.
    """

    def __init__(
        self, experiment: Experiment, description: Description, seed: int, real: bool = False
    ) -> None:
        self.experiment = experiment
        self.description = description
        self.seed = seed
        self.real = real
        # Initial weights come from torch's global generator, all later draws from our own.
        torch.manual_seed(seed)
        self.network: BinaryNetwork = build_network(description, experiment.estimator.clip)
        if real:
            make_real(self.network)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = experiment.training.norm_momentum
        self.generator = torch.Generator().manual_seed(seed)
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        self.optimiser = kinds[experiment.optimiser.name](
            self.network.parameters(),
            lr=experiment.optimiser.learning_rate,
            weight_decay=experiment.optimiser.weight_decay,
        )
        self.history: list[dict[str, float]] = []
        self.best = dict(_NO_BEST)
        self._source: Fragments | None = None
        self._ectopy: Ectopy | None = None

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return len(self.history) >= self.experiment.training.epochs

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs, of plain types and tensors only."""
        return {
            "experiment": self.experiment.model_dump_json(),
            "description": self.description.model_dump_json(),
            "seed": self.seed,
            "real": self.real,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "history": self.history,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state; UserError when it belongs to another experiment or is torn."""
        own = {"experiment": self.experiment, "description": self.description.model_dump_json()}
        own |= {"seed": self.seed, "real": self.real}
        given, why = dict(state), ""
        try:
            # Read anew, a field that came after the file was written stands at its default.
            given["experiment"] = Experiment.model_validate_json(str(state.get("experiment")))
        except ValidationError as error:
            why = f" ({first_line(error)})"  # a field that is no more, for one
        for what, value in own.items():
            if given.get(what) != value:
                raise UserError(
                    f"the resume file of {self.experiment.name} seed {self.seed} belongs to another "
                    f"{what}{why}; choose another output folder or train without --resume"
                )
        try:
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.generator.set_state(state["generator"])
            self.history = list(state["history"])
            self.best = dict(state["best"])
        except (KeyError, RuntimeError, TypeError, ValueError):
            raise UserError(
                f"the resume file of {self.experiment.name} seed {self.seed} is incomplete; delete "
                "it and start the training anew"
            ) from None

    def run_epoch(self, data: TrainingData) -> dict[str, float]:
        """Train one epoch, validate, keep the weights if they are the best; return its figures."""
        train_loss = self._train(data.train, data.stretches)
        loss, accuracy, macro_f1 = evaluate(self.network, data.validation)
        epoch = len(self.history) + 1
        figures = {
            "epoch": epoch,
            "learning_rate": float(self.optimiser.param_groups[0]["lr"]),
            "train_loss": train_loss,
            "validation_loss": loss,
            "validation_accuracy": accuracy,
            "validation_macro_f1": macro_f1,
        }
        self.history.append(figures)
        selection = self.experiment.selection
        eligible = epoch > selection.start * self.experiment.training.epochs
        merit = macro_f1 if selection.metric == "macro-f1" else accuracy
        if eligible and (merit, -loss) > (self.best["merit"], -self.best["loss"]):
            self.best = {
                "epoch": epoch,
                "merit": merit,
                "accuracy": accuracy,
                "loss": loss,
                "weights": {name: w.clone() for name, w in self.network.state_dict().items()},
            }
        return figures

    def chosen_network(self) -> BinaryNetwork:
        """Return the network with the weights of the chosen epoch, in evaluation mode."""
        self.network.load_state_dict(self.best["weights"])
        self.network.eval()
        return self.network

    def _train(self, part: Part, stretches: Stretches | None) -> float:
        if self._source is None:
            search = self.experiment.augmentation.seam_samples
            self._source = Fragments(part.samples, seam_lengths(part.samples, search))
        config = self.experiment.training
        rates = self.experiment.optimiser
        self.network.train()
        order = torch.randperm(len(part), generator=self.generator)
        # A batch of one position has no variance to normalise by: a lone rest joins no batch.
        batches = [rows for rows in order.split(config.batch) if len(rows) > 1 or len(part) == 1]
        total = len(batches) * config.epochs
        step = len(batches) * len(self.history)
        loss_sum = 0.0
        for rows in batches:
            rate = learning_rate(self.experiment.schedule, rates.learning_rate, step, total)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            source = self._source.take(rows)
            labels = part.labels[rows]
            if stretches is not None:
                source, labels = self._elsewhere(source, rows, labels, stretches)
            samples = augment(
                source,
                self.experiment.augmentation,
                self.description.input.bits,
                self.generator,
            )
            loss: Tensor = F.cross_entropy(self.network(samples), labels)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            if rates.weight_clip:
                clip_latent_weights(self.network, rates.weight_clip)
            if rates.least_slope is not None:
                raise_slopes(self.network, rates.least_slope)
            loss_sum += loss.item()
            step += 1
        if not loss_sum < float("inf"):
            raise UserError(
                f"training {self.experiment.name} diverged (loss {loss_sum}); lower the "
                "learning rate"
            )
        return loss_sum / len(batches)

    def _elsewhere(
        self, source: Fragments, rows: Tensor, labels: Tensor, stretches: Stretches
    ) -> tuple[Fragments, Tensor]:
        """Let stretches stand in for a share of the training fragments `rows`, with their labels."""
        chances = torch.rand((2, len(rows)), generator=self.generator).numpy()
        own = rows.numpy()
        chosen = (chances[0] < self.experiment.data.stretch_share) & (stretches.counts[own] > 0)
        if not chosen.any():
            return source, labels
        places = stretches.pick(own[chosen], chances[1, chosen])
        samples = stretches.cut(*places)
        replaced = torch.from_numpy(np.flatnonzero(chosen))
        if self.experiment.data.ectopy_share:
            made = self._with_ectopy(samples, labels[replaced].numpy(), places, stretches)
            labels = labels.index_copy(0, replaced, torch.from_numpy(made))
        shape = self.description.input
        prepared = prepare(
            samples, shape.preparation, shape.bits, peak=shape.peak, steps=shape.steps
        )
        return source.replaced(replaced, torch.from_numpy(prepared.astype(np.float32))), labels

    def _with_ectopy(
        self,
        samples: NDArray[np.int16],
        labels: NDArray[np.int64],
        places: tuple[NDArray[np.int64], NDArray[np.int64]],
        stretches: Stretches,
    ) -> NDArray[np.int64]:
        """Put ectopic beats into a share of the normal stretches, in place; return the labels."""
        if self._ectopy is None:
            self._ectopy = Ectopy(stretches)
        config, names = self.experiment.data, self.description.labels
        normal = names.index(NORMAL_CLASS[config.set])
        seed = int(torch.randint(2**31 - 1, (1,), generator=self.generator))
        generator = np.random.default_rng(seed)
        labels = labels.copy()
        for row in np.flatnonzero(labels == normal):
            if generator.random() >= config.ectopy_share:
                continue
            kind = KINDS[int(generator.integers(len(KINDS)))]
            made = self._ectopy.insert(int(places[0][row]), int(places[1][row]), kind, generator)
            if made is not None:
                samples[row] = made[0]
                labels[row] = names.index(CLASS_OF_KIND[config.set][kind])
        return labels


def evaluate(network: BinaryNetwork, part: Part) -> tuple[float, float, float]:
    """Return mean cross-entropy, accuracy and macro-F1 of a part; evaluation mode remains."""
    network.eval()
    logits = predict_logits(network, part.samples)
    loss = float(F.cross_entropy(logits, part.labels))
    scores = score(part.labels.numpy(), logits.argmax(1).numpy(), network.description.labels)
    return loss, scores.accuracy, scores.macro_f1 or 0.0
