"""Level ``packed``: the packed golden model against the plain one, every bit of every block."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.golden import PackedNetwork
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome, Tally


def run_packed(subject: Subject, count: int) -> Outcome:
    """Output bits of every block, scores and classes of the first ``count`` fragments."""
    packed = PackedNetwork(subject.network)
    tally = Tally()
    for portion in subject.portions(count):
        blocks = [block for block in portion.trace.blocks if block.bits is not None]
        for got, block in zip(packed.bits(portion.samples), blocks, strict=True):
            compare_arrays(tally, got, block.bits, portion.start, block.name)
        result = packed.run(portion.samples)
        golden = portion.trace.result
        compare_arrays(tally, result.scores, golden.scores, portion.start, "scores")
        compare_arrays(tally, result.classes, golden.classes, portion.start, "class")
        tally.fragments += len(portion)
    return tally.outcome()


def compare_arrays(tally: Tally, got: npt.NDArray[Any], golden: Any, start: int, what: str) -> None:
    """Count one array ``(fragments[, positions], channels)`` against golden, by equality."""
    want = np.asarray(golden)
    if got.shape != want.shape:
        tally.add(0, max(1, want.size), f"{what}: shape {got.shape}, golden {want.shape}")
        return
    differs = np.argwhere(got != want)
    first = None
    if len(differs):
        at = tuple(int(i) for i in differs[0])
        names = ("position", "channel") if len(at) == 3 else ("class",)
        inner = "".join(f", {name} {i}" for name, i in zip(names, at[1:], strict=False))
        first = f"fragment {start + at[0]}, {what}{inner}: golden {want[at]}, got {got[at]}"
    tally.add(want.size, len(differs), first)
