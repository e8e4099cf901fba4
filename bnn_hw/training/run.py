"""One experiment from records to checkpoint and metrics: `python -m bnn_hw.training.run`.

Reads EXPERIMENT.toml, the network description it names and WFDB records; writes to the output
folder, NAME being the experiment's name:

- NAME.npz: the chosen network, float32 arrays in the reference naming, what freeze takes;
- NAME.seedS.npz, NAME.seedS.twin.npz, NAME.seedS.teacher.npz: those of every seed;
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

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bnn_hw.description import Description
from bnn_hw.ecg.fragments import FragmentSet, load_set
from bnn_hw.ecg.records import records_dir
from bnn_hw.ecg.slices import load_slices
from bnn_hw.errors import UserError
from bnn_hw.files import write_text
from bnn_hw.metrics import Scores, score
from bnn_hw.training.checkpoints import load_resumable, save_npz, save_resumable
from bnn_hw.training.data import Part, TrainingData, arrange, smoke_split, split_fragments
from bnn_hw.training.experiment import Experiment, load_experiment, load_teacher
from bnn_hw.training.loop import SeedRun
from bnn_hw.training.network import BinaryNetwork, checkpoint_arrays
from bnn_hw.training.trace import count_sign_zeros, predict_logits

_SMOKE = {"epochs": 3, "batch": 8}


@dataclass(frozen=True)
class SeedResult:
    """What one seed gave: the chosen epoch and the scores of the networks that came of it.

    `parts` maps "binary", "twin" and "teacher", as far as trained, to the chosen epoch and the
    scores of validation and test.
    """

    run: SeedRun
    data: TrainingData
    parts: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        scores = {
            part: {key: v.to_dict() if isinstance(v, Scores) else v for key, v in figures.items()}
            for part, figures in self.parts.items()
        }
        return {"seed": self.run.seed, "data": dict(self.data.digests), **scores}


@dataclass(frozen=True)
class Metrics:
    """Outcome of an experiment; `to_dict` is what NAME.metrics.json holds."""

    experiment: dict[str, Any]
    smoke: bool
    seed_chosen: int
    epoch_chosen: int
    seeds: tuple[SeedResult, ...]
    validation: Scores
    test: Scores
    sign_zeros_test: dict[str, Any]
    torch_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = dict(vars(self))
        plain["seeds"] = [result.to_dict() for result in self.seeds]
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
    seeds: Sequence[int] | None = None,
) -> Metrics:
    """Run an experiment and write its files to `out`.

    `records` is the folder of WFDB records (None: the variable BNN_HW_RECORDS names it), not needed
    with `smoke`, which trains a few epochs on the shipped slices. `seeds` trains some of the
    experiment's seeds only. Raises UserError for an illegal experiment, missing records, an output
    folder that can't be written, or a resume file of another experiment.
    """
    experiment, description = load_experiment(config)
    teacher = load_teacher(config, experiment, description)
    experiment = _shortened(experiment, seeds, smoke)
    torch.set_num_threads(experiment.training.threads)
    # Missing records are said before anything is written.
    folder = None if smoke else records_dir(records)
    with _log(out, experiment.name, append=resume) as log:
        fragments = load_slices(experiment.data.set) if folder is None else None
        if fragments is None:
            assert folder is not None
            fragments = load_set(experiment.data.set, folder)
        trainer = _Trainer(experiment, description, teacher, out, resume, show_progress, log)
        results = [trainer.train_seed(seed, fragments, smoke) for seed in experiment.training.seeds]
        best = max(results, key=lambda r: (r.run.best["merit"], -r.run.best["loss"]))
        metrics = _conclude(best, results, smoke)
        save_npz(out / f"{experiment.name}.npz", checkpoint_arrays(best.run.network))
        _write_json(out / f"{experiment.name}.metrics.json", metrics.to_dict())
        log.info(
            "%s: seed %d, epoch %d, validation %.4f, test %.4f (%d of %d)",
            experiment.name, metrics.seed_chosen, metrics.epoch_chosen,
            metrics.validation.accuracy, metrics.test.accuracy, metrics.test.correct,
            metrics.test.fragments,
        )  # fmt: skip
    return metrics


def _shortened(experiment: Experiment, seeds: Sequence[int] | None, smoke: bool) -> Experiment:
    allowed = experiment.training.seeds
    if seeds is not None:
        foreign = [seed for seed in seeds if seed not in allowed]
        if foreign or not seeds:
            raise UserError(
                f"seed {foreign or 'list empty'}: experiment {experiment.name} has seeds "
                f"{', '.join(map(str, allowed))}; choose of those"
            )
        changes: dict[str, Any] = {"seeds": tuple(seeds)}
        experiment = experiment.model_copy(
            update={"training": experiment.training.model_copy(update=changes)}
        )
    if smoke:
        changes = _SMOKE | {"seeds": experiment.training.seeds[:1]}
        updates: dict[str, Any] = {"training": experiment.training.model_copy(update=changes)}
        for name in ("twin", "teacher"):
            real = getattr(experiment, name)
            if real is not None:
                updates[name] = real.model_copy(update={"epochs": 1})
        experiment = experiment.model_copy(update=updates)
    return experiment


@dataclass(frozen=True)
class _Trainer:
    experiment: Experiment
    description: Description
    teacher: Description | None
    out: Path
    resume: bool
    show_progress: bool
    log: logging.Logger

    def train_seed(self, seed: int, fragments: FragmentSet, smoke: bool) -> SeedResult:
        """Train float twin, teacher and binary network of a seed, choose, then read the test."""
        experiment = self.experiment
        if smoke:
            split = smoke_split(fragments, seed)
        else:
            split = split_fragments(fragments, experiment.data, seed)
        data = arrange(fragments, split, self.description)
        stem = f"{experiment.name}.seed{seed}"
        self.log.info(
            "%s: %d training, %d validation, %d test fragments",
            stem, len(data.train), len(data.validation), len(data.test),
        )  # fmt: skip
        runs: dict[str, SeedRun] = {}
        for part, real, own in (
            ("twin", experiment.twin, self.description),
            ("teacher", experiment.teacher, self.teacher),
        ):
            if real is not None and own is not None:
                plan = experiment.in_real_numbers(real)
                runs[part] = self._run(SeedRun(plan, own, seed, real=True), f"{stem}.{part}", data)
        teacher = runs["teacher"].network if "teacher" in runs else None
        runs["binary"] = self._run(
            SeedRun(experiment, self.description, seed, teacher=teacher), stem, data
        )
        parts = {
            part: {
                "epoch": int(run.best["epoch"]),
                "validation": _score(run.network, data.validation),
                "test": _score(run.network, data.test),
            }
            for part, run in runs.items()
        }
        return SeedResult(runs["binary"], data, parts)

    def _run(self, run: SeedRun, stem: str, data: TrainingData) -> SeedRun:
        """Train to the end, keep the state after every epoch and the chosen network as arrays."""
        saved = self.out / f"{stem}.resume.pt"
        if self.resume and saved.exists():
            run.restore(load_resumable(saved))
            self.log.info("%s: resumed after epoch %d", stem, len(run.history))
        epochs = run.experiment.training.epochs
        with _progress(self.show_progress) as bar:
            task = bar.add_task(stem, total=epochs, completed=len(run.history))
            while not run.finished:
                figures = run.run_epoch(data)
                save_resumable(saved, run.state())
                _write_json(self.out / f"{stem}.epochs.json", run.history)
                best = f"{run.best['accuracy']:.4f}" if run.best["epoch"] else "none yet"
                line = (
                    f"{stem} epoch {figures['epoch']}/{epochs} "
                    f"train loss {figures['train_loss']:.4f} validation loss "
                    f"{figures['validation_loss']:.4f} accuracy "
                    f"{figures['validation_accuracy']:.4f} best {best}"
                )
                # A terminal has the bar; a log file or pipe gets a line an epoch.
                self.log.log(logging.DEBUG if bar.live.is_started else logging.INFO, line)
                bar.update(task, advance=1, description=f"{stem} best {best}")
        save_npz(self.out / f"{stem}.npz", checkpoint_arrays(run.chosen_network()))
        return run


def _conclude(best: SeedResult, results: list[SeedResult], smoke: bool) -> Metrics:
    zeros = count_sign_zeros(best.run.network, best.data.test.samples)
    chosen = best.parts["binary"]
    return Metrics(
        experiment=best.run.experiment.model_dump(mode="json"),
        smoke=smoke,
        seed_chosen=best.run.seed,
        epoch_chosen=chosen["epoch"],
        seeds=tuple(results),
        validation=chosen["validation"],
        test=chosen["test"],
        sign_zeros_test={"activations": list(zeros.activations), "weights": zeros.weights},
        torch_version=str(torch.__version__),
    )


def _score(network: BinaryNetwork, part: Part) -> Scores:
    predictions = predict_logits(network, part.samples).argmax(1)
    return score(part.labels.numpy(), predictions.numpy(), network.description.labels)


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
