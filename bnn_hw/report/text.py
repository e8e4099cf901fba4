"""How figures are written in tables, cards and sentences."""

from __future__ import annotations


def percent(share: float | None, decimals: int = 2) -> str:
    """A share of 0 to 1 in percent, ``-`` where it has no meaning."""
    return "-" if share is None else f"{100 * share:.{decimals}f}"


def points(difference: float) -> str:
    """A difference with its sign, two decimals, zero without one."""
    return f"{difference:+.2f}" if difference else "0.00"
