"""bnn_delay_ram: what went in comes out after as many enabled cycles as the line is deep."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from sim.common.cases import Bench, Case, CasePorts, Port, named
from sim.common.streams import start_clock


def _case(width: int, depth: int) -> Case:
    return Case(
        f"w{width}_d{depth}",
        {"Width": width, "Depth": depth},
        (
            Port("clk_i"),
            Port("en_i"),
            Port("entry_i", (depth - 1).bit_length()),
            Port("last_i"),
            Port("data_i", width),
            Port("data_o", width, False),
        ),
    )


BENCH = Bench(
    "bnn_delay_ram",
    tuple(_case(w, d) for w, d in ((1, 2), (9, 3), (1, 4), (4, 5), (33, 17), (2, 32))),
    illegal=({"Width": 0}, {"Depth": 1}),
)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names), enabled=[1.0, 0.5])
async def line(dut: Any, case: str, enabled: float) -> None:
    """Entries come back in their order; a low enable holds everything; the count may start anew."""
    chosen = BENCH.case(case)
    width, depth = chosen.parameters["Width"], chosen.parameters["Depth"]
    ports, rng = CasePorts(dut, chosen), random.Random(7)
    ports.en_i.value = 0
    start_clock(ports.clk_i)
    await RisingEdge(ports.clk_i)
    compared = 0
    for turns in (3, 4):
        sent: list[int] = []
        # The second count starts in the middle of a turn, as after a reset.
        for index in range(turns * depth + depth // 2):
            while rng.random() >= enabled:
                ports.en_i.value = 0
                ports.entry_i.value = rng.randrange(depth)
                ports.last_i.value = rng.getrandbits(1)
                ports.data_i.value = rng.getrandbits(width)
                await RisingEdge(ports.clk_i)
            sent.append(rng.getrandbits(width))
            ports.en_i.value = 1
            ports.entry_i.value = index % depth
            ports.last_i.value = int(index % depth == depth - 1)
            ports.data_i.value = sent[-1]
            await Timer(1, unit="ns")
            if index >= depth:
                found, want = int(ports.data_o.value), sent[index - depth]
                assert found == want, f"{case}, entry {index}: got {found:#x}, sent {want:#x}"
                compared += 1
            await RisingEdge(ports.clk_i)
    assert compared >= 5 * depth
