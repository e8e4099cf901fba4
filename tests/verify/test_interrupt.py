"""Ctrl-C ends a verification soon, quietly, and leaves no simulator behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("levels", ["verilator,csim", "lint,icarus"])
def test_interrupt(small_build: Path, tmp_path: Path, levels: str) -> None:
    command = [
        sys.executable, "-m", "bnn_hw.verify", "--build", str(small_build), "--levels", levels,
        "--fragments", "20000", "--json", "v.json", "--html", "v.html",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, preexec_fn=_listen_to_interrupts,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not _children(process.pid):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def _listen_to_interrupts() -> None:
    """What a terminal gives; a test run in the background hands on that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _children(pid: int) -> str:
    """Processes that any thread of ``pid`` has started."""
    return "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
