"""The levels of verify, in order, each with the fragments it takes when nobody says how many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bnn_hw.verify.levels.constants import run_constants
from bnn_hw.verify.levels.csim import run_csim_level
from bnn_hw.verify.levels.freeze import run_freeze
from bnn_hw.verify.levels.hls_rules import run_hls_rules
from bnn_hw.verify.levels.icarus import run_icarus_level
from bnn_hw.verify.levels.lint import run_lint
from bnn_hw.verify.levels.manifest import run_manifest
from bnn_hw.verify.levels.packed import run_packed
from bnn_hw.verify.levels.torch_twin import run_torch
from bnn_hw.verify.levels.verilator import run_verilator_level
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome


@dataclass(frozen=True)
class Level:
    """One level: ``run(subject, count)`` compares the first ``count`` fragments.

    ``default_fragments`` is None for all fragments and 0 for a level that takes none.
    """

    name: str
    says: str
    default_fragments: int | None
    run: Callable[[Subject, int], Outcome]


LEVELS: tuple[Level, ...] = (
    Level("freeze", "every threshold on every sum its channel can reach", 0, run_freeze),
    Level("packed", "packed golden model = plain golden model", None, run_packed),
    Level("torch", "torch in double precision = golden, layer by layer", None, run_torch),
    Level("manifest", "files of the build folder as they were rendered", 0, run_manifest),
    Level("constants", "constants elaborated from RTL and C++ = network", 0, run_constants),
    Level("csim", "C simulation of the HLS C++ = golden, every stream", 64, run_csim_level),
    Level("icarus", "RTL in Icarus = golden, every stream", 3, run_icarus_level),
    Level("verilator", "RTL in Verilator = golden, every stream", 64, run_verilator_level),
    Level("lint", "RTL without a warning in four front ends", 0, run_lint),
    Level("hls-rules", "HLS C++ keeps the rules of Vitis HLS", 0, run_hls_rules),
)
LEVEL_NAMES = tuple(level.name for level in LEVELS)
