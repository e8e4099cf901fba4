"""bnn_mvu_digits: signed sums of integer windows, digit by digit, against golden."""

from __future__ import annotations

import numpy as np

from bnn_hw.generate.folding import Fold
from bnn_hw.generate.pipeline import mvu_latency
from bnn_hw.golden.plain import window_sums
from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import make_block, random_bits
from sim.common.cases import CLOCKED, Bench, Case, packed, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests


def _case(
    out: int, fan_in: int, bits: int, digits: int, windows: int = 12, free: bool = False
) -> Case:
    rng = np.random.default_rng([out, fan_in, bits, digits])
    rows = random_bits(rng, out, fan_in)
    if out > 3:
        rows[2], rows[3] = rows[0], 1 - rows[1]  # equal and opposite lanes
    block = make_block(rows, input_bits=bits)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = rng.integers(low, high + 1, (windows, fan_in))
    # the extremes of channel 0 and of all windows
    values[0] = np.where(rows[0] == 1, high, low)
    values[1] = np.where(rows[0] == 1, low, high)
    values[2], values[3] = low, high
    fold = Fold(out, fan_in, digits=digits)
    sums = window_sums(block, values[:, :, np.newaxis])[:, 0]
    return Case(
        f"o{out}_k{fan_in}_b{bits}_d{digits}" + "_free" * free,
        {
            "Pe": out,
            "Simd": fan_in,
            "ElementBits": bits,
            "SumBits": block.sum_bits,
            "Digits": digits,
            "FreeRunning": int(free),
            "Weights": packed([row_to_int(row) for row in rows], fan_in),
        },
        (*CLOCKED, *stream_in("in", fan_in * bits), *stream_out("out", out * block.sum_bits)),
        StreamData(
            [packed([int(v) for v in window], bits).value for window in values],
            [packed([int(v) for v in lanes], block.sum_bits).value for lanes in sums],
            cycles=windows * digits,
            skid_out=mvu_latency(block, fold) // digits if free else None,
        ),
    )


BENCH = Bench(
    "bnn_mvu_digits",
    (
        _case(1, 1, 2, 1),
        _case(2, 1, 5, 3),
        _case(3, 2, 6, 2),
        _case(16, 16, 11, 4),  # the first block of the shipped networks
        _case(8, 7, 12, 4),
        _case(5, 6, 4, 7, windows=6),  # one bit a digit
        _case(4, 5, 8, 1),
        _case(6, 9, 3, 2),
        _case(4, 13, 7, 5, windows=6),
        _case(16, 16, 11, 4, free=True),
        _case(3, 2, 6, 2, free=True),
        _case(4, 13, 7, 5, windows=6, free=True),
    ),
    illegal=({"Pe": 0}, {"Simd": 0}, {"Digits": 0}, {"ElementBits": 0}, {"SumBits": 0}),
)

streams, reset_in_fragment = stream_tests(BENCH)
