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
    stretch of the same record, lead and class that touches no validation or test fragment. Of those
    of normal rhythm `ectopy_share` get an ectopic beat, and the class that goes with it.
    """

    set: Literal["ecg5", "ecg17"]
    protocol: Literal["random", "paper", "inter-patient"] = "random"
    split_seed: _Seed | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    stretch_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    ectopy_share: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _has_stretches(self) -> Self:
        if self.ectopy_share and not self.stretch_share:
            raise ValueError("ectopy_share is a share of the stretches: set stretch_share too")
        return self


class TrainingConfig(_Strict):
    """Length of the run and its seeds; with several, the best on validation is taken.

    `norm_momentum` is the share of a batch's mean and variance that enters the running ones, which
    become the thresholds: small, so that the thresholds do not hang on the last few batches.
    """

    seeds: Annotated[tuple[_Seed, ...], Field(min_length=1, max_length=100)]
    epochs: _Count
    batch: _Count = 64
    norm_momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
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
    """Straight-through gradient of sign: it passes where the activation is within `clip`."""

    clip: _Positive = 1.0


class TwinConfig(_Strict):
    """The float twin: the network without any sign, which says what binarisation costs."""

    epochs: _Count
    learning_rate: _Positive = 0.003
    weight_decay: _NotNegative = 0.0


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
    selection: SelectionConfig = SelectionConfig()
    twin: TwinConfig | None = None

    def of_twin(self, twin: TwinConfig) -> Experiment:
        """Return the experiment that trains the float twin on the same data."""
        training = self.training.model_copy(update={"epochs": twin.epochs})
        optimiser = OptimiserConfig(
            name="adamw",
            learning_rate=twin.learning_rate,
            weight_decay=twin.weight_decay,
            weight_clip=0.0,
        )
        changes = {"training": training, "optimiser": optimiser, "twin": None}
        return self.model_copy(update=changes)

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
