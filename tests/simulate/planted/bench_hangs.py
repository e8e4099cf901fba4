"""A bench that never ends."""

import cocotb
from cocotb.triggers import Timer


@cocotb.test()
async def hangs(dut):
    while True:
        await Timer(1, unit="ns")
