"""What a frozen network takes: bits of weights, thresholds and head, and multiply-adds.

Thresholds are counted in exactly the bits they need: for a layer of bits the popcount of its
fan-in, for the integer layer a signed sum; a second one where a channel has two; one polarity bit a
channel. Head coefficients take the width of the widest of each kind.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnn_hw.ir.blocks import Block
from bnn_hw.ir.layers import signed_bits
from bnn_hw.ir.network import Network


@dataclass(frozen=True)
class Storage:
    """Bits of a frozen network; ``storage_bytes`` rounds their sum up."""

    weight_bits: int
    threshold_bits: int
    head_bits: int

    @property
    def storage_bytes(self) -> int:
        """All bits in whole bytes."""
        return (self.weight_bits + self.threshold_bits + self.head_bits + 7) // 8


def threshold_bits(block: Block) -> int:
    """Bits of the thresholds and polarities of one block, 0 in the last."""
    if block.threshold is None:
        return 0
    width = block.sum_bits if block.input_bits is not None else block.fan_in.bit_length()
    return sum(width * (1 if band.high is None else 2) + 1 for band in block.bands())


def storage(network: Network) -> Storage:
    """Count the bits of ``network``."""
    head = network.head
    coefficient_bits = sum(signed_bits(v) for v in (head.positive, head.negative, head.offset))
    return Storage(
        weight_bits=sum(block.rows.size for block in network.blocks),
        threshold_bits=sum(threshold_bits(block) for block in network.blocks),
        head_bits=coefficient_bits * network.classes,
    )


def macs(network: Network) -> int:
    """Binary multiply-adds a fragment."""
    return sum(block.macs for block in network.blocks)
