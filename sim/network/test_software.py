"""The rendered software against the simulated bus: the PYNQ driver, and the C example.

Both run as blocking code in a thread of their own; each access to a register becomes a transfer of
cocotbext-axi's master and waits for its answer, so that neither knows it is simulated.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import os
import sys
from typing import Any

import cocotb
import numpy as np
from cocotb.task import bridge, resume
from cocotb.triggers import RisingEdge

from sim.network.packets import result_bytes
from sim.network.registers import (
    BUILD,
    FAST,
    PLAN,
    SAMPLES,
    TIMEOUT_MS,
    Block,
    broken,
    fragment,
    golden,
)

_PATIENCE_CYCLES = 20 * PLAN.cycles + 2000


def _driver_module() -> Any:
    """The driver as it lies in the build folder."""
    path = BUILD.path / "handoff" / f"{PLAN.name}_driver.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


class _Mmio:
    """What ``pynq.MMIO`` offers, over the simulated bus."""

    def __init__(self, block: Block) -> None:
        self._read = resume(block.read_at)
        self._write = resume(block.write_at)

    def read(self, offset: int = 0) -> int:
        word, code = self._read(offset)
        assert int(code) == 0, f"read {offset:#x}: {code.name}"
        return int(word)

    def write(self, offset: int, value: int) -> None:
        code = self._write(offset, int(value).to_bytes(4, "little"))
        assert int(code) == 0, f"write {offset:#x}: {code.name}"


class _SendChannel:
    """A DMA's way to ``s_axis``: one buffer, one packet."""

    def __init__(self, block: Block) -> None:
        self._block, self._wait = block, resume(block.source.wait)

    def transfer(self, buffer: Any) -> None:
        assert buffer.dtype == np.int16 and buffer.flags.c_contiguous
        self._block.send(np.asarray(buffer, dtype=np.int64))

    def wait(self) -> None:
        self._wait()


class _ReceiveChannel:
    """A DMA's way from ``m_axis``: one packet, one buffer."""

    def __init__(self, block: Block) -> None:
        self._frames = resume(block.frames)
        self._buffer: Any = None

    def transfer(self, buffer: Any) -> None:
        self._buffer = buffer

    def wait(self) -> None:
        (frame,) = self._frames(1)
        raw, width = result_bytes(PLAN, frame), PLAN.result_bits // 8
        data = b"".join(raw[i : i + width] for i in range(0, len(raw), width + 1))
        assert len(data) == self._buffer.nbytes
        self._buffer[:] = np.frombuffer(data, dtype=self._buffer.dtype)


class _Dma:
    def __init__(self, block: Block) -> None:
        self.sendchannel, self.recvchannel = _SendChannel(block), _ReceiveChannel(block)


class _Interrupt:
    """``pynq.Interrupt``: waits for the level of irq_o."""

    def __init__(self, block: Block) -> None:
        self._wait = resume(lambda: _wait_for_irq(block))
        self.waits = 0

    async def wait(self) -> None:
        self.waits += 1
        assert self._wait(), "irq_o did not rise"


async def _wait_for_irq(block: Block) -> bool:
    for _ in range(_PATIENCE_CYCLES):
        if int(block.dut.irq_o.value):
            return True
        await RisingEdge(block.dut.aclk)
    return False


def _allocate(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.zeros(shape, dtype=dtype)


async def _drain(block: Block) -> None:
    """Take results that no one waits for."""
    while True:
        await RisingEdge(block.dut.aclk)
        if not block.sink.empty():
            block.sink.recv_nowait()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def driver(dut: Any) -> None:
    """PYNQ driver: finds its design, classifies real ECG as golden does, reads results and counters."""
    block = Block(dut)
    await block.start()
    module = _driver_module()
    driver_class = getattr(module, "".join(p[:1].upper() + p[1:] for p in PLAN.name.split("_")))
    count = 1 if FAST else 3
    packets = [fragment(i) for i in range(count)]

    def use() -> list[Any]:
        device = driver_class(_Mmio(block), _Dma(block), allocate=_allocate)
        assert device.digest == BUILD.network.digest()
        assert device.result() is None and (device.fragments, device.errors) == (0, 0)
        answers = []
        for number in range(count):
            samples = SAMPLES[number][0] if PLAN.input_channels == 1 else SAMPLES[number]
            answers.append(device.classify(samples))
            assert device.result() == answers[-1], "m_axis and the registers differ"
        assert (device.fragments, device.errors) == (count, 0)
        device.clear()
        assert device.result() is None and device.fragments == 0
        for wrong in (SAMPLES[0][..., 1:], SAMPLES[0] + 0.5, np.full_like(SAMPLES[0], 1 << 14)):
            try:
                device.classify(wrong)
            except ValueError:
                continue
            assert PLAN.input_bits > 15 and wrong.max() == 1 << 14, "a wrong fragment was sent"
        return answers

    answers = await bridge(use)()
    for number, (got, want) in enumerate(zip(answers, golden(packets), strict=True), start=1):
        assert (got.index, got.scores, got.error) == (want.index, want.scores, want.error)
        assert got.fragment == number and got.label == PLAN.labels[want.index]


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
async def driver_interrupts(dut: Any) -> None:
    """PYNQ driver: awaits results by interrupt, whole and broken ones."""
    block = Block(dut)
    await block.start()
    cocotb.start_soon(_drain(block))
    module = _driver_module()
    driver_class = getattr(module, "".join(p[:1].upper() + p[1:] for p in PLAN.name.split("_")))
    packets = [fragment(0), broken(1), fragment(2)]
    interrupt = _Interrupt(block)

    def use() -> list[Any]:
        device = driver_class(_Mmio(block), interrupt=interrupt)
        answers = []
        for packet in packets:
            block.send(packet)
            answers.append(asyncio.run(device.next_result()))
        device.enable_interrupts("error", "overrun")
        assert device.acknowledge() == ("error",)
        assert device.acknowledge() == ()
        assert (device.fragments, device.errors) == (3, 1)
        return answers

    answers = await bridge(use)()
    assert interrupt.waits == len(packets)
    for got, want in zip(answers, golden(packets), strict=True):
        assert (got.index, got.scores, got.error) == (want.index, want.scores, want.error)


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def driver_refuses_another_design(dut: Any) -> None:
    """PYNQ driver: does not start on registers that hold another digest."""
    block = Block(dut)
    await block.start()
    module = _driver_module()
    driver_class = getattr(module, "".join(p[:1].upper() + p[1:] for p in PLAN.name.split("_")))
    module.CONSTANTS["digest3"] ^= 1

    def use() -> str:
        try:
            driver_class(_Mmio(block))
        except RuntimeError as problem:
            return str(problem)
        return ""

    assert "digest3" in await bridge(use)()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms", skip=FAST)
@cocotb.parametrize(variant=["POLLED", "INTERRUPT"])
async def c_example(dut: Any, variant: str) -> None:
    """The rendered C, compiled for this host, reads every result from the simulated registers."""
    block = Block(dut)
    await block.start()
    cocotb.start_soon(_drain(block))
    packets = [fragment(0), broken(1), fragment(2)]
    library = ctypes.CDLL(os.environ[f"BNN_C_{variant}"])
    mmio = _Mmio(block)
    wait_for_irq = resume(lambda: _wait_for_irq(block))
    printed: list[str] = []
    read_type = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)
    write_type = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)
    wait_type = ctypes.CFUNCTYPE(ctypes.c_int)
    print_type = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
    calls = (
        read_type(mmio.read),
        write_type(mmio.write),
        wait_type(wait_for_irq),
        print_type(lambda text: printed.append(text.decode())),
    )
    library.host_connect(*calls)

    def example() -> int:
        return int(library.example_main())

    task = cocotb.start_soon(bridge(example)())
    await block.cycles(200)  # it looks for its design first, then clears
    for number, packet in enumerate(packets, start=1):
        block.send(packet)
        for _ in range(_PATIENCE_CYCLES):
            if len(printed) >= number:
                break
            await RisingEdge(dut.aclk)
    assert await task == 0
    want = [
        f"fragment {number}: class {answer.index}, {PLAN.labels[answer.index]}, "
        f"score {answer.scores[answer.index]}{', broken fragment' if answer.error else ''}\n"
        for number, answer in enumerate(golden(packets), start=1)
    ]
    want.append("3 fragments, 1 of them broken\n")
    assert printed == want, f"printed {printed}, expected {want}"
