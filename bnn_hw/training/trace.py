"""What every layer of the torch network makes of given samples.

Read by `bnn_hw.verify`, which compares each tensor with the golden model's, and by training, which
reports how often a value is exactly 0 before a sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bnn_hw.training.layers import Sign, count_zero_weights
from bnn_hw.training.network import BinaryNetwork

_BATCH = 64


@dataclass(frozen=True)
class SignZeros:
    """How often torch.sign would have given 0 where hardware gives +1.

    `activations` has one count for each sign layer, in order; `weights` counts latent weights.
    """

    activations: tuple[int, ...]
    weights: int

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(self.activations) + self.weights


def layer_trace(network: BinaryNetwork, samples: NDArray[Any] | Tensor) -> list[Tensor]:
    """Return the output of every layer of the description, in its order.

    `samples` are integers, (n, samples) or (n, channels, samples). Each tensor has the network's
    precision and shape (n, channels, time), the head's (n, classes): sums and pooled sums of conv
    and dense are exact integers (of the first block too, which is scaled only after its pools),
    sign gives +1 and -1. All n fragments are held at once: trace in portions.
    """
    outputs: list[Tensor] = []
    with torch.no_grad():
        values = network.arrange(_as_input(network, samples))
        for layer, module in network.stages:
            values = module(values)
            if layer is not None:
                outputs.append((values.squeeze(2) if values.ndim == 4 else values).contiguous())
    return outputs


def count_sign_zeros(network: BinaryNetwork, samples: NDArray[Any] | Tensor) -> SignZeros:
    """Count the values that are exactly 0 before a sign, over all fragments given.

    `samples` as for `layer_trace`; they are worked through in portions. The network's own mode
    and precision are used: call it on a network in evaluation mode.
    """
    everything = _as_input(network, samples)
    counts = [0] * len(network.signs())
    with torch.no_grad():
        for portion in everything.split(_BATCH):
            values = network.arrange(portion)
            sign = 0
            for _, module in network.stages:
                if isinstance(module, Sign):
                    counts[sign] += int((values == 0).sum())
                    sign += 1
                values = module(values)
    return SignZeros(tuple(counts), count_zero_weights(network))


def predict_logits(network: BinaryNetwork, samples: NDArray[Any] | Tensor) -> Tensor:
    """Return the logits (n, classes) of all fragments, in portions; samples as `layer_trace`."""
    with torch.no_grad():
        portions = [network(part) for part in _as_input(network, samples).split(_BATCH)]
    return torch.cat(portions)


def _as_input(network: BinaryNetwork, samples: NDArray[Any] | Tensor) -> Tensor:
    tensor = torch.from_numpy(np.array(samples)) if isinstance(samples, np.ndarray) else samples
    return tensor.to(next(network.parameters()).dtype)
