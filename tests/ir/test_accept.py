"""Accept sets, their bands and popcount thresholds, exhaustively for small fan-ins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bnn_hw.errors import UserError
from bnn_hw.ir import AcceptKind, AcceptSet, Reach, popcount_threshold


def meaning(accept: AcceptSet, y: int) -> bool:
    """The table of the format, one row a kind."""
    return {
        AcceptKind.AT_LEAST: lambda: y >= accept.low,
        AcceptKind.AT_MOST: lambda: y <= accept.high,
        AcceptKind.INSIDE: lambda: accept.low <= y <= accept.high,
        AcceptKind.OUTSIDE: lambda: y <= accept.low or y >= accept.high,
        AcceptKind.ALWAYS: lambda: True,
        AcceptKind.NEVER: lambda: False,
    }[accept.kind]()


def every_set(low: int, high: int) -> Iterator[AcceptSet]:
    yield AcceptSet(AcceptKind.ALWAYS)
    yield AcceptSet(AcceptKind.NEVER)
    for a in range(low, high + 1):
        yield AcceptSet(AcceptKind.AT_LEAST, low=a)
        yield AcceptSet(AcceptKind.AT_MOST, high=a)
        for b in range(a, high + 1):
            yield AcceptSet(AcceptKind.INSIDE, a, b)
            if a < b:
                yield AcceptSet(AcceptKind.OUTSIDE, a, b)


@pytest.mark.parametrize(
    "reach", [Reach(-6, 6, 2), Reach(-7, 7, 2), Reach(-5, 4, 1), Reach(-1, 1, 2)]
)
def test_all_forms_of_all_sets_agree(reach: Reach) -> None:
    """Bounds on the lattice of sums and between its points, both ends included."""
    sums = reach.values()
    assert sums.tolist() == list(range(reach.low, reach.high + 1, reach.step))
    count = 0
    for accept in every_set(reach.low, reach.high):
        accept.check_reach(reach, "here")
        expected = [meaning(accept, int(y)) for y in sums]
        assert accept.accepts(sums).tolist() == expected
        band = accept.band(reach)
        for y, wanted in zip(sums.tolist(), expected, strict=True):
            upper = band.high is not None and y >= band.high
            assert ((y >= band.low and not upper) ^ band.invert) == wanted, (accept, y)
        if reach.step == 2:
            fan_in = reach.high
            for bound in {band.low, band.high} - {None}:
                threshold = popcount_threshold(bound, fan_in)
                for y in sums.tolist():
                    assert ((y + fan_in) // 2 >= threshold) == (y >= bound)
        count += 1
    assert count > 10


def test_max_pool_commutes_with_each_comparison() -> None:
    """OR over the window of (y >= bound) is (max y >= bound): why pools may be over bits."""
    rng = np.random.default_rng(4)
    windows = rng.integers(-9, 10, (500, 4))
    for bound in range(-10, 11):
        assert np.array_equal((windows >= bound).any(axis=1), windows.max(axis=1) >= bound)


def test_shape_is_kept() -> None:
    sums = np.zeros((2, 3, 4), dtype=np.int64)
    for accept in every_set(-1, 1):
        assert accept.accepts(sums).shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("kind", "low", "high", "message"),
    [
        (AcceptKind.AT_LEAST, None, None, "takes a low and no high bound"),
        (AcceptKind.AT_LEAST, 1, 2, "takes a low and no high"),
        (AcceptKind.ALWAYS, 1, None, "takes no low and no high"),
        (AcceptKind.INSIDE, 2, 1, "is empty"),
        (AcceptKind.OUTSIDE, 1, 1, "is everything"),
    ],
)
def test_illegal_sets(kind: AcceptKind, low: int | None, high: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        AcceptSet(kind, low, high)


def test_bounds_outside_reach() -> None:
    for accept in (AcceptSet(AcceptKind.AT_LEAST, low=9), AcceptSet(AcceptKind.AT_MOST, high=-9)):
        with pytest.raises(
            UserError, match="lies outside the sums this channel can reach, -7 to 7"
        ):
            accept.check_reach(Reach(-7, 7, 2), "conv, channel 0")
