"""The README's table of shipped networks: every figure is that of the frozen file and its studies."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnn_hw.cli.models import find_model, shipped_models
from bnn_hw.ir.storage import macs, storage
from bnn_hw.report.study_files import load_study
from tests.report.test_shipped_studies import studies_of

README = Path(__file__).parents[2] / "README.md"
COLUMNS = {"random": 4, "paper": 5, "inter-patient": 6}


def row(name: str) -> list[str]:
    """The cells of the network's row in the README."""
    rows = [line for line in README.read_text().splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1, f"{name} has {len(rows)} rows in README.md"
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


def shown(mean: float, sd: float | None) -> str:
    return f"{mean:.2%}".rstrip("%") + ("" if sd is None else f" +- {sd:.2%}".rstrip("%"))


@pytest.mark.parametrize("name", shipped_models())
def test_row_of_a_network(name: str) -> None:
    cells, network = row(name), find_model(name).network
    assert cells[1].split()[0] == str(network.classes)
    assert cells[2] == f"{storage(network).storage_bytes:,}"
    assert cells[3] == f"{macs(network) / 1e6:.2f} M"
    studies = {study.protocol: study for study in map(load_study, studies_of(name))}
    for protocol, column in COLUMNS.items():
        if protocol not in studies:
            assert not any(c.isdigit() for c in cells[column])
            continue
        summary = studies[protocol].summary.binary
        figure = shown(summary.accuracy.mean, summary.accuracy.sd)
        assert cells[column].strip("*").startswith(figure), (protocol, figure)
        if "macro-F1" in cells[column]:
            assert cells[column].endswith(f"macro-F1 {summary.macro_f1.mean * 100:.1f}")
