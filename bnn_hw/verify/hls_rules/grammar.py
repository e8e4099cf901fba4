"""Grammar of the pragmas these rules know: scopes, options with their values, flags.

Only pragmas that C++ of this project may carry, as the guide's chapter on HLS pragmas (UG1399)
describes them; a pragma that is not here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

_WORD = re.compile(r"[A-Za-z_]\w*")
NUMBER = re.compile(r"\d+")
_SIZE = re.compile(r"[1-9]\d*")
_TRUE = re.compile(r"true|false")


def _one_of(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


def values_of(pattern: re.Pattern[str]) -> str:
    """What an option takes, in words."""
    words = {_WORD: "a name", NUMBER: "a number", _SIZE: "a number of at least 1"}
    return words.get(pattern) or " or ".join(pattern.pattern.split("|"))


@dataclass(frozen=True)
class Grammar:
    """One pragma: where it may stand, its options with their values, its flags."""

    scopes: frozenset[str]
    options: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    named: str | None = None  # the option that names a variable


_ANY = frozenset({"function", "loop", "block"})
SHAPES = ("complete", "cyclic", "block")
_variable = partial(
    Grammar, scopes=frozenset({"function"}), required=frozenset({"variable"}), named="variable"
)
ARRAY = _variable(
    options={"variable": _WORD, "type": _one_of(*SHAPES), "dim": NUMBER, "factor": _SIZE},
    flags=frozenset({*SHAPES, "off"}),
)

GRAMMARS: Mapping[str, Grammar] = {
    "pipeline": Grammar(
        frozenset({"function", "loop"}),
        {"ii": _SIZE, "style": _one_of("stp", "frp", "flp")},
        flags=frozenset({"off", "rewind"}),
    ),
    "unroll": Grammar(
        frozenset({"loop"}), {"factor": _SIZE}, flags=frozenset({"skip_exit_check"})
    ),
    "loop_flatten": Grammar(frozenset({"loop"}), flags=frozenset({"off"})),
    "loop_merge": Grammar(frozenset({"function", "loop"}), flags=frozenset({"force"})),
    "loop_tripcount": Grammar(
        frozenset({"loop"}), dict.fromkeys(("min", "max", "avg"), NUMBER), frozenset({"max"})
    ),
    "dataflow": Grammar(
        frozenset({"function", "loop"}), flags=frozenset({"disable_start_propagation"})
    ),
    "inline": Grammar(frozenset({"function"}), flags=frozenset({"off", "recursive"})),
    "array_partition": ARRAY,
    "array_reshape": ARRAY,
    "stream": _variable(
        options={"variable": _WORD, "depth": _SIZE, "type": _one_of("fifo", "pipo", "unsync")}
    ),
    "bind_storage": _variable(
        options={
            "variable": _WORD,
            "type": _one_of(
                "fifo", "ram_1p", "ram_1wnr", "ram_2p", "ram_s2p", "ram_t2p", "rom_1p", "rom_2p",
                "rom_np",
            ),
            "impl": _one_of("auto", "bram", "bram_ecc", "lutram", "uram", "uram_ecc", "srl", "memory"),
            "latency": NUMBER,
        },
        required=frozenset({"variable", "type"}),
    ),
    "bind_op": _variable(
        scopes=_ANY,
        options={
            "variable": _WORD,
            "op": _one_of("add", "sub", "mul"),
            "impl": _one_of("auto", "fabric", "dsp"),
            "latency": NUMBER,
        },
        required=frozenset({"variable", "op"}),
    ),
    "dependence": _variable(
        scopes=_ANY,
        options={
            "variable": _WORD,
            "type": _one_of("intra", "inter"),
            "direction": _one_of("raw", "war", "waw"),
            "distance": _SIZE,
            "dependent": _TRUE,
        },
    ),
    "aggregate": _variable(options={"variable": _WORD, "compact": _one_of("bit", "byte", "auto")}),
    "disaggregate": _variable(options={"variable": _WORD}),
    "latency": Grammar(_ANY, dict.fromkeys(("min", "max"), NUMBER)),
    "expression_balance": Grammar(_ANY, flags=frozenset({"off"})),
    "interface": Grammar(
        frozenset({"function"}),
        {
            "mode": _one_of("axis", "s_axilite", "ap_none", "ap_ctrl_none", "ap_ctrl_hs", "ap_ctrl_chain"),
            "port": _WORD,
            "bundle": _WORD,
            "register_mode": _one_of("both", "forward", "reverse", "off"),
        },
        frozenset({"mode", "port"}),
        frozenset({"register"}),
        named="port",
    ),
}  # fmt: skip
