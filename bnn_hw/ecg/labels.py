"""The rules that turn the annotations of one window into a class.

Used by ``bnn_hw.ecg.fragments`` and ``bnn_hw.ecg.stretches``. Reads symbols and rhythms of a window,
gives a class name. The five-class rule reproduces all 7740 labels of the published set. The
seventeen-class rule is our own, for training alone: the published labels are an index, not a rule.
``docs/ecg.md`` states both in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bnn_hw.errors import UserError

ECG5_CLASSES = ("N", "S", "V", "F", "Q")

# Rhythm changes, noise, flutter waves and comments: annotations that are no beats.
NOT_COUNTED = frozenset('[]!x|~+"')

# AAMI EC57 groups of the MIT-BIH beat codes that decide a window.
_CLASS_OF_SYMBOL = {
    symbol: name
    for name, symbols in (
        ("N", "NLRje"), ("S", "AaJS"), ("V", "VE"), ("F", "F"), ("Q", "Q/f"),
    )
    for symbol in symbols
}  # fmt: skip

# Classes of a rhythm that fills the window, by the kinds of beats in it; rhythms as PhysioNet notes
# them. In normal sinus rhythm one kind of ectopic beat besides the normal ones gives the class.
_CLASS_OF_BEATS_IN_RHYTHM: dict[str, dict[frozenset[str], str]] = {
    "(N": {
        frozenset("N"): "NSR",
        frozenset("NA"): "APB",
        frozenset("NV"): "PVC",
        frozenset("NF"): "Fusion",
        frozenset("L"): "LBBBB",
        frozenset("R"): "RBBBB",
    },
    "(AFL": {frozenset("N"): "AFL"},
    "(AFIB": {frozenset("N"): "AFIB", frozenset("Na"): "AFIB"},
    "(SVTA": {frozenset("A"): "SVTA", frozenset("J"): "SVTA"},
    "(PREX": {frozenset("N"): "WPW"},
    "(B": {frozenset("NV"): "Bigeminy"},
    "(T": {frozenset("NV"): "Trigeminy"},
    "(VT": {frozenset("V"): "VT"},
    "(IVR": {frozenset("E"): "IVR"},
    "(VFL": {frozenset("!"): "VFL", frozenset(): "VFL"},
    "(BII": {frozenset("N"): "SDHB"},
    "(P": {frozenset("/"): "PR"},
}
# Classes of a rhythm that shares the window with normal sinus rhythm: the kinds of beats, and how
# many hundredths of the window the rhythm takes at least.
_CLASS_BESIDE_NORMAL: dict[str, tuple[str, frozenset[frozenset[str]], int]] = {
    "(SVTA": ("SVTA", frozenset({frozenset("NA"), frozenset("NJ")}), 0),
    "(PREX": ("WPW", frozenset({frozenset("N")}), 0),
    "(B": ("Bigeminy", frozenset({frozenset("NV")}), 50),
    "(T": ("Trigeminy", frozenset({frozenset("NV")}), 50),
}
_NORMAL_RHYTHM = "(N"
# Marks between the beats that seventeen classes know: a flutter wave counts as a beat there.
NO_BEATS = frozenset('+~|"x[]')


def deciding_symbol(symbols: Sequence[str]) -> str:
    """Return the annotation symbol that decides a window, given its symbols in time order.

    The most frequent symbol that is neither ``N`` nor a non-beat wins, however many ``N`` there
    are; a tie goes to the symbol whose first appearance is latest. Without any such symbol the
    answer is ``N`` if the window has a normal beat, else ``Q``.
    """
    counted = Counter(s for s in symbols if s != "N" and s not in NOT_COUNTED)
    if not counted:
        return "N" if "N" in symbols else "Q"
    first = {symbol: symbols.index(symbol) for symbol in counted}
    return max(counted, key=lambda symbol: (counted[symbol], first[symbol]))


def window_class(symbols: Sequence[str]) -> str:
    """Return the class name (N, S, V, F or Q) of a window, given its symbols in time order.

    Raises ``UserError`` when the symbol that decides belongs to no class.
    """
    symbol = deciding_symbol(symbols)
    if symbol not in _CLASS_OF_SYMBOL:
        raise UserError(
            f"annotation symbol {symbol!r} has no class, "
            f"{' '.join(_CLASS_OF_SYMBOL)} are known; correct the annotations"
        )
    return _CLASS_OF_SYMBOL[symbol]


def rhythm_class(rhythms: Mapping[str, int], symbols: Sequence[str]) -> str | None:
    """Return the seventeen-class name of a window, or None where the rule does not decide.

    ``rhythms`` has the samples of each rhythm in the window, ``symbols`` its annotation symbols. Of
    the 1000 published fragments 974 get their own class, 2 another, 24 none.
    """
    beats = frozenset(symbols) - NO_BEATS
    present = {name: samples for name, samples in rhythms.items() if samples}
    if len(present) == 1:
        (rhythm,) = present
        return _CLASS_OF_BEATS_IN_RHYTHM.get(rhythm, {}).get(beats)
    if len(present) != 2 or _NORMAL_RHYTHM not in present:
        return None
    (other,) = present.keys() - {_NORMAL_RHYTHM}
    name, kinds, least = _CLASS_BESIDE_NORMAL.get(other, ("", frozenset(), 0))
    share = 100 * present[other] >= least * sum(present.values())
    return name if share and beats in kinds else None
