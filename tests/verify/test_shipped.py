"""Faults in the build of a network that ships; minutes long. 'make test' ends with the default run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bnn_hw.cli import main
from tests.verify.conftest import Verified
from tests.verify.faults import FAULTS

RunVerify = Callable[..., Verified]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shipped_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped") / "ecg5"
    assert main(["generate", "ecg5", "-o", str(folder)]) == 0
    return folder


@pytest.mark.parametrize(("language", "simulation"), [("cpp", "csim"), ("rtl", "verilator")])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_a_shipped_network(
    run_verify: RunVerify,
    shipped_build: Path,
    tmp_path: Path,
    fault: str,
    language: str,
    simulation: str,
) -> None:
    folder = tmp_path / "ecg5"
    shutil.copytree(shipped_build, folder)
    FAULTS[fault](folder, language, "block2")
    found = run_verify(
        "ecg5", "--build", folder, "--levels", f"constants,{simulation}", "--fragments", "8"
    )
    assert found.status == 1 and found.caught() == {"constants", simulation}, found.verdict
