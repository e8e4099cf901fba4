"""What ``study.json`` and the provenance of a network say of a study, checked on reading.

Made by :mod:`bnn_hw.report.study`, kept by :mod:`bnn_hw.report.study_files`, shown by the model card
and ``bnn-hw study``. Shares go from 0 to 1; ``docs/training.md`` describes the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bnn_hw.report.evaluation import Protocol
from bnn_hw.report.text import percent

# The kinds of network of a seed, and what they are called where figures are shown.
PART_TITLES = {"binary": "frozen", "twin": "float twin"}
PARTS = tuple(PART_TITLES)

_Count = Annotated[int, Field(ge=0, le=1 << 40, strict=True)]
_Seed = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Rows = tuple[tuple[_Count, ...], ...]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is absent is left out."""
        return self.model_dump(mode="json", exclude_none=True)


class Figures(_Strict):
    """Scores of one network on one part; shares from 0 to 1."""

    fragments: _Count
    correct: _Count
    accuracy: _Share
    macro_f1: _Share


class Counted(Figures):
    """The same with ``confusion[true][answered]``."""

    confusion: _Rows


class Part(_Strict):
    """One network of a seed: the epoch that was chosen, and what it scores."""

    epoch: _Count
    validation: Figures
    test: Counted


class SeedEntry(_Strict):
    """One seed: the frozen network, and the float twin where it was trained."""

    seed: _Seed
    split_seed: _Seed
    digest: _Digest
    storage_bytes: _Count
    epoch: _Count
    validation: Figures
    test: Counted
    twin: Part | None = None

    def part(self, name: str) -> Part | None:
        """The figures of one of :data:`PARTS`; None where there is none."""
        if name == "twin":
            return self.twin
        return Part(epoch=self.epoch, validation=self.validation, test=self.test)


class Spread(_Strict):
    """One figure over the seeds; ``sd`` is the sample standard deviation, None of one seed."""

    mean: _Share
    sd: Annotated[float, Field(ge=0)] | None = None
    min: _Share
    max: _Share

    def percent(self) -> str:
        """Mean and standard deviation in percent, two decimals: ``97.62 +- 0.41``."""
        return percent(self.mean) + ("" if self.sd is None else f" +- {percent(self.sd)}")


class Class(_Strict):
    """One class of the pooled confusion."""

    label: str
    fragments: _Count
    sensitivity: _Share | None = None
    positive_predictivity: _Share | None = None
    f1: _Share | None = None


class Pooled(Counted):
    """The test parts of all seeds taken together.

    ``interval_95`` is Wilson's for ``correct`` of ``fragments``, each counted as one draw.
    ``distinct_fragments`` says how many different ones they are, since the test parts of two seeds
    overlap and may be the same; ``interval_95_distinct`` is the same share of so many, which is
    what the data can bear.
    """

    distinct_fragments: _Count
    interval_95: tuple[_Share, _Share]
    interval_95_distinct: tuple[_Share, _Share]
    classes: tuple[Class, ...] | None = None


class Summary(_Strict):
    """One kind of network over all seeds."""

    accuracy: Spread
    macro_f1: Spread
    validation_accuracy: Spread
    validation_macro_f1: Spread
    pooled: Pooled


class Summaries(_Strict):
    """The frozen networks and the float twins."""

    binary: Summary
    twin: Summary | None = None


class Header(_Strict):
    """What was trained and how the set was split.

    ``smoke`` marks the few shipped slices in the place of the set: it measures nothing.
    ``experiment`` is the whole EXPERIMENT.toml, defaults filled in.
    """

    format: Literal["bnn_hw.study"] = "bnn_hw.study"
    version: Literal[1] = 1
    smoke: bool
    set: Literal["ecg5", "ecg17"]
    protocol: Protocol
    test_share: _Share
    validation_share: _Share
    name: _Name
    experiment: dict[str, Any]


class Study(Header):
    """All of ``study.json``."""

    labels: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)]
    macs: _Count
    seeds: Annotated[tuple[SeedEntry, ...], Field(min_length=1, max_length=1000)]
    chosen: _Seed
    summary: Summaries

    @model_validator(mode="after")
    def _fits(self) -> Self:
        seeds = [entry.seed for entry in self.seeds]
        if len(set(seeds)) != len(seeds) or self.chosen not in seeds:
            raise ValueError("seeds must differ and the chosen one be among them")
        for entry in self.seeds:
            for part in filter(None, (entry.part(name) for name in PARTS)):
                _check_square(part.test.confusion, len(self.labels))
        return self

    def header(self) -> Header:
        """The part that measuring does not give."""
        return Header(**{name: getattr(self, name) for name in Header.model_fields})

    @property
    def chosen_entry(self) -> SeedEntry:
        """The seed that was picked on validation."""
        return next(entry for entry in self.seeds if entry.seed == self.chosen)


class Condensed(_Strict):
    """What a network's provenance keeps of a study: no figures of single seeds.

    ``stretch_share`` is that of its experiment: training read more than the fragments of the set. So is
    ``ectopy_share``: it put ectopic beats into some of it.
    """

    name: _Name
    smoke: bool
    set: Literal["ecg5", "ecg17"]
    protocol: Protocol
    labels: tuple[str, ...]
    seeds: Annotated[tuple[_Seed, ...], Field(min_length=1)]
    chosen: _Seed
    chosen_digest: _Digest
    stretch_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    ectopy_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    summary: Summaries

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in PARTS:
            summary: Summary | None = getattr(self.summary, name)
            if summary is not None:
                _check_square(summary.pooled.confusion, len(self.labels))
        return self


def _check_square(confusion: Sequence[Sequence[int]], classes: int) -> None:
    if len(confusion) != classes or any(len(row) != classes for row in confusion):
        raise ValueError(f"a confusion matrix is not {classes} x {classes}")
