"""bnn_pool: max over time on a folded stream against golden, over bits and over signed lanes."""

from __future__ import annotations

import numpy as np

from bnn_hw.golden.plain import max_pool
from bnn_hw.ir import MaxPool
from sim.common.cases import CLOCKED, Bench, Case, packed, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests

FRAGMENTS = 3


def _case(
    lanes: int,
    bits: int,
    signed: int,
    nf: int,
    size: int,
    stride: int,
    positions: int,
    memory: int = 0,
) -> Case:
    rng = np.random.default_rng([lanes, bits, signed, nf, size, stride, positions])
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
    values = rng.integers(low, high, (FRAGMENTS, positions, nf * lanes))
    if bits == 1:
        values &= rng.integers(low, high, values.shape)  # an OR of even odds is nearly always 1
    pool = MaxPool(size, stride)
    pooled = max_pool(values, pool)

    def beats(array: np.ndarray) -> list[int]:
        return [packed([int(v) for v in beat], bits).value for beat in array.reshape(-1, lanes)]

    return Case(
        f"p{lanes}x{bits}{'s' if signed else 'u'}_nf{nf}_size{size}_s{stride}_n{positions}"
        + "_memory" * memory,
        {
            "Lanes": lanes,
            "LaneBits": bits,
            "Signed": signed,
            "Nf": nf,
            "Size": size,
            "Stride": stride,
            "InPositions": positions,
            "OutPositions": pool.out_length(positions),
            "Memory": memory,
        },
        (*CLOCKED, *stream_in("in", lanes * bits), *stream_out("out", lanes * bits)),
        StreamData(beats(values), beats(pooled), cycles=FRAGMENTS * positions * nf),
    )


BENCH = Bench(
    "bnn_pool",
    (
        _case(1, 1, 0, 1, 1, 1, 1),
        _case(4, 1, 0, 1, 7, 2, 20),  # the reference pool
        _case(2, 1, 0, 4, 7, 2, 17),
        _case(3, 1, 0, 3, 3, 1, 11),
        _case(2, 1, 0, 2, 2, 2, 9),  # left-over position
        _case(2, 1, 0, 2, 2, 5, 14),  # gaps
        _case(1, 1, 0, 3, 1, 3, 10),  # decimation
        _case(5, 1, 0, 1, 6, 6, 6),  # one window
        _case(2, 1, 0, 1, 5, 3, 16),
        _case(2, 5, 1, 2, 3, 2, 11),
        _case(3, 7, 1, 1, 7, 2, 15),
        _case(1, 2, 1, 5, 4, 3, 13),
        _case(2, 4, 0, 2, 3, 3, 10),  # unsigned lanes
        _case(1, 6, 1, 2, 9, 1, 9),
        _case(1, 1, 0, 16, 7, 2, 11, memory=1),  # slow folds
        _case(1, 9, 1, 17, 7, 2, 9, memory=1),
        _case(2, 3, 1, 2, 4, 1, 9, memory=1),
        _case(2, 1, 0, 5, 5, 3, 13, memory=1),
        _case(3, 2, 0, 3, 2, 3, 8, memory=1),  # no window stays open
    ),
    illegal=(
        {"Lanes": 0},
        {"LaneBits": 0},
        {"Nf": 0},
        {"Size": 0},
        {"Stride": 0},
        {"InPositions": 2},
        {"OutPositions": 5},
        {"Memory": 2},
        {"Nf": 1, "Memory": 1},
    ),
)

streams, reset_in_fragment = stream_tests(BENCH)
