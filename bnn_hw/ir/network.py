"""A frozen network: what freeze writes and what golden, RTL and HLS mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bnn_hw.errors import UserError
from bnn_hw.identifiers import check_identifier, check_label
from bnn_hw.ir.blocks import Block, group_blocks
from bnn_hw.ir.canonical import input_to_json, layer_to_json
from bnn_hw.ir.layers import (
    MAX_LAYERS,
    MAX_WEIGHT_BITS,
    Head,
    Layer,
    NetworkInput,
    signed_bits,
)


@dataclass(frozen=True, eq=False)
class Network:
    """A frozen network: integers only.

    ``layers`` in order: one block is ``Conv | Dense``, any ``MaxPool`` over sums, ``Threshold``, any
    ``MaxPool`` over bits; the last block has no threshold and ends with ``Head``. ``provenance`` is
    free JSON (checkpoint digest, data, metrics) and not part of the digest.
    """

    name: str
    input: NetworkInput
    layers: tuple[Layer, ...]
    labels: tuple[str, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_identifier(self.name, "network name")
        for label in self.labels:
            check_label(label, "class label")
        if len(set(self.labels)) != len(self.labels):
            raise UserError(
                f"network {self.name}: a class label stands twice in {list(self.labels)}"
            )
        if not 2 <= len(self.layers) <= MAX_LAYERS:
            raise UserError(
                f"network {self.name}: {len(self.layers)} layers, allowed are 2 to {MAX_LAYERS}"
            )
        weight_bits = sum(block.rows.size for block in self.blocks)
        if weight_bits > MAX_WEIGHT_BITS:
            raise UserError(
                f"network {self.name}: {weight_bits} weights, at most {MAX_WEIGHT_BITS}"
            )
        classes = self.blocks[-1].out_channels
        if not len(self.labels) == len(self.head.positive) == classes:
            raise UserError(
                f"network {self.name}: last layer has {classes} channels, head {len(self.head.positive)} "
                f"classes, labels {len(self.labels)}; the three must be equal"
            )
        names = [block.name for block in self.blocks]
        if len(set(names)) != len(names):
            raise UserError(f"network {self.name}: a layer name stands twice in {names}")

    @property
    def head(self) -> Head:
        """The last layer."""
        head = self.layers[-1]
        if not isinstance(head, Head):
            raise UserError(
                f"network {self.name}: the last layer is {type(head).__name__.lower()}, it must be head"
            )
        return head

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The layers grouped into blocks; checks shapes and order."""
        return group_blocks(self.input, self.layers)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.labels)

    @property
    def head_terms(self) -> int:
        """How many pooled sums of a class the head adds, its largest one counted again."""
        return self.blocks[-1].head_length + self.head.peak_weight

    @property
    def score_bits(self) -> int:
        """Width of a two's complement number that holds every reachable score of every class."""
        last, head = self.blocks[-1], self.head
        extremes = []
        for c in range(last.out_channels):
            reach = last.reach(c)
            high = max(reach.high, 0) * self.head_terms
            low = min(reach.low, 0) * self.head_terms
            plus = (0, head.positive[c] * high)
            minus = (0, head.negative[c] * low)
            extremes += [
                min(plus) + min(minus) + head.offset[c],
                max(plus) + max(minus) + head.offset[c],
            ]
        return signed_bits(extremes)

    def canonical(self) -> dict[str, Any]:
        """The network as plain JSON values, exactly as in its file, without the provenance."""
        return {
            "name": self.name,
            "input": input_to_json(self.input),
            "layers": [layer_to_json(layer) for layer in self.layers],
            "labels": list(self.labels),
        }

    def digest(self) -> str:
        """sha256 (hex) over the canonical form: everything but the provenance."""
        text = json.dumps(
            self.canonical(), sort_keys=True, separators=(",", ":"), ensure_ascii=True
        )
        return hashlib.sha256(text.encode("ascii")).hexdigest()
