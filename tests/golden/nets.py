"""Networks for the golden tests: random legal ones of any shape, and the reference shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from bnn_hw.ir import (
    AcceptKind,
    AcceptSet,
    Conv,
    Dense,
    Head,
    MaxPool,
    Network,
    NetworkInput,
    Threshold,
)
from bnn_hw.ir.accept import Reach
from bnn_hw.ir.layers import Layer

# One bit, less than a byte, around a byte, around a word, more than a word.
CHANNELS = (1, 2, 3, 5, 7, 8, 9, 16, 17, 32, 63, 64, 65, 70)


def random_bits(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.uint8]:
    return rng.integers(0, 2, shape).astype(np.uint8)


def random_accept(
    rng: np.random.Generator, reach: Reach, kinds: tuple[AcceptKind, ...]
) -> AcceptSet:
    """An accept set of one of ``kinds`` with bounds in ``reach``, mostly where most sums lie."""
    kind = kinds[rng.integers(len(kinds))]
    spread = max(1, (reach.high - reach.low) // int(rng.choice((2, 8, 32))))
    low, high = sorted(
        int(v) for v in np.clip(rng.integers(-spread, spread + 1, 2), reach.low, reach.high)
    )
    match kind:
        case AcceptKind.AT_LEAST:
            return AcceptSet(kind, low=low)
        case AcceptKind.AT_MOST:
            return AcceptSet(kind, high=high)
        case AcceptKind.INSIDE:
            return AcceptSet(kind, low=low, high=high)
        case AcceptKind.OUTSIDE if low < high:
            return AcceptSet(kind, low=low, high=high)
        case AcceptKind.OUTSIDE:
            return AcceptSet(AcceptKind.AT_MOST, high=high)
        case _:
            return AcceptSet(kind)


def thresholds_for(
    rng: np.random.Generator,
    network_input: NetworkInput,
    layers: list[Layer],
    channels: int,
    kinds: tuple[AcceptKind, ...],
) -> Threshold:
    """Random accept sets for the matrix layer that stands last (before its pools) in ``layers``."""
    # A network that ends here knows what each of its channels can reach.
    ends = Head((0,) * channels, (0,) * channels, (0,) * channels, 0)
    block = Network("n", network_input, (*layers, ends), tuple(map(str, range(channels)))).blocks[
        -1
    ]
    return Threshold(tuple(random_accept(rng, block.reach(c), kinds) for c in range(channels)))


@st.composite
def networks(
    draw: st.DrawFn,
    max_blocks: int = 4,
    channels: tuple[int, ...] = CHANNELS,
    max_samples: int = 40,
) -> Network:
    """Small legal networks: every kind of layer, padding, pool, accept set, odd sizes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed of the parameters"))
    network_input = NetworkInput(
        samples=draw(st.integers(1, max_samples)),
        bits=draw(st.sampled_from((2, 3, 8, 12, 16))),
        channels=draw(st.integers(1, 3)),
    )
    kinds = draw(st.sampled_from((tuple(AcceptKind), (AcceptKind.AT_LEAST, AcceptKind.AT_MOST))))
    width, length = network_input.channels, network_input.samples
    layers: list[Layer] = []
    blocks = draw(st.integers(1, max_blocks))
    for index in range(blocks):
        last = index == blocks - 1
        out = draw(st.integers(1, 9) if last else st.sampled_from(channels))
        if draw(st.integers(0, 4)) == 0:
            layers.append(Dense(f"dense{index}", random_bits(rng, out, width * length)))
            length = 1
        else:
            pad_left, pad_right = draw(st.integers(0, 6)), draw(st.integers(0, 6))
            padded = length + pad_left + pad_right
            kernel, stride = draw(st.integers(1, min(padded, 9))), draw(st.integers(1, 4))
            if index:
                pad_value = draw(st.sampled_from((-1, 1)))
            else:
                pad_value = draw(st.integers(network_input.low, network_input.high))
            weights = random_bits(rng, out, width, kernel)
            layers.append(Conv(f"conv{index}", weights, stride, pad_left, pad_right, pad_value))
            length = (padded - kernel) // stride + 1
        for over_bits in (False,) if last else (False, True):
            if over_bits:
                layers.append(thresholds_for(rng, network_input, layers, out, kinds))
            for _ in range(draw(st.integers(0, 2))):
                pool = MaxPool(draw(st.integers(1, min(length, 8))), draw(st.integers(1, 4)))
                layers.append(pool)
                length = pool.out_length(length)
        width = out
    layers.append(random_head(rng, width))
    return Network("random", network_input, tuple(layers), tuple(f"c{i}" for i in range(width)))


def random_head(rng: np.random.Generator, classes: int) -> Head:
    """Coefficients small enough that equal scores occur, or large."""
    scale = int(rng.choice((1, 3, 1 << 12)))
    values = rng.integers(-scale, scale + 1, (3, classes)).tolist()
    return Head(tuple(values[0]), tuple(values[1]), tuple(values[2]), 12)


def random_samples(network: Network, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Fragments over the full range of the input, its two ends included more often than by chance."""
    rng = np.random.default_rng(seed)
    of = network.input
    samples = rng.integers(of.low, of.high + 1, (count, of.channels, of.samples))
    ends = rng.random(samples.shape)
    samples[ends < 0.1] = of.low
    samples[ends > 0.9] = of.high
    if count > 2:
        samples[0], samples[1], samples[2] = of.low, of.high, 0
    return samples


def reference_network(
    kinds: tuple[AcceptKind, ...] = (AcceptKind.AT_LEAST, AcceptKind.AT_MOST), classes: int = 17
) -> Network:
    """The reference shape, 1-8-16-32-32-64-classes over 3600 samples of 12 bits, random parameters."""
    rng = np.random.default_rng(1)
    network_input = NetworkInput(samples=3600, bits=12)
    widths = (1, 8, 16, 32, 32, 64, classes)
    layers: list[Layer] = []
    for i in range(6):
        weights = random_bits(rng, widths[i + 1], widths[i], 7)
        layers.append(Conv(f"conv{i + 1}", weights, 1 if i else 2, 5, 5, 1 if i else 0))
        if i < 5:
            layers.append(thresholds_for(rng, network_input, layers, widths[i + 1], kinds))
        layers.append(MaxPool(7, 2))
    layers.append(random_head(rng, classes))
    return Network(
        "reference", network_input, tuple(layers), tuple(f"c{i}" for i in range(classes))
    )


def scores_as_list(scores: npt.NDArray[Any]) -> list[list[int]]:
    return [[int(v) for v in row] for row in scores]
