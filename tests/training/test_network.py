from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.training.layers import clip_latent_weights
from bnn_hw.training.network import build_from_checkpoint, build_network, checkpoint_arrays
from bnn_hw.training.trace import count_sign_zeros, layer_trace, predict_logits

NETWORKS = Path(__file__).parents[2] / "networks"
# Length after convolution and after pool, block by block, of the published architecture.
LENGTHS = [(1802, 898), (902, 448), (452, 223), (227, 111), (115, 55), (59, 27)]


@pytest.mark.parametrize("path", sorted(NETWORKS.glob("*.toml")), ids=lambda path: path.stem)
def test_described_network_has_the_reference_names(path: Path) -> None:
    description = Description.load(path)
    assert description.name == path.stem
    assert len(description.labels) in (5, 17)
    arrays = checkpoint_arrays(build_network(description))
    kept = {"conv": ["weight"], "prelu": ["weight"]}
    kept["batch_norm"] = ["weight", "bias", "running_mean", "running_var"]
    short = {"batch_norm": "bn"}
    assert set(arrays) == {
        f"block{number}.{short.get(layer.type, layer.type)}.{part}"
        for number, block in enumerate(description.blocks(), 1)
        for layer in block.layers
        for part in kept.get(layer.type, [])
    }
    convs = [block.matrix for block in description.blocks()]
    for number, conv in enumerate(convs, 1):
        shape = arrays[f"block{number}.conv.weight"].shape
        assert shape[0] == conv.out_channels and shape[2] == conv.kernel  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "classes"), [("reference5_int8_peak", 5), ("reference17_int8_peak", 17)]
)
def test_reference_network_has_the_reference_names_and_shapes(name: str, classes: int) -> None:
    description = Description.load(NETWORKS / f"{name}.toml")
    assert description.name == name
    arrays = checkpoint_arrays(build_network(description))
    channels = [1, 8, 16, 32, 32, 64, classes]
    expected: dict[str, tuple[int, ...]] = {}
    for block in range(1, 7):
        out = channels[block]
        expected[f"block{block}.conv.weight"] = (out, channels[block - 1], 7)
        expected[f"block{block}.prelu.weight"] = (1,)
        for part in ("weight", "bias", "running_mean", "running_var"):
            expected[f"block{block}.bn.{part}"] = (out,)
    assert {key: value.shape for key, value in arrays.items()} == expected
    assert {value.dtype for value in arrays.values()} == {np.dtype(np.float32)}


def test_reference_network_has_the_reference_lengths() -> None:
    description = Description.load(NETWORKS / "reference17_int8_peak.toml")
    twin = build_from_checkpoint(description, checkpoint_arrays(build_network(description)))
    samples = np.random.default_rng(3).integers(-1024, 1024, (2, 3600)).astype(np.int16)
    trace = layer_trace(twin, samples)
    assert len(trace) == len(description.layers)
    channels = [8, 16, 32, 32, 64, 17]
    for block, (conv, pool) in enumerate(LENGTHS):
        shapes = [tuple(t.shape) for t in trace[5 * block : 5 * block + 5]]
        after = (2, channels[block], pool)
        last = (2, 17) if block == 5 else after
        assert shapes == [(2, channels[block], conv), after, after, after, last]
    assert all(tensor.dtype == torch.float64 for tensor in trace)
    for sign in range(4, 29, 5):
        assert set(trace[sign].unique().tolist()) <= {-1.0, 1.0}
    assert torch.equal(trace[-1], predict_logits(twin, samples))


def naive_conv(
    values: np.ndarray[Any, Any], weights: np.ndarray[Any, Any], stride: int,
    padding: tuple[int, int], pad_value: int,
) -> list[list[int]]:  # fmt: skip
    rows = [[pad_value] * padding[0] + row + [pad_value] * padding[1] for row in values.tolist()]
    out, _, kernel = weights.shape
    starts = range(0, len(rows[0]) - kernel + 1, stride)
    signs = [[[1 if w >= 0 else -1 for w in taps] for taps in row] for row in weights.tolist()]
    return [
        [
            sum(signs[o][i][k] * rows[i][s + k] for i in range(len(rows)) for k in range(kernel))
            for s in starts
        ]
        for o in range(out)
    ]


@pytest.mark.parametrize("scale", [1.0, 0.005])
def test_sums_are_exact_integers_whatever_the_scale(scale: float) -> None:
    layer = {"type": "conv", "stride": 3, "padding": [4, 1], "pad_value": -9}
    description = Description.from_dict(
        {
            "name": "odd",
            "labels": ["a", "b"],
            "input": {"samples": 17, "channels": 3, "bits": 9, "scale": scale},
            "layers": [
                layer,
                {"type": "max_pool", "size": 2, "stride": 1},
                {"type": "prelu"},
                {"type": "sign"},
                {"type": "dense"},
                {"type": "head"},
            ],
        }
    )
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(4, 3, 6))
    weights[0, 0, 0] = 0.0
    dense = rng.normal(size=(2, 20))
    state = {
        "block1.conv.weight": weights,
        "block1.prelu.weight": np.array(-0.5),
        "block2.dense.weight": dense,
    }
    samples = rng.integers(-256, 256, (5, 3, 17))
    twin = build_from_checkpoint(description, state)
    trace = layer_trace(twin, samples)
    for fragment in range(5):
        sums = naive_conv(samples[fragment], weights, 3, (4, 1), -9)
        assert trace[0][fragment].tolist() == sums
        pooled = [[max(row[i : i + 2]) for i in range(len(row) - 1)] for row in sums]
        assert trace[1][fragment].tolist() == pooled
        # With slope -0.5 nothing is below zero, so every sign is +1.
        assert trace[3][fragment].flatten().tolist() == [1.0] * 20
        assert trace[4][fragment].flatten().tolist() == np.where(dense >= 0, 1, -1).sum(1).tolist()
    zeros = count_sign_zeros(twin, samples)
    assert zeros.activations == (int((trace[2] == 0).sum()),)
    assert zeros.weights == 1
    assert zeros.total == zeros.activations[0] + 1


def test_sign_zeros_are_counted_and_taken_to_plus_one() -> None:
    description = Description.from_dict(
        {
            "name": "zeros",
            "labels": ["a"],
            "input": {"samples": 4, "bits": 4},
            "layers": [
                {"type": "conv"}, {"type": "sign"}, {"type": "conv"}, {"type": "head"},
            ],
        }
    )  # fmt: skip
    state = {"block1.conv.weight": np.ones((1, 1, 1)), "block2.conv.weight": np.ones((1, 1, 1))}
    twin = build_from_checkpoint(description, state)
    samples = np.array([[0, 1, -1, 0], [2, 3, 4, 5]])
    assert layer_trace(twin, samples)[1].tolist() == [[[1, 1, -1, 1]], [[1, 1, 1, 1]]]
    zeros = count_sign_zeros(twin, samples)
    assert (zeros.activations, zeros.weights) == ((2,), 0)


def test_shift_and_slopes_per_channel_and_own_keys() -> None:
    description = Description.from_dict(
        {
            "name": "keys",
            "labels": ["a", "b"],
            "input": {"samples": 5, "bits": 4},
            "layers": [
                {"type": "conv", "key": "features.0"},
                {"type": "shift", "key": "features.0"},
                {"type": "prelu", "key": "act"},
                {"type": "sign"},
                {"type": "conv", "key": "features.3"},
                {"type": "head"},
            ],
        }
    )
    state = {
        "features.0.weight": np.ones((2, 1, 1)),
        "features.0.bias": np.array([0.5, -2.0]),
        "act.weight": np.array([2.0, -1.0]),
        "features.3.weight": np.ones((2, 2, 1)),
    }
    twin = build_from_checkpoint(description, state)
    trace = layer_trace(twin, np.array([[-3, -1, 0, 1, 3]]))
    assert trace[1].tolist() == [[[-2.5, -0.5, 0.5, 1.5, 3.5], [-5, -3, -2, -1, 1]]]
    assert trace[2].tolist() == [[[-5, -1, 0.5, 1.5, 3.5], [5, 3, 2, 1, 1]]]
    assert trace[4].tolist() == [[[0, 0, 2, 2, 2]] * 2]


@pytest.mark.parametrize("weight", [0, 1, 16])
def test_the_head_counts_the_largest_pooled_sum_again(weight: int) -> None:
    """A negative slope and a negative scale: the largest sum is then the smallest output."""
    fields = {
        "name": "peaks",
        "labels": ["a", "b"],
        "input": {"samples": 5, "bits": 4},
        "layers": [
            {"type": "conv", "out_channels": 2, "kernel": 1},
            {"type": "prelu"},
            {"type": "batch_norm", "eps": 0.0},
            {"type": "head", "peak_weight": weight},
        ],
    }
    state = {
        "block1.conv.weight": np.array([[[1.0]], [[-1.0]]]),
        "block1.prelu.weight": np.array([-0.5]),
        "block1.bn.weight": np.array([-2.0, 1.0]),
        "block1.bn.bias": np.array([1.0, 0.0]),
        "block1.bn.running_mean": np.zeros(2),
        "block1.bn.running_var": np.ones(2),
    }
    network = build_from_checkpoint(Description.from_dict(fields), state)
    samples = np.array([[-8, -1, 0, 2, 3]])
    # Sums -8 -1 0 2 3 and 8 1 0 -2 -3; after PReLU 4 0.5 0 2 3 and 8 1 0 1 1.5; peaks of 3 and 8.
    first = (-2 * (9.5 + weight * 3) + (5 + weight)) / (5 + weight)
    second = (11.5 + weight * 8) / (5 + weight)
    assert predict_logits(network, samples).tolist() == [[first, second]]


def test_missing_and_misshapen_arrays_are_named(tiny_description: Description) -> None:
    state: dict[str, Any] = dict(checkpoint_arrays(build_network(tiny_description)))
    build_from_checkpoint(tiny_description, state | {"block1.bn.num_batches_tracked": np.array(3)})
    for key in state:
        lacking = {name: value for name, value in state.items() if name != key}
        with pytest.raises(UserError, match=f"lacks {key}"):
            build_from_checkpoint(tiny_description, lacking)
    with pytest.raises(UserError, match=r"block1\.bn\.bias has shape \(5,\)"):
        build_from_checkpoint(tiny_description, state | {"block1.bn.bias": np.zeros(5)})
    with pytest.raises(UserError, match=r"block2\.bn\.running_mean .* finite"):
        bad = np.array([0.0, np.nan, 0.0])
        build_from_checkpoint(tiny_description, state | {"block2.bn.running_mean": bad})
    with pytest.raises(UserError, match="take 5 inputs, the layer before gives 4"):
        build_from_checkpoint(tiny_description, state | {"block2.conv.weight": np.ones((3, 5, 3))})
    with pytest.raises(UserError, match="4 channels for 3 labels"):
        build_from_checkpoint(tiny_description, state | {"block2.conv.weight": np.ones((4, 4, 3))})


def test_training_needs_channels_and_kernel(tiny_description: Description) -> None:
    plain = tiny_description.to_dict()
    del plain["layers"][0]["kernel"]
    with pytest.raises(UserError, match="block 1 lacks out_channels or kernel"):
        build_network(Description.from_dict(plain))


def test_samples_of_another_length_are_refused(tiny_description: Description) -> None:
    network = build_network(tiny_description)
    with pytest.raises(UserError, match=r"shape \(2, 41\)"):
        predict_logits(network, np.zeros((2, 41)))


def test_latent_weights_are_clipped(tiny_description: Description) -> None:
    network = build_network(tiny_description)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(5.0)
    clip_latent_weights(network, 1.0)
    state = checkpoint_arrays(network)
    assert (state["block1.conv.weight"] == 1.0).all()
    assert (state["block1.bn.bias"] == 5.0).all()
