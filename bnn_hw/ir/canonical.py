"""Layers as plain JSON values: the text of the network file and the bytes under its digest."""

from __future__ import annotations

from typing import Any

from bnn_hw.ir.accept import AcceptSet
from bnn_hw.ir.bits import row_to_hex, window_rows
from bnn_hw.ir.layers import Conv, Dense, Head, Layer, MaxPool, NetworkInput, Threshold


def input_to_json(network_input: NetworkInput) -> dict[str, Any]:
    """The input as it stands in the file; ``peak`` and ``steps`` only where they apply."""
    values: dict[str, Any] = {
        "samples": network_input.samples,
        "channels": network_input.channels,
        "bits": network_input.bits,
        "unit": network_input.unit,
        "preparation": network_input.preparation,
    }
    for name in ("peak", "steps"):
        value = getattr(network_input, name)
        if value is not None:
            values[name] = value
    return values


def accept_to_json(accept: AcceptSet) -> list[str | int]:
    """An accept set as ``[kind]``, ``[kind, bound]`` or ``[kind, low, high]``."""
    return [accept.kind.value, *(b for b in (accept.low, accept.high) if b is not None)]


def layer_to_json(layer: Layer) -> dict[str, Any]:
    """One layer as it stands in the file."""
    match layer:
        case Conv():
            return {
                "type": "conv",
                "name": layer.name,
                "in_channels": layer.in_channels,
                "out_channels": layer.out_channels,
                "kernel": layer.kernel,
                "stride": layer.stride,
                "padding": [layer.pad_left, layer.pad_right],
                "pad_value": layer.pad_value,
                "weights": [row_to_hex(row) for row in window_rows(layer.weights)],
            }
        case Dense():
            return {
                "type": "dense",
                "name": layer.name,
                "in_features": int(layer.rows.shape[1]),
                "out_channels": layer.out_channels,
                "weights": [row_to_hex(row) for row in layer.rows],
            }
        case MaxPool():
            return {"type": "max_pool", "size": layer.size, "stride": layer.stride}
        case Threshold():
            return {"type": "threshold", "accept": [accept_to_json(a) for a in layer.accept]}
        case Head():
            peak = {"peak_weight": layer.peak_weight} if layer.peak_weight else {}
            return {
                "type": "head",
                "fraction_bits": layer.fraction_bits,
                **peak,
                "positive": list(layer.positive),
                "negative": list(layer.negative),
                "offset": list(layer.offset),
            }
