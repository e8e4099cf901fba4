"""``--fragments``: a number for all levels, numbers for single ones."""

from __future__ import annotations

import pytest

from bnn_hw.errors import UserError
from bnn_hw.verify.counts import ALL, MAX_FRAGMENTS, Counts, parse_counts
from tests.verify.test_faults import RunVerify


@pytest.mark.parametrize(
    ("text", "everywhere", "levels", "largest"),
    [
        (None, None, {}, None),
        ("7", 7, {}, 7),
        ("all", ALL, {}, None),
        ("csim=all,verilator=500", None, {"csim": ALL, "verilator": 500}, 500),
        ("8, icarus=2", 8, {"icarus": 2}, 8),
        (f"packed={MAX_FRAGMENTS},all", ALL, {"packed": MAX_FRAGMENTS}, MAX_FRAGMENTS),
    ],
)
def test_what_is_parsed(
    text: str | None, everywhere: int | None, levels: dict[str, int], largest: int | None
) -> None:
    counts = parse_counts(text)
    assert counts == Counts(everywhere, levels)
    assert counts.largest == largest and counts.given == (text is not None)
    assert counts.of("icarus") == levels.get("icarus", everywhere)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "''"),
        ("csim=", "''"),
        ("csim=0", "'0'"),
        ("7,", "''"),
        ("7,8", "two numbers"),
        ("lint=3", "'lint' is unknown or takes no fragments"),
        ("sim=3", "'sim'"),
        ("csim=3,csim=4", "'csim' twice"),
        ("=3", "level ''"),
        ("all=3", "'all'"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_counts(text)
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_each_level_takes_its_own_number(run_verify: RunVerify, small_build: object) -> None:
    levels = ("--levels", "packed,icarus,freeze")
    found = run_verify("--build", small_build, *levels, "--fragments", "icarus=3,packed=all")
    assert found.status == 0, found.verdict
    every = found.level("packed")["fragments"]
    assert found.level("icarus")["fragments"] == 3 < every
    levels = ("--levels", "packed,freeze")
    found = run_verify("--build", small_build, *levels, "--fragments", f"2,packed={every + 5}")
    assert found.level("packed")["fragments"] == every + 5
