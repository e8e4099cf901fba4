"""A bench whose only test is left out."""

import cocotb


@cocotb.test(skip=True)
async def left_out(dut):
    raise AssertionError("must not run")
