"""Constants found in RTL or C++ against those of the network, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.generate.plan import StagePlan
from bnn_hw.ir import Block
from bnn_hw.ir.bits import Bits
from bnn_hw.verify.verdict import Tally

Values = npt.NDArray[Any]


def compare_stage(
    tally: Tally,
    where: str,
    stage: StagePlan,
    block: Block,
    weights: Bits | None,
    thresholds: Values | None,
    invert: Values | None,
) -> None:
    """Count weights ``(out, fan_in)``, thresholds (side, channel) and polarities of one layer.

    ``thresholds`` and ``invert`` may have any shape in that order; they are None in the last layer,
    and ``weights`` is None when what was found has another shape than the layer.
    """
    if weights is None:
        tally.add(
            0, block.rows.size, f"{where}.weights: not those of PE {stage.pe}, SIMD {stage.simd}"
        )
    else:
        wrong = np.argwhere(weights != block.rows)
        first = None
        if len(wrong):
            channel, element = (int(i) for i in wrong[0])
            tap, source = divmod(element, block.in_channels)
            first = (
                f"{where}.weights, channel {channel}, tap {tap}, input channel {source}: network "
                f"{block.rows[channel, element]}, got {weights[channel, element]}"
            )
        tally.add(block.rows.size, len(wrong), first)
    if thresholds is not None and invert is not None:
        wanted = np.array(stage.thresholds, dtype=object)
        compare_numbers(
            tally, f"{where}.thresholds", "channel", wanted, thresholds, stage.out_channels
        )
        polarity = np.array(stage.invert, dtype=object)
        compare_numbers(tally, f"{where}.invert", "channel", polarity, invert)


def compare_numbers(
    tally: Tally, where: str, index: str, wanted: Values, found: Values, period: int | None = None
) -> None:
    """Count numbers in one order; with ``period`` the index is told as a side and a channel."""
    got = found.reshape(-1)
    if len(got) != len(wanted):
        tally.add(0, max(1, len(wanted)), f"{where}: {len(got)} values, network has {len(wanted)}")
        return
    wrong = [i for i in range(len(wanted)) if int(wanted[i]) != int(got[i])]
    first = None
    if wrong:
        at = wrong[0]
        place = f"{index} {at}" if period is None else f"{index} {at % period}, side {at // period}"
        first = f"{where}, {place}: network {wanted[at]}, got {got[at]}"
    tally.add(len(wanted), len(wrong), first)
