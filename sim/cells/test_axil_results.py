"""bnn_axil_results: what the registers show is one whole result, the last one that was kept."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from sim.common.cases import CLOCKED, Bench, Case, CasePorts, Port, named
from sim.common.streams import reset, start_clock

PACKETS = 40


@dataclass
class Model:
    """The header's rules, a packet at a time."""

    shown: tuple[int, int, int, int] = (0, 0, 0, 0)  # valid, class, error, fragment
    scores: list[int] = field(default_factory=list)
    fragments: int = 0
    errors: int = 0

    def end(self, scores: list[int], index: int, error: int, hold: int) -> None:
        """A packet has ended."""
        self.fragments += 1
        self.errors += error
        if not hold:
            self.shown = (1, index & 0xFFFF, error, self.fragments)
            self.scores = scores


def _case(classes: int, result_bits: int) -> Case:
    words = classes * result_bits // 32
    ports = (
        *CLOCKED,
        Port("beat_i"),
        Port("data_i", result_bits),
        Port("last_i"),
        Port("error_i"),
        Port("hold_i"),
        Port("clear_i"),
        Port("unread_i"),
        Port("score_word_i", max(1, (words - 1).bit_length())),
        Port("score_data_o", 32, False),
        Port("valid_o", None, False),
        Port("class_o", 16, False),
        Port("error_o", None, False),
        Port("fragment_o", 32, False),
        Port("fragments_o", 32, False),
        Port("errors_o", 32, False),
        Port("ended_o", None, False),
        Port("flagged_o", None, False),
        Port("overrun_o", None, False),
    )
    parameters = {"Classes": classes, "ResultBits": result_bits}
    return Case(f"c{classes}_r{result_bits}", parameters, ports, (classes, result_bits))


BENCH = Bench(
    "bnn_axil_results",
    tuple(
        _case(classes, bits)
        for classes, bits in ((1, 32), (2, 64), (3, 32), (5, 64), (8, 32), (17, 32), (1, 64))
    ),
    illegal=({"Classes": 0}, {"Classes": 65537}, {"ResultBits": 16}),
)


class Watched:
    """The cell in a running simulation with its model."""

    def __init__(self, dut: Any, case: str) -> None:
        self.case = case
        self.ports = CasePorts(dut, BENCH.case(case))
        self.classes, self.bits = BENCH.case(case).data
        self.model = Model()
        self.rng = random.Random(self.classes * self.bits)

    async def start(self) -> None:
        """Clock and reset with everything low."""
        for port in self.ports.case.ports:
            if port.is_input and port.name != "clk_i":
                getattr(self.ports, port.name).value = 0
        start_clock(self.ports.clk_i)
        await reset(self.ports.clk_i, self.ports.rst_ni)

    async def edge(self) -> None:
        """One clock edge, settled."""
        await RisingEdge(self.ports.clk_i)
        await Timer(1, unit="ns")

    def events(self) -> tuple[int, int, int]:
        """Ended, flagged, overrun."""
        names = ("ended_o", "flagged_o", "overrun_o")
        return tuple(int(getattr(self.ports, name).value) for name in names)  # type: ignore[return-value]

    async def check(self) -> None:
        """All outputs against the model; scores word by word, without a clock edge between."""
        ports, model = self.ports, self.model
        names = ("valid_o", "class_o", "error_o", "fragment_o")
        got = tuple(int(getattr(ports, name).value) for name in names)
        assert got == model.shown, f"{self.case}: shows {got}, not {model.shown}"
        counted = (int(ports.fragments_o.value), int(ports.errors_o.value))
        assert counted == (model.fragments, model.errors), f"{self.case}: counted {counted}"
        scores = model.scores if model.shown[0] else [0] * self.classes
        raw = b"".join(score.to_bytes(self.bits // 8, "little") for score in scores)
        # time enough within half a clock period
        for word in self.rng.sample(range(len(raw) // 4), min(3, len(raw) // 4)):
            ports.score_word_i.value = word
            await Timer(500, unit="ps")
            want = int.from_bytes(raw[4 * word : 4 * word + 4], "little")
            shown = int(ports.score_data_o.value)
            assert shown == want, f"{self.case}, score word {word}: {shown:#x}, not {want:#x}"

    async def packet(self, hold: int, unread: int) -> None:
        """Send a packet with pauses; nothing may change before its last beat."""
        ports, rng = self.ports, self.rng
        scores = [rng.getrandbits(self.bits) for _ in range(self.classes)]
        index, error = rng.randrange(self.classes), rng.randint(0, 1)
        ports.hold_i.value, ports.unread_i.value = hold, unread
        for beat, data in enumerate([*scores, index]):
            while rng.random() < 0.4:
                # what lies on the stream without a transfer must not matter
                ports.beat_i.value, ports.last_i.value = 0, rng.randint(0, 1)
                ports.data_i.value, ports.error_i.value = rng.getrandbits(self.bits), 1
                await self.edge()
                await self.check()
                assert self.events() == (0, 0, 0)
            last = int(beat == self.classes)
            ports.beat_i.value, ports.last_i.value = 1, last
            ports.data_i.value, ports.error_i.value = data, error
            await self.edge()
            if last:
                self.model.end(scores, index, error, hold)
            await self.check()
            want = (1, error, int(hold or unread)) if last else (0, 0, 0)
            assert self.events() == want, f"{self.case}: events {self.events()}, not {want}"
        ports.beat_i.value = 0
        await self.edge()
        assert self.events() == (0, 0, 0), "events are pulses of one cycle"


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names))
async def packets(dut: Any, case: str) -> None:
    """Packets with pauses, some of them held: whole results, counters and events at any time."""
    watched = Watched(dut, case)
    await watched.start()
    await watched.check()
    for number in range(PACKETS):
        await watched.packet(int(number % 5 in (2, 3)), int(number % 3 == 0))


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names), by_reset=[False, True])
async def starts_again(dut: Any, case: str, by_reset: bool) -> None:
    """Clear and reset leave no result and no count, also within a packet."""
    watched = Watched(dut, case)
    await watched.start()
    for _ in range(4):
        await watched.packet(0, 0)
        await watched.packet(0, 0)
        watched.model = Model()
        if by_reset:
            watched.ports.beat_i.value, watched.ports.last_i.value = 1, 0
            await watched.edge()
            watched.ports.beat_i.value = 0
            await reset(watched.ports.clk_i, watched.ports.rst_ni, cycles=1)
        else:
            # a packet that ends in the very cycle is not counted
            watched.ports.clear_i.value = 1
            for last in [0] * watched.classes + [1]:
                watched.ports.beat_i.value, watched.ports.last_i.value = 1, last
                await watched.edge()
            watched.ports.beat_i.value = watched.ports.clear_i.value = 0
        await watched.edge()
        await watched.check()
        assert watched.events() == (0, 0, 0)
