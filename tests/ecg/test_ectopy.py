"""Ectopic beats that training puts into normal stretches: what is changed, what never, what is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bnn_hw.ecg.ectopy import (
    CLASS_OF_KIND,
    KINDS,
    MARGIN_SAMPLES,
    NORMAL_CLASS,
    SYMBOLS,
    Ectopy,
    Kind,
)
from bnn_hw.ecg.fragments import ECG17_CLASSES, FragmentSet
from bnn_hw.ecg.labels import ECG5_CLASSES, rhythm_class, window_class
from bnn_hw.ecg.records import Annotations
from bnn_hw.ecg.splits import random_split
from bnn_hw.ecg.stretches import Stretches, find_stretches

LENGTH = 2000
BEGIN = 900
# Where a sample is that nothing may read.
POISON = 20_000
# By which share of its RR interval a beat comes early, at least and at most.
EARLY: dict[Kind, tuple[float, float]] = {
    "supraventricular": (0.18, 0.40),
    "ventricular": (0.08, 0.38),
}


def beat_shape(height: float, width: float) -> NDArray[np.float64]:
    time = np.arange(-150, 151)
    wave: NDArray[np.float64] = height * np.exp(-0.5 * (time / width) ** 2)
    return wave


def made_record(
    intervals: Sequence[int], symbols: Sequence[str], size: int = 6000
) -> tuple[NDArray[np.int16], Annotations]:
    """A record of narrow normal and wide ventricular beats, and its annotations."""
    positions = np.cumsum([100, *intervals])
    positions = positions[positions < size - 200]
    symbols = tuple(symbols[i % len(symbols)] for i in range(positions.size))
    samples = np.zeros(size)
    for at, symbol in zip(positions.tolist(), symbols, strict=True):
        shape = beat_shape(-600, 25) if symbol == "V" else beat_shape(200, 4)
        low = max(at - 150, 0)
        samples[low : at + 151] += shape[low - (at - 150) :]
    return np.rint(samples).astype(np.int16), Annotations(
        positions.astype(np.int64), symbols, ("",) * len(symbols)
    )


def stretches_of(*records: tuple[NDArray[np.int16], Annotations]) -> Stretches:
    """Stretches of made-up records; where they start is given to `insert` by hand."""
    return Stretches(
        samples=tuple(samples for samples, _ in records),
        annotations=tuple(marks for _, marks in records),
        open=tuple(np.ones(samples.size, bool) for samples, _ in records),
        sources=np.zeros(1, np.int64),
        starts=np.array([BEGIN]),
        first=np.zeros(1, np.int64),
        counts=np.ones(1, np.int64),
        length=LENGTH,
    )


REGULAR = made_record([280] * 30, "N")
VENTRICULAR = made_record([280] * 30, "NNNV")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(KINDS),
    intervals=st.lists(st.integers(180, 500), min_size=40, max_size=40),
)
def test_one_or_two_beats_come_early_and_nothing_else_changes(
    seed: int, kind: Kind, intervals: list[int]
) -> None:
    samples, marks = made_record(intervals, "N")
    made = Ectopy(stretches_of((samples, marks), VENTRICULAR)).insert(
        0, BEGIN, kind, np.random.default_rng(seed)
    )
    assume(made is not None)
    assert made is not None
    changed, beats = made
    assert changed.shape == (LENGTH,) and changed.dtype == np.int16
    plain = samples[BEGIN : BEGIN + LENGTH]
    positions = marks.positions - BEGIN
    own = np.flatnonzero((positions >= 0) & (positions < LENGTH))
    # All beats of the stretch are there still, in order of time.
    assert beats.positions.size == len(beats.symbols) == len(beats.notes) == own.size
    assert beats.positions[0] >= 0 and beats.positions[-1] < LENGTH
    assert (np.diff(beats.positions) > 0).all()
    put_in = np.array(beats.symbols) == SYMBOLS[kind]
    assert set(beats.symbols) <= {"N", SYMBOLS[kind]} and put_in.sum() in (1, 2)
    assert np.array_equal(beats.positions[~put_in], positions[own][~put_in])
    assert (np.diff(np.flatnonzero(put_in)) >= 3).all()
    # Outside the diastoles beside those that were put in every sample is what it was.
    free = np.ones(LENGTH, bool)
    for index, now in zip(own[put_in], beats.positions[put_in], strict=True):
        last, at, following = positions[index - 1 : index + 2].tolist()
        least, most = EARLY[kind]
        assert least * (at - last) - 1 <= at - now <= most * (at - last) + 1
        # There it stands, where nothing was.
        assert abs(plain[now]) < 20
        assert changed[now] > 150 if kind == "supraventricular" else changed[now] < -300
        free[max(int(last + 0.25 * (at - last)) - 1, 0) : max(following, 0)] = False
    assert np.array_equal(changed[free], plain[free])
    assert free.any()


def test_a_supraventricular_beat_keeps_its_shape_and_comes_early_by_its_share() -> None:
    ectopy, positions = Ectopy(stretches_of(REGULAR)), REGULAR[1].positions - BEGIN
    whole = 0
    for seed in range(60):
        made = ectopy.insert(0, BEGIN, "supraventricular", np.random.default_rng(seed))
        if made is None:
            continue  # the first beat, which came so early that it left the stretch
        changed, beats = made
        if beats.symbols.count("A") != 1:
            continue  # two beats
        whole += 1
        centre = int(beats.positions[beats.symbols.index("A")])
        normal = int(positions[positions > centre][0])
        assert 0.18 * 280 - 1 <= normal - centre <= 0.40 * 280 + 1
        # Resampled between two samples, a steep beat loses a little of its height.
        ends = max(centre - 15, 0), min(centre + 16, LENGTH)
        expected = beat_shape(200, 4)[150 + ends[0] - centre : 150 + ends[1] - centre]
        assert np.abs(changed[slice(*ends)] - expected).max() <= 20
        # It is not where it was.
        assert np.abs(changed[normal - 5 : normal + 5], dtype=np.int64).max(initial=0) < 20
    assert whole > 35


def test_a_ventricular_beat_is_one_of_the_records_scaled() -> None:
    ectopy = Ectopy(stretches_of(REGULAR, VENTRICULAR))
    heights = []
    for seed in range(60):
        made = ectopy.insert(0, BEGIN, "ventricular", np.random.default_rng(seed))
        if made is not None:
            assert made[0].max() <= 210  # nothing but normal beats rises
            heights.append(int(made[0].min()))
    assert len(heights) > 45
    whole = [h for h in heights if h < -350]
    assert len(whole) > 35  # an end of the stretch cuts the others
    assert min(whole) >= -600 * 1.4 - 30 and max(whole) <= -600 / 1.4 + 60
    assert max(whole) - min(whole) > 200


def test_a_stretch_with_other_beats_or_without_room_stays_as_it_is() -> None:
    generator = np.random.default_rng(1)
    slow = made_record([700] * 10, "N")
    paced = made_record([280] * 30, "NNNN/")
    regular, ventricular = stretches_of(REGULAR), stretches_of(VENTRICULAR)
    size = REGULAR[0].size
    closed = np.ones(size, bool)
    closed[BEGIN + LENGTH + MARGIN_SAMPLES - 1] = False
    for stretches, begin, kind in (
        (regular, MARGIN_SAMPLES - 1, KINDS[0]),
        (regular, size - LENGTH - MARGIN_SAMPLES + 1, KINDS[0]),
        (replace(regular, open=(closed,)), BEGIN, KINDS[0]),
        (stretches_of(slow), BEGIN, KINDS[0]),
        (stretches_of(paced), BEGIN, KINDS[0]),
        (ventricular, BEGIN, KINDS[0]),
        (regular, BEGIN, "ventricular"),  # no record has one
    ):
        assert all(Ectopy(stretches).insert(0, begin, kind, generator) is None for _ in range(20))
    for begin in (MARGIN_SAMPLES, size - LENGTH - MARGIN_SAMPLES):
        made = [Ectopy(regular).insert(0, begin, KINDS[0], generator) for _ in range(9)]
        assert any(one is not None for one in made)


def test_no_sample_of_a_closed_fragment_is_read() -> None:
    """Closed samples hold a value that no other has: it must never show, as what it is or resampled."""
    target, giver = REGULAR[0].copy(), VENTRICULAR[0].copy()
    open_target, open_giver = np.ones(target.size, bool), np.ones(giver.size, bool)
    open_target[BEGIN + LENGTH + MARGIN_SAMPLES :] = False
    open_target[: BEGIN - MARGIN_SAMPLES] = False
    # Of the ventricular beats a few are left, and one that a closed fragment cuts in its T wave.
    at = VENTRICULAR[1].positions[np.array(VENTRICULAR[1].symbols) == "V"]
    open_giver[: at[1] - 60] = False
    open_giver[at[2] + 149 :] = False
    target[~open_target], giver[~open_giver] = POISON, POISON
    stretches = stretches_of((target, REGULAR[1]), (giver, VENTRICULAR[1]))
    stretches = replace(stretches, open=(open_target, open_giver))
    ectopy, generator = Ectopy(stretches), np.random.default_rng(3)
    found = 0
    for draw in range(400):
        made = ectopy.insert(0, BEGIN, KINDS[draw % 2], generator)
        if made is not None:
            found += 1
            assert np.abs(made[0]).max() <= 1.4 * 600 + 30
    assert found > 300
    # The planted fault shows: with all in the open, a cut beat brings the value in.
    careless = Ectopy(replace(stretches, open=(open_target, np.ones(giver.size, bool))))
    worst = 0
    for _ in range(60):
        made = careless.insert(0, BEGIN, "ventricular", generator)
        worst = max(worst, 0 if made is None else int(np.abs(made[0]).max()))
    assert worst == 1024  # what lies beyond the converter's range is clipped to it


def test_same_draws_same_bits() -> None:
    ectopy = Ectopy(stretches_of(REGULAR, VENTRICULAR))
    for kind in KINDS:
        one, two, other = (
            ectopy.insert(0, BEGIN, kind, np.random.default_rng(seed)) for seed in (5, 5, 6)
        )
        assert one is not None and two is not None and other is not None
        assert np.array_equal(one[0], two[0])
        assert np.array_equal(one[1].positions, two[1].positions)
        assert one[1].symbols == two[1].symbols
        assert not np.array_equal(one[0], other[0])


def test_the_new_class_is_that_of_the_rules() -> None:
    for name, classes in (("ecg5", ECG5_CLASSES), ("ecg17", ECG17_CLASSES)):
        assert NORMAL_CLASS[name] in classes
        for kind in KINDS:
            for symbols in (
                ["N"] * 5,
                ["N", SYMBOLS[kind], "N"],
                ["N", *"NN".join(SYMBOLS[kind] * 2)],
            ):
                rule = (
                    window_class(symbols)
                    if name == "ecg5"
                    else rhythm_class({"(N": LENGTH}, symbols)
                )
                plain = set(symbols) == {"N"}
                assert rule == (NORMAL_CLASS[name] if plain else CLASS_OF_KIND[name][kind])


def test_nearly_all_normal_stretches_of_the_records_can_take_a_beat(
    mitdb: Path, ecg17: FragmentSet
) -> None:
    split = random_split(ecg17, 1)
    stretches = find_stretches(ecg17, split, mitdb)
    normal = np.flatnonzero(
        (ecg17.labels[split.train] == ECG17_CLASSES.index("NSR")) & (stretches.counts > 0)
    )
    generator = np.random.default_rng(0)
    ectopy = Ectopy(stretches)
    chances = generator.random(len(normal)).astype(np.float32)
    sources, begins = stretches.pick(normal, chances)
    plain = stretches.cut(sources, begins)
    for kind in KINDS:
        made = [
            ectopy.insert(int(source), int(begin), kind, generator)
            for source, begin in zip(sources, begins, strict=True)
        ]
        kept = [(one, own) for one, own in zip(made, plain, strict=True) if one is not None]
        assert len(kept) > 0.85 * len(normal)
        # Most of a stretch stays what it was, and its beats give it the class of that kind.
        assert all(0.6 < (one[0] == own).mean() < 1 for one, own in kept)
        for (_, beats), _ in kept:
            assert beats.positions[0] >= 0 and beats.positions[-1] < stretches.length
            assert (np.diff(beats.positions) > 0).all()
            symbols = list(beats.symbols)
            assert window_class(symbols) == CLASS_OF_KIND["ecg5"][kind]
            assert rhythm_class({"(N": 3600}, symbols) == CLASS_OF_KIND["ecg17"][kind]
