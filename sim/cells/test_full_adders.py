"""bnn_full_adders: products with a weight word, three of a lane in two bits."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port
from sim.common.plain_cell import PlainData, Values, combinational_test


def _case(pe: int, simd: int) -> Case:
    rng = random.Random(100 * pe + simd)
    columns = -(-simd // 3)
    mask = (1 << simd) - 1

    def judge(inputs: Values, outputs: Values) -> str | None:
        for lane in range(pe):
            products = ~(inputs["bits_i"] ^ inputs["word_i"] >> lane * simd) & mask
            ones, twos = (
                outputs[name] >> lane * columns & (1 << columns) - 1
                for name in ("ones_o", "twos_o")
            )
            got = ones.bit_count() + 2 * twos.bit_count()
            if got != products.bit_count():
                return f"lane {lane}: golden {products.bit_count()}, got {got}"
        return None

    words = [0, (1 << pe * simd) - 1, *(rng.getrandbits(pe * simd) for _ in range(60))]
    return Case(
        f"pe{pe}_simd{simd}",
        {"Pe": pe, "Simd": simd},
        (
            *(Port("bits_i", simd), Port("word_i", pe * simd)),
            *(Port("ones_o", pe * columns, False), Port("twos_o", pe * columns, False)),
        ),
        PlainData(
            [{"bits_i": rng.getrandbits(simd), "word_i": word} for word in words],
            ("ones_o", "twos_o"),
            judge,
        ),
    )


BENCH = Bench(
    "bnn_full_adders",
    tuple(_case(*shape) for shape in ((1, 1), (2, 4), (3, 7), (1, 42))),
    illegal=({"Pe": 0}, {"Simd": 0}),
)

values = combinational_test(BENCH)
