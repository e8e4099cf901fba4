"""Drives and watches valid/ready streams, cycle by cycle.

A bench hands :func:`run` any number of sources and sinks of one clock. Every agent looks at the
signals as the rising edge sees them and drives what the next edge will see, so a bench reads the
same in Icarus and in Verilator. A sink also holds the protocol: once valid, a beat stays as it is
until it is taken.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

CLOCK_NS = 10


@dataclass(frozen=True)
class Flow:
    """How often a source has data and a sink has room: probabilities of a cycle.

    With ``after_valid`` the sink raises ready only once it has seen valid, which a circuit whose
    valid waits for ready would never get past.
    """

    name: str
    valid: float = 1.0
    ready: float = 1.0
    after_valid: bool = False


FULL = Flow("full")
FLOWS = (
    FULL,
    Flow("stalls", valid=0.4),
    Flow("backpressure", ready=0.4),
    Flow("both", valid=0.6, ready=0.6),
    Flow("after_valid", ready=0.7, after_valid=True),
)


def flow_named(name: str) -> Flow:
    """The flow of :data:`FLOWS` called ``name``."""
    return next(flow for flow in FLOWS if flow.name == name)


class Source:
    """Sends words; a word is one value a data signal, or a plain value where there is one."""

    def __init__(
        self,
        valid: Any,
        ready: Any,
        data: Sequence[Any],
        words: Sequence[Any],
        flow: Flow,
        seed: int,
    ) -> None:
        self._valid, self._ready, self._data = valid, ready, tuple(data)
        self._words = [word if isinstance(word, tuple) else (word,) for word in words]
        self._flow, self._random = flow, random.Random(seed)
        self._offered = False
        self.sent = 0
        valid.value = 0
        for signal in self._data:
            signal.value = 0

    @property
    def done(self) -> bool:
        """Whether every word was taken."""
        return self.sent == len(self._words)

    def step(self, cycle: int) -> None:
        """Look at this edge, then drive for the next."""
        if self._offered and int(self._ready.value):
            self.sent += 1
            self._offered = False
        if self._offered:
            return
        self._drive(not self.done and self._random.random() < self._flow.valid)

    def _drive(self, offer: bool) -> None:
        """Offer the next word, or nothing: what lies on an idle stream must not matter."""
        self._offered = offer
        self._valid.value = int(offer)
        if not offer:
            for signal in self._data:
                signal.value = self._random.getrandbits(len(signal))
            return
        for signal, value in zip(self._data, self._words[self.sent], strict=True):
            signal.value = value & ((1 << len(signal)) - 1)


class Sink:
    """Takes beats and holds the protocol; ``beats`` are values or, with more signals, tuples."""

    def __init__(self, valid: Any, ready: Any, data: Sequence[Any], flow: Flow, seed: int) -> None:
        self._valid, self._ready, self._data = valid, ready, tuple(data)
        self._flow, self._random = flow, random.Random(~seed)
        self._room = False
        self._held: tuple[str, ...] | None = None
        self.beats: list[Any] = []
        self.cycles: list[int] = []
        ready.value = 0

    def step(self, cycle: int) -> None:
        """Look at this edge, then drive for the next."""
        valid = int(self._valid.value)  # raises on X: a stream must never be unknown
        if valid:
            seen = tuple(str(signal.value) for signal in self._data)
            assert self._held is None or seen == self._held, (
                f"{self._valid._name}: data changed from {self._held} to {seen} before it was taken"
            )
            self._held = seen
            if self._room:
                self._take(cycle)
        else:
            assert self._held is None, f"{self._valid._name} fell before its beat was taken"
        self._room = self._random.random() < self._flow.ready
        if self._flow.after_valid and self._held is None:
            self._room = False
        self._ready.value = int(self._room)

    def _take(self, cycle: int) -> None:
        values = tuple(int(signal.value) for signal in self._data)
        self.beats.append(values if len(values) > 1 else values[0])
        self.cycles.append(cycle)
        self._held = None


class LateSource(Source):
    """A source whose word lies at the data signals in the cycle after it was taken, and stays there."""

    def step(self, cycle: int) -> None:
        """Look at this edge, then drive for the next."""
        held = tuple(int(signal.value) for signal in self._data)
        sent = self.sent
        super().step(cycle)
        taken = self._words[sent] if self.sent > sent else held
        for signal, value in zip(self._data, taken, strict=True):
            signal.value = value & ((1 << len(signal)) - 1)


class LateSink(Sink):
    """A sink that finds its beat in the cycle after it took it, and there until it takes the next."""

    _late = False

    def step(self, cycle: int) -> None:
        """Look at this edge, then drive for the next."""
        if self._late:
            seen = tuple(int(signal.value) for signal in self._data)
            self.beats.append(seen if len(seen) > 1 else seen[0])
            self._late = False
            self._held = tuple(str(signal.value) for signal in self._data)
        elif self._held is not None:
            seen_now = tuple(str(signal.value) for signal in self._data)
            assert seen_now == self._held, f"{self._valid._name}: data changed without a transfer"
        if int(self._valid.value) and self._room:
            self._late = True
            self.cycles.append(cycle)
            self._held = None
        self._room = self._random.random() < self._flow.ready
        if self._flow.after_valid and not int(self._valid.value):
            self._room = False
        self._ready.value = int(self._room)


class SkidSource(Source):
    """A pipeline that nothing stalls: ``skid + 1`` words may come from the last cycle with ready on."""

    def __init__(self, *arguments: Any, skid: int) -> None:
        super().__init__(*arguments)
        self._skid, self._since = skid, 0

    def step(self, cycle: int) -> None:
        """Look at this edge, then drive for the next."""
        if int(self._ready.value):
            self._since = 0
        self._since += self._offered
        self.sent += self._offered
        self._drive(
            not self.done and self._since <= self._skid and self._random.random() < self._flow.valid
        )


class SkidSink(Sink):
    """What takes every beat when it comes: at most ``skid + 1`` from the last cycle with ready on."""

    def __init__(self, *arguments: Any, skid: int) -> None:
        super().__init__(*arguments)
        self._skid, self._since = skid, 0

    def step(self, cycle: int) -> None:
        """Look at this edge, then drive for the next."""
        if self._room:
            self._since = 0
        if int(self._valid.value):
            self._since += 1
            assert self._since <= self._skid + 1, (
                f"{self._valid._name}: {self._since} beats since ready, the plan counts on {self._skid + 1}"
            )
            self._held = tuple(str(signal.value) for signal in self._data)
            self._take(cycle)
        self._room = self._random.random() < self._flow.ready
        self._ready.value = int(self._room)


def start_clock(clock: Any) -> None:
    """Start a clock of :data:`CLOCK_NS`."""
    Clock(clock, CLOCK_NS, unit="ns").start()


async def reset(clock: Any, reset_n: Any, cycles: int = 2) -> None:
    """Hold the synchronous reset for ``cycles`` edges."""
    reset_n.value = 0
    for _ in range(cycles):
        await RisingEdge(clock)
    reset_n.value = 1


async def run(
    clock: Any,
    agents: Sequence[Source | Sink],
    until: Callable[[], bool],
    timeout_cycles: int,
    extra_cycles: int = 0,
) -> int:
    """Step every agent each cycle until ``until()``, then ``extra_cycles`` more; gives the cycles.

    The extra cycles let a surplus beat show itself. Raises ``AssertionError`` when ``timeout_cycles``
    pass before.
    """
    left = extra_cycles
    for cycle in range(timeout_cycles):
        await RisingEdge(clock)
        for agent in agents:
            agent.step(cycle)
        if until():
            left -= 1
            if left < 0:
                return cycle
    counts = ", ".join(
        f"sent {a.sent}" if isinstance(a, Source) else f"took {len(a.beats)}" for a in agents
    )
    raise AssertionError(f"not done after {timeout_cycles} cycles: {counts}")
