"""Names from outside become module names, file names and C++ names only after this check."""

from __future__ import annotations

import re

from bnn_hw.errors import UserError

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}", re.ASCII)
# A label is shown and printed, never used as an identifier: printable ASCII without quote or backslash.
_LABEL = re.compile(r"[A-Za-z0-9 ._+\-/()]{1,64}", re.ASCII)

# Reserved in SystemVerilog (IEEE 1800-2017, Annex B) or C++; a network must not be called so.
_RESERVED = frozenset(
    """
    alias always and assert assign assume auto before begin bind bit bool break buf byte case
    catch cell char checker class clocking config const constexpr continue cover cross deassign
    default define delete design disable dist do double edge else end endcase endmodule enum
    event expect explicit export extends extern final float for force forever fork friend
    function generate genvar global goto if iff ifnone import include initial inline inout input
    inside instance int integer interface join large let library local localparam logic long
    longint macromodule matches medium modport module mutable namespace nand negedge nettype new
    nor not null operator or output package packed parameter pmos posedge primitive priority
    private program property protected public pull0 pull1 pure rand randc real realtime ref reg
    register release repeat restrict return rtran scalared sequence shared short shortint
    shortreal signed sizeof small solve specify static std string strong struct super supply0
    supply1 switch table tagged task template this throw time timeprecision timeunit tran tri
    trireg try type typedef typename union unique unsigned until use using var vectored virtual
    void volatile wait wand weak while wildcard wire with within wor xnor xor bnn hls
    """.split()
)


def check_identifier(name: str, what: str) -> str:
    """Return ``name`` if it is a plain identifier, else raise.

    Raises
    ------
    UserError
        When ``name`` is not ``[A-Za-z][A-Za-z0-9_]{0,62}`` or is a reserved word.
    """
    if not _PLAIN.fullmatch(name):
        raise UserError(
            f"{what} {name[:80]!r} is not a plain identifier: a letter, then at most 62 letters, digits "
            "or underscores; rename it"
        )
    if name.lower() in _RESERVED or name.lower().startswith("bnn_"):
        raise UserError(
            f"{what} {name!r} is a reserved word of SystemVerilog or C++ (or starts with 'bnn_', the "
            "prefix of the cells); rename it"
        )
    return name


def check_label(label: str, what: str) -> str:
    """Return ``label`` if it is safe to print anywhere, else raise :class:`UserError`."""
    if not _LABEL.fullmatch(label):
        raise UserError(
            f"{what} {label[:80]!r} is not allowed: 1 to 64 of letters, digits, blank and . _ + - / ( ); rename it"
        )
    return label
