"""Seeds trained side by side, each in a process of its own.

torch is given one thread a training, so that the same seed gives the same bits; more cores are of
use to other seeds only. Processes are spawned, not forked: torch's threads do not survive a fork.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from bnn_hw.errors import UserError

T = TypeVar("T")


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def run_in_processes(function: Callable[[int], T], seeds: Sequence[int], jobs: int) -> list[T]:
    """Return `function` of every seed, in their order, `jobs` of them at a time.

    `function` and what it returns are pickled on their way between the processes. What it raises
    is raised here, and ends the processes of the others, as an interrupt does. Raises UserError if
    a process is killed from outside.
    """
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_end_with_parent) as pool:
        try:
            futures = [pool.submit(function, seed) for seed in seeds]
            ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in ended:
                future.result()  # raises what the seed raised, whichever it was
            return [future.result() for future in futures]
        except BaseException as error:
            for process in active_children():
                process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise UserError(
                    f"training {jobs} seeds at a time: a process was killed, for memory perhaps; "
                    "go on with --resume, and --jobs 1 if it happens again"
                ) from None
            raise


def _end_with_parent() -> None:
    """Leave an interrupt to the parent, which ends this process; end too if it was killed."""
    parent = parent_process()
    assert parent is not None
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
