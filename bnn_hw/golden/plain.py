"""The plain golden model: the definitions, written down straight.

Reads a frozen network and integer fragments; gives scores, classes and, on request, every block's
sums, comparison bits and output bits. This module is the meaning of a network: whatever is quick or
made of hardware (the packed model, C++, RTL) must equal it bit for bit, so it takes no short cut:
+1 and -1 are integers, a convolution is a sum of products, pools are maxima over sums, and a sum
becomes +1 when its accept set holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from bnn_hw.golden.types import (
    Bits,
    BlockTrace,
    Integers,
    Result,
    Trace,
    check_samples,
    head_result,
)
from bnn_hw.ir import Block, MaxPool, Network

Number = TypeVar("Number", bound=np.integer[Any])

# Integers in the largest array of one chunk of fragments: 32 MB.
_CHUNK_INTEGERS = 1 << 22


def run(network: Network, samples: npt.ArrayLike) -> Result:
    """Scores and classes of every fragment.

    Parameters
    ----------
    samples
        Integers as :func:`bnn_hw.golden.types.check_samples` takes them.

    Raises
    ------
    UserError
        When the samples do not fit the network.
    """
    fragments = check_samples(network, samples)
    parts = [_trace(network, part).result for part in _chunks(network, fragments)]
    return Result(
        scores=np.concatenate([part.scores for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
    )


def trace(network: Network, samples: npt.ArrayLike) -> Trace:
    """Every block of every fragment; takes about 1 MB a fragment for the reference network.

    Parameters and errors are those of :func:`run`.
    """
    fragments = check_samples(network, samples)
    parts = [_trace(network, part) for part in _chunks(network, fragments)]
    return Trace(
        blocks=tuple(
            _join_blocks(blocks) for blocks in zip(*(p.blocks for p in parts), strict=True)
        ),
        s_plus=np.concatenate([part.s_plus for part in parts]),
        s_minus=np.concatenate([part.s_minus for part in parts]),
        result=Result(
            scores=np.concatenate([part.result.scores for part in parts]),
            classes=np.concatenate([part.result.classes for part in parts]),
        ),
    )


def _trace(network: Network, fragments: Integers) -> Trace:
    values = fragments.transpose(0, 2, 1)  # (fragments, positions, channels) from here on
    blocks: list[BlockTrace] = []
    for block in network.blocks:
        sums = window_sums(block, values)
        pooled = sums
        for pool in block.sum_pools:
            pooled = max_pool(pooled, pool)
        if block.threshold is None:
            blocks.append(BlockTrace(block.name, sums, None, None, pooled))
            break
        bits = accepted(block, pooled)
        for pool in block.bit_pools:
            bits = max_pool(bits, pool)
        blocks.append(BlockTrace(block.name, sums, comparison_bits(block, sums), bits, None))
        values = plus_minus(bits)
    largest, weight = pooled.max(axis=1), network.head.peak_weight
    s_plus = np.maximum(pooled, 0).sum(axis=1) + weight * np.maximum(largest, 0)
    s_minus = np.minimum(pooled, 0).sum(axis=1) + weight * np.minimum(largest, 0)
    return Trace(tuple(blocks), s_plus, s_minus, head_result(network, s_plus, s_minus))


def plus_minus(bits: Bits) -> Integers:
    """Bits as the numbers they stand for: 1 is +1, 0 is -1; same shape, int64."""
    return 2 * bits.astype(np.int64) - 1


def window_sums(block: Block, values: Integers) -> Integers:
    """Convolution: the sum of products of each window with each weight row.

    Parameters
    ----------
    values
        ``(fragments, in_length, in_channels) int64``: samples, or +1 and -1.

    Returns
    -------
    ``(fragments, positions, out) int64``.
    """
    padded = np.pad(
        values,
        ((0, 0), (block.pad_left, block.pad_right), (0, 0)),
        constant_values=block.pad_value,
    )
    windows = sliding_window_view(padded, block.kernel, axis=1)[:, :: block.stride]
    # (fragments, positions, channels, taps) to the order of a weight row: tap * channels + channel
    windows = windows.swapaxes(2, 3).reshape(*windows.shape[:2], block.fan_in)
    return np.asarray(windows @ plus_minus(block.rows).T)


def max_pool(values: npt.NDArray[Number], pool: MaxPool) -> npt.NDArray[Number]:
    """Maximum over ``pool.size`` positions every ``pool.stride``; positions are axis 1."""
    windows = sliding_window_view(values, pool.size, axis=1)[:, :: pool.stride]
    return np.asarray(windows.max(axis=-1))


def accepted(block: Block, sums: Integers) -> Bits:
    """Which sums, ``(fragments, positions, out)``, lie in the accept set of their channel."""
    assert block.threshold is not None  # the caller handles the last block
    bits = np.empty(sums.shape, dtype=np.uint8)
    for channel, accept in enumerate(block.threshold.accept):
        bits[:, :, channel] = accept.accepts(sums[:, :, channel])
    return bits


def comparison_bits(block: Block, sums: Integers) -> Bits:
    """The comparison bits that hardware forms before its pools; see :class:`BlockTrace`.

    They decide nothing here: they are traced because a layer's stream in hardware carries them.
    """
    out = block.out_channels
    bits = np.zeros((*sums.shape[:2], (2 if block.two_sided else 1) * out), dtype=np.uint8)
    for channel, band in enumerate(block.bands()):
        bits[:, :, channel] = sums[:, :, channel] >= band.low
        if band.high is not None:
            bits[:, :, out + channel] = sums[:, :, channel] >= band.high
    return bits


def _chunks(network: Network, fragments: Integers) -> Iterator[Integers]:
    """Cut the fragments so that the windows of one chunk stay small."""
    widest = max(block.positions * block.fan_in for block in network.blocks)
    step = max(1, _CHUNK_INTEGERS // widest)
    for start in range(0, len(fragments), step):
        yield fragments[start : start + step]


def _join_blocks(parts: Iterable[BlockTrace]) -> BlockTrace:
    parts = tuple(parts)
    first = parts[0]
    return BlockTrace(
        name=first.name,
        sums=np.concatenate([part.sums for part in parts]),
        comparisons=_join([part.comparisons for part in parts]),
        bits=_join([part.bits for part in parts]),
        pooled=_join([part.pooled for part in parts]),
    )


def _join(
    parts: list[npt.NDArray[Number] | None],
) -> npt.NDArray[Number] | None:
    present = [part for part in parts if part is not None]
    return np.concatenate(present) if present else None
