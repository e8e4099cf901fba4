"""Small blocks of the network IR for the benches, so that golden itself gives what they expect."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bnn_hw.ir import AcceptKind, AcceptSet, Block, MaxPool, Threshold

Bits = npt.NDArray[np.uint8]


def make_block(
    rows: Bits,
    *,
    in_channels: int = 1,
    in_length: int | None = None,
    stride: int = 1,
    pad_left: int = 0,
    pad_right: int = 0,
    input_bits: int | None = None,
    sum_pools: tuple[MaxPool, ...] = (),
    accept: tuple[AcceptSet, ...] = (),
) -> Block:
    """A block with these weight rows ``(out, kernel * in_channels)``; by default one window long."""
    kernel = rows.shape[1] // in_channels
    return Block(
        index=0 if input_bits else 1,
        name="block",
        rows=rows,
        in_channels=in_channels,
        in_length=kernel if in_length is None else in_length,
        kernel=kernel,
        stride=stride,
        pad_left=pad_left,
        pad_right=pad_right,
        pad_value=-1,
        input_bits=input_bits,
        sum_pools=sum_pools,
        threshold=Threshold(accept) if accept else None,
        bit_pools=(),
    )


def random_bits(rng: np.random.Generator, *shape: int) -> Bits:
    """Bits of that shape, even odds."""
    return rng.integers(0, 2, shape).astype(np.uint8)


def random_accept(
    rng: np.random.Generator, low: int, high: int, kinds: tuple[AcceptKind, ...]
) -> AcceptSet:
    """An accept set of one of ``kinds`` with its bounds within ``low`` and ``high``."""
    kind = kinds[int(rng.integers(len(kinds)))]
    first, second = sorted(int(v) for v in rng.choice(np.arange(low, high + 1), 2, replace=False))
    match kind:
        case AcceptKind.AT_LEAST:
            return AcceptSet(kind, low=first)
        case AcceptKind.AT_MOST:
            return AcceptSet(kind, high=first)
        case AcceptKind.INSIDE | AcceptKind.OUTSIDE:
            return AcceptSet(kind, low=first, high=second)
        case _:
            return AcceptSet(kind)
