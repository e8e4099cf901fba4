"""bnn_products: XNOR of the input bits with the weights of a fold step, lane by lane."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from bnn_hw.generate.folding import Fold
from bnn_hw.generate.plan import rom_words
from bnn_hw.ir.bits import row_to_int
from sim.common.blocks import Bits, random_bits
from sim.common.cases import Bench, Case, Port, packed
from sim.common.plain_cell import PlainData, Values, combinational_test


def _judge(
    words: tuple[int, ...], pe: int, simd: int, columns: int, slices: int, ways: int
) -> Callable[[Values, Values], str | None]:
    def judge(inputs: Values, outputs: Values) -> str | None:
        word = words[inputs["step_i"]]
        bits = inputs["bits_i"] >> (inputs["step_i"] % slices * simd)
        for lane in range(pe):
            weights = word >> (lane * simd) & ((1 << simd) - 1)
            products = ~(bits ^ weights) & ((1 << simd) - 1)
            ones, twos = (
                outputs[name] >> (lane * columns) & ((1 << columns) - 1)
                for name in ("ones_o", "twos_o")
            )
            if ways == 1 and (ones, twos) != (products, 0):
                return f"lane {lane}: golden {products:#x}, got {ones:#x} and {twos:#x}"
            got = ones.bit_count() + 2 * twos.bit_count()
            if got != products.bit_count():
                return f"lane {lane}: golden {products.bit_count()} ones, got {got}"
        return None

    return judge


def _case(depth: int, pe: int, simd: int, ways: int, slices: int = 1) -> Case:
    rng = random.Random(1000 * depth + 100 * pe + 10 * simd + ways)
    rows: Bits = random_bits(np.random.default_rng([depth, pe, simd]), pe * depth, simd)
    words = rom_words(rows, Fold(pe, simd))
    columns = -(-simd // ways)
    own = [row_to_int(row) for row in rows[:2]]
    width = slices * simd
    inputs = [
        {"step_i": step, "bits_i": bits}
        for step in range(depth)
        for bits in (0, (1 << width) - 1, *own, *(rng.getrandbits(width) for _ in range(6)))
    ]
    return Case(
        f"d{depth}_pe{pe}_simd{simd}_s{slices}_w{ways}",
        {
            "Depth": depth,
            "Pe": pe,
            "Simd": simd,
            "Slices": slices,
            "Ways": ways,
            "Weights": packed(words, pe * simd),
        },
        (
            Port("step_i", max(1, (depth - 1).bit_length())),
            Port("bits_i", width),
            Port("ones_o", pe * columns, False),
            Port("twos_o", pe * columns, False),
        ),
        PlainData(inputs, ("ones_o", "twos_o"), _judge(words, pe, simd, columns, slices, ways)),
    )


BENCH = Bench(
    "bnn_products",
    tuple(
        _case(*shape)
        for shape in (
            (1, 1, 1, 1),
            (2, 3, 7, 1),
            (8, 2, 21, 3),
            (6, 2, 4, 3),
            (5, 1, 1, 3),
            (32, 2, 14, 1),
            (48, 1, 5, 3),
            (16, 3, 9, 1, 2),
            (2, 1, 4, 3, 2),
        )
    ),
    illegal=({"Depth": 0}, {"Pe": 0}, {"Simd": 0}, {"Ways": 2}, {"Slices": 3}),
)

values = combinational_test(BENCH)
