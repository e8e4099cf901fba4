"""A generated build folder that the tests of this folder share, and copies of it to break."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bnn_hw.generate.build import Build, generate

from .nets import little_folding, small_network, small_samples


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The little network, generated."""
    network = small_network()
    target = tmp_path_factory.mktemp("little") / "build"
    return generate(network, little_folding(network), target, small_samples()[:, None, :])


@pytest.fixture
def broken(little: Build, tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Copy the build folder and replace text in one of its files, exactly once."""

    def replace(file: str, old: str, new: str) -> Path:
        folder = tmp_path / "broken"
        if not folder.exists():
            shutil.copytree(little.path, folder)
        path = folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new))
        return folder

    return replace
