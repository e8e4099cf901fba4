"""A third golden model, for tests alone: scalar loops over the layers, nothing shared with the package.

It reads ``network.layers`` (not the blocks that the package builds from them), walks positions,
channels and taps one by one in Python integers, and tests an accept set by its table.
"""

from __future__ import annotations

from bnn_hw.ir import AcceptKind, Conv, Dense, Head, MaxPool, Network, Threshold


def scores_of(network: Network, fragment: list[list[int]]) -> tuple[list[int], int]:
    """Scores and class of one fragment, ``fragment[channel][sample]``."""
    values = fragment  # values[channel][position], sums or +1 and -1
    for layer in network.layers:
        if isinstance(layer, Conv):
            values = _conv(layer, values)
        elif isinstance(layer, Dense):
            flat = [values[c][t] for t in range(len(values[0])) for c in range(len(values))]
            values = [
                [sum(v if bit else -v for v, bit in zip(flat, row, strict=True))]
                for row in layer.rows.tolist()
            ]
        elif isinstance(layer, MaxPool):
            count = (len(values[0]) - layer.size) // layer.stride + 1
            values = [
                [max(row[i * layer.stride + k] for k in range(layer.size)) for i in range(count)]
                for row in values
            ]
        elif isinstance(layer, Threshold):
            values = [
                [1 if _holds(accept.kind, accept.low, accept.high, v) else -1 for v in row]
                for accept, row in zip(layer.accept, values, strict=True)
            ]
        elif isinstance(layer, Head):
            scores = []
            for c, pooled in enumerate(values):
                row = [*pooled, *([max(pooled)] * layer.peak_weight)]
                plus = sum(v for v in row if v > 0)
                minus = sum(v for v in row if v < 0)
                scores.append(
                    layer.positive[c] * plus + layer.negative[c] * minus + layer.offset[c]
                )
            best = 0
            for c, score in enumerate(scores):
                if score > scores[best]:
                    best = c
            return scores, best
    raise AssertionError("a network ends with a head")


def _conv(layer: Conv, values: list[list[int]]) -> list[list[int]]:
    pad_left, pad_right = [layer.pad_value] * layer.pad_left, [layer.pad_value] * layer.pad_right
    padded = [pad_left + row + pad_right for row in values]
    weights = layer.weights.tolist()
    result = []
    for out in range(layer.out_channels):
        row = []
        start = 0
        while start + layer.kernel <= len(padded[0]):
            total = 0
            for channel in range(layer.in_channels):
                for tap in range(layer.kernel):
                    sample = padded[channel][start + tap]
                    total += sample if weights[out][channel][tap] == 1 else -sample
            row.append(total)
            start += layer.stride
        result.append(row)
    return result


def _holds(kind: AcceptKind, low: int | None, high: int | None, value: int) -> bool:
    if kind is AcceptKind.ALWAYS or kind is AcceptKind.NEVER:
        return kind is AcceptKind.ALWAYS
    if kind is AcceptKind.AT_LEAST:
        assert low is not None
        return value >= low
    if kind is AcceptKind.AT_MOST:
        assert high is not None
        return value <= high
    assert low is not None and high is not None
    if kind is AcceptKind.INSIDE:
        return low <= value <= high
    return value <= low or value >= high
