"""TABLE.toml: the variants of one experiment that are trained, compared and reported together.

Read by benchmarks/accuracy.py before anything is trained. Gives one experiment and one network a
variant, checked; benchmarks/README.md describes the fields.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.files import read_text
from bnn_hw.identifiers import check_identifier
from bnn_hw.ir.file import first_line
from bnn_hw.training.experiment import Experiment, load_experiment

_MAX_BYTES = 1 << 20
# Set by the driver for every run; a change of them would be lost or break the pairs of seeds.
_OWN_FIELDS = ("name", "network", "training.seeds")

_Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
_Whole = Annotated[int, Field(ge=0, le=1 << 16, strict=True)]
_Seed = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]
_Line = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\n|]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Shape(_Strict):
    """A network of convolutions, one entry a block; the last block has a channel a class.

    `pools` has size and stride of each block's max-pool, or nothing; `padding` left and right;
    `peak_weight` is that of the head, the base's where it is not given.
    """

    channels: Annotated[tuple[_Count, ...], Field(min_length=2, max_length=40)]
    kernels: tuple[_Count, ...]
    strides: tuple[_Count, ...]
    pools: tuple[tuple[()] | tuple[_Count, _Count], ...]
    padding: tuple[tuple[_Whole, _Whole], ...]
    prelu: bool = True
    peak_weight: _Whole | None = None

    @model_validator(mode="after")
    def _one_entry_a_block(self) -> Self:
        for field in ("kernels", "strides", "pools", "padding"):
            if len(getattr(self, field)) != len(self.channels):
                raise ValueError(f"{field} and channels differ in length: one entry a block")
        return self

    def describe(self, name: str, base: Description) -> Description:
        """Return the network of this shape with input and labels of `base`; UserError if none."""
        if self.channels[-1] != len(base.labels):
            raise UserError(
                f"the last of channels is {self.channels[-1]}, {base.name} has {len(base.labels)} "
                "classes; give as many"
            )
        layers: list[dict[str, Any]] = []
        blocks = zip(
            self.channels, self.kernels, self.strides, self.pools, self.padding, strict=True
        )
        length = base.input.samples
        for index, (channels, kernel, stride, pool, padding) in enumerate(blocks):
            conv = {"out_channels": channels, "kernel": kernel, "stride": stride}
            # The first block takes integers: 0 is no sample. The others take bits: -1 is one.
            pad = {"padding": list(padding), "pad_value": -1 if index else 0}
            layers.append({"type": "conv", **conv, **pad})
            length = (length + sum(padding) - kernel) // stride + 1
            if pool:
                layers.append({"type": "max_pool", "size": pool[0], "stride": pool[1]})
                length = (length - pool[0]) // pool[1] + 1 if length > 0 else 0
            if length < 1:
                raise UserError(
                    f"nothing is left after block {index + 1}: take smaller kernels, strides, pools"
                )
            layers += [{"type": "prelu"}] if self.prelu else []
            layers.append({"type": "batch_norm", "eps": 1e-5})
            layers.append({"type": "sign"})
        peak_weight = base.peak_weight if self.peak_weight is None else self.peak_weight
        layers[-1] = {"type": "head", "peak_weight": peak_weight}
        shared = {"labels": list(base.labels), "input": base.input.model_dump(exclude_none=True)}
        return Description.from_dict({"name": name, **shared, "layers": layers})


class _Changes(_Strict):
    # Dotted fields of the experiment: taken away, so that the default stands, then set.
    without: tuple[str, ...] = ()
    change: dict[str, Any] = {}


class _Variant(_Changes):
    name: str
    what: _Line
    network: Shape | None = None

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        return check_identifier(name, "variant name")


class _Table(_Changes):
    name: str
    kind: Literal["ablation", "pareto"]
    base: str
    seeds: Annotated[tuple[_Seed, ...], Field(min_length=1, max_length=100)]
    epochs: _Count | None = None
    real_epochs: _Count | None = None
    variants: Annotated[tuple[_Variant, ...], Field(min_length=1, max_length=200)]

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        return check_identifier(name, "table name")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what, values in (
            ("seed", self.seeds),
            ("variant", [variant.name for variant in self.variants]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"a {what} is named twice")
        return self


@dataclass(frozen=True)
class Variant:
    """One line of the table: a whole experiment, its seeds aside, and its network."""

    name: str
    what: str
    experiment: Experiment
    network: Description

    def of_seed(self, seed: int) -> Experiment:
        """Return the experiment that trains one seed."""
        training = self.experiment.training.model_copy(update={"seeds": (seed,)})
        return self.experiment.model_copy(update={"training": training})

    def content(self, seed: int) -> dict[str, Any]:
        """Return plain JSON values of all that decides what the training of a seed gives."""
        return {
            "experiment": self.of_seed(seed).model_dump(mode="json", exclude_none=True),
            "network": self.network.to_dict(),
        }

    def digest(self, seed: int) -> str:
        """Return sha256, hex, of the content."""
        text = json.dumps(self.content(seed), sort_keys=True)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Table:
    """What TABLE.toml asks for; the first variant is the one that others are compared with."""

    name: str
    kind: Literal["ablation", "pareto"]
    base: str
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]


def load_table(path: Path) -> Table:
    """Read a table and the base that it names; UserError, one line, for what is not legal."""
    text = read_text(path, _MAX_BYTES, "table")
    try:
        given = _Table.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise UserError(f"table {path}: {first_line(error)}") from None
    except (ValueError, RecursionError, UserError) as error:
        raise UserError(f"table {path}: {error}") from None
    config = path.parent / given.base
    base, description = load_experiment(config)
    fields = _with_changes(_with_epochs(base, given), given, f"table {path}")
    variants: list[Variant] = []
    for wanted in given.variants:
        where = f"table {path}: variant {wanted.name}"
        variant = _variant(wanted, fields, description, where)
        for other in variants:
            if other == _renamed(variant, other):
                raise UserError(f"{where} is the same as {other.name}; change or remove one")
        variants.append(variant)
    return Table(given.name, given.kind, base.name, given.seeds, tuple(variants))


def _with_epochs(base: Experiment, given: _Table) -> dict[str, Any]:
    fields = base.model_dump(mode="json", exclude_none=True)
    if given.epochs is not None:
        fields["training"]["epochs"] = given.epochs
    if given.real_epochs is not None and "twin" in fields:
        fields["twin"]["epochs"] = given.real_epochs
    return fields


def _variant(wanted: _Variant, fields: Mapping[str, Any], base: Description, where: str) -> Variant:
    changed = _with_changes(fields, wanted, where)
    try:
        experiment = Experiment.model_validate(
            changed | {"name": wanted.name, "network": "network.toml"}
        )
        if wanted.network is None:
            network = base.model_copy(update={"name": wanted.name})
        else:
            network = wanted.network.describe(wanted.name, base)
    except ValidationError as error:
        raise UserError(f"{where}: {first_line(error)}") from None
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return Variant(wanted.name, wanted.what, experiment, network)


def _renamed(variant: Variant, other: Variant) -> Variant:
    experiment = variant.experiment.model_copy(update={"name": other.name})
    network = variant.network.model_copy(update={"name": other.name})
    return Variant(other.name, other.what, experiment, network)


def _with_changes(fields: Mapping[str, Any], changes: _Changes, where: str) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(fields))
    settings = _flat(changes.change)
    for dotted in (*changes.without, *settings):
        if dotted in _OWN_FIELDS:
            raise UserError(f"{where}: {dotted} is set for every run; leave it out")
    for dotted in changes.without:
        *sections, last = dotted.split(".")
        inner: Any = changed
        for section in sections:
            inner = inner.get(section) if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or last not in inner:
            raise UserError(f"{where}: without {dotted[:80]!r}: the base has no such field")
        del inner[last]
    for dotted, value in settings.items():
        *sections, last = dotted.split(".")
        inner = changed
        for section in sections:
            inner = inner.setdefault(section, {})
            if not isinstance(inner, dict):
                raise UserError(f"{where}: change {dotted[:80]!r}: {section} has no fields")
        inner[last] = value
    return changed


def _flat(change: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted fields of nested ones: both spellings of TOML mean the same here."""
    flat: dict[str, Any] = {}
    for key, value in change.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
