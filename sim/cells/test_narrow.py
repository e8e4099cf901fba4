"""bnn_narrow: one wide beat becomes several narrow ones, channels in the same order."""

from __future__ import annotations

import numpy as np

from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import random_bits
from sim.common.cases import CLOCKED, Bench, Case, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

BEATS = 20


def _case(width: int, factor: int) -> Case:
    bits = random_bits(np.random.default_rng([width, factor]), BEATS, width)
    return Case(
        f"w{width}_f{factor}",
        {"Width": width, "Factor": factor},
        (*CLOCKED, *stream_in("in", width), *stream_out("out", width // factor)),
        StreamData(
            [row_to_int(beat) for beat in bits],
            [row_to_int(part) for part in bits.reshape(-1, width // factor)],
            cycles=BEATS * factor,
        ),
    )


BENCH = Bench(
    "bnn_narrow",
    tuple(_case(w, f) for w, f in ((1, 1), (9, 1), (2, 2), (6, 3), (35, 5), (12, 4), (64, 8))),
    illegal=({"Width": 0}, {"Factor": 0}, {"Factor": 4}),
)

streams, reset_in_fragment = stream_tests(BENCH)
