"""One experiment from records to checkpoints and metrics: `python -m bnn_hw.training.run`.

Reads EXPERIMENT.toml, the network description it names and WFDB records; writes to the output
folder, NAME being the experiment's name:

- NAME.seedS.npz, NAME.seedS.twin.npz: network and float twin of every seed, float32 arrays in the
  reference naming, what freeze takes; .epochs.json beside each has one entry an epoch, .resume.pt
  the state to resume from;
- NAME.seedS.log: what was done when;
- NAME.npz, NAME.metrics.json: the chosen network; figures of validation and test of every seed,
  the protocol, digests of the data. Not when some of the seeds were asked for: such runs can go on
  side by side in one folder, and one with `resume` for all of them joins what they left.

Epoch and seed are chosen on validation alone. The test part is read once, when a seed is trained.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bnn_hw.description import Description
from bnn_hw.ecg.fragments import FragmentSet, load_set
from bnn_hw.ecg.records import records_dir
from bnn_hw.ecg.slices import load_slices
from bnn_hw.ecg.stretches import find_stretches
from bnn_hw.errors import UserError
from bnn_hw.files import write_text
from bnn_hw.metrics import Scores, score
from bnn_hw.training.checkpoints import load_npz, load_resumable, save_npz, save_resumable
from bnn_hw.training.data import Part, TrainingData, arrange, smoke_split, split_fragments
from bnn_hw.training.experiment import Experiment, load_experiment
from bnn_hw.training.loop import SeedRun
from bnn_hw.training.network import BinaryNetwork, checkpoint_arrays
from bnn_hw.training.processes import run_in_processes, usable_cores
from bnn_hw.training.results import PartResult, SeedResult, Trained
from bnn_hw.training.trace import count_sign_zeros, predict_logits

_SMOKE = {"epochs": 3, "batch": 8}
# Two, so that choosing and joining are run through too.
_SMOKE_SEEDS = 2


def train(
    config: Path,
    records: Path | None,
    out: Path,
    resume: bool = False,
    smoke: bool = False,
    show_progress: bool = True,
    seeds: Sequence[int] | None = None,
    jobs: int | None = None,
) -> Trained:
    """Run an experiment and write its files to `out`.

    `records` is the folder of WFDB records (None: the variable BNN_HW_RECORDS names it), not needed
    with `smoke`, which trains a few epochs on the shipped slices. `seeds` trains some of the
    experiment's seeds and joins nothing. `jobs` seeds are trained at a time (None: as many as there
    are cores for, one with `smoke`), each in a process of its own if several; the bits are the same,
    a line an epoch stands in for the progress bar. Raises UserError for an illegal experiment, missing
    records, an output folder that can't be written, or a resume file of another experiment.
    """
    experiment, description = load_experiment(config)
    wanted = _wanted(experiment, seeds)
    workers = min(_allowed_jobs(jobs, experiment, smoke), len(wanted))
    if smoke:
        experiment, wanted = _shortened(experiment), wanted[:_SMOKE_SEEDS]
    # Missing records are said before anything is written.
    folder = None if smoke else records_dir(records)
    fragments = _load(experiment, folder)
    bar = show_progress and workers == 1
    trainer = _Trainer(experiment, description, folder, out, resume, bar)
    if workers > 1:
        results = tuple(run_in_processes(trainer.load_and_train, wanted, workers))
    else:
        results = tuple(trainer.train_seed(seed, fragments) for seed in wanted)
    trained = Trained(experiment, description, fragments, smoke, results)
    if seeds is None:
        _join(trained, out)
    return trained


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds of a list such as "1,3"; ValueError for anything else."""
    if not all(part.isascii() and part.isdigit() and len(part) <= 10 for part in text.split(",")):
        raise ValueError(f"{text[:40]!r} is no list of seeds such as 1,3")
    return tuple(int(part) for part in text.split(","))


def _wanted(experiment: Experiment, seeds: Sequence[int] | None) -> tuple[int, ...]:
    allowed = experiment.training.seeds
    if seeds is None:
        return allowed
    foreign = [seed for seed in seeds if seed not in allowed]
    if foreign or not seeds:
        raise UserError(
            f"seed {foreign[0] if foreign else 'list empty'}: experiment {experiment.name} has seeds "
            f"{', '.join(map(str, allowed))}; choose of those"
        )
    return tuple(dict.fromkeys(seeds))


def _allowed_jobs(jobs: int | None, experiment: Experiment, smoke: bool) -> int:
    if jobs is None:
        return 1 if smoke else max(1, usable_cores() // experiment.training.threads)
    if jobs < 1:
        raise UserError(f"jobs {jobs}: at least 1 seed at a time; leave it out for one a core")
    return jobs


def _load(experiment: Experiment, records: Path | None) -> FragmentSet:
    name = experiment.data.set
    return load_slices(name) if records is None else load_set(name, records)


def _shortened(experiment: Experiment) -> Experiment:
    training = experiment.training.model_copy(update=_SMOKE)
    twin = experiment.twin and experiment.twin.model_copy(update={"epochs": 1})
    return experiment.model_copy(update={"training": training, "twin": twin})


def _join(trained: Trained, out: Path) -> None:
    name, best = trained.experiment.name, trained.chosen
    save_npz(out / f"{name}.npz", load_npz(trained.checkpoint(out, best.seed)))
    _write_json(out / f"{name}.metrics.json", trained.to_dict())


@dataclass(frozen=True)
class _Trainer:
    """What trains a seed; without `records` a smoke run on the shipped slices."""

    experiment: Experiment
    description: Description
    records: Path | None
    out: Path
    resume: bool
    show_progress: bool

    def load_and_train(self, seed: int) -> SeedResult:
        """As `train_seed`, in a process of its own: quicker than to send it the whole set."""
        return self.train_seed(seed, _load(self.experiment, self.records))

    def train_seed(self, seed: int, fragments: FragmentSet) -> SeedResult:
        """Train float twin and binary network of a seed, choose, then read the test."""
        torch.set_num_threads(self.experiment.training.threads)
        # A seed's files know nothing of the other seeds: each can be trained in a run of its own.
        own_seed = self.experiment.training.model_copy(update={"seeds": (seed,)})
        experiment = self.experiment.model_copy(update={"training": own_seed})
        if self.records is None:
            split = smoke_split(fragments, seed)
        else:
            split = split_fragments(fragments, experiment.data, seed)
        data = arrange(fragments, split, self.description)
        if experiment.data.stretch_share and self.records is not None:
            data = replace(data, stretches=find_stretches(fragments, split, self.records))
        stem = f"{experiment.name}.seed{seed}"
        with _log(self.out, stem, append=self.resume) as log:
            log.info(
                "%s: %d training, %d validation, %d test fragments",
                stem, len(data.train), len(data.validation), len(data.test),
            )  # fmt: skip
            runs: dict[str, SeedRun] = {}
            if experiment.twin is not None:
                plan = experiment.of_twin(experiment.twin)
                twin = SeedRun(plan, self.description, seed, real=True)
                runs["twin"] = self._run(twin, f"{stem}.twin", data, log)
            binary = SeedRun(experiment, self.description, seed)
            runs["binary"] = self._run(binary, stem, data, log)
            result = _conclude(runs, data, experiment)
            for part, figures in result.parts.items():
                log.info(
                    "%s: %s, epoch %d, validation %.4f, test %.4f (%d of %d)",
                    stem, part, figures.epoch, figures.validation.accuracy, figures.test.accuracy,
                    figures.test.correct, figures.test.fragments,
                )  # fmt: skip
        return result

    def _run(self, run: SeedRun, stem: str, data: TrainingData, log: logging.Logger) -> SeedRun:
        """Train to the end, keep the state after every epoch and the chosen network as arrays."""
        saved = self.out / f"{stem}.resume.pt"
        if self.resume and saved.exists():
            run.restore(load_resumable(saved))
            log.info("%s: resumed after epoch %d", stem, len(run.history))
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
                log.log(logging.DEBUG if bar.live.is_started else logging.INFO, line)
                bar.update(task, advance=1, description=f"{stem} best {best}")
        save_npz(self.out / f"{stem}.npz", checkpoint_arrays(run.chosen_network()))
        return run


def _conclude(runs: dict[str, SeedRun], data: TrainingData, experiment: Experiment) -> SeedResult:
    binary = runs["binary"]
    zeros = count_sign_zeros(binary.network, data.test.samples)
    split_seed = experiment.data.split_seed
    return SeedResult(
        seed=binary.seed,
        split_seed=binary.seed if split_seed is None else split_seed,
        rank=(float(binary.best["merit"]), -float(binary.best["loss"])),
        parts={
            part: PartResult(
                int(run.best["epoch"]),
                _score(run.network, data.validation),
                _score(run.network, data.test),
            )
            for part, run in runs.items()
        },
        digests=dict(data.digests),
        sign_zeros_test={"activations": list(zeros.activations), "weights": zeros.weights},
    )


def _score(network: BinaryNetwork, part: Part) -> Scores:
    predictions = predict_logits(network, part.samples).argmax(1)
    return score(part.labels.numpy(), predictions.numpy(), network.description.labels)


def _write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")


@contextlib.contextmanager
def _log(out: Path, stem: str, append: bool) -> Iterator[logging.Logger]:
    """Log to STEM.log in full, and to stderr what a person wants to see."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(out / f"{stem}.log", mode="a" if append else "w")
    except OSError as error:
        raise UserError(
            f"{out} cannot be written: {error.strerror}; choose another output folder"
        ) from None
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.INFO)
    log = logging.getLogger(f"bnn_hw.training.{stem}")
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
    parser.add_argument(
        "--seeds", type=parse_seeds, metavar="S,S", help="train these seeds alone, join nothing"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="seeds trained at a time [one a core]"
    )
    given = parser.parse_args(arguments)
    try:
        train(
            given.experiment,
            given.records,
            given.out,
            given.resume,
            given.smoke,
            seeds=given.seeds,
            jobs=given.jobs,
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
