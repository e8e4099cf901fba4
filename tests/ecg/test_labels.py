"""The rule of the five classes, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnn_hw.ecg.labels import ECG5_CLASSES, deciding_symbol, window_class
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
