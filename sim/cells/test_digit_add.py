"""bnn_digit_add: sums and differences of numbers that come digit by digit."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port
from sim.common.plain_cell import PlainData, Values, enabled_test, equals

_NUMBERS = 30


def _case(bits: int, digits: int, subtract: int) -> Case:
    rng = random.Random(100 * bits + 10 * digits + subtract)
    mask, digit = (1 << bits * digits) - 1, (1 << bits) - 1
    pairs = [(0, 0), (mask, mask), (0, mask), (mask, 0), (0, 1)]
    pairs += [(rng.randint(0, mask), rng.randint(0, mask)) for _ in range(_NUMBERS)]
    inputs: list[Values] = []
    for a, b in pairs:
        total = (a - b if subtract else a + b) & mask
        for place in range(digits):
            parts = (number >> place * bits & digit for number in (a, b, total))
            values = dict(zip(("a_i", "b_i", "want"), parts, strict=True))
            inputs.append({"first_i": int(place == 0), **values})
    return Case(
        f"b{bits}_n{digits}_sub{subtract}",
        {"Bits": bits, "Subtract": subtract},
        (
            *(Port("clk_i"), Port("en_i"), Port("first_i")),
            *(Port("a_i", bits), Port("b_i", bits), Port("sum_o", bits, False)),
        ),
        PlainData(inputs, ("sum_o",), equals(lambda at: {"sum_o": at["want"]}), 1),
    )


BENCH = Bench(
    "bnn_digit_add",
    tuple(_case(*shape) for shape in ((1, 5, 0), (1, 4, 1), (4, 4, 0), (4, 4, 1), (7, 1, 1))),
    illegal=({"Bits": 0}, {"Subtract": 2}),
)

pipeline = enabled_test(BENCH)
