"""EXPERIMENT.toml: one training run, said completely.

Read by `bnn_hw.training.run`; every field is checked before any record is read. The fields are
described in docs/training.md.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

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
    """Fragment set and how it is split; the shares count for the random protocol only."""

    set: Literal["ecg5", "ecg17"]
    protocol: Literal["random", "inter-patient"] = "random"
    split_seed: _Seed
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1


class TrainingConfig(_Strict):
    """Length of the run and its seeds; with several, the best on validation is taken."""

    seeds: Annotated[tuple[_Seed, ...], Field(min_length=1, max_length=100)]
    epochs: _Count
    batch: _Count = 64
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    threads: Annotated[int, Field(ge=1, le=256, strict=True)] = 1


class OptimiserConfig(_Strict):
    """Adam or AdamW, peak rate and the clip of the latent weights (0: none)."""

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: _Positive = 0.01
    weight_decay: _NotNegative = 0.0
    weight_clip: _NotNegative = 1.0


class ScheduleConfig(_Strict):
    """Course of the learning rate over all steps; see `bnn_hw.training.schedule`."""

    kind: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.3


class AugmentationConfig(_Strict):
    """Strength of each augmentation; the defaults switch all off."""

    shift_samples: Annotated[int, Field(ge=0, le=1 << 20, strict=True)] = 0
    gain: tuple[_Positive, _Positive] = (1.0, 1.0)
    baseline: _NotNegative = 0.0
    noise: _NotNegative = 0.0

    @field_validator("gain")
    @classmethod
    def _ordered(cls, gain: tuple[float, float]) -> tuple[float, float]:
        if gain[0] > gain[1]:
            raise ValueError("the first gain must not be above the second")
        return gain


class EstimatorConfig(_Strict):
    """Gradient of sign: `clip` for straight-through, `first` to `last` steepness for narrowing."""

    kind: Literal["straight-through", "narrowing"] = "straight-through"
    clip: _Positive = 1.0
    first: _Positive = 0.1
    last: _Positive = 10.0


class SelectionConfig(_Strict):
    """The epoch that is best on validation is taken, from the share `start` of the run on."""

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
