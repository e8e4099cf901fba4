"""Runs the chosen levels on one network, two at a time, and turns what happens into results.

Most levels wait for a compiler or a simulator, so two at a time keep two cores busy.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bnn_hw.errors import ToolMissing, UserError
from bnn_hw.simulate.tools import run_side_by_side
from bnn_hw.verify.counts import Counts
from bnn_hw.verify.levels import LEVEL_NAMES, LEVELS, Level
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import LEFT_OUT, LevelResult, LevelSkipped, Verdict


@dataclass(frozen=True)
class LevelChoice:
    """Names of the levels to run; ``explicit`` when the caller named those to run one by one."""

    names: tuple[str, ...]
    explicit: bool = False


def choose_levels(text: str | None) -> LevelChoice:
    """Parse ``--levels``: names to run, or names with a minus to leave out of the default list.

    Raises
    ------
    UserError
        For an unknown name, and when nothing is left to run.
    """
    words = (text or "").replace(",", " ").split()
    if text is not None and not words:
        raise UserError(f"--levels {text!r} names no level; choose from {', '.join(LEVEL_NAMES)}")
    wanted = [word for word in words if not word.startswith("-")]
    left_out = [word[1:] for word in words if word.startswith("-")]
    for name in wanted + left_out:
        if name not in (*LEVEL_NAMES, "all"):
            raise UserError(f"level {name[:40]!r} is unknown; choose from {', '.join(LEVEL_NAMES)}")
    everything = not wanted or "all" in wanted
    chosen = [
        name for name in LEVEL_NAMES if (everything or name in wanted) and name not in left_out
    ]
    if not chosen:
        raise UserError(
            f"--levels {text!r} leaves nothing to verify; choose from {', '.join(LEVEL_NAMES)}"
        )
    return LevelChoice(tuple(chosen), explicit=not everything)


Progress = Callable[[str, LevelResult | None], None]


def run_levels(
    subject: Subject,
    choice: LevelChoice,
    fragments: Counts | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Verify one network.

    Parameters
    ----------
    fragments
        How many fragments each level takes; None for each level's own default.
    progress
        Called with a level's name and None when it starts, and with its result when it ends.
    """
    counts = fragments or Counts()
    told: Progress = progress or (lambda name, result: None)
    listed = [level for level in LEVELS if _belongs(level, choice, subject)]

    def run(level: Level) -> LevelResult:
        if level.name not in choice.names:
            return LevelResult(level.name, 0, 0, 0, 0.0, True, LEFT_OUT, left_out=True)
        told(level.name, None)
        result = run_level(level, subject, _count(level, subject, counts.of(level.name)))
        told(level.name, result)
        return result

    order = _longest_first(listed)
    ran = run_side_by_side([partial(run, level) for level in order], subject.stopped.set)
    results = {level.name: result for level, result in zip(order, ran, strict=True)}
    return Verdict(
        subject.name,
        subject.network.digest(),
        tuple(results[level.name] for level in listed),
        subject.fragments.source,
    )


def run_level(level: Level, subject: Subject, count: int) -> LevelResult:
    """Run one level; an error of the user's making is a mismatch, a missing tool skips the level."""
    start = time.perf_counter()

    def result(
        fragments: int, compared: int, mismatches: int, skipped: bool, why: str | None
    ) -> LevelResult:
        seconds = time.perf_counter() - start
        return LevelResult(level.name, fragments, compared, mismatches, seconds, skipped, why)

    try:
        outcome = level.run(subject, count)
    except (LevelSkipped, ToolMissing) as missing:
        return result(0, 0, 0, True, str(missing))
    except UserError as error:
        return result(0, 0, 1, False, str(error))
    except Exception as error:  # a defect of ours fails its level and leaves the others standing
        kind = type(error).__name__
        return result(0, 0, 1, False, f"defect of bnn_hw, please report: {kind}: {error}")
    why = outcome.first if outcome.mismatches else outcome.remark
    if outcome.compared == 0 and not why:
        why = "nothing was compared"
    return result(outcome.fragments, outcome.compared, outcome.mismatches, False, why)


def _belongs(level: Level, choice: LevelChoice, subject: Subject) -> bool:
    """The torch level is in the default list only where torch and the checkpoint are at hand."""
    if level.name != "torch" or (choice.explicit and level.name in choice.names):
        return True
    return importlib.util.find_spec("torch") is not None and subject.checkpoint is not None


def _count(level: Level, subject: Subject, fragments: int | None) -> int:
    if level.default_fragments == 0:
        return 0
    at_hand = len(subject.fragments)
    wanted = fragments if fragments is not None else level.default_fragments
    return at_hand if wanted is None else min(wanted, at_hand)


# Levels that take longest start first, so that the short ones fill the gaps.
_START_ORDER: Sequence[str] = (
    "verilator", "icarus", "csim", "lint", "torch", "packed", "constants", "hls-rules", "freeze",
    "manifest",
)  # fmt: skip


def _longest_first(levels: Sequence[Level]) -> list[Level]:
    return sorted(levels, key=lambda level: _START_ORDER.index(level.name))
