"""bnn_window_ram: the slices of padded fragments' windows, over shapes, parts, turns and ring depths."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from bnn_hw.ir.bits import int_to_row, row_to_int
from sim.common.blocks import random_bits
from sim.common.cases import (
    CLOCKED,
    Bench,
    Case,
    CasePorts,
    Wide,
    named,
    stream_in,
    stream_out,
)
from sim.common.stream_cell import StreamData, check_beats, stream_tests
from sim.common.streams import Flow, reset, run, start_clock
from sim.common.windows import shape_name, shape_parameters, window_block, windows

FRAGMENTS = 3


def _case(
    slice_bits: int,
    parts: int,
    turns: int,
    shape: tuple[int, int, int, int, int],
    pad: int,
    depth: int,
    gaps: bool = False,
    whole: bool = True,
) -> Case:
    """One parameter set; ``shape`` is kernel, stride, paddings and length.

    Unless ``gaps`` are expected, every slice must follow the one before in the next cycle. Words come
    in ``whole`` or slice by slice.
    """
    rng = np.random.default_rng([slice_bits, parts, turns, *shape])
    bits = slice_bits * parts
    block = window_block(bits, *shape)
    pad_word = sum(pad << (part * slice_bits) for part in range(parts))
    words: list[int] = []
    beats: list[int] = []
    for _ in range(FRAGMENTS):
        fragment = [row_to_int(row) for row in random_bits(rng, block.in_length, bits)]
        for word in fragment:
            rows = int_to_row(word, bits).reshape(1 if whole else parts, -1)
            words += [row_to_int(row) for row in rows]
        for window in windows(block, fragment, pad_word):
            rows = int_to_row(window, block.fan_in).reshape(-1, slice_bits)
            beats += [row_to_int(row) for row in rows] * turns
    name = f"w{slice_bits}x{parts}_t{turns}_{shape_name(block)}"
    return Case(
        f"{name}_d{depth}" + ("" if whole else "_slices"),
        {
            "SliceBits": slice_bits,
            "Parts": parts,
            "InParts": parts if whole else 1,
            **shape_parameters(block),
            "Turns": turns,
            "Depth": depth,
            "PadSlice": Wide(slice_bits, pad),
        },
        (*CLOCKED, *stream_in("in", bits if whole else slice_bits), *stream_out("out", slice_bits)),
        StreamData(words, beats, cycles=None if gaps else len(beats), late_out=True),
    )


BENCH = Bench(
    "bnn_window_ram",
    (
        _case(16, 1, 2, (7, 1, 5, 5, 12), 0, 32),  # the second of five blocks
        _case(20, 2, 1, (7, 1, 5, 5, 8), 0, 32),  # the fourth
        _case(4, 6, 1, (7, 1, 5, 5, 2), 0, 16),  # the last; two windows and no more
        _case(11, 1, 2, (16, 4, 6, 6, 24), 0x2A5, 64),  # the first: stride 4, padding of any value
        _case(5, 3, 2, (4, 2, 3, 1, 11), 0x15, 16),  # parts not a power of two
        _case(5, 3, 2, (4, 2, 3, 1, 11), 0x15, 16, whole=False),
        _case(4, 2, 1, (7, 1, 5, 5, 6), 0, 32, whole=False),
        _case(2, 2, 3, (4, 4, 0, 0, 11), 0, 16, whole=False),  # slices that are dropped
        _case(1, 1, 1, (1, 1, 0, 0, 1), 0, 4),  # everything at one
        _case(3, 1, 1, (7, 1, 0, 0, 7), 0, 16),  # one window, read once: the writer is as busy
        _case(2, 2, 2, (3, 1, 4, 5, 4), 2, 8),  # padding that makes whole windows of its own
        _case(2, 3, 1, (5, 1, 7, 9, 3), 1, 16),  # paddings above the kernel
        _case(3, 2, 2, (6, 1, 3, 2, 2), 5, 16),  # kernel above the length
        _case(2, 2, 3, (4, 4, 0, 0, 11), 0, 16),  # stride as the kernel, left-over input
        _case(3, 1, 2, (5, 3, 6, 0, 6), 6, 16),
        _case(2, 2, 2, (1, 1, 2, 3, 4), 1, 4),  # kernel 1 with padding
        _case(2, 1, 1, (2, 2, 3, 0, 4), 3, 8, gaps=True),  # more left-over input than steps
        _case(2, 1, 2, (1, 1, 10, 1, 1), 1, 8),  # nearly every window lies in the padding
        _case(2, 1, 1, (4, 4, 8, 0, 2), 2, 16, gaps=True),  # every window left of the input
    ),
    illegal=(
        {"SliceBits": 0},
        {"Parts": 0},
        {"Parts": 3},
        {"Kernel": 0},
        {"Stride": 0},
        {"Stride": 4},
        {"PadLeft": -1},
        {"PadRight": -1},
        {"InLength": 0},
        {"Positions": 9},
        {"Turns": 0},
        {"Depth": 12},
        {"Depth": 4},
    ),
)

streams, reset_in_fragment = stream_tests(BENCH)

# Words that come one by one with long waits, and a consumer that stops for long: both ends of the ring.
_SLOW = (Flow("starved", valid=0.1), Flow("blocked", ready=0.1))


@cocotb.test(timeout_time=50, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names), flow=named(flow.name for flow in _SLOW))
async def empty_and_full(dut: Any, case: str, flow: str) -> None:
    """The ring runs empty, and full, at every place of a fragment."""
    chosen = BENCH.case(case)
    data: StreamData = chosen.data
    ports = CasePorts(dut, chosen)
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    slow = next(each for each in _SLOW if each.name == flow)
    source, sink = data.source(ports, data.words, slow, 5), data.sink(ports, slow, 5)
    await run(
        ports.clk_i,
        [source, sink],
        lambda: source.done and len(sink.beats) >= len(data.beats),
        timeout_cycles=40 * (len(data.words) + len(data.beats)),
        extra_cycles=20,
    )
    check_beats(chosen, sink.beats, data.beats)
