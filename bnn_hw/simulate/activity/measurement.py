"""The toggle counts of a build at both extremes: samples back to back, and far apart.

Reads a build folder and fragments; gives a :class:`Measurement` and keeps it as JSON beside the folder,
where the report finds it as long as it is of the RTL that lies there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.files import read_text, write_text
from bnn_hw.generate.build import Build
from bnn_hw.generate.plan import Plan
from bnn_hw.golden import PackedNetwork
from bnn_hw.simulate.activity.counting import compile_activity, count_activity, warmup_fragments
from bnn_hw.simulate.activity.counts import Activity, Packet, activity_from
from bnn_hw.simulate.design import sample_beats, sources_digest
from bnn_hw.simulate.lint import build_files
from bnn_hw.simulate.tools import ToolFailed

FORMAT = "bnn_hw.activity"
DEFAULT_INTERVAL = 100
_MAX_FILE_BYTES = 16 << 20


@dataclass(frozen=True)
class Measurement:
    """Three runs of the same fragments through one build.

    Attributes
    ----------
    digest, rtl_digest
        Of the network, and of the SystemVerilog that was counted.
    source
        What the fragments are, in words.
    full
        Samples back to back, as fast as they are taken.
    low
        A sample every ``low.interval_cycles`` edges, the clock running on in between.
    stopped
        The fewest edges a sample that keep up, the clock standing still before each sample.
    """

    name: str
    digest: str
    rtl_digest: str
    source: str
    full: Activity
    low: Activity
    stopped: Activity

    @property
    def runs(self) -> tuple[Activity, ...]:
        """Full rate, low rate with a running clock, low rate with a stopped one."""
        return self.full, self.low, self.stopped

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``toggles`` sums over the cells of each run."""
        runs = ("full", "low", "stopped")
        sums = {run: {"toggles": asdict(getattr(self, run).toggles)} for run in runs}
        values = asdict(self)
        return {"format": FORMAT, **values, **{run: values[run] | sums[run] for run in runs}}


def edges_a_sample(plan: Plan) -> int:
    """The fewest whole edges of the clock a sample with which the design keeps up."""
    return -(-plan.cycles // plan.samples)


def measure(
    build: Build,
    samples: npt.NDArray[np.integer[Any]],
    source: str,
    work: Path,
    interval_cycles: int = DEFAULT_INTERVAL,
    say: Callable[[str], None] = lambda text: None,
) -> Measurement:
    """Count the toggles of a build in three runs.

    Parameters
    ----------
    samples
        Integers ``(fragments, channels, samples)`` or ``(fragments, samples)``.
    source
        What the samples are, in words.
    work
        Folder in which compiled simulations are kept.
    interval_cycles
        Edges from sample to sample at low rate.
    say
        Told what runs now.

    Raises
    ------
    UserError
        When the interval does not leave the design time for a sample, the samples do not fit, or
        several of them come in at once.
    ToolMissing, ToolFailed
        When Verilator is missing or fails, a result is not golden's, or anything changes without input.
    """
    network, plan = build.network, build.plan
    if plan.samples_per_beat > 1:
        raise UserError(
            f"{plan.name} takes {plan.samples_per_beat} samples a cycle, toggles are counted at one; give more "
            f"--cycles, or generate with --samples-per-cycle 1"
        )
    least = edges_a_sample(plan)
    if interval_cycles < least:
        raise UserError(
            f"an interval of {interval_cycles} cycles is too short: {plan.name} takes {plan.cycles} cycles "
            f"for {plan.samples} samples; give {least} or more"
        )
    beats = sample_beats(plan, samples)
    files = build_files(build.path)
    say(f"compiling {plan.name} for toggle counts, some minutes the first time")
    # The network itself, without the registers behind AXI4-Lite.
    program = compile_activity(files, f"{plan.name}_top", work)
    golden = _golden_packets(build, beats)
    layers = [stage.name for stage in plan.stages]
    runs = []
    for interval, stops in ((1, False), (interval_cycles, False), (least, True)):
        clock = "stopping" if stops else "running"
        say(f"counting: a sample every {interval} cycles, clock {clock}")
        activity, packets = count_activity(program, layers, beats, interval, stops)
        _check(activity, packets, golden)
        runs.append(activity)
    return Measurement(
        name=network.name,
        digest=network.digest(),
        rtl_digest=sources_digest(files),
        source=source,
        full=runs[0],
        low=runs[1],
        stopped=runs[2],
    )


def _golden_packets(build: Build, beats: npt.NDArray[np.int16]) -> list[list[int]]:
    """Scores and class of each fragment, as the hardware sends them."""
    result = PackedNetwork(build.network).run(beats.transpose(0, 2, 1))
    return [
        [*(int(score) for score in scores), int(label)]
        for scores, label in zip(result.scores, result.classes, strict=True)
    ]


def _check(activity: Activity, packets: Sequence[Packet], golden: Sequence[list[int]]) -> None:
    """Every result is golden's, and nothing moves when there is nothing to do."""
    warmup = warmup_fragments(activity.interval_cycles)
    sent = warmup + activity.fragments + 1
    if len(packets) != sent:
        raise ToolFailed(f"toggle count: {len(packets)} results for {sent} fragments")
    for i, packet in enumerate(packets):
        wanted = golden[(i - warmup) % activity.fragments]
        found = [data for data, _, _ in packet]
        if found != wanted or any(user for _, user, _ in packet):
            raise ToolFailed(f"toggle count: result {i} is {found}, golden says {wanted}")
    if activity.after_drain:
        raise ToolFailed(
            f"toggle count: {activity.after_drain} bits changed after an edge that changed no register"
        )


def measurement_file(build: Path) -> Path:
    """Where the measurement of a build folder is kept: beside it, for its own files are rendered."""
    return build.parent / "activity" / f"{build.name}.json"


def write_measurement(path: Path, measurement: Measurement) -> None:
    """Write a measurement as JSON; :class:`UserError` when the file can't be written."""
    write_text(path, json.dumps(measurement.as_dict(), indent=1) + "\n")


def read_measurement(path: Path) -> Measurement:
    """A measurement from its file; :class:`UserError` when it is not one."""
    try:
        kept = json.loads(read_text(path, _MAX_FILE_BYTES, "toggle counts"))
        if kept.pop("format") != FORMAT:
            raise ValueError("another format")
        for run in ("full", "low", "stopped"):
            del kept[run]["toggles"]
            kept[run] = activity_from(kept[run])
        return Measurement(**kept)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UserError(
            f"{path} holds no toggle counts ({problem}); run 'bnn-hw activity' again"
        ) from None


def find_measurement(build: Path) -> Measurement | None:
    """What was measured of the RTL that lies in ``build``; None when nothing was, or of other RTL."""
    path = measurement_file(build)
    if not path.is_file():
        return None
    try:
        found = read_measurement(path)
    except UserError:  # of another version
        return None
    return found if found.rtl_digest == sources_digest(build_files(build)) else None
