from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bnn_hw.generate import folding
from bnn_hw.generate.plan import build_plan, rom_words
from bnn_hw.generate.solver import solve
from bnn_hw.ir import popcount_threshold
from tests.reference import reference_network
from tests.strategies import networks


@settings(max_examples=40, deadline=None)
@given(network=networks(), data=st.data())
def test_rom_words_follow_the_fold_order(network, data):
    block = data.draw(st.sampled_from(network.blocks))
    fold = data.draw(st.sampled_from(folding.legal_folds(block)))
    nf, sf = block.out_channels // fold.pe, block.fan_in // fold.simd
    words = rom_words(block.rows, fold)
    assert len(words) == nf * sf
    for nf_i in range(nf):
        for sf_i in range(sf):
            for p in range(fold.pe):
                for j in range(fold.simd):
                    bit = words[nf_i * sf + sf_i] >> (p * fold.simd + j) & 1
                    assert bit == block.rows[nf_i * fold.pe + p, sf_i * fold.simd + j]


@settings(max_examples=60, deadline=None)
@given(network=networks())
def test_hardware_thresholds_accept_the_same_sums_and_fit_their_width(network):
    plan = build_plan(network, folding.fastest(network))
    for block, stage in zip(network.blocks, plan.stages, strict=True):
        if stage.is_last:
            assert stage.thresholds == ()
            continue
        for channel, accept in enumerate(block.threshold.accept):
            sums = block.reach(channel).values()
            seen = sums if stage.is_first else (sums + block.fan_in) // 2
            low = seen >= stage.thresholds[channel]
            high = np.zeros_like(low)
            if stage.sides == 2:
                high = seen >= stage.thresholds[stage.out_channels + channel]
            decided = (low & ~high) ^ bool(stage.invert[channel])
            assert np.array_equal(decided, accept.accepts(sums))
        for value in (*stage.thresholds, 0 if not stage.is_first else -1):
            if stage.is_first:
                assert -(1 << (stage.sum_bits - 1)) <= value < 1 << (stage.sum_bits - 1)
            else:
                assert 0 <= value < 1 << stage.sum_bits


def test_popcount_threshold_against_the_sum_for_every_fan_in_up_to_64():
    for fan_in in range(1, 65):
        popcounts = np.arange(fan_in + 1)
        sums = 2 * popcounts - fan_in
        for bound in range(-fan_in, fan_in + 2):
            threshold = popcount_threshold(bound, fan_in)
            assert np.array_equal(popcounts >= threshold, sums >= bound)


def test_reference_plan():
    network = reference_network()
    plan = build_plan(network, solve(network, 3700))
    assert plan.cycles <= 3700
    assert [s.positions for s in plan.stages] == [1802, 902, 452, 227, 115, 59]
    assert [s.out_positions for s in plan.stages] == [898, 448, 223, 111, 55, 27]
    assert [s.window_bits for s in plan.stages] == [56, 56, 112, 224, 224, 448]
    assert plan.stages[0].pad_word == 0xFF  # -1 as an 8-bit sample
    assert plan.stages[1].pad_word == 0  # -1 as bits
    assert plan.head.positions == 27
    assert plan.result_bits == 32
