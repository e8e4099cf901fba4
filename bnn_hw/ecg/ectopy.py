"""Ectopic beats put into stretches of normal rhythm, for training alone.

Side station of `stretches`. Few fragments have an ectopic beat, and those of one patient show the
same few beats again and again; what a premature beat is can be learnt from any heart. A
supraventricular one is a normal beat that comes early: the diastole before it is shortened, the one
after it lengthened, so that all other beats stay where they are (a full compensatory pause). A
ventricular one is cut from a training record and set in the place of a normal beat, early, with the
diastole before it erased: the conducted beat's P wave must go with the beat. (Our own.)
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import MITDB_ZERO_ADU
from bnn_hw.ecg.labels import NO_BEATS
from bnn_hw.ecg.records import Annotations
from bnn_hw.ecg.stretches import Stretches

Kind = Literal["supraventricular", "ventricular"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The annotation symbol of a beat that was put in.
SYMBOLS: dict[Kind, str] = {"supraventricular": "A", "ventricular": "V"}
# By set: the class of a stretch of normal rhythm, and what an ectopic beat makes of it.
NORMAL_CLASS = {"ecg5": "N", "ecg17": "NSR"}
CLASS_OF_KIND: dict[str, dict[Kind, str]] = {
    "ecg5": {"supraventricular": "S", "ventricular": "V"},
    "ecg17": {"supraventricular": "APB", "ventricular": "PVC"},
}

# What is read on either side of a stretch, so that a beat at its very end has neighbours: 1.4 s.
MARGIN_SAMPLES = 500
# A ventricular beat as it is cut: from 0.125 s before its annotation to 0.42 s after, its T wave in it.
_BEFORE, _AFTER = 45, 150
# Over how many samples it fades in; it fades out, into a slow T wave, over three times as many.
_FADE = 14
# A beat is moved where its neighbours are within these: 144 to 36 beats a minute.
_SHORTEST_RR, _LONGEST_RR = 150, 600
# By which share of the RR interval a beat comes early.
_EARLY: dict[Kind, tuple[float, float]] = {
    "supraventricular": (0.18, 0.40),
    "ventricular": (0.08, 0.38),
}
# The conducted beat in shares of the RR interval: its T wave ends and the next P wave starts here.
_T_END, _P_ONSET = 0.42, 0.22
# A second ectopic beat comes into so many stretches, three beats or more from the first.
_SECOND_SHARE, _LEAST_APART = 0.3, 3
# A ventricular beat is scaled by up to this factor, up or down, as the electrode may have stood.
_GAIN = 1.4
# Noise of an erased diastole in adu, about that of a quiet lead.
_QUIET = 1.5


class _Place(NamedTuple):
    """Positions of a normal beat and its neighbours, in samples from the start of what is read."""

    last: int
    own: int
    following: int


class Ectopy:
    """Puts ectopic beats into stretches of `stretches`; takes ventricular ones from the same records.

    No sample of a validation or test fragment is read: a stretch that lies closer to one than
    `MARGIN_SAMPLES` stays as it is, and no ventricular beat is taken there.
    """

    def __init__(self, stretches: Stretches) -> None:
        self._stretches = stretches
        donors = [
            _donors(*parts) for parts in zip(stretches.annotations, stretches.open, strict=True)
        ]
        self._donors = {source: found for source, found in enumerate(donors) if found.size}

    def insert(
        self, source: int, begin: int, kind: Kind, generator: np.random.Generator
    ) -> tuple[NDArray[np.int16], Annotations] | None:
        """Put one or two beats into the stretch at ``begin``.

        Returns its samples, ``(length,)``, and all the beats that it has then, positions from its
        first sample; those put in have the symbol of `SYMBOLS`.
        None where it does not fit: a stretch with other than normal beats, at an end of the record,
        near a closed fragment, of very slow or fast rhythm, or when no ventricular beat is to be had.
        """
        stretches = self._stretches
        low, high = begin - MARGIN_SAMPLES, begin + stretches.length + MARGIN_SAMPLES
        is_open = stretches.open[source]
        if low < 0 or high > is_open.size or not is_open[low:high].all():
            return None
        own = _beats_between(stretches.annotations[source], low, high)
        inside = _normal_places(own, MARGIN_SAMPLES, MARGIN_SAMPLES + stretches.length)
        if not inside:
            return None
        chosen = [inside[int(generator.integers(len(inside)))]]
        if generator.random() < _SECOND_SHARE:
            second = inside[int(generator.integers(len(inside)))]
            if abs(second - chosen[0]) >= _LEAST_APART:
                chosen.append(second)
        donor = self._donor(source, generator) if kind == "ventricular" else None
        if kind == "ventricular" and donor is None:
            return None
        samples = stretches.samples[source][low:high].astype(np.float64)
        positions, symbols = own.positions.copy(), list(own.symbols)
        for index in chosen:
            place = _Place(*own.positions[index - 1 : index + 2].tolist())
            if not all(_SHORTEST_RR <= rr <= _LONGEST_RR for rr in np.diff(place)):
                return None
            early = generator.uniform(*_EARLY[kind]) * (place.own - place.last)
            if donor is None:
                samples, positions[index] = _hasten(samples, place, early)
            else:
                samples, positions[index] = _replace(samples, place, early, donor, generator)
            if positions[index] < MARGIN_SAMPLES:
                return None  # it came so early that it left the stretch
            symbols[index] = SYMBOLS[kind]
        # A beat comes early by less than half of its RR interval: they are still in order of time.
        moved = Annotations(positions, tuple(symbols), own.notes)
        inner = MARGIN_SAMPLES, MARGIN_SAMPLES + stretches.length
        # As far as the recorder's converter reaches.
        limits = -MITDB_ZERO_ADU, MITDB_ZERO_ADU - 1
        whole = np.clip(np.rint(samples), *limits).astype(np.int16)
        return whole[slice(*inner)], _beats_between(moved, *inner)

    def _donor(self, source: int, generator: np.random.Generator) -> NDArray[np.float64] | None:
        """A ventricular beat, as often of the record itself, where it has one, as of any."""
        if not self._donors:
            return None
        if source not in self._donors or generator.random() < 0.5:
            known = list(self._donors)
            source = known[int(generator.integers(len(known)))]
        found = self._donors[source]
        at = int(found[generator.integers(found.size)])
        beat = self._stretches.samples[source][at - _BEFORE : at + _AFTER + 1].astype(np.float64)
        return beat * float(_GAIN ** generator.uniform(-1, 1))


def _beats_between(annotations: Annotations, low: int, high: int) -> Annotations:
    """The beats from ``low`` to ``high``, positions from ``low``; without marks that are no beats."""
    first, last = np.searchsorted(annotations.positions, [low, high])
    kept = [i for i in range(first, last) if annotations.symbols[i] not in NO_BEATS]
    return Annotations(
        annotations.positions[kept] - low,
        tuple(annotations.symbols[i] for i in kept),
        tuple(annotations.notes[i] for i in kept),
    )


def _normal_places(beats: Annotations, low: int, high: int) -> list[int]:
    """Which beats from ``low`` to ``high`` have normal neighbours; none where any beat there is not."""
    symbols, positions = beats.symbols, beats.positions
    inside = [i for i, position in enumerate(positions.tolist()) if low <= position < high]
    if any(symbols[i] != "N" for i in inside):
        return []
    return [i for i in inside if symbols[max(i - 1, 0) : i + 2] == ("N", "N", "N")]


def _donors(annotations: Annotations, is_open: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positions of ventricular beats between normal ones, all their samples in the open."""
    symbols = annotations.symbols
    isolated = [i for i in range(len(symbols)) if symbols[max(i - 1, 0) : i + 2] == ("N", "V", "N")]
    return np.array(
        [
            at
            for at in annotations.positions[isolated].tolist()
            if _BEFORE <= at < is_open.size - _AFTER
            and is_open[at - _BEFORE : at + _AFTER + 1].all()
        ],
        np.int64,
    )


def _hasten(
    samples: NDArray[np.float64], place: _Place, early: float
) -> tuple[NDArray[np.float64], int]:
    """Let a beat come ``early`` samples before its time; return the samples and where it is now.

    From P wave to T wave it is moved as it is; the diastoles beside it are resampled.
    """
    interval = place.own - place.last
    onset = place.own - _P_ONSET * interval
    # Not before the T wave of the last beat is nearly over.
    early = min(early, onset - (place.last + 0.3 * interval))
    end = place.own + _T_END * min(interval, 300)
    fixed = (
        place.last + 0.25 * interval,
        place.following - _P_ONSET * (place.following - place.own),
    )
    now = (-1.0, fixed[0], onset - early, end - early, fixed[1], float(samples.size))
    before = (-1.0, fixed[0], onset, end, fixed[1], float(samples.size))
    grid = np.arange(samples.size, dtype=np.float64)
    return np.interp(np.interp(grid, now, before), grid, samples), round(place.own - early)


def _replace(
    samples: NDArray[np.float64],
    place: _Place,
    early: float,
    beat: NDArray[np.float64],
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], int]:
    """Put a ventricular beat in the place of a normal one, ``early`` samples before its time."""
    interval, pause = place.own - place.last, place.following - place.own
    at = int(place.own - early)
    start = max(at - _BEFORE, int(place.last + 0.3 * interval))
    stop = min(at + _AFTER + 1, place.following - int(0.12 * pause))
    # The normal beat goes, from its P wave on, up to the P wave of the next.
    first = min(start, int(place.last + 0.5 * interval))
    last = int(place.following - 0.25 * pause)
    made = samples.copy()
    level = samples[first - 4 : first + 4].mean(), samples[last - 4 : last + 4].mean()
    made[first:last] = np.linspace(*level, last - first)
    made[first:last] += generator.normal(0, _QUIET, last - first)
    shown = beat[start - (at - _BEFORE) : stop - (at - _BEFORE)]
    steps = np.arange(1, shown.size + 1)
    weight = np.minimum(1, np.minimum(steps / _FADE, steps[::-1] / (3 * _FADE)))
    lift = np.linspace(made[start] - shown[0], made[stop - 1] - shown[-1], shown.size)
    made[start:stop] += weight * (shown + lift - made[start:stop])
    return made, at
