"""Runs ``bnn-hw`` in this process, in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bnn_hw.cli import main

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``run("info", path, status=0)``; what it printed, or the error where the status is not 0."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object, status: int = 0) -> str:
        ended = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        assert ended == status, (arguments, captured)
        return captured.err if status else captured.out

    return call
