"""LUTs and cycles that may not rise: today's against benchmarks/guard.json, and planted rises."""

from __future__ import annotations

import guard
import pytest

from bnn_hw.cli.models import find_model, shipped_models
from bnn_hw.generate.choose import choose_folding

# Yosys and Verilator take a minute on a free core and many times that on a busy one.
LONG_S = 3600


def planted(reference: guard.Figures, factor: float) -> guard.Figures:
    """What would be measured after everything rose by ``factor``."""
    return {g: {name: n * factor for name, n in f.items()} for g, f in reference.items()}


def test_cycles_of_every_shipped_network_have_not_risen():
    measured = guard.cycles()
    assert set(measured["cycles"]) == set(shipped_models()) and len(shipped_models()) >= 2
    assert guard.risen(measured, guard.read_reference()) == []


def test_the_reference_holds_every_figure_that_is_guarded():
    reference = guard.read_reference()
    groups = {"cycles", f"simulated {guard.SIMULATED}"}
    groups |= {f"LUT of {guard.WHOLE}", f"LUT of {guard.LARGE}"}
    assert groups <= set(reference)
    layers = {block.name for block in find_model(guard.WHOLE).network.blocks}
    assert layers | {"around the layers", "all"} == set(reference[f"LUT of {guard.WHOLE}"])


def test_a_rise_of_four_percent_fails_and_says_what_to_do():
    reference = guard.read_reference()
    lines = guard.risen(planted(reference, 1.04), reference)
    guarded = sum(len(f) for g, f in reference.items() if not g.startswith("cells of "))
    assert len(lines) == guarded
    assert all("+4.0 %" in line and "guard.py --update" in line for line in lines)


@pytest.mark.parametrize("factor", [1.0, 1.03, 0.5])
def test_what_stays_within_three_percent_or_falls_passes(factor):
    reference = guard.read_reference()
    assert guard.risen(planted(reference, factor), reference) == []


def test_one_layer_that_rose_is_named_with_its_cells():
    model = guard.WHOLE
    reference = guard.read_reference()
    group, layer = f"LUT of {model}", find_model(model).network.blocks[1].name
    cell = max(
        (c for c in reference[f"cells of {group}"] if c.startswith(f"{layer}.")),
        key=reference[f"cells of {group}"].__getitem__,
    )
    measured = {g: dict(f) for g, f in reference.items()}
    measured[group][layer] += 100
    measured[f"cells of {group}"][cell] += 100
    [line] = guard.risen(measured, reference)
    assert line.startswith(f"{group}, {layer}: ") and f"{cell} +100" in line


def test_a_figure_without_reference_fails():
    [line] = guard.risen({"cycles": {"new": 1.0}}, guard.read_reference())
    assert "no reference" in line


def test_a_slower_folding_is_caught():
    name = guard.SIMULATED
    network = find_model(name).network
    slower = choose_folding(network, 2 * choose_folding(network).cycles)
    lines = guard.risen({"cycles": {name: float(slower.cycles)}}, guard.read_reference())
    assert len(lines) == 1 and lines[0].startswith(f"cycles, {name}: ")


@pytest.mark.slow
@pytest.mark.timeout(LONG_S)
def test_simulated_cycles_and_latency_have_not_risen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    measured = guard.simulated()
    assert guard.risen(measured, guard.read_reference()) == []


@pytest.mark.slow
@pytest.mark.timeout(LONG_S)
def test_luts_of_no_layer_have_risen():
    assert guard.risen(guard.luts_of_layers(), guard.read_reference()) == []


@pytest.mark.slow
@pytest.mark.timeout(LONG_S)
def test_luts_of_the_largest_unit_have_not_risen():
    assert guard.risen(guard.luts_of_unit(), guard.read_reference()) == []
