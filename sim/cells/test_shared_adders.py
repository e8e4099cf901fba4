"""bnn_shared_adders: products with constant weights, three of a lane as two bits that lanes share."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port, Wide
from sim.common.plain_cell import PlainData, Values, enabled_test


def _case(pe: int, simd: int, weights: list[int] | None = None) -> Case:
    rng = random.Random(100 * pe + simd)
    columns = -(-simd // 3)
    lanes = weights or [rng.getrandbits(simd) for _ in range(pe)]
    mask = (1 << simd) - 1

    def judge(inputs: Values, outputs: Values) -> str | None:
        for lane, own in enumerate(lanes):
            products = ~(inputs["bits_i"] ^ own) & mask
            ones, twos = (outputs[name] >> lane * columns for name in ("ones_o", "twos_o"))
            for column in range(columns):
                count = (products >> 3 * column & 7).bit_count()
                got = (ones >> column & 1) + 2 * (twos >> column & 1)
                if 3 * column + 3 <= simd and not own >> 3 * column & 1:
                    got = 3 - got
                if got != count:
                    return f"lane {lane}, column {column}: golden {count}, got {got}"
        return None

    bits = [0, mask, *(rng.getrandbits(simd) for _ in range(60))]
    return Case(
        f"pe{pe}_simd{simd}" + "_all" * (weights is not None),
        {
            "Pe": pe,
            "Simd": simd,
            "Weights": Wide(pe * simd, sum(own << p * simd for p, own in enumerate(lanes))),
        },
        (
            *(Port("clk_i"), Port("en_i"), Port("bits_i", simd)),
            *(Port("ones_o", pe * columns, False), Port("twos_o", pe * columns, False)),
        ),
        PlainData([{"bits_i": value} for value in bits], ("ones_o", "twos_o"), judge, 1),
    )


BENCH = Bench(
    "bnn_shared_adders",
    (
        *(_case(*shape) for shape in ((1, 1), (2, 2), (3, 5), (4, 7), (20, 27))),
        _case(8, 3, list(range(8))),  # every pattern of a column of three, two and one
        _case(4, 2, list(range(4))),
        _case(2, 1, [0, 1]),
    ),
    illegal=({"Pe": 0}, {"Simd": 0}),
)

pipeline = enabled_test(BENCH)
