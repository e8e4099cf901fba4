"""Splits a fragment set into training, validation and test by three protocols.

Third station on the way from record to report. Reads a ``FragmentSet``, gives index arrays. What
each protocol is worth stands in ``docs/ecg.md``. Byte-identical fragments (twins) always lie on
one side, and so do two leads of the same ten seconds: in the test a trained network would meet
what it learnt by heart.

Chance comes from SHA-256 of seed, record and position, not from a random generator: the streams
of those may change from one library version to the next, and a shipped network's test set must
stay its test set everywhere.
"""

from __future__ import annotations

import hashlib
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
    groups = _shuffled_groups(fragments, seed)
    # Twins share their samples; should their labels differ, the first one places the pair.
    by_class: list[list[list[int]]] = [[] for _ in fragments.class_names]
    for group in groups:
        by_class[int(fragments.labels[group[0]])].append(group)
    counts = [sum(len(group) for group in members) for members in by_class]
    test_quotas = _apportion(counts, test_share)
    validation_quotas = _apportion(counts, validation_share)
    sides: tuple[list[int], list[int], list[int]] = ([], [], [])
    for members, test_quota, validation_quota in zip(
        by_class, test_quotas, validation_quotas, strict=True
    ):
        _deal(members, test_quota, validation_quota, sides)
    return _split(*sides)


def paper_split(fragments: FragmentSet, seed: int) -> Split:
    """Split 80/20 at random over fragments, unstratified, without validation, as the paper did.

    1548 of 7740 and 200 of 1000 fragments are the test. Unlike the paper, twins lie on one side.
    """
    members = _shuffled_groups(fragments, seed)
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
    chosen = _draw_validation(fragments, candidates, seed)
    in_ds1 = np.isin(records, DS1_RECORDS)
    validation = np.isin(records, chosen)
    train = in_ds1 & ~validation
    if not keep_shared_person:
        train &= records != SHARED_PERSON_DS1_RECORD
    return Split(*(np.flatnonzero(mask).astype(np.int64) for mask in (train, validation, ~in_ds1)))


def _draw_validation(fragments: FragmentSet, candidates: list[str], seed: int) -> list[str]:
    records = np.array(fragments.records)
    counts = {
        name: np.bincount(
            fragments.labels[records == name], minlength=len(fragments.class_names)
        ).tolist()
        for name in candidates
    }
    totals = [sum(column) for column in zip(*counts.values(), strict=True)]
    draws = [
        sorted(candidates, key=lambda name: _chance(seed, draw, name))[:VALIDATION_RECORDS]
        for draw in range(_VALIDATION_DRAWS)
    ]

    def distance(draw: list[str]) -> Fraction:
        """Sum over the classes how far their share in validation is from an even one."""
        even = Fraction(VALIDATION_RECORDS, len(candidates))
        far = Fraction(0)
        for label, total in enumerate(totals):
            taken = sum(counts[name][label] for name in draw)
            if total:
                far += abs(Fraction(taken, total) - even)
                # A class that one side lacks can't be learnt or can't be judged.
                far += taken in (0, total)
        return far

    return min(draws, key=distance)


def _check_shares(test_share: float, validation_share: float) -> None:
    for name, share in (("test", test_share), ("validation", validation_share)):
        if not 0 <= share < 1:
            raise UserError(f"split: {name} share is {share}, at least 0 and below 1 is allowed")
    if test_share + validation_share >= 1:
        raise UserError(
            f"split: test and validation shares are {test_share} and {validation_share}, together "
            "they must stay below 1; lower one"
        )


def _chance(*parts: object) -> bytes:
    """Return a key to sort by that looks random and is the same on every machine."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).digest()


def _shuffled_groups(fragments: FragmentSet, seed: int) -> list[list[int]]:
    """Return the rows in groups that must stay together, the groups in an order by chance."""
    places = list(zip(fragments.records, fragments.starts.tolist(), strict=True))
    group_of_twin: dict[int, int] = {}
    group_of_place: dict[tuple[str, int], int] = {}
    groups: dict[int, list[int]] = {}
    for row, (twin, place) in enumerate(zip(fragments.twins.tolist(), places, strict=True)):
        own = group_of_twin.get(twin, row)
        other = group_of_place.get(place, own)
        groups.setdefault(own, []).append(row)
        if other != own:
            # One row joins two groups: its twins' and that of another lead of its ten seconds.
            groups[own] = sorted(groups[own] + groups.pop(other))
            for member in groups[own]:
                group_of_twin[int(fragments.twins[member])] = own
                group_of_place[places[member]] = own
        group_of_twin[twin] = group_of_place[place] = own
    return sorted(groups.values(), key=lambda group: _chance(seed, *places[group[0]]))


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
