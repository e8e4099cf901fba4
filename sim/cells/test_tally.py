"""bnn_tally: the number of ones, one count a cycle, at the latency its header promises."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port, Wide
from sim.common.plain_cell import PlainData, enabled_test, equals


def _latency(width: int) -> int:
    """A cycle for the leaves of 18 bits, one for each level of adders, which take a bit each."""
    leaves = -(-(width + 1) // 19)
    return 1 + (leaves - 1).bit_length()


def _case(width: int) -> Case:
    rng = random.Random(width)
    words = [rng.getrandbits(width) | rng.getrandbits(width) for _ in range(40)]
    words += [rng.getrandbits(width) for _ in range(40)] + [0, (1 << width) - 1]
    invert = rng.getrandbits(width)
    return Case(
        f"w{width}",
        {"Width": width, "Invert": Wide(width, invert)},
        (
            Port("clk_i"),
            Port("en_i"),
            Port("bits_i", width),
            Port("count_o", width.bit_length(), False),
        ),
        PlainData(
            [{"bits_i": value} for value in words],
            ("count_o",),
            equals(lambda inputs: {"count_o": (inputs["bits_i"] ^ invert).bit_count()}),
            _latency(width),
        ),
    )


BENCH = Bench(
    "bnn_tally",
    tuple(_case(width) for width in (1, 6, 18, 19, 37, 38, 42, 57, 99, 112, 113, 448, 700)),
    illegal=({"Width": 0},),
)

pipeline = enabled_test(BENCH)
