"""A bench of which one test passes and one fails."""

import cocotb
from cocotb.triggers import Timer


@cocotb.test()
async def passes(dut):
    await Timer(1, unit="ns")


@cocotb.test()
async def fails(dut):
    await Timer(1, unit="ns")
    raise AssertionError("planted")
