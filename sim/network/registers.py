"""An accelerator with registers behind AXI4-Lite in a running simulation, and what golden expects.

Shared by the benches of the register block and of its software. The build folder and its samples
come in the environment; ``bnn_hw.simulate.registers_bench`` sets them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamFrame

from bnn_hw.generate.build import open_build
from bnn_hw.generate.registers import build_registers
from bnn_hw.golden import plain
from sim.common.streams import Flow, reset, start_clock
from sim.network.packets import Packet, frame_of, pause_pattern, received, stream_agents, whole

BUILD = open_build(Path(os.environ["BNN_BUILD"]))
SAMPLES = np.load(os.environ["BNN_SAMPLES"])
FAST = os.environ.get("BNN_FAST") == "1"
PLAN = BUILD.plan
MAP = build_registers(PLAN)
FRAGMENTS = len(SAMPLES)
TIMEOUT_MS = 1000
_SCORE_WORDS = PLAN.result_bits // 32
_PATIENCE_CYCLES = 20 * PLAN.cycles + 2000


@dataclass(frozen=True)
class Answer:
    """What the registers must show of a fragment."""

    index: int
    scores: tuple[int, ...]
    error: bool


def fragment(index: int) -> Packet:
    """Fragment ``index`` of the bench's samples as a packet."""
    return whole(SAMPLES, index)


def broken(index: int) -> Packet:
    """The same, cut short."""
    return fragment(index)[: max(1, PLAN.samples // 2)]


def golden(packets: Sequence[Packet]) -> list[Answer]:
    """Golden's answer to each packet."""
    worked_on = [received(PLAN, packet) for packet in packets]
    result = plain.run(BUILD.network, np.stack([samples.T for samples, _ in worked_on]))
    return [
        Answer(int(index), tuple(int(score) for score in scores), flagged)
        for index, scores, (_, flagged) in zip(
            result.classes, result.scores, worked_on, strict=True
        )
    ]


def field(word: int, register: str, name: str) -> int:
    """A field of a word, as the register map says."""
    found = MAP.register(register).field(name)
    return (word & found.mask) >> found.low


def mask(register: str, *names: str) -> int:
    """The bits of some fields."""
    return sum(MAP.register(register).field(name).mask for name in names)


class Block:
    """The design under test with a master on its registers, a source and a sink."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        clock, reset_n = dut.aclk, dut.aresetn
        self.source, self.sink = stream_agents(dut, clock, reset_n)
        bus = AxiLiteBus.from_prefix(dut, "s_axil")
        self.bus = AxiLiteMaster(bus, clock, reset_n, reset_active_level=False)
        for side in (self.bus.write_if, self.bus.read_if):
            side.log.setLevel("ERROR")

    async def start(self) -> None:
        """Clock and reset."""
        start_clock(self.dut.aclk)
        await reset(self.dut.aclk, self.dut.aresetn, cycles=4)
        await self.cycles(2)

    async def cycles(self, count: int) -> None:
        """Let time pass."""
        for _ in range(count):
            await RisingEdge(self.dut.aclk)

    async def read_at(self, offset: int) -> tuple[int, AxiResp]:
        """A word and the answer's code."""
        answer = await self.bus.read(offset, 4)
        return int.from_bytes(answer.data, "little"), AxiResp(int(answer.resp))

    async def read(self, register: str, index: int = 0) -> int:
        """Word ``index`` of a register, which must be there."""
        word, code = await self.read_at(MAP.register(register).offset + 4 * index)
        assert code == AxiResp.OKAY, f"{register}[{index}]: {code.name}"
        return word

    async def write_at(self, offset: int, raw: bytes) -> AxiResp:
        """Write bytes with their strobes; gives the answer's code."""
        answer = await self.bus.write(offset, raw)
        return AxiResp(int(answer.resp))

    async def write(self, register: str, value: int) -> None:
        """Write a whole register, which must be there."""
        code = await self.write_at(MAP.register(register).offset, value.to_bytes(4, "little"))
        assert code == AxiResp.OKAY, f"{register}: {code.name}"

    async def scores(self) -> tuple[int, ...]:
        """The window of scores as signed numbers."""
        words = [await self.read("score", i) for i in range(MAP.register("score").count)]
        raw = b"".join(word.to_bytes(4, "little") for word in words)
        width = 4 * _SCORE_WORDS
        return tuple(
            int.from_bytes(raw[i : i + width], "little", signed=True)
            for i in range(0, len(raw), width)
        )

    def send(self, packet: Packet) -> None:
        """Queue a packet."""
        self.source.send_nowait(frame_of(PLAN, packet))

    async def frames(self, count: int) -> list[AxiStreamFrame]:
        """Wait until ``count`` results have left on ``m_axis`` and the registers show the last."""
        taken: list[AxiStreamFrame] = []
        for _ in range(count):
            for _ in range(_PATIENCE_CYCLES):
                if not self.sink.empty():
                    break
                await RisingEdge(self.dut.aclk)
            assert not self.sink.empty(), f"{len(taken)} results for {count} fragments"
            taken.append(self.sink.recv_nowait())
        await self.cycles(2)
        return taken

    async def check_result(self, want: Answer, number: int) -> None:
        """Result and scores show fragment ``number``, which golden says is ``want``."""
        word = await self.read("result")
        got = Answer(
            field(word, "result", "class"),
            await self.scores(),
            bool(field(word, "result", "error")),
        )
        assert field(word, "result", "valid") == 1, "no result"
        assert got == want, f"fragment {number}: golden {want}, registers {got}"
        shown = await self.read("result_fragment")
        assert shown == number, f"the result is of fragment {shown}, not {number}"

    async def check_counters(self, fragments: int, errors: int) -> None:
        """Both counters."""
        got = (await self.read("fragments"), await self.read("errors"))
        assert got == (fragments, errors), f"counted {got}, sent {(fragments, errors)}"

    async def check_reset(self) -> None:
        """Every register holds what it holds after reset."""
        for register in MAP.registers:
            for index in range(register.count):
                word = await self.read(register.name, index)
                assert word == register.reset, (
                    f"{register.name}[{index}]: {word:#010x} after reset, not {register.reset:#010x}"
                )

    def stall(self, flow: Flow, seed: int) -> None:
        """Pause every channel of the bus and both streams at random."""
        write, read = self.bus.write_if, self.bus.read_if
        agents = (
            (self.source, flow.valid),
            (self.sink, flow.ready),
            (write.aw_channel, flow.valid),
            (write.w_channel, flow.valid),
            (write.b_channel, flow.ready),
            (read.ar_channel, flow.valid),
            (read.r_channel, flow.ready),
        )
        for number, (agent, rate) in enumerate(agents):
            if rate < 1:
                rng = random.Random(16 * seed + number)
                agent.set_pause_generator(pause_pattern(rng, rate))
