"""Signs of life of tools that work for minutes: a line when a step starts, one every so often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]

INTERVAL_S = 30.0
_TAIL_BYTES = 4096


@contextmanager
def step(what: str, log: Path | None, say: Say, interval_s: float = INTERVAL_S) -> Iterator[None]:
    """Say that ``what`` starts, then every ``interval_s`` for how long it runs and its log's last line."""
    started = time.monotonic()
    ended = threading.Event()
    say(what)

    def watch() -> None:
        while not ended.wait(interval_s):
            seconds = time.monotonic() - started
            say(f"{what}: {seconds:.0f} s, {last_line(log)}")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    say(f"{what}: done in {time.monotonic() - started:.0f} s")


def last_line(log: Path | None) -> str:
    """The last full line of a log that is still being written, shortened."""
    try:
        if log is None:
            return "working"
        with open(log, "rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            tail = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return "starting"
    lines = [line.strip() for line in tail.split("\n")[:-1] if line.strip()]
    return lines[-1][:80] if lines else "working"
