"""The frozen network evaluated by the definition, loop by loop: slow, independent of golden."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.description import Description
from bnn_hw.ir import Conv, Dense, Head, MaxPool, Network, Threshold


def naive_run(
    network: Network, samples: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], list[npt.NDArray[Any]], npt.NDArray[Any], npt.NDArray[Any]]:
    """Scores, what every block but the last gives (fragments, channels, time), the head's sums."""
    x, outputs = samples.astype(np.int64), []
    for at, layer in enumerate(network.layers):
        if at and isinstance(layer, Conv | Dense):
            outputs.append(x)
        match layer:
            case Conv():
                pads = ((0, 0), (0, 0), (layer.pad_left, layer.pad_right))
                x = np.pad(x, pads, constant_values=layer.pad_value)
                weights = 2 * layer.weights.astype(np.int64) - 1
                starts = range(0, x.shape[2] - layer.kernel + 1, layer.stride)
                x = np.stack(
                    [
                        np.einsum("nck,ock->no", x[:, :, s : s + layer.kernel], weights)
                        for s in starts
                    ],
                    axis=2,
                )
            case Dense():
                flat = x.transpose(0, 2, 1).reshape(len(x), -1)  # position, then channel
                x = (flat @ (2 * layer.rows.astype(np.int64) - 1).T)[:, :, None]
            case MaxPool():
                starts = range(0, x.shape[2] - layer.size + 1, layer.stride)
                x = np.stack([x[:, :, s : s + layer.size].max(axis=2) for s in starts], axis=2)
            case Threshold():
                bits = np.stack([a.accepts(x[:, c]) for c, a in enumerate(layer.accept)], axis=1)
                x = 2 * bits.astype(np.int64) - 1
            case Head():
                largest = np.repeat(x.max(axis=2, keepdims=True), layer.peak_weight, axis=2)
                x = np.concatenate([x, largest], axis=2)
                s_plus = np.where(x > 0, x, 0).sum(axis=2)
                s_minus = np.where(x < 0, x, 0).sum(axis=2)
                scores = (
                    s_plus.astype(object) * np.array(layer.positive, dtype=object)
                    + s_minus.astype(object) * np.array(layer.negative, dtype=object)
                    + np.array(layer.offset, dtype=object)
                )
                return scores, outputs, s_plus, s_minus
    raise AssertionError("no head")


def head_sums(
    network: Network, samples: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """What freeze asks a golden model for."""
    _, _, s_plus, s_minus = naive_run(network, samples)
    return s_plus, s_minus


def torch_run(
    description: Description, arrays: dict[str, npt.NDArray[Any]], samples: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], list[npt.NDArray[Any]]]:
    """Logits and the output of every layer, plain torch in double precision."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)  # tiny tensors: threads only wait for each other

    def tensor(key: str) -> Any:
        return torch.from_numpy(np.asarray(arrays[key], dtype=np.float64))

    def sign(given: Any) -> Any:
        return torch.where(given >= 0, 1.0, -1.0).to(torch.float64)

    scale = description.input.scale
    x: Any = torch.from_numpy(samples.astype(np.float64)) * scale
    values: list[npt.NDArray[Any]] = []
    for block in description.blocks():
        peak = None
        for layer, key in zip(block.layers, block.keys, strict=True):
            if peak is None and layer.type not in ("conv", "dense", "max_pool"):
                peak = x.argmax(dim=2, keepdim=True)  # where the largest pooled sum stands
            match layer.type:
                case "conv":
                    value = layer.pad_value * (scale if block.index == 1 else 1.0)
                    x = F.conv1d(
                        F.pad(x, layer.padding, value=value),
                        sign(tensor(f"{key}.weight")),
                        stride=layer.stride,
                    )
                case "dense":
                    x = F.linear(torch.flatten(x, 1), sign(tensor(f"{key}.weight")))[:, :, None]
                case "max_pool":
                    x = F.max_pool1d(x, layer.size, layer.stride)
                case "shift":
                    x = x + tensor(f"{key}.bias")[None, :, None]
                case "prelu":
                    x = F.prelu(x, tensor(f"{key}.weight"))
                case "batch_norm":
                    x = F.batch_norm(
                        x,
                        tensor(f"{key}.running_mean"),
                        tensor(f"{key}.running_var"),
                        tensor(f"{key}.weight"),
                        tensor(f"{key}.bias"),
                        training=False,
                        eps=layer.eps,
                    )
                case "sign":
                    x = sign(x)
                case "head":
                    total = x.sum(dim=2) + layer.peak_weight * x.gather(2, peak)[:, :, 0]
                    return (total / (x.shape[2] + layer.peak_weight)).numpy(), values
            values.append(x.numpy())
    raise AssertionError("no head")
