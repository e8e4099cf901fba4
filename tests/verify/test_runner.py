"""How results of levels become a verdict, without running any real level."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bnn_hw.errors import ToolMissing, UserError
from bnn_hw.verify import runner
from bnn_hw.verify.levels import LEVEL_NAMES, LEVELS, Level
from bnn_hw.verify.reading import read_verdicts
from bnn_hw.verify.runner import choose_levels, run_level
from bnn_hw.verify.verdict import LevelResult, LevelSkipped, Outcome, Verdict, overall_status


def result(name: str = "packed", **changes: Any) -> LevelResult:
    values: dict[str, Any] = {
        "name": name, "fragments": 3, "compared": 10, "mismatches": 0, "seconds": 0.5,
        "skipped": False, "why": None,
    }  # fmt: skip
    return LevelResult(**{**values, **changes})


def verdict(*levels: LevelResult) -> Verdict:
    return Verdict("net", "0" * 64, levels)


def test_names_and_order_of_the_levels() -> None:
    assert LEVEL_NAMES == (
        "freeze", "packed", "torch", "manifest", "constants", "csim", "icarus", "verilator", "lint",
        "hls-rules",
    )  # fmt: skip
    assert set(runner._START_ORDER) == set(LEVEL_NAMES)


@pytest.mark.parametrize(
    ("text", "names", "explicit"),
    [
        (None, LEVEL_NAMES, False),
        ("all", LEVEL_NAMES, False),
        ("lint,csim", ("csim", "lint"), True),
        ("-manifest", tuple(n for n in LEVEL_NAMES if n != "manifest"), False),
        ("-manifest,-lint", tuple(n for n in LEVEL_NAMES if n not in ("manifest", "lint")), False),
        ("csim,lint,-lint", ("csim",), True),
    ],
)
def test_choice_of_levels(text: str | None, names: tuple[str, ...], explicit: bool) -> None:
    choice = choose_levels(text)
    assert choice.names == names and choice.explicit == explicit


@pytest.mark.parametrize(
    ("levels", "passed", "status"),
    [
        ([result()], True, 0),
        ([result(), result("lint", mismatches=1)], False, 1),
        ([result(compared=0)], False, 1),
        ([result(), result("csim", skipped=True, compared=0)], False, 2),
        ([result(), result("csim", skipped=True, compared=0, left_out=True)], True, 0),
        ([result("csim", skipped=True, left_out=True)], False, 2),
        ([result(mismatches=1), result("csim", skipped=True)], False, 1),
        ([], False, 2),
    ],
)
def test_verdict(levels: list[LevelResult], passed: bool, status: int) -> None:
    assert verdict(*levels).passed == passed and verdict(*levels).status == status


def test_status_of_several_networks() -> None:
    good, bad = verdict(result()), verdict(result(mismatches=1))
    absent = verdict(result(skipped=True))
    assert overall_status([good, good]) == 0
    assert overall_status([good, absent]) == 2
    assert overall_status([absent, bad, good]) == 1
    assert overall_status([]) == 2


def test_json_has_exactly_the_fields_of_the_contract() -> None:
    data = verdict(result(seconds=1.23456)).to_dict()
    assert list(data) == ["passed", "model", "digest", "levels"]
    assert data["levels"] == [
        {
            "name": "packed", "fragments": 3, "compared": 10, "mismatches": 0, "seconds": 1.235,
            "skipped": False, "why": None,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raised", "skipped", "mismatches"),
    [
        (ToolMissing("no g++"), True, 0),
        (LevelSkipped("no checkpoint"), True, 0),
        (UserError("does not compile"), False, 1),
    ],
)
def test_what_a_level_raises(raised: Exception, skipped: bool, mismatches: int) -> None:
    def run(subject: Any, count: int) -> Outcome:
        raise raised

    found = run_level(Level("csim", "", 1, run), None, 1)  # type: ignore[arg-type]
    assert (found.skipped, found.mismatches, found.why) == (skipped, mismatches, str(raised))
    assert not found.passed and found.failed != skipped


def test_comparing_nothing_fails_and_says_so() -> None:
    level = Level("csim", "", 1, lambda subject, count: Outcome(0, 0, 0))
    found = run_level(level, None, 0)  # type: ignore[arg-type]
    assert found.failed and found.why == "nothing was compared"


def test_a_defect_fails_its_level_and_is_named() -> None:
    def run(subject: Any, count: int) -> Outcome:
        raise ZeroDivisionError("of ours")

    found = run_level(Level("csim", "", 1, run), None, 1)  # type: ignore[arg-type]
    assert found.failed and found.mismatches == 1
    assert found.why == "defect of bnn_hw, please report: ZeroDivisionError: of ours"


def test_every_level_says_what_it_compares() -> None:
    assert all(level.says and level.default_fragments != 1 for level in LEVELS)


def test_verdict_comes_back_from_its_json(tmp_path: Path) -> None:
    given = verdict(result(), result("lint", skipped=True, why="left out by name", left_out=True))
    path = tmp_path / "v.json"
    path.write_text(json.dumps([given.to_dict()]))
    assert read_verdicts(path) == [given]
    path.write_text(json.dumps(given.to_dict()))
    assert read_verdicts(path) == [given]


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '{"passed": true}', "null"])
def test_foreign_verdict_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "v.json"
    path.write_text(text)
    with pytest.raises(UserError):
        read_verdicts(path)
