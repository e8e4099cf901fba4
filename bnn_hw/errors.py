"""The one exception that reaches a user.

Every station raises :class:`UserError` for input it cannot accept; the command line prints it as
one line and exits with 2. Anything else that escapes is a defect of bnn_hw.
"""

from __future__ import annotations


class UserError(Exception):
    """Input that cannot be accepted: one line with the thing, the value, what is allowed, what to do."""

    def __init__(self, message: str) -> None:
        # Text from outside may hold anything; a line break would turn one line into several.
        super().__init__(" ".join(message.split()))


class ToolMissing(UserError):
    """A tool of the system or an extra of the package is not installed; the line says how to get it."""


def install(extra: str) -> str:
    """What to do about a missing package of the extra ``extra``, for the end of a line: bnn_hw is not on PyPI."""
    return f"run in the checkout: pip install '.[{extra}]'"
