"""The runner must fail whenever a bench did not truly pass; each way is planted here."""

from pathlib import Path

import pytest

from bnn_hw.errors import ToolMissing
from bnn_hw.simulate import cocotb_runner
from bnn_hw.simulate.cocotb_runner import BenchJob, BenchRun, Simulator, run_bench, summary

PLANTED = Path(__file__).with_name("planted")


def run(bench: str, work: Path, **changes) -> BenchRun:
    options = {
        "name": "planted",
        "module": f"bench_{bench}",
        "top": "toggle",
        "sources": (PLANTED / "toggle.sv",),
        "python_path": (PLANTED,),
        "timeout_s": 60.0,
        **changes,
    }
    return run_bench(BenchJob(**options), Simulator.ICARUS, work)


def test_a_passing_bench_passes(tmp_path):
    found = run("passes", tmp_path)
    assert found.passed and found.tests == 1 and found.verdict == "passed"


def test_a_failing_test_fails_the_run(tmp_path):
    found = run("fails", tmp_path)
    assert not found.passed
    assert found.tests == 2 and found.failed == ("fails",)


@pytest.mark.parametrize("bench", ["empty", "skipped"])
def test_no_test_fails_the_run(tmp_path, bench):
    found = run(bench, tmp_path)
    assert not found.passed and found.tests == 0


def test_a_hanging_bench_is_stopped_and_fails(tmp_path):
    found = run("hangs", tmp_path, timeout_s=4.0)
    assert not found.passed
    assert found.verdict == "time is over: did not end within 4 s"


def test_a_test_out_of_its_simulated_time_fails(tmp_path):
    found = run("late", tmp_path)
    assert not found.passed and found.failed == ("late",)


@pytest.mark.parametrize("bench", ["ends_early", "not_importable"])
def test_a_run_without_results_fails(tmp_path, bench):
    found = run(bench, tmp_path)
    assert not found.passed and found.tests == 0


def test_results_of_an_earlier_run_do_not_count(tmp_path):
    assert run("passes", tmp_path).passed
    assert not run("ends_early", tmp_path).passed


def test_a_design_that_does_not_compile_fails_with_its_first_error(tmp_path):
    broken = tmp_path / "toggle.sv"
    broken.write_text(
        (PLANTED / "toggle.sv").read_text().replace("value_o <= 1'b0", "value_o <= 1'b")
    )
    found = run("passes", tmp_path, sources=(broken,))
    assert not found.passed
    assert "build failed" in found.verdict and "toggle.sv" in found.verdict


def test_a_parameter_that_the_design_does_not_have_fails_the_run(tmp_path):
    wrapper = tmp_path / "wrapper.sv"
    wrapper.write_text(
        "module wrapper (input logic clk_i, input logic rst_ni, output logic value_o);\n"
        "  toggle #(.NoSuch(1)) u_toggle (.clk_i, .rst_ni, .value_o);\nendmodule\n"
    )
    found = run("passes", tmp_path, sources=(PLANTED / "toggle.sv", wrapper), top="wrapper")
    assert not found.passed
    assert "NoSuch" in found.verdict


def test_a_missing_simulator_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="apt-get install iverilog"):
        run("passes", tmp_path)


def test_summary_counts_failures_and_nothing_at_all():
    good = BenchRun("a", Simulator.ICARUS, 2, (), 0.5, None, Path())
    bad = BenchRun("bb", Simulator.ICARUS, 2, ("x",), 0.5, None, Path())
    assert summary([good]).endswith("1 benches, 2 tests in 0.5 s: all passed")
    assert summary([good, bad]).endswith("2 benches, 4 tests in 1.0 s: 1 failed")
    assert summary([]).endswith("no bench ran")
    assert cocotb_runner.BenchRun("c", Simulator.ICARUS, 0, (), 0.0, None, Path()).passed is False
