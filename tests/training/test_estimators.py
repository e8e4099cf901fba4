from __future__ import annotations

import pytest
import torch

from bnn_hw.training.estimators import hardware_sign, straight_through

VALUES = [-2.0, -1.0, -0.5, -0.0, 0.0, 0.25, 1.0, 1.5]
SIGNS = [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_sign_of_zero_is_plus_one() -> None:
    assert hardware_sign(torch.tensor(VALUES)).tolist() == SIGNS
    assert torch.sign(torch.tensor(0.0)).item() == 0  # what hardware does not do


@pytest.mark.parametrize("clip", [0.5, 1.0])
def test_straight_through_passes_the_gradient_inside_the_clip(clip: float) -> None:
    values = torch.tensor(VALUES, requires_grad=True)
    given = torch.arange(1.0, 9.0)
    result = straight_through(values, clip)
    assert result.tolist() == SIGNS
    result.backward(given)
    expected = [g if abs(v) <= clip else 0.0 for g, v in zip(given.tolist(), VALUES, strict=True)]
    assert values.grad is not None
    assert values.grad.tolist() == expected


def test_no_gradient_is_kept_where_none_is_wanted() -> None:
    values = torch.tensor(VALUES, requires_grad=True)
    with torch.no_grad():
        assert not straight_through(values).requires_grad
