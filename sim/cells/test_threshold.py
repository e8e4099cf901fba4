"""bnn_threshold: comparison bits against golden's bands, unsigned and signed, one and two sides."""

from __future__ import annotations

import dataclasses

import numpy as np

from bnn_hw.generate.folding import fastest, override
from bnn_hw.generate.plan import StagePlan, build_plan
from bnn_hw.golden.plain import comparison_bits
from bnn_hw.ir import AcceptKind, Block, Conv, Head, Network, NetworkInput, Threshold
from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import random_accept, random_bits
from sim.common.cases import CLOCKED, Bench, Case, packed, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

ONE_SIDED = (AcceptKind.AT_LEAST, AcceptKind.AT_MOST, AcceptKind.ALWAYS, AcceptKind.NEVER)


def stage_of(
    out: int, pe: int, fan_in: int, bits: int | None, kinds: tuple[AcceptKind, ...]
) -> tuple[Block, StagePlan]:
    """A block with random accept sets, and the thresholds a plan makes of them."""
    rng = np.random.default_rng([out, pe, fan_in, bits or 0])
    low, high = (-fan_in, fan_in) if bits is None else (-5, 5)
    accept = tuple(random_accept(rng, low, high, kinds) for _ in range(out))
    first = Conv("first", random_bits(rng, out, 1, fan_in))
    last = Conv("last", random_bits(rng, 2, out, 1))
    layers = [first, Threshold(accept), last, Head((1, 1), (1, 1), (0, 0), 0)]
    if bits is None:  # put an integer layer before it, so that the block under test is binary
        into = Conv("into", random_bits(rng, 1, 1, 1))
        layers = [into, Threshold((random_accept(rng, -1, 1, ONE_SIDED[:1]),)), *layers]
    network = Network("thresholds", NetworkInput(fan_in, bits or 3), tuple(layers), ("a", "b"))
    folds = {"first": (pe, fan_in)}
    plan = build_plan(network, override(network, fastest(network), folds))
    index = 0 if bits is not None else 1
    return network.blocks[index], plan.stages[index]


def _case(out: int, pe: int, fan_in: int, bits: int | None, kinds: tuple[AcceptKind, ...]) -> Case:
    block, stage = stage_of(out, pe, fan_in, bits, kinds)
    rng = np.random.default_rng([out, pe, fan_in])
    if bits is None:
        sums = 2 * rng.integers(0, fan_in + 1, (1, 20, out)) - fan_in
        sums[0, 0], sums[0, 1] = -fan_in, fan_in
        values = (sums + fan_in) // 2
    else:
        sums = rng.integers(-7, 8, (1, 20, out))
        sums[0, 0] = [block.reach(c).low for c in range(out)]
        sums[0, 1] = [block.reach(c).high for c in range(out)]
        values = sums
    golden = comparison_bits(dataclasses.replace(block, sum_pools=()), sums)[0]
    words, beats = [], []
    for position in range(20):
        sides = golden[position].reshape(stage.sides, stage.nf, pe)
        for fold in range(stage.nf):
            lanes = values[0, position, fold * pe : (fold + 1) * pe]
            words.append(packed([int(v) for v in lanes], stage.sum_bits).value)
            beats.append(row_to_int(np.ascontiguousarray(sides[:, fold]).reshape(-1)))
    return Case(
        f"o{out}_pe{pe}_k{fan_in}_" + (f"signed{bits}" if bits else "bits") + f"_s{stage.sides}",
        {
            "Pe": pe,
            "Nf": stage.nf,
            "Sides": stage.sides,
            "SumBits": stage.sum_bits,
            "Signed": int(bits is not None),
            "Thresholds": packed(stage.thresholds, stage.sum_bits),
        },
        (
            *CLOCKED,
            *stream_in("in", pe * stage.sum_bits),
            *stream_out("out", stage.sides * pe),
        ),
        StreamData(words, beats, cycles=len(beats)),
    )


BENCH = Bench(
    "bnn_threshold",
    (
        _case(1, 1, 1, None, ONE_SIDED[:2]),
        _case(4, 4, 21, None, ONE_SIDED),
        _case(6, 2, 13, None, tuple(AcceptKind)),
        _case(6, 1, 56, None, tuple(AcceptKind)),
        _case(3, 3, 7, None, (AcceptKind.INSIDE, AcceptKind.OUTSIDE)),
        _case(1, 1, 1, 4, ONE_SIDED[:2]),
        _case(8, 4, 7, 12, ONE_SIDED),
        _case(6, 3, 5, 5, tuple(AcceptKind)),
        _case(5, 1, 3, 16, tuple(AcceptKind)),
    ),
    illegal=({"Pe": 0}, {"Nf": 0}, {"Sides": 0}, {"Sides": 3}, {"SumBits": 0}),
)

streams, reset_in_fragment = stream_tests(BENCH)
