"""bnn_centre: popcounts become signed sums, ``y = 2 * popcount - fan_in``."""

from __future__ import annotations

import numpy as np

from bnn_hw.golden.plain import plus_minus, window_sums
from bnn_hw.ir.layers import signed_bits
from sim.common.blocks import make_block, random_bits
from sim.common.cases import CLOCKED, Bench, Case, packed, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

BEATS = 24


def _case(lanes: int, fan_in: int) -> Case:
    rng = np.random.default_rng([lanes, fan_in])
    bits = random_bits(rng, BEATS, fan_in)
    bits[0], bits[1] = 0, 1
    rows = np.ones((lanes, fan_in), dtype=np.uint8)
    rows[1:] = random_bits(rng, lanes - 1, fan_in)
    sums = window_sums(make_block(rows), plus_minus(bits)[:, :, np.newaxis])[:, 0]
    popcounts = np.array([[(window == row).sum() for row in rows] for window in bits])
    sum_bits, lane_bits = fan_in.bit_length(), signed_bits((-fan_in, fan_in))
    return Case(
        f"p{lanes}_k{fan_in}",
        {"Lanes": lanes, "SumBits": sum_bits, "LaneBits": lane_bits, "FanIn": fan_in},
        (*CLOCKED, *stream_in("in", lanes * sum_bits), *stream_out("out", lanes * lane_bits)),
        StreamData(
            [packed([int(v) for v in beat], sum_bits).value for beat in popcounts],
            [packed([int(v) for v in beat], lane_bits).value for beat in sums],
            cycles=BEATS,
        ),
    )


BENCH = Bench(
    "bnn_centre",
    tuple(_case(lanes, fan_in) for lanes, fan_in in ((1, 1), (2, 14), (5, 448), (3, 7), (1, 8))),
    illegal=({"Lanes": 0}, {"SumBits": 0}, {"FanIn": 0}, {"LaneBits": 4}),
)

streams, reset_in_fragment = stream_tests(BENCH)
