"""bnn_signed_tree: sums of elements with signs of their own, the sign carried beside the sum."""

from __future__ import annotations

import random
from collections.abc import Callable

from sim.common.cases import Bench, Case, Port, packed, signed_value
from sim.common.plain_cell import PlainData, Values, enabled_test


def _judge(count: int, bits: int, sum_bits: int) -> Callable[[Values, Values], str | None]:
    def judge(inputs: Values, outputs: Values) -> str | None:
        want = 0
        for i in range(count):
            element = signed_value(inputs["elements_i"] >> (i * bits) & ((1 << bits) - 1), bits)
            want += -element if inputs["negate_i"] >> i & 1 else element
        magnitude = signed_value(outputs["sum_o"], sum_bits)
        got = -magnitude if outputs["negative_o"] else magnitude
        return None if got == want else f"golden {want}, got {got}"

    return judge


def _case(count: int, bits: int, swap: int) -> Case:
    rng = random.Random(1000 * count + 10 * bits + swap)
    sum_bits = bits + (count - 1).bit_length()
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    elements = [[rng.randint(low, high) for _ in range(count)] for _ in range(60)]
    signs = [rng.getrandbits(count) for _ in elements]
    for extreme in (low, high):
        for sign in (0, (1 << count) - 1, rng.getrandbits(count)):
            elements.append([extreme] * count)
            signs.append(sign)
    return Case(
        f"n{count}_b{bits}_swap{swap}",
        {"Count": count, "Bits": bits, "Swap": swap},
        (
            Port("clk_i"),
            Port("en_i"),
            Port("elements_i", count * bits),
            Port("negate_i", count),
            Port("sum_o", sum_bits, False),
            Port("negative_o", None, False),
        ),
        PlainData(
            [
                {"elements_i": packed(values, bits).value, "negate_i": sign}
                for values, sign in zip(elements, signs, strict=True)
            ],
            ("sum_o", "negative_o"),
            _judge(count, bits, sum_bits),
            (count - 1).bit_length(),
        ),
    )


BENCH = Bench(
    "bnn_signed_tree",
    tuple(
        _case(count, bits, swap)
        for count, bits, swap in (
            (1, 5, 0),
            (2, 2, 0),
            (3, 12, 1),
            (5, 6, 0),
            (7, 12, 0),
            (7, 12, 1),
            (8, 1, 1),
            (13, 16, 0),
        )
    ),
    illegal=({"Count": 0}, {"Bits": 0}),
)

pipeline = enabled_test(BENCH)
