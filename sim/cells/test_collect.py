"""bnn_collect: beats of a position become one word, channel 0 in bit 0."""

from __future__ import annotations

import numpy as np

from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import random_bits
from sim.common.cases import CLOCKED, Bench, Case, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

POSITIONS = 20


def _case(pe: int, nf: int) -> Case:
    bits = random_bits(np.random.default_rng([pe, nf]), POSITIONS, nf * pe)
    return Case(
        f"pe{pe}_nf{nf}",
        {"Pe": pe, "Nf": nf},
        (*CLOCKED, *stream_in("in", pe), *stream_out("out", pe * nf)),
        StreamData(
            [row_to_int(lanes) for lanes in bits.reshape(-1, pe)],
            [row_to_int(word) for word in bits],
            cycles=POSITIONS * nf,
        ),
    )


BENCH = Bench(
    "bnn_collect",
    tuple(_case(pe, nf) for pe, nf in ((1, 1), (8, 1), (1, 2), (1, 5), (3, 3), (4, 8), (17, 2))),
    illegal=({"Pe": 0}, {"Nf": 0}),
)

streams, reset_in_fragment = stream_tests(BENCH)
