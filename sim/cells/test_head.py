"""bnn_head: scores, class and error flag of whole fragments against golden."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from bnn_hw.generate.folding import fastest, override, score_cycles
from bnn_hw.generate.plan import build_plan
from bnn_hw.golden import plain
from bnn_hw.ir import Conv, Head, MaxPool, Network, NetworkInput
from bnn_hw.simulate.taps import expected
from sim.common.blocks import random_bits
from sim.common.cases import CLOCKED, Bench, Case, CasePorts, Port, named, packed, stream_in
from sim.common.stream_cell import check_beats
from sim.common.streams import FLOWS, FULL, Flow, Sink, Source, flow_named, reset, run, start_clock

FRAGMENTS = 4


@dataclass(frozen=True)
class Fragments:
    """Beats of pooled sums, the framer's verdicts, and the result beats golden makes of them."""

    words: list[int]
    errors: list[int]
    beats: list[tuple[int, int, int]]
    cycles: int


def _network(
    classes: int, positions: int, coefficient_bits: int, pool: int, peak_weight: int
) -> Network:
    rng = np.random.default_rng([classes, positions, coefficient_bits])
    weights = random_bits(rng, classes, 1, 3)

    def coefficients(bits: int) -> list[int]:
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        return [int(v) for v in rng.integers(low, high + 1, classes)]

    positive = coefficients(coefficient_bits)
    negative = coefficients(max(1, coefficient_bits - 3))
    offset = coefficients(coefficient_bits + 4)
    for values in (positive, negative, offset):
        values[-1] = values[0]  # the first and the last class always tie
    weights[-1] = weights[0]
    layers = [Conv("last", weights), *([MaxPool(pool, 1)] if pool > 1 else [])]
    head = Head(tuple(positive), tuple(negative), tuple(offset), 4, peak_weight)
    return Network(
        "scores",
        NetworkInput(samples=positions + pool + 1, bits=6),
        (*layers, head),
        tuple(f"c{c}" for c in range(classes)),
    )


def _case(
    classes: int,
    lanes: int,
    positions: int,
    coefficient_bits: int,
    pool: int = 1,
    peak_weight: int = 0,
    memory: int = 0,
    pairs: int = 1,
) -> Case:
    network = _network(classes, positions, coefficient_bits, pool, peak_weight)
    folding = override(network, fastest(network), {"last": (lanes, 3)})
    plan = build_plan(network, folding)
    last, head = plan.stages[-1], plan.head
    rng = np.random.default_rng([classes, lanes])
    samples = rng.integers(-32, 32, (FRAGMENTS, plan.samples))
    samples[0], samples[1] = 31, -32
    trace = plain.trace(network, samples)
    pooled = trace.blocks[-1].pooled
    assert pooled is not None and pooled.shape[1] == head.positions
    words = [
        packed([int(v) for v in beat], last.lane_bits).value for beat in pooled.reshape(-1, lanes)
    ]
    errors = [int(v) for v in rng.integers(0, 2, FRAGMENTS)]
    golden = expected(plan, trace, [bool(e) for e in errors])["result"].reshape(
        FRAGMENTS * (classes + 1), -1
    )
    beats = [
        (int.from_bytes(b[:-1].tobytes(), "little"), int(b[-1]) >> 1, int(b[-1]) & 1)
        for b in golden
    ]
    return Case(
        f"c{classes}_p{lanes}_n{positions}_b{coefficient_bits}_w{peak_weight}"
        + "_memory" * memory
        + "_pairs" * (pairs - 1),
        {
            "Lanes": lanes,
            "Nf": classes // lanes,
            "LaneBits": last.lane_bits,
            "Positions": head.positions,
            "PeakWeight": head.peak_weight,
            "Classes": classes,
            "AccBits": head.acc_bits,
            "PositiveBits": head.positive_bits,
            "NegativeBits": head.negative_bits,
            "OffsetBits": head.offset_bits,
            "ScoreBits": head.score_bits,
            "ResultBits": plan.result_bits,
            "StepPairs": pairs,
            "Memory": memory,
            "Positive": packed(head.positive, head.positive_bits),
            "Negative": packed(head.negative, head.negative_bits),
            "Offset": packed(head.offset, head.offset_bits),
        },
        (
            *CLOCKED,
            *stream_in("in", lanes * last.lane_bits),
            Port("err_valid_i"),
            Port("err_ready_o", None, False),
            Port("err_data_i"),
            Port("m_axis_tvalid", None, False),
            Port("m_axis_tready"),
            Port("m_axis_tdata", plan.result_bits, False),
            Port("m_axis_tlast", None, False),
            Port("m_axis_tuser", None, False),
        ),
        Fragments(words, errors, beats, len(words) // FRAGMENTS + score_cycles(network, pairs)),
    )


BENCH = Bench(
    "bnn_head",
    (
        _case(1, 1, 1, 1),
        _case(2, 1, 4, 5),
        _case(3, 3, 1, 8),
        _case(5, 1, 27, 12),
        _case(5, 5, 6, 9, pool=3),
        _case(6, 2, 9, 16),
        _case(17, 1, 5, 13),
        _case(8, 4, 3, 40),  # results of 64 bits
        _case(3, 1, 1, 6, peak_weight=1),
        _case(5, 1, 12, 9, peak_weight=16),
        _case(6, 2, 9, 10, pool=2, peak_weight=4),
        _case(4, 4, 5, 7, peak_weight=64),
        _case(17, 1, 6, 10, peak_weight=16, memory=1),
        _case(6, 3, 4, 9, memory=1),
        _case(1, 1, 1, 3, pairs=2),
        _case(17, 1, 5, 13, peak_weight=16, pairs=2),
        _case(6, 2, 9, 16, pairs=2),
        _case(3, 3, 2, 9, pool=2, peak_weight=2, pairs=2),
    ),
    illegal=(
        {"Lanes": 0},
        {"Nf": 0},
        {"Positions": 0},
        {"Classes": 4},
        {"AccBits": 3},
        {"ScoreBits": 33},
        {"PeakWeight": 3},
        {"PeakWeight": -1},
        {"Memory": 2},
        {"StepPairs": 0},
        {"StepPairs": 3},
        {"Lanes": 3, "Nf": 1, "Memory": 1},
    ),
)


async def _score(ports: CasePorts, data: Fragments, flow: Flow, fragments: int = FRAGMENTS) -> Sink:
    words = data.words[: len(data.words) // FRAGMENTS * fragments]
    want = len(data.beats) // FRAGMENTS * fragments
    source = Source(*ports.stream_in("in"), words, flow, 1)
    verdicts = Source(*ports.stream_in("err"), data.errors[:fragments], flow, 2)
    sink = Sink(
        ports.m_axis_tvalid,
        ports.m_axis_tready,
        [ports.m_axis_tdata, ports.m_axis_tlast, ports.m_axis_tuser],
        flow,
        3,
    )
    await run(
        ports.clk_i,
        [source, verdicts, sink],
        lambda: source.done and verdicts.done and len(sink.beats) >= want,
        timeout_cycles=8 * FRAGMENTS * data.cycles + 8 * len(words) + 2000,
        extra_cycles=data.cycles + 20,
    )
    return sink


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names), flow=named(flow.name for flow in FLOWS))
async def results(dut: Any, case: str, flow: str) -> None:
    """Fragments back to back give golden's packets, flag and tlast included, under every flow."""
    chosen = BENCH.case(case)
    ports = CasePorts(dut, chosen)
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    sink = await _score(ports, chosen.data, flow_named(flow))
    for position in range(3):  # data, tlast, tuser
        got = [beat[position] for beat in sink.beats]
        check_beats(chosen, got, [beat[position] for beat in chosen.data.beats])
    if flow == FULL.name:
        ends = [c for c, beat in zip(sink.cycles, sink.beats, strict=True) if beat[1]]
        period = (ends[-1] - ends[0]) / (len(ends) - 1)
        assert period <= chosen.data.cycles, (
            f"{case}: {period} cycles a fragment, the plan counts on {chosen.data.cycles}"
        )


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(case=named(BENCH.names))
async def reset_in_fragment(dut: Any, case: str) -> None:
    """A reset while sums come in or scores go out leaves nothing behind."""
    chosen = BENCH.case(case)
    data: Fragments = chosen.data
    ports = CasePorts(dut, chosen)
    start_clock(ports.clk_i)
    rng = random.Random(9)
    for _ in range(4):
        await reset(ports.clk_i, ports.rst_ni)
        stop = rng.randint(1, len(data.words) // FRAGMENTS + data.cycles)
        source = Source(*ports.stream_in("in"), data.words, FULL, 1)
        verdicts = Source(*ports.stream_in("err"), data.errors, FULL, 2)
        fields = [ports.m_axis_tdata, ports.m_axis_tlast, ports.m_axis_tuser]
        sink = Sink(ports.m_axis_tvalid, ports.m_axis_tready, fields, FULL, 3)
        left = iter(range(stop))
        await run(
            ports.clk_i,
            [source, verdicts, sink],
            lambda left=left: next(left, None) is None,
            10 * stop + 10,
        )
        await reset(ports.clk_i, ports.rst_ni, cycles=1)
        again = await _score(ports, data, FULL, fragments=2)
        want = data.beats[: len(data.beats) // FRAGMENTS * 2]
        for position in range(3):
            got = [beat[position] for beat in again.beats]
            check_beats(chosen, got, [beat[position] for beat in want])
