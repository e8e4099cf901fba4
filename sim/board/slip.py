"""The serial side of a board as a host sees it: bits on a line, bytes, SLIP packets (RFC 1055)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cocotb.triggers import FallingEdge, Timer

END, ESCAPE = 0xC0, 0xDB
_ESCAPED = {END: 0xDC, ESCAPE: 0xDD}
_PLAIN = {code: byte for byte, code in _ESCAPED.items()}


def encode(packet: bytes) -> bytes:
    """A packet as it goes over the line, END behind it."""
    line = bytearray()
    for byte in packet:
        line += bytes((ESCAPE, _ESCAPED[byte])) if byte in _ESCAPED else bytes((byte,))
    return bytes(line) + bytes((END,))


def decode(line: Sequence[int]) -> tuple[list[bytes], int]:
    """The packets of a line, and how many escapes it held; the last packet must be closed."""
    packets: list[bytes] = []
    packet = bytearray()
    escapes = 0
    bytes_left = iter(line)
    for byte in bytes_left:
        if byte == END:
            packets.append(bytes(packet))
            packet.clear()
        elif byte == ESCAPE:
            escapes += 1
            packet.append(_PLAIN[next(bytes_left)])
        else:
            packet.append(byte)
    assert not packet, f"the line ends within a packet: {packet.hex()}"
    return packets, escapes


class Line:
    """Both directions of a serial line, 8N1, at a fixed time a bit."""

    def __init__(self, to_board: Any, from_board: Any, bit_ns: float) -> None:
        self._to_board, self._from_board, self._bit_ns = to_board, from_board, bit_ns
        self.received: list[int] = []
        to_board.value = 1

    async def send(self, data: bytes, stop: int = 1) -> None:
        """Send bytes without a gap; ``stop`` 0 makes every stop bit low, which breaks the bytes."""
        for byte in data:
            for bit in (0, *((byte >> i) & 1 for i in range(8)), stop):
                self._to_board.value = bit
                await Timer(self._bit_ns, "ns")
            self._to_board.value = 1
            if not stop:
                await Timer(12 * self._bit_ns, "ns")  # until the receiver has seen an idle line

    async def receive(self) -> None:
        """Collect what the board sends, for ever."""
        while True:
            await FallingEdge(self._from_board)
            await Timer(1.5 * self._bit_ns, "ns")
            byte = 0
            for i in range(8):
                byte |= int(self._from_board.value) << i
                await Timer(self._bit_ns, "ns")
            assert int(self._from_board.value) == 1, "stop bit of the board is low"
            self.received.append(byte)
