"""Toggle counts in the report and on the command line: every figure is one that was counted."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bnn_hw.cli import main
from bnn_hw.generate.build import Build, generate
from bnn_hw.ir import save_network
from bnn_hw.report.activity import RUNS, activity_picture, activity_view
from bnn_hw.report.page import Subject, render_page
from bnn_hw.simulate.activity.counts import Activity, CellActivity, Toggles
from bnn_hw.simulate.activity.measurement import (
    Measurement,
    measurement_file,
    read_measurement,
    write_measurement,
)
from bnn_hw.simulate.design import sources_digest
from bnn_hw.simulate.lint import build_files
from bnn_hw.verify.fragments import default_fragments
from bnn_hw.verify.verdict import LevelResult, Verdict
from tests.simulate.nets import little_folding, small_network, small_samples

LEVELS = (LevelResult("csim", 3, 300, 0, 1.0, False, None),)


def run_of(interval: int, scale: int, stops: int = 0) -> Activity:
    """Two fragments with counts that tell which run and which cell they are of."""
    cells = (
        ("conv1", "mvu", 100, 9_000),
        ("conv1", "window", 30, 600),
        ("conv1", "cut", 8, 40),
        ("bnn_head", "bnn_head", 20, 360),
    )
    return Activity(
        fragments=2,
        interval_cycles=interval,
        stops=stops,
        cycles=80 * interval,
        busy_cycles=80,
        changing_cycles=78,
        rests=70,
        longest_wait_cycles=None if interval == 1 else 3,
        drain_cycles=59,
        after_drain=0,
        design_idle=Toggles(2, 6),
        cells=tuple(
            CellActivity(
                *(part, cell, bits, 50),
                Toggles(scale * count, 3 * scale * count),
                Toggles(scale * 4, scale * 8),
            )
            for part, cell, bits, count in cells
        ),
    )


@pytest.fixture
def build(tmp_path: Path) -> Build:
    network = small_network()
    target = tmp_path / "build" / "little"
    return generate(network, little_folding(network), target, small_samples()[:, None, :])


@pytest.fixture
def measurement(build: Build) -> Measurement:
    return Measurement(
        name="little",
        digest=build.network.digest(),
        rtl_digest=sources_digest(build_files(build.path)),
        source="2 fragments <b>&",
        full=run_of(1, 1),
        low=run_of(100, 2),
        stopped=run_of(2, 3, stops=160),
    )


def test_every_row_adds_up(measurement: Measurement) -> None:
    view = activity_view(measurement)
    assert [part.name for part in view.parts] == ["conv1", "bnn_head", "all"]
    for column in range(len(RUNS)):
        values = [int(part.registers[column].replace(",", "")) for part in view.parts]
        assert values == [4_820 * (column + 1), 180 * (column + 1), 5_000 * (column + 1)]
    assert [part.share for part in view.parts] == ["96.4 %", "3.6 %", "100.0 %"]
    assert [part.register_bits for part in view.parts] == ["138", "20", "158"]
    figures = dict(view.figures)
    assert figures["clock edges"] == ("40", "4,000", "80")
    assert figures["register toggles"] == ("5,000", "10,000", "15,000")
    assert figures["longest wait of a sample, edges"] == ("-", "3", "3")


def test_picture_follows_the_counts_and_is_the_same_again(measurement: Measurement) -> None:
    picture = activity_picture(measurement)
    assert b"<svg" in picture and picture == activity_picture(measurement)
    for run in ("full", "low", "stopped"):
        changed = replace(measurement, **{run: run_of(7, 5)})
        assert activity_picture(changed) != picture


def test_page_shows_activity_only_where_it_was_counted(
    build: Build, measurement: Measurement
) -> None:
    network = build.network
    verdict = Verdict(network.name, network.digest(), LEVELS)
    bare = Subject(verdict, network, build.plan, default_fragments(network, None, None))
    assert "Activity" not in render_page([bare])
    page = render_page([replace(bare, activity=measurement)])
    section = page[page.index("Activity: toggles a fragment") : page.index("<h2>Tools")]
    for words in ("15,000", "96.4 %", "conv1", "2 fragments &lt;b&gt;&amp;", "no energy"):
        assert words in section
    pictures = re.findall(r"base64,([A-Za-z0-9+/=]+)", section)
    assert len(pictures) == 1 and b"<svg" in base64.b64decode(pictures[0])


def test_report_finds_what_was_counted_of_its_build(
    build: Build,
    measurement: Measurement,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    save_network(build.network, tmp_path / "little.json")
    verdict = Verdict("little", build.network.digest(), LEVELS)
    Path("v.json").write_text(json.dumps(verdict.to_dict()))
    words = ["report", "little.json", "--from", "v.json", "-o", "page.html"]
    write_measurement(measurement_file(build.path), measurement)
    assert read_measurement(Path("build/activity/little.json")) == measurement
    assert main(words) == 0 and "Activity: toggles" in Path("page.html").read_text()
    write_measurement(measurement_file(build.path), replace(measurement, rtl_digest="0" * 16))
    assert main(words) == 0 and "Activity: toggles" not in Path("page.html").read_text()
    capsys.readouterr()


def test_wrong_use_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_network(small_network(), tmp_path / "little.json")
    for words in (["--build", "b", "--cycles", "90"], ["--interval", "1"], ["--fragments", "9"]):
        assert main(["activity", "little.json", *words]) == 2
        said = capsys.readouterr().err.strip().splitlines()
        assert said[-1].startswith("error") or "error" in said[-1], said
