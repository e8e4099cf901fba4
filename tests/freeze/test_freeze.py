"""Whole freezes: against torch in double precision, and everything that must be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.freeze import Checkpoint, Frozen, freeze, load_checkpoint, prove
from bnn_hw.ir import Conv, Network, load_network, save_network
from bnn_hw.ir.storage import storage
from tests.freeze.naive import head_sums, naive_run, torch_run
from tests.freeze.reference import reference_arrays, reference_description
from tests.strategies import float_networks, random_samples

Arrays = dict[str, np.ndarray]


def frozen_of(description: Description, arrays: Arrays) -> Frozen:
    return freeze(description, Checkpoint.from_arrays(arrays))


def classes_of(network: Network, samples: np.ndarray) -> np.ndarray:
    scores, *_ = naive_run(network, samples)
    return np.array([row.argmax() for row in scores])


@pytest.mark.parametrize("pad_value", [-1, 1])
def test_reference_network_equals_torch(tmp_path: Path, pad_value: int) -> None:
    """A state_dict trained elsewhere: reference names, padding -1, int8 input, saved by torch."""
    description = reference_description(classes=5, bits=8, pad_value=pad_value, samples=1200)
    arrays = reference_arrays(classes=5)
    torch.save({k: torch.from_numpy(np.array(v)) for k, v in arrays.items()}, tmp_path / "a.pth")
    frozen = freeze(description, load_checkpoint(tmp_path / "a.pth"))
    samples = random_samples(frozen.network.input, 24, seed=5)
    scores, signs, *_ = naive_run(frozen.network, samples)
    logits, values = torch_run(description, arrays, samples)
    assert len(signs) == 5 and [s.shape[2] for s in signs] == [298, 148, 73, 36, 17]
    for block, (mine, theirs) in enumerate(
        zip(signs, block_outputs(description, values), strict=True), start=1
    ):
        assert np.array_equal(mine, theirs), f"block {block}"
    assert np.array_equal(np.array([r.argmax() for r in scores]), logits.argmax(axis=1))
    assert len(set(logits.argmax(axis=1))) > 1


@settings(max_examples=150, deadline=None)
@given(float_networks())
def test_any_network_equals_torch(drawn: tuple[Description, Arrays]) -> None:
    """Signs equal torch wherever torch's own value is clear of zero, so never by luck of rounding.

    Exact ties are frequent in these parameters and torch may fall on either side of one; such
    fragments are left out of the comparison with torch, and the exact formula decides them in the
    proof that every freeze runs.
    """
    description, arrays = drawn
    frozen = frozen_of(description, arrays)
    assert frozen.report.proof.passed
    samples = random_samples(frozen.network.input, 6, seed=1)
    _, signs, *_ = naive_run(frozen.network, samples)
    clear = clear_of_zero(description, arrays, samples)
    _, torch_signs = torch_run(description, arrays, samples)
    for mine, theirs in zip(signs, block_outputs(description, torch_signs), strict=True):
        assert mine.shape == theirs.shape
        assert np.array_equal(mine[clear], theirs[clear])


def block_outputs(description: Description, values: list[Any]) -> list[Any]:
    """What each block but the last gives, from the outputs of all layers."""
    ends = np.cumsum([len(block.layers) for block in description.blocks()])
    return [values[end - 1] for end in ends[:-1]]


def clear_of_zero(description: Description, arrays: Arrays, samples: np.ndarray) -> np.ndarray:
    """Fragments whose every value before a sign is away from 0 in torch."""
    _, values = torch_run(description, arrays, samples)
    kinds = [layer.type for layer in description.layers if layer.type != "head"]
    clear = np.ones(len(samples), dtype=bool)
    for at, kind in enumerate(kinds):
        if kind == "sign":
            clear &= np.abs(values[at - 1]).min(axis=(1, 2)) > 1e-9
    return clear


@settings(max_examples=100, deadline=None)
@given(float_networks())
def test_calibrated_head_never_differs(drawn: tuple[Description, Arrays]) -> None:
    description, arrays = drawn
    checkpoint = Checkpoint.from_arrays(arrays)
    wide = freeze(description, checkpoint)
    samples = random_samples(wide.network.input, 12, seed=2)
    frozen = freeze(description, checkpoint, samples, head_sums=head_sums)
    head = frozen.report.head
    assert (head.fragments, head.differences) == (12, 0)
    # The bound of any sums is (0 + 1) / 2 twice at least.
    assert head.smallest_margin is None or head.below_bound or head.smallest_margin > 1
    logits, _ = torch_run(description, arrays, samples)
    ordered = np.sort(logits, axis=1)
    # The same fragments as in the signs test, and a margin that rounding in torch cannot turn.
    sure = clear_of_zero(description, arrays, samples)
    if logits.shape[1] > 1:
        sure &= ordered[:, -1] - ordered[:, -2] > 1e-9 * (1 + np.abs(ordered).max(axis=1))
    mine = classes_of(frozen.network, samples)
    assert np.array_equal(mine[sure], logits.argmax(axis=1)[sure])


def test_reference_shape_and_storage() -> None:
    """Lengths and bytes of the design, int8 input, 16-bit head coefficients."""
    for classes, expected in ((5, 3731), (17, 4475)):
        description = reference_description(classes=classes, bits=8, samples=3600)
        arrays = reference_arrays(classes=classes)
        for block in range(1, 6):  # one-sided thresholds, as with slopes of at least 0
            arrays[f"block{block}.prelu.weight"] = np.array([0.25])
        # Head coefficients of one size each, so that all three kinds take all 16 bits.
        arrays["block6.bn.weight"] = np.full(classes, 1.5)
        arrays["block6.bn.bias"] = np.linspace(-1.2, 1.2, classes) / 27
        arrays["block6.bn.running_mean"] = np.zeros(classes)
        arrays["block6.bn.running_var"] = np.ones(classes)
        arrays["block6.prelu.weight"] = np.array([0.9])
        checkpoint = Checkpoint.from_arrays(arrays)
        one = np.zeros((1, 1, 3600), dtype=np.int64)

        def sums(
            network: Network, samples: np.ndarray, classes: int = classes
        ) -> tuple[np.ndarray, np.ndarray]:
            plus = np.zeros((1, classes), dtype=np.int64)
            plus[0, 0] = 12000
            return plus, np.zeros((1, classes), dtype=np.int64)

        frozen = freeze(description, checkpoint, one, head_sums=sums)
        assert frozen.report.head.coefficient_bits == 16
        assert storage(frozen.network).storage_bytes == expected
        blocks = frozen.network.blocks
        assert [(b.positions, b.out_length) for b in blocks] == [
            (1802, 898),
            (902, 448),
            (452, 223),
            (227, 111),
            (115, 55),
            (59, 27),
        ]


def test_report_lines_and_provenance(tmp_path: Path) -> None:
    description = reference_description(samples=1200)
    arrays = reference_arrays()
    arrays["block3.conv.weight"][0, 0, :3] = (0.0, -0.0, 0.0)
    arrays["optimiser.step"] = np.array(3)
    checkpoint = Checkpoint.from_arrays(arrays)
    more = {"metrics": {"accuracy": 0.5}}
    frozen = freeze(description, checkpoint, provenance=more)
    conv = frozen.network.layers[6]
    assert isinstance(conv, Conv) and conv.name == "block3"
    assert conv.weights[0, 0, :3].tolist() == [1, 1, 1]
    text = "\n".join(frozen.report.lines())
    for part in ("zero weights: 3 (0, 0, 3, 0, 0, 0 a block)", "0 mismatches", "optimiser.step"):
        assert part in text
    save_network(frozen.network, tmp_path / "n.json")
    loaded = load_network(tmp_path / "n.json")
    assert loaded.digest() == frozen.network.digest() == frozen.report.digest
    assert loaded.provenance["metrics"] == {"accuracy": 0.5}
    assert loaded.provenance["checkpoint_digest"] == checkpoint.digest
    again = Description.from_dict(loaded.provenance["description"])
    assert again == description
    assert prove(loaded, again, checkpoint).passed
    first = (tmp_path / "n.json").read_bytes()
    save_network(freeze(description, checkpoint, provenance=more).network, tmp_path / "n.json")
    assert (tmp_path / "n.json").read_bytes() == first
    assert str(tmp_path).encode() not in first


def tiny() -> tuple[dict[str, Any], Arrays]:
    """Two blocks: conv 2 channels, prelu, batch norm, sign; dense head of 2 classes."""
    given: dict[str, Any] = {
        "name": "tiny",
        "labels": ["a", "b"],
        "input": {"samples": 8, "bits": 4},
        "layers": [
            {"type": "conv", "padding": [1, 1]},
            {"type": "prelu"},
            {"type": "batch_norm", "eps": 0.0},
            {"type": "sign"},
            {"type": "dense"},
            {"type": "head"},
        ],
    }
    rng = np.random.default_rng(0)
    arrays = {
        "block1.conv.weight": rng.normal(size=(2, 1, 3)),
        "block1.prelu.weight": np.array([0.25]),
        "block1.bn.weight": np.ones(2),
        "block1.bn.bias": np.zeros(2),
        "block1.bn.running_mean": np.zeros(2),
        "block1.bn.running_var": np.ones(2),
        "block2.dense.weight": rng.normal(size=(2, 16)),
    }
    return given, arrays


REPLACED: list[tuple[str, Any, str]] = [
    ("block1.conv.weight", None, r"no 'block1.conv.weight', which the description needs"),
    ("block1.bn.running_var", None, r"no 'block1.bn.running_var'"),
    ("block2.dense.weight", None, r"no 'block2.dense.weight'"),
    ("block1.prelu.weight", None, r"no 'block1.prelu.weight'"),
    ("block1.conv.weight", np.zeros((2, 3)), r"shape \(2, 3\), a conv takes \(out, in, kernel\)"),
    ("block1.conv.weight", np.zeros((2, 2, 3)), "2 input channels, its input has 1"),
    ("block1.conv.weight", np.zeros((0, 1, 3)), "a conv takes"),
    ("block2.dense.weight", np.zeros((2, 15)), "15 inputs, not a multiple of the 2 channels"),
    (
        "block2.dense.weight",
        np.zeros((2, 14)),
        "14 weights, its input has 2 channels x 8 positions",
    ),
    ("block2.dense.weight", np.zeros((3, 16)), "3 output channels, the description 2 labels"),
    ("block1.bn.weight", np.ones(3), r"shape \(3,\), its layer has 2 channels and takes \(2,\)"),
    ("block1.bn.weight", np.ones(1), r"shape \(1,\), its layer has 2 channels"),
    ("block1.prelu.weight", np.ones(3), r"takes \(2,\) or \(1,\)"),
    ("block1.bn.bias", np.array([0.0, np.nan]), r"block1.bn.bias is nan at \[1\]"),
    ("block1.bn.running_mean", np.array([np.inf, 0.0]), r"is inf at \[0\]"),
    ("block1.conv.weight", np.full((2, 1, 3), -np.inf), r"is -inf at \[0, 0, 0\]"),
    ("block2.dense.weight", np.full((2, 16), np.nan), "is nan"),
    ("block1.prelu.weight", np.array([np.nan]), "block1.prelu.weight is nan"),
    ("block1.bn.running_var", np.array([1.0, 0.0]), "running_var is 0.0 in channel 1 with eps 0.0"),
    ("block1.bn.running_var", np.array([-1e-9, 1.0]), "is -1e-09 in channel 0"),
    ("block1.conv.bias", np.ones(2), r"'block1.conv.bias', which no layer .* type = \"shift\""),
    ("block1.shift.bias", np.ones(2), "'block1.shift.bias', which no layer"),
    ("block3.conv.weight", np.ones((2, 2, 3)), "'block3.conv.weight', which no layer"),
    ("block2.bn.weight", np.ones(2), "'block2.bn.weight', which no layer"),
    ("block1.conv.weight_scale", np.ones(2), "which no layer"),
]


@pytest.mark.parametrize(("key", "value", "message"), REPLACED)
def test_bad_arrays(key: str, value: Any, message: str) -> None:
    given, arrays = tiny()
    assert frozen_of(Description.from_dict(given), arrays).report.proof.passed
    if value is None:
        del arrays[key]
    else:
        arrays[key] = value
    with pytest.raises(UserError, match=message) as caught:
        frozen_of(Description.from_dict(given), arrays)
    assert "\n" not in str(caught.value)


def test_prefixed_key_is_pointed_out() -> None:
    given, arrays = tiny()
    arrays = {f"module.{name}": value for name, value in arrays.items()}
    with pytest.raises(UserError, match=r"it has 'module.block1.conv.weight', set 'key'"):
        frozen_of(Description.from_dict(given), arrays)


@pytest.mark.parametrize(
    ("layer", "field", "value", "message"),
    [
        (0, "out_channels", 3, "2 output channels, the description says 3"),
        (0, "kernel", 5, "kernel 3, the description says 5"),
        (4, "out_channels", 4, "2 output channels, the description says 4"),
        (0, "pad_value", 8, "padding value is 8, allowed are -8 to 7"),
        (0, "stride", 5, "its input has 2 channels x 2 positions = 4"),
        (0, "key", "stem", "no 'stem.weight'"),
    ],
)
def test_description_against_checkpoint(layer: int, field: str, value: Any, message: str) -> None:
    given, arrays = tiny()
    given["layers"][layer][field] = value
    with pytest.raises(UserError, match=message):
        frozen_of(Description.from_dict(given), arrays)


def test_set_of_no_kind_names_layer_and_channel() -> None:
    given, arrays = tiny()
    given["layers"][1:2] = [
        {"type": "prelu"},
        {"type": "shift"},
        {"type": "prelu", "key": "block1.prelu2"},
        {"type": "shift", "key": "block1.shift2"},
    ]
    arrays["block1.prelu.weight"] = np.array([-1.0])
    arrays["block1.shift.bias"] = np.array([-5.0, 0.0])
    arrays["block1.prelu2.weight"] = np.array([-1.0])
    arrays["block1.shift2.bias"] = np.array([-3.0, 0.0])
    with pytest.raises(UserError, match=r"block1, channel 0: the sums that give .* 3 separate"):
        frozen_of(Description.from_dict(given), arrays)


def test_conv_bias_as_a_shift() -> None:
    """A bias of a convolution before its pool: described as a shift under the conv's own key."""
    given, arrays = tiny()
    given["layers"].insert(1, {"type": "shift", "key": "block1.conv"})
    arrays["block1.conv.bias"] = np.array([2.0, -1.5])
    frozen = frozen_of(Description.from_dict(given), arrays)
    lows = [accept.low for accept in frozen.network.blocks[0].threshold.accept]
    assert lows == [-2, 2]


def test_zero_bias_changes_nothing_and_is_listed() -> None:
    given, arrays = tiny()
    arrays["block1.conv.bias"] = np.zeros(2)
    report = frozen_of(Description.from_dict(given), arrays).report
    assert report.ignored == ("block1.conv.bias",)


def test_input_scale_moves_thresholds() -> None:
    given, arrays = tiny()
    given["input"]["scale"] = 0.1
    arrays["block1.bn.running_mean"] = np.array([0.3, 0.5])
    frozen = frozen_of(Description.from_dict(given), arrays)
    lows = [accept.low for accept in frozen.network.blocks[0].threshold.accept]
    # As doubles 3 * 0.1 is above 0.3 and 5 * 0.1 above 0.5; the exact rationals decide, not floats.
    assert lows == [3, 5]


def test_dense_rows_are_permuted_once() -> None:
    """Only position 5 of channel 1 counts: its window bit is 5 * channels + 1."""
    given, arrays = tiny()
    weights = -np.ones((2, 16))
    weights[0, 1 * 8 + 5] = 1.0
    arrays["block2.dense.weight"] = weights
    frozen = frozen_of(Description.from_dict(given), arrays)
    assert np.flatnonzero(frozen.network.blocks[1].rows[0]).tolist() == [5 * 2 + 1]
