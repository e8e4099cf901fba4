"""bnn_delay: what went in comes out after as many enabled cycles as the line is deep."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port
from sim.common.plain_cell import PlainData, enabled_test, equals


def _case(width: int, depth: int) -> Case:
    rng = random.Random(100 * width + depth)
    words = [rng.getrandbits(width) for _ in range(60)]
    return Case(
        f"w{width}_d{depth}",
        {"Width": width, "Depth": depth},
        (Port("clk_i"), Port("en_i"), Port("data_i", width), Port("data_o", width, False)),
        PlainData(
            [{"data_i": word} for word in words],
            ("data_o",),
            equals(lambda inputs: {"data_o": inputs["data_i"]}),
            depth,
        ),
    )


BENCH = Bench(
    "bnn_delay",
    tuple(_case(w, d) for w, d in ((1, 1), (9, 1), (1, 2), (4, 3), (33, 5), (2, 17))),
    illegal=({"Width": 0}, {"Depth": 0}),
)

pipeline = enabled_test(BENCH)
