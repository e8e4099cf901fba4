"""bnn_popcount: the number of ones, every value where there are few and random ones where not, some inverted."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port, Wide
from sim.common.plain_cell import PlainData, combinational_test, equals


def _case(width: int) -> Case:
    rng = random.Random(width)
    # few, half and many ones: a carry that is lost shows with many
    words = [rng.getrandbits(width) for _ in range(150)]
    words += [rng.getrandbits(width) | rng.getrandbits(width) for _ in range(75)]
    words += [1 << i for i in range(width)] + [0, (1 << width) - 1]
    values = range(1 << width) if width <= 8 else words
    invert = rng.getrandbits(width)
    return Case(
        f"w{width}",
        {"Width": width, "Invert": Wide(width, invert)},
        (Port("bits_i", width), Port("count_o", width.bit_length(), False)),
        PlainData(
            [{"bits_i": value} for value in values],
            ("count_o",),
            equals(lambda inputs: {"count_o": (inputs["bits_i"] ^ invert).bit_count()}),
        ),
    )


BENCH = Bench(
    "bnn_popcount",
    tuple(_case(width) for width in (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 17, 18)),
    illegal=({"Width": 0}, {"Width": 19}),
)

values = combinational_test(BENCH)
