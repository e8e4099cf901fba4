"""The network file: one JSON text a person can read and git can diff.

``docs/network-format.md`` specifies it. Reading trusts nothing: size, depth, unknown fields, row
lengths and ranges are checked before a :class:`~bnn_hw.ir.network.Network` exists.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bnn_hw.errors import UserError
from bnn_hw.files import read_text, write_text
from bnn_hw.ir.accept import AcceptKind, AcceptSet
from bnn_hw.ir.bits import Bits, conv_weights, hex_to_row
from bnn_hw.ir.layers import (
    MAX_KERNEL,
    Conv,
    Dense,
    Head,
    Layer,
    MaxPool,
    NetworkInput,
    Preparation,
    Threshold,
)
from bnn_hw.ir.network import Network

FORMAT = "bnn_hw.network"
VERSION = 1
MAX_FILE_BYTES = 32 << 20

_Count = Annotated[int, Field(ge=1, le=1 << 24, strict=True)]
_Integer = Annotated[int, Field(ge=-(1 << 62), le=1 << 62, strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Input(_Strict):
    samples: _Integer
    channels: _Integer
    bits: _Integer
    unit: str
    preparation: Preparation
    peak: _Integer | None = None
    steps: _Integer | None = None


class _Conv(_Strict):
    type: Literal["conv"]
    name: str
    in_channels: _Count
    out_channels: _Count
    kernel: _Count
    stride: _Integer
    padding: Annotated[list[_Integer], Field(min_length=2, max_length=2)]
    pad_value: _Integer
    weights: list[str]


class _Dense(_Strict):
    type: Literal["dense"]
    name: str
    in_features: _Count
    out_channels: _Count
    weights: list[str]


class _MaxPool(_Strict):
    type: Literal["max_pool"]
    size: _Integer
    stride: _Integer


class _Threshold(_Strict):
    type: Literal["threshold"]
    accept: list[list[Annotated[str, Field(strict=True)] | _Integer]]


class _Head(_Strict):
    type: Literal["head"]
    fraction_bits: _Integer
    peak_weight: _Integer = 0
    positive: list[_Integer]
    negative: list[_Integer]
    offset: list[_Integer]


_Layer = Annotated[_Conv | _Dense | _MaxPool | _Threshold | _Head, Field(discriminator="type")]


class _File(_Strict):
    format: Literal["bnn_hw.network"]
    version: Annotated[int, Field(strict=True)]
    name: str
    input: _Input
    layers: Annotated[list[_Layer], Field(max_length=64)]
    labels: Annotated[list[str], Field(max_length=MAX_KERNEL)]
    provenance: dict[str, Any] = {}


def first_line(error: ValidationError) -> str:
    """The first of pydantic's complaints as ``where: what``."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    value = repr(first.get("input"))
    return f"{where}: {first['msg']} (got {value[:60]})"


def load_network(path: Path) -> Network:
    """Read a frozen network.

    Raises
    ------
    UserError
        When the file is missing, too large, not JSON, of another format or version, or not legal.
    """
    text = read_text(path, MAX_FILE_BYTES, "network file")
    try:
        return parse_network(text)
    except UserError as error:
        raise UserError(f"network file {path}: {error}") from None


def parse_network(text: str) -> Network:
    """A network from the text of its file; errors as in :func:`load_network`."""
    try:
        data = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates
        )
    except (ValueError, RecursionError) as error:
        raise UserError(f"is not JSON: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UserError(f"is not a bnn_hw network: 'format' must be {FORMAT!r}")
    if data.get("version") != VERSION:
        raise UserError(
            f"has schema version {str(data.get('version'))[:20]}, this bnn_hw reads {VERSION}; freeze the checkpoint again"
        )
    try:
        parsed = _File.model_validate(data)
    except ValidationError as error:
        raise UserError(first_line(error)) from None
    return Network(
        name=parsed.name,
        input=NetworkInput(**parsed.input.model_dump()),
        layers=tuple(_layer(layer, at) for at, layer in enumerate(parsed.layers)),
        labels=tuple(parsed.labels),
        provenance=parsed.provenance,
    )


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {twice[:40]!r} stands twice in one object")
    return found


def _layer(layer: _Conv | _Dense | _MaxPool | _Threshold | _Head, at: int) -> Layer:
    match layer:
        case _Conv():
            rows = _rows(
                layer.weights, layer.out_channels, layer.kernel * layer.in_channels, layer.name
            )
            left, right = layer.padding
            weights = conv_weights(rows, layer.in_channels)
            return Conv(layer.name, weights, layer.stride, left, right, layer.pad_value)
        case _Dense():
            return Dense(
                layer.name, _rows(layer.weights, layer.out_channels, layer.in_features, layer.name)
            )
        case _MaxPool():
            return MaxPool(layer.size, layer.stride)
        case _Threshold():
            where = f"layer {at + 1} (threshold)"
            return Threshold(
                tuple(_accept(a, f"{where}, channel {c}") for c, a in enumerate(layer.accept))
            )
        case _Head():
            return Head(
                tuple(layer.positive),
                tuple(layer.negative),
                tuple(layer.offset),
                layer.fraction_bits,
                layer.peak_weight,
            )


def _rows(texts: list[str], out_channels: int, width: int, where: str) -> Bits:
    if len(texts) != out_channels:
        raise UserError(
            f"{where[:80]!r}: {len(texts)} weight rows for {out_channels} output channels"
        )
    return np.stack(
        [hex_to_row(t, width, f"{where[:80]!r}, channel {c}") for c, t in enumerate(texts)]
    )


def _accept(values: list[str | int], where: str) -> AcceptSet:
    kinds = {kind.value: kind for kind in AcceptKind}
    kind = kinds.get(values[0]) if values and isinstance(values[0], str) else None
    bounds = values[1:]
    if kind is None or not all(isinstance(b, int) for b in bounds):
        raise UserError(
            f"{where}: accept set {values[:3]!r} is unknown, allowed kinds are {sorted(kinds)}"
        )
    wanted = {
        AcceptKind.ALWAYS: 0,
        AcceptKind.NEVER: 0,
        AcceptKind.INSIDE: 2,
        AcceptKind.OUTSIDE: 2,
    }.get(kind, 1)
    if len(bounds) != wanted:
        raise UserError(f"{where}: '{kind.value}' has {len(bounds)} bounds, it takes {wanted}")
    numbers = [int(b) for b in bounds]
    try:
        if kind is AcceptKind.AT_MOST:
            return AcceptSet(kind, None, numbers[0])
        return AcceptSet(kind, *numbers)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def network_text(network: Network) -> str:
    """The file's text: one line a weight row and an accept set, so that git can diff it."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        **network.canonical(),
        "provenance": network.provenance,
    }
    return render_json(data) + "\n"


def render_json(value: Any, depth: int = 0) -> str:
    """JSON with one-line lists of numbers, everything else one item a line; no line feed at its end."""
    inner = "  " * (depth + 1)
    if isinstance(value, dict) and value:
        items = ",\n".join(
            f"{inner}{json.dumps(k)}: {render_json(v, depth + 1)}" for k, v in value.items()
        )
        return "{\n" + items + "\n" + "  " * depth + "}"
    if isinstance(value, list | tuple) and any(isinstance(v, list | tuple | dict) for v in value):
        return (
            "[\n"
            + ",\n".join(inner + render_json(v, depth + 1) for v in value)
            + "\n"
            + "  " * depth
            + "]"
        )
    if isinstance(value, list | tuple) and value and all(isinstance(v, str) for v in value):
        return "[\n" + ",\n".join(inner + json.dumps(v) for v in value) + "\n" + "  " * depth + "]"
    return json.dumps(value, allow_nan=False)


def save_network(network: Network, path: Path) -> None:
    """Write the file, beside first and then swapped in; raises :class:`UserError` when it can't."""
    write_text(path, network_text(network))
