from __future__ import annotations

import math

import pytest
import torch

from bnn_hw.training.estimators import hardware_sign, narrowing, steepness_at, straight_through

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


@pytest.mark.parametrize("steepness", [0.1, 1.0, 10.0])
def test_narrowing_has_the_gradient_of_scaled_tanh(steepness: float) -> None:
    values = torch.tensor(VALUES, dtype=torch.float64, requires_grad=True)
    result = narrowing(values, steepness)
    assert result.tolist() == SIGNS
    result.sum().backward()
    assert values.grad is not None
    # The formula of the docstring, by autograd through tanh's own definition of the derivative.
    expected = max(1.0, steepness) * (1 - torch.tanh(values.detach() * steepness) ** 2)
    assert values.grad.tolist() == expected.tolist()
    assert values.grad[3].item() == max(1.0, steepness)


def test_narrowing_narrows() -> None:
    def gradient_at_half(steepness: float) -> float:
        value = torch.tensor(0.5, requires_grad=True)
        narrowing(value, steepness).backward()
        assert value.grad is not None
        return value.grad.item()

    wide, narrow = gradient_at_half(0.1), gradient_at_half(10.0)
    assert narrow < wide / 100


def test_steepness_moves_geometrically_and_stays_in_its_ends() -> None:
    assert steepness_at(0.0, 0.25, 4.0) == 0.25
    assert steepness_at(0.5, 0.25, 4.0) == 1.0
    assert steepness_at(1.0, 0.25, 4.0) == 4.0
    assert steepness_at(2.0, 0.25, 4.0) == 4.0
    assert steepness_at(-1.0, 0.25, 4.0) == 0.25
    assert math.isfinite(steepness_at(0.3, 0.1, 10.0))


def test_no_gradient_is_kept_where_none_is_wanted() -> None:
    values = torch.tensor(VALUES, requires_grad=True)
    with torch.no_grad():
        assert not straight_through(values).requires_grad
        assert narrowing(values, 2.0).tolist() == SIGNS
