"""Where each beat of a fragment lies and of what kind it is: the cardiologists' annotations as tracks.

Side station of `fragments`: reads the annotations of the records that a ``FragmentSet`` was cut
from. Only training uses it, for the beat reader that helps the hidden layers to find a single
ectopic beat in ten seconds. A frozen network never sees an annotation.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.records import Annotations, read_annotations

# Kinds of beats by annotation symbol, from the commonest to the rarest; where the tracks of two
# beats meet, the later kind stands. 0 is no beat. Symbols: PhysioNet's annotation codes.
BEAT_KINDS: tuple[tuple[str, str], ...] = (
    ("normal", "N"),
    ("left bundle branch block", "L"),
    ("right bundle branch block", "R"),
    ("supraventricular", "AaJSej"),
    ("ventricular", "VE"),
    ("fusion", "Ff"),
    ("paced or unclassified", "/Q"),
    ("flutter wave", "!"),
)
_KIND_OF_SYMBOL = {symbol: kind for kind, (_, all_) in enumerate(BEAT_KINDS, 1) for symbol in all_}
# A beat is marked 0.1 s to either side of its annotation: about its QRS complex at 360 Hz.
MARKED_SAMPLES = 36


def record_track(annotations: Annotations, length: int) -> NDArray[np.int8]:
    """Return the kind of beat at every sample of a record: ``(length,) int8``, 0 is no beat.

    Kind ``k`` is ``BEAT_KINDS[k - 1]``.
    """
    track = np.zeros(length, np.int8)
    for position, symbol in zip(annotations.positions, annotations.symbols, strict=True):
        centre = int(position)
        span = track[max(0, centre - MARKED_SAMPLES) : centre + MARKED_SAMPLES + 1]
        np.maximum(span, _KIND_OF_SYMBOL.get(symbol, 0), out=span)
    return track


def beat_tracks(fragments: FragmentSet, records: Path) -> NDArray[np.int8]:
    """Return the kind of beat at every sample: ``(n, samples) int8``, as `record_track`.

    Raises ``UserError`` for annotations that can't be read; a record without any gives zeros.
    """
    names = np.array(fragments.records)
    tracks = np.zeros(fragments.samples.shape, np.int8)
    length = int(fragments.samples.shape[1])
    for name in dict.fromkeys(fragments.records):
        rows = np.flatnonzero(names == name)
        end = int(fragments.starts[rows].max()) + length
        whole = record_track(read_annotations(records / name), end)
        for row in rows:
            start = int(fragments.starts[row])
            tracks[row] = whole[start : start + length]
    return tracks
