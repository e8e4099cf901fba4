"""bnn_digit_tree: sums of elements with constant weights, digit by digit, whatever lanes share."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port, packed
from sim.common.plain_cell import PlainData, Values, enabled_test, equals

_NUMBERS = 12


def _case(lanes: int, count: int, bits: int, digits: int) -> Case:
    rng = random.Random(1000 * lanes + 100 * count + bits)
    rows = [rng.getrandbits(count) for _ in range(lanes)]
    if lanes > 3:
        rows[1], rows[3] = rows[0], ~rows[2] & ((1 << count) - 1)  # equal and opposite lanes
    mask, digit = (1 << bits * digits) - 1, (1 << bits) - 1
    inputs: list[Values] = []
    for _ in range(_NUMBERS):
        elements = [rng.randint(0, mask) for _ in range(count)]
        sums = [
            sum(v if row >> e & 1 == row & 1 else -v for e, v in enumerate(elements))
            for row in rows
        ]
        for place in range(digits):
            now, want = (
                packed([number >> place * bits & digit for number in numbers], bits).value
                for numbers in (elements, sums)
            )
            inputs.append({"first_i": int(place == 0), "elements_i": now, "want": want})
    return Case(
        f"l{lanes}_c{count}_b{bits}_n{digits}",
        {"Lanes": lanes, "Count": count, "Bits": bits, "Weights": packed(rows, count)},
        (
            *(Port("clk_i"), Port("en_i"), Port("first_i"), Port("elements_i", count * bits)),
            *(Port("first_o", None, False), Port("sums_o", lanes * bits, False)),
        ),
        PlainData(
            inputs,
            ("first_o", "sums_o"),
            equals(lambda at: {"first_o": at["first_i"], "sums_o": at["want"]}),
            (count - 1).bit_length(),
        ),
    )


BENCH = Bench(
    "bnn_digit_tree",
    tuple(_case(*shape) for shape in ((1, 1, 3, 2), (4, 2, 4, 3), (5, 7, 1, 9), (16, 16, 4, 4))),
    illegal=({"Lanes": 0}, {"Count": 0}, {"Bits": 0}),
)

pipeline = enabled_test(BENCH)
