"""What a verification found: one result a level, one verdict a network, and their JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bnn_hw.errors import UserError

EQUAL_STATUS, MISMATCH_STATUS, NOT_RUN_STATUS = 0, 1, 2
# Why a level was skipped that the caller left out.
LEFT_OUT = "left out by name"


class LevelSkipped(UserError):
    """A level cannot run here: one line with what is missing and how to get it."""


@dataclass(frozen=True)
class Outcome:
    """What one level compared.

    ``compared`` counts single values (beats of a stream, bits, sums, files, constants),
    ``mismatches`` those that differ, ``first`` says where the first of them is. ``remark`` is a figure
    worth knowing when all is equal.
    """

    fragments: int
    compared: int
    mismatches: int
    first: str | None = None
    remark: str | None = None


@dataclass
class Tally:
    """Collects an :class:`Outcome` comparison by comparison."""

    fragments: int = 0
    compared: int = 0
    mismatches: int = 0
    first: str | None = None
    remark: str | None = None

    def add(self, compared: int, mismatches: int, first: str | None) -> None:
        """Count one comparison; ``first`` is kept only if it is the first difference of all."""
        self.compared += compared
        self.mismatches += mismatches
        if mismatches and self.first is None:
            self.first = first

    def outcome(self) -> Outcome:
        """What was collected."""
        return Outcome(self.fragments, self.compared, self.mismatches, self.first, self.remark)


@dataclass(frozen=True)
class LevelResult:
    """One level of one network.

    ``left_out`` means skipped because the caller said so; only then a skipped level does not count
    against the verdict.
    """

    name: str
    fragments: int
    compared: int
    mismatches: int
    seconds: float
    skipped: bool
    why: str | None
    left_out: bool = False

    @property
    def passed(self) -> bool:
        """Whether it ran, compared something, and all of it was equal."""
        return not self.skipped and self.compared > 0 and self.mismatches == 0

    @property
    def failed(self) -> bool:
        """Whether it ran and did not pass."""
        return not self.skipped and not self.passed

    def to_dict(self) -> dict[str, Any]:
        """The level's entry in the JSON."""
        return {
            "name": self.name,
            "fragments": self.fragments,
            "compared": self.compared,
            "mismatches": self.mismatches,
            "seconds": round(self.seconds, 3),
            "skipped": self.skipped,
            "why": self.why,
        }


@dataclass(frozen=True)
class Verdict:
    """All levels of one network; ``source`` says which fragments were used."""

    model: str
    digest: str
    levels: tuple[LevelResult, ...]
    source: str = ""

    @property
    def passed(self) -> bool:
        """Whether every level passed that was not left out by name, and at least one did."""
        wanted = [level for level in self.levels if not level.left_out]
        return bool(wanted) and all(level.passed for level in wanted)

    @property
    def status(self) -> int:
        """Exit status: 0 all equal, 1 a mismatch, 2 a level could not run."""
        if self.passed:
            return EQUAL_STATUS
        return MISMATCH_STATUS if any(level.failed for level in self.levels) else NOT_RUN_STATUS

    def to_dict(self) -> dict[str, Any]:
        """The JSON of one network."""
        return {
            "passed": self.passed,
            "model": self.model,
            "digest": self.digest,
            "levels": [level.to_dict() for level in self.levels],
        }


def overall_status(verdicts: Sequence[Verdict]) -> int:
    """Exit status of several networks: a mismatch outweighs a level that could not run."""
    statuses = {verdict.status for verdict in verdicts}
    for status in (MISMATCH_STATUS, NOT_RUN_STATUS):
        if status in statuses:
            return status
    return EQUAL_STATUS if statuses else NOT_RUN_STATUS
