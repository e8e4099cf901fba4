"""Stretches of the training records beside the fragments: annotated beats without a class label.

Side station of `fragments`, for the beat reader of training alone. A window overlaps no fragment of
the validation or the test part, in no lead, and comes from a record that the training part has.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.beats import beat_tracks
from bnn_hw.ecg.fragments import FragmentSet, cut_record
from bnn_hw.ecg.splits import Split
from bnn_hw.errors import UserError

# A window may start at every quarter of a second.
STEP_SAMPLES = 90


@dataclass(frozen=True, eq=False)
class BeatWindows:
    """Records and where a window may start.

    ``samples`` has one ``(length,) int16`` array a record, adu less zero; ``tracks`` their kinds of
    beats, ``(length,) int8`` (see `bnn_hw.ecg.beats`); ``places`` is ``(n, 2) int64``: index of the
    record, first sample.
    """

    samples: tuple[NDArray[np.int16], ...]
    tracks: tuple[NDArray[np.int8], ...]
    places: NDArray[np.int64]
    length: int

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
        """Return windows and tracks, ``(rows, length)`` each, of the given places."""
        spans = [(int(i), slice(int(s), int(s) + self.length)) for i, s in self.places[rows]]
        windows = np.stack([self.samples[i][span] for i, span in spans])
        return windows, np.stack([self.tracks[i][span] for i, span in spans])


def free_windows(fragments: FragmentSet, split: Split, records: Path) -> BeatWindows:
    """Find the windows of a split's training records that no validation or test fragment touches.

    A record is read in the lead that most of its training fragments have. Raises ``UserError`` for
    records that can't be read, and when no window is free.
    """
    length = fragments.samples.shape[1]
    names = np.array(fragments.records)
    closed = np.concatenate([split.validation, split.test])
    samples: list[NDArray[np.int16]] = []
    tracks: list[NDArray[np.int8]] = []
    places: list[NDArray[np.int64]] = []
    for name in dict.fromkeys(names[split.train].tolist()):
        own = split.train[names[split.train] == name]
        lead = Counter(fragments.leads[row] for row in own).most_common(1)[0][0]
        whole = cut_record(records, name, lead)
        taken = np.zeros(whole.size + 1, np.int64)
        for start in fragments.starts[closed[names[closed] == name]]:
            taken[start + 1 : start + length + 1] = 1
        before = np.cumsum(taken)
        starts = np.arange(0, whole.size - length + 1, STEP_SAMPLES)
        starts = starts[before[starts + length] == before[starts]]
        places.append(np.stack([np.full_like(starts, len(samples)), starts], axis=1))
        samples.append(whole)
        tracks.append(_track(name, whole, records))
    joined = np.concatenate(places).astype(np.int64)
    if not len(joined):
        raise UserError(
            f"split of {fragments.name}: no stretch of the training records is free of validation "
            "and test fragments; set beats.windows to 0"
        )
    return BeatWindows(tuple(samples), tuple(tracks), joined, length)


def _track(name: str, whole: NDArray[np.int16], records: Path) -> NDArray[np.int8]:
    one = FragmentSet(
        name=name,
        samples=whole[None, :],
        labels=np.zeros(1, np.int64),
        class_names=(name,),
        records=(name,),
        starts=np.zeros(1, np.int64),
        twins=np.zeros(1, np.int64),
    )
    track: NDArray[np.int8] = beat_tracks(one, records)[0]
    return track
