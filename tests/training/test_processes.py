"""Seeds side by side: order, errors, and no process that outlives the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from bnn_hw.errors import UserError
from bnn_hw.training.processes import run_in_processes

ROOT = Path(__file__).parents[2]
LONG = 120.0


def work(seed: int, folder: Path, fail: str = "") -> int:
    """Seed 1 does as it is told; the others leave a trace and take longer than any test."""
    if seed == 1 and fail:
        deadline = time.monotonic() + LONG
        while not (folder / "2").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        if fail == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise UserError(f"seed {seed}: {fail}")
    (folder / f"{seed}.part").write_text(str(os.getpid()))
    (folder / f"{seed}.part").rename(folder / str(seed))  # there or not, never empty
    if fail:
        time.sleep(LONG)
    return 10 * seed


def pids(folder: Path, seeds: tuple[int, ...]) -> list[int]:
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        texts = [p.read_text() for s in seeds if (p := folder / str(s)).exists()]
        if len(texts) == len(seeds):
            return [int(text) for text in texts]
        time.sleep(0.01)
    raise AssertionError(f"no trace of seeds {seeds}")


def wait_until_gone(processes: list[int]) -> None:
    deadline = time.monotonic() + LONG / 4
    for pid in processes:
        while Path(f"/proc/{pid}").exists():
            if Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].startswith("Z"):
                break  # ended; nobody has asked for its status yet
            assert time.monotonic() < deadline, f"process {pid} is still there"
            time.sleep(0.05)


def test_results_come_in_the_order_of_the_seeds(tmp_path: Path) -> None:
    assert run_in_processes(partial(work, folder=tmp_path), (3, 1, 2), 2) == [30, 10, 20]
    assert os.getpid() not in pids(tmp_path, (1, 2, 3))


@pytest.mark.parametrize(
    ("fail", "line"), [("no data", r"^seed 1: no data$"), ("killed", "--resume, and --jobs 1")]
)
def test_a_seed_that_fails_ends_the_others(tmp_path: Path, fail: str, line: str) -> None:
    with pytest.raises(UserError, match=line):
        run_in_processes(partial(work, folder=tmp_path, fail=fail), (1, 2, 3), 2)
    wait_until_gone(pids(tmp_path, (2,)))
    if (tmp_path / "3").exists():  # seed 1's process may have begun it before it was ended
        wait_until_gone(pids(tmp_path, (3,)))


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_processes_end_with_the_command(tmp_path: Path, name: str) -> None:
    code = (
        "from functools import partial; from pathlib import Path; "
        "from bnn_hw.training.processes import run_in_processes; "
        "from tests.training.test_processes import work; "
        f"run_in_processes(partial(work, folder=Path({str(tmp_path)!r}), fail='long'), (2, 3, 4), 2)"
    )
    # A session of its own: the interrupt reaches all its processes, as from a terminal.
    command = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL
    )
    processes = pids(tmp_path, (2, 3))
    if name == "SIGINT":
        os.killpg(command.pid, signal.SIGINT)
    else:
        command.kill()
    assert command.wait(LONG / 4) != 0
    wait_until_gone(processes)
    assert not (tmp_path / "4").exists()
