"""One experiment from records to checkpoint and metrics: `python -m bnn_hw.training.run`.

Reads EXPERIMENT.toml, the network description it names and WFDB records; writes to the output
folder, NAME being the experiment's name:

- NAME.npz: the chosen network, float32 arrays in the reference naming, what freeze takes;
- NAME.metrics.json: figures of validation and test, the protocol, digests of the data;
- NAME.seedS.epochs.json: one entry an epoch; NAME.seedS.resume.pt: the state to resume from;
- NAME.log: what was done when.

Epoch and seed are chosen on validation alone. The test part is read once, at the very end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bnn_hw.description import Description
from bnn_hw.ecg.records import records_dir
from bnn_hw.errors import UserError
from bnn_hw.files import write_text
from bnn_hw.metrics import Scores, score
from bnn_hw.training.checkpoints import load_resumable, save_npz, save_resumable
from bnn_hw.training.data import Part, TrainingData, load_data, load_smoke_data
from bnn_hw.training.experiment import Experiment, load_experiment
from bnn_hw.training.loop import SeedRun
from bnn_hw.training.network import BinaryNetwork, checkpoint_arrays
from bnn_hw.training.trace import count_sign_zeros, predict_logits

_SMOKE = {"epochs": 3, "batch": 8}


@dataclass(frozen=True)
class Metrics:
    """Outcome of an experiment; `to_dict` is what NAME.metrics.json holds."""

    experiment: dict[str, Any]
    smoke: bool
    seed_chosen: int
    epoch_chosen: int
    seeds: tuple[dict[str, Any], ...]
    validation: Scores
    test: Scores
    sign_zeros_test: dict[str, Any]
    data: dict[str, Any]
    torch_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = dict(vars(self))
        plain["seeds"] = list(self.seeds)
        plain["validation"] = self.validation.to_dict()
        plain["test"] = self.test.to_dict()
        return plain


def train(
    config: Path,
    records: Path | None,
    out: Path,
    resume: bool = False,
    smoke: bool = False,
    show_progress: bool = True,
) -> Metrics:
    """Run an experiment and write its files to `out`.

    `records` is the folder of WFDB records (None: the variable BNN_HW_RECORDS names it), not needed
    with `smoke`, which trains a few epochs on the shipped slices. Raises UserError for an illegal experiment, missing records, an output
    folder that can't be written, or a resume file of another experiment.
    """
    experiment, description = load_experiment(config)
    if smoke:
        shortened = experiment.training.model_copy(
            update=_SMOKE | {"seeds": experiment.training.seeds[:1]}
        )
        experiment = experiment.model_copy(update={"training": shortened})
    torch.set_num_threads(experiment.training.threads)
    np.random.seed(experiment.training.seeds[0])
    # Missing records are said before anything is written.
    folder = None if smoke else records_dir(records)
    with _log(out, experiment.name, append=resume) as log:
        if folder is None:
            data = load_smoke_data(experiment.data, description)
        else:
            data = load_data(experiment.data, description, folder)
        log.info(
            "%s: %d training, %d validation, %d test fragments",
            experiment.name, len(data.train), len(data.validation), len(data.test),
        )  # fmt: skip
        runs = [
            _run_seed(experiment, description, data, seed, out, resume, show_progress, log)
            for seed in experiment.training.seeds
        ]
        best = max(runs, key=lambda run: (run.best["accuracy"], -run.best["loss"]))
        metrics = _conclude(best, runs, data, smoke)
        save_npz(out / f"{experiment.name}.npz", checkpoint_arrays(best.network))
        _write_json(out / f"{experiment.name}.metrics.json", metrics.to_dict())
        log.info(
            "%s: seed %d, epoch %d, validation %.4f, test %.4f (%d of %d)",
            experiment.name, metrics.seed_chosen, metrics.epoch_chosen,
            metrics.validation.accuracy, metrics.test.accuracy, metrics.test.correct,
            metrics.test.fragments,
        )  # fmt: skip
    return metrics


def _run_seed(
    experiment: Experiment,
    description: Description,
    data: TrainingData,
    seed: int,
    out: Path,
    resume: bool,
    show_progress: bool,
    log: logging.Logger,
) -> SeedRun:
    run = SeedRun(experiment, description, seed)
    stem = f"{experiment.name}.seed{seed}"
    saved = out / f"{stem}.resume.pt"
    if resume and saved.exists():
        run.restore(load_resumable(saved))
        log.info("%s: resumed after epoch %d", stem, len(run.history))
    with _progress(show_progress) as bar:
        task = bar.add_task(stem, total=experiment.training.epochs, completed=len(run.history))
        while not run.finished:
            figures = run.run_epoch(data)
            save_resumable(saved, run.state())
            _write_json(out / f"{stem}.epochs.json", run.history)
            best = f"{run.best['accuracy']:.4f}" if run.best["epoch"] else "none yet"
            line = (
                f"{stem} epoch {figures['epoch']}/{experiment.training.epochs} "
                f"train loss {figures['train_loss']:.4f} validation loss "
                f"{figures['validation_loss']:.4f} accuracy {figures['validation_accuracy']:.4f} "
                f"best {best}"
            )
            # A terminal has the bar; a log file or pipe gets a line an epoch.
            log.log(logging.DEBUG if bar.live.is_started else logging.INFO, line)
            bar.update(task, advance=1, description=f"{stem} best {best}")
    return run


def _conclude(best: SeedRun, runs: list[SeedRun], data: TrainingData, smoke: bool) -> Metrics:
    network = best.chosen_network()
    zeros = count_sign_zeros(network, data.test.samples)
    return Metrics(
        experiment=best.experiment.model_dump(mode="json"),
        smoke=smoke,
        seed_chosen=best.seed,
        epoch_chosen=int(best.best["epoch"]),
        seeds=tuple(
            {
                "seed": run.seed,
                "epoch": run.best["epoch"],
                "validation_accuracy": run.best["accuracy"],
                "validation_loss": run.best["loss"],
            }
            for run in runs
        ),
        validation=_score(network, data.validation, data.class_names),
        test=_score(network, data.test, data.class_names),
        sign_zeros_test={"activations": list(zeros.activations), "weights": zeros.weights},
        data=dict(data.digests),
        torch_version=str(torch.__version__),
    )


def _score(network: BinaryNetwork, part: Part, class_names: tuple[str, ...]) -> Scores:
    predictions = predict_logits(network, part.samples).argmax(1)
    return score(part.labels.numpy(), predictions.numpy(), class_names)


def _write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")


@contextlib.contextmanager
def _log(out: Path, name: str, append: bool) -> Iterator[logging.Logger]:
    """Log to NAME.log in full, and to stderr what a person wants to see."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(out / f"{name}.log", mode="a" if append else "w")
    except OSError as error:
        raise UserError(
            f"{out} cannot be written: {error.strerror}; choose another output folder"
        ) from None
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.INFO)
    log = logging.getLogger(f"bnn_hw.training.{name}")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.handlers = [file, screen]
    try:
        yield log
    finally:
        log.handlers = []
        file.close()


@contextlib.contextmanager
def _progress(wanted: bool) -> Iterator[Progress]:
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not (wanted and console.is_terminal),
    )
    with bar:
        yield bar


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns 0, or 2 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bnn_hw.training.run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("experiment", type=Path, metavar="EXPERIMENT.toml")
    parser.add_argument("--records", type=Path, metavar="DIR", help="folder of WFDB records")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="output folder")
    parser.add_argument("--resume", action="store_true", help="go on where a run was interrupted")
    parser.add_argument("--smoke", action="store_true", help="3 epochs on the shipped slices")
    given = parser.parse_args(arguments)
    try:
        train(given.experiment, given.records, given.out, given.resume, given.smoke)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
