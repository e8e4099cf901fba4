"""Networks for the golden tests: the reference shape, and random legal ones."""

from __future__ import annotations

import numpy as np

from bnn_hw.ir import AcceptKind, AcceptSet, Conv, Head, MaxPool, Network, NetworkInput, Threshold
from bnn_hw.ir.accept import Reach


def random_accept(rng: np.random.Generator, reach: Reach, kinds: list[AcceptKind]) -> AcceptSet:
    kind = kinds[rng.integers(len(kinds))]
    # near zero most sums lie, so that both outcomes occur
    spread = max(1, (reach.high - reach.low) // 8)
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
            return AcceptSet(AcceptKind.AT_LEAST, low=low)
        case _:
            return AcceptSet(kind)


def reference_network(
    seed: int = 1,
    classes: int = 17,
    bits: int = 12,
    kinds: tuple[AcceptKind, ...] = (AcceptKind.AT_LEAST, AcceptKind.AT_MOST),
) -> Network:
    """The reference shape, 1-8-16-32-32-64-classes over 3600 samples, with random parameters."""
    rng = np.random.default_rng(seed)
    widths = (1, 8, 16, 32, 32, 64, classes)
    layers: list[object] = []
    for i in range(6):
        weights = rng.integers(0, 2, (widths[i + 1], widths[i], 7)).astype(np.uint8)
        layers += [
            Conv(f"conv{i + 1}", weights, 2 if i == 0 else 1, 5, 5, 0 if i == 0 else 1),
            MaxPool(7, 2),
        ]
        if i < 5:
            fan_in = widths[i] * 7
            peak = fan_in << (bits - 1) if i == 0 else fan_in
            # a maximum of 7 sums lies about one and a half deviations above zero
            centre = int(1.35 * (fan_in**0.5)) if i else peak // 8
            width = max(1, int(fan_in**0.5)) if i else peak // 8
            accept = []
            for _ in range(widths[i + 1]):
                low = int(centre + rng.integers(-width, width + 1))
                kind = kinds[rng.integers(len(kinds))]
                high = min(low + width, fan_in - 2 if i else peak - fan_in)
                low = min(low, high - 1)
                accept.append(
                    AcceptSet(
                        kind,
                        low=None if kind is AcceptKind.AT_MOST else low,
                        high=None if kind is AcceptKind.AT_LEAST else high,
                    )
                )
            layers.insert(-1, Threshold(tuple(accept)))
            layers[-2:] = [layers[-1], layers[-2]]
    head = Head(
        tuple(int(v) for v in rng.integers(-4000, 4000, classes)),
        tuple(int(v) for v in rng.integers(-4000, 4000, classes)),
        tuple(int(v) for v in rng.integers(-(1 << 20), 1 << 20, classes)),
        12,
    )
    return Network(
        name="reference",
        input=NetworkInput(samples=3600, bits=bits),
        layers=(*layers, head),  # type: ignore[arg-type]
        labels=tuple(f"c{i}" for i in range(classes)),
    )
