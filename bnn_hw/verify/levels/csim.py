"""Level ``csim``: the HLS C++ compiled with g++, every stream against golden."""

from __future__ import annotations

from bnn_hw.simulate.csim import compile_csim, run_csim
from bnn_hw.verify.levels.packed import compare_arrays
from bnn_hw.verify.levels.streams import compare_streams, work_folder
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome, Tally


def run_csim_level(subject: Subject, count: int) -> Outcome:
    """Streams, scores and classes of the first ``count`` fragments."""
    tally = Tally()
    with work_folder("csim") as folder:
        program = compile_csim(subject.build.path, folder)
        for portion in subject.portions(count):
            streams = folder / f"taps_{portion.start}"
            result = run_csim(program, portion.samples, streams)
            compare_streams(tally, subject, streams, portion)
            golden = portion.trace.result
            compare_arrays(tally, result.scores, golden.scores, portion.start, "scores")
            compare_arrays(tally, result.classes, golden.classes, portion.start, "class")
            flagged = int(result.errors.sum())
            tally.add(len(portion), flagged, f"{flagged} fragments carry the error flag")
    return tally.outcome()
