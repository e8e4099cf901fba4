"""Streams of a simulation against golden, for every level that runs hardware or its C++."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.generate.plan import Plan
from bnn_hw.simulate.taps import compare
from bnn_hw.verify.subject import Portion, Subject
from bnn_hw.verify.verdict import Outcome, Tally

_FRAGMENT = re.compile(r"\bfragment (\d+)")

# (build folder, plan, work folder) -> program; (program, plan, samples, tap folder) -> anything
Compile = Callable[[Path, Plan, Path], Path]
Run = Callable[[Path, Plan, npt.NDArray[np.integer[Any]], Path], object]


def simulate_streams(
    subject: Subject, count: int, tool: str, compile_design: Compile, run: Run
) -> Outcome:
    """Every stream and the result of the first ``count`` fragments through the RTL."""
    tally = Tally()
    with work_folder(tool) as folder:
        program = compile_design(subject.build.path, subject.plan, subject.kept or folder)
        for portion in subject.portions(count):
            streams = folder / f"taps_{portion.start}"
            run(program, subject.plan, portion.samples, streams)
            compare_streams(tally, subject, streams, portion)
    return tally.outcome()


def compare_streams(tally: Tally, subject: Subject, folder: Path, portion: Portion) -> None:
    """Count every beat of every stream of ``portion`` in ``folder``, and remove its files."""
    for stream in compare(subject.plan, folder, portion.trace):
        tally.add(stream.compared_beats, stream.mismatches, _counted_from(stream.first, portion))
    tally.fragments += len(portion)
    for file in folder.glob("*.bin"):  # thousands of fragments would fill the disk
        file.unlink()


def _counted_from(text: str | None, portion: Portion) -> str | None:
    """A difference's text with the fragment's number counted over all portions."""
    if text is None:
        return None
    return _FRAGMENT.sub(lambda match: f"fragment {int(match[1]) + portion.start}", text)


@contextmanager
def work_folder(level: str) -> Iterator[Path]:
    """A folder for what a tool writes: never inside the build folder, which is left as it lies."""
    with tempfile.TemporaryDirectory(prefix=f"bnn_hw_{level}_") as folder:
        yield Path(folder)
