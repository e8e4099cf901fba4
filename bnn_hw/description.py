"""NETWORK.toml: what a state_dict cannot say about a float network.

Layer order, strides, paddings and their value, pools, eps, input bits and scale, labels. Training
builds its modules from it, freeze reads a checkpoint by it, and the frozen file keeps it in its
provenance, so that verify can build the torch twin again. ``docs/network-description.md`` is the
specification for users.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from bnn_hw.errors import UserError
from bnn_hw.files import read_text
from bnn_hw.identifiers import check_identifier, check_label
from bnn_hw.ir.file import first_line
from bnn_hw.ir.layers import PEAK_WEIGHTS

_MAX_BYTES = 1 << 20


def _legal_peak_weight(weight: int) -> int:
    if weight not in PEAK_WEIGHTS:
        raise ValueError(f"must be 0 or a power of two up to {PEAK_WEIGHTS[-1]}")
    return weight


_Positive = Annotated[int, Field(ge=1, le=1 << 20, strict=True)]
_PeakWeight = Annotated[int, Field(strict=True), AfterValidator(_legal_peak_weight)]
_Pad = Annotated[int, Field(ge=0, le=1 << 16, strict=True)]
_Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$", max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InputDescription(_Strict):
    """One fragment and how its integers reach the float network: ``integer * scale``."""

    samples: _Positive
    channels: _Positive = 1
    bits: Annotated[int, Field(ge=2, le=16, strict=True)]
    unit: str = "integer"
    preparation: Literal["raw", "peak", "zscore"] = "raw"
    peak: _Positive | None = None
    steps: _Positive | None = None
    scale: Annotated[float, Field(gt=0)] = 1.0


class ConvDescription(_Strict):
    """1-D convolution with sign weights, ``block{i}.conv.weight`` of shape (out, in, kernel)."""

    type: Literal["conv"]
    key: _Key | None = None
    out_channels: _Positive | None = None
    kernel: _Positive | None = None
    stride: _Positive = 1
    padding: Annotated[tuple[_Pad, _Pad], Field()] = (0, 0)
    pad_value: Annotated[int, Field(ge=-(1 << 15), le=(1 << 15) - 1, strict=True)] = -1


class DenseDescription(_Strict):
    """Fully connected layer with sign weights, ``block{i}.dense.weight`` of shape (out, in)."""

    type: Literal["dense"]
    key: _Key | None = None
    out_channels: _Positive | None = None


class MaxPoolDescription(_Strict):
    """Max-pool without padding."""

    type: Literal["max_pool"]
    size: _Positive
    stride: _Positive


class ShiftDescription(_Strict):
    """Adds one value a channel, ``block{i}.shift.bias``."""

    type: Literal["shift"]
    key: _Key | None = None


class PreluDescription(_Strict):
    """PReLU, ``block{i}.prelu.weight`` of 1 or out_channels slopes."""

    type: Literal["prelu"]
    key: _Key | None = None


class BatchNormDescription(_Strict):
    """Batch norm in evaluation, ``block{i}.bn.{weight,bias,running_mean,running_var}``."""

    type: Literal["batch_norm"]
    key: _Key | None = None
    eps: Annotated[float, Field(ge=0)] = 1e-5


class SignDescription(_Strict):
    """Sign with sign(0) = +1."""

    type: Literal["sign"]


class HeadDescription(_Strict):
    """Mean over time and arg-max; the largest pooled sum of a class counts `peak_weight` times more."""

    type: Literal["head"]
    peak_weight: _PeakWeight = 0


LayerDescription = Annotated[
    ConvDescription
    | DenseDescription
    | MaxPoolDescription
    | ShiftDescription
    | PreluDescription
    | BatchNormDescription
    | SignDescription
    | HeadDescription,
    Field(discriminator="type"),
]

# Prefix of a layer's arrays in the state_dict, after "block{i}.".
_DEFAULT_KEYS = {
    "conv": "conv",
    "dense": "dense",
    "shift": "shift",
    "prelu": "prelu",
    "batch_norm": "bn",
}
# Stage of each type inside a block; a block's layers must not go back.
_INNER_ORDER = {
    "conv": 0,
    "dense": 0,
    "max_pool": 1,
    "shift": 2,
    "prelu": 2,
    "batch_norm": 3,
    "sign": 5,
    "head": 6,
}


class BlockDescription(_Strict):
    """The layers from one conv or dense up to the next, with the checkpoint key of each."""

    index: int
    layers: tuple[LayerDescription, ...]
    keys: tuple[str | None, ...]

    @property
    def matrix(self) -> ConvDescription | DenseDescription:
        """The conv or dense that starts the block."""
        first = self.layers[0]
        assert isinstance(first, ConvDescription | DenseDescription)  # held by Description
        return first


class Description(_Strict):
    """A float network as ``NETWORK.toml`` describes it."""

    name: str
    labels: Annotated[tuple[str, ...], Field(min_length=1, max_length=4096)]
    input: InputDescription
    layers: Annotated[tuple[LayerDescription, ...], Field(min_length=2, max_length=256)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_identifier(self.name, "network name")
        for label in self.labels:
            check_label(label, "class label")
        self.blocks()
        return self

    @property
    def peak_weight(self) -> int:
        """How many times more the head counts the largest pooled sum of a class."""
        head = self.layers[-1]
        return head.peak_weight if isinstance(head, HeadDescription) else 0

    def blocks(self) -> tuple[BlockDescription, ...]:
        """The layers grouped into blocks; the order inside each is checked.

        Raises
        ------
        UserError
            When a block does not start with conv or dense, its layers are out of order, or the
            last one does not end with head.
        """
        starts = [i for i, layer in enumerate(self.layers) if layer.type in ("conv", "dense")]
        if not starts or starts[0] != 0:
            raise UserError(f"layer 1 is {self.layers[0].type}: the first must be conv or dense")
        blocks = []
        for index, (start, stop) in enumerate(
            zip(starts, [*starts[1:], len(self.layers)], strict=True), start=1
        ):
            layers = self.layers[start:stop]
            _check_order(layers, start, last=stop == len(self.layers))
            keys = tuple(_key(layer, index) for layer in layers)
            blocks.append(BlockDescription(index=index, layers=layers, keys=keys))
        return tuple(blocks)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Description:
        """A description from parsed TOML; :class:`UserError` names the field."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise UserError(first_line(error)) from None

    @classmethod
    def load(cls, path: Path) -> Description:
        """Read a ``NETWORK.toml``; :class:`UserError` names file and field."""
        text = read_text(path, _MAX_BYTES, "network description")
        try:
            return cls.from_dict(tomllib.loads(text))
        except (ValueError, RecursionError, UserError) as error:
            raise UserError(f"network description {path}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``from_dict`` gives the same description back."""
        return self.model_dump(mode="json", exclude_none=True)


def _key(layer: LayerDescription, index: int) -> str | None:
    default = _DEFAULT_KEYS.get(layer.type)
    if default is None:
        return None
    return getattr(layer, "key", None) or f"block{index}.{default}"


def _check_order(layers: tuple[LayerDescription, ...], start: int, last: bool) -> None:
    stage = 0
    for offset, layer in enumerate(layers):
        place = _INNER_ORDER[layer.type]
        if layer.type == "max_pool" and stage >= 2:
            # After an element-wise layer: a pool just before the sign, or over bits after it.
            place = 4 if stage < 5 else 5
        if (
            place < stage
            or (offset > 0 and place == stage == 3)
            or (layer.type == "sign" and stage == 5)
        ):
            raise UserError(
                f"layer {start + offset + 1} ({layer.type}) stands out of order: a block is conv or dense, "
                "max_pool, shift and prelu, batch_norm, max_pool, sign, max_pool; the last ends with head"
            )
        stage = place
    if last:
        allowed = {"conv", "dense", "max_pool", "prelu", "batch_norm", "head"}
        wrong = [layer.type for layer in layers if layer.type not in allowed]
        if layers[-1].type != "head" or wrong:
            raise UserError(
                f"the last block ends with {layers[-1].type}"
                + (f" and holds {wrong[0]}" if wrong else "")
                + ": it is conv or dense, max_pool, prelu, batch_norm, head"
            )
        kinds = [layer.type for layer in layers]
        elementwise = [i for i, k in enumerate(kinds) if k in ("prelu", "batch_norm")]
        pools = [i for i, k in enumerate(kinds) if k == "max_pool"]
        if kinds.count("prelu") > 1 or (elementwise and pools and max(pools) > min(elementwise)):
            raise UserError("the last block takes one prelu at most, and its pools before it")
    elif not any(layer.type == "sign" for layer in layers):
        raise UserError(
            f"the block that starts at layer {start + 1} has no sign: the next conv or dense takes bits"
        )
