"""The whole network behind its AXI4-Stream ports, every inner stream and each result against golden.

The build folder, its samples and how much to run come in the environment; the runner in
``bnn_hw.simulate.network_bench`` sets them. Golden gets what the contract of ``s_axis`` makes of the
packets that are sent.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiStreamFrame

from bnn_hw.generate.build import open_build
from bnn_hw.golden import plain
from bnn_hw.simulate.taps import Tap, TapKind, compare, taps
from sim.common.cases import named
from sim.common.streams import CLOCK_NS, FLOWS, FULL, Flow, flow_named, reset, start_clock
from sim.network.packets import (
    Packet,
    frame_of,
    pause_pattern,
    received,
    result_bytes,
    stream_agents,
    whole,
)

BUILD = open_build(Path(os.environ["BNN_BUILD"]))
SAMPLES = np.load(os.environ["BNN_SAMPLES"])
FAST = os.environ.get("BNN_FAST") == "1"
PLAN = BUILD.plan

FRAGMENTS = len(SAMPLES)
# A result takes no longer than this, pauses included; then the inner streams come to rest.
_PATIENCE_CYCLES = 20 * PLAN.cycles + 2000
_DRAIN_CYCLES = PLAN.cycles + 100
_STEPS_PER_CYCLE = 1000 * CLOCK_NS  # the time step of every bench is 1 ps
# Every wait has its own limit; this one is for a defect of the bench itself.
_TIMEOUT_MS = 1000


def _whole(index: int) -> Packet:
    """Fragment ``index`` of the samples as a packet."""
    return whole(SAMPLES, index)


class TapMonitor:
    """Collects the beats of every tap but the result."""

    def __init__(self, dut: Any) -> None:
        self._streams = [
            (tap, getattr(dut, f"{tap.port}_valid_o"), getattr(dut, f"{tap.port}_data_o"))
            for tap in taps(PLAN)
            if tap.kind is not TapKind.RESULT
        ]
        self.beats: dict[str, bytearray] = {tap.name: bytearray() for tap, _, _ in self._streams}

    async def run(self, clock: Any) -> None:
        """Look at each rising edge, for ever."""
        while True:
            await RisingEdge(clock)
            for tap, valid, data in self._streams:
                if int(valid.value):
                    self.beats[tap.name] += _bytes_of(tap, data)


def _bytes_of(tap: Tap, data: Any) -> bytes:
    return int(data.value).to_bytes(tap.bytes_per_beat, "little")


class Network:
    """The design under test with its source, sink and tap monitor."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        clock, reset_n = dut.aclk, dut.aresetn
        self.source, self.sink = stream_agents(dut, clock, reset_n)
        self.monitor = TapMonitor(dut)
        self.ends: list[int] = []

    async def start(self) -> None:
        """Clock and reset, then watch."""
        start_clock(self.dut.aclk)
        await reset(self.dut.aclk, self.dut.aresetn, cycles=4)
        self.watcher = cocotb.start_soon(self.monitor.run(self.dut.aclk))

    def send(self, packet: Packet) -> None:
        """Queue a packet; packets follow each other without a gap."""
        self.source.send_nowait(frame_of(PLAN, packet))

    async def results(self, count: int) -> list[AxiStreamFrame]:
        """Wait for ``count`` results, then until the inner streams have come to rest."""
        frames: list[AxiStreamFrame] = []
        idle = 0
        while idle < (_DRAIN_CYCLES if len(frames) >= count else _PATIENCE_CYCLES):
            await RisingEdge(self.dut.aclk)
            idle += 1
            while not self.sink.empty():
                frames.append(self.sink.recv_nowait())
                idle = 0
        assert len(frames) == count, f"{len(frames)} results for {count} fragments"
        self.ends = [int(frame.sim_time_end) // _STEPS_PER_CYCLE for frame in frames]
        return frames

    def pause(self, flow: Flow, seed: int) -> None:
        """Pause source and sink at random, as ``flow`` says."""
        for agent, rate, number in ((self.source, flow.valid, 1), (self.sink, flow.ready, 2)):
            if rate < 1:
                agent.set_pause_generator(pause_pattern(random.Random(seed * 2 + number), rate))


def check(design: Network, packets: Sequence[Packet], frames: Sequence[AxiStreamFrame]) -> None:
    """Every tap and every result against golden."""
    worked_on = [received(PLAN, packet) for packet in packets]
    fragments = np.stack([samples.T for samples, _ in worked_on])
    errors = [flagged for _, flagged in worked_on]
    trace = plain.trace(BUILD.network, fragments)
    beats = {name: np.frombuffer(raw, np.uint8) for name, raw in design.monitor.beats.items()}
    beats["result"] = np.frombuffer(
        b"".join(result_bytes(PLAN, frame) for frame in frames), np.uint8
    )
    found = compare(PLAN, beats, trace, errors=errors)
    wrong = [comparison for comparison in found if not comparison.passed]
    assert found and not wrong, "; ".join(
        f"{c.tap}: {c.mismatches} of {c.compared_beats} beats differ, {c.first}" for c in wrong
    )
    design.dut._log.info(
        "%d fragments, %d taps, %d beats equal golden",
        len(packets),
        len(found),
        sum(comparison.compared_beats for comparison in found),
    )


@cocotb.test(timeout_time=_TIMEOUT_MS, timeout_unit="ms")
async def back_to_back(dut: Any) -> None:
    """Real ECG without a gap: every stream equals golden, in the cycles that the plan promises."""
    design = Network(dut)
    await design.start()
    packets = [_whole(i) for i in range(FRAGMENTS)]
    for packet in packets:
        design.send(packet)
    frames = await design.results(len(packets))
    check(design, packets, frames)
    if len(packets) > 1:
        period = (design.ends[-1] - design.ends[0]) / (len(packets) - 1)
        dut._log.info("%.1f cycles a fragment, the plan promises %d", period, PLAN.cycles)
        assert period <= PLAN.cycles, f"{period} cycles a fragment, the plan promises {PLAN.cycles}"


@cocotb.test(timeout_time=_TIMEOUT_MS, timeout_unit="ms", skip=FAST)
@cocotb.parametrize(flow=named(flow.name for flow in FLOWS if flow != FULL))
async def pauses(dut: Any, flow: str) -> None:
    """Stalls at the input and backpressure at the output change nothing but the time."""
    design = Network(dut)
    await design.start()
    design.pause(flow_named(flow), seed=len(flow))
    packets = [_whole(i) for i in range(FRAGMENTS)]
    for packet in packets:
        design.send(packet)
    check(design, packets, await design.results(len(packets)))


@cocotb.test(timeout_time=_TIMEOUT_MS, timeout_unit="ms", skip=FAST)
async def broken_fragments(dut: Any) -> None:
    """Short and long fragments and samples out of range are flagged, and spoil nothing behind them."""
    design = Network(dut)
    await design.start()
    low, high = -(1 << (PLAN.input_bits - 1)), (1 << (PLAN.input_bits - 1)) - 1
    short, long = _whole(1)[: max(1, PLAN.samples // 2)], np.concatenate([_whole(2), _whole(3)])
    packets = [
        _whole(0),
        short,
        _whole(1),
        long,
        _whole(2),
        _whole(0)[:1],
        long[: PLAN.samples + 1],
    ]
    packets.append(_whole(3))
    if PLAN.input_bits < 16:
        for value, at in ((high + 1, 0), (low - 1, -1), ((1 << 15) - 1, PLAN.samples // 2)):
            spoilt = _whole(1)
            spoilt[at, -1] = value
            packets += [spoilt, _whole(2)]
    errors = [received(PLAN, packet)[1] for packet in packets]
    assert True in errors and False in errors
    for packet in packets:
        design.send(packet)
    check(design, packets, await design.results(len(packets)))


@cocotb.test(timeout_time=_TIMEOUT_MS, timeout_unit="ms", skip=FAST)
@cocotb.parametrize(part=[0.02, 0.5, 0.97, 1.4])
async def reset_in_fragment(dut: Any, part: float) -> None:
    """A reset anywhere leaves nothing behind; the rest of a cut fragment is a short one, flagged."""
    design = Network(dut)
    await design.start()
    cycles = max(1, int(part * PLAN.cycles))
    for i in range(2):
        design.send(_whole(i))
    for _ in range(cycles):
        await RisingEdge(dut.aclk)
    dut.aresetn.value = 0
    design.watcher.cancel()
    for _ in range(3):
        await RisingEdge(dut.aclk)
    design.source.clear()
    design.sink.clear()
    dut.aresetn.value = 1
    again = Network.__new__(Network)
    again.dut, again.source, again.sink = dut, design.source, design.sink
    again.monitor = TapMonitor(dut)
    again.watcher = cocotb.start_soon(again.monitor.run(dut.aclk))
    rest = _whole(1)[PLAN.samples // 3 :] if PLAN.samples > 2 else _whole(1)
    packets = [rest, _whole(2), _whole(0)]
    for packet in packets:
        again.send(packet)
    check(again, packets, await again.results(len(packets)))
