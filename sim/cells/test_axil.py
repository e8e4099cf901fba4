"""bnn_axil: every transfer reaches the word bus once and is answered, whatever the channels do."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from sim.common.cases import CLOCKED, Bench, Case, CasePorts, Port, named
from sim.common.streams import FLOWS, Flow, flow_named, reset, start_clock
from sim.network.packets import pause_pattern

TRANSFERS = 40


def _case(address_bits: int) -> Case:
    word_bits = address_bits - 2
    ports = (
        *CLOCKED,
        Port("s_axil_awvalid"),
        Port("s_axil_awready", None, False),
        Port("s_axil_awaddr", address_bits),
        Port("s_axil_awprot", 3),
        Port("s_axil_wvalid"),
        Port("s_axil_wready", None, False),
        Port("s_axil_wdata", 32),
        Port("s_axil_wstrb", 4),
        Port("s_axil_bvalid", None, False),
        Port("s_axil_bready"),
        Port("s_axil_bresp", 2, False),
        Port("s_axil_arvalid"),
        Port("s_axil_arready", None, False),
        Port("s_axil_araddr", address_bits),
        Port("s_axil_arprot", 3),
        Port("s_axil_rvalid", None, False),
        Port("s_axil_rready"),
        Port("s_axil_rdata", 32, False),
        Port("s_axil_rresp", 2, False),
        Port("write_o", None, False),
        Port("write_word_o", word_bits, False),
        Port("write_data_o", 32, False),
        Port("write_strobe_o", 4, False),
        Port("write_error_i"),
        Port("read_word_o", word_bits, False),
        Port("read_data_i", 32),
        Port("read_error_i"),
    )
    return Case(f"a{address_bits}", {"AddressBits": address_bits}, ports, address_bits)


BENCH = Bench(
    "bnn_axil", tuple(_case(bits) for bits in (3, 4, 7, 12)), illegal=({"AddressBits": 2},)
)


def _missing(word: int) -> bool:
    """Words where no register stands."""
    return word % 5 == 1


def _value(word: int) -> int:
    """What a word reads as."""
    return (word * 0x9E3779B1 + 0x7F4A7C15) & 0xFFFFFFFF


class WordBus:
    """The registers' side: answers in the same cycle, and notes every write."""

    def __init__(self, ports: CasePorts) -> None:
        self.ports = ports
        self.writes: list[tuple[int, int, int]] = []

    async def run(self) -> None:
        """Look behind each rising edge, for ever."""
        ports = self.ports
        while True:
            await RisingEdge(ports.clk_i)
            await Timer(1, unit="ns")
            if ports.read_word_o.value.is_resolvable:
                word = int(ports.read_word_o.value)
                ports.read_data_i.value = 0 if _missing(word) else _value(word)
                ports.read_error_i.value = int(_missing(word))
            if int(ports.write_o.value) and int(ports.rst_ni.value):
                word = int(ports.write_word_o.value)
                ports.write_error_i.value = int(_missing(word))
                data, strobe = int(ports.write_data_o.value), int(ports.write_strobe_o.value)
                self.writes.append((word, data, strobe))


async def _start(dut: Any, case: str) -> tuple[CasePorts, WordBus]:
    ports = CasePorts(dut, BENCH.case(case))
    for port in BENCH.case(case).ports:
        if port.is_input and port.name != "clk_i":
            getattr(ports, port.name).value = 0
    start_clock(ports.clk_i)
    await reset(ports.clk_i, ports.rst_ni)
    bus = WordBus(ports)
    cocotb.start_soon(bus.run())
    return ports, bus


def _master(dut: Any, case: str, flow: Flow, seed: int) -> AxiLiteMaster:
    bus = AxiLiteBus.from_prefix(dut, f"{case}_s_axil")
    clock, reset_n = getattr(dut, f"{case}_clk_i"), getattr(dut, f"{case}_rst_ni")
    master = AxiLiteMaster(bus, clock, reset_n, reset_active_level=False)
    write, read = master.write_if, master.read_if
    for side in (write, read):
        side.log.setLevel("ERROR")
    for number, (channel, rate) in enumerate(
        (
            (write.aw_channel, flow.valid),
            (write.w_channel, flow.valid),
            (write.b_channel, flow.ready),
            (read.ar_channel, flow.valid),
            (read.r_channel, flow.ready),
        )
    ):
        if rate < 1:
            channel.set_pause_generator(pause_pattern(random.Random(8 * seed + number), rate))
    return master


@cocotb.test(timeout_time=20, timeout_unit="us")
@cocotb.parametrize(case=named(BENCH.names), flow=named(flow.name for flow in FLOWS))
async def transfers(dut: Any, case: str, flow: str) -> None:
    """Reads and writes side by side under every flow: once on the bus, in order, the right answer."""
    _, bus = await _start(dut, case)
    master = _master(dut, case, flow_named(flow), seed=3)
    words = 1 << (BENCH.case(case).data - 2)
    rng = random.Random(words)
    sent: list[tuple[int, int, int]] = []

    async def write() -> None:
        for _ in range(TRANSFERS):
            word, first = rng.randrange(words), rng.randrange(4)
            raw = rng.randbytes(rng.randint(1, 4 - first))
            answer = await master.write(4 * word + first, raw)
            want = AxiResp.SLVERR if _missing(word) else AxiResp.OKAY
            assert answer.resp == want, f"write {word}: {answer.resp.name}"
            strobe = ((1 << len(raw)) - 1) << first
            sent.append((word, int.from_bytes(raw, "little") << (8 * first), strobe))

    async def read() -> None:
        for _ in range(TRANSFERS):
            word = rng.randrange(words)
            answer = await master.read(4 * word, 4)
            got = (int.from_bytes(answer.data, "little"), answer.resp)
            want = (0, AxiResp.SLVERR) if _missing(word) else (_value(word), AxiResp.OKAY)
            assert got == want, f"read {word}: {got[0]:#x}, {got[1].name}"

    tasks = [cocotb.start_soon(write()), cocotb.start_soon(read())]
    for task in tasks:
        await task
    # bytes without a strobe are nobody's business
    masked = [(word, _strobed(data, strobe), strobe) for word, data, strobe in bus.writes]
    assert masked == sent and len(sent) == TRANSFERS


def _strobed(data: int, strobe: int) -> int:
    return data & sum(0xFF << (8 * lane) for lane in range(4) if strobe >> lane & 1)


@cocotb.test(timeout_time=20, timeout_unit="us")
@cocotb.parametrize(case=named(BENCH.names), data_first=[False, True])
async def write_waits_for_both(dut: Any, case: str, data_first: bool) -> None:
    """Address and data in either order; the answer stands until it is taken, the next write waits."""
    ports, bus = await _start(dut, case)
    early, late = ("w", "aw") if data_first else ("aw", "w")

    async def offer(channel: str) -> None:
        valid = getattr(ports, f"s_axil_{channel}valid")
        valid.value = 1
        while True:
            await RisingEdge(ports.clk_i)
            if int(getattr(ports, f"s_axil_{channel}ready").value):
                break
        valid.value = 0

    ports.s_axil_awaddr.value = 0
    ports.s_axil_wdata.value = 0x12345678
    ports.s_axil_wstrb.value = 0b1001
    for round_ in range(3):
        await offer(early)
        for _ in range(4):
            await RisingEdge(ports.clk_i)
            assert len(bus.writes) == round_ and not int(ports.s_axil_bvalid.value)
        await offer(late)
        for _ in range(4):
            await RisingEdge(ports.clk_i)
        # a second write comes in while the first answer still stands
        await offer("aw")
        await offer("w")
        for _ in range(5):
            await RisingEdge(ports.clk_i)
            assert (int(ports.s_axil_bvalid.value), int(ports.s_axil_bresp.value)) == (1, 0)
            assert len(bus.writes) == round_ + 1, "written before the last answer was taken"
            assert not int(ports.s_axil_awready.value) and not int(ports.s_axil_wready.value)
        # reset drops what waits
        await reset(ports.clk_i, ports.rst_ni, cycles=1)
        for _ in range(4):
            await RisingEdge(ports.clk_i)
            assert not int(ports.s_axil_bvalid.value), "an answer from before the reset"
    assert bus.writes == [(0, 0x12345678, 0b1001)] * 3


@cocotb.test(timeout_time=20, timeout_unit="us")
@cocotb.parametrize(case=named(BENCH.names))
async def read_stands_until_taken(dut: Any, case: str) -> None:
    """Read data hold still until they are taken, also while the next address waits; reset drops both."""
    ports, _ = await _start(dut, case)
    ports.s_axil_arvalid.value = 1
    ports.s_axil_araddr.value = 0
    await RisingEdge(ports.clk_i)
    assert int(ports.s_axil_arready.value)
    ports.s_axil_araddr.value = 4
    for cycle in range(8):
        await RisingEdge(ports.clk_i)
        if cycle >= 2:
            got = tuple(
                int(getattr(ports, f"s_axil_r{n}").value) for n in ("valid", "data", "resp")
            )
            assert got == (1, _value(0), 0)
    assert not int(ports.s_axil_arready.value)
    ports.s_axil_arvalid.value = 0
    ports.s_axil_rready.value = 1
    answers = []
    for _ in range(6):
        await RisingEdge(ports.clk_i)
        if int(ports.s_axil_rvalid.value):
            answers.append((int(ports.s_axil_rdata.value), int(ports.s_axil_rresp.value)))
    assert answers == [(_value(0), 0), (0, 2)], "word 1 has no register"
    ports.s_axil_rready.value = 0
    ports.s_axil_arvalid.value = 1
    await RisingEdge(ports.clk_i)
    await RisingEdge(ports.clk_i)
    ports.s_axil_arvalid.value = 0
    await reset(ports.clk_i, ports.rst_ni, cycles=1)
    for _ in range(4):
        await RisingEdge(ports.clk_i)
        assert not int(ports.s_axil_rvalid.value), "data from before the reset"
