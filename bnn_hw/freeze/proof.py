"""Proof by exhaustion: every reachable integer of every channel gives the bit it must give.

Runs at the end of each freeze and as a level of verify. Reads a frozen network and, in
:func:`prove`, the description and checkpoint it came from; gives the counts of what was compared.
A network without its checkpoint can still be checked against itself: accept sets, comparisons and
popcount thresholds are three forms of one predicate and must agree everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bnn_hw.description import (
    ConvDescription,
    DenseDescription,
    Description,
    HeadDescription,
    MaxPoolDescription,
)
from bnn_hw.freeze.checkpoint import Checkpoint
from bnn_hw.freeze.exact import ChannelFormula
from bnn_hw.freeze.head import head_formula
from bnn_hw.freeze.parameters import BlockParameters, read_parameters
from bnn_hw.ir import Band, Conv, Dense, Network, Reach, Threshold, popcount_threshold
from bnn_hw.ir.bits import conv_weights
from bnn_hw.ir.blocks import Block

_CHUNK = 1 << 16
_SHOWN = 20

Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Proof:
    """What was compared and what differed.

    ``channels`` and ``integers`` count the channels and their reachable sums, ``weights`` and
    ``coefficients`` the bits and head numbers compared with the checkpoint (0 without one),
    ``mismatches`` every single difference, ``failures`` says the first of them in words.
    """

    channels: int
    integers: int
    mismatches: int
    failures: tuple[str, ...]
    weights: int = 0
    coefficients: int = 0

    @property
    def passed(self) -> bool:
        """Whether something was compared and all of it was equal."""
        return self.integers > 0 and self.mismatches == 0


@dataclass
class _Tally:
    channels: int = 0
    integers: int = 0
    mismatches: int = 0
    weights: int = 0
    coefficients: int = 0
    failures: list[str] = field(default_factory=list)

    def differ(self, count: int, what: str) -> None:
        self.mismatches += count
        if count and len(self.failures) < _SHOWN:
            self.failures.append(what)

    def proof(self) -> Proof:
        return Proof(
            self.channels,
            self.integers,
            self.mismatches,
            tuple(self.failures),
            self.weights,
            self.coefficients,
        )


def prove(network: Network, description: Description, checkpoint: Checkpoint) -> Proof:
    """Compare ``network`` with the float network it was frozen from.

    Thresholds on every reachable integer (exact formula, accept set, comparisons, popcount
    thresholds), weights with the signs of the checkpoint, order and geometry of the layers with the
    description, and the head's coefficients derived once more.

    Raises
    ------
    UserError
        When description and checkpoint do not fit each other.
    """
    parameters = read_parameters(description, checkpoint).blocks
    tally = _Tally()
    expected, found = _layers_of(description), _layers_in(network)
    if expected != found or len(parameters) != len(network.blocks):
        tally.differ(1, f"layers {found} differ from the description's {expected}")
    if network.labels != description.labels:
        tally.differ(1, f"labels {network.labels} differ from the description's")
    if (network.input.samples, network.input.channels, network.input.bits) != (
        description.input.samples,
        description.input.channels,
        description.input.bits,
    ):
        tally.differ(1, "the input differs from the description's")
    for block, source in zip(network.blocks, parameters, strict=False):
        _compare_weights(block, source, tally)
        same = len(source.formulas) == block.out_channels
        _compare_channels(block, source.formulas if same else None, tally)
    if len(parameters) == len(network.blocks):
        _compare_head(network, parameters[-1], tally)
    return tally.proof()


def prove_network(network: Network) -> Proof:
    """Compare the forms of every threshold of ``network`` with each other, no checkpoint needed."""
    tally = _Tally()
    for block in network.blocks:
        _compare_channels(block, None, tally)
    return tally.proof()


def _compare_channels(
    block: Block, formulas: tuple[ChannelFormula, ...] | None, tally: _Tally
) -> None:
    bands = block.bands()
    for channel in range(block.out_channels):
        tally.channels += 1
        for sums in _chunks(block.reach(channel)):
            tally.integers += sums.size
            where = f"{block.name}, channel {channel}"
            _fits(block, sums, where, tally)
            if block.threshold is None:
                continue
            meaning = block.threshold.accept[channel].accepts(sums)
            forms = {"comparisons": _by_band(bands[channel], sums)}
            if block.input_bits is None:
                forms["popcount thresholds"] = _by_popcount(bands[channel], sums, block.fan_in)
            if formulas is not None:
                forms["exact formula"] = formulas[channel].accepts_all(sums)
            for name, bits in forms.items():
                wrong = np.flatnonzero(bits != meaning)
                if wrong.size:
                    tally.differ(
                        wrong.size,
                        f"{where}: sum {sums[wrong[0]]} is {'+1' if meaning[wrong[0]] else '-1'} by its accept "
                        f"set, not by its {name} ({wrong.size} such sums)",
                    )


def _chunks(reach: Reach) -> Iterator[Integers]:
    """All of ``reach`` in pieces that fit the cache."""
    width = _CHUNK * reach.step
    for low in range(reach.low, reach.high + 1, width):
        yield Reach(low, min(low + width - reach.step, reach.high), reach.step).values()


def _by_band(band: Band, sums: Integers) -> Bools:
    inside = sums >= band.low
    if band.high is not None:
        inside &= sums < band.high
    return np.asarray(inside ^ band.invert)


def _by_popcount(band: Band, sums: Integers, fan_in: int) -> Bools:
    popcounts = (sums + fan_in) >> 1
    bits = popcounts >= popcount_threshold(band.low, fan_in)
    if band.high is not None:
        bits &= ~(popcounts >= popcount_threshold(band.high, fan_in))
    return np.asarray(bits ^ band.invert)


def _fits(block: Block, sums: Integers, where: str, tally: _Tally) -> None:
    """Every sum is held by the width hardware gives it; popcounts are whole and within fan-in."""
    half = 1 << (block.sum_bits - 1)
    wrong = (sums < -half) | (sums >= half)
    if block.input_bits is None:
        doubled = sums + block.fan_in
        wrong |= (doubled & 1 == 1) | (doubled < 0) | (doubled > 2 * block.fan_in)
    count = int(np.count_nonzero(wrong))
    tally.differ(count, f"{where}: {count} sums do not fit {block.sum_bits} bits")


def _compare_weights(block: Block, source: BlockParameters, tally: _Tally) -> None:
    width = source.weights.size // source.weights.shape[0]
    if block.rows.shape != (source.weights.shape[0], width):
        tally.differ(
            1, f"{block.name}: weights {block.rows.shape}, checkpoint {source.weights.shape}"
        )
        return
    bits = conv_weights(block.rows, block.in_channels).reshape(source.weights.shape)
    tally.weights += bits.size
    count = int(np.count_nonzero(bits != source.weights))
    tally.differ(count, f"{block.name}: {count} weights differ from the sign of the checkpoint's")


def _compare_head(network: Network, source: BlockParameters, tally: _Tally) -> None:
    last, head = network.blocks[-1], network.head
    if len(source.formulas) != last.out_channels:
        return  # already counted with the weights
    formula = head_formula(source.formulas, last.head_length, last.name, head.peak_weight)
    expected = formula.head(_exponent(network))
    pairs = (
        ("positive", head.positive, expected.positive),
        ("negative", head.negative, expected.negative),
        ("offset", head.offset, expected.offset),
    )
    for name, found, wanted in pairs:
        tally.coefficients += len(wanted)
        count = sum(a != b for a, b in zip(found, wanted, strict=True))
        tally.differ(count, f"head: {count} {name} coefficients differ from the checkpoint's")
    if head.fraction_bits != expected.fraction_bits:
        tally.differ(1, f"head: {head.fraction_bits} fraction bits, not {expected.fraction_bits}")


def _exponent(network: Network) -> int:
    """The head's exponent from the provenance; without one, its fraction bits."""
    noted = network.provenance.get("head")
    exponent = noted.get("exponent") if isinstance(noted, dict) else None
    if isinstance(exponent, int) and abs(exponent) <= 4000:
        return exponent
    return network.head.fraction_bits


def _layers_of(description: Description) -> list[tuple[object, ...]]:
    """Order and geometry as the description has them; elementwise layers and sign are a threshold."""
    found: list[tuple[object, ...]] = []
    for block in description.blocks():
        pools: list[tuple[object, ...]] = []
        bit_pools: list[tuple[object, ...]] = []
        elementwise = False
        for layer in block.layers:
            match layer:
                case ConvDescription():
                    found.append(("conv", layer.stride, *layer.padding, layer.pad_value))
                case DenseDescription():
                    found.append(("dense",))
                case MaxPoolDescription():
                    (bit_pools if elementwise else pools).append(
                        ("max_pool", layer.size, layer.stride)
                    )
                case _:
                    elementwise = True
        end = block.layers[-1]
        kind = ("head", end.peak_weight) if isinstance(end, HeadDescription) else ("threshold",)
        found += [*pools, kind, *bit_pools]
    return found


def _layers_in(network: Network) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    matrices = [layer for layer in network.layers if isinstance(layer, Conv | Dense)]
    for block, matrix in zip(network.blocks, matrices, strict=True):
        found.append(
            ("conv", block.stride, block.pad_left, block.pad_right, block.pad_value)
            if isinstance(matrix, Conv)
            else ("dense",)
        )
        found += [("max_pool", pool.size, pool.stride) for pool in block.sum_pools]
        decided = isinstance(block.threshold, Threshold)
        found.append(("threshold",) if decided else ("head", network.head.peak_weight))
        found += [("max_pool", pool.size, pool.stride) for pool in block.bit_pools]
    return found
