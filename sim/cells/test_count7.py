"""bnn_count7: the number of ones among one to seven bits, every value."""

from __future__ import annotations

from sim.common.cases import Bench, Case, Port
from sim.common.plain_cell import PlainData, combinational_test, equals


def _case(width: int) -> Case:
    return Case(
        f"w{width}",
        {"Width": width},
        (Port("bits_i", width), Port("count_o", width.bit_length(), False)),
        PlainData(
            [{"bits_i": value} for value in range(1 << width)],
            ("count_o",),
            equals(lambda inputs: {"count_o": inputs["bits_i"].bit_count()}),
        ),
    )


BENCH = Bench(
    "bnn_count7",
    tuple(_case(width) for width in range(1, 8)),
    illegal=({"Width": 0}, {"Width": 8}),
)

values = combinational_test(BENCH)
