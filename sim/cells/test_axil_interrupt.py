"""bnn_axil_interrupt: events stay until cleared, ask when enabled; a new event beats its clearing."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from sim.common.cases import CLOCKED, Bench, Case, CasePorts, Port, named
from sim.common.streams import reset, start_clock


def _case(sources: int) -> Case:
    ports = (
        *CLOCKED,
        Port("event_i", sources),
        Port("enable_i", sources),
        Port("clear_i", sources),
        Port("drop_i"),
        Port("raw_o", sources, False),
        Port("status_o", sources, False),
        Port("irq_o", None, False),
    )
    return Case(f"s{sources}", {"Sources": sources}, ports, sources)


BENCH = Bench(
    "bnn_axil_interrupt",
    tuple(_case(sources) for sources in (1, 2, 3, 9)),
    illegal=({"Sources": 0},),
)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names))
async def follows_its_model(dut: Any, case: str) -> None:
    """Random events, clearings, enables, drops and resets against the rules of the header."""
    ports, sources = CasePorts(dut, BENCH.case(case)), BENCH.case(case).data
    rng = random.Random(sources)
    for name in ("event_i", "enable_i", "clear_i", "drop_i"):
        getattr(ports, name).value = 0
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    raw = irq = asked = 0
    for cycle in range(400):
        event = rng.getrandbits(sources) & rng.getrandbits(sources)
        clear = rng.getrandbits(sources) & rng.getrandbits(sources)
        enable, drop = rng.getrandbits(sources), int(rng.random() < 0.03)
        reset_n = int(rng.random() > 0.02)
        ports.event_i.value, ports.clear_i.value = event, clear
        ports.enable_i.value, ports.drop_i.value = enable, drop
        ports.rst_ni.value = reset_n
        asked = int(raw & enable != 0)
        await RisingEdge(ports.clk_i)
        await Timer(1, unit="ns")
        stopped = drop or not reset_n
        raw = 0 if stopped else (raw & ~clear) | event
        irq = 0 if stopped else asked
        got = tuple(int(getattr(ports, n).value) for n in ("raw_o", "status_o", "irq_o"))
        assert got == (raw, raw & enable, irq), f"{case}, cycle {cycle}: {got}"
