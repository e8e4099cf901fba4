"""Networks for the golden tests beside the shared strategies: the reference shape, and wide ones."""

from __future__ import annotations

import numpy as np

from bnn_hw.ir import AcceptKind, Conv, Head, MaxPool, Network, NetworkInput, Threshold
from bnn_hw.ir.blocks import group_blocks
from bnn_hw.ir.layers import Layer
from tests.strategies import class_labels, random_accept, random_bits


def thresholds_after(
    rng: np.random.Generator,
    network_input: NetworkInput,
    layers: list[Layer],
    channels: int,
    kinds: tuple[AcceptKind, ...],
) -> Threshold:
    """Random accept sets for the layer that stands last in ``layers``."""
    ends = Head((0,) * channels, (0,) * channels, (0,) * channels, 0)
    block = group_blocks(network_input, (*layers, ends))[-1]
    picked = (kinds[int(k)] for k in rng.integers(0, len(kinds), channels))
    return Threshold(tuple(random_accept(rng, block.reach(c), k) for c, k in enumerate(picked)))


def random_head(rng: np.random.Generator, classes: int) -> Head:
    """Coefficients of a few bits."""
    positive, negative, offset = rng.integers(-50, 51, (3, classes)).tolist()
    return Head(tuple(positive), tuple(negative), tuple(offset), 4)


def reference_network(
    kinds: tuple[AcceptKind, ...] = (AcceptKind.AT_LEAST, AcceptKind.AT_MOST),
) -> Network:
    """The reference shape, 1-8-16-32-32-64-17 over 3600 samples of 12 bits, any accept sets."""
    rng = np.random.default_rng(1)
    network_input = NetworkInput(samples=3600, bits=12)
    widths = (1, 8, 16, 32, 32, 64, 17)
    layers: list[Layer] = []
    for i in range(6):
        weights = random_bits(rng, widths[i + 1], widths[i], 7)
        layers.append(Conv(f"conv{i + 1}", weights, 1 if i else 2, 5, 5, 1 if i else 0))
        if i < 5:
            layers.append(thresholds_after(rng, network_input, layers, widths[i + 1], kinds))
        layers.append(MaxPool(7, 2))
    layers.append(random_head(rng, 17))
    return Network("reference", network_input, tuple(layers), class_labels(17))


def wide_network(channels: int, seed: int) -> Network:
    """Two layers of bits around a word wide, so that taps straddle words and words have tails."""
    rng = np.random.default_rng(seed)
    network_input = NetworkInput(samples=12, bits=4)
    layers: list[Layer] = [Conv("first", random_bits(rng, channels, 1, 3), 1, 1, 1, 2)]
    for name in ("second", "third"):
        layers.append(thresholds_after(rng, network_input, layers, channels, tuple(AcceptKind)))
        layers.append(MaxPool(int(rng.integers(1, 4)), 1))
        kernel, stride = int(rng.integers(1, 8)), int(rng.integers(1, 3))
        pad_left, pad_right = (int(v) for v in rng.integers(kernel // 2, kernel + 3, 2))
        weights = random_bits(rng, channels if name == "second" else 3, channels, kernel)
        pad_value = int(rng.choice((-1, 1)))
        layers.append(Conv(name, weights, stride, pad_left, pad_right, pad_value))
    layers.append(random_head(rng, 3))
    return Network("wide", network_input, tuple(layers), class_labels(3))
