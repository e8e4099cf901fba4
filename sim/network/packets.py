"""Packets of ``s_axis`` and ``m_axis`` as the benches of whole networks send and read them.

What the contract of ``s_axis`` makes of a packet is written here once, in Python that shares nothing
with the hardware: short ones filled with zeros, long ones cut, samples beyond the input's bits as
their low bits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from bnn_hw.generate.plan import Plan

Packet = npt.NDArray[np.int64]  # (samples, channels): any length, any 16-bit value


def whole(samples: npt.NDArray[Any], index: int) -> Packet:
    """Fragment ``index`` of ``(fragments, channels, samples)`` as a packet, round and round."""
    return np.asarray(samples[index % len(samples)].T, dtype=np.int64)


def received(plan: Plan, packet: Packet) -> tuple[Packet, bool]:
    """What the design works on, ``(samples, channels)``, and whether its result is flagged.

    Without tkeep a packet is as long as its beats: samples that do not fill the last one are zeros.
    """
    low = -(1 << (plan.input_bits - 1))
    used = packet[: plan.samples]
    wrapped = (used - low) % (1 << plan.input_bits) + low
    filled = np.zeros((plan.samples, plan.input_channels), dtype=np.int64)
    filled[: len(used)] = wrapped
    beats = -(-len(packet) // plan.samples_per_beat)
    whole_length = beats == plan.beats
    return filled, not whole_length or bool((wrapped != used).any())


def frame_of(plan: Plan, packet: Packet) -> AxiStreamFrame:
    """A packet as the source takes it, in whole beats."""
    missing = -len(packet) % plan.samples_per_beat
    whole_beats = np.pad(packet, ((0, missing), (0, 0)))
    return AxiStreamFrame(tdata=np.ascontiguousarray(whole_beats.astype("<i2")).tobytes())


def result_bytes(plan: Plan, frame: AxiStreamFrame) -> bytes:
    """A result packet as beats of data and flags; the sink ends a packet at tlast."""
    width = plan.result_bits // 8
    frame.normalize()  # one tuser a byte, however the sink has put it together
    beats = len(frame.tdata) // width
    raw = bytearray()
    for beat in range(beats):
        raw += bytes(frame.tdata[beat * width : (beat + 1) * width])
        raw.append(int(frame.tuser[beat * width]) | (2 if beat == beats - 1 else 0))
    return bytes(raw)


def pause_pattern(rng: random.Random, rate: float) -> Iterator[bool]:
    """For an agent's pause generator: go on in a share ``rate`` of the cycles."""
    while True:
        yield rng.random() >= rate


def stream_agents(dut: Any, clock: Any, reset_n: Any) -> tuple[AxiStreamSource, AxiStreamSink]:
    """Source on ``s_axis`` and sink on ``m_axis``."""
    # without tkeep the agents would take the whole beat for one byte
    shared = {"reset_active_level": False, "byte_size": 8}
    source_bus, sink_bus = (AxiStreamBus.from_prefix(dut, name) for name in ("s_axis", "m_axis"))
    source = AxiStreamSource(source_bus, clock, reset_n, **shared)
    sink = AxiStreamSink(sink_bus, clock, reset_n, **shared)
    # the agents' notes of every frame would fill the log
    source.log.setLevel("WARNING")
    sink.log.setLevel("WARNING")
    return source, sink
