"""What an outsider has: the reference network in plain torch, nothing of ``bnn_hw.training``.

Pad with a constant, sign from the second block on, ``F.conv1d`` with ``torch.sign(weight)``, no bias,
``MaxPool1d(7, 2)``, PReLU, batch norm; mean over time. Input is int8 scaled by each fragment's peak.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import nn

CHANNELS = (8, 16, 32, 32, 64)


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(value)
        return torch.sign(value)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        (value,) = ctx.saved_tensors
        return gradient * (value.abs() <= 1.5)


class _Convolution(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(outside, inside, 7).uniform_(-0.2, 0.2))

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return F.conv1d(value, _Sign.apply(self.weight), stride=self.stride)


class _Block(nn.Module):
    def __init__(self, inside: int, outside: int, first: bool, pad: float) -> None:
        super().__init__()
        self.first, self.pad = first, pad
        self.conv = _Convolution(inside, outside, 2 if first else 1)
        self.pool = nn.MaxPool1d(7, 2)
        self.prelu = nn.PReLU()
        self.bn = nn.BatchNorm1d(outside)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        value = F.pad(value, (5, 5), value=self.pad)
        if not self.first:
            value = _Sign.apply(value)
        return self.bn(self.prelu(self.pool(self.conv(value))))


class OutsidersNet(nn.Module):
    """Six blocks of the reference naming, ``block1`` to ``block6``; logits are means over time."""

    def __init__(self, classes: int = 5, pad: float = -1.0) -> None:
        super().__init__()
        widths = (1, *CHANNELS, classes)
        for index in range(6):
            block = _Block(widths[index], widths[index + 1], index == 0, pad)
            setattr(self, f"block{index + 1}", block)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        for index in range(6):
            value = getattr(self, f"block{index + 1}")(value)
        return value.mean(dim=-1)


def int8_by_peak(raw: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
    """``round(x * 127 / max|x|)`` over each fragment ``(n, samples)``, as outsiders write it."""
    wide = raw.astype(np.float64)
    peak = np.maximum(np.abs(wide).max(axis=1, keepdims=True), 1)
    return np.round(wide * 127 / peak).astype(np.int8)


def trained(
    samples: npt.NDArray[np.int8],
    labels: npt.NDArray[np.int64],
    *,
    classes: int = 5,
    pad: float = -1.0,
    steps: int = 30,
    seed: int = 11,
) -> OutsidersNet:
    """A few steps of Adam, then what long trainings also give: negative gammas, a negative slope."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = OutsidersNet(classes, pad).train()
    inputs = torch.from_numpy(samples.astype(np.float32))[:, None]
    targets = torch.tensor(labels)
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for step in range(steps):
        if step == steps // 2:  # from here the statistics settle around the turned channels
            with torch.no_grad():
                for index in range(1, 7):
                    block = getattr(net, f"block{index}")
                    block.bn.weight[torch.rand_like(block.bn.weight) < 0.3] *= -1
                net.block3.prelu.weight.fill_(-0.4)
        rows = torch.from_numpy(rng.choice(len(labels), min(16, len(labels)), replace=False))
        optimiser.zero_grad()
        F.cross_entropy(net(inputs[rows]), targets[rows]).backward()
        optimiser.step()
    return net.eval()


def classes_of(net: OutsidersNet, samples: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """Classes in double precision, 64 fragments at a time."""
    twin = OutsidersNet(net.block6.bn.weight.numel(), net.block1.pad).double().eval()  # type: ignore[union-attr,arg-type]
    twin.load_state_dict({name: value.double() for name, value in net.state_dict().items()})
    found = []
    with torch.no_grad():
        for start in range(0, len(samples), 64):
            part = torch.from_numpy(samples[start : start + 64].astype(np.float64))[:, None]
            found.append(twin(part).argmax(dim=1).numpy())
    return np.concatenate(found)
