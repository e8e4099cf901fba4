from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnn_hw.assets import hls_dir
from bnn_hw.generate import folding
from bnn_hw.generate.hls import render_hls
from bnn_hw.generate.plan import Plan, build_plan
from bnn_hw.generate.solver import solve
from bnn_hw.ir import (
    AcceptKind,
    AcceptSet,
    Conv,
    Dense,
    Head,
    MaxPool,
    Network,
    NetworkInput,
    Threshold,
)
from bnn_hw.simulate.csim import xilinx_headers
from bnn_hw.simulate.tools import find_gxx, run_tool
from tests.reference import reference_network
from tests.simulate.csim_build import write_hls
from tests.simulate.nets import small_plan
from tests.strategies import networks

HEADERS = sorted(path.name for path in hls_dir().glob("*.hpp"))
SYNTAX = (
    *(str(find_gxx()), "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"),
    *("-Wno-unknown-pragmas", "-isystem", str(xilinx_headers())),
)


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_compiles_alone_without_a_warning(header):
    finished = run_tool(
        [*SYNTAX, "-x", "c++", "-include", str(hls_dir() / header), "/dev/null"], timeout_s=120
    )
    assert finished.status == 0, finished.text


def test_what_synthesis_sees_compiles_and_holds_no_test_code(tmp_path):
    plan = small_plan()
    hls = write_hls(plan, tmp_path) / "hls"
    view = tmp_path / "view.cpp"
    # The free Xilinx headers refuse __SYNTHESIS__, so they come before it.
    view.write_text(
        "#include <ap_int.h>\n#include <hls_stream.h>\n#define __SYNTHESIS__\n"
        '#include "little.cpp"\n'
        "#ifdef BNN_CSIM_HPP\n#error the driver is not hardware\n#endif\n"
        "namespace bnn::csim { struct tap_file {}; }  // not declared before\n"
    )
    finished = run_tool([*SYNTAX, "-I", str(hls), str(view)], timeout_s=120)
    assert finished.status == 0, finished.text


def numbers(text: str, array: str) -> np.ndarray:
    """All numbers of an initialiser, in order."""
    found = re.search(rf" {array}(?:\[\d+\])+ = (\{{.*?\}});", text, re.DOTALL)
    assert found is not None, array
    return np.array([int(n, 0) for n in re.findall(r"-?\w+", found[1])], dtype=object)


@settings(max_examples=25, deadline=None)
@given(network=networks(), data=st.data())
def test_constants_are_those_of_the_plan(network, data):
    folds = {
        block.name: (fold.pe, fold.simd)
        for block in network.blocks
        for fold in [data.draw(st.sampled_from(folding.legal_folds(block)))]
    }
    plan = build_plan(network, folding.override(network, folding.fastest(network), folds))
    text = render_hls(plan)[f"hls/{plan.name}_weights.hpp"]
    for stage in plan.stages:
        chunks = -(-stage.simd // 64)
        lanes = numbers(text, f"{stage.name}_weights").reshape(-1, stage.pe, chunks)
        for word, of_word in zip(stage.weight_words, lanes, strict=True):
            joined = sum(
                int(chunk) << (p * stage.simd + 64 * k)
                for p, lane in enumerate(of_word)
                for k, chunk in enumerate(lane)
            )
            assert joined == word
        padding = numbers(text, f"{stage.name}_padding")
        assert sum(int(c) << (64 * k) for k, c in enumerate(padding)) == stage.pad_word
        if not stage.is_last:
            assert tuple(numbers(text, f"{stage.name}_thresholds")) == stage.thresholds
            assert tuple(numbers(text, f"{stage.name}_invert")) == stage.invert
    for kind in ("positive", "negative", "offset"):
        assert tuple(numbers(text, f"head_{kind}")) == getattr(plan.head, kind)


def region(plan: Plan) -> str:
    """The body of the top function, without comments."""
    text = render_hls(plan)[f"hls/{plan.name}.cpp"]
    body = text[text.index("{", text.index(f"void {plan.name}_top(")) :]
    # One line a call, whether it was broken or not.
    return re.sub(r"(?<=[(,])\s*\n\s+", " ", re.sub(r"//.*", "", body)).replace("( ", "(")


def plans() -> list[Plan]:
    network = reference_network()
    folded = solve(network, folding.default_cycles(network))
    return [small_plan(), build_plan(network, folded)]


@pytest.mark.parametrize("plan", plans(), ids=lambda plan: plan.name)
def test_the_region_is_canonical_dataflow(plan):
    body = region(plan)
    assert not re.search(
        r"\b(if|for|while|do|switch|goto|static|new|return)\b", body.replace("port=return", "")
    )
    streams = re.findall(r"hls::stream<ap_uint<\d+>> (\w+)\(\"(\w+)\"\);", body)
    assert streams and all(name == shown for name, shown in streams)
    calls = re.findall(r"bnn::(\w+)<[\w:]+>\(([^;]*)\);", body)
    assert calls[0][0] == "framer" and calls[-1][0] == "head"
    outputs = {"framer": (1, 2), "head": (2,)}
    produced, consumed = [], []
    for cell, arguments in calls:
        for at, argument in enumerate(arguments.split(", ")):
            if argument in dict(streams):
                (produced if at in outputs.get(cell, (1,)) else consumed).append(argument)
    # One producer and one consumer a stream, and a depth for each.
    assert sorted(produced) == sorted(consumed) == sorted(dict(streams))
    assert sorted(re.findall(r"#pragma HLS stream variable=(\w+) depth=\d+", body)) == sorted(
        dict(streams)
    )
    # A call for a process, a declaration or a pragma: nothing else is in the region.
    for line in body.splitlines()[1:]:
        assert re.match(
            r"(#pragma HLS .*|    using namespace \w+;|    (bnn|hls)::.*;|\}|\s*)$", line
        ), line


def test_headers_have_no_dynamic_memory_no_recursion_and_no_unbounded_loop():
    synthesised = [name for name in HEADERS if name not in ("bnn_csim.hpp", "bnn_tap.hpp")]
    for name in synthesised:
        text = re.sub(r"//.*", "", (hls_dir() / name).read_text())
        assert not re.search(
            r"\b(new|malloc|delete|goto|std::vector|std::string|virtual|static \w+ \w+;)\b", text
        )
        # The only `while` computes a width at compile time.
        assert len(re.findall(r"\bwhile\b", text)) == (1 if name == "bnn_types.hpp" else 0)
        assert text.count("for (") == len(
            re.findall(r"for \(int \w+ = [^;]+; [^;]*[<>][^;]*; [+-]{2}\w+\)", text)
        )


def test_every_pragma_has_its_reason():
    for name in HEADERS:
        for line in (hls_dir() / name).read_text().splitlines():
            if "#pragma" in line:
                assert re.search(r"#pragma HLS .*\S  // \S", line), (name, line)


def test_rendering_is_reproducible_and_names_its_origin():
    plan = small_plan()
    files = render_hls(plan)
    assert files == render_hls(plan)
    rendered = [name for name in files if "bnn_" not in name]
    assert sorted(rendered) == [
        "hls/little.cpp",
        "hls/little.hpp",
        "hls/little_csim.cpp",
        "hls/little_weights.hpp",
        "hls/run_hls.tcl",
    ]
    for name in rendered:
        text = files[name]
        head = text[:400]
        assert f"bnn_hw {plan.generator_version}" in head and plan.digest in head
        assert "enerated, do not edit" in head
        assert "/work" not in text and not re.search(r"20\d\d-\d\d", text)
        assert all(line == line.rstrip() for line in text.splitlines()), name
        assert "\n\n\n" not in text and text.endswith("\n") and not text.endswith("\n\n")


def two_layers(name: str, first: str, second: str, length: int) -> Network:
    """One channel, one class, a dense layer over ``length`` positions."""
    one = np.ones((1, 1, 1), dtype=np.uint8)
    return Network(
        name=name,
        input=NetworkInput(samples=length, bits=2),
        layers=(
            Conv(first, one),
            MaxPool(1, 1),
            Threshold((AcceptSet(AcceptKind.AT_LEAST, low=0),)),
            MaxPool(1, 1),
            Dense(second, np.ones((1, length), dtype=np.uint8)),
            Head((1,), (1,), (0,), 0),
        ),
        labels=("a",),
    )


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("main", "stdin", "stdin_weights"),
        ("read", "EOF", "INT_MAX"),
        ("vector", "head", "samples"),
    ],
)
def test_no_legal_name_breaks_the_cpp(tmp_path, name, first, second):
    network = two_layers(name, first, second, 6)
    folder = write_hls(build_plan(network, folding.fastest(network)), tmp_path) / "hls"
    finished = run_tool(
        [*SYNTAX, str(folder / f"{name}.cpp"), str(folder / f"{name}_csim.cpp")], timeout_s=120
    )
    assert finished.status == 0, finished.text


@pytest.mark.parametrize(
    ("length", "width", "beyond"), [(100, 1024, False), (1100, 2048, False), (5000, 5120, True)]
)
def test_words_beyond_the_default_of_the_xilinx_headers_are_announced(length, width, beyond):
    network = two_layers("wide", "front", "all", length)
    text = render_hls(build_plan(network, folding.fastest(network)))["hls/wide.hpp"]
    assert f"#define AP_INT_MAX_W {width}\n" in text
    assert text.index("AP_INT_MAX_W") < text.index("#include")
    assert ("is for C simulation" in text) == beyond


def test_the_tcl_is_clean_and_names_the_files(tmp_path):
    files = render_hls(small_plan())
    script = tmp_path / "run_hls.tcl"
    script.write_text(files["hls/run_hls.tcl"])
    finished = run_tool([sys.executable, "-m", "tclint", str(script)], timeout_s=60)
    assert finished.status == 0, finished.text
    commands = re.findall(r"^(\w+)", files["hls/run_hls.tcl"], re.M)
    order = ("open_project", "set_top", "add_files", "open_solution", "set_part", "create_clock")
    order += ("csim_design", "csynth_design", "export_design")
    assert [c for c in dict.fromkeys(commands) if c in order] == list(order)
    for name in re.findall(r"\$here (\w+\.cpp)\]", files["hls/run_hls.tcl"]):
        assert f"hls/{name}" in files
    assert "set_top little_top\n" in files["hls/run_hls.tcl"]
    script.write_text(files["hls/run_hls.tcl"].replace("]\n", "\n", 1))
    assert run_tool([sys.executable, "-m", "tclint", str(script)], timeout_s=60).status != 0
