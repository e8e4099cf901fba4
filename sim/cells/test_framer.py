"""bnn_framer: whatever fragments arrive, whole ones leave, each with its verdict."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cocotb

from sim.common.cases import CLOCKED, Bench, Case, CasePorts, Port, named, stream_out
from sim.common.stream_cell import check_beats
from sim.common.streams import FLOWS, FULL, Flow, Sink, Source, flow_named, reset, run, start_clock

AXIS_BITS = 16

# One sample time: an integer a channel.
Sample = tuple[int, ...]


@dataclass(frozen=True)
class Framing:
    """The framer's shape and the packets of a bench."""

    samples: int
    channels: int
    bits: int
    packets: tuple[tuple[Sample, ...], ...]

    def in_range(self, sample: Sample) -> bool:
        """Whether every channel of a sample fits the input's bits."""
        return all(-(1 << (self.bits - 1)) <= v < 1 << (self.bits - 1) for v in sample)


def _pack(sample: Sample, bits: int) -> int:
    mask = (1 << bits) - 1
    return sum((v & mask) << (bits * c) for c, v in enumerate(sample))


def _expected(framing: Framing, packets: Sequence[Sequence[Sample]]) -> tuple[list[int], list[int]]:
    """Words and error bits: the contract of s_axis as ``docs/hardware.md`` states it."""
    words: list[int] = []
    errors: list[int] = []
    for packet in packets:
        used = list(packet[: framing.samples])
        fill = framing.samples - len(used)
        words += [_pack(sample, framing.bits) for sample in used] + [0] * fill
        whole = len(packet) == framing.samples
        errors.append(int(not (whole and all(framing.in_range(s) for s in used))))
    return words, errors


def _case(samples: int, channels: int, bits: int) -> Case:
    rng = random.Random(100 * samples + 10 * channels + bits)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def packet(length: int) -> tuple[Sample, ...]:
        return tuple(
            tuple(rng.choice((low, high, rng.randint(low, high))) for _ in range(channels))
            for _ in range(length)
        )

    def spoilt(length: int, at: int, value: int) -> tuple[Sample, ...]:
        whole = list(packet(length))
        whole[at] = (*whole[at][:-1], value)
        return tuple(whole)

    right = [samples]
    lengths = [*right, samples + 1, *right, *right, samples + 7, 2 * samples + 1, *right]
    lengths += [1, *right, max(1, samples - 1), max(1, samples // 2), 1, 1, *right, 3 * samples]
    packets = [packet(length) for length in lengths]
    if bits < AXIS_BITS:
        for value in (high + 1, low - 1, -(1 << 15), (1 << 15) - 1):
            packets += [spoilt(samples, rng.randrange(samples), value), packet(samples)]
        # a sample out of range behind the end of a long fragment, then nothing wrong
        packets += [spoilt(samples + 2, samples + 1, high + 1), packet(samples)]
    packets.append(packet(samples))
    return Case(
        f"n{samples}_c{channels}_b{bits}",
        {"Samples": samples, "Channels": channels, "InputBits": bits},
        (
            *CLOCKED,
            Port("s_axis_tvalid"),
            Port("s_axis_tready", None, False),
            Port("s_axis_tdata", AXIS_BITS * channels),
            Port("s_axis_tlast"),
            *stream_out("out", channels * bits),
            Port("err_valid_o", None, False),
            Port("err_ready_i"),
            Port("err_data_o", None, False),
        ),
        Framing(samples, channels, bits, tuple(packets)),
    )


BENCH = Bench(
    "bnn_framer",
    tuple(
        _case(samples, channels, bits)
        for samples, channels, bits in ((1, 1, 12), (8, 1, 12), (5, 2, 8), (13, 3, 2), (6, 1, 16))
    ),
    illegal=({"Samples": 0}, {"Channels": 0}, {"InputBits": 1}, {"InputBits": 17}),
)


async def _frame(
    ports: CasePorts, framing: Framing, packets: Sequence[Sequence[Sample]], flow: Flow, seed: int
) -> tuple[list[int], list[int], int]:
    """Send packets; gives words, error bits and the cycles it took."""
    beats = [
        (_pack(sample, AXIS_BITS), int(i == len(packet) - 1))
        for packet in packets
        for i, sample in enumerate(packet)
    ]
    words, errors = _expected(framing, packets)
    source = Source(
        ports.s_axis_tvalid,
        ports.s_axis_tready,
        [ports.s_axis_tdata, ports.s_axis_tlast],
        beats,
        flow,
        seed,
    )
    out = Sink(*ports.stream_out("out"), flow, seed)
    verdicts = Sink(*ports.stream_out("err"), flow, seed + 1)
    cycles = await run(
        ports.clk_i,
        [source, out, verdicts],
        lambda: source.done and len(out.beats) >= len(words) and len(verdicts.beats) >= len(errors),
        timeout_cycles=int((len(beats) + len(words)) * 12 + 400),
        extra_cycles=20,
    )
    return out.beats, verdicts.beats, cycles - 20


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names), flow=named(flow.name for flow in FLOWS))
async def packets(dut: Any, case: str, flow: str) -> None:
    """Right, short, long and out-of-range fragments: whole words, a verdict each, none spoils the next."""
    chosen = BENCH.case(case)
    framing: Framing = chosen.data
    ports = CasePorts(dut, chosen)
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    words, errors = _expected(framing, framing.packets)
    assert {0, 1} <= set(errors), "the packets hold no error, or nothing else"
    got_words, got_errors, _ = await _frame(ports, framing, framing.packets, flow_named(flow), 3)
    check_beats(chosen, got_words, words)
    check_beats(chosen, got_errors, errors)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names))
async def back_to_back(dut: Any, case: str) -> None:
    """Fragments without a fault pass at one sample a cycle, with no gap between them."""
    chosen = BENCH.case(case)
    framing: Framing = chosen.data
    ports = CasePorts(dut, chosen)
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    whole = [p for p in framing.packets if not _expected(framing, [p])[1][0]][:4]
    _, errors, cycles = await _frame(ports, framing, whole, FULL, 5)
    assert errors == [0] * len(whole)
    assert cycles <= len(whole) * framing.samples + 4, f"{case}: {cycles} cycles"


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names))
async def reset_in_fragment(dut: Any, case: str) -> None:
    """The rest of a fragment cut by reset is a short one, flagged; the next is right again."""
    chosen = BENCH.case(case)
    framing: Framing = chosen.data
    ports = CasePorts(dut, chosen)
    start_clock(ports.clk_i)
    whole = [p for p in framing.packets if not _expected(framing, [p])[1][0]][:2]
    for cut in range(1, framing.samples):
        await reset(ports.clk_i, ports.rst_ni)
        beats = [(_pack(sample, AXIS_BITS), 0) for sample in whole[0][:cut]]
        axis = [ports.s_axis_tdata, ports.s_axis_tlast]
        source = Source(ports.s_axis_tvalid, ports.s_axis_tready, axis, beats, FULL, cut)
        sinks = [
            Sink(*ports.stream_out("out"), FULL, cut),
            Sink(*ports.stream_out("err"), FULL, cut),
        ]
        sent = source
        await run(ports.clk_i, [source, *sinks], lambda sent=sent: sent.done, 200)
        await reset(ports.clk_i, ports.rst_ni, cycles=1)
        arriving = [whole[0][cut:], whole[1]]
        words, errors = _expected(framing, arriving)
        assert errors == [1, 0]
        got_words, got_errors, _ = await _frame(ports, framing, arriving, FULL, cut)
        check_beats(chosen, got_words, words)
        check_beats(chosen, got_errors, errors)
