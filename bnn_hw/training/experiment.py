"""EXPERIMENT.toml: one training run, said completely.

Read by `bnn_hw.training.run`; every field is checked before any record is read. The fields are
described in docs/training.md.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.files import read_text
from bnn_hw.identifiers import check_identifier
from bnn_hw.ir.file import first_line

_MAX_BYTES = 1 << 20
_Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
_Seed = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]
_NotNegative = Annotated[float, Field(ge=0)]
_Positive = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataConfig(_Strict):
    """Fragment set and how it is split; the shares count for the random protocol only.

    Without `split_seed` every training seed cuts its own split. Protocol `paper` has no validation
    part: epoch and seed are chosen on the test, as the paper did, only to compare like with like.
    In an epoch `stretch_share` of the training fragments, drawn anew each time, give way to another
    stretch of the same record, lead and class that touches no validation or test fragment.
    """

    set: Literal["ecg5", "ecg17"]
    protocol: Literal["random", "paper", "inter-patient"] = "random"
    split_seed: _Seed | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    stretch_share: Annotated[float, Field(ge=0, le=1)] = 0.0


class TrainingConfig(_Strict):
    """Length of the run and its seeds; with several, the best on validation is taken.

    `norm_momentum` is the share of a batch's mean and variance that enters the running ones, which
    become the thresholds: small, so that the thresholds do not hang on the last few batches.
    `real_weights` is the share of the run that trains binary activations with real weights, before
    the weights become signs too (two steps: Martinez et al., ICLR 2020, arXiv 2003.11535).
    """

    seeds: Annotated[tuple[_Seed, ...], Field(min_length=1, max_length=100)]
    epochs: _Count
    batch: _Count = 64
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_weights: Literal["none", "inverse-root"] = "none"
    norm_momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    real_weights: Annotated[float, Field(ge=0, lt=1)] = 0.0
    threads: Annotated[int, Field(ge=1, le=256, strict=True)] = 1


class OptimiserConfig(_Strict):
    """Adam or AdamW, peak rate, clip of the latent weights (0: none), least PReLU slope.

    With no negative slope a channel accepts one half-line, so one threshold a channel is stored.
    """

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: _Positive = 0.01
    weight_decay: _NotNegative = 0.0
    weight_clip: _NotNegative = 1.0
    least_slope: float | None = None


class ScheduleConfig(_Strict):
    """Course of the learning rate over all steps; see `bnn_hw.training.schedule`."""

    kind: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.3


class AugmentationConfig(_Strict):
    """Strength of each augmentation; the defaults switch all off.

    `disturbed_share` of the fragments get hum, muscle noise or white noise, as strong as a signal to
    noise ratio drawn from `snr_db`.
    """

    shift_samples: Annotated[int, Field(ge=0, le=1 << 20, strict=True)] = 0
    seam_samples: Annotated[int, Field(ge=0, le=1 << 20, strict=True)] = 0
    gain: tuple[_Positive, _Positive] = (1.0, 1.0)
    baseline: _NotNegative = 0.0
    wander: _NotNegative = 0.0
    noise: _NotNegative = 0.0
    disturbed_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    snr_db: tuple[float, float] = (6.0, 30.0)

    @field_validator("gain", "snr_db")
    @classmethod
    def _ordered(cls, pair: tuple[float, float]) -> tuple[float, float]:
        if pair[0] > pair[1]:
            raise ValueError("the first must not be above the second")
        return pair


class EstimatorConfig(_Strict):
    """Gradient of sign: `clip` for straight-through, `first` to `last` steepness for narrowing."""

    kind: Literal["straight-through", "narrowing"] = "straight-through"
    clip: _Positive = 1.0
    first: _Positive = 0.1
    last: _Positive = 10.0


class RealConfig(_Strict):
    """Training of the network in real numbers: no sign on weights or activations.

    Of it come the float twin, which says what binarisation costs, and the teacher. `network` is a
    path relative to the experiment's file; without it the twin teaches.
    """

    epochs: _Count
    learning_rate: _Positive = 0.003
    weight_decay: _NotNegative = 0.0
    network: str | None = None


class DistillationConfig(_Strict):
    """Loss against the teacher's soft answers: its share of the loss, and the temperature.

    Source: Hinton et al. 2015, arXiv 1503.02531.
    """

    weight: Annotated[float, Field(gt=0, le=1)] = 0.9
    temperature: _Positive = 2.0


class AveragingConfig(_Strict):
    """Exponential moving average of the latent weights over the steps; 0 is none."""

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.0


class BeatsConfig(_Strict):
    """Beat reader: `weight` of the loss that asks the last hidden layer for the kind of each beat."""

    weight: _Positive = 1.0


class SelectionConfig(_Strict):
    """The epoch that is best on validation is taken, from the share `start` of the run on."""

    metric: Literal["accuracy", "macro-f1"] = "accuracy"
    start: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Experiment(_Strict):
    """One training run; `network` is a path relative to the experiment's own file."""

    name: str
    network: str
    data: DataConfig
    training: TrainingConfig
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    estimator: EstimatorConfig = EstimatorConfig()
    averaging: AveragingConfig = AveragingConfig()
    selection: SelectionConfig = SelectionConfig()
    beats: BeatsConfig | None = None
    twin: RealConfig | None = None
    teacher: RealConfig | None = None
    distillation: DistillationConfig | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.distillation is None) != (self.teacher is None):
            raise ValueError("teacher and distillation stand together or not at all")
        if self.training.epochs * (1 - self.training.real_weights) < 1:
            raise ValueError("real_weights leaves no epoch to train weights as signs")
        return self

    def in_real_numbers(self, real: RealConfig) -> Experiment:
        """Return the experiment that trains a network of the same data without signs."""
        changes = {"epochs": real.epochs, "real_weights": 0.0}
        optimiser = OptimiserConfig(
            name="adamw",
            learning_rate=real.learning_rate,
            weight_decay=real.weight_decay,
            weight_clip=0.0,
        )
        return self.model_copy(
            update={
                "training": self.training.model_copy(update=changes),
                "optimiser": optimiser,
                "averaging": AveragingConfig(),
                "twin": None,
                "teacher": None,
                "distillation": None,
            }
        )

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        # It names the files of the run.
        return check_identifier(name, "experiment name")


def load_experiment(path: Path) -> tuple[Experiment, Description]:
    """Read an experiment and the network description that it names.

    Raises UserError, one line that names file and field, for a file that is missing, not TOML or
    not legal, and when the network's file is.
    """
    text = read_text(path, _MAX_BYTES, "experiment")
    try:
        experiment = Experiment.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise UserError(f"experiment {path}: {first_line(error)}") from None
    except (ValueError, RecursionError, UserError) as error:
        raise UserError(f"experiment {path}: {error}") from None
    return experiment, Description.load(path.parent / experiment.network)


def load_teacher(path: Path, experiment: Experiment, own: Description) -> Description | None:
    """Read the description of an experiment's teacher: None without one, `own` if it names none."""
    if experiment.teacher is None:
        return None
    named = experiment.teacher.network
    return own if named is None else Description.load(path.parent / named)
