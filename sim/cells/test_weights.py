"""bnn_weights: every ROM word a cycle after its step, from LUTs, block RAM or both."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port, packed
from sim.common.plain_cell import PlainData, Values, enabled_test, equals


def _case(depth: int, width: int, block_bits: int) -> Case:
    rng = random.Random(1000 * depth + width + 1)
    words = [rng.getrandbits(width) for _ in range(depth)]
    steps = [*range(depth), *(rng.randrange(depth) for _ in range(20))]

    def word(inputs: Values) -> Values:
        return {"word_o": words[inputs["step_i"]]}

    return Case(
        f"d{depth}_w{width}_b{block_bits}",
        {
            "Depth": depth,
            "Width": width,
            "BlockBits": block_bits,
            "Contents": packed(words, width),
        },
        (
            *(Port("clk_i"), Port("en_i")),
            Port("step_i", max(1, (depth - 1).bit_length())),
            Port("word_o", width, False),
        ),
        PlainData([{"step_i": step} for step in steps], ("word_o",), equals(word), 1),
    )


_SHAPES = ((2, 1, 0), (33, 14, 0), (65, 7, 0), (448, 3, 0))
_BLOCK_SHAPES = ((2, 1, 1), (16, 36, 36), (40, 8, 8), (33, 14, 5), (65, 7, 6), (700, 3, 3))

BENCH = Bench(
    "bnn_weights",
    tuple(_case(*shape) for shape in (*_SHAPES, *_BLOCK_SHAPES)),
    illegal=({"Depth": 0}, {"Width": 0}, {"BlockBits": -1}, {"BlockBits": 9}),
)

pipeline = enabled_test(BENCH)
