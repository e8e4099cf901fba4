"""The torch level: equal on random float networks with many exact ties, and it can fail."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.freeze import Checkpoint, freeze
from bnn_hw.freeze.exact import ChannelFormula, NormStep
from bnn_hw.ir import AcceptKind, AcceptSet, Network, Threshold
from bnn_hw.training.network import build_from_checkpoint
from bnn_hw.verify.fragments import Fragments, default_fragments
from bnn_hw.verify.levels.freeze import run_freeze
from bnn_hw.verify.levels.packed import run_packed
from bnn_hw.verify.levels.torch_rounding import bit_is_rounding
from bnn_hw.verify.levels.torch_twin import run_torch
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import LevelSkipped
from tests.freeze.reference import reference_arrays, reference_description
from tests.strategies import float_networks, random_samples

Arrays = dict[str, npt.NDArray[Any]]


def subject(network: Network, checkpoint: Path | None, count: int = 16) -> Subject:
    samples = random_samples(network.input, count, seed=7).astype(np.int16)
    fragments = Fragments(samples, np.full(count, -1), ("",) * count, "drawn")
    return Subject(network, None, checkpoint, fragments)  # type: ignore[arg-type]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(float_networks())
def test_any_frozen_network_equals_its_torch_twin(
    tmp_path: Path, drawn: tuple[Description, Arrays]
) -> None:
    """Ties that double precision gets wrong are put to exact arithmetic, never waved through."""
    description, arrays = drawn
    path = tmp_path / "net.npz"
    np.savez(path, **arrays)
    network = freeze(description, Checkpoint.from_arrays(arrays)).network
    given_subject = subject(network, path)
    for level in (run_freeze, run_torch, run_packed):
        found = level(given_subject, 16)
        assert found.mismatches == 0 and found.compared > 0, found.first


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Path]:
    """The reference shape as trained elsewhere: int8 by peak, padding -1."""
    description = reference_description(preparation="peak", peak=127)
    arrays = reference_arrays()
    path = tmp_path_factory.mktemp("torch") / "net.npz"
    np.savez(path, **arrays)
    return freeze(description, Checkpoint.from_arrays(arrays)).network, path


def test_reference_network_on_ecg_and_stress(frozen: tuple[Network, Path]) -> None:
    network, path = frozen
    fragments = default_fragments(network, None, None)
    assert "real ECG" in fragments.source
    found = run_torch(Subject(network, None, path, fragments), 24)  # type: ignore[arg-type]
    assert found.fragments == 24 and found.mismatches == 0
    # every sum and pooled sum of six blocks, and more
    sums = sum(b.positions * b.out_channels for b in network.blocks)
    assert found.compared > 24 * sums
    assert found.remark is not None and found.remark.startswith("sign(0): ")


def test_a_moved_threshold_is_a_mismatch_not_a_tie(frozen: tuple[Network, Path]) -> None:
    network, path = frozen
    layers = list(network.layers)
    at = next(i for i, layer in enumerate(layers) if isinstance(layer, Threshold))
    threshold = layers[at]
    assert isinstance(threshold, Threshold)
    accept = list(threshold.accept)
    channel = next(
        i for i, a in enumerate(accept) if a.kind in (AcceptKind.AT_LEAST, AcceptKind.AT_MOST)
    )
    old = accept[channel]
    # by much: that sums come to lie between is then certain
    accept[channel] = AcceptSet(
        old.kind,
        None if old.low is None else old.low + 60,
        None if old.high is None else old.high + 60,
    )
    layers[at] = Threshold(tuple(accept))
    wrong = replace(network, layers=tuple(layers))
    found = run_torch(subject(wrong, path), 8)
    assert found.mismatches > 0
    assert found.first is not None and "block1 sign, position " in found.first
    assert f"channel {channel}: golden" in found.first
    proof = run_freeze(subject(wrong, path), 0)
    assert proof.mismatches > 0 and "exact formula" in (proof.first or "")


def test_a_torch_twin_that_computes_something_else_is_a_mismatch(
    frozen: tuple[Network, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exact arithmetic sides with golden here too, so closeness to the border must decide."""
    network, path = frozen

    def broken(description: Description, state: Arrays) -> Any:
        twin = build_from_checkpoint(description, state)
        twin.state_dict()["block3.bn.bias"][2] += 1.5
        return twin

    monkeypatch.setattr("bnn_hw.training.network.build_from_checkpoint", broken)
    found = run_torch(subject(network, path), 8)
    assert found.mismatches > 0 and "block3 sign" in (found.first or "")


def test_what_counts_as_rounding() -> None:
    third = Fraction(1 / 3)  # below a third: 3 * third < 1 exactly, and 1.0 in doubles
    norm = NormStep(third, Fraction(-1), Fraction(0), Fraction(1))
    formula = ChannelFormula(Fraction(1), (), norm)
    assert 3 * (1 / 3) - 1 == 0.0 and not formula.accepts(3)
    assert bit_is_rounding(formula, 3, 0.0, golden=False)
    assert not bit_is_rounding(formula, 3, 0.0, golden=True)
    assert not bit_is_rounding(formula, 3, 1e-9, golden=False)


def test_another_checkpoint_is_a_mismatch(frozen: tuple[Network, Path], tmp_path: Path) -> None:
    network, _ = frozen
    np.savez(tmp_path / "other.npz", **reference_arrays(seed=2))
    found = run_torch(subject(network, tmp_path / "other.npz"), 2)
    assert found.mismatches > 0 and "was frozen from" in (found.first or "")


def test_without_checkpoint_or_description_it_is_skipped(frozen: tuple[Network, Path]) -> None:
    network, path = frozen
    with pytest.raises(LevelSkipped, match="--checkpoint"):
        run_torch(subject(network, None), 2)
    with pytest.raises(LevelSkipped, match="description"):
        run_torch(subject(replace(network, provenance={}), path), 2)
    with pytest.raises(UserError):
        run_torch(subject(replace(network, provenance={"description": {"name": 1}}), path), 2)
