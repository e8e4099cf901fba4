"""Counts of the primitives that Yosys mapped a module to, as LUTs, flip-flops and RAM.

Reads what ``stat -json`` wrote; gives a :class:`CellCounts`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnn_hw.generate.fpga_targets import Family
from bnn_hw.simulate.tools import ToolFailed


@dataclass(frozen=True)
class CellCounts:
    """Primitives of a mapped module.

    Attributes
    ----------
    lut
        Look-up tables that compute: LUT1 to LUT6 on xc7, 4-input ones on ECP5 (two a carry cell, in
        whose place they stand) and iCE40.
    lut_ram
        Look-up tables that are memory or shift registers.
    ram
        Cells of LUT RAM and shift registers, which hold several of ``lut_ram`` each, and block RAM.
    bram
        Block RAMs: RAMB36 (a RAMB18 counts half), DP16KD, SB_RAM40_4K.
    cells
        Every primitive by its name in Yosys.
    """

    lut: int
    ff: int
    lut_ram: int
    ram: int
    bram: float
    dsp: int
    carry: int
    cells: Mapping[str, int]


# Regular expression of a primitive's name, and what one of it counts as.
_KINDS: dict[Family, tuple[tuple[str, dict[str, float]], ...]] = {
    Family.XC7: (
        (r"LUT[1-6]", {"lut": 1}),
        (r"FD[RSCP]E(_1)?", {"ff": 1}),
        (r"SRL16E|SRLC32E", {"ram": 1, "lut_ram": 1}),
        (r"RAM(32|64)X1D(_1)?", {"ram": 1, "lut_ram": 2}),
        (r"RAM(32|64)X1S(_1)?", {"ram": 1, "lut_ram": 1}),
        (r"RAM128X1[SD](_1)?|RAM(32|64)M", {"ram": 1, "lut_ram": 4}),
        (r"RAMB18E1", {"ram": 1, "bram": 0.5}),
        (r"RAMB36E1", {"ram": 1, "bram": 1}),
        (r"DSP48E1", {"dsp": 1}),
        (r"CARRY4", {"carry": 1}),
    ),
    Family.ECP5: (
        (r"LUT4", {"lut": 1}),
        (r"TRELLIS_FF", {"ff": 1}),
        (r"TRELLIS_DPR16X4", {"ram": 1, "lut_ram": 4}),
        (r"DP16KD|PDPW16KD", {"ram": 1, "bram": 1}),
        (r"MULT18X18D", {"dsp": 1}),
        (r"CCU2C", {"carry": 1, "lut": 2}),
    ),
    Family.ICE40: (
        (r"SB_LUT4", {"lut": 1}),
        (r"SB_DFF\w*", {"ff": 1}),
        (r"SB_RAM40_4K\w*", {"ram": 1, "bram": 1}),
        (r"SB_SPRAM256KA", {"ram": 1}),
        (r"SB_MAC16", {"dsp": 1}),
        (r"SB_CARRY", {"carry": 1}),
    ),
}


def count_cells(stat: Path, module: str, family: Family) -> CellCounts:
    """Counts of ``module`` from Yosys' ``stat -json`` in the file ``stat``.

    Raises
    ------
    ToolFailed
        When the file does not hold the module.
    """
    try:
        found: dict[str, Any] = json.loads(stat.read_text(encoding="utf-8"))["modules"]
        cells = {
            str(name): int(count)
            for name, count in found[f"\\{module}"]["num_cells_by_type"].items()
            if not name.startswith("$")
        }
    except (OSError, ValueError, KeyError) as problem:
        raise ToolFailed(f"Yosys left no count of {module} in {stat.name} ({problem})") from None
    sums = dict.fromkeys(("lut", "ff", "lut_ram", "ram", "bram", "dsp", "carry"), 0.0)
    for name, count in cells.items():
        for pattern, weights in _KINDS[family]:
            if re.fullmatch(pattern, name):
                for kind, weight in weights.items():
                    sums[kind] += weight * count
    return CellCounts(
        lut=int(sums["lut"]),
        ff=int(sums["ff"]),
        lut_ram=int(sums["lut_ram"]),
        ram=int(sums["ram"]),
        bram=sums["bram"],
        dsp=int(sums["dsp"]),
        carry=int(sums["carry"]),
        cells=dict(sorted(cells.items())),
    )
