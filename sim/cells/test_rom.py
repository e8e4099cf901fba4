"""bnn_rom: every word of the packed contents at its address."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port, packed
from sim.common.plain_cell import PlainData, Values, combinational_test, equals


def _case(depth: int, width: int) -> Case:
    rng = random.Random(1000 * depth + width)
    words = [rng.getrandbits(width) for _ in range(depth)]

    def word(inputs: Values) -> Values:
        return {"data_o": words[inputs["address_i"]]}

    return Case(
        f"d{depth}_w{width}",
        {"Depth": depth, "Width": width, "Contents": packed(words, width)},
        (Port("address_i", max(1, (depth - 1).bit_length())), Port("data_o", width, False)),
        PlainData([{"address_i": a} for a in range(depth)], ("data_o",), equals(word)),
    )


BENCH = Bench(
    "bnn_rom",
    tuple(_case(d, w) for d, w in ((1, 1), (1, 9), (2, 1), (3, 4), (8, 21), (33, 5), (64, 112))),
    illegal=({"Depth": 0}, {"Width": 0}),
)

values = combinational_test(BENCH)
