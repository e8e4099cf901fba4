"""The training loop of one seed: epochs, validation, choice of the epoch, state to resume from.

It sees the training and the validation part and never the test. Everything that moves from one
epoch to the next is in `SeedRun.state`, so an interrupted run goes on to the same bits.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.training.augment import augment
from bnn_hw.training.data import Part, TrainingData
from bnn_hw.training.estimators import steepness_at
from bnn_hw.training.experiment import Experiment
from bnn_hw.training.layers import clip_latent_weights
from bnn_hw.training.network import BinaryNetwork, build_network
from bnn_hw.training.schedule import learning_rate
from bnn_hw.training.trace import predict_logits

# Best so far: no epoch, an accuracy and a loss that any epoch beats.
_NO_BEST: dict[str, Any] = {"epoch": 0, "accuracy": -1.0, "loss": 0.0, "weights": {}}


class SeedRun:
    """Training of one network from one seed.

    `history` has one dict an epoch (epoch from 1, learning_rate, train_loss, validation_loss,
    validation_accuracy); `best` the chosen epoch, its validation figures and its weights.
    """

    def __init__(self, experiment: Experiment, description: Description, seed: int) -> None:
        self.experiment = experiment
        self.description = description
        self.seed = seed
        # Initial weights come from torch's global generator, all later draws from our own.
        torch.manual_seed(seed)
        estimator = experiment.estimator
        self.network: BinaryNetwork = build_network(description, estimator.kind, estimator.clip)
        self.generator = torch.Generator().manual_seed(seed)
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        self.optimiser = kinds[experiment.optimiser.name](
            self.network.parameters(),
            lr=experiment.optimiser.learning_rate,
            weight_decay=experiment.optimiser.weight_decay,
        )
        self.history: list[dict[str, float]] = []
        self.best = dict(_NO_BEST)

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
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "history": self.history,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state; UserError when it belongs to another experiment or is torn."""
        own = self.state()
        for what in ("experiment", "description", "seed"):
            if state.get(what) != own[what]:
                raise UserError(
                    f"the resume file of {self.experiment.name} seed {self.seed} belongs to another "
                    f"{what}; choose another output folder or train without --resume"
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
        train_loss = self._train(data.train)
        loss, accuracy = evaluate(self.network, data.validation)
        epoch = len(self.history) + 1
        figures = {
            "epoch": epoch,
            "learning_rate": float(self.optimiser.param_groups[0]["lr"]),
            "train_loss": train_loss,
            "validation_loss": loss,
            "validation_accuracy": accuracy,
        }
        self.history.append(figures)
        eligible = epoch > self.experiment.selection.start * self.experiment.training.epochs
        better = (accuracy, -loss) > (self.best["accuracy"], -self.best["loss"])
        if eligible and better:
            weights = {name: t.clone() for name, t in self.network.state_dict().items()}
            self.best = {"epoch": epoch, "accuracy": accuracy, "loss": loss, "weights": weights}
        return figures

    def chosen_network(self) -> BinaryNetwork:
        """Return the network with the weights of the chosen epoch, in evaluation mode."""
        self.network.load_state_dict(self.best["weights"])
        self.network.eval()
        return self.network

    def _train(self, part: Part) -> float:
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
            self._narrow(step / total)
            samples = augment(
                part.samples[rows],
                self.experiment.augmentation,
                self.description.input.bits,
                self.generator,
            )
            loss: Tensor = F.cross_entropy(
                self.network(samples), part.labels[rows], label_smoothing=config.label_smoothing
            )
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            if rates.weight_clip:
                clip_latent_weights(self.network, rates.weight_clip)
            loss_sum += loss.item()
            step += 1
        if not loss_sum < float("inf"):
            raise UserError(
                f"training {self.experiment.name} diverged (loss {loss_sum}); lower the "
                "learning rate"
            )
        return loss_sum / len(batches)

    def _narrow(self, progress: float) -> None:
        estimator = self.experiment.estimator
        if estimator.kind == "narrowing":
            for sign in self.network.signs():
                sign.steepness = steepness_at(progress, estimator.first, estimator.last)


def evaluate(network: BinaryNetwork, part: Part) -> tuple[float, float]:
    """Return mean cross-entropy and accuracy of a part, the network left in evaluation mode."""
    network.eval()
    logits = predict_logits(network, part.samples)
    loss = float(F.cross_entropy(logits, part.labels))
    return loss, int((logits.argmax(1) == part.labels).sum()) / len(part)
