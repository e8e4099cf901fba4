"""From arrays of a checkpoint to weight bits and exact formulas, checked by the description.

Second step of freeze. Reads a :class:`~bnn_hw.description.Description` and a
:class:`~bnn_hw.freeze.checkpoint.Checkpoint`; gives one :class:`BlockParameters` a block and names
what it did not use. Every array a layer needs is looked up here and nowhere else: presence, shape
and finite values are checked before anything is computed from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.description import (
    BatchNormDescription,
    BlockDescription,
    ConvDescription,
    Description,
    PreluDescription,
    ShiftDescription,
)
from bnn_hw.errors import UserError
from bnn_hw.freeze.checkpoint import Checkpoint
from bnn_hw.freeze.exact import ChannelFormula, NormStep, PreluStep, ShiftStep

# Arrays under these names change what a network computes, whichever block they belong to.
_LAYER_ARRAY = re.compile(r"block[0-9]+\.(conv|dense|shift|prelu|bn)\..+")


@dataclass(frozen=True, eq=False)
class BlockParameters:
    """What the checkpoint holds of one block.

    ``weights`` is ``(out, in, kernel)`` or, for a dense layer, ``(out, in)``, ``uint8``, 1 for +1, in
    the checkpoint's order. ``formulas`` has one entry an output channel; in the last block they hold
    the head's PReLU and batch norm.
    """

    index: int
    name: str
    weights: npt.NDArray[np.uint8]
    zero_weights: int
    formulas: tuple[ChannelFormula, ...]


@dataclass(frozen=True, eq=False)
class Parameters:
    """All blocks, and the names of the arrays that no layer uses."""

    blocks: tuple[BlockParameters, ...]
    ignored: tuple[str, ...]


def read_parameters(description: Description, checkpoint: Checkpoint) -> Parameters:
    """Look up, check and convert every array that ``description`` names.

    Raises
    ------
    UserError
        When a key is missing, a shape is wrong, a value is not finite, a variance is not positive,
        channel counts do not chain, or the checkpoint holds an array that would change the result
        and has no layer.
    """
    reader = _Reader(checkpoint)
    channels = description.input.channels
    blocks = []
    for block in description.blocks():
        scale = Fraction(description.input.scale) if block.index == 1 else Fraction(1)
        parameters = _block(reader, block, channels, scale)
        channels = int(parameters.weights.shape[0])
        blocks.append(parameters)
    if channels != len(description.labels):
        raise UserError(
            f"the last layer has {channels} output channels, the description {len(description.labels)} labels; "
            "the two must be equal"
        )
    return Parameters(tuple(blocks), reader.ignored())


class _Reader:
    """Looks up arrays and remembers which."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._arrays = checkpoint.arrays
        self._used: set[str] = set()

    def array(self, key: str) -> npt.NDArray[Any]:
        """The array under ``key``, all finite."""
        array = self._arrays.get(key)
        if array is None:
            near = [name for name in self._arrays if name.endswith("." + key)]
            hint = f"; it has {near[0][:80]!r}, set 'key' in the description" if near else ""
            raise UserError(
                f"the checkpoint has no {key!r}, which the description needs{hint or '; its layers and the description differ'}"
            )
        if not np.isfinite(array).all():
            at = np.argwhere(~np.isfinite(array))[0].tolist()
            raise UserError(
                f"{key} is {array[tuple(at)]} at {at}: every parameter must be finite; train again or "
                "take an earlier checkpoint"
            )
        self._used.add(key)
        return array

    def values(self, key: str, channels: int, shared: bool = False) -> list[Fraction]:
        """One exact value a channel; ``shared`` allows a single value for all of them."""
        array = self.array(key)
        allowed = [(channels,), (), (1,)] if shared else [(channels,)]
        if array.shape not in allowed:
            raise UserError(
                f"{key} has shape {array.shape}, its layer has {channels} channels and takes "
                f"({channels},){' or (1,)' if shared else ''}"
            )
        values = [Fraction(value) for value in array.reshape(-1).tolist()]
        return values * channels if len(values) != channels else values

    def ignored(self) -> tuple[str, ...]:
        """Names no layer used; refuses those that a layer would have used."""
        prefixes = {name.rpartition(".")[0] for name in self._used}
        rest = [name for name in self._arrays if name not in self._used]
        for name in rest:
            owner = next((p for p in prefixes if name.startswith(p + ".")), None)
            if (owner is None and not _LAYER_ARRAY.fullmatch(name)) or self._no_effect(name):
                continue
            raise UserError(
                f"the checkpoint has {name[:80]!r}, which no layer of the description uses and which would "
                f'change the result; describe it (a bias is type = "shift" with key = {name.rpartition(".")[0][:80]!r}) or remove it'
            )
        return tuple(rest)

    def _no_effect(self, name: str) -> bool:
        return name.endswith(".bias") and not self._arrays[name].any()


def _block(
    reader: _Reader, block: BlockDescription, channels: int, scale: Fraction
) -> BlockParameters:
    weights = reader.array(f"{block.keys[0]}.weight")
    _check_weights(block, f"{block.keys[0]}.weight", weights.shape, channels)
    out_channels = int(weights.shape[0])
    steps: list[list[ShiftStep | PreluStep]] = [[] for _ in range(out_channels)]
    norms: list[NormStep] | None = None
    for layer, key in zip(block.layers, block.keys, strict=True):
        match layer:
            case ShiftDescription():
                for channel, value in enumerate(reader.values(f"{key}.bias", out_channels)):
                    steps[channel].append(ShiftStep(value))
            case PreluDescription():
                slopes = reader.values(f"{key}.weight", out_channels, shared=True)
                for channel, slope in enumerate(slopes):
                    steps[channel].append(PreluStep(slope))
            case BatchNormDescription():
                norms = _norms(reader, str(key), layer, out_channels)
            case _:
                pass  # no parameters
    return BlockParameters(
        index=block.index,
        name=f"block{block.index}",
        weights=np.asarray(weights >= 0, dtype=np.uint8),
        zero_weights=int(np.count_nonzero(weights == 0)),
        formulas=tuple(
            ChannelFormula(scale, tuple(steps[c]), norms[c] if norms else None)
            for c in range(out_channels)
        ),
    )


def _check_weights(
    block: BlockDescription, key: str, shape: tuple[int, ...], channels: int
) -> None:
    matrix = block.matrix
    is_conv = isinstance(matrix, ConvDescription)
    form = "(out, in, kernel)" if is_conv else "(out, in)"
    if len(shape) != (3 if is_conv else 2) or 0 in shape:
        raise UserError(f"{key} has shape {shape}, a {matrix.type} takes {form}")
    if is_conv and shape[1] != channels:
        raise UserError(f"{key} has {shape[1]} input channels, its input has {channels}")
    if not is_conv and shape[1] % channels:
        raise UserError(
            f"{key} has {shape[1]} inputs, not a multiple of the {channels} channels of its input"
        )
    if matrix.out_channels is not None and matrix.out_channels != shape[0]:
        raise UserError(
            f"{key} has {shape[0]} output channels, the description says {matrix.out_channels}"
        )
    if isinstance(matrix, ConvDescription) and matrix.kernel not in (None, shape[2]):
        raise UserError(f"{key} has kernel {shape[2]}, the description says {matrix.kernel}")


def _norms(reader: _Reader, key: str, layer: BatchNormDescription, channels: int) -> list[NormStep]:
    eps = Fraction(layer.eps)
    variances = reader.values(f"{key}.running_var", channels)
    for channel, variance in enumerate(variances):
        if variance < 0 or variance + eps <= 0:
            raise UserError(
                f"{key}.running_var is {float(variance)} in channel {channel} with eps {layer.eps}: the variance "
                "must not be negative and variance + eps must be above 0; give eps or train again"
            )
    return [
        NormStep(gamma, beta, mean, variance + eps)
        for gamma, beta, mean, variance in zip(
            reader.values(f"{key}.weight", channels),
            reader.values(f"{key}.bias", channels),
            reader.values(f"{key}.running_mean", channels),
            variances,
            strict=True,
        )
    ]
