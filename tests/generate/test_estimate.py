"""The estimator: against stored measurements of designs the fit has not seen, and never nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnn_hw.errors import UserError
from bnn_hw.generate import folding
from bnn_hw.generate.estimate import estimate, estimated_families, load_coefficients
from bnn_hw.generate.estimate_stages import BlockTerms
from tests.reference import reference_network
from tests.strategies import networks


@st.composite
def folded(draw):
    """A small network at any legal folding."""
    network = draw(networks())
    folds = [draw(st.sampled_from(folding.legal_folds(block))) for block in network.blocks]
    return network, folding.folding_of(network, tuple(folds))


@settings(max_examples=150, deadline=None)
@given(design=folded(), family=st.sampled_from(estimated_families()))
def test_no_estimate_says_nothing(design, family):
    network, folded_so = design
    found = estimate(network, folded_so, family)
    assert found.cycles == folded_so.cycles >= network.input.samples
    for part in (found, found.around, *found.layers):
        assert part.lut >= 1 and part.ff >= 1 and part.ram >= 0
    assert found.lut >= sum(layer.lut for layer in found.layers) - len(found.layers)
    assert [layer.name for layer in found.layers] == [block.name for block in network.blocks]
    for layer, block in zip(found.layers, network.blocks, strict=True):
        assert (layer.steps == 1 and layer.rom_bits == 0) or layer.rom_bits == block.rows.size
    assert max(layer.share for layer in found.layers) <= 1
    json.dumps(found.as_dict(), allow_nan=False)


def test_no_coefficient_is_negative():
    for family in estimated_families():
        for kind, resources in load_coefficients(family).items():
            for resource, terms in resources.items():
                assert all(weight >= 0 for weight in terms.values()), (family, kind, resource)


@settings(max_examples=30, deadline=None)
@given(design=folded(), data=st.data())
def test_more_lanes_of_the_same_kind_never_take_fewer_luts(design, data):
    network, folded_so = design
    index = data.draw(st.integers(0, len(network.blocks) - 1))
    block = network.blocks[index]
    fold = folded_so.folds[index]
    terms = BlockTerms(block)
    [unit] = [cell for cell in terms.cells(fold) if cell.instance == "u_mvu"]
    for wider in folding.legal_folds(block):
        if (wider.simd, wider.steps(block)) == (fold.simd, fold.steps(block)):
            continue
        [other] = [cell for cell in terms.cells(wider) if cell.instance == "u_mvu"]
        if other.kind == unit.kind and all(n <= other.terms[t] for t, n in unit.terms.items()):
            for family in estimated_families():
                weights = load_coefficients(family)[unit.kind]["lut"]
                assert sum(weights[t] * n for t, n in unit.terms.items()) <= sum(
                    weights[t] * n for t, n in other.terms.items()
                )


def test_an_unknown_family_is_refused_with_those_there_are():
    network = reference_network()
    with pytest.raises(UserError, match=r"'virtex2': there are .*xc7"):
        estimate(network, folding.fastest(network), "virtex2")


def test_equal_and_opposite_lanes_share_the_adders_of_an_unrolled_integer_layer():
    network = reference_network()
    [block] = [b for b in network.blocks if b.input_bits is not None]
    unrolled = folding.Fold(block.out_channels, block.fan_in)
    bits = block.input_bits
    adders = _unit_terms(BlockTerms(block), unrolled)["adder_bit"]
    # Seven elements: pairs (0, 1), (2, 3), (4, 5), then 0 to 3 and 4 to 6, then all. A pair has at
    # most two forms, a sum and a difference; eight lanes have at most eight.
    assert adders <= 3 * 2 * (bits + 1) + 8 * (bits + 2) + 8 * (bits + 2) + 8 * (bits + 3)
    assert adders >= 3 * (bits + 1) + (bits + 2) + (bits + 2) + (bits + 3)
    same = np.zeros_like(block.rows)
    same[0] = 1
    alike = replace(block, rows=same)
    assert _unit_terms(BlockTerms(alike), unrolled)["adder_bit"] == (
        3 * (bits + 1) + 2 * (bits + 2) + (bits + 3)
    )


def _unit_terms(terms, fold):
    [unit] = [cell for cell in terms.cells(fold) if cell.instance == "u_mvu"]
    return unit.terms
