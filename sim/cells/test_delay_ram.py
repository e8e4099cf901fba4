"""bnn_delay_ram: what went in comes out after as many enabled cycles as the line is deep."""

from __future__ import annotations

import random

from sim.common.cases import CLOCKED, Bench, Case, Port
from sim.common.plain_cell import PlainData, enabled_test, equals


def _case(width: int, depth: int) -> Case:
    rng = random.Random(100 * width + depth)
    words = [rng.getrandbits(width) for _ in range(60)]
    return Case(
        f"w{width}_d{depth}",
        {"Width": width, "Depth": depth},
        (*CLOCKED, Port("en_i"), Port("data_i", width), Port("data_o", width, False)),
        PlainData(
            [{"data_i": word} for word in words],
            ("data_o",),
            equals(lambda inputs: {"data_o": inputs["data_i"]}),
            depth,
        ),
    )


BENCH = Bench(
    "bnn_delay_ram",
    tuple(_case(w, d) for w, d in ((1, 2), (9, 3), (1, 4), (4, 5), (33, 17), (2, 32))),
    illegal=({"Width": 0}, {"Depth": 1}),
)

pipeline = enabled_test(BENCH)
