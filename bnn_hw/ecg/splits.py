"""Splits a fragment set into training, validation and test by three protocols.

Third station on the way from record to report. Reads a ``FragmentSet``, gives index arrays. What
each protocol is worth stands in ``docs/ecg.md``. Byte-identical fragments (twins) always lie on
one side: in the test a trained network would meet what it learnt by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.errors import UserError

# P. de Chazal, M. O'Dwyer, R. B. Reilly, IEEE Trans. Biomed. Eng. 51(7), 2004, table I.
# fmt: off
DS1_RECORDS = tuple(str(number) for number in (
    101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122,
    124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230,
))
DS2_RECORDS = tuple(str(number) for number in (
    100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210,
    212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234,
))
# fmt: on
# Records 201 and 202 are one person; the published partition has 201 in DS1 and 202 in DS2.
SHARED_PERSON_DS1_RECORD = "201"

VALIDATION_RECORDS = 4
_VALIDATION_DRAWS = 100


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of a fragment set by what they serve: three ascending ``(n,) int64`` index arrays."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def random_split(
    fragments: FragmentSet,
    seed: int,
    test_share: float = 0.2,
    validation_share: float = 0.1,
) -> Split:
    """Split at random by fragment, every class in proportion: the "honest random" protocol.

    Both shares are of all fragments. The test has ``round(n * test_share)`` rows and each class
    its share of them to within one, as far as twins and tiny classes allow. Deterministic in
    ``seed``. Raises ``UserError`` for shares below 0 or reaching 1 together.
    """
    _check_shares(test_share, validation_share)
    rng = np.random.default_rng(seed)
    groups = _groups(fragments)
    # Twins share their samples; should their labels differ, the first one places the pair.
    classes = np.array([fragments.labels[group[0]] for group in groups], np.int64)
    sizes = np.array([len(group) for group in groups], np.int64)
    per_class = np.bincount(classes, weights=sizes, minlength=len(fragments.class_names))
    counts = [int(count) for count in per_class]
    test_quotas = _apportion(counts, test_share)
    validation_quotas = _apportion(counts, validation_share)
    sides: tuple[list[int], list[int], list[int]] = ([], [], [])
    for label in range(len(counts)):
        members = [groups[i] for i in rng.permutation(np.flatnonzero(classes == label))]
        _deal(members, test_quotas[label], validation_quotas[label], sides)
    return _split(*sides)


def paper_split(fragments: FragmentSet, seed: int) -> Split:
    """Split 80/20 at random over fragments, unstratified, without validation, as the paper did.

    1548 of 7740 and 200 of 1000 fragments are the test. Unlike the paper, twins lie on one side.
    """
    rng = np.random.default_rng(seed)
    groups = _groups(fragments)
    members = [groups[i] for i in rng.permutation(len(groups))]
    sides: tuple[list[int], list[int], list[int]] = ([], [], [])
    _deal(members, round(Fraction(len(fragments), 5)), 0, sides)
    return _split(*sides)


def inter_patient_split(
    fragments: FragmentSet, seed: int, keep_shared_person: bool = True
) -> Split:
    """Split by record: de Chazal's DS1 to train and validate, DS2 to test; ecg5 only.

    Validation is four whole DS1 records: of 100 draws by ``seed`` the one whose classes lie
    nearest to an even share, since few records hold nearly all S and F beats. Record 201 never
    validates; ``keep_shared_person=False`` leaves it out altogether, since 202 of the test is the
    same person (the published partition keeps it).

    Raises ``UserError`` for a set with a class that only one person has (ecg17), and for a record
    in neither half.
    """
    if fragments.name == "ecg17":
        raise UserError(
            "split inter-patient: set ecg17 can't be split by patient, since WPW comes from record "
            "230 alone, IVR and VFL from 207, SDHB from 231; use the random protocol or ecg5"
        )
    foreign = sorted(set(fragments.records) - set(DS1_RECORDS) - set(DS2_RECORDS))
    if foreign:
        raise UserError(
            f"split inter-patient: record {foreign[0]} is in neither DS1 nor DS2; use set ecg5"
        )
    records = np.array(fragments.records)
    candidates = [
        name
        for name in DS1_RECORDS
        if name in set(fragments.records) and name != SHARED_PERSON_DS1_RECORD
    ]
    if len(candidates) <= VALIDATION_RECORDS:
        raise UserError(
            f"split inter-patient: {len(candidates)} DS1 records besides "
            f"{SHARED_PERSON_DS1_RECORD}, more than {VALIDATION_RECORDS} are needed; "
            "use all of ecg5"
        )
    chosen = _draw_validation(fragments, candidates, np.random.default_rng(seed))
    in_ds1 = np.isin(records, DS1_RECORDS)
    validation = np.isin(records, chosen)
    train = in_ds1 & ~validation
    if not keep_shared_person:
        train &= records != SHARED_PERSON_DS1_RECORD
    return Split(*(np.flatnonzero(mask).astype(np.int64) for mask in (train, validation, ~in_ds1)))


def _draw_validation(
    fragments: FragmentSet, candidates: list[str], rng: np.random.Generator
) -> list[str]:
    records = np.array(fragments.records)
    classes = len(fragments.class_names)
    table = np.stack(
        [np.bincount(fragments.labels[records == name], minlength=classes) for name in candidates]
    )
    totals = table.sum(axis=0)
    best, best_distance = np.empty(0, np.int64), Fraction(classes + 1)
    for _ in range(_VALIDATION_DRAWS):
        draw = rng.choice(len(candidates), VALIDATION_RECORDS, replace=False)
        # Exact fractions: equal distances must not depend on rounding, or the split would.
        distance = sum(
            (
                abs(
                    Fraction(int(taken), int(total)) - Fraction(VALIDATION_RECORDS, len(candidates))
                )
                for taken, total in zip(table[draw].sum(axis=0), totals, strict=True)
                if total
            ),
            Fraction(0),
        )
        if distance < best_distance:
            best, best_distance = draw, distance
    return [candidates[i] for i in best]


def _check_shares(test_share: float, validation_share: float) -> None:
    for name, share in (("test", test_share), ("validation", validation_share)):
        if not 0 <= share < 1:
            raise UserError(f"split: {name} share is {share}, at least 0 and below 1 is allowed")
    if test_share + validation_share >= 1:
        raise UserError(
            f"split: test and validation shares are {test_share} and {validation_share}, together "
            "they must stay below 1; lower one"
        )


def _groups(fragments: FragmentSet) -> list[list[int]]:
    """Return the rows of each twin group, groups in order of their first row."""
    rows: dict[int, list[int]] = {}
    for row, twin in enumerate(fragments.twins):
        rows.setdefault(int(twin), []).append(row)
    return list(rows.values())


def _apportion(counts: list[int], share: float) -> list[int]:
    """Return each class's share of ``round(sum * share)`` rows by largest remainder."""
    exact = Fraction(str(share))
    quotas = [count * exact for count in counts]
    whole = [int(quota) for quota in quotas]
    missing = round(sum(counts) * exact) - sum(whole)
    by_remainder = sorted(range(len(counts)), key=lambda i: whole[i] - quotas[i])
    for i in by_remainder[: max(missing, 0)]:
        whole[i] += 1
    return whole


def _deal(
    groups: list[list[int]],
    test_quota: int,
    validation_quota: int,
    sides: tuple[list[int], list[int], list[int]],
) -> None:
    """Deal groups in order to (train, validation, test), never above a quota."""
    train, validation, test = sides
    for group in groups:
        if len(group) <= test_quota:
            test.extend(group)
            test_quota -= len(group)
        elif len(group) <= validation_quota:
            validation.extend(group)
            validation_quota -= len(group)
        else:
            train.extend(group)


def _split(train: list[int], validation: list[int], test: list[int]) -> Split:
    return Split(*(np.array(sorted(side), np.int64) for side in (train, validation, test)))
