"""bnn_decide: comparison bits and polarity become accept bits, as the accept sets themselves say."""

from __future__ import annotations

import numpy as np

from bnn_hw.golden.plain import accepted, comparison_bits
from bnn_hw.ir import AcceptKind
from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import make_block, random_accept, random_bits
from sim.common.cases import CLOCKED, Bench, Case, Wide, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

FAN_IN, POSITIONS = 9, 24
ONE_SIDED = (AcceptKind.AT_LEAST, AcceptKind.AT_MOST, AcceptKind.ALWAYS, AcceptKind.NEVER)


def _case(out: int, pe: int, kinds: tuple[AcceptKind, ...]) -> Case:
    rng = np.random.default_rng([out, pe, len(kinds)])
    accept = tuple(random_accept(rng, -FAN_IN, FAN_IN, kinds) for _ in range(out))
    block = make_block(random_bits(rng, out, FAN_IN), accept=accept)
    sides, nf = 2 if block.two_sided else 1, out // pe
    sums = 2 * rng.integers(0, FAN_IN + 1, (1, POSITIONS, out)) - FAN_IN
    comparisons = comparison_bits(block, sums)[0].reshape(POSITIONS, sides, nf, pe)
    words = [
        row_to_int(np.ascontiguousarray(comparisons[position, :, fold]).reshape(-1))
        for position in range(POSITIONS)
        for fold in range(nf)
    ]
    beats = [row_to_int(lanes) for lanes in accepted(block, sums)[0].reshape(-1, pe)]
    invert = row_to_int(np.array([band.invert for band in block.bands()], dtype=np.uint8))
    return Case(
        f"o{out}_pe{pe}_s{sides}",
        {"Pe": pe, "Nf": nf, "Sides": sides, "Invert": Wide(out, invert)},
        (*CLOCKED, *stream_in("in", sides * pe), *stream_out("out", pe)),
        StreamData(words, beats, cycles=len(beats)),
    )


BENCH = Bench(
    "bnn_decide",
    (
        _case(1, 1, ONE_SIDED),
        _case(8, 8, ONE_SIDED),
        _case(12, 4, ONE_SIDED),
        _case(5, 1, ONE_SIDED),
        _case(4, 4, tuple(AcceptKind)),
        _case(9, 3, tuple(AcceptKind)),
        _case(6, 1, (AcceptKind.INSIDE, AcceptKind.OUTSIDE)),
    ),
    illegal=({"Pe": 0}, {"Nf": 0}, {"Sides": 0}, {"Sides": 3}),
)

streams, reset_in_fragment = stream_tests(BENCH)
