"""Accept sets: which integer sums of a channel become +1.

A batch norm, a PReLU and a sign accept a set of integers (design of the freeze). Six kinds are
enough. Every kind is also a *band*: ``accept(y) = (low <= y < high) ^ invert``. The band is what
hardware builds: a comparison ``y >= low``, for two-sided kinds a second one ``y >= high``, and one
polarity bit. Both comparisons are monotone in ``y``, so a max-pool over sums is an OR over each
comparison bit, for every kind alike, and the polarity is applied after the pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError


class AcceptKind(Enum):
    """The six kinds of accept set; the value is the name in the network file."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    INSIDE = "inside"
    OUTSIDE = "outside"
    ALWAYS = "always"
    NEVER = "never"


_BOUNDS = {
    AcceptKind.AT_LEAST: (True, False),
    AcceptKind.AT_MOST: (False, True),
    AcceptKind.INSIDE: (True, True),
    AcceptKind.OUTSIDE: (True, True),
    AcceptKind.ALWAYS: (False, False),
    AcceptKind.NEVER: (False, False),
}


@dataclass(frozen=True)
class Reach:
    """The integers a channel's sum can take: ``low, low + step, ..., high``."""

    low: int
    high: int
    step: int

    def values(self) -> npt.NDArray[np.int64]:
        """Every reachable sum, ascending, ``(count,) int64``."""
        return np.arange(self.low, self.high + 1, self.step, dtype=np.int64)


@dataclass(frozen=True)
class Band:
    """``accept(y) = (low <= y < high) ^ invert``; ``high`` is None for one-sided sets."""

    low: int
    high: int | None
    invert: bool


@dataclass(frozen=True)
class AcceptSet:
    """The sums ``y`` of one channel that become +1.

    ==========  =============================
    kind        accepts
    ==========  =============================
    at_least    ``y >= low``
    at_most     ``y <= high``
    inside      ``low <= y <= high``
    outside     ``y <= low or y >= high``
    always      every ``y``
    never       no ``y``
    ==========  =============================
    """

    kind: AcceptKind
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        wants_low, wants_high = _BOUNDS[self.kind]
        if (self.low is not None) != wants_low or (self.high is not None) != wants_high:
            raise UserError(
                f"accept set '{self.kind.value}' has low={self.low}, high={self.high}: it takes "
                f"{'a' if wants_low else 'no'} low and {'a' if wants_high else 'no'} high bound"
            )
        if self.low is not None and self.high is not None:
            if self.kind is AcceptKind.INSIDE and self.low > self.high:
                raise UserError(
                    f"accept set inside [{self.low}, {self.high}] is empty: use 'never'"
                )
            if self.kind is AcceptKind.OUTSIDE and self.low >= self.high:
                raise UserError(
                    f"accept set outside ({self.low}, {self.high}) is everything: use 'always'"
                )

    def accepts(self, sums: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
        """Membership of each sum, same shape, bool: the plain meaning of the table above."""
        low, high = self.low or 0, self.high or 0  # a kind reads only the bounds it has
        match self.kind:
            case AcceptKind.AT_LEAST:
                return np.asarray(sums >= low)
            case AcceptKind.AT_MOST:
                return np.asarray(sums <= high)
            case AcceptKind.INSIDE:
                return np.asarray((sums >= low) & (sums <= high))
            case AcceptKind.OUTSIDE:
                return np.asarray((sums <= low) | (sums >= high))
            case AcceptKind.ALWAYS:
                return np.ones(np.shape(sums), dtype=np.bool_)
            case AcceptKind.NEVER:
                return np.zeros(np.shape(sums), dtype=np.bool_)

    def check_reach(self, reach: Reach, where: str) -> None:
        """Raise :class:`UserError` when a bound lies outside the sums the channel can take."""
        for name, bound in (("low", self.low), ("high", self.high)):
            if bound is not None and not reach.low <= bound <= reach.high:
                raise UserError(
                    f"{where}: {name} bound {bound} of '{self.kind.value}' lies outside the sums this "
                    f"channel can reach, {reach.low} to {reach.high}; use 'always' or 'never', or correct it"
                )

    def band(self, reach: Reach) -> Band:
        """The same set as comparisons ``y >= bound`` and a polarity, for sums in ``reach``."""
        match self.kind:
            case AcceptKind.AT_LEAST:
                return Band(_bound(self.low), None, False)
            case AcceptKind.AT_MOST:
                return Band(_bound(self.high) + 1, None, True)
            case AcceptKind.INSIDE:
                return Band(_bound(self.low), _bound(self.high) + 1, False)
            case AcceptKind.OUTSIDE:
                return Band(_bound(self.low) + 1, _bound(self.high), True)
            case AcceptKind.ALWAYS:
                return Band(reach.low, None, False)
            case AcceptKind.NEVER:
                return Band(reach.low, None, True)


def _bound(value: int | None) -> int:
    assert value is not None  # held by AcceptSet.__post_init__
    return value


def popcount_threshold(bound: int, fan_in: int) -> int:
    """Threshold on the popcount that equals ``y >= bound`` on the sum.

    ``y = 2 * popcount - fan_in`` for ``fan_in`` products of +1 and -1, hence
    ``y >= bound`` exactly when ``popcount >= ceil((bound + fan_in) / 2)``.
    """
    return -((-(bound + fan_in)) // 2)
