"""Level ``torch``: the float network in double precision against golden, layer by layer.

Each block of the torch network computes from what the block before gave. Where torch's rounding puts a
sum that hits a threshold exactly on the other side, exact arithmetic decides: if it gives golden's
bit, the case is counted and told, not a mismatch, and torch goes on from golden's bit.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.description import BlockDescription, Description
from bnn_hw.errors import ToolMissing
from bnn_hw.freeze import Checkpoint, load_checkpoint
from bnn_hw.freeze.head import exact_unit, head_formula
from bnn_hw.freeze.parameters import BlockParameters, read_parameters
from bnn_hw.golden import BlockTrace, plain
from bnn_hw.ir import Block, MaxPool
from bnn_hw.verify.levels.packed import compare_arrays
from bnn_hw.verify.provenance import checkpoint_digest_of, description_of
from bnn_hw.verify.subject import Portion, Subject
from bnn_hw.verify.verdict import LevelSkipped, Outcome, Tally


def run_torch(subject: Subject, count: int) -> Outcome:
    """Sums, pooled sums, bits of every block and the class of the first ``count`` fragments."""
    if importlib.util.find_spec("torch") is None:
        raise ToolMissing("torch is not installed; run: pip install 'bnn_hw[train]'")
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
    first_rounded: list[str] = field(default_factory=list)


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
                f"the other side of a tie, exact arithmetic gives golden's ({counts.first_rounded[0]})"
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
        logits = values.numpy()
        self._compare_classes(logits.argmax(axis=1), portion, tally)

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
        pooled_late = False
        for layer in described.layers:
            values = self._next(stages, values)
            where = f"{block.name} {layer.type}"
            if layer.type in ("conv", "dense"):
                compare_arrays(tally, _as_golden(values), golden, portion.start, where)
            elif layer.type == "max_pool" and exact:
                golden = plain.max_pool(golden, MaxPool(layer.size, layer.stride))
                compare_arrays(tally, _as_golden(values), golden, portion.start, where)
            elif layer.type == "sign":
                exact = False
                if not pooled_late:
                    want = plain.accepted(block, golden)
                    values = self._compare_bits(values, want, golden, parameters, portion, tally)
            elif layer.type == "max_pool":
                pooled_late = True
            else:
                exact = False
        if trace.bits is not None:
            got = _as_golden(values) > 0
            compare_arrays(
                tally, got.astype(np.uint8), trace.bits, portion.start, f"{block.name} bits"
            )
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

    def _compare_bits(
        self,
        values: Any,
        want: npt.NDArray[np.uint8],
        sums: npt.NDArray[np.int64],
        parameters: BlockParameters,
        portion: Portion,
        tally: Tally,
    ) -> Any:
        import torch

        got = (_as_golden(values) > 0).astype(np.uint8)
        for n, position, channel in np.argwhere(got != want).tolist():
            total = sums[n, position, channel]
            exact = parameters.formulas[channel].accepts_all(np.array([total], dtype=np.int64))[0]
            if bool(exact) == bool(want[n, position, channel]):
                got[n, position, channel] = want[n, position, channel]
                self._counts.rounded_bits += 1
                self._counts.first_rounded.append(
                    f"fragment {portion.start + n}, {parameters.name}, position {position}, channel {channel}, "
                    f"sum {total}"
                )
        compare_arrays(tally, got, want, portion.start, f"{parameters.name} sign")
        plus_minus = torch.from_numpy(2.0 * want - 1.0)
        return plus_minus.permute(0, 2, 1).unsqueeze(2).contiguous()

    def _compare_classes(self, got: npt.NDArray[Any], portion: Portion, tally: Tally) -> None:
        want = portion.trace.result.classes
        got = got.copy()
        differing = np.flatnonzero(got != want)
        if differing.size:
            last = self._subject.network.blocks[-1]
            formula = head_formula(self._parameters[-1].formulas, last.head_length, last.name)
            trace = portion.trace
            scores = formula.exact_scores(0, trace.s_plus[differing], trace.s_minus[differing])
            _, tie = exact_unit()
            for row, n in zip(scores, differing.tolist(), strict=True):
                first = int(np.flatnonzero(max(row) - row <= tie)[0])
                if first == want[n]:
                    got[n] = want[n]
                    self._counts.rounded_classes += 1
                    self._counts.first_rounded.append(f"fragment {portion.start + n}, class")
        compare_arrays(tally, got, want, portion.start, "class")


def _as_golden(values: Any) -> npt.NDArray[Any]:
    """``(n, channels, 1, time)`` of torch as ``(n, time, channels)``."""
    array: npt.NDArray[Any] = values.squeeze(2).permute(0, 2, 1).numpy()
    return array
