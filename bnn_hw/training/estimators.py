"""Sign with a gradient: the estimator that lets a network of signs be trained.

Used by the layers of `bnn_hw.training.layers`. The forward value is always the hardware's sign,
+1 for x >= 0 and -1 below, so sign(0) = +1 (torch.sign gives 0 there). Only the gradient differs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


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


def straight_through(values: Tensor, clip: float = 1.0) -> Tensor:
    """Sign with the clipped straight-through gradient.

    Forward: y = +1 if x >= 0 else -1. Backward: dL/dx = dL/dy if |x| <= clip, else 0.
    Any shape, floating dtype. Source: Hubara et al., "Binarized Neural Networks", NeurIPS 2016,
    equation 4 (there sign and hard tanh, clip = 1); Bengio et al. 2013, arXiv 1308.3432.
    """
    if not (torch.is_grad_enabled() and values.requires_grad):
        return hardware_sign(values)
    result: Tensor = _StraightThrough.apply(values, clip)
    return result
