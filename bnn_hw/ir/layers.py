"""The layers of a frozen network: integers only.

Frozen dataclasses with read-only arrays, checked on construction; an error names the layer and
both numbers. Nothing here knows ECG, torch or hardware.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from bnn_hw.errors import UserError
from bnn_hw.identifiers import check_identifier
from bnn_hw.ir.accept import AcceptSet
from bnn_hw.ir.bits import Bits

# Bounds on what comes from a file: far above any network for an FPGA, far below what hurts.
MAX_SAMPLES = 1 << 20
MAX_CHANNELS = 4096
MAX_KERNEL = 1 << 16
MAX_WEIGHT_BITS = 1 << 24
MAX_LAYERS = 64
MAX_INPUT_BITS = 16
MAX_COEFFICIENT_BITS = 48

# How many times more a head may count the largest sum of a class: a shift in hardware.
PEAK_WEIGHTS = (0, *(1 << shift for shift in range(13)))

# How integers for the network are made of a fragment; bnn_hw.ecg.preparation does it.
Preparation = Literal["raw", "peak", "zscore"]


def _read_only_bits(layer: str, weights: Any, dimensions: int) -> Bits:
    array = np.array(weights)
    if array.ndim != dimensions or array.size == 0 or not np.isin(array, (0, 1)).all():
        raise UserError(
            f"{layer}: weights of shape {array.shape} are not a filled {dimensions}-D array of 0 and 1"
        )
    array = array.astype(np.uint8)
    array.setflags(write=False)
    return array


def _at_least_one(layer: str, **values: int) -> None:
    for name, value in values.items():
        if not 1 <= value <= MAX_KERNEL:
            raise UserError(
                f"{layer}: {name.replace('_', ' ')} is {value}, allowed are 1 to {MAX_KERNEL}"
            )


@dataclass(frozen=True)
class NetworkInput:
    """One fragment: ``samples`` time steps of ``channels`` signed integers of ``bits`` bits."""

    samples: int
    bits: int
    channels: int = 1
    unit: str = "integer"
    preparation: Preparation = "raw"
    peak: int | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise UserError(
                f"input: {self.samples} samples a fragment, allowed are 1 to {MAX_SAMPLES}"
            )
        if not 1 <= self.channels <= 64:
            raise UserError(f"input: {self.channels} channels, allowed are 1 to 64")
        if not 2 <= self.bits <= MAX_INPUT_BITS:
            raise UserError(f"input: {self.bits} bits a sample, allowed are 2 to {MAX_INPUT_BITS}")
        if self.preparation not in get_args(Preparation):
            raise UserError(
                f"input: preparation {str(self.preparation)[:40]!r} is unknown, allowed are raw, peak, zscore"
            )
        for name, value, of in (("peak", self.peak, "peak"), ("steps", self.steps, "zscore")):
            if (value is not None) != (self.preparation == of):
                raise UserError(f"input: '{name}' goes with preparation '{of}' and only with it")
            if value is not None and not 1 <= value <= self.high:
                raise UserError(f"input: {name} is {value}, allowed are 1 to {self.high}")
        if len(self.unit) > 200 or not self.unit.isprintable():
            raise UserError("input: unit must be one printable line of at most 200 characters")

    @property
    def low(self) -> int:
        """Smallest sample."""
        return -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """Largest sample."""
        return (1 << (self.bits - 1)) - 1


@dataclass(frozen=True, eq=False)
class Conv:
    """1-D convolution with weights of +1 and -1, no bias.

    ``weights`` is ``(out, in, kernel) uint8``, 1 for +1 and 0 for -1. Padding positions hold
    ``pad_value``: -1 or +1, or an integer sample where this is the network's first layer.
    """

    name: str
    weights: Bits
    stride: int = 1
    pad_left: int = 0
    pad_right: int = 0
    pad_value: int = -1

    def __post_init__(self) -> None:
        check_identifier(self.name, "layer name")
        object.__setattr__(self, "weights", _read_only_bits(self.name, self.weights, 3))
        _at_least_one(self.name, stride=self.stride, kernel=self.kernel)
        if max(self.in_channels, self.out_channels) > MAX_CHANNELS:
            raise UserError(
                f"{self.name}: {self.in_channels} to {self.out_channels} channels, at most {MAX_CHANNELS}"
            )
        for side, pad in (("left", self.pad_left), ("right", self.pad_right)):
            if not 0 <= pad <= MAX_KERNEL:
                raise UserError(
                    f"{self.name}: padding {side} is {pad}, allowed are 0 to {MAX_KERNEL}"
                )

    @property
    def out_channels(self) -> int:
        """Number of output channels."""
        return int(self.weights.shape[0])

    @property
    def in_channels(self) -> int:
        """Number of input channels."""
        return int(self.weights.shape[1])

    @property
    def kernel(self) -> int:
        """Window length in positions."""
        return int(self.weights.shape[2])


@dataclass(frozen=True, eq=False)
class Dense:
    """Fully connected layer over all positions of its input.

    ``rows`` is ``(out, positions * in_channels) uint8`` in window order (see :mod:`bnn_hw.ir.bits`):
    a dense layer is a convolution whose kernel is its whole input.
    """

    name: str
    rows: Bits

    def __post_init__(self) -> None:
        check_identifier(self.name, "layer name")
        object.__setattr__(self, "rows", _read_only_bits(self.name, self.rows, 2))

    @property
    def out_channels(self) -> int:
        """Number of outputs."""
        return int(self.rows.shape[0])


@dataclass(frozen=True)
class MaxPool:
    """Maximum over ``size`` positions every ``stride``, no padding; over sums or over bits."""

    size: int
    stride: int

    def __post_init__(self) -> None:
        _at_least_one("max_pool", size=self.size, stride=self.stride)

    def out_length(self, length: int) -> int:
        """Number of windows over ``length`` positions."""
        return (length - self.size) // self.stride + 1


@dataclass(frozen=True)
class Threshold:
    """Integer sums to bits: one accept set a channel."""

    accept: tuple[AcceptSet, ...]


@dataclass(frozen=True)
class Head:
    """Class scores in fixed point and their arg-max, ties to the lowest class.

    ``score = positive * S_plus + negative * S_minus + offset`` for each class, all integers in units
    of ``2**-fraction_bits``; ``S_plus`` and ``S_minus`` are the sums over time of the positive and of
    the negative (pooled) sums of the class's channel, in which the largest of them counts
    ``peak_weight`` times more: 0, or a power of two up to 4096.
    """

    positive: tuple[int, ...]
    negative: tuple[int, ...]
    offset: tuple[int, ...]
    fraction_bits: int
    peak_weight: int = 0

    def __post_init__(self) -> None:
        if self.peak_weight not in PEAK_WEIGHTS:
            raise UserError(
                f"head: peak weight is {self.peak_weight}, allowed are 0 and powers of two up to "
                f"{PEAK_WEIGHTS[-1]}"
            )
        if not len(self.positive) == len(self.negative) == len(self.offset) >= 1:
            raise UserError(
                f"head: {len(self.positive)} positive, {len(self.negative)} negative and {len(self.offset)} "
                "offset coefficients; one of each a class"
            )
        if not 0 <= self.fraction_bits <= 64:
            raise UserError(f"head: {self.fraction_bits} fraction bits, allowed are 0 to 64")
        for name in ("positive", "negative", "offset"):
            width = signed_bits(getattr(self, name))
            if width > MAX_COEFFICIENT_BITS:
                raise UserError(
                    f"head: a {name} coefficient takes {width} bits, at most {MAX_COEFFICIENT_BITS}"
                )


Layer = Conv | Dense | MaxPool | Threshold | Head


def signed_bits(values: Iterable[int]) -> int:
    """Fewest bits of a two's complement number that holds every one of ``values`` (at least 1)."""
    return max((int(v if v >= 0 else -v - 1).bit_length() + 1 for v in values), default=1)
