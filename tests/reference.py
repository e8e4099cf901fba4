"""A network of the reference shape with random weights and thresholds, for tests."""

from __future__ import annotations

import numpy as np

from bnn_hw.ir import AcceptKind, AcceptSet, Conv, Head, MaxPool, Network, NetworkInput, Threshold

CHANNELS = (1, 8, 16, 32, 32, 64)


def reference_network(classes: int = 17, bits: int = 8, seed: int = 1) -> Network:
    """1-8-16-32-32-64-classes, kernel 7, padding 5 with -1, pools 7/2."""
    rng = np.random.default_rng(seed)
    channels = (*CHANNELS, classes)
    layers: list = []
    for i in range(6):
        shape = (channels[i + 1], channels[i], 7)
        layers.append(Conv(f"conv{i + 1}", rng.integers(0, 2, shape), 2 if i == 0 else 1, 5, 5, -1))
        layers.append(MaxPool(7, 2))
        if i < 5:
            # Near the middle of what a pooled sum takes, so that both values are common.
            spread = 2 ** (bits - 1) if i == 0 else int(np.sqrt(7 * channels[i]))
            kinds = rng.choice([AcceptKind.AT_LEAST, AcceptKind.AT_MOST], channels[i + 1])
            bounds = rng.integers(spread // 2, 2 * spread, channels[i + 1])
            layers.append(
                Threshold(
                    tuple(
                        AcceptSet(k, int(b))
                        if k is AcceptKind.AT_LEAST
                        else AcceptSet(k, None, int(b))
                        for k, b in zip(kinds, bounds, strict=True)
                    )
                )
            )
    coefficients = rng.integers(-(1 << 13), 1 << 13, (3, classes))
    layers.append(Head(*(tuple(int(v) for v in row) for row in coefficients), 12))
    labels = tuple(f"c{i}" for i in range(classes))
    return Network("reference", NetworkInput(3600, bits), tuple(layers), labels)
