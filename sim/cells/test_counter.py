"""bnn_counter: counts the steps modulo its modulus; reset takes it back to 0 at any count."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from sim.common.cases import CLOCKED, Bench, Case, CasePorts, Port, named
from sim.common.streams import reset, start_clock


def _case(modulus: int) -> Case:
    bits = max(1, (modulus - 1).bit_length())
    ports = (Port("step_i"), Port("value_o", bits, False), Port("last_o", None, False))
    return Case(f"m{modulus}", {"Modulus": modulus}, (*CLOCKED, *ports), modulus)


BENCH = Bench(
    "bnn_counter",
    tuple(_case(modulus) for modulus in (1, 2, 3, 4, 7, 8, 100)),
    illegal=({"Modulus": 0},),
)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names))
async def counts(dut: Any, case: str) -> None:
    """Follow the count over many rounds, with pauses and a reset now and then."""
    ports, modulus = CasePorts(dut, BENCH.case(case)), BENCH.case(case).data
    rng = random.Random(modulus)
    ports.step_i.value = 0
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    count = 0
    for cycle in range(4 * modulus + 40):
        step, reset_n = rng.randint(0, 1), int(rng.random() > 0.02)
        ports.step_i.value, ports.rst_ni.value = step, reset_n
        await RisingEdge(ports.clk_i)
        await Timer(1, unit="ns")
        count = (count + step) % modulus if reset_n else 0
        got = (int(ports.value_o.value), int(ports.last_o.value))
        want = (count, int(count == modulus - 1))
        assert got == want, f"{case}, cycle {cycle}: golden {want}, got {got}"
