"""Several samples a cycle: the shape of the window over beats, the solver's choice, what is rendered."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnn_hw.errors import UserError
from bnn_hw.generate import folding
from bnn_hw.generate.build import generate, open_build
from bnn_hw.generate.estimate import estimate
from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.solver import Goal, cycles_for_rate, solve, solve_fastest, solve_smallest
from bnn_hw.generate.vectors import axis_lines
from bnn_hw.golden import plain
from bnn_hw.ir import Network
from bnn_hw.simulate.csim import compile_csim, run_csim
from bnn_hw.simulate.icarus import compile_icarus, run_icarus
from bnn_hw.simulate.taps import compare
from tests.reference import reference_network
from tests.simulate.nets import small_network
from tests.strategies import networks


@st.composite
def wide_networks(draw: st.DrawFn) -> Network:
    """A network of at most two layers whose input may come two samples or more at once."""
    return draw(networks(max_blocks=2, first_stride=draw(st.integers(2, 4))))


@settings(max_examples=200, deadline=None)
@given(
    beat=st.integers(1, 5),
    strides=st.integers(1, 3),
    beats=st.integers(1, 9),
    kernel=st.integers(1, 12),
    pads=st.tuples(st.integers(0, 13), st.integers(0, 13)),
)
def test_every_window_is_a_fixed_part_of_its_beats(beat, strides, beats, kernel, pads):
    length = beat * beats
    assume(length + sum(pads) >= kernel)
    block = replace(
        small_network().blocks[0],
        **{"in_length": length, "kernel": kernel, "stride": beat * strides},
        **{"pad_left": pads[0], "pad_right": pads[1]},
    )
    shape = folding.window_in_beats(block, beat)
    assert shape.positions == block.positions
    assert 0 <= shape.offset < beat
    # what rtl/bnn_window.sv wants of its own parameters, in beats
    padded = shape.in_length + shape.pad_left + shape.pad_right
    assert padded >= shape.kernel
    assert (padded - shape.kernel) // shape.stride + 1 == shape.positions
    words = [None] * (shape.pad_left * beat) + list(range(length))
    words += [None] * (shape.pad_right * beat)
    wanted = [None] * block.pad_left + list(range(length)) + [None] * block.pad_right
    for position in range(block.positions):
        first = position * shape.stride * beat
        window = words[first : first + shape.kernel * beat][shape.offset :][:kernel]
        assert window == wanted[position * block.stride :][:kernel]


def test_one_sample_a_beat_is_the_plain_window():
    for block in reference_network().blocks:
        shape = folding.window_in_beats(block, 1)
        assert (shape.kernel, shape.stride, shape.offset) == (block.kernel, block.stride, 0)
        assert folding.window_cycles(shape, 3) == folding.window_cycles(block, 3)


def test_the_solver_takes_as_many_samples_as_the_target_needs():
    network = reference_network()  # stride 2
    one, two = folding.fastest(network).cycles, folding.fastest(network, 2).cycles
    assert two < one
    assert solve(network, one).samples_per_beat == 1
    assert solve(network, one - 1).samples_per_beat == 2
    assert solve(network, two).cycles == two
    assert solve_fastest(network).samples_per_beat == 2
    assert solve_smallest(network).samples_per_beat == 1
    assert solve(network, one, goal=Goal(samples_per_beat=2)).samples_per_beat == 2
    with pytest.raises(UserError, match=f"at 2 samples a cycle the nearest legal is {two}"):
        solve(network, two - 1)
    with pytest.raises(UserError, match=f"at one sample a cycle the nearest legal is {one}"):
        solve(network, one - 1, goal=Goal(samples_per_beat=1))
    assert cycles_for_rate(network, 100e6 / two, 100.0) == two
    with pytest.raises(UserError, match=f"needs {one} at one sample a cycle"):
        cycles_for_rate(network, 100e6 / two, 100.0, samples_per_beat=1)


@pytest.mark.parametrize(("samples", "nearest"), [(0, 1), (3, 2), (4, 2), (-1, 1)])
def test_a_number_of_samples_that_is_not_legal_is_refused(samples, nearest):
    with pytest.raises(UserError, match=rf"nearest legal is {nearest} \(legal are 1, 2\)"):
        folding.fastest(reference_network(), samples)


@settings(max_examples=40, deadline=None)
@given(network=wide_networks())
def test_legal_numbers_divide_samples_and_stride(network):
    common = gcd(network.input.samples, network.blocks[0].stride)
    for samples in folding.legal_samples_per_beat(network):
        assert common % samples == 0
        plan = build_plan(network, folding.fastest(network, samples))
        assert plan.axis_bits == 16 * samples * network.input.channels
        assert plan.beats * samples == plan.samples
        assert [stage.beat for stage in plan.stages[1:]] == [1] * (len(plan.stages) - 1)
        assert estimate(network, folding.fastest(network, samples)).cycles == plan.cycles


def test_override_keeps_the_samples():
    network = small_network()
    wide = folding.override(network, folding.fastest(network, 2), {"conv2": (1, 3)})
    assert wide.samples_per_beat == 2


def test_windows_of_several_samples_come_from_no_memory():
    network = reference_network()
    block = network.blocks[0]
    ring = folding.Fold(1, block.in_channels, ring=True)
    with pytest.raises(UserError, match="one sample come in a cycle"):
        folding.override(network, folding.fastest(network, 2), {block.name: ring})


def test_the_beats_of_the_vectors_hold_the_oldest_sample_lowest():
    samples = np.array([[[1, 2, 3, 4], [-1, 6, 7, 8]]])  # two channels
    assert axis_lines(samples, 2).split("\n") == [
        *("0 00060002ffff0001", "1 0008000400070003", ""),
    ]


def test_a_build_is_opened_with_its_samples(tmp_path):
    network = small_network()
    wide = folding.folding_of(network, solve(network, 400).folds, 2)
    samples = np.zeros((1, 1, 40), dtype=np.int16)
    built = generate(network, wide, tmp_path / "wide", samples)
    assert open_build(built.path).plan == built.plan
    assert built.plan.samples_per_beat == 2
    page = (built.path / "handoff" / "HANDOFF.md").read_text()
    assert "| `s_axis_tdata` | 32 | 2 sample times, the oldest lowest, a beat" in page
    assert "`tlast` at beat 20 of a fragment" in page


@settings(max_examples=3, deadline=None, derandomize=True, database=None)
@given(network=wide_networks(), data=st.data())
def test_random_networks_equal_golden_in_rtl_and_cpp(tmp_path_factory, network, data):
    folder = tmp_path_factory.mktemp("wide")
    widths = folding.legal_samples_per_beat(network)[1:]
    choices = ([*folding.legal_folds(b), *folding.digit_folds(b)] for b in network.blocks)
    folds = tuple(data.draw(st.sampled_from(of_block)) for of_block in choices)
    chosen = folding.folding_of(network, folds, data.draw(st.sampled_from(widths)))
    of = network.input
    shape = (4, of.channels, of.samples)
    samples = np.random.default_rng(1).integers(of.low, of.high + 1, shape).astype(np.int16)
    build = generate(network, chosen, folder / "build", samples)
    golden = plain.trace(network, samples)
    run_csim(compile_csim(build.path, folder / "work"), samples, folder / "csim")
    run_icarus(
        compile_icarus(build.path, build.plan, folder / "work"),
        *(build.plan, samples, folder / "icarus"),
        stall_seed=3,
    )
    for taps in ("csim", "icarus"):
        wrong = [c.first for c in compare(build.plan, folder / taps, golden) if not c.passed]
        assert not wrong, f"{taps}: {wrong[0]}"


def test_short_and_long_fragments_in_cpp(tmp_path):
    """Lengths are told in beats; what does not fill a short fragment's last beat counts as zeros."""
    network = small_network()
    build = generate(
        network, folding.fastest(network, 2), tmp_path / "build", np.zeros((1, 1, 40), np.int16)
    )
    rng = np.random.default_rng(5)
    lengths = [40, 7, 40, 41, 80, 1, 38, 39, 40]
    fragments = [rng.integers(-16, 16, length).astype(np.int16) for length in lengths]
    program = compile_csim(build.path, tmp_path / "work")
    result = run_csim(program, np.concatenate(fragments), lengths=lengths)
    # 39 samples fill 20 beats with a zero: a whole fragment on the wire
    assert result.errors.tolist() == [False, True, False, True, True, True, True, False, False]
    worked_on = np.zeros((len(lengths), 1, 40), dtype=np.int16)
    for row, fragment in zip(worked_on, fragments, strict=True):
        row[0, : len(fragment)] = fragment[:40]
    assert np.array_equal(result.scores, plain.run(network, worked_on).scores)


def test_a_window_off_its_beats_is_caught_in_cpp(tmp_path):
    network = small_network()
    samples = np.random.default_rng(2).integers(-16, 16, (3, 1, 40)).astype(np.int16)
    build = generate(network, folding.fastest(network, 2), tmp_path / "build", samples)
    header = build.path / "hls" / "bnn_window.hpp"
    text = header.read_text()
    assert text.count("low = offset *") == 1
    header.write_text(text.replace("low = offset *", "low = 0 *"))
    run_csim(compile_csim(build.path, tmp_path / "work"), samples, tmp_path / "taps")
    wrong = [
        c for c in compare(build.plan, tmp_path / "taps", plain.trace(network, samples)) if c.first
    ]
    assert wrong and wrong[0].tap == "conv1.comparisons"
