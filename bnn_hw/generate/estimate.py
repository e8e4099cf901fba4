"""LUT, FF, RAM and cycles of a network at a folding, before any synthesis and without any tool.

Reads a network, a folding and the coefficients that ``benchmarks/estimate.py`` fitted to synthesised
cells; gives an :class:`Estimate` with a row a layer. Cycles come from :mod:`bnn_hw.generate.folding`
and are exact; areas are models (see docs/hardware.md for how far off they may be).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bnn_hw.errors import UserError
from bnn_hw.generate.estimate_stages import BlockTerms
from bnn_hw.generate.estimate_terms import (
    CellTerms,
    error_fifo_terms,
    framer_terms,
    head_terms,
)
from bnn_hw.generate.folding import Fold, Folding, beat_of, score_pairs
from bnn_hw.generate.latency import latency_cycles
from bnn_hw.ir.network import Network

COEFFICIENTS = Path(__file__).with_name("estimate_coefficients.json")
RESOURCES = ("lut", "ff", "ram", "bram")
DEFAULT_FAMILY = "xc7"

Coefficients = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Weight of a term: by cell kind, resource and term."""


@dataclass(frozen=True)
class Area:
    """Cells as Yosys counts them: LUTs, flip-flops, RAM cells of any kind, block RAMs among them.

    A block RAM of half the size counts 0.5; see :class:`bnn_hw.synth.cells.CellCounts`.
    """

    lut: float
    ff: float
    ram: float
    bram: float

    def __add__(self, other: Area) -> Area:
        sums = (getattr(self, name) + getattr(other, name) for name in RESOURCES)
        return Area(*sums)

    def rounded(self) -> Area:
        """Whole cells, and at least one LUT and flip-flop: nothing here takes none."""
        whole = (max(1, round(self.lut)), max(1, round(self.ff)))
        return Area(*whole, round(self.ram), round(2 * self.bram) / 2)


@dataclass(frozen=True)
class LayerEstimate:
    """One layer: its fold, what it takes of the fragment's cycles, and its area."""

    name: str
    pe: int
    simd: int
    steps: int
    cycles: int
    share: float
    lut: int
    ff: int
    ram: int
    bram: float
    rom_bits: int
    rom: str


@dataclass(frozen=True)
class Estimate:
    """The whole accelerator; ``share`` of a layer is its cycles over those of the slowest part.

    ``latency`` counts from a fragment's last sample to the last beat of its result, cycle for cycle as
    :mod:`bnn_hw.generate.latency` says. ``around`` is what is no layer: framer, error FIFO and head.
    """

    family: str
    lut: int
    ff: int
    ram: int
    bram: float
    dsp: int
    cycles: int
    latency: int
    layers: tuple[LayerEstimate, ...]
    around: Area

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def estimate(network: Network, folding: Folding, family: str = DEFAULT_FAMILY) -> Estimate:
    """Area and cycles of ``network`` at ``folding`` on a device of ``family``.

    Raises
    ------
    UserError
        For a family without coefficients (see :func:`estimated_families`).
    """
    coefficients = load_coefficients(family)
    layers: list[LayerEstimate] = []
    samples_per_beat = folding.samples_per_beat
    terms = [BlockTerms(b, beat_of(b, samples_per_beat)) for b in network.blocks]
    total = Area(0, 0, 0, 0)
    before = None
    rows = zip(terms, folding.folds, folding.stage_cycles, strict=True)
    for of_block, fold, cycles in rows:
        block = of_block.block
        stage = area([of_block.input_fifo(fold, before), *of_block.cells(fold)], coefficients)
        total += stage
        before = block, fold
        folded = fold.steps(block) > 1
        layers.append(
            LayerEstimate(
                name=block.name,
                pe=fold.pe,
                simd=fold.simd,
                steps=fold.held(block),
                cycles=cycles,
                share=cycles / folding.cycles,
                **asdict(stage.rounded()),
                rom_bits=int(block.rows.size) if folded else 0,
                rom=_rom(fold) if folded else "constants",
            )
        )
    ends = [framer_terms(network, samples_per_beat), error_fifo_terms()]
    last = folding.folds[-1]
    ends.append(head_terms(network, *terms[-1].lanes(last), score_pairs(network, last)))
    around = area(ends, coefficients)
    total += around
    return Estimate(
        family=family,
        **asdict(total.rounded()),
        dsp=0,
        cycles=folding.cycles,
        latency=latency_cycles(network, folding.folds, samples_per_beat),
        layers=tuple(layers),
        around=around.rounded(),
    )


def _rom(fold: Fold) -> str:
    """Where the weights lie, in words."""
    if fold.block_bits == 0:
        return "LUT"
    return "block" if fold.block_bits == fold.pe * fold.simd else "block + LUT"


def area(cells: Iterable[CellTerms], coefficients: Coefficients) -> Area:
    """Sum of the cells' areas."""
    sums = dict.fromkeys(RESOURCES, 0.0)
    for cell in cells:
        weights = coefficients[cell.kind]
        for resource in RESOURCES:
            of_resource = weights[resource]
            sums[resource] += sum(of_resource[t] * n for t, n in cell.terms.items() if n)
    return Area(**sums)


def estimated_families() -> tuple[str, ...]:
    """Device families that have coefficients."""
    return tuple(_stored())


def load_coefficients(family: str) -> Coefficients:
    """The fitted coefficients of ``family``; :class:`UserError` names the families there are."""
    stored = _stored()
    if family not in stored:
        raise UserError(
            f"no estimate for device family {family[:80]!r}: there are {', '.join(stored)}"
        )
    return stored[family]


@cache
def _stored() -> dict[str, Coefficients]:
    found: dict[str, Coefficients] = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))[
        "families"
    ]
    return found
