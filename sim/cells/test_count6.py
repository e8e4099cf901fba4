"""bnn_count6: the number of ones among one to six bits, some inverted, every value."""

from __future__ import annotations

from sim.common.cases import Bench, Case, Port, Wide
from sim.common.plain_cell import PlainData, combinational_test, equals


def _case(width: int, invert: int) -> Case:
    return Case(
        f"w{width}_i{invert}",
        {"Width": width, "Invert": Wide(width, invert)},
        (Port("bits_i", width), Port("count_o", width.bit_length(), False)),
        PlainData(
            [{"bits_i": value} for value in range(1 << width)],
            ("count_o",),
            equals(lambda inputs: {"count_o": (inputs["bits_i"] ^ invert).bit_count()}),
        ),
    )


BENCH = Bench(
    "bnn_count6",
    tuple(
        _case(width, invert)
        for width, invert in ((1, 0), (1, 1), (2, 2), (3, 0), (4, 9), (5, 3), (6, 0), (6, 0x2D))
    ),
    illegal=({"Width": 0}, {"Width": 7}),
)

values = combinational_test(BENCH)
