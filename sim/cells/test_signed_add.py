"""bnn_signed_add: a sum of two numbers whose signs are carried beside them."""

from __future__ import annotations

import random
from collections.abc import Callable

from sim.common.cases import Bench, Case, Port, signed_value
from sim.common.plain_cell import PlainData, Values, enabled_test


def _judge(bits: int, swap: int) -> Callable[[Values, Values], str | None]:
    def judge(inputs: Values, outputs: Values) -> str | None:
        operands = [
            -value if inputs[f"{side}_negative_i"] else value
            for side in ("low", "high")
            for value in [signed_value(inputs[f"{side}_i"], bits)]
        ]
        magnitude = signed_value(outputs["sum_o"], bits + 1)
        got = -magnitude if outputs["negative_o"] else magnitude
        if got != sum(operands):
            return f"golden {sum(operands)}, got {got}"
        if swap and outputs["negative_o"] and not inputs["high_negative_i"]:
            return "the sign is carried on although one operand is positive"
        return None

    return judge


def _case(bits: int, swap: int) -> Case:
    rng = random.Random(10 * bits + swap)
    largest = (1 << bits) - 1
    extremes = [0, largest, largest >> 1, (largest >> 1) + 1]
    pairs = [(low, high) for low in extremes for high in extremes]
    pairs += [(rng.randint(0, largest), rng.randint(0, largest)) for _ in range(30)]
    return Case(
        f"b{bits}_swap{swap}",
        {"Bits": bits, "Swap": swap},
        (
            Port("clk_i"),
            Port("en_i"),
            Port("low_i", bits),
            Port("low_negative_i"),
            Port("high_i", bits),
            Port("high_negative_i"),
            Port("sum_o", bits + 1, False),
            Port("negative_o", None, False),
        ),
        PlainData(
            [
                {"low_i": low, "high_i": high, "low_negative_i": a, "high_negative_i": b}
                for low, high in pairs
                for a in (0, 1)
                for b in (0, 1)
            ],
            ("sum_o", "negative_o"),
            _judge(bits, swap),
            1,
        ),
    )


BENCH = Bench(
    "bnn_signed_add",
    tuple(_case(bits, swap) for bits in (1, 2, 6, 13) for swap in (0, 1)),
    illegal=({"Bits": 0},),
)

pipeline = enabled_test(BENCH)
