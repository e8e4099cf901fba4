"""The head in fixed point: hand-worked coefficients, extreme sizes, and the choice of width."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import numpy as np
import pytest

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.freeze import Checkpoint, Frozen, freeze
from bnn_hw.freeze.exact import ChannelFormula, NormStep, PreluStep, ShiftStep
from bnn_hw.freeze.head import HeadFormula, error_bound, head_formula
from bnn_hw.ir import Network
from bnn_hw.ir.layers import signed_bits


def channel(
    gamma: float = 1, beta: float = 0, mean: float = 0, variance: float = 1, slope: float = 1
) -> ChannelFormula:
    norm = NormStep(F(gamma), F(beta), F(mean), F(variance))
    return ChannelFormula(F(1), (PreluStep(F(slope)),), norm)


def formula(*channels: ChannelFormula, length: int = 3) -> HeadFormula:
    return head_formula(channels, length, "last")


def test_hand_worked_coefficients() -> None:
    """g = 3 / sqrt(4) = 1.5, a = -0.25, b = 2 - 5 * 1.5 = -5.5, three positions."""
    head = formula(channel(3, 2, 5, 4, -0.25)).head(3)
    assert (head.positive, head.negative, head.offset) == ((12,), (-3,), (-132,))
    assert head.fraction_bits == 3
    # 1 / sqrt(2) = 0.70710678..., * 2**20 = 741455.2
    assert formula(channel(variance=2)).head(20).positive == (741455,)


def test_input_scale_of_a_single_block_stands_in_the_gain() -> None:
    scaled = ChannelFormula(F(1, 4), (), NormStep(F(8), F(1), F(3), F(4)))
    head = formula(scaled, length=2).head(0)
    assert (head.positive, head.negative, head.offset) == ((1,), (1,), (-22,))


def test_without_norm_and_prelu() -> None:
    head = formula(ChannelFormula(F(1), (), None)).head(4)
    assert (head.positive, head.negative, head.offset) == ((16,), (16,), (0,))


def test_shift_before_the_head_is_refused() -> None:
    with pytest.raises(UserError, match="one prelu and one batch_norm"):
        formula(ChannelFormula(F(1), (ShiftStep(F(1)),), None))


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e30, 5e-324, 1e308, 3.7, 65536.0])
@pytest.mark.parametrize("width", [16, 25, 48])
def test_widest_coefficient_takes_exactly_the_width(size: float, width: int) -> None:
    heads = formula(channel(size, size / 7, 0, 3, 0.25), channel(-size, 0, 1, 9, -0.5))
    exponent = heads.exponent_for(width)
    head = heads.head(exponent)
    values = (*head.positive, *head.negative, *head.offset)
    assert signed_bits(values) == width
    assert head.fraction_bits == min(max(exponent, 0), 64)
    if width == 48:
        with pytest.raises(UserError, match="takes 49 bits"):
            heads.head(exponent + 1)
        return
    wider = heads.head(exponent + 1)
    assert signed_bits((*wider.positive, *wider.negative, *wider.offset)) == width + 1


def test_all_zero_head() -> None:
    heads = formula(channel(0), channel(0))
    assert heads.exponent_for(25) == 0
    assert heads.head(0).positive == (0, 0)


def dense_head(gammas: list[float], offsets: list[float], sums: list[list[int]] | None) -> Frozen:
    """One dense block over 4 samples of 8 bits, batch norm, head; ``sums`` as if golden gave them."""
    classes = len(gammas)
    description = Description.from_dict(
        {
            "name": "heads",
            "labels": [f"c{i}" for i in range(classes)],
            "input": {"samples": 4, "bits": 8},
            "layers": [{"type": "dense"}, {"type": "batch_norm", "eps": 0}, {"type": "head"}],
        }
    )
    checkpoint = Checkpoint.from_arrays(
        {
            "block1.dense.weight": np.ones((classes, 4)),
            "block1.bn.weight": np.array(gammas),
            "block1.bn.bias": np.array(offsets),
            "block1.bn.running_mean": np.zeros(classes),
            "block1.bn.running_var": np.ones(classes),
        }
    )
    if sums is None:
        return freeze(description, checkpoint)

    def head_sums(network: Network, samples: np.ndarray) -> tuple[Any, Any]:
        values = np.array(sums, dtype=np.int64).reshape(-1, classes)
        return np.maximum(values, 0), np.minimum(values, 0)

    samples = np.zeros((len(sums), 1, 4), dtype=np.int64)
    return freeze(description, checkpoint, samples, head_sums=head_sums)


def test_no_calibration_takes_25_bits() -> None:
    frozen = dense_head([1.0, 0.3], [0.0, 0.0], None)
    head = frozen.report.head
    assert (head.coefficient_bits, head.exponent, head.fragments) == (25, 23, 0)
    assert head.smallest_margin is None
    assert "no calibration data" in "\n".join(frozen.report.lines())
    # Sums reach -512 to 508: (512 + 1) / 2 twice.
    assert head.bound == error_bound(frozen.network.blocks[-1], frozen.network.head_terms) == 513


def test_wide_margins_take_the_floor() -> None:
    head = dense_head([1.0, 0.3], [0.0, 0.0], [[500, -500], [-400, 400]]).report.head
    assert (head.coefficient_bits, head.differences, head.below_bound, head.ties) == (16, 0, 0, 0)
    # exponent 14: 1.0 is 16384 (16 bits); second fragment: 0.3 * 400 + 400 = 520 units of 1.
    assert head.exponent == 14 and head.smallest_margin is not None
    assert head.smallest_margin == float((F(400) + F(0.3) * 400) * 2**14)


def test_narrow_margins_take_just_the_bits_they_need() -> None:
    """Classes 0.3 and 0.3 + 2**-20 on equal sums of 1: the margin is 2**-20, their bound 2 units."""
    close = 0.3 + 2.0**-20
    frozen = dense_head([0.3, close, -1.0], [0.0, 0.0, 0.0], [[1, 1, 1]])
    head = frozen.report.head
    assert (head.differences, head.below_bound) == (0, 0)
    # 2**(e - 20) > (1 + 1) / 2 twice, first at e = 22 (4), and 1.0 takes e + 1 bits as -2**e.
    assert (head.exponent, head.coefficient_bits) == (22, 23)
    assert head.smallest_margin is not None and 3.9 < head.smallest_margin < 4.1


def test_exact_ties_go_to_the_lowest_class_on_both_sides() -> None:
    frozen = dense_head([1.0, 1.0, 0.3], [0.0, 0.0, 0.0], [[7, 7, 3], [-9, 100, 3]])
    head = frozen.report.head
    assert (head.ties, head.differences, head.below_bound) == (1, 0, 0)


def test_margins_no_width_can_prove_are_reported() -> None:
    """A margin of 2**-52 would take more than 48 bits: observed equal, not proven, and said so."""
    frozen = dense_head([1.0, 1.0 + 2.0**-52], [0.0, 0.0], [[1, 1]])
    head = frozen.report.head
    assert (head.ties, head.below_bound, head.fragments) == (0, 1, 1)
    assert head.differences == 1
    text = "\n".join(frozen.report.lines())
    assert "1 differences;" in text and "proven" not in text


def test_one_class() -> None:
    head = dense_head([1.0], [0.0], [[3], [-3]]).report.head
    assert (head.coefficient_bits, head.smallest_margin, head.differences) == (16, None, 0)


def test_wrong_calls() -> None:
    with pytest.raises(UserError, match="calibration: 0 fragments"):
        dense_head([1.0, 2.0], [0.0, 0.0], [])
    description = Description.from_dict(
        {
            "name": "heads",
            "labels": ["a"],
            "input": {"samples": 1, "bits": 8},
            "layers": [{"type": "dense"}, {"type": "head"}],
        }
    )
    checkpoint = Checkpoint.from_arrays({"block1.dense.weight": np.ones((1, 1))})
    with pytest.raises(TypeError, match="head_sums"):
        freeze(description, checkpoint, np.zeros((1, 1, 1), dtype=np.int64))
