"""The rules of the five and the seventeen classes, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnn_hw.ecg.fragments import ECG17_CLASSES
from bnn_hw.ecg.labels import ECG5_CLASSES, deciding_symbol, rhythm_class, window_class
from bnn_hw.errors import UserError


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ("", "Q"),
        ("N", "N"),
        ("NNNNNNNNNNNN", "N"),
        ("+N~N|N", "N"),
        ('[]!x|~+"', "Q"),
        ("NNNNNNNNNNNV", "V"),  # one V outweighs any number of N
        ("VVA", "V"),
        ("VAA", "A"),
        ("VA", "A"),  # a tie: the later first appearance
        ("AV", "V"),
        ("VAAV", "A"),  # first appearances count, not last ones
        ("VVLLF", "L"),
        ("!!!!V", "V"),
    ],
)
def test_deciding_symbol(symbols: str, expected: str) -> None:
    assert deciding_symbol(tuple(symbols)) == expected


@pytest.mark.parametrize(
    ("name", "symbols"), [("N", "NLRje"), ("S", "AaJS"), ("V", "VE"), ("F", "F"), ("Q", "Q/f")]
)
def test_every_symbol_has_its_class(name: str, symbols: str) -> None:
    assert {window_class((symbol,)) for symbol in symbols} == {name}


def test_unknown_symbol_is_refused() -> None:
    with pytest.raises(UserError, match="'r'"):
        window_class(("N", "r"))


@given(st.lists(st.sampled_from("NLRjeAaJSVEFQ/f~+|"), max_size=30))
def test_normal_and_other_marks_never_change_a_deciding_beat(symbols: list[str]) -> None:
    beats = [symbol for symbol in symbols if symbol not in "N~+|"]
    assert window_class(symbols) in ECG5_CLASSES
    if beats:
        assert deciding_symbol(symbols) == deciding_symbol(beats)


@pytest.mark.parametrize(
    ("rhythms", "symbols", "expected"),
    [
        ({"(N": 3600}, "NNN", "NSR"),
        ({"(N": 3600}, "N~N|+", "NSR"),
        ({"(N": 3600}, "NAN", "APB"),
        ({"(N": 3600}, "NVV", "PVC"),
        ({"(N": 3600}, "NF", "Fusion"),
        ({"(N": 3600}, "LLL", "LBBBB"),
        ({"(N": 3600}, "RRR", "RBBBB"),
        ({"(N": 3600}, "NVA", None),  # two kinds of ectopic beats
        ({"(N": 3600}, "LV", None),
        ({"(N": 3600}, "", None),
        ({"(AFIB": 3600}, "NN", "AFIB"),
        ({"(AFIB": 3600}, "Na", "AFIB"),
        ({"(AFIB": 3600}, "NV", None),
        ({"(AFL": 3600}, "N", "AFL"),
        ({"(SVTA": 3600}, "J", "SVTA"),
        ({"(PREX": 3600}, "N", "WPW"),
        ({"(B": 3600}, "NV", "Bigeminy"),
        ({"(T": 3600}, "NV", "Trigeminy"),
        ({"(VT": 3600}, "V", "VT"),
        ({"(IVR": 3600}, "E", "IVR"),
        ({"(VFL": 3600}, "[!!]", "VFL"),
        ({"(BII": 3600}, "N", "SDHB"),
        ({"(P": 3600}, "/", "PR"),
        # Two rhythms.
        ({"(N": 3599, "(PREX": 1}, "N", "WPW"),
        ({"(N": 3500, "(SVTA": 100}, "NA", "SVTA"),
        ({"(N": 3500, "(SVTA": 100}, "N", None),
        ({"(N": 1800, "(B": 1800}, "NV", "Bigeminy"),
        ({"(N": 1801, "(B": 1799}, "NV", None),
        ({"(T": 2000, "(N": 1600}, "NV", "Trigeminy"),
        ({"(N": 2000, "(AFIB": 1600}, "N", None),
        ({"(B": 1800, "(T": 1800}, "NV", None),
        ({"(N": 1200, "(B": 1200, "(T": 1200}, "NV", None),
        ({"(N": 3600, "(B": 0}, "N", "NSR"),  # no sample, no rhythm
        ({"(XX": 3600}, "N", None),
        ({}, "N", None),
    ],
)
def test_rhythm_class(rhythms: dict[str, int], symbols: str, expected: str | None) -> None:
    assert rhythm_class(rhythms, tuple(symbols)) == expected
    assert expected is None or expected in ECG17_CLASSES
