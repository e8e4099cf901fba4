"""bnn_count_add: a count and up to six more bits, every value."""

from __future__ import annotations

from sim.common.cases import Bench, Case, Port, Wide
from sim.common.plain_cell import PlainData, combinational_test, equals


def _case(width: int, in_bits: int, most: int, invert: int) -> Case:
    out_bits = max(in_bits, (most + width).bit_length())
    return Case(
        f"w{width}_b{in_bits}_i{invert}",
        {"Width": width, "InBits": in_bits, "OutBits": out_bits, "Invert": Wide(width, invert)},
        (
            Port("count_i", in_bits),
            Port("bits_i", width),
            Port("count_o", out_bits, False),
        ),
        PlainData(
            [
                {"count_i": count, "bits_i": value}
                for count in range(most + 1)
                for value in range(1 << width)
            ],
            ("count_o",),
            equals(
                lambda inputs: {
                    "count_o": inputs["count_i"] + (inputs["bits_i"] ^ invert).bit_count()
                }
            ),
        ),
    )


BENCH = Bench(
    "bnn_count_add",
    (
        _case(6, 3, 6, 0),
        _case(6, 3, 6, 0x2A),
        _case(6, 4, 12, 0x15),
        _case(5, 4, 12, 0),
        _case(3, 3, 6, 5),
        _case(2, 3, 6, 0),
        _case(1, 4, 12, 1),
        _case(1, 3, 7, 0),
    ),
    illegal=({"Width": 0}, {"Width": 7}, {"InBits": 2}, {"OutBits": 2}),
)

values = combinational_test(BENCH)
