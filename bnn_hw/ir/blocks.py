"""Layers grouped into blocks: the shape in which golden, RTL and HLS build a network.

Reads the layers of a network in order, checks their order and shapes, and gives one :class:`Block`
a matrix layer (convolution or dense). A dense layer becomes a convolution whose kernel is its whole
input, so nothing after this module knows the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bnn_hw.errors import UserError
from bnn_hw.ir.accept import AcceptKind, Band, Reach
from bnn_hw.ir.bits import Bits, window_rows
from bnn_hw.ir.layers import (
    Conv,
    Dense,
    Head,
    Layer,
    MaxPool,
    NetworkInput,
    Threshold,
    signed_bits,
)


@dataclass(frozen=True, eq=False)
class Block:
    """What hardware and golden build as one stage: a matrix layer and all up to the next one.

    ``rows`` is ``(out_channels, kernel * in_channels) uint8`` in window order. ``threshold`` is None
    in the last block, whose pooled sums go to the head.
    """

    index: int
    name: str
    rows: Bits
    in_channels: int
    in_length: int
    kernel: int
    stride: int
    pad_left: int
    pad_right: int
    pad_value: int
    input_bits: int | None
    sum_pools: tuple[MaxPool, ...]
    threshold: Threshold | None
    bit_pools: tuple[MaxPool, ...]

    @property
    def out_channels(self) -> int:
        """Number of output channels."""
        return int(self.rows.shape[0])

    @property
    def fan_in(self) -> int:
        """Number of weights of one output channel."""
        return int(self.rows.shape[1])

    @property
    def positions(self) -> int:
        """Windows a fragment, before the pools."""
        return (self.in_length + self.pad_left + self.pad_right - self.kernel) // self.stride + 1

    @property
    def out_length(self) -> int:
        """Positions a fragment after all pools."""
        length = self.positions
        for pool in self.sum_pools + self.bit_pools:
            length = pool.out_length(length)
        return length

    @property
    def head_length(self) -> int:
        """Positions after the pools over sums (what the head adds up in the last block)."""
        length = self.positions
        for pool in self.sum_pools:
            length = pool.out_length(length)
        return length

    @property
    def macs(self) -> int:
        """Binary multiply-adds a fragment."""
        return self.positions * self.out_channels * self.fan_in

    def reach(self, channel: int) -> Reach:
        """The sums channel ``channel`` can take, over every possible input and padding."""
        if self.input_bits is None:
            return Reach(-self.fan_in, self.fan_in, 2)
        plus = int(self.rows[channel].sum())
        minus = self.fan_in - plus
        low, high = -(1 << (self.input_bits - 1)), (1 << (self.input_bits - 1)) - 1
        return Reach(plus * low - minus * high, plus * high - minus * low, 1)

    @cached_property
    def sum_bits(self) -> int:
        """Width of a two's complement number that holds every sum of every channel."""
        reaches = [self.reach(c) for c in range(self.out_channels)]
        return signed_bits([r.low for r in reaches] + [r.high for r in reaches])

    @property
    def two_sided(self) -> bool:
        """Whether a channel needs a second comparison."""
        return self.threshold is not None and any(
            a.kind in (AcceptKind.INSIDE, AcceptKind.OUTSIDE) for a in self.threshold.accept
        )

    def bands(self) -> tuple[Band, ...]:
        """The accept sets as comparisons and polarity, one a channel; empty in the last block."""
        if self.threshold is None:
            return ()
        return tuple(a.band(self.reach(c)) for c, a in enumerate(self.threshold.accept))


def group_blocks(network_input: NetworkInput, layers: tuple[Layer, ...]) -> tuple[Block, ...]:
    """Group ``layers`` into blocks.

    Raises
    ------
    UserError
        When the order is not legal, a length runs out or channel counts differ.
    """
    blocks: list[Block] = []
    channels, length = network_input.channels, network_input.samples
    at = 0
    while at < len(layers):
        matrix = layers[at]
        if not isinstance(matrix, Conv | Dense):
            raise UserError(
                f"layer {at + 1} is {_kind(matrix)}: a block must start with conv or dense here"
            )
        at += 1
        sum_pools, at = _take_pools(layers, at)
        following = layers[at] if at < len(layers) else None
        bit_pools: tuple[MaxPool, ...] = ()
        threshold = None
        if isinstance(following, Threshold):
            threshold = following
            bit_pools, at = _take_pools(layers, at + 1)
        elif not (isinstance(following, Head) and at == len(layers) - 1):
            raise UserError(
                f"{matrix.name}: followed by {_kind(following)} after its pools; it must be a threshold, "
                "or the head as the last layer of all"
            )
        else:
            at += 1
        block = _block(
            matrix, len(blocks), network_input, channels, length, sum_pools, threshold, bit_pools
        )
        _check(block)
        blocks.append(block)
        channels, length = block.out_channels, block.out_length
    if not blocks or blocks[-1].threshold is not None:
        raise UserError(
            f"the last layer is {_kind(layers[-1]) if layers else 'nothing'}, it must be head"
        )
    return tuple(blocks)


def _take_pools(layers: tuple[Layer, ...], at: int) -> tuple[tuple[MaxPool, ...], int]:
    pools: list[MaxPool] = []
    while at < len(layers):
        layer = layers[at]
        if not isinstance(layer, MaxPool):
            break
        pools.append(layer)
        at += 1
    return tuple(pools), at


def _block(
    matrix: Conv | Dense,
    index: int,
    network_input: NetworkInput,
    channels: int,
    length: int,
    sum_pools: tuple[MaxPool, ...],
    threshold: Threshold | None,
    bit_pools: tuple[MaxPool, ...],
) -> Block:
    if isinstance(matrix, Dense):
        if matrix.rows.shape[1] != channels * length:
            raise UserError(
                f"{matrix.name}: rows of {matrix.rows.shape[1]} weights, its input has {channels} channels x "
                f"{length} positions = {channels * length}"
            )
        rows, kernel, stride, pad_left, pad_right, pad_value = matrix.rows, length, 1, 0, 0, -1
    else:
        if matrix.in_channels != channels:
            raise UserError(
                f"{matrix.name}: weights for {matrix.in_channels} input channels, its input has {channels}"
            )
        rows, kernel, stride = window_rows(matrix.weights), matrix.kernel, matrix.stride
        rows.setflags(write=False)
        pad_left, pad_right, pad_value = matrix.pad_left, matrix.pad_right, matrix.pad_value
        low, high = (network_input.low, network_input.high) if index == 0 else (-1, 1)
        legal = low <= pad_value <= high if index == 0 else pad_value in (-1, 1)
        if not legal:
            allowed = f"{low} to {high} (an input sample)" if index == 0 else "-1 and +1"
            raise UserError(f"{matrix.name}: padding value is {pad_value}, allowed are {allowed}")
    return Block(
        index=index,
        name=matrix.name,
        rows=rows,
        in_channels=channels,
        in_length=length,
        kernel=kernel,
        stride=stride,
        pad_left=pad_left,
        pad_right=pad_right,
        pad_value=pad_value,
        input_bits=network_input.bits if index == 0 else None,
        sum_pools=sum_pools,
        threshold=threshold,
        bit_pools=bit_pools,
    )


def _check(block: Block) -> None:
    padded = block.in_length + block.pad_left + block.pad_right
    if padded < block.kernel:
        raise UserError(
            f"{block.name}: kernel {block.kernel} is longer than its padded input of {padded} positions"
        )
    length = block.positions
    for pool in block.sum_pools + block.bit_pools:
        if length < pool.size:
            raise UserError(
                f"{block.name}: max_pool of size {pool.size} over {length} positions has no window"
            )
        length = pool.out_length(length)
    if block.threshold is not None:
        if len(block.threshold.accept) != block.out_channels:
            raise UserError(
                f"{block.name}: {len(block.threshold.accept)} accept sets for {block.out_channels} channels"
            )
        for channel, accept in enumerate(block.threshold.accept):
            accept.check_reach(block.reach(channel), f"{block.name}, channel {channel}")


def _kind(layer: object) -> str:
    return "nothing" if layer is None else type(layer).__name__.lower()
