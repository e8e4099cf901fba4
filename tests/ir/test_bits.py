"""The bit order, written down once more by hand and compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnn_hw.errors import UserError
from bnn_hw.ir.bits import (
    conv_weights,
    hex_to_row,
    int_to_row,
    pack_bytes,
    pack_words64,
    row_to_hex,
    row_to_int,
    unpack_bytes,
    window_rows,
)

rows = (
    st.integers(1, 200)
    .flatmap(lambda width: st.lists(st.integers(0, 1), min_size=width, max_size=width))
    .map(lambda bits: np.array(bits, dtype=np.uint8))
)


def test_window_bit_is_tap_times_channels_plus_channel() -> None:
    weights = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    found = window_rows(weights)
    for out in range(2):
        for channel in range(3):
            for tap in range(5):
                assert found[out, tap * 3 + channel] == weights[out, channel, tap]
    assert np.array_equal(conv_weights(found, 3), weights)


def test_words_are_little_end_first_and_hex_most_significant_first() -> None:
    row = np.array([1, 0, 0, 0, 0, 0, 0, 0, 1, 1], dtype=np.uint8)
    assert row_to_int(row) == 0b11_0000_0001
    assert row_to_hex(row) == "301"
    assert pack_bytes(row).tolist() == [0x01, 0x03]
    assert pack_words64(row).tolist() == [0x301]


@given(rows)
def test_round_trips(row: np.ndarray) -> None:
    width = row.size
    assert row_to_int(row) == sum(int(bit) << at for at, bit in enumerate(row))
    assert np.array_equal(int_to_row(row_to_int(row), width), row)
    assert np.array_equal(hex_to_row(row_to_hex(row), width, "here"), row)
    assert np.array_equal(unpack_bytes(pack_bytes(row), width), row)
    words = pack_words64(row)
    assert words.dtype == np.uint64 and words.size == -(-width // 64)
    assert sum(int(word) << (64 * at) for at, word in enumerate(words)) == row_to_int(row)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_window_rows_round_trip(out: int, channels: int, kernel: int, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 2, (out, channels, kernel)).astype(np.uint8)
    assert np.array_equal(conv_weights(window_rows(weights), channels), weights)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", "1 hex digits, 6 weights take exactly 2"),
        ("003", "3 hex digits"),
        ("3G", "something else than 0-9a-f"),
        ("3A", "something else"),
        (" 3", "something else"),
        ("-3", "something else"),
        ("0x", "something else"),
        ("40", "a bit set beyond its 6 weights"),
    ],
)
def test_bad_rows(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        hex_to_row(text, 6, "here")
