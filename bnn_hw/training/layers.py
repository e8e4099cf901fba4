"""The layers of a binary network as torch modules, sign(0) = +1 everywhere.

Built by `bnn_hw.training.network` from a description. Activations travel as
(fragments, channels, 1, time) in channels-last memory: the pool and the convolution then work on
whole vectors of channels, which made a training step 1.7 times faster on one CPU core than
(fragments, channels, time). Parameters keep the reference shapes, conv (out, in, kernel).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnn_hw.training.estimators import straight_through


class Sign(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Sign of activations, with the straight-through gradient."""

    def __init__(self, clip: float = 1.0) -> None:
        super().__init__()
        self.binary = True
        self.clip = clip

    def forward(self, values: Tensor) -> Tensor:
        """Map any shape to +1 and -1, same dtype; the identity while `binary` is False."""
        return straight_through(values, self.clip) if self.binary else values


class SignConv(nn.Module):  # type: ignore[misc]  # torch is not followed
    """1-D convolution with sign(weight), no bias, padded with a given value on either side.

    While `binary` is False the weight itself is used (float twin).
    weight (out, in, kernel). Input (n, in, 1, time), output (n, out, 1, positions) with
    positions = (time + left + right - kernel) // stride + 1.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        stride: int,
        padding: tuple[int, int],
        pad_value: float,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        # Small against the clip at 1, so that a weight can change sign early in training.
        nn.init.uniform_(self.weight, -0.1, 0.1)
        self.stride = stride
        self.padding = padding
        self.pad_value = pad_value
        self.binary = True

    def forward(self, values: Tensor) -> Tensor:
        """Return the sums; integers stay exact integers while below 2**24 (float32)."""
        if any(self.padding):
            values = F.pad(values, self.padding, value=self.pad_value)
        weight = (straight_through(self.weight) if self.binary else self.weight).unsqueeze(2)
        sums = F.conv2d(
            values.contiguous(memory_format=torch.channels_last),
            weight.contiguous(memory_format=torch.channels_last),
            stride=(1, self.stride),
        )
        return sums.contiguous(memory_format=torch.channels_last)


class SignDense(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Dense layer with sign(weight), no bias; the input is flattened channel-major.

    weight (out, in). Input (n, channels, 1, time) with channels * time = in, input index
    channel * time_length + time as torch.flatten gives; output (n, out, 1, 1).
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.uniform_(self.weight, -0.1, 0.1)
        self.binary = True

    def forward(self, values: Tensor) -> Tensor:
        """Return the sums of one position."""
        weight = straight_through(self.weight) if self.binary else self.weight
        sums = F.linear(values.flatten(1), weight)
        return sums[:, :, None, None]


class MaxPool(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Max over `size` positions, every `stride` positions, without padding."""

    def __init__(self, size: int, stride: int) -> None:
        super().__init__()
        self.size = size
        self.stride = stride

    def forward(self, values: Tensor) -> Tensor:
        """(n, channels, 1, time) to (n, channels, 1, (time - size) // stride + 1)."""
        return F.max_pool2d(values, (1, self.size), (1, self.stride))


class Shift(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Add one learnt value a channel; bias (channels,)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, values: Tensor) -> Tensor:
        """Same shape out as in."""
        return values + self.bias[None, :, None, None]


class Scale(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Multiply the first block's integer sums by the description's input scale.

    The network is defined on integer * scale, and a positive scale commutes with the sum and the
    max; applied after them, the sums before it are exact integers.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, values: Tensor) -> Tensor:
        """Same shape out as in."""
        return values * self.scale


class Peak(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Append the largest of a channel's pooled sums `weight` times, before the last block's PReLU.

    The mean over time that follows is then that of the head with this `peak_weight`. A class that
    one beat in ten seconds decides would else be drowned by the other eleven.
    """

    def __init__(self, weight: int) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, values: Tensor) -> Tensor:
        """(n, channels, 1, time) to (n, channels, 1, time + weight)."""
        largest = values.amax(3, keepdim=True)
        return torch.cat([values, largest.expand(-1, -1, -1, self.weight)], 3)


class Head(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Mean over time: the logits."""

    def forward(self, values: Tensor) -> Tensor:
        """(n, classes, 1, time) to (n, classes)."""
        return values.mean((2, 3))


def clip_latent_weights(module: nn.Module, limit: float) -> None:
    """Clip the latent weights of every sign layer to [-limit, limit], in place.

    Source: Courbariaux et al. 2015 (BinaryConnect), section 2.4: beyond the clip a latent weight
    would grow without any effect on its sign and take ever longer to come back.
    """
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, SignConv | SignDense):
                part.weight.clamp_(-limit, limit)


def raise_slopes(module: nn.Module, least: float) -> None:
    """Raise PReLU slopes below `least` to it, in place."""
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.PReLU):
                part.weight.clamp_(min=least)


def count_zero_weights(module: nn.Module) -> int:
    """Count latent weights that are exactly 0 (hardware takes +1, torch.sign gives 0)."""
    return sum(
        int((part.weight == 0).sum())
        for part in module.modules()
        if isinstance(part, SignConv | SignDense)
    )
