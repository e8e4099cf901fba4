"""The rule that turns the annotations of one window into a five-class label.

Used by ``bnn_hw.ecg.fragments``. Reads the symbols of a window, gives a class name. The rule
reproduces all 7740 labels of the published five-class set; ``docs/ecg.md`` states it in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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
