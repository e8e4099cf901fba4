"""Tests of cells without streams: combinational ones, and pipelines that an enable holds.

A bench gives inputs by port name and a judge; the judge gets the inputs and the outputs that belong
to them, and says what is wrong, or None.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from sim.common.cases import Bench, CasePorts, named
from sim.common.streams import reset, start_clock

Values = Mapping[str, int]
Judge = Callable[[Values, Values], "str | None"]


@dataclass(frozen=True)
class PlainData:
    """Inputs one after the other, names of the outputs, the judge, and enabled cycles between."""

    inputs: Sequence[Values]
    outputs: tuple[str, ...]
    judge: Judge
    latency_cycles: int = 0


def equals(expect: Callable[[Values], Values]) -> Judge:
    """A judge that wants exactly the outputs ``expect`` gives."""

    def judge(inputs: Values, outputs: Values) -> str | None:
        want = expect(inputs)
        return None if outputs == want else f"golden {want}, got {outputs}"

    return judge


def _read(ports: CasePorts, names: Sequence[str]) -> dict[str, int]:
    return {name: int(getattr(ports, name).value) for name in names}


def combinational_test(bench: Bench) -> Any:
    """The test of a cell without a clock; assign it to a module name."""

    @cocotb.test(name="values", timeout_time=5, timeout_unit="ms")
    @cocotb.parametrize(case=named(bench.names))
    async def values(dut: Any, case: str) -> None:
        """Every input gives the output that golden gives."""
        data: PlainData = bench.case(case).data
        ports = CasePorts(dut, bench.case(case))
        for inputs in data.inputs:
            for name, value in inputs.items():
                getattr(ports, name).value = value
            await Timer(1, unit="ns")
            wrong = data.judge(inputs, _read(ports, data.outputs))
            assert wrong is None, f"{case}, {dict(inputs)}: {wrong}"
        assert data.inputs, f"{case}: nothing was compared"

    return values


def enabled_test(bench: Bench) -> Any:
    """The test of a pipeline with ``clk_i``, ``en_i`` and perhaps ``rst_ni``; assign it to a module name."""

    @cocotb.test(name="pipeline", timeout_time=5, timeout_unit="ms")
    @cocotb.parametrize(case=named(bench.names), enabled=[1.0, 0.5])
    async def pipeline(dut: Any, case: str, enabled: float) -> None:
        """Outputs follow their inputs by the latency; a low enable holds everything."""
        data: PlainData = bench.case(case).data
        ports = CasePorts(dut, bench.case(case))
        rng = random.Random(7)
        ports.en_i.value = 0
        start_clock(ports.clk_i)
        await RisingEdge(ports.clk_i)  # the first edge comes before anything written now
        if any(port.name == "rst_ni" for port in ports.case.ports):
            await reset(ports.clk_i, ports.rst_ni)
        behind = max(0, data.latency_cycles - 1)
        compared = 0
        for shifted, inputs in enumerate([*data.inputs, *([data.inputs[-1]] * behind)], start=1):
            while rng.random() >= enabled:
                await _edge(ports, rng, None)
                if data.latency_cycles:  # whatever lies at the inputs, what was there must stay
                    _judge(case, data, ports, shifted - 1 - behind)
            await _edge(ports, rng, inputs)
            compared += _judge(case, data, ports, shifted - behind)
        assert compared == len(data.inputs), f"{case}: {compared} of {len(data.inputs)} compared"

    return pipeline


async def _edge(ports: CasePorts, rng: random.Random, inputs: Values | None) -> None:
    """One clock edge: enabled with ``inputs``, or held with noise at the inputs."""
    ports.en_i.value = int(inputs is not None)
    for port in ports.case.ports:
        if port.is_input and port.name not in ("clk_i", "rst_ni", "en_i"):
            value = inputs[port.name] if inputs is not None else rng.getrandbits(port.width or 1)
            getattr(ports, port.name).value = value
    await RisingEdge(ports.clk_i)
    await Timer(1, unit="ns")


def _judge(case: str, data: PlainData, ports: CasePorts, number: int) -> int:
    """Judge what now stands at the outputs as that of input ``number``, counted from 1."""
    if not 1 <= number <= len(data.inputs):
        return 0
    inputs = data.inputs[number - 1]
    wrong = data.judge(inputs, _read(ports, data.outputs))
    assert wrong is None, f"{case}, input {number - 1} {dict(inputs)}: {wrong}"
    return 1
