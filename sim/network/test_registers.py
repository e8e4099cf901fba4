"""The registers behind AXI4-Lite: every address, every field, against golden and the register map.

Whole accelerators with real ECG on ``s_axis``; the registers must follow what leaves on ``m_axis``.
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiResp

from bnn_hw.generate.registers import MAGIC, version_fields
from sim.common.cases import named
from sim.common.streams import FLOWS, flow_named, reset
from sim.network.packets import result_bytes
from sim.network.registers import (
    BUILD,
    FAST,
    FRAGMENTS,
    MAP,
    PLAN,
    TIMEOUT_MS,
    Answer,
    Block,
    broken,
    field,
    fragment,
    golden,
    mask,
)

_FLOWS = named(flow.name for flow in FLOWS)


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def identity(dut: Any) -> None:
    """Id, version, digest and shape are those of this network; everything else is reset."""
    block = Block(dut)
    await block.start()
    assert await block.read("id") == MAGIC
    version = await block.read("version")
    told = tuple(field(version, "version", name) for name in ("major", "minor", "patch"))
    assert told == version_fields(PLAN.generator_version)
    digest = "".join([f"{await block.read(f'digest{i}'):08x}" for i in range(8)])
    assert digest == BUILD.network.digest()
    shape = await block.read("shape")
    assert field(shape, "shape", "classes") == BUILD.network.classes
    assert field(shape, "shape", "channels") == BUILD.network.input.channels
    assert await block.read("samples") == BUILD.network.input.samples
    assert await block.read("cycles") == PLAN.cycles
    await block.check_reset()
    assert int(dut.irq_o.value) == 0


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
async def every_address(dut: Any) -> None:
    """SLVERR and 0 where no register stands, in the whole address space, for reads and writes."""
    block = Block(dut)
    await block.start()
    mapped = {r.offset + 4 * i for r in MAP.registers for i in range(r.count)}
    for offset in range(0, 1 << MAP.address_bits, 4):
        word, code = await block.read_at(offset)
        if offset in mapped:
            assert code == AxiResp.OKAY, f"read {offset:#x}: {code.name}"
        else:
            assert (word, code) == (0, AxiResp.SLVERR), f"read {offset:#x}: {word:#x}, {code.name}"
    writable = {MAP.register(name).offset for name in ("control", "interrupt_enable")}
    for offset in range(0, 1 << MAP.address_bits, 4):
        if offset not in writable:
            code = await block.write_at(offset, b"\xff\xff\xff\xff")
            want = AxiResp.OKAY if offset in mapped else AxiResp.SLVERR
            assert code == want, f"write {offset:#x}: {code.name}"
    await block.check_reset()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def results(dut: Any) -> None:
    """After each fragment of real ECG: class, scores, flag and counters equal golden."""
    block = Block(dut)
    await block.start()
    packets = [fragment(i) for i in range(FRAGMENTS)]
    for number, (packet, want) in enumerate(zip(packets, golden(packets), strict=True), start=1):
        block.send(packet)
        (frame,) = await block.frames(1)
        _check_stream(frame, want)
        await block.check_result(want, number)
        await block.check_counters(number, 0)


def _check_stream(frame: Any, want: Answer) -> None:
    """The packet on m_axis is golden's too: the block must not touch it."""
    raw = result_bytes(PLAN, frame)
    width = PLAN.result_bits // 8
    beats = [
        (int.from_bytes(raw[i : i + width], "little", signed=True), raw[i + width])
        for i in range(0, len(raw), width + 1)
    ]
    flags = int(want.error)
    expected = [(score, flags) for score in want.scores] + [(want.index, flags | 2)]
    assert beats == expected, f"m_axis: golden {expected}, got {beats}"


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
async def broken_fragments(dut: Any) -> None:
    """A fragment that breaks the rules is flagged and counted, and spoils nothing behind it."""
    block = Block(dut)
    await block.start()
    packets = [fragment(0), broken(1), fragment(1), broken(2), broken(0), fragment(2)]
    errors = 0
    for number, (packet, want) in enumerate(zip(packets, golden(packets), strict=True), start=1):
        block.send(packet)
        await block.frames(1)
        errors += want.error
        await block.check_result(want, number)
        await block.check_counters(number, errors)
    assert errors == 3
    await block.write("control", mask("control", "clear"))
    await block.check_reset()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
async def interrupts(dut: Any) -> None:
    """Enabled events raise irq_o until they are cleared; others are pending without it."""
    block = Block(dut)
    await block.start()

    async def state() -> tuple[int, int, int]:
        await block.cycles(2)
        status, raw = await block.read("interrupt_status"), await block.read("interrupt_raw")
        return status, raw, int(dut.irq_o.value)

    result, error = mask("interrupt_raw", "result"), mask("interrupt_raw", "error")
    overrun = mask("interrupt_raw", "overrun")
    block.send(fragment(0))
    await block.frames(1)
    assert await state() == (0, result, 0), "nothing is enabled"
    await block.write("interrupt_enable", result)
    assert await state() == (result, result, 1), "an event that was pending when it was enabled"
    await block.write("interrupt_status", error | overrun)
    assert await state() == (result, result, 1), "other events were cleared"
    await block.write("interrupt_status", result)
    assert await state() == (0, 0, 0), "cleared"

    await block.write("interrupt_enable", error)
    block.send(fragment(1))
    await block.frames(1)
    assert await state() == (0, result, 0), "a good fragment is no error"
    block.send(broken(1))
    await block.frames(1)
    # the result before was not acknowledged
    assert await state() == (error, result | error | overrun, 1)
    await block.write("interrupt_status", error)
    assert await state() == (0, result | overrun, 0)
    await block.write("interrupt_status", result | overrun)
    assert await state() == (0, 0, 0)

    await block.write("interrupt_enable", result)
    block.send(fragment(2))
    for _ in range(20 * PLAN.cycles + 2000):
        await RisingEdge(dut.aclk)
        if int(dut.irq_o.value):
            break
    assert not block.sink.empty(), "irq_o rose before the result's last beat was taken"
    assert await state() == (result, result, 1)
    await block.write("control", mask("control", "clear"))
    assert await state() == (0, 0, 0), "clear drops what is pending"
    assert await block.read("interrupt_enable") == result, "clear leaves what is enabled"


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
async def hold(dut: Any) -> None:
    """A held result stays, whatever ends meanwhile; that is counted and told as an overrun."""
    block = Block(dut)
    await block.start()
    packets = [fragment(0), broken(1), fragment(1), fragment(2)]
    want = golden(packets)
    block.send(packets[0])
    await block.frames(1)
    await block.write("control", mask("control", "hold"))
    await block.write("interrupt_status", mask("interrupt_status", "result"))
    for packet in packets[1:3]:
        block.send(packet)
    await block.frames(2)
    await block.check_result(want[0], 1)
    await block.check_counters(3, 1)
    assert await block.read("interrupt_raw") == mask("interrupt_raw", "result", "error", "overrun")
    await block.write("control", 0)
    await block.check_result(want[0], 1)
    block.send(packets[3])
    await block.frames(1)
    await block.check_result(want[3], 4)


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
async def byte_strobes(dut: Any) -> None:
    """Only bytes with a strobe are written: to set, to clear and to start something."""
    block = Block(dut)
    await block.start()
    enable = MAP.register("interrupt_enable").offset
    everything = mask("interrupt_enable", "result", "error", "overrun")
    for start, length in ((1, 1), (2, 1), (3, 1), (1, 3), (2, 2)):
        assert await block.write_at(enable + start, b"\xff" * length) == AxiResp.OKAY
        assert await block.read("interrupt_enable") == 0, f"bytes {start} to {start + length - 1}"
    assert await block.write_at(enable, b"\xff") == AxiResp.OKAY
    assert await block.read("interrupt_enable") == everything
    assert await block.write_at(enable + 1, bytes(3)) == AxiResp.OKAY
    assert await block.read("interrupt_enable") == everything
    block.send(fragment(0))
    await block.frames(1)
    for name in ("interrupt_status", "control"):
        await block.write_at(MAP.register(name).offset + 1, b"\xff\xff\xff")
        assert await block.read("interrupt_raw") == mask("interrupt_raw", "result")
        await block.check_counters(1, 0)
    await block.write_at(MAP.register("interrupt_status").offset, b"\xff")
    assert await block.read("interrupt_raw") == 0


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
@cocotb.parametrize(flow=_FLOWS)
async def whole_results_while_fragments_pass(dut: Any, flow: str) -> None:
    """Fragments follow each other while all is read, under stalls everywhere: never two mixed."""
    block = Block(dut)
    await block.start()
    block.stall(flow_named(flow), seed=5)
    packets = [broken(i) if i % 3 == 2 else fragment(i) for i in range(2 * FRAGMENTS)]
    want = golden(packets)
    for packet in packets:
        block.send(packet)
    seen: set[int] = set()
    for turn in range(20 * len(packets) * (PLAN.cycles + 100)):
        if await block.read("fragments") == len(packets):
            break
        if turn % 2:
            # held, all that is read is of one fragment
            await block.write("control", mask("control", "hold"))
            number = await block.read("result_fragment")
            if number:
                await block.check_result(want[number - 1], number)
                seen.add(number)
            await block.write("control", 0)
        else:
            # not held, a number that stays the same tells it
            number, word = await block.read("result_fragment"), await block.read("result")
            if number and await block.read("result_fragment") == number:
                assert field(word, "result", "class") == want[number - 1].index
                assert field(word, "result", "error") == want[number - 1].error
    assert seen, "no result was seen while fragments passed"
    await block.frames(len(packets))
    await block.check_counters(len(packets), sum(answer.error for answer in want))


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
@cocotb.parametrize(flow=_FLOWS)
async def stalls(dut: Any, flow: str) -> None:
    """Reads and writes at the same time with every channel paused: each has its own answer."""
    block = Block(dut)
    await block.start()
    block.stall(flow_named(flow), seed=9)
    constants = [register for register in MAP.registers if register.is_constant]

    async def read_constants() -> None:
        for register in constants * 3:
            assert await block.read(register.name) == register.reset, register.name

    async def write_and_read_back() -> None:
        for value in (5, 2, 7, 0, 1, 4) * 4:
            await block.write("interrupt_enable", value)
            assert await block.read("interrupt_enable") == value

    tasks = [cocotb.start_soon(read_constants()), cocotb.start_soon(write_and_read_back())]
    for task in tasks:
        await task
    block.send(fragment(0))
    await block.frames(1)
    await block.check_result(golden([fragment(0)])[0], 1)


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
@cocotb.parametrize(part=[0.3, 1.2])
async def reset_in_fragment(dut: Any, part: float) -> None:
    """Reset takes every register back; the rest of the fragment it cut counts as broken."""
    block = Block(dut)
    await block.start()
    await block.write("interrupt_enable", mask("interrupt_enable", "result"))
    await block.write("control", mask("control", "hold"))
    for i in range(2):
        block.send(fragment(i))
    await block.cycles(max(1, int(part * PLAN.cycles)))
    pending = cocotb.start_soon(block.bus.read(0, 4))
    dut.aresetn.value = 0
    await block.cycles(3)
    pending.cancel()
    block.source.clear()
    block.sink.clear()
    await reset(dut.aclk, dut.aresetn, cycles=1)
    await block.cycles(2)
    await block.check_reset()
    assert int(dut.irq_o.value) == 0
    packets = [fragment(1)[PLAN.samples // 3 :], fragment(2)]
    want = golden(packets)
    assert [answer.error for answer in want] == [True, False]
    for number, (packet, answer) in enumerate(zip(packets, want, strict=True), start=1):
        block.send(packet)
        await block.frames(1)
        await block.check_result(answer, number)
        await block.check_counters(number, 1)
