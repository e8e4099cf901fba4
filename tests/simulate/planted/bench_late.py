"""A bench whose test runs out of its own simulated time."""

import cocotb
from cocotb.triggers import Timer


@cocotb.test(timeout_time=10, timeout_unit="ns")
async def late(dut):
    await Timer(1, unit="ms")
