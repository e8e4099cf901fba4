from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bnn_hw.errors import ToolMissing, UserError
from bnn_hw.generate import folding
from bnn_hw.generate.plan import Plan, build_plan
from bnn_hw.generate.solver import solve
from bnn_hw.generate.vectors import axis_lines
from bnn_hw.golden import plain
from bnn_hw.ir import AcceptKind, AcceptSet, Conv, Dense, Head, Network, NetworkInput, Threshold
from bnn_hw.simulate import csim
from bnn_hw.simulate.csim import compile_csim, run_csim, xilinx_headers
from bnn_hw.simulate.taps import compare
from bnn_hw.simulate.tools import ToolFailed, find_gxx, run_tool
from tests.reference import reference_network
from tests.simulate.csim_build import write_hls
from tests.simulate.nets import small_network, small_plan, small_samples
from tests.strategies import networks, random_samples


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """The C simulation of the small network, compiled once."""
    folder = tmp_path_factory.mktemp("little")
    return compile_csim(write_hls(small_plan(), folder), folder / "work")


def assert_equals_golden(
    program: Path, network: Network, plan: Plan, samples: np.ndarray, taps: Path
) -> None:
    trace = plain.trace(network, samples)
    result = run_csim(program, samples, taps)
    assert np.array_equal(result.scores, trace.result.scores)
    assert np.array_equal(result.classes, trace.result.classes)
    assert not result.errors.any()
    comparisons = compare(plan, taps, trace)
    assert [c.first for c in comparisons if not c.passed] == []


def test_every_tap_and_the_result_equal_golden(program, tmp_path):
    assert_equals_golden(program, small_network(), small_plan(), small_samples(20), tmp_path)


def check_random_network(network: Network, data: st.DataObject, folder: Path) -> None:
    folds = {
        block.name: (fold.pe, fold.simd)
        for block in network.blocks
        for fold in [data.draw(st.sampled_from(folding.legal_folds(block)))]
    }
    plan = build_plan(network, folding.override(network, folding.fastest(network), folds))
    shutil.rmtree(folder, ignore_errors=True)
    program = compile_csim(write_hls(plan, folder), folder)
    samples = random_samples(network.input, 6, seed=3)
    assert_equals_golden(program, network, plan, samples, folder / "taps")


def few(examples: int) -> settings:
    """Each example compiles for seconds, so that a failure is not shrunk."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@few(2)
@given(network=networks(), data=st.data())
def test_two_random_networks_equal_golden(tmp_path_factory, network, data):
    check_random_network(network, data, tmp_path_factory.getbasetemp() / "random")


@pytest.mark.slow
@few(40)
@given(network=networks(max_blocks=4), data=st.data())
def test_many_random_networks_equal_golden(tmp_path_factory, network, data):
    check_random_network(network, data, tmp_path_factory.getbasetemp() / "random")


@pytest.mark.slow
@pytest.mark.parametrize("cycles", [None, 400_000])
def test_the_reference_network_equals_golden(tmp_path, cycles):
    network = reference_network()
    plan = build_plan(network, solve(network, cycles or folding.default_cycles(network)))
    program = compile_csim(write_hls(plan, tmp_path), tmp_path / "work")
    samples = random_samples(network.input, 10, seed=1)
    assert_equals_golden(program, network, plan, samples, tmp_path / "taps")


@pytest.mark.slow
@pytest.mark.parametrize("simd", [5000, 625, 8])
def test_a_window_of_thousands_of_bits_equals_golden(tmp_path, simd):
    network = wide_network(5000)
    folds = {"all": (2, simd)}
    plan = build_plan(network, folding.override(network, folding.fastest(network), folds))
    program = compile_csim(write_hls(plan, tmp_path), tmp_path / "work")
    samples = random_samples(network.input, 4, seed=1)
    assert_equals_golden(program, network, plan, samples, tmp_path / "taps")


def wide_network(length: int) -> Network:
    """64 channels in, one bit a position, then a dense layer over all positions."""
    rng = np.random.default_rng(1)
    return Network(
        name="wide",
        input=NetworkInput(samples=length, bits=3, channels=64),
        layers=(
            Conv("front", rng.integers(0, 2, (1, 64, 1)).astype(np.uint8)),
            Threshold((AcceptSet(AcceptKind.INSIDE, low=-9, high=9),)),
            Dense("all", rng.integers(0, 2, (4, length)).astype(np.uint8)),
            Head((1, 2, 3, 4), (4, 3, 2, 1), (0, 0, 1, 1), 0),
        ),
        labels=("a", "b", "c", "d"),
    )


FRAMES = {
    "short, then right": (40, 17, 40, 1, 40),
    "long, then right": (41, 40, 97, 40),
    "short beside long": (39, 41, 5, 200, 40, 40),
}


@pytest.mark.parametrize("lengths", FRAMES.values(), ids=FRAMES.keys())
def test_broken_frames_are_flagged_and_do_not_spoil_the_next(program, tmp_path, lengths):
    rng = np.random.default_rng(5)
    beats = rng.integers(-16, 16, sum(lengths)).astype(np.int16)
    framed = np.zeros((len(lengths), 40), dtype=np.int16)
    start = 0
    for row, length in zip(framed, lengths, strict=True):
        row[: min(length, 40)] = beats[start : start + min(length, 40)]
        start += length
    result = run_csim(program, beats, tmp_path, lengths)
    errors = np.array([length != 40 for length in lengths])
    assert np.array_equal(result.errors, errors)
    trace = plain.trace(small_network(), framed)
    assert np.array_equal(result.scores, trace.result.scores)
    found = compare(small_plan(), tmp_path, trace, errors=errors.tolist())
    assert all(c.passed for c in found)


def test_a_sample_beyond_the_input_range_is_flagged_and_its_low_bits_are_used(program):
    samples = small_samples(4)
    samples[1, 0], samples[2, 39], samples[3, 7] = 16, -17, -32768
    result = run_csim(program, samples)
    assert result.errors.tolist() == [False, True, True, True]
    low_bits = ((samples.astype(int) + 16) & 31) - 16
    assert np.array_equal(result.scores, plain.run(small_network(), low_bits).scores)


def test_beats_from_a_text_file_give_the_same_lines(program, tmp_path):
    samples = small_samples(3)
    (tmp_path / "s_axis.txt").write_text(axis_lines(samples[:, np.newaxis, :]))
    samples.astype("<i2").tofile(tmp_path / "samples.bin")
    text = run_tool([str(program), "--axis", str(tmp_path / "s_axis.txt")], timeout_s=60)
    binary = run_tool([str(program), str(tmp_path / "samples.bin"), "3"], timeout_s=60)
    assert text.status == binary.status == 0 and text.output == binary.output
    result = plain.run(small_network(), samples)
    wanted = [[c, 0, *s] for c, s in zip(result.classes, result.scores, strict=True)]
    assert [[int(n) for n in line.split()] for line in text.output.splitlines()] == wanted


def flip_bit(digits: str, bit: int) -> str:
    return f"0x{int(digits, 16) ^ 1 << bit:0{len(digits) - 2}x}"


# In the generated constants: where (the last group is replaced), by what, and the layer it hits.
FAULTS = {
    "one weight bit": (r"conv2_weights\[.*?\{(0x\w+)", lambda word: flip_bit(word, 0), "conv2"),
    "one threshold": (r"conv2_thresholds\[.*?\{\s+\{(\d+)", lambda n: str(int(n) + 1), "conv2"),
    "one pad bit": (r"conv2_padding\[.*?\{(0x\w+)", lambda word: flip_bit(word, 1), "conv2"),
    "two channels": (
        r"conv3_weights\[.*?\{(0x\w+, 0x\w+)",
        lambda lanes: ", ".join(reversed(lanes.split(", "))),
        "conv3",
    ),
}


@pytest.mark.parametrize(("pattern", "change", "layer"), FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_caught_at_its_layer(tmp_path, pattern, change, layer):
    network, plan = small_network(), small_plan()
    constants = write_hls(plan, tmp_path) / "hls" / "little_weights.hpp"
    text = constants.read_text()
    found = re.search(pattern, text, re.DOTALL)
    assert found is not None
    assert change(found[1]) != found[1]
    constants.write_text(text[: found.start(1)] + change(found[1]) + text[found.end(1) :])
    samples = small_samples(40)
    program = compile_csim(tmp_path, tmp_path / "work")
    run_csim(program, samples, tmp_path / "taps")
    comparisons = compare(plan, tmp_path / "taps", plain.trace(network, samples))
    failed = [c for c in comparisons if not c.passed]
    assert failed and failed[0].tap.startswith(f"{layer}.")
    assert failed[0].first is not None and f"{layer} " in failed[0].first


# A top function that goes wrong in the way its first sample names.
WRONG_TOP = """
#include "bnn_csim.hpp"

struct shape {
    static constexpr int samples = 2, samples_per_beat = 1, channels = 1, axis_bits = 16;
    static constexpr int classes = 1, result_bits = 32;
};

void top(bnn::sample_stream<16>& s_axis, bnn::result_stream<32>& m_axis) {
    hls::stream<ap_uint<3>> inner("inner_stream");
    const int fault = s_axis.read().data;
    if (fault == 1) inner.read();
    if (fault == 2) inner.write(1);
    if (fault != 3) s_axis.read();
    bnn::result_beat<32> beat;
    beat.data = 5;
    beat.user = 0;
    beat.last = fault == 4;
    m_axis.write(beat);
    beat.last = fault != 5;
    m_axis.write(beat);
    if (fault == 6) m_axis.write(beat);
}

int main(int argc, char** argv) { return bnn::csim::run<shape>(argc, argv, top); }
"""


@pytest.fixture(scope="module")
def wrong_program(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    hls = write_hls(small_plan(), folder) / "hls"
    for path in hls.glob("little*"):
        path.unlink()
    (hls / "wrong_csim.cpp").write_text(WRONG_TOP)
    (hls / "wrong.cpp").write_text("")
    return compile_csim(folder, folder / "work")


def test_the_wrong_top_is_right_when_its_fault_is_none(wrong_program):
    assert run_csim(wrong_program, np.array([[0, 0], [0, 0]])).classes.tolist() == [5, 5]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (1, "'inner_stream' is read while empty"),
        (2, "'inner_stream' contains leftover data"),
        (3, "s_axis is not empty"),
        (4, "beat after tlast"),
        (5, "m_axis gave 2 beats"),
        (6, "beat after tlast"),
    ],
)
def test_a_stream_fault_fails(wrong_program, fault, words):
    with pytest.raises(ToolFailed, match=words) as raised:
        run_csim(wrong_program, np.array([[0, 0], [fault, 0]]))
    assert "fragment 1" in str(raised.value) and "exit status 1" in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give SAMPLES and FRAGMENTS"),
        (["{samples}", "0"], "at least 1"),
        (["{samples}", "x"], "csim: "),
        (["{samples}", "99"], "SAMPLES ends within a fragment"),
        (["/nowhere", "1"], "cannot open"),
        (["{samples}", "1", "--taps"], "--taps needs a value"),
        (["{samples}", "1", "--taps", "/nowhere/at/all"], "cannot write"),
        (["--axis", "{samples}", "--lengths", "x"], "--axis takes neither"),
    ],
)
def test_wrong_use_of_the_program_is_one_line(program, tmp_path, arguments, words):
    samples = tmp_path / "samples.bin"
    small_samples(3).tofile(samples)
    command = [str(program), *(a.replace("{samples}", str(samples)) for a in arguments)]
    finished = run_tool(command, timeout_s=60)
    assert finished.status == 2
    assert finished.errors.startswith("csim: ") and words in finished.errors
    assert finished.errors.count("\n") == 1


@pytest.mark.parametrize(
    ("samples", "lengths", "words"),
    [
        (np.zeros((1, 40)), None, "takes integers"),
        (np.zeros((0, 40), dtype=int), None, "0 fragments"),
        (np.full((1, 40), 40000), None, "16 bits"),
        (np.zeros(40, dtype=int), None, "shape"),
        (np.zeros(40, dtype=int), (20, 21), "add up to 41"),
        (np.zeros(40, dtype=int), (40, 0), "at least 1"),
    ],
)
def test_samples_that_do_not_fit_are_refused(program, samples, lengths, words):
    with pytest.raises(UserError, match=words):
        run_csim(program, samples, lengths=lengths)


def test_missing_tools_and_files_are_named(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="make generate"):
        compile_csim(tmp_path, tmp_path / "work")
    with pytest.raises(ToolMissing, match=r"holds no ap_int\.h"):
        xilinx_headers(tmp_path)
    monkeypatch.setattr(csim.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match="pip install"):
        xilinx_headers()


def test_cpp_that_does_not_compile_names_the_error(tmp_path):
    hls = write_hls(small_plan(), tmp_path) / "hls"
    (hls / "little.cpp").write_text("int broken = nothing_like_this;\n")
    with pytest.raises(ToolFailed, match="nothing_like_this"):
        compile_csim(tmp_path, tmp_path / "work")


# Members and template of ap_axiu as UG1399 gives them.
AP_AXI_SDATA = """
#include <ap_int.h>
template <int D, int U, int TI, int TD>
struct ap_axiu {
    ap_uint<D> data;
    ap_uint<(D + 7) / 8> keep;
    ap_uint<(D + 7) / 8> strb;
    ap_uint<U> user;
    ap_uint<1> last;
};
#define AP_AXIU_WAS_USED 1
"""


def test_with_the_headers_of_a_vitis_its_own_axis_type_is_used(tmp_path):
    vitis = tmp_path / "include"
    shutil.copytree(xilinx_headers(), vitis)
    (vitis / "ap_axi_sdata.h").write_text(AP_AXI_SDATA)
    assert xilinx_headers(vitis) == vitis.resolve()
    hls = write_hls(small_plan(), tmp_path) / "hls"
    check = tmp_path / "check.cpp"
    check.write_text(
        '#include "little.cpp"\n#include "bnn_csim.hpp"\n'
        "static_assert(AP_AXIU_WAS_USED);\n"
        "static_assert(std::is_same_v<bnn::sample_beat<16>, ap_axiu<16, 1, 0, 0>>);\n"
        "int main(int n, char** v) { return bnn::csim::run<little_interface>(n, v, little_top); }\n"
    )
    finished = run_tool(
        [
            *(str(find_gxx()), "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"),
            *("-Wno-unknown-pragmas", "-isystem", str(vitis), "-I", str(hls), str(check)),
        ],
        timeout_s=120,
    )
    assert finished.status == 0, finished.text
