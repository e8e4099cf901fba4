"""The HTML page: complete, self-contained, escaped, the same each time."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bnn_hw.cli import main
from bnn_hw.ecg.labels import ECG5_CLASSES
from bnn_hw.errors import UserError
from bnn_hw.generate.folding import default_cycles
from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.solver import solve
from bnn_hw.ir import Network, save_network
from bnn_hw.report.page import Subject, render_page
from bnn_hw.verify.fragments import default_fragments
from bnn_hw.verify.verdict import LEFT_OUT, LevelResult, Verdict
from tests.reference import reference_network
from tests.simulate.nets import small_network

LEVELS = (
    LevelResult("freeze", 0, 754, 0, 0.1, False, "no checkpoint"),
    LevelResult("csim", 32, 3264, 2, 7.5, False, "fragment 1, <b>conv2</b> & more"),
    LevelResult("lint", 0, 0, 0, 0.0, True, LEFT_OUT, left_out=True),
    LevelResult("icarus", 0, 0, 0, 0.0, True, "iverilog is not installed"),
)


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def subject(network: Network) -> Subject:
    plan = build_plan(network, solve(network, default_cycles(network)))
    fragments = default_fragments(network, None, None)
    return Subject(Verdict(network.name, network.digest(), LEVELS), network, plan, fragments)


@pytest.fixture(scope="module")
def ecg() -> Subject:
    drawn = reference_network(classes=5, bits=11)
    return subject(Network("ecg", drawn.input, drawn.layers, ECG5_CLASSES))


@pytest.fixture(scope="module")
def page(ecg: Subject) -> str:
    return render_page([ecg, subject(small_network())])


def test_page_is_well_formed_and_needs_nothing_else(page: str) -> None:
    elements = _Elements()
    elements.feed(page)
    assert elements.open == []
    assert len(elements.addresses) == 2
    assert all(address.startswith("data:image/svg+xml;base64,") for address in elements.addresses)
    assert not re.search(r"url\(|@import|<script|<link|http", page)


def test_page_shows_levels_digests_folding_and_tools(page: str, ecg: Subject) -> None:
    for word in ("freeze", "csim", "754", "3,264", "left out", "iverilog is not installed"):
        assert word in page
    assert ecg.network.digest() in page and small_network().digest() in page
    for tool in ("Python", "numpy", "verilator", "iverilog", "g++"):
        assert f">{tool}</td>" in page
    for stage in ecg.plan.stages:
        assert f">{stage.name}</td>" in page
    assert "not passed" in page and "all levels that ran are equal" not in page
    assert "/work" not in page and "/tmp" not in page


def test_text_from_a_level_is_escaped(page: str) -> None:
    assert "<b>conv2</b>" not in page and "&lt;b&gt;conv2&lt;/b&gt; &amp; more" in page


def test_picture_holds_samples_every_layer_and_scores(page: str, ecg: Subject) -> None:
    pictures = [
        base64.b64decode(code).decode()
        for code in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page)
    ]
    assert len(pictures) == 2
    # layers with bits and pooled sums are images inside the SVG
    assert pictures[0].count("<image") == len(ecg.plan.stages)
    assert pictures[1].count("<image") == 3


def test_confusion_counts_every_labelled_fragment_once(page: str, ecg: Subject) -> None:
    labelled = int((ecg.fragments.labels >= 0).sum())
    assert f"of {labelled} labelled fragments" in page
    assert page.count("Confusion matrix") == 1  # the synthetic network has no labels
    section = page[page.index("Confusion matrix") :]
    cells = re.findall(r"<td(?: style=[^>]*| class=\"zero\")>(\d+|·)</td>", section)
    assert sum(int(cell) for cell in cells if cell != "·") == labelled


def test_same_input_same_page(ecg: Subject) -> None:
    assert render_page([ecg]) == render_page([ecg])


def test_all_equal_is_said(ecg: Subject) -> None:
    good = replace(ecg, verdict=replace(ecg.verdict, levels=LEVELS[:1]))
    assert "all levels that ran are equal" in render_page([good])


def test_no_network_is_refused() -> None:
    with pytest.raises(UserError):
        render_page([])


def test_report_from_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_network(small_network(), tmp_path / "little.json")
    verdict = Verdict("little", small_network().digest(), LEVELS)
    Path("v.json").write_text(json.dumps(verdict.to_dict()))
    assert main(["report", "little.json", "--from", "v.json", "-o", "out/page.html"]) == 1
    assert "fragment 1, &lt;b&gt;" in Path("out/page.html").read_text()
    assert capsys.readouterr().out == "out/page.html\n"
    Path("v.json").write_text(json.dumps({**verdict.to_dict(), "digest": "0" * 64}))
    assert main(["report", "little.json", "--from", "v.json", "-o", "other.html"]) == 2
    assert "digest" in capsys.readouterr().err and not Path("other.html").exists()
