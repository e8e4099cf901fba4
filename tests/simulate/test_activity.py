"""Toggle counts: exact where they can be told beforehand, nothing at rest, nothing lost by a stop."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bnn_hw.assets import rtl_dir
from bnn_hw.errors import UserError
from bnn_hw.generate.build import Build
from bnn_hw.simulate.activity.counting import compile_activity, count_activity, count_nets
from bnn_hw.simulate.activity.counts import Toggles, total
from bnn_hw.simulate.activity.measurement import (
    edges_a_sample,
    find_measurement,
    measure,
    measurement_file,
    write_measurement,
)
from bnn_hw.simulate.design import sample_beats
from bnn_hw.simulate.lint import build_files
from bnn_hw.simulate.tools import ToolFailed

from .nets import small_network, small_samples

INTERVAL = 120
LAYERS = ["conv1", "conv2", "conv3"]
# The first convolution of the little network pads with this.
PAD = 7


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    """One folder of compiled designs, so that each is built once."""
    return tmp_path_factory.mktemp("activity")


@pytest.fixture(scope="session")
def program(little, work):
    return compile_activity(build_files(little.path), "little_top", work)


@pytest.fixture(scope="session")
def measured(little, program, work):
    return measure(little, small_samples(2), "random", work, INTERVAL)


def beats_of(little, samples):
    return sample_beats(little.plan, samples)


def nets_of(raw, cell, register):
    """Toggles of the registers of a cell whose name starts so."""
    found = [
        net["toggles"]
        for net in raw["nets"]
        if net["cell"] == cell and net["name"].split(".")[-1].startswith(register)
    ]
    assert found, f"{cell} has no {register}"
    return sum(found)


def test_every_instance_below_the_top_is_counted(measured):
    for run in measured.runs:
        parts = run.parts()
        assert list(parts) == ["bnn_framer", *LAYERS, "bnn_error_fifo", "bnn_head"]
        assert {"window", "mvu", "threshold"} <= {cell.cell for cell in parts["conv2"]}
        assert all(total(cell.toggles for cell in cells).registers for cells in parts.values())


def test_sum_over_layers_is_the_whole(little, program, measured):
    raw = count_nets(program, LAYERS, beats_of(little, small_samples(2)), 1)
    for run in measured.runs:
        by_part = [total(cell.toggles for cell in cells) for cells in run.parts().values()]
        assert total(by_part) == run.toggles
        assert run.toggles.nets > run.toggles.registers > 0
    assert measured.full.toggles == Toggles(
        sum(net["toggles"] for net in raw["nets"] if net["register"]),
        sum(net["toggles"] for net in raw["nets"]),
    )


def test_counts_are_the_same_again(little, program):
    beats = beats_of(little, small_samples(2))
    runs = [count_activity(program, LAYERS, beats, INTERVAL) for _ in range(2)]
    assert runs[0] == runs[1]


def test_every_fragment_counts_the_same(little, program):
    """The same fragment twice toggles twice as much: the counts are of whole fragments."""
    one, two = (
        count_activity(
            program, LAYERS, beats_of(little, np.repeat(small_samples(1), n, 0)), INTERVAL
        )
        for n in (1, 2)
    )
    # A FIFO's pointers go round in its depth, not in a fragment.
    periodic = [cell.cell in ("window", "mvu", "threshold") for cell in one[0].cells]
    assert sum(periodic) == 8
    for once, twice, whole in zip(one[0].cells, two[0].cells, periodic, strict=True):
        if not whole:
            continue
        assert twice.busy_cycles == 2 * once.busy_cycles, once
        assert twice.toggles == once.toggles + once.toggles, once
    assert two[0].cycles == 2 * one[0].cycles


def test_samples_toggle_the_framer_as_often_as_their_bits_differ(little, program):
    """The bits are known beforehand: each sample follows its neighbour once, the first the last."""
    samples = small_samples(1)
    raw = count_nets(program, LAYERS, beats_of(little, samples), INTERVAL)
    low = samples[0].astype(np.uint16) & 0x1F
    differing = sum(int(x).bit_count() for x in low ^ np.roll(low, 1))
    assert nets_of(raw, "bnn_framer", "out_data_o") == differing


def test_input_that_stands_still_toggles_no_data(little, program):
    """Every sample is the padding, so that no word of the first layer ever differs from another."""
    flat, lively = (
        count_nets(program, LAYERS, beats_of(little, samples), 1)
        for samples in (np.full((1, 40), PAD, np.int16), small_samples(1))
    )
    for cell, register in (("conv1/window", "window_q"), ("conv1/fifo", "words_q")):
        assert nets_of(flat, cell, register) == 0
        assert nets_of(lively, cell, register) > 0
    assert nets_of(flat, "bnn_framer", "out_data_o") == 0


def test_nothing_toggles_when_nothing_moves(measured):
    for run in measured.runs:
        assert run.after_drain == 0
    low = measured.low
    # Between samples all comes to rest, and what comes after rest changes nothing.
    assert low.rests == low.fragments * 40
    assert low.changing_cycles < low.cycles // 10
    assert low.idle.registers < 0.02 * low.toggles.registers


def test_a_longer_interval_toggles_no_more(little, program, measured):
    longer, _ = count_activity(program, LAYERS, beats_of(little, small_samples(2)), 3 * INTERVAL)
    assert longer.cycles == 3 * measured.low.cycles
    assert longer.changing_cycles == measured.low.changing_cycles
    assert [cell.toggles for cell in longer.cells] == [cell.toggles for cell in measured.low.cells]


def test_clock_may_stop_between_samples(little, program, measured):
    beats = beats_of(little, small_samples(2))
    least = edges_a_sample(little.plan)
    running, results = count_activity(program, LAYERS, beats, least)
    stopped, results_stopped = count_activity(program, LAYERS, beats, least, stops=True)
    assert results_stopped == results
    assert set(results) == set(count_activity(program, LAYERS, beats, 1)[1])
    assert stopped.stops == 4 * 40 and running.stops == 0
    assert replace(stopped, stops=0) == running
    assert measured.stopped == stopped
    assert stopped.cycles == 2 * 40 * least
    assert stopped.longest_wait_cycles is not None


def test_interval_must_leave_time_for_a_sample(little, work):
    least = edges_a_sample(little.plan)
    assert least == 2
    with pytest.raises(UserError, match="give 2 or more"):
        measure(little, small_samples(1), "random", work, least - 1)


def test_measurement_is_kept_and_belongs_to_its_rtl(measured, broken):
    build = broken("rtl/little_pkg.sv", "12'he6b", "12'he6b")
    assert find_measurement(build) is None
    write_measurement(measurement_file(build), measured)
    assert find_measurement(build) == measured
    broken("rtl/little_pkg.sv", "12'he6b", "12'he6a")
    assert find_measurement(build) is None
    measurement_file(build).write_text("{}")
    assert find_measurement(build) is None


def test_registers_are_told_by_their_names():
    """Counting takes a net for a register when its name ends in _q."""
    target = re.compile(r"(?:^|\)|else|:|begin)\s*(\w+)(?:\[[^;=]*\])*\s<=\s", re.MULTILINE)
    checked = 0
    for file in rtl_dir().glob("*.sv"):
        for block in re.split(r"always_ff\b", file.read_text())[1:]:
            statement = block.split("assign ")[0]
            names = target.findall(statement.partition(")")[2])
            checked += len(names)
            assert all(name.endswith("_q") for name in names), (file.name, names)
    assert checked > 100


# A line that is planted into the top, which flag of the result it spoils, and what is said of it.
PLANTS = {
    "register that runs on its own": (
        "always_ff @(posedge aclk) planted_q <= ~planted_q;",
        "",
        "registers change without input",
    ),
    "latch that the inputs reach": (
        "always_latch if (!aresetn && s_axis_tvalid) planted_q = 1'b1;",
        " ^ planted_q",
        "before the clock stopped",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS)
def test_what_moves_without_input_is_caught(plant, little, broken, work):
    line, spoils, said = PLANTS[plant]
    top = "rtl/little_top.sv"
    broken(top, ".m_axis_tuser (m_axis_tuser)", ".m_axis_tuser (clean_tuser)")
    folder = broken(
        top,
        "\nendmodule",
        f"\n  logic planted_q;\n  {line}\n  assign m_axis_tuser = clean_tuser{spoils};\nendmodule",
    )
    broken(top, "  logic samples_valid", "  logic clean_tuser;\n  logic samples_valid")
    build = Build(folder, small_network(), little.plan)
    with pytest.raises(ToolFailed, match=said):
        measure(build, small_samples(1), "random", work, INTERVAL)
