"""What each cell of an accelerator is made of, as numbers that a fold changes.

Reads a block and its fold; gives one :class:`CellTerms` a cell: how many products, window bits,
compared bits and so on it holds. :mod:`bnn_hw.generate.estimate` weighs them with coefficients that
``benchmarks/estimate.py`` fits to synthesised cells. Only counts stand here, no coefficient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bnn_hw.generate.folding import accumulator_bits, coefficient_steps
from bnn_hw.generate.plan import sum_widths
from bnn_hw.ir.layers import MaxPool, signed_bits
from bnn_hw.ir.network import Network

LUT_ROM_DEPTH = 64
# A LUT6 is a 4:1 multiplexer.
LUT_WAYS = 4
# Bits from which synthesis takes LUT RAM for a FIFO of two words, and for a deeper one.
_RAM_BITS = 28
_DEEP_RAM_BITS = 16
# Words up to which that is LUT RAM and not block RAM.
_LUT_RAM_DEPTH = 64
# Bits of a block RAM of 18 kbit, and words below which it gets no wider.
_BLOCK_BITS = 18 * 1024
_BLOCK_WORDS = 512
# Entries from which it takes shift-register LUTs for a delay line, and how many one holds.
_SHIFT_ENTRIES = 3
_SHIFT_DEPTH = 32
# Bits of a popcount without a register on the way (rtl/bnn_popcount.sv).
_LEAF_BITS = 18


@dataclass(frozen=True)
class CellTerms:
    """One cell: its instance name, the model it follows, and the model's terms."""

    instance: str
    kind: str
    terms: Mapping[str, float]


def count_bits(modulus: int) -> int:
    """Bits of a counter modulo ``modulus``; 0 for a constant."""
    return (modulus - 1).bit_length()


def block_ram_width(words: int) -> int:
    """Bits of a ROM of ``words`` that a block RAM of 18 kbit holds: up to 36; 0 where it takes several."""
    return _BLOCK_BITS // max(_BLOCK_WORDS, 1 << count_bits(words))


def block_rams(bits: int, words: int) -> int:
    """Block RAMs of 18 kbit in a ROM of ``words``."""
    if bits == 0:
        return 0
    width = block_ram_width(words)
    return -(-bits // width) if width else bits * -(-words // _BLOCK_BITS)


def fifo(instance: str, width: int, depth: int) -> CellTerms:
    """``bnn_fifo``: registers where its words are few and narrow, else LUT RAM or block RAM."""
    pointers = 2 * count_bits(depth) + count_bits(depth + 1)
    if width * depth < (_RAM_BITS if depth <= 2 else _DEEP_RAM_BITS):
        terms = {"cell": 1, "bit": width * depth, "pointer": pointers}
        return CellTerms(instance, "fifo_registers", terms)
    if depth > _LUT_RAM_DEPTH:
        terms = {"cell": 1, "bit": width, "pointer": pointers, "block": -(-width // 36)}
        return CellTerms(instance, "fifo_block", terms)
    # One LUT RAM cell is 32 words of six bits.
    terms = {"cell": 1, "pointer": pointers, "ram": -(-width // 6) * -(-depth // 32)}
    return CellTerms(instance, "fifo_ram", terms)


def _line(bits: int, entries: int) -> dict[str, int]:
    """``bnn_delay``: flip-flops where it is short, else shift-register LUTs."""
    if entries < _SHIFT_ENTRIES:
        return {"line_bit": bits * entries, "line_ram": 0}
    return {"line_bit": 0, "line_ram": bits * -(-entries // _SHIFT_DEPTH)}


def tally_terms(width: int) -> dict[str, int]:
    """``bnn_tally``: what one popcount of ``width`` bits holds; lanes share nothing of it."""
    bits = width.bit_length()
    if width <= _LEAF_BITS:
        # A LUT an output bit of the first six; an adder of up to six more takes one for each bit that
        # their number has without the carry in.
        added = [min(width - taken, 6) - 1 for taken in range(6, width, 6)]
        luts = min(width, 6).bit_length() + sum(more.bit_length() for more in added)
        return {"tally_lut": luts, "tally_register": bits, "wait_bit": 0, "wait_ram": 0}
    leaves = (width + 19) // 19
    low_leaves = (leaves + 1) // 2
    low = min(19 * low_leaves - 1, width - 2)
    high = width - low - 1
    low_height = count_bits(low_leaves)
    early = low_height - count_bits(leaves - low_leaves)
    waits = _line(1, 1 + low_height), _line(high.bit_length(), early)
    own = {
        # Above the shorter operand the carry chain alone goes on.
        "tally_lut": high.bit_length(),
        "tally_register": bits,
        "wait_bit": sum(wait["line_bit"] for wait in waits),
        "wait_ram": sum(wait["line_ram"] for wait in waits),
    }
    below = tally_terms(low), tally_terms(high)
    return {name: count + sum(half[name] for half in below) for name, count in own.items()}


def pool_cells(
    instance: str, pools: tuple[MaxPool, ...], length: int, lanes: int, lane_bits: int, beats: int
) -> Iterator[CellTerms]:
    """``bnn_pool`` one after the other on ``lanes`` lanes; the first one takes ``length`` positions."""
    for number, pool in enumerate(pools, start=1):
        open_windows = -(-(pool.size - 1) // pool.stride)
        bits = lanes * lane_bits
        terms = {
            "cell": 1,
            "bit": bits,
            "open_bit": bits * open_windows,
            "counter": count_bits(length) + count_bits(pool.stride) + count_bits(beats),
            **_line(bits * open_windows, beats),
        }
        kind = "pool_bits" if lane_bits == 1 else "pool_sums"
        yield CellTerms(f"{instance}{number}", kind, terms)
        length = pool.out_length(length)


def head_terms(network: Network, lanes: int, beats: int, step_pairs: int = 1) -> CellTerms:
    """``bnn_head`` behind a last stage of ``lanes`` lanes and ``beats`` beats a position.

    It takes ``step_pairs`` pairs of coefficient bits a cycle.
    """
    head, last = network.head, network.blocks[-1]
    acc_bits = accumulator_bits(last, network.head_terms)
    peak_bits = lanes * sum_widths(last)[1] if head.peak_weight else 0
    class_steps = coefficient_steps(head, step_pairs)
    steps = network.classes * class_steps
    counters = (
        last.head_length,
        beats,
        network.classes,
        network.classes,
        lanes,
        steps,
        class_steps,
    )
    terms = {
        "cell": 1,
        "accumulate": lanes * acc_bits,
        "select": 2 * acc_bits * -(-lanes // LUT_WAYS) if lanes > 1 else 0,
        "term_bit": (2 * step_pairs - 1) * acc_bits,
        "score_bit": network.score_bits,
        "coefficient": 4 * step_pairs * -(-steps // LUT_ROM_DEPTH),
        "offset": signed_bits(head.offset) * -(-network.classes // LUT_ROM_DEPTH),
        "counter": sum(map(count_bits, counters)),
        "peak": lanes * acc_bits if head.peak_weight else 0,
        "peak_bit": peak_bits,
        **_line(2 * lanes * acc_bits + peak_bits, beats),
    }
    return CellTerms("u_bnn_head", "head", terms)


def framer_terms(network: Network, samples_per_beat: int = 1) -> CellTerms:
    """``bnn_framer``."""
    of = network.input
    lanes = of.channels * samples_per_beat
    terms = {
        "cell": 1,
        "sample_bit": lanes * of.bits,
        "check_bit": lanes * (17 - of.bits),
        "counter": count_bits(of.samples // samples_per_beat),
    }
    return CellTerms("u_bnn_framer", "framer", terms)


def error_fifo_terms() -> CellTerms:
    """The FIFO of the framer's verdicts: one bit wide, always the same depth."""
    return CellTerms("u_bnn_error_fifo", "error_fifo", {"cell": 1})
