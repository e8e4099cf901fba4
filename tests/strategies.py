"""Hypothesis strategies shared by all tests: small legal networks of unusual shapes.

``networks()`` draws frozen networks, ``float_networks()`` a description with the arrays of a
``state_dict``. Shapes are drawn by hypothesis, so that they shrink; the many weights come from a
drawn seed. Geometry: kernel 1 to 9, strides, paddings up to more than the kernel, pools over sums
and over bits (overlapping, gapped, several), dense layers, several input channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from bnn_hw.description import Description
from bnn_hw.ir import (
    AcceptKind,
    AcceptSet,
    Conv,
    Dense,
    Head,
    MaxPool,
    Network,
    NetworkInput,
    Reach,
    Threshold,
)
from bnn_hw.ir.blocks import group_blocks
from bnn_hw.ir.layers import Layer

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17)


@dataclass(frozen=True)
class BlockShape:
    """One block before it has weights; ``kernel`` 0 means dense."""

    out_channels: int
    kernel: int
    stride: int
    padding: tuple[int, int]
    pad_value: int
    sum_pools: tuple[tuple[int, int], ...]
    bit_pools: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Shape:
    """A network before it has weights."""

    samples: int
    channels: int
    bits: int
    blocks: tuple[BlockShape, ...]


@st.composite
def _pools(draw: st.DrawFn, length: int, most: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    pools = []
    for _ in range(draw(st.integers(0, most))):
        size = draw(st.integers(1, min(length, 7)))
        stride = draw(st.integers(1, 4))
        pools.append((size, stride))
        length = (length - size) // stride + 1
    return length, tuple(pools)


@st.composite
def shapes(
    draw: st.DrawFn,
    max_blocks: int = 3,
    max_samples: int = 40,
    input_bits: tuple[int, ...] = (2, 3, 8, 11, 16),
    first_stride: int | None = None,
) -> Shape:
    """Geometry of a small legal network; ``first_stride`` is that of a first conv, and divides the samples."""
    unit = first_stride or 1
    samples = unit * draw(st.integers(1, max_samples // unit))
    channels = draw(st.sampled_from((1, 1, 2, 3)))
    bits = draw(st.sampled_from(input_bits))
    count = draw(st.integers(1, max_blocks))
    length, blocks = samples, []
    for index in range(count):
        last = index == count - 1
        out_channels = draw(st.integers(1, 6) if last else st.sampled_from(CHANNELS))
        wanted = first_stride if index == 0 else None
        if wanted is None and draw(st.integers(0, 4)) == 0:
            kernel, stride, padding, length = 0, 1, (0, 0), 1
        else:
            padding = (draw(st.integers(0, 11)), draw(st.integers(0, 11)))
            kernel = draw(st.integers(1, min(9, length + sum(padding))))
            stride = wanted or draw(st.integers(1, 4))
            length = (length + sum(padding) - kernel) // stride + 1
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if index == 0 else (-1, 1)
        pad_value = draw(st.sampled_from((low, -1, 0, 1, high) if index == 0 else (low, high)))
        length, sum_pools = draw(_pools(length, 2))
        length, bit_pools = draw(_pools(length, 0 if last else 2))
        blocks.append(
            BlockShape(out_channels, kernel, stride, padding, pad_value, sum_pools, bit_pools)
        )
    return Shape(samples, channels, bits, tuple(blocks))


def random_accept(rng: np.random.Generator, reach: Reach, kind: AcceptKind) -> AcceptSet:
    """An accept set of ``kind`` with bounds in ``reach``, often where most sums lie."""
    spread = max(1, (reach.high - reach.low) // int(rng.choice((2, 8, 32))))
    drawn = np.clip(rng.integers(-spread, spread + 1, 2), reach.low, reach.high)
    low, high = sorted(int(value) for value in drawn)
    match kind:
        case AcceptKind.AT_LEAST:
            return AcceptSet(kind, low=low)
        case AcceptKind.AT_MOST:
            return AcceptSet(kind, high=high)
        case AcceptKind.INSIDE:
            return AcceptSet(kind, low, high)
        case AcceptKind.OUTSIDE:
            return AcceptSet(kind, low, high) if low < high else AcceptSet(AcceptKind.ALWAYS)
        case _:
            return AcceptSet(kind)


def random_bits(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.uint8]:
    """Bits, uint8."""
    return rng.integers(0, 2, shape).astype(np.uint8)


@st.composite
def networks(
    draw: st.DrawFn,
    max_blocks: int = 3,
    max_samples: int = 40,
    kinds: tuple[AcceptKind, ...] = tuple(AcceptKind),
    first_stride: int | None = None,
) -> Network:
    """Small legal frozen networks, all six kinds of accept set, 1 to 6 classes."""
    shape = draw(shapes(max_blocks, max_samples, first_stride=first_stride))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed of the weights"))
    network_input = NetworkInput(shape.samples, shape.bits, shape.channels)
    layers: list[Layer] = []
    channels, length = shape.channels, shape.samples
    for index, block in enumerate(shape.blocks):
        out, name = block.out_channels, f"block{index + 1}"
        if block.kernel:
            weights = random_bits(rng, out, channels, block.kernel)
            layers.append(Conv(name, weights, block.stride, *block.padding, block.pad_value))
        else:
            layers.append(Dense(name, random_bits(rng, out, channels * length)))
        layers += [MaxPool(*pool) for pool in block.sum_pools]
        # A network that ends here knows what its channels reach and how long its output is.
        here = group_blocks(network_input, (*layers, Head((0,) * out, (0,) * out, (0,) * out, 0)))
        channels, length = out, here[-1].out_length
        if index + 1 < len(shape.blocks):
            picked = [kinds[int(k)] for k in rng.integers(0, len(kinds), out)]
            reaches = [here[-1].reach(c) for c in range(out)]
            layers.append(
                Threshold(
                    tuple(
                        random_accept(rng, reach, kind)
                        for reach, kind in zip(reaches, picked, strict=True)
                    )
                )
            )
            layers += [MaxPool(*pool) for pool in block.bit_pools]
            for pool in block.bit_pools:
                length = MaxPool(*pool).out_length(length)
    spread = int(rng.choice((1, 3, 1 << 12)))  # small ones give equal scores
    positive, negative, offset = rng.integers(-spread, spread + 1, (3, channels)).tolist()
    peak_weight = int(rng.choice((0, 0, 1, 8)))
    layers.append(Head(tuple(positive), tuple(negative), tuple(offset), 12, peak_weight))
    return Network("drawn", network_input, tuple(layers), class_labels(channels))


def class_labels(classes: int) -> tuple[str, ...]:
    """Labels ``c0``, ``c1``, ..."""
    return tuple(f"c{index}" for index in range(classes))


def random_samples(network_input: NetworkInput, fragments: int, seed: int) -> npt.NDArray[np.int64]:
    """Fragments ``(fragments, channels, samples)`` over the whole range, its ends often."""
    rng = np.random.default_rng(seed)
    of = network_input
    samples = rng.integers(of.low, of.high + 1, (fragments, of.channels, of.samples))
    ends = rng.random(samples.shape)
    samples[ends < 0.1] = of.low
    samples[ends > 0.9] = of.high
    return samples


# What parameters hold besides noise: zero, ties, powers of two, and thirds that no float holds.
_SPECIAL = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.25, 3.0, -3.0, 1 / 3)


def random_values(rng: np.random.Generator, count: int, spread: float) -> npt.NDArray[np.float64]:
    """Normal noise of ``spread``, a third of it replaced by special values."""
    values = spread * rng.normal(size=count)
    special = rng.choice(_SPECIAL, size=count)
    return np.where(rng.random(count) < 0.34, special, values)


def random_norm(
    rng: np.random.Generator, key: str, channels: int, spread: float
) -> dict[str, npt.NDArray[np.float64]]:
    """Arrays of a batch norm for sums of about ``spread``; gamma of any sign, often 0."""
    return {
        f"{key}.weight": random_values(rng, channels, 1.0),
        f"{key}.bias": random_values(rng, channels, 1.0),
        f"{key}.running_mean": random_values(rng, channels, spread),
        f"{key}.running_var": np.where(
            rng.random(channels) < 0.3, 4.0, rng.random(channels) * spread**2 + 0.01
        ),
    }


@st.composite
def float_networks(
    draw: st.DrawFn, max_blocks: int = 3, max_samples: int = 40
) -> tuple[Description, dict[str, npt.NDArray[Any]]]:
    """A description and its arrays (float64): shift, PReLU of any sign, batch norm, each optional."""
    # Few input bits: the proof at each freeze visits every reachable sum.
    shape = draw(shapes(max_blocks, max_samples, input_bits=(2, 3, 6)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed of the parameters"))
    layers: list[dict[str, Any]] = []
    arrays: dict[str, npt.NDArray[Any]] = {}
    channels, length = shape.channels, shape.samples
    for index, block in enumerate(shape.blocks, start=1):
        out, key, last = block.out_channels, f"block{index}", index == len(shape.blocks)
        if block.kernel:
            weights = rng.normal(size=(out, channels, block.kernel))
            layers.append(
                {
                    "type": "conv",
                    "stride": block.stride,
                    "padding": list(block.padding),
                    "pad_value": block.pad_value,
                }
            )
            arrays[f"{key}.conv.weight"] = weights
            length = (length + sum(block.padding) - block.kernel) // block.stride + 1
        else:
            weights = rng.normal(size=(out, channels * length))
            layers.append({"type": "dense"})
            arrays[f"{key}.dense.weight"] = weights
            length = 1
        weights[rng.random(weights.shape) < 0.02] = 0.0
        for size, stride in (*block.sum_pools, *block.bit_pools):
            length = (length - size) // stride + 1
        spread = float(np.sqrt(weights[0].size)) * (1 << (shape.bits - 2) if index == 1 else 1)
        layers += [_pool(pool) for pool in block.sum_pools]
        kinds = draw(
            st.sampled_from(
                (("prelu",), ())
                if last
                else (("prelu",), ("shift", "prelu"), (), ("prelu", "shift"))
            )
        )
        for kind in kinds:
            layers.append({"type": kind})
            if kind == "shift":
                arrays[f"{key}.shift.bias"] = random_values(rng, out, spread)
            else:
                shared = draw(st.booleans())
                arrays[f"{key}.prelu.weight"] = random_values(rng, 1 if shared else out, 0.5)
        if draw(st.integers(0, 3)):
            layers.append({"type": "batch_norm", "eps": draw(st.sampled_from((0.0, 1e-5, 0.25)))})
            arrays |= random_norm(rng, f"{key}.bn", out, spread)
        before_sign = draw(st.booleans())
        pools = [_pool(pool) for pool in block.bit_pools]
        if last:
            peak_weight = draw(st.sampled_from((0, 0, 1, 4, 64)))
            layers.append({"type": "head", "peak_weight": peak_weight})
        else:
            layers += [*pools, {"type": "sign"}] if before_sign else [{"type": "sign"}, *pools]
        channels = out
    description = Description.from_dict(
        {
            "name": "drawn",
            "labels": list(class_labels(channels)),
            "input": {
                "samples": shape.samples,
                "channels": shape.channels,
                "bits": shape.bits,
                "scale": draw(st.sampled_from((1.0, 0.5, 0.005, 1 / 64))),
            },
            "layers": layers,
        }
    )
    return description, arrays


def _pool(pool: tuple[int, int]) -> dict[str, Any]:
    return {"type": "max_pool", "size": pool[0], "stride": pool[1]}
