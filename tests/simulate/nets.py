"""A small network and plan for the simulate tests, with every kind of tap."""

from __future__ import annotations

import numpy as np

from bnn_hw.generate.folding import Folding, fastest, override
from bnn_hw.generate.plan import Plan, build_plan
from bnn_hw.ir import AcceptKind, AcceptSet, Conv, Head, MaxPool, Network, NetworkInput, Threshold


def small_network(seed: int = 1) -> Network:
    """Three blocks: integers with one-sided sets, a two-sided layer, a last layer with a pool."""
    rng = np.random.default_rng(seed)

    def weights(out: int, into: int, kernel: int) -> np.ndarray:
        return rng.integers(0, 2, (out, into, kernel)).astype(np.uint8)

    kinds = AcceptKind
    return Network(
        name="little",
        input=NetworkInput(samples=40, bits=5),
        layers=(
            Conv("conv1", weights(4, 1, 5), 2, 3, 2, 7),
            MaxPool(3, 2),
            Threshold(
                (
                    AcceptSet(kinds.AT_LEAST, low=9),
                    AcceptSet(kinds.AT_MOST, high=20),
                    AcceptSet(kinds.ALWAYS),
                    AcceptSet(kinds.AT_LEAST, low=14),
                )
            ),
            Conv("conv2", weights(6, 4, 3), 1, 1, 1, 1),
            Threshold(
                (
                    AcceptSet(kinds.INSIDE, low=-2, high=4),
                    AcceptSet(kinds.OUTSIDE, low=-4, high=2),
                    AcceptSet(kinds.AT_LEAST, low=0),
                    AcceptSet(kinds.AT_MOST, high=1),
                    AcceptSet(kinds.NEVER),
                    AcceptSet(kinds.INSIDE, low=0, high=0),
                )
            ),
            MaxPool(2, 2),
            Conv("conv3", weights(4, 6, 2), 1, 0, 0),
            MaxPool(2, 1),
            Head((3, -2, 5, 1), (1, 1, -1, 2), (10, 0, -7, 3), 4),
        ),
        labels=("a", "b", "c", "d"),
    )


def folding_of(network: Network, folds: dict[str, tuple[int, int]]) -> Folding:
    return override(network, fastest(network), folds)


def little_folding(network: Network) -> Folding:
    """Neither one lane nor all, in every layer."""
    return folding_of(network, {"conv1": (2, 5), "conv2": (3, 4), "conv3": (2, 12)})


def small_plan(network: Network | None = None) -> Plan:
    network = network or small_network()
    return build_plan(network, little_folding(network))


def small_samples(fragments: int = 3, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).integers(-16, 16, (fragments, 40)).astype(np.int16)
