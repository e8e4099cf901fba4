"""bnn_mvu_bits: popcounts of XNOR against golden's sums, over folds from 1 to everything at once."""

from __future__ import annotations

import numpy as np

from bnn_hw.generate.folding import Fold
from bnn_hw.generate.pipeline import mvu_latency
from bnn_hw.generate.plan import rom_words
from bnn_hw.golden.plain import plus_minus, window_sums
from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import make_block, random_bits
from sim.common.cases import CLOCKED, Bench, Case, packed, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests


def _case(
    out: int,
    fan_in: int,
    pe: int,
    simd: int,
    wider: int = 0,
    windows: int = 12,
    block_bits: int = 0,
    streamed: int = 0,
    free: bool = False,
) -> Case:
    rng = np.random.default_rng([out, fan_in, pe, simd])
    rows = random_bits(rng, out, fan_in)
    nf, sf = out // pe, fan_in // simd
    bits = random_bits(rng, windows, fan_in)
    bits[0], bits[1], bits[2] = rows[0], 1 - rows[0], 1  # the extremes of channel 0, and all ones
    block, fold = make_block(rows), Fold(pe, simd, block_bits)
    sums = window_sums(block, plus_minus(bits)[:, :, np.newaxis])[:, 0]
    popcounts = (sums + fan_in) // 2
    sum_bits = fan_in.bit_length() + wider
    beats = [
        packed([int(v) for v in lanes], sum_bits).value
        for window in popcounts
        for lanes in window.reshape(nf, pe)
    ]
    return Case(
        f"o{out}_k{fan_in}_pe{pe}_simd{simd}"
        + (f"_block{block_bits}" if block_bits else "")
        + "_streamed" * streamed
        + "_free" * free,
        {
            "Pe": pe,
            "Simd": simd,
            "Nf": nf,
            "Sf": sf,
            "SumBits": sum_bits,
            "BlockBits": block_bits,
            "Streamed": streamed,
            "FreeRunning": int(free),
            "Weights": packed(rom_words(rows, fold), pe * simd),
        },
        (
            *CLOCKED,
            *stream_in("in", simd if streamed else fan_in),
            *stream_out("out", pe * sum_bits),
        ),
        StreamData(
            [
                row_to_int(part)
                for row in bits
                for part in (list(row.reshape(sf, simd)) * nf if streamed else [row])
            ],
            beats,
            cycles=windows * nf * sf,
            late_in=bool(streamed),
            skid_out=mvu_latency(block, fold) // sf if free else None,
        ),
    )


# Every way to the tallies, with and without an accumulator.
_FREE = (
    (4, 21, 4, 21),
    (17, 26, 17, 26),
    (6, 12, 2, 4),
    (5, 15, 5, 5),
    (9, 14, 3, 14),
    (12, 10, 1, 10),
    (40, 5, 1, 5),
    (10, 46, 2, 23),
    (2, 300, 1, 150),
)
BENCH = Bench(
    "bnn_mvu_bits",
    (
        _case(1, 1, 1, 1),
        _case(1, 7, 1, 7),  # constant weights, one lane
        _case(4, 21, 4, 21, wider=2),  # constant weights, full fold
        _case(3, 56, 3, 56),
        _case(16, 24, 16, 24),  # constant weights, shared adders
        _case(17, 49, 17, 49, wider=1),
        _case(40, 80, 40, 80, windows=6),
        _case(6, 12, 2, 4),
        _case(6, 12, 1, 1, windows=6),  # a step a weight: ROM of 72 words
        _case(5, 15, 5, 5),  # sf only
        _case(9, 14, 3, 14),  # nf only, up to 8 words
        _case(12, 10, 1, 10),
        _case(8, 56, 2, 7, windows=6),  # 32 words
        _case(3, 49, 1, 1, windows=4),
        _case(40, 5, 1, 5, windows=4),  # above 32 words
        _case(2, 300, 1, 150, windows=4),  # a deep tally
        _case(7, 1, 7, 1),
        _case(10, 46, 2, 23, windows=6),  # two slices in one LUT
        _case(16, 6, 2, 3, windows=6),
        _case(9, 14, 3, 14, block_bits=42),  # block RAM at any depth, whole words and parts of them
        _case(10, 46, 2, 23, windows=6, block_bits=46),
        _case(8, 56, 2, 7, windows=6, block_bits=9),
        _case(40, 5, 1, 5, windows=4, block_bits=5),
        _case(17, 60, 1, 20, windows=3, block_bits=18),
        _case(2, 3, 1, 3, block_bits=1),
        _case(17, 60, 1, 20, windows=3, block_bits=20, streamed=1),  # slices from a memory
        _case(8, 28, 2, 4, windows=6, streamed=1),  # 28 words
        _case(6, 46, 1, 23, windows=4, streamed=1),
        _case(5, 12, 1, 12, windows=5, streamed=1),
        _case(2, 9, 2, 9, windows=8, streamed=1),
        *(_case(*shape, free=True) for shape in _FREE),
        _case(40, 5, 1, 5, windows=4, block_bits=5, free=True),
    ),
    illegal=(
        {"Pe": 0},
        {"Simd": 0},
        {"Nf": 0},
        {"Sf": 0},
        {"SumBits": 3},
        {"BlockBits": -1},
        {"BlockBits": 15},
        {"Nf": 1, "Sf": 1, "BlockBits": 1},
    ),
)

streams, reset_in_fragment = stream_tests(BENCH)
