"""Rules of Vitis HLS: shipped and odd networks keep them, and each rule catches its offender."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnn_hw.assets import models_dir
from bnn_hw.errors import ToolMissing, UserError
from bnn_hw.generate import folding
from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.solver import solve
from bnn_hw.ir import Network, load_network
from bnn_hw.simulate.tools import ToolFailed
from bnn_hw.verify.hls_rules import RULES, check_hls_rules
from tests.acceptance.campaign import draw
from tests.simulate.csim_build import write_hls
from tests.strategies import networks
from tests.verify.conftest import Verified
from tests.verify.hls_plants import PLANTS, HlsPlant


def render(network: Network, cycles: int | None, folder: Path) -> Path:
    """The C++ at a target of so many cycles; None for the fastest."""
    fast = folding.fastest(network)
    chosen = fast if cycles is None else solve(network, max(cycles, fast.cycles))
    return write_hls(build_plan(network, chosen), folder)


def assert_clean(folder: Path) -> None:
    found = check_hls_rules(folder)
    assert [str(offence) for offence in found.offences] == []
    # A rule that was held against nothing says nothing.
    assert [rule for rule, places in found.checked.items() if places == 0] == []
    assert found.checked["dataflow-stream"] > 5 and found.checked["loop-bound"] > 20


@pytest.mark.parametrize(
    ("model", "cycles"),
    [
        ("ecg5", 3_700),
        ("ecg17", None),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (("ecg5", None), ("ecg5", 100_000), ("ecg17", 3_700), ("ecg17", 100_000))
        ),
    ],
)
def test_shipped_networks_keep_the_rules(tmp_path: Path, model: str, cycles: int | None) -> None:
    assert_clean(render(load_network(models_dir() / f"{model}.json"), cycles, tmp_path))


@pytest.mark.parametrize("seed", [3, 8])
@pytest.mark.parametrize("cycles", [None, 1 << 30])
def test_odd_networks_keep_the_rules(tmp_path: Path, seed: int, cycles: int | None) -> None:
    assert_clean(render(draw(networks(), seed), cycles, tmp_path))


@pytest.fixture(scope="session")
def whole(small_build: Path) -> Path:
    """The folder that the plants are put into, clean before."""
    assert_clean(small_build)
    return small_build


def one_a_rule() -> list[Any]:
    """All plants; the first of each rule in every run."""
    first = {plant.rule: plant for plant in reversed(PLANTS)}
    return [
        pytest.param(
            plant,
            id=f"{plant.rule}: {plant.what}",
            marks=() if first[plant.rule] is plant else pytest.mark.slow,
        )
        for plant in PLANTS
    ]


@pytest.mark.parametrize("plant", one_a_rule())
def test_an_offender_is_caught(whole: Path, tmp_path: Path, plant: HlsPlant) -> None:
    shutil.copytree(whole / "hls", tmp_path / "hls")
    plant.plant(tmp_path)
    found = check_hls_rules(tmp_path).offences
    lines = [str(offence) for offence in found]
    caught = [o for o in found if o.rule == plant.rule and plant.what in o.what]
    assert caught, lines
    assert all(offence.place.file == (plant.place or plant.file) for offence in caught), lines
    assert {offence.rule for offence in found} == {plant.rule, *plant.also}, lines
    assert all(re.fullmatch(r"[\w.]+:\d+: [\w-]+: .+; .+", line) for line in lines), lines


def test_each_rule_has_its_offender_and_its_source() -> None:
    assert {plant.rule for plant in PLANTS} == set(RULES)
    assert all(rule.says and rule.source for rule in RULES.values())


def test_the_line_of_an_offence_is_where_it_stands(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "hls", tmp_path / "hls")
    path = tmp_path / "hls" / "bnn_popcount.hpp"
    text = path.read_text().replace("unsigned count = 0;", "unsigned count = 0;\n\n  throw 1;")
    path.write_text(text)
    (offence,) = check_hls_rules(tmp_path).offences
    assert text.splitlines()[offence.place.line - 1] == "  throw 1;"


def test_cpp_that_does_not_parse_is_one_line(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "hls", tmp_path / "hls")
    path = tmp_path / "hls" / "bnn_pool.hpp"
    path.write_text(path.read_text().replace("return best;", "return best", 1))
    with pytest.raises(ToolFailed, match=r"does not parse: bnn_pool\.hpp:\d+: expected ';'"):
        check_hls_rules(tmp_path)


def test_no_cpp_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds 0 C-simulation drivers"):
        check_hls_rules(tmp_path)


def test_without_libclang_the_level_is_skipped_and_says_why(
    run_verify: Callable[..., Verified], small_build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(module: str) -> Any:
        raise ToolMissing(f"Python package {module} is not installed")

    monkeypatch.setattr("bnn_hw.verify.hls_rules.unit.require_module", absent)
    found = run_verify("--build", small_build, "--levels", "hls-rules")
    level = found.level("hls-rules")
    assert level["skipped"] and "clang is not installed" in level["why"]
    assert found.status == 2 and not found.verdict["passed"]


def test_level_counts_offences_and_names_the_first(
    run_verify: Callable[..., Verified], build_copy: Path
) -> None:
    assert run_verify("--build", build_copy, "--levels", "hls-rules").status == 0
    path = build_copy / "hls" / "bnn_decide.hpp"
    path.write_text(path.read_text().replace("II=1", "II=0"))
    found = run_verify("--build", build_copy, "--levels", "hls-rules")
    level = found.level("hls-rules")
    assert found.status == 1 and level["mismatches"] == 2 and level["compared"] > 1000
    assert re.match(r"bnn_decide\.hpp:\d+: pragma-option: ", level["why"])
    assert level["why"].endswith("(2 offences)")


def test_libclang_is_imported_by_nothing_else() -> None:
    """The check is one level of verify: importing the package must not need it."""
    code = "import sys, bnn_hw.verify.levels; sys.exit('clang' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
