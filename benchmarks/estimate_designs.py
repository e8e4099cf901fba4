"""Designs on which the estimator is fitted and checked: networks at foldings, the same in every run.

Training designs are random networks of two or three blocks at random folds, and matrix-vector units of
larger random layers alone, which are most of an accelerator. Held-out designs, which the fit never
sees, are shipped networks at several foldings and random networks from other seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bnn_hw.assets import models_dir
from bnn_hw.generate.folding import (
    Fold,
    Folding,
    default_cycles,
    digit_folds,
    fastest,
    held_cycles,
    legal_folds,
    override,
)
from bnn_hw.ir import AcceptKind, AcceptSet, Conv, Head, MaxPool, Network, NetworkInput, Threshold
from bnn_hw.ir.blocks import Block, group_blocks
from bnn_hw.ir.file import load_network
from bnn_hw.ir.layers import Layer

_TRAINING = 14
# Training designs whose head counts no peak; the others' has one.
_PLAIN_HEADS = 8
_PEAK_WEIGHT = 8
_UNITS = 24
# The first of them may take their window in slices, the others take it whole, as the cheapest do.
_SLICED_UNITS = 8
# Units with weights in block RAM, all of them and half, and first layers that work on digits.
_BLOCK_UNITS = 4
_DIGIT_UNITS = 5
_BLOCK_SEED = 710
_DIGIT_SEED = 800
_HELD_OUT = 8
_UNIT_SEED = 500
_HELD_OUT_SEED = 1000
# Fold steps a position of the random designs, class by class of what the products become.
_DEPTHS = ((1, 1), (2, 8), (9, 32), (33, 2000))
# Products a cycle, each as often as its ROM takes LUTs, of a random block: synthesis takes seconds.
_MOST_PRODUCTS = 250
_MOST_UNIT_PRODUCTS = 700
_SHIPPED = ("ecg5", "ecg17")
# Cycles a fragment of the shipped networks, as multiples of those at full rate.
_SLOWER = (1, 8, 40)


@dataclass(frozen=True)
class Design:
    """A network at a folding; ``held_out`` ones are for the check alone.

    ``only`` is the path of the one cell that is measured, such as ``conv2.u_mvu``.
    """

    name: str
    network: Network
    folding: Folding
    held_out: bool
    only: str | None = None


def designs() -> Iterator[Design]:
    """All designs: training, units for training, held-out random, held-out shipped."""
    for seed in range(_TRAINING):
        peak = _PEAK_WEIGHT if seed >= _PLAIN_HEADS else 0
        yield _random_design(f"train{seed}", seed, peak, held_out=False)
    for number in range(_UNITS):
        depths = _DEPTHS[number % len(_DEPTHS)]
        whole = number >= _SLICED_UNITS
        yield _random_unit(f"unit{number}", _UNIT_SEED + number, depths, whole)
    for number in range(_BLOCK_UNITS):
        depths = _DEPTHS[2 + number % 2]
        part = 1 + number // 2
        yield _random_unit(f"block{number}", _BLOCK_SEED + number, depths, False, part)
    for number in range(_DIGIT_UNITS):
        yield _digit_unit(f"digit{number}", _DIGIT_SEED + number)
    for seed in range(_HELD_OUT):
        peak = 0 if seed % 2 else _PEAK_WEIGHT
        yield _random_design(f"unseen{seed}", _HELD_OUT_SEED + seed, peak, held_out=True)
    for model in _SHIPPED:
        network = load_network(models_dir() / f"{model}.json")
        for slower in _SLOWER:
            cycles = slower * default_cycles(network)
            folds = [_plain_fold(network, block, cycles) for block in network.blocks]
            yield Design(f"{model}_{slower}x", network, _folding(network, folds), True)


def _plain_fold(network: Network, block: Block, cycles: int) -> str:
    """The fewest products a cycle that keep within ``cycles``; of equals the widest slice.

    The solver is not asked, so that new coefficients do not move the points they are checked at.
    """
    fitting = [f for f in legal_folds(block) if held_cycles(network, block, f) <= cycles]
    fold = min(fitting, key=lambda f: (f.pe * f.simd, -f.simd))
    return f"{fold.pe}x{fold.simd}"


def _random_design(name: str, seed: int, peak_weight: int, held_out: bool) -> Design:
    rng = np.random.default_rng(seed)
    network = _random_network(name, rng, peak_weight)
    folds = []
    for block in network.blocks:
        # The class of depth first, so that all are common.
        depths = _DEPTHS[int(rng.integers(len(_DEPTHS)))]
        folds.append(_random_fold(rng, block, depths, _MOST_PRODUCTS))
    return Design(name, network, _folding(network, folds), held_out)


def _random_unit(
    name: str, seed: int, depths: tuple[int, int], whole: bool, block_part: int = 0
) -> Design:
    """A layer over bits behind a layer as small as can be; its matrix-vector unit is measured.

    One part in ``block_part`` of its weights lies in block RAM, if that is not 0.
    """
    rng = np.random.default_rng(seed)
    channels, kernel = int(rng.choice((8, 16, 24, 32, 64))), int(rng.choice((3, 5, 7)))
    out = int(rng.choice((8, 12, 17, 24, 32, 64)))
    layers: list[Layer] = []
    for index, shape in enumerate(((channels, 1, 1), (out, channels, kernel))):
        weights = rng.integers(0, 2, shape).astype(np.uint8)
        layers.append(Conv(f"conv{index + 1}", weights, 1, 0, 0, -1))
        layers.append(_accept_sets(rng, shape[0], 4, two_sided=False))
    layers[-1:] = [Head((1,) * out, (1,) * out, (0,) * out, 1)]
    labels = tuple(f"c{index}" for index in range(out))
    network = Network(name, NetworkInput(100, 8, 1), tuple(layers), labels)
    fold = _random_fold(rng, network.blocks[1], depths, _MOST_UNIT_PRODUCTS, whole)
    folding = _folding(network, ["1x1", fold])
    if block_part:
        plain = folding.folds[1]
        in_block = replace(plain, block_bits=plain.pe * plain.simd // block_part)
        folding = override(network, folding, {"conv2": in_block})
    return Design(name, network, folding, False, "conv2.u_mvu")


def _digit_unit(name: str, seed: int) -> Design:
    """A first layer that works on digits, before a layer as small as can be; its unit is measured."""
    rng = np.random.default_rng(seed)
    channels, kernel = int(rng.choice((6, 8, 16, 24))), int(rng.choice((5, 7, 11, 16)))
    bits, stride = int(rng.integers(8, 13)), int(rng.integers(2, 5))
    first = rng.integers(0, 2, (channels, 1, kernel)).astype(np.uint8)
    last = rng.integers(0, 2, (1, channels, 1)).astype(np.uint8)
    layers: list[Layer] = [
        Conv("conv1", first, stride, 0, 0, -1),
        _accept_sets(rng, channels, 1 << (bits - 2), two_sided=False),
        Conv("conv2", last, 1, 0, 0, -1),
        Head((1,), (1,), (0,), 1),
    ]
    network = Network(name, NetworkInput(100, bits, 1), tuple(layers), ("c0",))
    folds = digit_folds(group_blocks(network.input, network.layers)[0])
    digits = min(folds, key=lambda fold: abs(fold.digits - stride))
    folding = override(network, fastest(network), {"conv1": digits})
    return Design(name, network, folding, False, "conv1.u_mvu")


def _folding(network: Network, folds: list[str]) -> Folding:
    named: dict[str, Any] = {}
    for block, fold in zip(network.blocks, folds, strict=True):
        named[block.name] = tuple(int(part) for part in fold.split("x"))
    return override(network, fastest(network), named)


def _random_fold(
    rng: np.random.Generator,
    block: Block,
    depths: tuple[int, int],
    most: int,
    whole: bool = False,
) -> str:
    """A fold of a class of depth, of at most so many products, and of the whole window if asked."""
    low, high = depths
    legal = [f for f in legal_folds(block) if not whole or f.simd == block.fan_in]
    small = [f for f in legal if _luts(block, f) <= most]
    small = small or [min(legal, key=lambda fold: _luts(block, fold))]
    fitting = [f for f in small if low <= f.steps(block) <= high] or small
    # The larger of two draws: most folds of a network are of a handful of products.
    drawn = [fitting[int(rng.integers(len(fitting)))] for _ in range(2)]
    fold: Fold = max(drawn, key=lambda f: f.pe * f.simd)
    return f"{fold.pe}x{fold.simd}"


def _luts(block: Block, fold: Fold) -> int:
    """Roughly; constant weights take the least."""
    steps, products = fold.steps(block), fold.pe * fold.simd
    return products // 3 if steps == 1 else products * -(-steps // 64)


def _random_network(name: str, rng: np.random.Generator, peak_weight: int) -> Network:
    channels, bits = int(rng.choice((1, 1, 1, 2))), int(rng.integers(6, 13))
    network_input = NetworkInput(int(rng.integers(60, 4000)), bits, channels)
    layers: list[Layer] = []
    count = int(rng.integers(2, 4))
    for index in range(count):
        last = index == count - 1
        out = int(rng.integers(2, 20)) if last else int(rng.choice((3, 4, 6, 8, 12, 16, 24, 32)))
        kernel, stride = int(rng.choice((1, 3, 5, 7, 9))), int(rng.choice((1, 1, 2)))
        left, right = (int(pad) for pad in rng.integers(0, kernel + 1, 2))
        weights = rng.integers(0, 2, (out, channels, kernel)).astype(np.uint8)
        layers.append(Conv(f"conv{index + 1}", weights, stride, left, right, -1))
        pools = [MaxPool(int(rng.integers(2, 8)), int(rng.integers(1, 4)))]
        pools *= int(rng.random() < 0.7)
        if last:
            layers += pools
        else:
            spread = int(np.sqrt(kernel * channels)) * (1 << (bits - 2) if index == 0 else 1)
            accept = _accept_sets(rng, out, max(1, spread), two_sided=rng.random() < 0.25)
            # Pools stand over sums or over bits.
            layers += [*pools, accept] if rng.random() < 0.7 else [accept, *pools]
        channels = out
    reach = 1 << int(rng.integers(4, 14))
    coefficients = rng.integers(-reach, reach, (3, channels)).tolist()
    layers.append(Head(*(tuple(row) for row in coefficients), 12, peak_weight))
    labels = tuple(f"c{index}" for index in range(channels))
    group_blocks(network_input, tuple(layers))
    return Network(name, network_input, tuple(layers), labels)


def _accept_sets(
    rng: np.random.Generator, channels: int, spread: int, two_sided: bool
) -> Threshold:
    sets = []
    for _ in range(channels):
        low, high = sorted(int(bound) for bound in rng.integers(-spread, spread + 1, 2))
        if two_sided and low < high and rng.random() < 0.5:
            sets.append(AcceptSet(AcceptKind.INSIDE, low, high))
        elif rng.random() < 0.5:
            sets.append(AcceptSet(AcceptKind.AT_LEAST, low, None))
        else:
            sets.append(AcceptSet(AcceptKind.AT_MOST, None, high))
    return Threshold(tuple(sets))
