"""bnn_join: ones plus twice the twos plus four times the fours."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port
from sim.common.plain_cell import PlainData, Values, combinational_test, equals


def _sum(inputs: Values) -> Values:
    return {"count_o": inputs["ones_i"] + 2 * inputs["twos_i"] + 4 * inputs["fours_i"]}


def _case(part_bits: int, count_bits: int) -> Case:
    rng = random.Random(10 * part_bits + count_bits)
    largest = (1 << part_bits) - 1
    drawn = [tuple(rng.randint(0, largest) for _ in range(3)) for _ in range(300)]
    drawn += [(0, 0, 0), (largest, largest, largest), (largest, 0, largest)]
    inputs = [dict(zip(("ones_i", "twos_i", "fours_i"), three, strict=True)) for three in drawn]
    # the caller knows that the count fits
    inputs = [values for values in inputs if _sum(values)["count_o"] >> count_bits == 0]
    return Case(
        f"p{part_bits}_c{count_bits}",
        {"PartBits": part_bits, "CountBits": count_bits},
        (
            *(Port(name, part_bits) for name in ("ones_i", "twos_i", "fours_i")),
            Port("count_o", count_bits, False),
        ),
        PlainData(inputs, ("count_o",), equals(_sum)),
    )


BENCH = Bench(
    "bnn_join",
    tuple(_case(p, c) for p, c in ((1, 3), (1, 2), (2, 4), (2, 5), (3, 6), (3, 5), (6, 9), (7, 9))),
    illegal=({"PartBits": 0}, {"CountBits": 0}),
)

values = combinational_test(BENCH)
