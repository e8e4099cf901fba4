"""bnn_fifo: order kept at every depth, full throughput from depth 2 on, with room for what is on its way."""

from __future__ import annotations

import random

from sim.common.cases import CLOCKED, Bench, Case, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

WORDS = 60


def _case(width: int, depth: int, skid: int = 0) -> Case:
    rng = random.Random(1000 * width + depth)
    words = [rng.getrandbits(width) for _ in range(WORDS)]
    return Case(
        f"w{width}_d{depth}" + f"_skid{skid}" * (skid > 0),
        {"Width": width, "Depth": depth, "Skid": skid},
        (*CLOCKED, *stream_in("in", width), *stream_out("out", width)),
        StreamData(
            words, words, cycles=WORDS if depth > 1 else 2 * WORDS, skid_in=skid if skid else None
        ),
    )


BENCH = Bench(
    "bnn_fifo",
    tuple(
        _case(width, depth)
        for width, depth in ((1, 1), (8, 1), (1, 2), (12, 2), (3, 3), (65, 4), (7, 5), (2, 16))
    )
    + tuple(
        _case(width, skid + 2, skid)
        for width, skid in ((4, 1), (1, 2), (16, 3), (9, 7), (3, 14), (2, 31))
    ),
    illegal=({"Width": 0}, {"Depth": 0}, {"Skid": -1}, {"Depth": 2, "Skid": 2}),
)

streams, reset_in_fragment = stream_tests(BENCH)
