"""Level ``torch``: the float network in double precision against golden, layer by layer.

Each block of the torch network computes from what the block before gave. Where the rounding of doubles
puts a sum that hits a threshold on the other side (:mod:`bnn_hw.verify.levels.torch_rounding`), the
case is counted and told, not a mismatch, and torch goes on from golden's bit.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.description import BlockDescription, Description
from bnn_hw.errors import ToolMissing, install
from bnn_hw.freeze import Checkpoint, load_checkpoint
from bnn_hw.freeze.head import head_formula
from bnn_hw.freeze.parameters import BlockParameters, read_parameters
from bnn_hw.golden import BlockTrace, plain
from bnn_hw.ir import Block, MaxPool
from bnn_hw.verify.levels.packed import compare_arrays
from bnn_hw.verify.levels.torch_rounding import bit_is_rounding, class_is_rounding
from bnn_hw.verify.provenance import checkpoint_digest_of, description_of
from bnn_hw.verify.subject import Portion, Subject
from bnn_hw.verify.verdict import LevelSkipped, Outcome, Tally


def run_torch(subject: Subject, count: int) -> Outcome:
    """Sums, pooled sums, bits of every block and the class of the first ``count`` fragments."""
    if importlib.util.find_spec("torch") is None:
        raise ToolMissing(f"torch is not installed; {install('train')}")
    if subject.checkpoint is None:
        raise LevelSkipped("no checkpoint at hand; give --checkpoint FILE")
    description = description_of(subject.network)
    if description is None:
        raise LevelSkipped(
            "the frozen file does not hold its description; freeze the checkpoint with bnn_hw"
        )
    checkpoint = load_checkpoint(subject.checkpoint)
    twin = _Twin(subject, description, checkpoint)
    tally = Tally()
    noted = checkpoint_digest_of(subject.network)
    tally.add(
        1,
        int(noted != checkpoint.digest),
        f"checkpoint {subject.checkpoint.name} has digest {checkpoint.digest[:16]}, the network was "
        f"frozen from {str(noted)[:16]}",
    )
    for portion in subject.portions(count):
        twin.compare(portion, tally)
        tally.fragments += len(portion)
    tally.remark = twin.remark()
    return tally.outcome()


@dataclass
class _Counts:
    sign_zeros: int = 0
    rounded_bits: int = 0
    rounded_classes: int = 0
    first_rounded: str = ""

    def note(self, where: str) -> None:
        """Keep the place of the first case."""
        self.first_rounded = self.first_rounded or where


class _Twin:
    """The torch network of a subject, run block by block beside golden."""

    def __init__(self, subject: Subject, description: Description, checkpoint: Checkpoint) -> None:
        from bnn_hw.training.layers import count_zero_weights
        from bnn_hw.training.network import build_from_checkpoint

        parameters = read_parameters(description, checkpoint)
        # Arrays that no layer uses are ignored by freeze; a single slope may have shape ().
        state = {
            name: array.reshape(-1) if array.ndim == 0 else array
            for name, array in checkpoint.arrays.items()
            if name not in parameters.ignored
        }
        self._network = build_from_checkpoint(description, state)
        self._zero_weights = count_zero_weights(self._network)
        self._parameters = parameters.blocks
        self._subject = subject
        self._blocks = description.blocks()
        self._counts = _Counts()

    def remark(self) -> str:
        """Counts of sign(0) and of exact ties that torch rounded away."""
        counts = self._counts
        text = f"sign(0): {counts.sign_zeros} activations, {self._zero_weights} weights"
        if counts.rounded_bits or counts.rounded_classes:
            text += (
                f"; rounding of doubles put {counts.rounded_bits} bits and {counts.rounded_classes} classes on "
                f"the other side of a tie, exact arithmetic gives golden's ({counts.first_rounded})"
            )
        return text

    def compare(self, portion: Portion, tally: Tally) -> None:
        """Run one portion and compare what every layer gives."""
        import torch

        stages = iter(self._network.stages)
        with torch.no_grad():
            values = self._network.arrange(torch.from_numpy(portion.samples.astype(np.float64)))
            for described, block, trace, parameters in zip(
                self._blocks,
                self._subject.network.blocks,
                portion.trace.blocks,
                self._parameters,
                strict=True,
            ):
                values = self._run_block(
                    described, block, trace, parameters, values, stages, portion, tally
                )
        self._compare_classes(values.numpy(), portion, tally)

    def _run_block(
        self,
        described: BlockDescription,
        block: Block,
        trace: BlockTrace,
        parameters: BlockParameters,
        values: Any,
        stages: Any,
        portion: Portion,
        tally: Tally,
    ) -> Any:
        golden: npt.NDArray[Any] = trace.sums
        exact = True  # until the first layer that is not a sum or a pool over sums
        decided = False
        for layer in described.layers:
            where = f"{block.name} {layer.type}"
            if not decided and (layer.type == "sign" or (layer.type == "max_pool" and not exact)):
                values = self._compare_decisions(block, parameters, values, golden, portion, tally)
                decided = True
            values = self._next(stages, values)
            if layer.type in ("conv", "dense"):
                compare_arrays(tally, _as_golden(values), golden, portion.start, where)
            elif layer.type == "max_pool" and exact and not decided:
                golden = plain.max_pool(golden, MaxPool(layer.size, layer.stride))
                compare_arrays(tally, _as_golden(values), golden, portion.start, where)
            else:
                exact = False
        if trace.bits is not None:
            got = (_as_golden(values) > 0).astype(np.uint8)
            compare_arrays(tally, got, trace.bits, portion.start, f"{block.name} bits")
        return values

    def _next(self, stages: Any, values: Any) -> Any:
        """Output of the next layer; the input scale is no layer of the description."""
        from bnn_hw.training.layers import Sign

        while True:
            layer, module = next(stages)
            if isinstance(module, Sign):
                self._counts.sign_zeros += int((values == 0).sum())
            values = module(values)
            if layer is not None:
                return values

    def _compare_decisions(
        self,
        block: Block,
        parameters: BlockParameters,
        values: Any,
        sums: npt.NDArray[np.int64],
        portion: Portion,
        tally: Tally,
    ) -> Any:
        """Compare the side of zero on which each value stands; torch goes on from golden's."""
        reals = _as_golden(values)
        got, want = (reals >= 0).astype(np.uint8), plain.accepted(block, sums)
        differing = np.argwhere(got != want).tolist()
        for n, position, channel in differing:
            at = (n, position, channel)
            formula, total = parameters.formulas[channel], int(sums[at])
            if bit_is_rounding(formula, total, float(reals[at]), bool(want[at])):
                got[at] = want[at]
                self._counts.rounded_bits += 1
                self._counts.note(
                    f"fragment {portion.start + n}, {block.name}, position {position}, "
                    f"channel {channel}, sum {total}"
                )
        compare_arrays(tally, got, want, portion.start, f"{block.name} sign")
        if not differing:
            return values
        values = values.clone()
        for n, position, channel in differing:
            values[n, channel, 0, position] = 1.0 if want[n, position, channel] else -1.0
        return values

    def _compare_classes(self, logits: npt.NDArray[Any], portion: Portion, tally: Tally) -> None:
        trace, network = portion.trace, self._subject.network
        got, want = logits.argmax(axis=1), trace.result.classes
        differing = np.flatnonzero(got != want).tolist()
        if differing:
            last = network.blocks[-1]
            formula = head_formula(
                self._parameters[-1].formulas, last.head_length, last.name, network.head.peak_weight
            )
            for n in differing:
                sums = trace.s_plus[n], trace.s_minus[n]
                if class_is_rounding(formula, network.head_terms, *sums, logits[n], int(want[n])):
                    got[n] = want[n]
                    self._counts.rounded_classes += 1
                    self._counts.note(f"fragment {portion.start + n}, class")
        compare_arrays(tally, got, want, portion.start, "class")


def _as_golden(values: Any) -> npt.NDArray[Any]:
    """``(n, channels, 1, time)`` of torch as ``(n, time, channels)``."""
    array: npt.NDArray[Any] = values.squeeze(2).permute(0, 2, 1).numpy()
    return array
