"""Small networks that cross what a generated design can be made of, with real ECG cut to fit them.

Random weights, unusual shapes: paddings beyond the kernel, a kernel beyond the length, gaps between
pools, two-sided accept sets, several leads, dense layers, a single layer, results of 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bnn_hw.ecg.slices import load_slices
from bnn_hw.generate.folding import (
    Folding,
    divisors,
    fastest,
    folding_of,
    legal_samples_per_beat,
    override,
)
from bnn_hw.generate.solver import solve
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
from bnn_hw.ir.layers import Layer
from sim.common.blocks import random_accept, random_bits

ALL_KINDS = tuple(AcceptKind)
ONE_SIDED = (AcceptKind.AT_LEAST, AcceptKind.AT_MOST, AcceptKind.ALWAYS, AcceptKind.NEVER)


@dataclass(frozen=True)
class NetworkCase:
    """A network and how it is folded."""

    network: Network
    folding: Folding


def _accept(
    rng: np.random.Generator, count: int, spread: int, kinds: tuple[AcceptKind, ...]
) -> Threshold:
    """Accept sets near 0, where the sums are, so that bits of both kinds come out."""
    return Threshold(tuple(random_accept(rng, -spread, spread, kinds) for _ in range(count)))


def _head(rng: np.random.Generator, classes: int, bits: int, peak_weight: int = 0) -> Head:
    def draw(width: int) -> tuple[int, ...]:
        return tuple(int(v) for v in rng.integers(-(1 << (width - 1)), 1 << (width - 1), classes))

    return Head(draw(bits), draw(max(1, bits - 2)), draw(bits + 3), 4, peak_weight)


def _network(name: str, take: NetworkInput, layers: list[Layer], head: Head) -> Network:
    labels = tuple(f"class {c}" for c in range(len(head.positive)))
    return Network(name, take, (*layers, head), labels)


def _classic(rng: np.random.Generator) -> Network:
    """The reference block in small: pads, pools over sums, one-sided and two-sided sets."""
    return _network(
        "classic",
        NetworkInput(samples=120, bits=8),
        [
            Conv("conv1", random_bits(rng, 6, 1, 7), 2, 5, 5, -3),
            MaxPool(5, 2),
            _accept(rng, 6, 40, ALL_KINDS),
            Conv("conv2", random_bits(rng, 8, 6, 5), 1, 3, 3, 1),
            MaxPool(3, 2),
            _accept(rng, 8, 7, ONE_SIDED),
            Conv("conv3", random_bits(rng, 5, 8, 3), 1, 1, 1, -1),
            MaxPool(2, 2),
        ],
        _head(rng, 5, 10),
    )


def _odd(rng: np.random.Generator) -> Network:
    """Paddings above the kernel, gaps between pools, pools over sums and bits, two leads."""
    return _network(
        "odd",
        NetworkInput(samples=37, bits=6, channels=2),
        [
            Conv("wide_pad", random_bits(rng, 3, 2, 3), 2, 5, 7, 9),
            _accept(rng, 3, 30, ALL_KINDS),
            MaxPool(3, 1),
            MaxPool(2, 3),
            Conv("long_kernel", random_bits(rng, 6, 3, 9), 1, 4, 3, 1),
            MaxPool(1, 2),
            _accept(rng, 6, 9, ALL_KINDS),
            Dense("dense", random_bits(rng, 4, 6 * 3)),
        ],
        _head(rng, 4, 6, peak_weight=4),
    )


def _single(rng: np.random.Generator) -> Network:
    """One layer alone: integers straight to the head, with a pool over sums."""
    return _network(
        "single",
        NetworkInput(samples=21, bits=5),
        [Conv("only", random_bits(rng, 6, 1, 4), 3, 2, 0, 7), MaxPool(2, 1)],
        _head(rng, 6, 5, peak_weight=1),
    )


def _points(rng: np.random.Generator) -> Network:
    """Kernels of 1, strides beyond the kernel, one channel, results of 64 bits."""
    return _network(
        "points",
        NetworkInput(samples=30, bits=11),
        [
            Conv("point1", random_bits(rng, 1, 1, 1), 2),
            Threshold((AcceptSet(AcceptKind.AT_LEAST, low=1),)),
            Conv("point2", random_bits(rng, 4, 1, 2), 3, 0, 1, 1),
            _accept(rng, 4, 2, ONE_SIDED),
            Conv("point3", random_bits(rng, 2, 4, 1)),
        ],
        _head(rng, 2, 40),
    )


def _lanes(rng: np.random.Generator) -> Network:
    """Two leads, stride 4, paddings that are no whole beats at two or four samples a cycle."""
    return _network(
        "lanes",
        NetworkInput(samples=64, bits=7, channels=2),
        [
            Conv("conv1", random_bits(rng, 4, 2, 10), 4, 7, 2, -5),
            MaxPool(3, 2),
            _accept(rng, 4, 60, ALL_KINDS),
            Conv("conv2", random_bits(rng, 6, 4, 3), 1, 2, 0, 1),
        ],
        _head(rng, 6, 7, peak_weight=2),
    )


_MAKERS: dict[str, Callable[[np.random.Generator], Network]] = {
    "classic": _classic,
    "odd": _odd,
    "single": _single,
    "points": _points,
    "lanes": _lanes,
}


def _slowest(network: Network) -> Folding:
    return override(network, fastest(network), {block.name: (1, 1) for block in network.blocks})


def _middle(network: Network) -> Folding:
    """A divisor in the middle everywhere: neither one lane nor all."""
    folds = {}
    for block in network.blocks:
        lanes, elements = divisors(block.out_channels), divisors(block.fan_in)
        folds[block.name] = (lanes[len(lanes) // 2], elements[len(elements) // 2])
    return override(network, fastest(network), folds)


def _solved(network: Network) -> Folding:
    return solve(network, 2 * fastest(network).cycles)


def _wide(network: Network) -> Folding:
    """As many samples a cycle as there can be, everything unrolled."""
    return fastest(network, legal_samples_per_beat(network)[-1])


def _wide_folded(network: Network) -> Folding:
    """More than one sample a cycle at folds of the middle."""
    folds = _middle(network).folds
    return folding_of(network, folds, legal_samples_per_beat(network)[1])


_FOLDINGS: dict[str, Callable[[Network], Folding]] = {
    "fastest": fastest,
    "middle": _middle,
    "solved": _solved,
    "slowest": _slowest,
    "wide": _wide,
    "wide_folded": _wide_folded,
}
# Which network at which folding: each of both at least once, the costly pairs left out.
_CASES = (
    ("classic", "fastest"),
    ("classic", "solved"),
    ("classic", "middle"),
    ("odd", "middle"),
    ("odd", "slowest"),
    ("single", "fastest"),
    ("single", "middle"),
    ("points", "slowest"),
    ("classic", "wide"),
    ("single", "wide"),
    ("points", "wide"),
    ("lanes", "wide"),
    ("lanes", "wide_folded"),
)


def small_networks() -> dict[str, NetworkCase]:
    """Every small network of the bench by name."""
    cases = {}
    for number, (name, folding) in enumerate(_CASES):
        network = _MAKERS[name](np.random.default_rng([20240501, number]))
        cases[f"{name}_{folding}"] = NetworkCase(network, _FOLDINGS[folding](network))
    return cases


def ecg_for(network: Network, fragments: int) -> npt.NDArray[np.int16]:
    """Real ECG cut to a small network: ``(fragments, channels, samples) int16`` in its range.

    Pieces of the shipped fragments about the beat with the largest swing, each scaled to fill the
    input's bits.
    """
    take = network.input
    records = load_slices("ecg17").samples.astype(np.int64)
    pieces = np.empty((fragments, take.channels, take.samples), dtype=np.int16)
    for fragment in range(fragments):
        for channel in range(take.channels):
            record = records[(fragment * take.channels + channel) % len(records)]
            record = record[:: max(1, 120 // take.samples)]
            peak = int(np.abs(np.diff(record)).argmax())
            start = min(max(0, peak - take.samples // 2), len(record) - take.samples)
            piece = record[start : start + take.samples]
            piece = piece - int(np.median(piece))
            largest = max(1, int(np.abs(piece).max()))
            pieces[fragment, channel] = piece * take.high // largest
    return pieces
