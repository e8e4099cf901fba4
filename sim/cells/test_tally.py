"""bnn_tally: the number of ones, one count a cycle, at the latency its header promises."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port
from sim.common.plain_cell import PlainData, enabled_test, equals


def _latency(width: int) -> int:
    """One cycle up to 18 bits, two more for each sixfold of that."""
    return 1 if width <= 18 else 2 + _latency((width + 5) // 6)


def _case(width: int) -> Case:
    rng = random.Random(width)
    words = [rng.getrandbits(width) | rng.getrandbits(width) for _ in range(40)]
    words += [rng.getrandbits(width) for _ in range(40)] + [0, (1 << width) - 1]
    return Case(
        f"w{width}",
        {"Width": width},
        (
            Port("clk_i"),
            Port("en_i"),
            Port("bits_i", width),
            Port("count_o", width.bit_length(), False),
        ),
        PlainData(
            [{"bits_i": value} for value in words],
            ("count_o",),
            equals(lambda inputs: {"count_o": inputs["bits_i"].bit_count()}),
            _latency(width),
        ),
    )


BENCH = Bench(
    "bnn_tally",
    tuple(_case(width) for width in (1, 6, 18, 19, 42, 99, 108, 109, 448, 700)),
    illegal=({"Width": 0},),
)

pipeline = enabled_test(BENCH)
