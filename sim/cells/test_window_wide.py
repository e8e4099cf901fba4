"""bnn_window_wide: the windows of bnn_window from a stream that brings several words at once."""

from __future__ import annotations

import numpy as np

from bnn_hw.generate.folding import window_in_beats, window_shifts
from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import random_bits
from sim.common.cases import CLOCKED, Bench, Case, Wide, stream_in, stream_out
from sim.common.stream_cell import StreamData, stream_tests
from sim.common.windows import shape_name, shape_parameters, window_block, windows

FRAGMENTS = 3


def _case(
    beat: int,
    bits: int,
    kernel: int,
    stride: int,
    pad_left: int,
    pad_right: int,
    length: int,
    pad_word: int,
) -> Case:
    rng = np.random.default_rng([beat, bits, kernel, stride, pad_left, pad_right, length])
    block = window_block(bits, kernel, stride, pad_left, pad_right, length)
    sent: list[int] = []
    expected: list[int] = []
    for _ in range(FRAGMENTS):
        rows = random_bits(rng, length, bits)
        sent += [row_to_int(row) for row in rows.reshape(length // beat, beat * bits)]
        expected += windows(block, [row_to_int(row) for row in rows], pad_word)
    shape = window_in_beats(block, beat)
    return Case(
        f"b{beat}_w{bits}_{shape_name(block)}",
        {
            "Beat": beat,
            "WordBits": bits,
            **shape_parameters(block),
            "PadWord": Wide(bits, pad_word),
        },
        (*CLOCKED, *stream_in("in", beat * bits), *stream_out("out", kernel * bits)),
        StreamData(sent, expected, cycles=FRAGMENTS * window_shifts(shape)),
    )


BENCH = Bench(
    "bnn_window_wide",
    (
        _case(4, 11, 16, 4, 6, 6, 48, 0x2A5),  # the first of five blocks, as many as its stride
        _case(2, 11, 16, 4, 6, 6, 48, 0x2A5),
        _case(2, 12, 7, 2, 5, 5, 36, 0x0A5),  # the reference's first block
        _case(1, 3, 5, 2, 2, 2, 9, 6),  # one word a beat is the plain window
        _case(3, 2, 4, 3, 2, 0, 21, 1),
        _case(4, 2, 10, 4, 7, 2, 64, 2),
        _case(2, 1, 1, 2, 0, 0, 30, 0),  # one word of each beat
        _case(2, 3, 3, 6, 1, 0, 26, 5),  # stride of several beats, words left over
        _case(4, 1, 3, 4, 9, 13, 8, 1),  # windows of padding alone on both sides
        _case(4, 2, 2, 4, 0, 0, 4, 3),  # one beat, one window
        _case(2, 2, 9, 2, 3, 4, 4, 2),  # kernel above the length
        _case(3, 2, 1, 3, 8, 0, 3, 1),
    ),
    illegal=(
        {"Beat": 0},
        {"Beat": 3},  # the stride is 2
        {"Stride": 3, "Positions": 3},
        {"InLength": 7},
        {"Positions": 3},
        {"Kernel": 0},
    ),
)

streams, reset_in_fragment = stream_tests(BENCH)
