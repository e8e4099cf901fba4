"""Sign with a gradient: the estimators that let a network of signs be trained.

Used by the layers of `bnn_hw.training.layers`. The forward value is always the hardware's sign,
+1 for x >= 0 and -1 below, so sign(0) = +1 (torch.sign gives 0 there). Only the gradient differs.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

EstimatorName = Literal["straight-through", "narrowing"]


def hardware_sign(values: Tensor) -> Tensor:
    """Return +1 where a value is >= 0 and -1 elsewhere, without a gradient.

    Any shape, floating dtype in and out. sign(0) and sign(-0.0) are +1; NaN gives -1.
    """
    return (values >= 0).to(values.dtype).mul_(2).sub_(1)


class _StraightThrough(torch.autograd.Function):  # type: ignore[misc]  # torch is not followed
    @staticmethod
    def forward(ctx: Any, values: Tensor, clip: float) -> Tensor:
        ctx.save_for_backward(values.abs() <= clip)
        return hardware_sign(values)

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Tensor) -> tuple[Tensor, None]:
        (passes,) = ctx.saved_tensors
        return grads[0] * passes, None


class _Narrowing(torch.autograd.Function):  # type: ignore[misc]  # torch is not followed
    @staticmethod
    def forward(ctx: Any, values: Tensor, steepness: float) -> Tensor:
        ctx.save_for_backward(values)
        ctx.steepness = steepness
        return hardware_sign(values)

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Tensor) -> tuple[Tensor, None]:
        (values,) = ctx.saved_tensors
        steepness: float = ctx.steepness
        height = max(1.0, steepness)
        return grads[0] * (height * (1 - torch.tanh(values * steepness) ** 2)), None


def straight_through(values: Tensor, clip: float = 1.0) -> Tensor:
    """Sign with the clipped straight-through gradient.

    Forward: y = +1 if x >= 0 else -1. Backward: dL/dx = dL/dy if |x| <= clip, else 0.
    Any shape, floating dtype. Source: Hubara et al., "Binarized Neural Networks", NeurIPS 2016,
    equation 4 (there sign and hard tanh, clip = 1); Bengio et al. 2013, arXiv 1308.3432.
    """
    if not _wants_gradient(values):
        return hardware_sign(values)
    result: Tensor = _StraightThrough.apply(values, clip)
    return result


def narrowing(values: Tensor, steepness: float) -> Tensor:
    """Sign with the gradient of k * tanh(t x), whose width 1/t shrinks as training goes on.

    Forward: y = +1 if x >= 0 else -1. Backward: dL/dx = dL/dy * k * t * (1 - tanh(t x)^2) with
    t = steepness and k = max(1/t, 1), so k * t = max(1, t): wide and never weaker than 1 at x = 0
    early on, close to the true step late. `steepness_at` gives t. Any shape, floating dtype.
    Source: Qin et al., "Forward and Backward Information Retention for Accurate Binary Neural
    Networks" (IR-Net), CVPR 2020, equations 10 to 12 (error decay estimator).
    """
    if not _wants_gradient(values):
        return hardware_sign(values)
    result: Tensor = _Narrowing.apply(values, steepness)
    return result


def _wants_gradient(values: Tensor) -> bool:
    return torch.is_grad_enabled() and bool(values.requires_grad)


def steepness_at(progress: float, first: float, last: float) -> float:
    """Return t of `narrowing` at a progress between 0 (start) and 1 (end).

    t = first * (last / first) ** progress: the width 1/t shrinks geometrically (IR-Net eq. 12 has
    first = 0.1, last = 10). `progress` outside [0, 1] is taken at the nearer end.
    """
    return float(first * (last / first) ** min(max(progress, 0.0), 1.0))
