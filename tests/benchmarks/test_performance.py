"""docs/performance.md: what it says is what is stored, of the networks that ship, judged rightly."""

from __future__ import annotations

import json
import re
from concurrent.futures import Future

import performance
import performance_measure
import performance_programs
import performance_store
import pytest
from performance_peers import published_table
from performance_points import judge
from performance_report import read_notes

from bnn_hw.cli.models import find_model
from bnn_hw.ir import save_network
from tests.simulate.nets import small_network

RESULTS = performance_store.read_results()


@pytest.fixture
def copy(tmp_path):
    """The stored results in a file of their own, and how to change them there."""
    path = tmp_path / "results.json"

    def write(change) -> None:
        stored = json.loads(performance_store.RESULTS.read_text())
        change(stored)
        path.write_text(json.dumps(stored))

    write(lambda stored: None)
    return path, write


def test_the_page_is_what_is_stored_of_the_networks_that_ship():
    assert performance.check() == []


def test_a_figure_that_is_not_stored_is_caught(copy):
    path, write = copy
    assert performance.check(path) == []

    def one_lut_less(stored):
        next(iter(stored["folds"].values()))["lut"] -= 1

    write(one_lut_less)
    assert len(performance.check(path)) == 2, "page and picture"


def test_a_result_of_another_network_is_caught(copy):
    path, write = copy
    write(lambda stored: stored["simulations"]["ecg17"].update(network="0" * 64))
    assert any(line.startswith("simulations ecg17 ") for line in performance.check(path))


def test_at_least_ten_foldings_are_measured_from_the_smallest_to_the_fastest():
    measured = [entry for entry in RESULTS["folds"].values() if entry["lut"]]
    assert len(measured) >= 10
    assert len({entry["cycles"] for entry in measured}) == len(measured)


def test_foldings_lie_between_the_smallest_and_the_fastest():
    cycles = {asked: entry["cycles"] for asked, entry in RESULTS["folds"].items()}
    assert cycles
    assert min(cycles.values()) == cycles.get("fastest", min(cycles.values()))
    assert max(cycles.values()) == cycles.get("smallest", max(cycles.values()))
    assert all(entry["estimate"]["lut"] > 0 for entry in RESULTS["folds"].values())


def test_every_point_that_was_missed_has_its_reason_on_the_page():
    page = performance.PAGE.read_text()
    for point in read_notes()["points"]:
        judged = judge(point, RESULTS)
        assert judged.name in page
        if judged.verdict == "missed":
            assert point["reason"], f"{point['name']}: write down why in performance_notes.toml"
            assert judged.reason in page


@pytest.mark.parametrize(
    ("lut", "bram", "verdict"),
    [(3600, 4, "**aim**"), (3601, 0, "must"), (4500, 4, "must"), (4501, 0, "missed"), (3000, 4.5, "missed")],
)  # fmt: skip
def test_a_point_is_judged_by_its_limits(lut, bram, verdict):
    [point] = [p for p in read_notes()["points"] if p["from"] == "xc7"]
    entry = {"cycles_per_fragment": 3700, "lut": lut, "bram": bram, "dsp": 0}
    judged = judge(point, {"targets": {"xc7": entry}, "simulations": {}})
    assert judged.verdict == verdict
    assert bool(judged.reason) == (verdict == "missed")


def test_a_point_that_could_not_be_made_is_missed_for_what_the_tool_said():
    [point] = [p for p in read_notes()["points"] if p["from"] == "up5k"]
    entry = {"cycles_per_fragment": 90000, "failed": "cannot be placed"}
    judged = judge(point, {"targets": {"up5k": entry}, "simulations": {}})
    assert judged.verdict == "missed" and "cannot be placed" in judged.reason


def test_published_times_become_fragments_of_ten_seconds():
    works = {work["work"]: work for work in read_notes()["published"]}
    rows = published_table({}, [works["Lightweight BNN accelerator"], works["WaveBNN-ECG"]], 12.5)
    assert "| 9,453 |" in rows
    beats = round(1e6 / 6.53 / 12.5)
    assert f"{beats:,}, 12.5 beats each" in rows
    assert all(work["citation"] and work["caveat"] for work in works.values())


def test_a_key_is_that_of_the_hardware_and_not_of_its_comments():
    text = "// says why\nassign a = b;\n\n"
    key = performance_store.key_of({"rtl/x.sv": text})
    assert key == performance_store.key_of({"rtl/x.sv": "assign a = b;  // otherwise\n"})
    assert key != performance_store.key_of({"rtl/x.sv": text.replace("b", "c")})
    assert key != performance_store.key_of({"rtl/x.sv": text}, "seed 2")


def test_only_what_changed_is_synthesised_again(tmp_path, monkeypatch):
    counted = []

    class Yosys:
        """Counts calls in place of processes with Yosys in them."""

        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def submit(self, _, network, folding):
            counted.append(folding.cycles)
            done = Future()
            done.set_result({"lut": 7, "ff": 8, "ram": 9, "bram": 0.0})
            return done

    monkeypatch.setattr(performance_measure, "ProcessPoolExecutor", Yosys)
    monkeypatch.setattr(performance_measure, "ASKED", ("smallest", 100_000))
    path = tmp_path / "results.json"

    def measure(most_luts=10**6):
        counted.clear()
        performance_measure.measure_folds(path, most_luts, 1, lambda line: None)
        return len(counted)

    assert measure() == 2
    assert measure() == 0
    stored = performance_store.read_results(path)["folds"]
    assert stored["smallest"]["network"] == find_model(performance_measure.MODEL).network.digest()
    real = performance_measure.rtl_texts

    def one_cell_changed(network, folding):
        texts = real(network, folding)
        if folding.cycles == stored["smallest"]["cycles"]:
            texts["rtl/bnn_fifo.sv"] += "\nmodule more; endmodule\n"
        return texts

    monkeypatch.setattr(performance_measure, "rtl_texts", one_cell_changed)
    assert measure() == 1
    assert measure(most_luts=1) == 0, "too large for Yosys: estimated only"
    assert performance_store.read_results(path)["folds"]["smallest"]["lut"] is None


def test_no_figure_stands_in_the_text_around_the_tables():
    """What the template itself says may hold no measured figure: numbers there are names and units."""
    text = (performance.RESULTS.parent / "performance.md.j2").read_text()
    numbers = set(re.findall(r"(?<![\w-])\d[\d,.]*\d|(?<![\w-])\d(?!\w)", text))
    assert numbers <= {"10", "7", "1"}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small network in place of the page's, in a folder of its own."""
    path = tmp_path / "little.json"
    save_network(small_network(), path)
    for module in (performance_measure, performance_programs):
        monkeypatch.setattr(module, "MODEL", str(path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results.json"


@pytest.mark.slow
def test_a_synthesis_is_made_once_and_taken_from_build_afterwards(small, monkeypatch):
    said = []

    def measured():
        performance_measure.measure_targets({"xc7"}, small, said.append)
        return performance_store.read_results(small)["targets"]

    first = measured()
    assert first["xc7"]["lut"] > 0 and first["xc7"]["network"] == small_network().digest()
    assert said
    monkeypatch.setattr(performance_measure, "synthesise", None)
    assert measured() == first
    small.unlink()
    assert measured() == first, "the report in build/ is of the same design"


@pytest.mark.slow
def test_popcounts_and_programs_of_a_small_network(small):
    performance_programs.measure_popcount(small, print)
    performance_programs.measure_speed(small, print)
    results = performance_store.read_results(small)
    rows = results["popcount"].values()
    assert {row["weights"] for row in rows} == {"ROM", "constants"}
    assert all(row["cells"] > 0 and row["naive"] > 0 for row in rows)
    speeds = results["speed"]["all"]["fragments_per_s"]
    assert len(speeds) == 5 and all(speed > 0 for speed in speeds.values())
    assert speeds["packed golden"] > speeds["Verilated RTL"]
