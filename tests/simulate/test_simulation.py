"""The generated RTL in both simulators: equal to golden, and every planted fault told apart."""

import numpy as np
import pytest

from bnn_hw.errors import UserError
from bnn_hw.golden import plain
from bnn_hw.simulate.icarus import compile_icarus, run_icarus
from bnn_hw.simulate.taps import compare, taps
from bnn_hw.simulate.tools import ToolFailed
from bnn_hw.simulate.verilator import compile_verilator, run_verilator

from .nets import small_samples

FRAGMENTS = 6
SAMPLES = small_samples(FRAGMENTS, seed=11)
PACKAGE = "rtl/little_pkg.sv"

SIMULATORS = {
    "icarus": (compile_icarus, run_icarus),
    "verilator": (compile_verilator, run_verilator),
}


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    """One folder of compiled designs, so that each is built once."""
    return tmp_path_factory.mktemp("work")


def simulate(build, plan, work, folder, simulator="icarus", **options):
    compile_design, run_design = SIMULATORS[simulator]
    return run_design(compile_design(build, plan, work), plan, SAMPLES, folder, **options)


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("stall_seed", [None, 1, 2])
def test_every_stream_equals_golden(little, work, tmp_path, simulator, stall_seed):
    run = simulate(little.path, little.plan, work, tmp_path, simulator, stall_seed=stall_seed)
    trace = plain.trace(little.network, SAMPLES)
    found = compare(little.plan, tmp_path, trace)
    assert len(found) == 7
    for comparison in found:
        assert comparison.passed and comparison.mismatches == 0, comparison
    assert run.fragments == FRAGMENTS
    assert run.cycles >= FRAGMENTS * little.plan.samples
    if stall_seed is None:
        assert run.cycles_per_fragment is not None
        assert run.cycles_per_fragment <= little.plan.cycles


def test_both_simulators_take_the_same_cycles(little, work, tmp_path):
    runs = [simulate(little.path, little.plan, work, tmp_path / name, name) for name in SIMULATORS]
    assert runs[0].cycles_per_fragment == runs[1].cycles_per_fragment
    assert runs[0].latency_cycles == runs[1].latency_cycles


def test_unchanged_sources_are_not_compiled_again(little, work):
    first = compile_verilator(little.path, little.plan, work)
    before = first.stat().st_mtime_ns
    assert compile_verilator(little.path, little.plan, work) == first
    assert first.stat().st_mtime_ns == before


def test_changed_sources_are_compiled_anew(little, broken, work):
    changed = broken(PACKAGE, "12'he6b", "12'he6a")
    for compile_design, _ in SIMULATORS.values():
        before = compile_design(little.path, little.plan, work)
        assert compile_design(changed, little.plan, work) != before


# What is planted, and the first tap in which it must show.
FAULTS = {
    "weight": (PACKAGE, "12'he6b", "12'he6a", "conv2.comparisons"),
    "threshold": (PACKAGE, "8'h0e,", "8'h0f,", "conv1.comparisons"),
    "polarity": (PACKAGE, "6'h1a", "6'h0a", "conv2.bits"),
    "padding": (PACKAGE, "5'h07", "5'h09", "conv1.comparisons"),
    "last layer": (PACKAGE, "24'hca3eeb", "24'hca3eea", "conv3.sums"),
    "comparison": (
        "rtl/bnn_threshold.sv",
        ">= (threshold ^",
        "> (threshold ^",
        "conv1.comparisons",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_shows_in_its_own_layer_first(little, broken, work, tmp_path, fault):
    file, old, new, tap = FAULTS[fault]
    folder = tmp_path / "taps"
    simulate(broken(file, old, new), little.plan, work, folder)
    found = compare(little.plan, folder, plain.trace(little.network, SAMPLES))
    wrong = [comparison for comparison in found if not comparison.passed]
    assert wrong and wrong[0].tap == tap, wrong
    layer, kind = tap.split(".")
    assert f"{layer} {kind}, position " in (wrong[0].first or "")


def test_unknown_bits_are_a_failure_that_names_the_tap(little, broken, work, tmp_path):
    build = broken(PACKAGE, "12'h201", "12'h2xx")
    with pytest.raises(
        ToolFailed, match=r"fragment 0, conv2\.comparisons, beat \d+ has unknown bits"
    ):
        simulate(build, little.plan, work, tmp_path / "taps")


def test_a_design_that_stands_still_is_a_failure(little, broken, work, tmp_path):
    build = broken(
        "rtl/bnn_head.sv",
        "assign in_ready_o    = (state_q == Gather);",
        "assign in_ready_o = 1'b0;",
    )
    for simulator in SIMULATORS:
        with pytest.raises(ToolFailed, match="no progress"):
            simulate(build, little.plan, work, tmp_path / simulator, simulator)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_design_that_does_not_compile_is_a_failure(little, broken, work, tmp_path, simulator):
    build = broken("rtl/little_conv2.sv", "bnn_collect #(", "bnn_gather #(")
    with pytest.raises(ToolFailed, match=r"does not compile the design: .*bnn_gather"):
        simulate(build, little.plan, work, tmp_path / "taps", simulator)


def test_a_build_without_its_simulation_files_is_refused(little, broken, work):
    build = broken("sim/little_taps.sv", "endmodule", "endmodule")
    (build / "sim" / "little_taps.sv").unlink()
    with pytest.raises(UserError, match="run 'make generate' again"):
        compile_verilator(build, little.plan, work)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((0, 40), np.int16), "at least 1 fragment"),
        (np.zeros((2, 39), np.int16), r"takes \(fragments, 1, 40\)"),
        (np.full((1, 40), 1 << 15), "beyond 16 bits"),
    ],
)
def test_samples_that_do_not_fit_are_refused(little, work, tmp_path, samples, said):
    program = compile_icarus(little.path, little.plan, work)
    with pytest.raises(UserError, match=said):
        run_icarus(program, little.plan, samples, tmp_path / "taps")


def test_results_alone_can_be_asked_for(little, work, tmp_path):
    simulate(little.path, little.plan, work, tmp_path, "verilator", taps=False)
    assert [path.name for path in tmp_path.iterdir()] == ["result.bin"]
    trace = plain.trace(little.network, SAMPLES)
    (found,) = compare(little.plan, tmp_path, trace, only=["result"])
    assert found.passed
    assert len(taps(little.plan)) == 7
