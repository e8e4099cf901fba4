"""Bit order, the one place where it is written.

* A bit 1 stands for +1, a bit 0 for -1.
* A position (one time step between layers) is a word: **bit c is channel c**.
* A window of ``kernel`` positions is a word: **bit ``tap * channels + c`` is channel c of tap
  ``tap``**, and tap 0 is the oldest position (the leftmost weight of the convolution). A weight row
  has the same order, and so has a dense layer, whose taps are its input positions.
* A word becomes bytes little end first (byte 0 holds bits 0 to 7) and hex digits as one number,
  most significant digit first.
* Comparison bits of a layer with two-sided accept sets: **bit ``side * channels + c``**, side 0 is
  ``y >= low``, side 1 is ``y >= high``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError

Bits = npt.NDArray[np.uint8]


def window_rows(weights: Bits) -> Bits:
    """Weight rows in window order.

    Parameters
    ----------
    weights
        ``(out, in, kernel) uint8`` of 0 and 1, as a convolution stores them.

    Returns
    -------
    ``(out, kernel * in) uint8``, column ``tap * in + channel``.
    """
    out_channels, in_channels, kernel = weights.shape
    return np.ascontiguousarray(
        weights.transpose(0, 2, 1).reshape(out_channels, kernel * in_channels)
    )


def conv_weights(rows: Bits, in_channels: int) -> Bits:
    """Inverse of :func:`window_rows`: ``(out, kernel * in)`` to ``(out, in, kernel)``."""
    out_channels, width = rows.shape
    kernel = width // in_channels
    return np.ascontiguousarray(rows.reshape(out_channels, kernel, in_channels).transpose(0, 2, 1))


def row_to_int(row: Bits) -> int:
    """One word as an unsigned integer; ``row[i]`` is bit i."""
    return int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")


def int_to_row(value: int, width: int) -> Bits:
    """Inverse of :func:`row_to_int`: ``(width,) uint8``."""
    raw = np.frombuffer(value.to_bytes((width + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(raw, count=width, bitorder="little")


def row_to_hex(row: Bits) -> str:
    """One word as hex digits, most significant first, ``ceil(width / 4)`` of them."""
    return f"{row_to_int(row):0{(row.size + 3) // 4}x}"


def hex_to_row(text: str, width: int, where: str) -> Bits:
    """Inverse of :func:`row_to_hex`.

    Raises
    ------
    UserError
        When ``text`` has the wrong number of digits, a digit that is not lower-case hex, or a bit
        set beyond ``width``.
    """
    digits = (width + 3) // 4
    if len(text) != digits:
        raise UserError(
            f"{where}: weight row has {len(text)} hex digits, {width} weights take exactly {digits}"
        )
    if any(ch not in "0123456789abcdef" for ch in text):
        raise UserError(f"{where}: weight row {text[:24]!r} holds something else than 0-9a-f")
    value = int(text, 16)
    if value >> width:
        raise UserError(
            f"{where}: weight row {text[:24]!r} has a bit set beyond its {width} weights"
        )
    return int_to_row(value, width)


def pack_bytes(bits: Bits) -> Bits:
    """Words along the last axis as bytes: ``(..., width)`` to ``(..., ceil(width / 8)) uint8``."""
    return np.packbits(bits, axis=-1, bitorder="little")


def unpack_bytes(packed: Bits, width: int) -> Bits:
    """Inverse of :func:`pack_bytes`."""
    return np.unpackbits(packed, axis=-1, count=width, bitorder="little")


def pack_words64(bits: Bits) -> npt.NDArray[np.uint64]:
    """Words along the last axis as 64-bit words: ``(..., width)`` to ``(..., ceil(width / 64)) uint64``."""
    packed = pack_bytes(bits)
    missing = -packed.shape[-1] % 8
    if missing:
        packed = np.concatenate(
            [packed, np.zeros((*packed.shape[:-1], missing), dtype=np.uint8)], axis=-1
        )
    return np.ascontiguousarray(packed).view("<u8").astype(np.uint64, copy=False)
