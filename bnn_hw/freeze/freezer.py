"""A float network becomes integers: the third station, between training and everything else.

Reads a description (``NETWORK.toml``) and a checkpoint; gives a
:class:`~bnn_hw.ir.network.Network` and a report. No rounding happens before the head's
coefficients, and those carry a bound. Imports neither torch nor a golden model: calibration gets
the latter as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bnn_hw import __version__
from bnn_hw.description import (
    ConvDescription,
    Description,
    HeadDescription,
    MaxPoolDescription,
)
from bnn_hw.freeze.calibration import HeadReport, HeadSums, Samples, choose_head
from bnn_hw.freeze.checkpoint import Checkpoint
from bnn_hw.freeze.exact import find_accept_set
from bnn_hw.freeze.head import head_formula
from bnn_hw.freeze.parameters import Parameters, read_parameters
from bnn_hw.freeze.proof import prove
from bnn_hw.freeze.report import FreezeReport, build_report
from bnn_hw.ir import (
    AcceptKind,
    AcceptSet,
    Conv,
    Dense,
    Head,
    MaxPool,
    Network,
    NetworkInput,
    Threshold,
)
from bnn_hw.ir.bits import Bits, window_rows
from bnn_hw.ir.blocks import Block, group_blocks
from bnn_hw.ir.layers import Layer


@dataclass(frozen=True)
class Frozen:
    """A frozen network and how it came about."""

    network: Network
    report: FreezeReport


def freeze(
    description: Description,
    checkpoint: Checkpoint,
    calibration: Samples | None = None,
    *,
    head_sums: HeadSums | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Frozen:
    """Freeze a checkpoint.

    Parameters
    ----------
    description
        Layers of the float network.
    checkpoint
        Its parameters.
    calibration
        Prepared fragments (integers) that set the width of the head's coefficients; None for the
        default width.
    head_sums
        ``(network, samples) -> (S_plus, S_minus)``, each ``(fragments, classes) int64``; needed with
        ``calibration``.
    provenance
        More facts for the file, such as ``{"metrics": ...}``; they do not change the digest.

    Raises
    ------
    UserError
        When description and checkpoint do not fit, a parameter is not legal, or a channel's set is
        none of the six kinds.
    """
    parameters = read_parameters(description, checkpoint)
    network_input = _input(description)
    skeleton = _skeleton(description, parameters, network_input)
    blocks = group_blocks(network_input, skeleton)
    last = blocks[-1]
    layers = _with_thresholds(skeleton, blocks, parameters)
    formula = head_formula(
        parameters.blocks[-1].formulas, last.head_length, last.name, description.peak_weight
    )

    def with_head(head: Head) -> Network:
        return Network(
            description.name, network_input, (*layers[:-1], head), description.labels, facts
        )

    facts: dict[str, Any] = {}  # the provenance, complete only once the head is chosen
    zero_weights = tuple(block.zero_weights for block in parameters.blocks)
    _, head_report = choose_head(formula, with_head, calibration, head_sums)
    facts = _provenance(description, checkpoint, zero_weights, head_report, provenance or {})
    network = with_head(formula.head(head_report.exponent))
    proof = prove(network, description, checkpoint)
    if not proof.passed:
        raise RuntimeError(
            f"defect of bnn_hw, please report it: frozen network differs: {proof.failures}"
        )
    report = build_report(
        network, checkpoint.digest, zero_weights, parameters.ignored, head_report, proof
    )
    return Frozen(network, report)


def _input(description: Description) -> NetworkInput:
    given = description.input
    return NetworkInput(
        samples=given.samples,
        bits=given.bits,
        channels=given.channels,
        unit=given.unit,
        preparation=given.preparation,
        peak=given.peak,
        steps=given.steps,
    )


def _provenance(
    description: Description,
    checkpoint: Checkpoint,
    zero_weights: tuple[int, ...],
    head: HeadReport,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        **more,
        "checkpoint_digest": checkpoint.digest,
        "frozen_by": f"bnn_hw {__version__}",
        "zero_weights": list(zero_weights),
        "head": asdict(head),
        "description": description.to_dict(),
    }


def _skeleton(
    description: Description, parameters: Parameters, network_input: NetworkInput
) -> tuple[Layer, ...]:
    """All layers, with thresholds and head that still say nothing."""
    layers: list[Layer] = []
    channels = network_input.channels
    for described, source in zip(description.blocks(), parameters.blocks, strict=True):
        matrix = described.matrix
        if isinstance(matrix, ConvDescription):
            left, right = matrix.padding
            layers.append(
                Conv(source.name, source.weights, matrix.stride, left, right, matrix.pad_value)
            )
        else:
            layers.append(Dense(source.name, dense_rows(source.weights, channels)))
        channels = int(source.weights.shape[0])
        decided = False
        for layer in described.layers[1:]:
            if isinstance(layer, MaxPoolDescription):
                layers.append(MaxPool(layer.size, layer.stride))
            elif isinstance(layer, HeadDescription):
                layers.append(
                    Head((0,) * channels, (0,) * channels, (0,) * channels, 0, layer.peak_weight)
                )
            elif not decided and described.layers[-1].type != "head":
                # sign(max z) = max sign z: the threshold takes the place of the first elementwise
                # layer, and a pool between that and the sign becomes a pool over bits.
                layers.append(Threshold((AcceptSet(AcceptKind.ALWAYS),) * channels))
                decided = True
    return tuple(layers)


def _with_thresholds(
    skeleton: tuple[Layer, ...], blocks: tuple[Block, ...], parameters: Parameters
) -> tuple[Layer, ...]:
    """The skeleton with the accept sets of every block but the last."""
    thresholds = iter(
        [
            Threshold(
                tuple(
                    find_accept_set(
                        formula, block.reach(channel), f"{block.name}, channel {channel}"
                    )
                    for channel, formula in enumerate(source.formulas)
                )
            )
            for block, source in zip(blocks[:-1], parameters.blocks[:-1], strict=True)
        ]
    )
    return tuple(next(thresholds) if isinstance(layer, Threshold) else layer for layer in skeleton)


def dense_rows(weights: Bits, channels: int) -> Bits:
    """Dense weights in window order.

    Parameters
    ----------
    weights
        ``(out, channels * positions) uint8``, column ``channel * positions + position`` as
        ``torch.flatten`` orders its input.
    channels
        Channels of the input.

    Returns
    -------
    ``(out, positions * channels) uint8``, column ``position * channels + channel``.
    """
    out_channels, width = weights.shape
    return window_rows(weights.reshape(out_channels, channels, width // channels))
