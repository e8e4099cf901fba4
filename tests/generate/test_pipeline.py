"""Room behind a pipeline that nothing stalls: no pattern of windows and stalls writes over a word."""

from __future__ import annotations

from itertools import product

import pytest

from bnn_hw.cli.models import find_model, shipped_models
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.folding import Fold, legal_folds
from bnn_hw.generate.pipeline import cut_depth, mvu_latency, narrow_factor, skid_words
from bnn_hw.ir.blocks import Block


def most_words(block: Block, fold: Fold, depth: int, skid: int, stop: int) -> int:
    """Most words that ``u_cut`` ever has to hold, over every way to start steps and to take words.

    Cycle by cycle as the RTL: a step starts where ready is high, its beat's words are written
    ``latency`` cycles later, ready is a register. Gives up above ``stop`` words.
    """
    sf = block.fan_in // fold.simd
    factor = narrow_factor(fold.pe, sf) if block.threshold is None else 1
    apart = fold.digits if fold.digits > 1 else sf
    behind = 1 if block.threshold is not None or factor > 1 else 0
    latency = mvu_latency(block, fold) + behind
    # Words on their way, those of the next cycle lowest; words there are; cycles to the next beat's end.
    states = {(0, 0, 0)}
    seen = set(states)
    most = 0
    while states:
        found = set()
        for way, count, wait in states:
            ready = count + skid < depth
            starts = (False, True) if ready and wait == 0 else (False,)
            pushed = way & 1
            for start, pop in product(starts, (False, True) if count else (False,)):
                coming = (way >> 1) | (((1 << factor) - 1) << (latency - 1) if start else 0)
                after = count + pushed - pop
                most = max(most, after)
                if after > stop:
                    return most
                found.add((coming, after, apart - 1 if start else max(0, wait - 1)))
        states = found - seen
        seen |= states
    return most


def shapes() -> list[tuple[Block, Fold]]:
    """One block and fold of every kind of pipeline in the shipped networks, fast and slow."""
    kinds: dict[tuple[int, int, int, bool], tuple[Block, Fold]] = {}
    for name in shipped_models():
        network = find_model(name).network
        for cycles in (None, 20_000):
            for block, fold in zip(
                network.blocks, choose_folding(network, cycles).folds, strict=True
            ):
                kinds.setdefault(_kind(block, fold), (block, fold))
        last = network.blocks[-1]
        for fold in legal_folds(last):
            if narrow_factor(fold.pe, last.fan_in // fold.simd) in (2, 3):
                kinds.setdefault(_kind(last, fold), (last, fold))
    return list(kinds.values())


def _kind(block: Block, fold: Fold) -> tuple[int, int, int, bool]:
    sf = block.fan_in // fold.simd
    factor = narrow_factor(fold.pe, sf) if block.threshold is None else 1
    return mvu_latency(block, fold), min(sf, 12), factor, fold.digits > 1


@pytest.mark.parametrize(("block", "fold"), shapes(), ids=lambda x: getattr(x, "name", ""))
def test_no_pattern_of_steps_and_stalls_overflows(block, fold):
    depth, skid = cut_depth(block, fold), skid_words(block, fold)
    assert most_words(block, fold, depth, skid, stop=depth) <= depth


def test_a_word_less_of_room_would_overflow():
    network = find_model("ecg17").network
    tight = 0
    for block, fold in zip(network.blocks, choose_folding(network).folds, strict=True):
        depth, skid = cut_depth(block, fold), skid_words(block, fold)
        assert skid > 0
        tight += most_words(block, fold, depth, skid - 1, stop=depth) > depth
    assert tight == len(network.blocks)


def test_a_ring_has_no_room_for_it_stalls():
    block = find_model("ecg17").network.blocks[1]
    assert skid_words(block, Fold(1, 16, ring=True)) == 0
