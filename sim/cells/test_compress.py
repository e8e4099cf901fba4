"""bnn_compress: three vectors that weigh as much as the bits they came from."""

from __future__ import annotations

import random

from sim.common.cases import Bench, Case, Port
from sim.common.plain_cell import PlainData, Values, combinational_test


def _same_weight(inputs: Values, outputs: Values) -> str | None:
    want = inputs["bits_i"].bit_count()
    got = sum(
        weight * outputs[name].bit_count()
        for weight, name in ((1, "ones_o"), (2, "twos_o"), (4, "fours_o"))
    )
    return None if got == want else f"weight {want} became {got}"


def _case(width: int) -> Case:
    rng = random.Random(width)
    columns = (width + 5) // 6
    words = [rng.getrandbits(width) | rng.getrandbits(width) for _ in range(150)]
    words += [rng.getrandbits(width) for _ in range(150)] + [0, (1 << width) - 1]
    return Case(
        f"w{width}",
        {"Width": width},
        (
            Port("bits_i", width),
            *(Port(name, columns, False) for name in ("ones_o", "twos_o", "fours_o")),
        ),
        PlainData(
            [{"bits_i": value} for value in (range(1 << width) if width <= 7 else words)],
            ("ones_o", "twos_o", "fours_o"),
            _same_weight,
        ),
    )


BENCH = Bench(
    "bnn_compress",
    tuple(_case(width) for width in (1, 2, 5, 6, 7, 14, 36, 56, 224)),
    illegal=({"Width": 0},),
)

values = combinational_test(BENCH)
