"""bnn_window: the windows of padded fragments, over kernels, strides, paddings and lengths."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cocotb
import numpy as np

from bnn_hw.generate.folding import window_cycles, window_shifts
from bnn_hw.ir.bits import row_to_int
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
from sim.common.streams import FULL, Sink, Source, reset, run, start_clock
from sim.common.windows import shape_name, shape_parameters, window_block, windows

FRAGMENTS = 3


def _case(
    bits: int, kernel: int, stride: int, pad_left: int, pad_right: int, length: int, pad_word: int
) -> Case:
    rng = np.random.default_rng([bits, kernel, stride, pad_left, pad_right, length])
    block = window_block(bits, kernel, stride, pad_left, pad_right, length)
    words: list[int] = []
    beats: list[int] = []
    for _ in range(FRAGMENTS):
        fragment = [row_to_int(row) for row in random_bits(rng, length, bits)]
        words += fragment
        beats += windows(block, fragment, pad_word)
    return Case(
        f"w{bits}_{shape_name(block)}",
        {"WordBits": bits, **shape_parameters(block), "PadWord": Wide(bits, pad_word)},
        (*CLOCKED, *stream_in("in", bits), *stream_out("out", kernel * bits)),
        StreamData(words, beats, cycles=FRAGMENTS * window_shifts(block)),
    )


BENCH = Bench(
    "bnn_window",
    (
        _case(8, 7, 1, 5, 5, 24, 0xFF),  # the reference block
        _case(12, 7, 2, 5, 5, 36, 0x0A5),  # its first block, stride 2
        _case(11, 16, 4, 6, 6, 48, 0x2A5),  # the first of five blocks, stride 4
        _case(3, 8, 4, 7, 2, 24, 5),  # the first word moves the window on
        _case(2, 9, 4, 3, 0, 27, 2),  # groups before the first window, left-over input
        _case(1, 1, 1, 0, 0, 1, 0),  # everything at one
        _case(3, 1, 1, 0, 0, 5, 0),
        _case(3, 1, 1, 2, 3, 4, 5),  # padding that makes whole windows of its own
        _case(5, 3, 1, 0, 0, 3, 0),  # dense: one window
        _case(2, 5, 1, 7, 9, 3, 2),  # paddings above the kernel
        _case(3, 1, 4, 10, 1, 1, 2),  # every window lies in the padding, the input is dropped
        _case(2, 2, 3, 6, 0, 1, 1),  # every window left of the input, a padded step left over
        _case(4, 6, 1, 3, 2, 2, 9),  # kernel above the length
        _case(1, 4, 4, 0, 0, 11, 0),  # left-over input
        _case(2, 3, 5, 1, 0, 13, 1),  # stride above the kernel
        _case(3, 2, 3, 0, 4, 7, 6),
        _case(2, 4, 3, 6, 0, 5, 3),
        _case(7, 1, 3, 1, 1, 8, 0x55),
        _case(2, 3, 2, 2, 1, 1, 1),
    ),
    illegal=(
        {"WordBits": 0},
        {"Kernel": 0},
        {"Stride": 0},
        {"PadLeft": -1},
        {"PadRight": -1},
        {"InLength": 0},
        {"Positions": 0},
        {"Positions": 9},
    ),
)

streams, reset_in_fragment = stream_tests(BENCH)


class HoldingSink(Sink):
    """Takes each beat in the last of ``held`` cycles in which it is there, as the next cell does."""

    def __init__(self, ports: CasePorts, held: int) -> None:
        super().__init__(*ports.stream_out("out"), FULL, 0)
        self._held_cycles, self._seen = held, 0

    def step(self, cycle: int) -> None:
        """Look at this edge, then drive for the next."""
        taken = len(self.beats)
        super().step(cycle)
        self._seen = 0 if len(self.beats) > taken or self._held is None else self._seen + 1
        self._room = self._held_cycles == 1 or self._seen == self._held_cycles - 1
        self._ready.value = int(self._room)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names), held=[1, 2, 3, 4, 7])
async def held_windows(dut: Any, case: str, held: int) -> None:
    """Windows held for so many cycles pass in exactly the cycles that the plan counts."""
    chosen = BENCH.case(case)
    shape = ("WordBits", "Kernel", "Stride", "PadLeft", "PadRight", "InLength")
    block = window_block(*(chosen.parameters[name] for name in shape))
    ports = CasePorts(dut, chosen)
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    data: StreamData = chosen.data
    source, sink = Source(*ports.stream_in("in"), data.words, FULL, 1), HoldingSink(ports, held)
    promised = window_cycles(block, held)
    await run(
        ports.clk_i,
        [source, sink],
        lambda: source.done and len(sink.beats) >= len(data.beats),
        timeout_cycles=(FRAGMENTS + 1) * promised + 20,
    )
    check_beats(chosen, sink.beats, data.beats)
    ends = sink.cycles[block.positions - 1 :: block.positions]
    periods = [later - earlier for earlier, later in pairwise(ends)]
    assert periods == [promised] * (FRAGMENTS - 1), f"{periods}, the plan counts {promised}"
