"""``--fragments`` of verify: how many fragments every level takes, or one level by its name.

Reads the text of the option; gives :class:`Counts`, which the runner asks level by level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bnn_hw.errors import UserError
from bnn_hw.verify.levels import LEVELS

MAX_FRAGMENTS = 100_000  # all of them are in memory at once
# A level takes at most what there is, so this many are all.
ALL = 10 * MAX_FRAGMENTS


@dataclass(frozen=True)
class Counts:
    """Fragments to take; ``ALL`` for all there are, None for a level's own default."""

    everywhere: int | None = None
    levels: Mapping[str, int] = field(default_factory=dict)

    def of(self, level: str) -> int | None:
        """How many the level takes."""
        return self.levels.get(level, self.everywhere)

    @property
    def given(self) -> bool:
        """Whether the caller said anything."""
        return self.everywhere is not None or bool(self.levels)

    @property
    def largest(self) -> int | None:
        """The largest number that was given; None where there is none but ``ALL``."""
        values = [value for value in (self.everywhere, *self.levels.values()) if value is not None]
        return max((value for value in values if value != ALL), default=None)


def parse_counts(text: str | None) -> Counts:
    """Parse ``N``, ``all``, ``LEVEL=N`` and ``LEVEL=all``, with commas between.

    Raises
    ------
    UserError
        For what is no number or none of 1 to 100,000, and for a level that is unknown, takes no
        fragments or is named twice.
    """
    everywhere: int | None = None
    levels: dict[str, int] = {}
    taking = [level.name for level in LEVELS if level.default_fragments != 0]
    for word in [] if text is None else text.split(","):
        name, equals, number = word.strip().rpartition("=")
        count = _count(number.strip())
        if not equals:
            if everywhere is not None:
                raise UserError(
                    f"--fragments {text!r:.60} has two numbers for every level; give one"
                )
            everywhere = count
        elif name.strip() not in taking:
            raise UserError(
                f"--fragments: level {name[:40]!r} is unknown or takes no fragments; choose from "
                f"{', '.join(taking)}"
            )
        elif name.strip() in levels:
            raise UserError(f"--fragments names level {name.strip()!r} twice; give one number")
        else:
            levels[name.strip()] = count
    return Counts(everywhere, levels)


def _count(text: str) -> int:
    if text == "all":
        return ALL
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_FRAGMENTS:
        return int(text)
    raise UserError(
        f"--fragments: {text[:40]!r} is neither a number of fragments, 1 to {MAX_FRAGMENTS}, nor "
        "'all'; give N, all or LEVEL=N with commas between"
    )
