"""Verify is tested by breaking things: each fault is caught with the manifest left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.verify.conftest import Verified
from tests.verify.faults import FAULTS

RunVerify = Callable[..., Verified]


def test_the_build_without_a_fault_is_equal(run_verify: RunVerify, small_build: Path) -> None:
    found = run_verify("--build", small_build)
    assert found.status == 0 and found.verdict["passed"], found.verdict
    assert not any(level["skipped"] for level in found.verdict["levels"])
    assert all(level["compared"] > 0 for level in found.verdict["levels"])
    assert found.level("csim")["fragments"] == found.level("verilator")["fragments"] == 64


@pytest.mark.parametrize("language", ["rtl", "cpp"])
@pytest.mark.parametrize("fault", FAULTS)
def test_constants_catch_every_fault(
    run_verify: RunVerify, build_copy: Path, fault: str, language: str
) -> None:
    FAULTS[fault](build_copy, language, "conv2")
    found = run_verify("--build", build_copy, "--levels", "constants")
    assert found.status == 1 and not found.verdict["passed"]
    level = found.level("constants")
    assert 1 <= level["mismatches"] <= 2 and level["compared"] > 400
    assert level["why"].startswith({"rtl": "RTL ", "cpp": "C++ "}[language])


def slow_but(quick: tuple[str, ...]) -> list[Any]:
    """All faults; the quick ones in every run."""
    return [f if f in quick else pytest.param(f, marks=pytest.mark.slow) for f in FAULTS]


@pytest.mark.parametrize("fault", slow_but(("one weight bit", "two channels swapped")))
def test_fault_in_the_cpp(run_verify: RunVerify, build_copy: Path, fault: str) -> None:
    FAULTS[fault](build_copy, "cpp", "conv2")
    found = run_verify("--build", build_copy, "--levels", "csim")
    assert found.status == 1 and found.level("csim")["mismatches"] > 0
    assert found.level("csim")["compared"] > 0  # it ran and gave wrong bits


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_the_rtl_in_icarus(run_verify: RunVerify, build_copy: Path, fault: str) -> None:
    FAULTS[fault](build_copy, "rtl", "conv2")
    found = run_verify("--build", build_copy, "--levels", "icarus", "--fragments", "8")
    assert found.status == 1 and found.level("icarus")["mismatches"] > 0
    assert found.level("icarus")["compared"] > 0


@pytest.mark.parametrize("fault", slow_but(()))
def test_fault_in_the_rtl_in_verilator(run_verify: RunVerify, build_copy: Path, fault: str) -> None:
    FAULTS[fault](build_copy, "rtl", "conv2")
    found = run_verify("--build", build_copy, "--levels", "verilator", "--fragments", "8")
    assert found.status == 1 and found.level("verilator")["mismatches"] > 0
    assert found.level("verilator")["compared"] > 0


@pytest.mark.parametrize("language", ["rtl", "cpp"])
def test_manifest_names_the_file_and_can_be_left_out(
    run_verify: RunVerify, build_copy: Path, language: str
) -> None:
    FAULTS["one weight bit"](build_copy, language, "conv3")
    (build_copy / "vectors" / "samples.npy").unlink()
    (build_copy / "extra.txt").write_text("added")
    found = run_verify("--build", build_copy, "--levels", "manifest,freeze")
    assert found.status == 1 and found.level("manifest")["mismatches"] == 3
    changed = {"rtl": "rtl/little_pkg.sv", "cpp": "hls/little_weights.hpp"}[language]
    assert changed in found.level("manifest")["why"]


def test_a_constant_that_no_data_exercises_is_caught(
    run_verify: RunVerify, build_copy: Path
) -> None:
    """Channel 4 of conv2 accepts nothing, whatever its weights: only the constants can tell."""
    path = build_copy / "hls" / "little_weights.hpp"
    text = path.read_text()
    assert "{0xb, 0x6, 0xe}" in text  # step 3: channels 3 to 5, elements 0 to 3
    path.write_text(text.replace("{0xb, 0x6, 0xe}", "{0xb, 0x7, 0xe}"))
    found = run_verify("--build", build_copy, "--levels", "constants,csim")
    assert found.status == 1 and found.caught() == {"constants"}
    assert found.level("csim")["compared"] > 0
    assert "C++ conv2.weights, channel 4, tap 0, input channel 0" in found.level("constants")["why"]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("hls/little.cpp", "#include", "#incl"),
        ("hls/little_weights.hpp", "conv2_weights", "conv2_w"),
        ("rtl/little_top.sv", "endmodule", ""),
        ("rtl/files.f", "little_pkg.sv", ""),
    ],
)
def test_files_that_do_not_compile_are_mismatches(
    run_verify: RunVerify, build_copy: Path, path: str, before: str, after: str
) -> None:
    file = build_copy / path
    file.write_text(file.read_text().replace(before, after, 1))
    levels = "csim" if path.startswith("hls") else "icarus,verilator,lint"
    found = run_verify("--build", build_copy, "--levels", levels)
    assert found.status == 1 and found.caught() == set(levels.split(","))


def test_first_difference_names_fragment_layer_position_and_channel(
    run_verify: RunVerify, build_copy: Path
) -> None:
    FAULTS["one threshold"](build_copy, "rtl", "conv2")
    found = run_verify("--build", build_copy, "--levels", "icarus", "--fragments", "8")
    why = found.level("icarus")["why"]
    for word in ("fragment ", "conv2 comparisons", "position ", "channel 0", "golden ", "got "):
        assert word in why


def test_reference_model_decides_not_the_folder(
    run_verify: RunVerify, small_build: Path, tmp_path: Path
) -> None:
    """With MODEL given, a folder of another network of the same name differs."""
    text = (small_build / "network.json").read_text()
    other = tmp_path / "other.json"
    other.write_text(text.replace('"at_least",\n        9', '"at_least",\n        8'))
    if other.read_text() == text:
        other.write_text(text.replace('["at_least", 9]', '["at_least", 8]'))
    assert other.read_text() != text
    found = run_verify(
        other, "--build", small_build, "--levels", "manifest,constants,icarus", "--fragments", "20"
    )
    assert found.caught() == {"manifest", "constants", "icarus"}
    assert "conv1.thresholds, channel 0" in found.level("constants")["why"]


def test_fragments_sets_the_number_for_every_level(
    run_verify: RunVerify, small_build: Path
) -> None:
    found = run_verify("--build", small_build, "--levels", "packed,icarus", "--fragments", "100")
    ran = [level for level in found.verdict["levels"] if not level["skipped"]]
    assert [level["fragments"] for level in ran] == [100, 100] and found.status == 0
    left_out = [level for level in found.verdict["levels"] if level["skipped"]]
    assert all(level["fragments"] == 0 and level["why"] for level in left_out)
