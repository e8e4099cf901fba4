"""The torch network of a description, for training and as the twin that verify compares.

Reads a `bnn_hw.description.Description` and, for the twin, the arrays of a checkpoint in the
reference naming; gives an `nn.Module` whose state_dict has exactly those names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bnn_hw.description import BlockDescription, Description, LayerDescription
from bnn_hw.errors import UserError
from bnn_hw.training.layers import (
    Head,
    MaxPool,
    Peak,
    Scale,
    Shift,
    Sign,
    SignConv,
    SignDense,
)

# Channels and kernel of each conv or dense, by its position among them: (out, in, kernel) or
# (out, in).
MatrixShapes = list[tuple[int, ...]]

# Layers of the last block that come after its pooled sums.
_AFTER_SUMS = frozenset({"shift", "prelu", "batch_norm", "head"})


class BinaryNetwork(nn.Module):  # type: ignore[misc]  # torch is not followed
    """A network of signs built from a description; `build_network` makes it.

    Input integer samples as floats, (n, samples) or (n, channels, samples); output logits
    (n, classes). `stages` holds the modules in the order of the data, each with the index of its
    layer in the description (None for the input scale, which is no layer).
    """

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.description = description
        self.stages: list[tuple[int | None, nn.Module]] = []

    def append(self, layer: int | None, module: nn.Module, key: str | None) -> None:
        """Add the next stage; with a key its parameters appear under that state_dict prefix.

        A key that an earlier layer of the same kind has means that the two share parameters; a
        shift may stand under a conv's or dense's key, where that layer's bias would be.
        """
        if key is None:
            self.stages.append((layer, module))
            return
        parent: nn.Module = self
        *containers, leaf = key.split(".")
        for name in containers:
            if name not in parent._modules:
                parent.add_module(name, nn.Module())
            parent = parent._modules[name]
        present = parent._modules.get(leaf)
        if type(present) is type(module):
            module = present
        elif isinstance(module, Shift) and isinstance(present, SignConv | SignDense):
            if "bias" not in present._parameters:
                present.register_parameter("bias", module.bias)
            module.bias = present.bias
        elif hasattr(parent, leaf):
            raise UserError(
                f"layer key {key!r} belongs to another kind of layer or is reserved; choose another"
            )
        else:
            parent.add_module(leaf, module)
        self.stages.append((layer, module))

    def signs(self) -> list[Sign]:
        """Return the sign activations in order."""
        return [module for _, module in self.stages if isinstance(module, Sign)]

    def matrices(self) -> list[SignConv | SignDense]:
        """Return the layers with sign weights in order."""
        return [module for _, module in self.stages if isinstance(module, SignConv | SignDense)]

    def arrange(self, samples: Tensor) -> Tensor:
        """Bring samples to the layout of the layers, (n, channels, 1, samples).

        Raises UserError for another shape than the description's input.
        """
        shape = self.description.input
        given = samples.unsqueeze(1) if samples.ndim == 2 else samples
        if given.ndim != 3 or given.shape[1:] != (shape.channels, shape.samples):
            raise UserError(
                f"samples have shape {tuple(samples.shape)}; network {self.description.name} takes "
                f"(fragments, {shape.channels}, {shape.samples})"
            )
        return given.unsqueeze(2)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the logits."""
        values = self.arrange(samples)
        for _, module in self.stages:
            values = module(values)
        return values


def build_network(description: Description, clip: float = 1.0) -> BinaryNetwork:
    """Build the network to be trained, float32, in training mode, freshly drawn latent weights.

    `clip` is where the gradient of the sign activations ends. Draws from torch's global generator.
    Raises UserError when a conv or dense lacks `out_channels` or `kernel`, or when the layers do not
    fit together.
    """
    return _assemble(description, _described_shapes(description), {}, clip)


def make_real(network: BinaryNetwork) -> None:
    """Take the signs off weights and activations, in place: the float twin of the same shape."""
    for _, module in network.stages:
        if isinstance(module, Sign | SignConv | SignDense):
            module.binary = False


def build_from_checkpoint(
    description: Description, state: Mapping[str, NDArray[Any]]
) -> BinaryNetwork:
    """Rebuild a trained network in double precision, in evaluation mode, without gradients.

    `state` maps the reference names to arrays (num_batches_tracked is ignored). Sign takes 0 to
    +1, as hardware does. Raises UserError naming the key that is missing, of another shape or not
    finite; arrays that no layer uses are left alone, freeze judges those.
    """
    shapes: MatrixShapes = []
    slopes: dict[str, int] = {}
    for block in description.blocks():
        for layer, key in zip(block.layers, block.keys, strict=True):
            if layer.type in ("conv", "dense"):
                weight = _array(state, f"{key}.weight")
                ndim = 3 if layer.type == "conv" else 2
                if weight.ndim != ndim:
                    raise UserError(
                        f"checkpoint {key}.weight has shape {weight.shape}; {layer.type} takes "
                        f"{ndim} dimensions"
                    )
                shapes.append(tuple(weight.shape))
            elif layer.type == "prelu":
                slopes[f"{key}"] = _array(state, f"{key}.weight").size
    network = _assemble(description, shapes, slopes, 1.0)
    network.double()
    load_arrays(network, state)
    network.eval()
    network.requires_grad_(False)
    return network


def load_arrays(network: BinaryNetwork, state: Mapping[str, NDArray[Any]]) -> None:
    """Copy a checkpoint's arrays into a network, in the network's precision.

    A lone PReLU slope may have shape () or (1,). Raises UserError naming the key that is missing,
    of another shape or not finite.
    """
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        array = _array(state, name)
        if array.ndim == 0 and tuple(tensor.shape) == (1,):
            array = array.reshape(1)
        if tuple(array.shape) != tuple(tensor.shape):
            raise UserError(
                f"checkpoint {name} has shape {array.shape}; network "
                f"{network.description.name} takes {tuple(tensor.shape)}"
            )
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise UserError(f"checkpoint {name} holds values that are no finite numbers")
        tensor.copy_(torch.from_numpy(np.array(array, dtype=np.float64)))


def checkpoint_arrays(network: BinaryNetwork) -> dict[str, NDArray[np.float32]]:
    """Return the parameters as float32 arrays by reference name, without num_batches_tracked."""
    return {
        name: tensor.detach().cpu().numpy().astype(np.float32)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _array(state: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in state:
        raise UserError(f"checkpoint lacks {name}; check the network description and its keys")
    return np.asarray(state[name])


def _described_shapes(description: Description) -> MatrixShapes:
    shapes: MatrixShapes = []
    channels, length = description.input.channels, description.input.samples
    for block in description.blocks():
        matrix = block.matrix
        name = f"network {description.name}: block {block.index}"
        if matrix.out_channels is None or (matrix.type == "conv" and matrix.kernel is None):
            raise UserError(f"{name} lacks out_channels or kernel, which training needs; add them")
        if matrix.type == "conv":
            assert matrix.kernel is not None
            shapes.append((matrix.out_channels, channels, matrix.kernel))
        else:
            shapes.append((matrix.out_channels, channels * length))
        length = _length_after(block, length, shapes[-1])
        channels = matrix.out_channels
    return shapes


def _length_after(block: BlockDescription, length: int, shape: tuple[int, ...]) -> int:
    for layer in block.layers:
        if layer.type == "dense":
            length = 1
        elif layer.type == "conv":
            length = (length + sum(layer.padding) - shape[2]) // layer.stride + 1
        elif layer.type == "max_pool":
            length = (length - layer.size) // layer.stride + 1
        if length < 1:
            raise UserError(
                f"block {block.index}: {layer.type} leaves no position; enlarge the input or "
                "shrink kernel or pool"
            )
    return length


def _assemble(
    description: Description,
    shapes: MatrixShapes,
    slopes: dict[str, int],
    clip: float,
) -> BinaryNetwork:
    """Chain the modules; `slopes` says how many slopes a PReLU of that key has (else one)."""
    network = BinaryNetwork(description)
    channels, length = description.input.channels, description.input.samples
    index = 0
    scale: float | None = description.input.scale
    peak = description.peak_weight
    for block, shape in zip(description.blocks(), shapes, strict=True):
        fan_in = channels if block.matrix.type == "conv" else channels * length
        if shape[1] != fan_in:
            raise UserError(
                f"block {block.index}: weights of shape {shape} take {shape[1]} inputs, the layer "
                f"before gives {fan_in}"
            )
        for layer, key in zip(block.layers, block.keys, strict=True):
            if scale is not None and layer.type not in ("conv", "dense", "max_pool"):
                if scale != 1.0:
                    network.append(None, Scale(scale), None)
                scale = None
            if peak and block.layers[-1].type == "head" and layer.type in _AFTER_SUMS:
                network.append(None, Peak(peak), None)
                peak = 0
            module = _module(layer, shape, slopes.get(f"{key}", 1), clip)
            network.append(index, module, key)
            index += 1
        length = _length_after(block, length, shape)
        channels = shape[0]
    if channels != len(description.labels):
        raise UserError(
            f"network {description.name} ends with {channels} channels for "
            f"{len(description.labels)} labels; make them equal"
        )
    return network


def _module(layer: LayerDescription, shape: tuple[int, ...], slopes: int, clip: float) -> nn.Module:
    match layer.type:
        case "conv":
            out_channels, in_channels, kernel = shape
            return SignConv(
                (out_channels, in_channels, kernel), layer.stride, layer.padding, layer.pad_value
            )
        case "dense":
            return SignDense((shape[0], shape[1]))
        case "max_pool":
            return MaxPool(layer.size, layer.stride)
        case "shift":
            return Shift(shape[0])
        case "prelu":
            return nn.PReLU(slopes)
        case "batch_norm":
            return nn.BatchNorm2d(shape[0], eps=layer.eps)
        case "sign":
            return Sign(clip)
        case "head":
            return Head()
