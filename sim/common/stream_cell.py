"""Tests that every cell with one stream in and one stream out must pass.

A bench gives each case its words and the beats that golden expects for them; the tests cross that
with stalls and backpressure, reset in mid-fragment, and the cycles the plan counts on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cocotb

from sim.common.cases import Bench, Case, CasePorts, named
from sim.common.streams import (
    FLOWS,
    FULL,
    Flow,
    LateSink,
    LateSource,
    Sink,
    SkidSink,
    SkidSource,
    Source,
    flow_named,
    reset,
    run,
    start_clock,
)

# Cycles from the last word to the last beat that no cell exceeds at the sizes crossed here.
_SLACK_CYCLES = 400


@dataclass(frozen=True)
class StreamData:
    """Whole fragments, back to back: words that go in and beats that must come out.

    ``cycles`` bounds the cycles from the first to the last beat when nothing stalls; None for no
    bound. With ``late_in`` or ``late_out`` data lie on that stream in the cycle after their transfer.
    With ``skid_in`` or ``skid_out`` nothing stalls that stream: so many words and one come after ready.
    """

    words: Sequence[int]
    beats: Sequence[int]
    cycles: int | None = None
    fragments: int = 3
    seed: int = field(default=1)
    late_in: bool = False
    late_out: bool = False
    skid_in: int | None = None
    skid_out: int | None = None

    def source(self, ports: CasePorts, words: Sequence[Any], flow: Flow, seed: int) -> Source:
        """What drives the cell."""
        if self.skid_in is not None:
            return SkidSource(*ports.stream_in("in"), words, flow, seed, skid=self.skid_in)
        agent = LateSource if self.late_in else Source
        return agent(*ports.stream_in("in"), words, flow, seed)

    def sink(self, ports: CasePorts, flow: Flow, seed: int) -> Sink:
        """What takes its beats."""
        if self.skid_out is not None:
            return SkidSink(*ports.stream_out("out"), flow, seed, skid=self.skid_out)
        agent = LateSink if self.late_out else Sink
        return agent(*ports.stream_out("out"), flow, seed)


async def exchange(ports: CasePorts, data: StreamData, flow: Flow) -> Sink:
    """Send every word, take every beat, and see that no surplus beat follows."""
    source = data.source(ports, data.words, flow, data.seed)
    sink = data.sink(ports, flow, data.seed)
    rate = min(flow.valid, flow.ready * (0.5 if flow.after_valid else 1.0))
    steps = max(len(data.words) + len(data.beats), data.cycles or 0)
    await run(
        ports.clk_i,
        [source, sink],
        until=lambda: source.done and len(sink.beats) >= len(data.beats),
        timeout_cycles=int((steps * 4 + _SLACK_CYCLES) / rate),
        extra_cycles=20,
    )
    return sink


def check_beats(case: Case, got: Sequence[Any], want: Sequence[Any]) -> None:
    """Equality, with the first difference named."""
    for beat, (found, golden) in enumerate(zip(got, want, strict=False)):
        assert found == golden, f"{case.name}, beat {beat}: golden {golden:#x}, got {found:#x}"
    assert len(got) == len(want), f"{case.name}: {len(got)} beats, golden has {len(want)}"
    assert len(want) > 0, f"{case.name}: nothing was compared"


def stream_tests(bench: Bench) -> tuple[Any, Any]:
    """The tests of a cell with ports ``in_*`` and ``out_*``; assign both to module names."""

    @cocotb.test(name="streams", timeout_time=5, timeout_unit="ms")
    @cocotb.parametrize(case=named(bench.names), flow=named(flow.name for flow in FLOWS))
    async def streams(dut: Any, case: str, flow: str) -> None:
        """Fragments back to back under every flow equal golden."""
        chosen = bench.case(case)
        ports = CasePorts(dut, chosen)
        start_clock(ports.clk_i)
        await reset(ports.clk_i, ports.rst_ni)
        sink = await exchange(ports, chosen.data, flow_named(flow))
        check_beats(chosen, sink.beats, chosen.data.beats)
        if flow == FULL.name and chosen.data.cycles is not None:
            cycles = sink.cycles[-1] - sink.cycles[0] + 1
            assert cycles <= chosen.data.cycles, (
                f"{case}: {cycles} cycles from first to last beat, the plan counts on {chosen.data.cycles}"
            )

    @cocotb.test(name="reset_in_fragment", timeout_time=5, timeout_unit="ms")
    @cocotb.parametrize(case=named(bench.names))
    async def reset_in_fragment(dut: Any, case: str) -> None:
        """A reset at any moment leaves nothing behind."""
        chosen = bench.case(case)
        ports = CasePorts(dut, chosen)
        start_clock(ports.clk_i)
        for stop in (1, 2, 3, 7, 16):
            await reset(ports.clk_i, ports.rst_ni)
            part = [word ^ 1 for word in chosen.data.words[:stop]]
            source = chosen.data.source(ports, part, flow_named("both"), stop)
            sink = chosen.data.sink(ports, flow_named("both"), stop)
            cycles = 0

            def over(limit: int = 3 * stop) -> bool:
                nonlocal cycles
                cycles += 1
                return cycles > limit

            await run(ports.clk_i, [source, sink], over, 1000)
            await reset(ports.clk_i, ports.rst_ni, cycles=1)
            sink = await exchange(ports, chosen.data, FULL)
            check_beats(chosen, sink.beats, chosen.data.beats)

    return streams, reset_in_fragment
