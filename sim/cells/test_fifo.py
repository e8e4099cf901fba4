"""bnn_fifo: order kept at every depth, full throughput from depth 2 on."""

from __future__ import annotations

import random

from sim.common.cases import CLOCKED, Bench, Case, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

WORDS = 60


def _case(width: int, depth: int) -> Case:
    rng = random.Random(1000 * width + depth)
    words = [rng.getrandbits(width) for _ in range(WORDS)]
    return Case(
        f"w{width}_d{depth}",
        {"Width": width, "Depth": depth},
        (*CLOCKED, *stream_in("in", width), *stream_out("out", width)),
        StreamData(words, words, cycles=WORDS if depth > 1 else 2 * WORDS),
    )


BENCH = Bench(
    "bnn_fifo",
    tuple(
        _case(width, depth)
        for width, depth in ((1, 1), (8, 1), (1, 2), (12, 2), (3, 3), (65, 4), (7, 5), (2, 16))
    ),
    illegal=({"Width": 0}, {"Depth": 0}),
)

streams, reset_in_fragment = stream_tests(BENCH)
