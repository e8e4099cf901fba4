"""The wheel alone, in an empty environment, generates hardware: nothing of the checkout is needed."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_wheel_in_an_empty_environment_generates(tmp_path):
    pip = [sys.executable, "-m", "pip"]
    _run(
        *pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT, cwd=tmp_path
    )
    (wheel,) = tmp_path.glob("bnn_hw-*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    _run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    _run(
        tmp_path / "env/bin/bnn-hw", "generate", "ecg17", "-o", tmp_path / "out/ecg17", cwd=tmp_path
    )
    for file in ("rtl/ecg17_top.sv", "hls/ecg17.cpp", "vectors/expected.json", "manifest.json"):
        assert (tmp_path / "out/ecg17" / file).stat().st_size > 0
    absent = "import importlib.util as u; print([m for m in ('torch', 'wfdb', 'cocotb') if u.find_spec(m)])"
    assert _run(python, "-c", absent, cwd=tmp_path).strip() == "[]"
    where = "import bnn_hw.assets as a; print(a.sim_dir())"
    assert str(tmp_path / "env") in _run(python, "-c", where, cwd=tmp_path)
