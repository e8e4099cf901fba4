"""bnn_mvu_int: signed sums of integer windows against golden, over folds and element widths."""

from __future__ import annotations

import numpy as np

from bnn_hw.generate.folding import Fold
from bnn_hw.generate.pipeline import mvu_latency
from bnn_hw.generate.plan import rom_words
from bnn_hw.golden.plain import window_sums
from sim.common.blocks import make_block, random_bits
from sim.common.cases import CLOCKED, Bench, Case, packed, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests


def _case(
    out: int,
    fan_in: int,
    pe: int,
    simd: int,
    bits: int,
    windows: int = 12,
    block_bits: int = 0,
    streamed: int = 0,
    free: bool = False,
) -> Case:
    rng = np.random.default_rng([out, fan_in, pe, simd, bits])
    rows = random_bits(rng, out, fan_in)
    block = make_block(rows, input_bits=bits)
    fold = Fold(pe, simd, block_bits)
    nf, sf = out // pe, fan_in // simd
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = rng.integers(low, high + 1, (windows, fan_in))
    # the extremes of channel 0 and of all windows
    values[0] = np.where(rows[0] == 1, high, low)
    values[1] = np.where(rows[0] == 1, low, high)
    values[2], values[3] = low, high
    sums = window_sums(block, values[:, :, np.newaxis])[:, 0]
    beats = [
        packed([int(v) for v in lanes], block.sum_bits).value
        for window in sums
        for lanes in window.reshape(nf, pe)
    ]
    return Case(
        f"o{out}_k{fan_in}_pe{pe}_simd{simd}_b{bits}"
        + (f"_block{block_bits}" if block_bits else "")
        + "_streamed" * streamed
        + "_free" * free,
        {
            "Pe": pe,
            "Simd": simd,
            "Nf": nf,
            "Sf": sf,
            "ElementBits": bits,
            "SumBits": block.sum_bits,
            "BlockBits": block_bits,
            "Streamed": streamed,
            "FreeRunning": int(free),
            "Weights": packed(rom_words(rows, fold), pe * simd),
        },
        (
            *CLOCKED,
            *stream_in("in", (simd if streamed else fan_in) * bits),
            *stream_out("out", pe * block.sum_bits),
        ),
        StreamData(
            [
                packed([int(v) for v in part], bits).value
                for window in values
                for part in (list(window.reshape(sf, simd)) * nf if streamed else [window])
            ],
            beats,
            cycles=windows * nf * sf,
            late_in=bool(streamed),
            skid_out=mvu_latency(block, fold) // sf if free else None,
        ),
    )


BENCH = Bench(
    "bnn_mvu_int",
    (
        _case(1, 1, 1, 1, 2),
        _case(8, 7, 8, 7, 12),  # the reference's first block, unrolled
        _case(8, 7, 4, 7, 12),
        _case(8, 7, 1, 1, 12, windows=6),
        _case(4, 6, 2, 3, 16),
        _case(3, 5, 3, 1, 4),
        _case(3, 10, 1, 5, 5),
        _case(6, 9, 3, 9, 2),
        _case(5, 3, 5, 3, 8),
        _case(2, 24, 1, 12, 3),
        _case(8, 7, 4, 7, 12, block_bits=28),
        _case(6, 9, 3, 3, 5, block_bits=4),
        _case(8, 16, 4, 1, 11, windows=6, streamed=1),  # slices from a memory
        _case(6, 9, 2, 3, 5, block_bits=6, streamed=1),
        _case(4, 3, 2, 3, 4, streamed=1),
        _case(8, 7, 8, 7, 12, free=True),
        _case(1, 1, 1, 1, 2, free=True),
        _case(4, 6, 2, 3, 16, free=True),
        _case(3, 10, 1, 5, 5, free=True),
        _case(8, 7, 4, 7, 12, block_bits=28, free=True),
    ),
    illegal=(
        {"Pe": 0},
        {"Simd": 0},
        {"Nf": 0},
        {"Sf": 0},
        {"ElementBits": 0},
        {"SumBits": 0},
        {"BlockBits": 7},
        {"Nf": 1, "Sf": 1, "Streamed": 1},
    ),
)

streams, reset_in_fragment = stream_tests(BENCH)
