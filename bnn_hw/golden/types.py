"""What both golden models take and give, and the check of their input.

Reads a network and integer fragments; gives checked fragments, results and layer traces. Everything
downstream (C simulation, RTL simulation, torch) is compared with these arrays, by equality.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.ir import Network

Integers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Result:
    """What leaves the network.

    ``scores`` is ``(fragments, classes) int64`` in units of ``2**-head.fraction_bits``; ``classes``
    is ``(fragments,) int64``, the arg-max of each row, ties to the lowest class.
    """

    scores: Integers
    classes: Integers


@dataclass(frozen=True, eq=False)
class BlockTrace:
    """What one block made of every fragment, in the order in which hardware computes it.

    Attributes
    ----------
    sums
        ``(fragments, positions, out) int64``: integer sum of each window, before the pools.
    comparisons
        ``(fragments, positions, sides * out) uint8``: ``sum >= bound`` before the pools, bit
        ``side * out + channel`` (see :mod:`bnn_hw.ir.bits`); ``sides`` is 2 when a channel of the
        block has a two-sided accept set, else 1. A channel with one bound has 0 on side 1. None in
        the last block.
    bits
        ``(fragments, out_length, out) uint8``: the block's output, 1 for +1. None in the last block.
    pooled
        ``(fragments, head_length, out) int64``: sums after the pools over sums, what the head adds
        up. None in every block but the last.
    """

    name: str
    sums: Integers
    comparisons: Bits | None
    bits: Bits | None
    pooled: Integers | None


@dataclass(frozen=True, eq=False)
class Trace:
    """Every block of every fragment; ``s_plus`` and ``s_minus`` are ``(fragments, classes) int64``."""

    blocks: tuple[BlockTrace, ...]
    s_plus: Integers
    s_minus: Integers
    result: Result


def view_samples(network: Network, samples: npt.ArrayLike) -> npt.NDArray[np.integer[Any]]:
    """Check fragments as :func:`check_samples` does, without a copy and in their own integer type."""
    array = np.asarray(samples)
    fragment = network.input
    if not np.issubdtype(array.dtype, np.integer):
        raise UserError(
            f"samples have dtype {array.dtype}, a network takes integers; round or quantise them as the "
            f"network's input says (preparation '{fragment.preparation}', {fragment.bits} bits) and "
            "give them as an integer dtype"
        )
    if array.ndim == 2 and fragment.channels == 1:
        array = array[:, np.newaxis, :]
    if array.ndim != 3 or array.shape[1] != fragment.channels:
        wanted = "(fragments, samples) or " if fragment.channels == 1 else ""
        raise UserError(
            f"samples have shape {np.shape(samples)}, network {network.name} takes "
            f"{wanted}(fragments, {fragment.channels}, samples) with {fragment.samples} samples a fragment"
        )
    if array.shape[2] != fragment.samples:
        raise UserError(
            f"samples have {array.shape[2]} samples a fragment, network {network.name} takes exactly "
            f"{fragment.samples}; cut the record into fragments of that length"
        )
    if array.shape[0] == 0:
        raise UserError("samples hold 0 fragments; give at least 1")
    if int(array.min()) < fragment.low or int(array.max()) > fragment.high:
        outside = (array < fragment.low) | (array > fragment.high)
        n, channel, at = (int(i) for i in np.argwhere(outside)[0])
        where = f"sample {at}" if fragment.channels == 1 else f"channel {channel}, sample {at}"
        raise UserError(
            f"fragment {n}, {where} is {array[n, channel, at]}, allowed are {fragment.low} to "
            f"{fragment.high} ({fragment.bits} bits signed); prepare the record as the network's input says"
        )
    return array


def check_samples(network: Network, samples: npt.ArrayLike) -> Integers:
    """Check fragments and bring them into one form.

    Parameters
    ----------
    network
        Gives the number of samples and channels and the range of a sample.
    samples
        Any integer dtype, ``(fragments, samples)`` for one channel or
        ``(fragments, channels, samples)``.

    Returns
    -------
    ``(fragments, channels, samples) int64``.

    Raises
    ------
    UserError
        When samples are not integers, have the wrong shape or length, leave the range of the
        network's input (the first one is named), or when there is no fragment.
    """
    return np.ascontiguousarray(view_samples(network, samples), dtype=np.int64)


def head_result(network: Network, s_plus: Integers, s_minus: Integers) -> Result:
    """Scores and classes from the head's two sums, each ``(fragments, classes) int64``.

    Raises
    ------
    UserError
        When a reachable score would not fit into 64 bits.
    """
    if network.score_bits > 64:
        raise UserError(
            f"network {network.name}: scores take {network.score_bits} bits, golden holds at most 64; "
            "freeze it with fewer fraction bits"
        )
    head = network.head
    positive, negative, offset = (
        np.array(values, dtype=np.int64) for values in (head.positive, head.negative, head.offset)
    )
    scores = positive * s_plus + negative * s_minus + offset
    # numpy's argmax gives the first of equal values, which is the lowest class.
    return Result(scores=scores, classes=scores.argmax(axis=1).astype(np.int64))
