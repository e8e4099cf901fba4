"""bnn_weights: every ROM word at its step, and nothing shared between words."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port, packed
from sim.common.plain_cell import PlainData, Values, combinational_test, equals


def _case(depth: int, width: int) -> Case:
    rng = random.Random(1000 * depth + width + 1)
    words = [rng.getrandbits(width) for _ in range(depth)]

    def word(inputs: Values) -> Values:
        return {"word_o": words[inputs["step_i"]]}

    return Case(
        f"d{depth}_w{width}",
        {"Depth": depth, "Width": width, "Contents": packed(words, width)},
        (Port("step_i", max(1, (depth - 1).bit_length())), Port("word_o", width, False)),
        PlainData([{"step_i": step} for step in range(depth)], ("word_o",), equals(word)),
    )


BENCH = Bench(
    "bnn_weights",
    tuple(_case(d, w) for d, w in ((1, 3), (2, 1), (33, 14), (40, 8), (65, 7), (448, 3))),
    illegal=({"Depth": 0}, {"Width": 0}),
)

values = combinational_test(BENCH)
