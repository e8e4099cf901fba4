"""The network on a board, seen through its serial line alone: every result against golden.

The folder with the network and its samples comes in the environment; the runner in
``bnn_hw.simulate.board_bench`` sets it. A fragment that lost or gained bytes must be flagged, and the
one behind it must not notice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge, Timer

from bnn_hw.golden import plain
from bnn_hw.ir import load_network
from sim.board.slip import END, ESCAPE, Line, decode, encode
from sim.common.streams import CLOCK_NS, start_clock

FOLDER = Path(os.environ["BNN_BOARD"])
NETWORK = load_network(FOLDER / "network.json")
SAMPLES = np.load(FOLDER / "samples.npy")  # (fragments, channels, samples)
RESULT_BYTES = int(os.environ["BNN_RESULT_BYTES"])
_TIMEOUT_MS = 200


@dataclass(frozen=True)
class Sent:
    """A fragment's line bytes, and what the board should make of it: samples, or None for 'flagged'."""

    line: bytes
    samples: np.ndarray | None
    stop: int = 1


def _packet(samples: np.ndarray) -> bytes:
    """``(channels, samples)`` integers as bytes of 16 bits, channel by channel of each sample time."""
    return np.ascontiguousarray(samples.T).astype("<i2").tobytes()


def _whole(index: int) -> Sent:
    samples = SAMPLES[index % len(SAMPLES)]
    return Sent(encode(_packet(samples)), samples)


async def _start(dut: Any) -> Line:
    dut.button_ni.value = 1
    clocks_per_bit = int(dut.ClocksPerBit.value)
    line = Line(dut.uart_rx_i, dut.uart_tx_o, clocks_per_bit * CLOCK_NS)
    start_clock(dut.clk_i)
    for _ in range(40):  # the board comes out of its power-on reset
        await RisingEdge(dut.clk_i)
    cocotb.start_soon(line.receive())
    return line


async def _results(line: Line, count: int) -> tuple[list[bytes], int]:
    """Wait for ``count`` packets and then for silence; packets, and escapes among their bytes."""
    silent, before = 0, -1
    while silent < 40:
        await Timer(200 * CLOCK_NS * 10, "ns")
        silent = silent + 1 if len(line.received) == before else 0
        before = len(line.received)
        if line.received.count(END) >= count and silent >= 10:
            break
    packets, escapes = decode(line.received)
    assert len(packets) == count, f"{len(packets)} results for {count} fragments"
    return packets, escapes


def _check(sent: Sequence[Sent], packets: Sequence[bytes]) -> None:
    classes = NETWORK.classes
    for number, (fragment, packet) in enumerate(zip(sent, packets, strict=True)):
        assert len(packet) == RESULT_BYTES * (classes + 1) + 1, (
            f"result {number} has another length"
        )
        values = [
            int.from_bytes(packet[i * RESULT_BYTES : (i + 1) * RESULT_BYTES], "little", signed=True)
            for i in range(classes + 1)
        ]
        flagged = packet[-1]
        assert flagged == (fragment.samples is None), f"result {number}: flag is {flagged}"
        if fragment.samples is not None:
            golden = plain.run(NETWORK, fragment.samples[np.newaxis])
            assert values[:-1] == golden.scores[0].tolist(), f"scores of fragment {number}"
            assert values[-1] == golden.classes[0], f"class of fragment {number}"


@cocotb.test(timeout_time=_TIMEOUT_MS, timeout_unit="ms")
async def fragments(dut: Any) -> None:
    """Fragments without a gap: scores and class as golden says, no flag; both kinds of escape occur."""
    line = await _start(dut)
    sent = [_whole(i) for i in range(len(SAMPLES))]
    for fragment in sent:
        await line.send(fragment.line)
    packets, escapes = await _results(line, len(sent))
    _check(sent, packets)
    answered = b"".join(packets)
    assert escapes >= 2 and END in answered and ESCAPE in answered


@cocotb.test(timeout_time=_TIMEOUT_MS, timeout_unit="ms")
async def broken_lines(dut: Any) -> None:
    """Lost, doubled and broken bytes flag their fragment, whatever their number, and no other."""
    line = await _start(dut)
    good = _packet(SAMPLES[0])
    broken = [
        encode(good[:-1]),  # one byte lost
        encode(good[3:]),  # three
        encode(good[:-2]),  # a whole sample
        encode(good[:7] + good[6:]),  # one byte twice
        encode(good + good[:2]),
        encode(good[:1]),
        encode(good[:2]),
        # samples beyond the input's bits, whose bytes have to be escaped
        encode(good[:-2] + bytes((END, ESCAPE))),
        encode(bytes((ESCAPE, END)) + good[2:]),
        # an escape that means nothing is a lost byte
        bytes((ESCAPE, 0x41)) + encode(good[1:]),
    ]
    sent = []
    for index, packet in enumerate(broken):
        sent += [Sent(packet, None), _whole(index)]
    for fragment in sent:
        await line.send(fragment.line)
    _check(sent, (await _results(line, len(sent)))[0])


@cocotb.test(timeout_time=_TIMEOUT_MS, timeout_unit="ms")
async def noise(dut: Any) -> None:
    """A byte without stop bit counts as lost; ENDs in a row mean nothing; the button starts anew."""
    line = await _start(dut)
    good = _packet(SAMPLES[1])
    await line.send(bytes((END, END)))
    await line.send(good[:4])
    await line.send(good[4:5], stop=0)
    await line.send(encode(good[5:]))
    await line.send(_whole(1).line)
    await _results(line, 2)
    await line.send(good[:10])
    dut.button_ni.value = 0
    await Timer(20 * CLOCK_NS, "ns")
    dut.button_ni.value = 1
    await Timer(40 * CLOCK_NS, "ns")
    await line.send(_whole(2).line)
    sent = [Sent(b"", None), _whole(1), _whole(2)]
    _check(sent, (await _results(line, len(sent)))[0])
