"""The table that grows while verify runs; on a terminal live, elsewhere a line a level."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bnn_hw.cli.output import remark
from bnn_hw.verify.verdict import LevelResult, Verdict

_REPORT_WIDTH = 150


class LiveTable:
    """Shows the levels of one network; a context manager."""

    def __init__(self, title: str, names: tuple[str, ...], on_stderr: bool) -> None:
        self._title = title
        self._names = names
        self._results: dict[str, LevelResult] = {}
        self._started: dict[str, float] = {}
        out = Console(stderr=on_stderr)
        self._console = out if out.is_terminal else Console(stderr=on_stderr, width=_REPORT_WIDTH)
        self._live: Live | None = None

    def __enter__(self) -> LiveTable:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._table, console=self._console, refresh_per_second=4
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, name: str, result: LevelResult | None) -> None:
        """Take note that a level started (``result`` None) or ended."""
        if result is None:
            self._started[name] = time.monotonic()
            return
        self._results[name] = result
        if self._live is None:  # a log shows that something goes on
            word = "skipped" if result.skipped else "equal" if result.passed else "differs"
            remark(f"{name}: {word} after {result.seconds:.1f} s")

    def finish(self, verdict: Verdict, remark: str) -> None:
        """Show the final state and the verdict."""
        self._names = tuple(level.name for level in verdict.levels)
        self._results = {level.name: level for level in verdict.levels}
        if self._live is not None:
            self._live.refresh()
            self._live.stop()
            self._live = None
        else:
            self._console.print(self._table())
        self._console.print(Text(remark, style="dim"))
        for level in verdict.levels:
            if level.failed or (level.skipped and not level.left_out):
                kind = "MISMATCH" if level.failed else "NOT RUN"
                self._console.print(
                    Text(f"{kind} {level.name}: {level.why}", style="bold red"), soft_wrap=True
                )
        style, word = ("bold green", "PASSED") if verdict.passed else ("bold red", "NOT PASSED")
        self._console.print(Text(f"{verdict.model}: {word}", style=style))

    def _table(self) -> Table:
        table = Table(
            title=self._title, title_justify="left", box=None, pad_edge=False, expand=True
        )
        table.add_column("level", no_wrap=True)
        table.add_column("result", no_wrap=True)
        for column in ("fragments", "compared", "mismatches", "seconds"):
            table.add_column(column, justify="right", no_wrap=True)
        # A ratio makes this column the one that gives way in a narrow terminal.
        table.add_column("remark", overflow="ellipsis", no_wrap=True, ratio=1)
        for name in self._names:
            table.add_row(name, *self._cells(name))
        return table

    def _cells(self, name: str) -> list[Text | str]:
        result = self._results.get(name)
        if result is None:
            since = self._started.get(name)
            if since is None:
                return [Text("waiting", style="dim"), "", "", "", "", ""]
            return [
                Text("running", style="yellow"),
                "",
                "",
                "",
                f"{time.monotonic() - since:.0f}",
                "",
            ]
        if result.skipped:
            style = "dim" if result.left_out else "bold red"
            return [Text("skipped", style=style), "", "", "", "", result.why or ""]
        word = Text("equal", style="green") if result.passed else Text("differs", style="bold red")
        return [
            word,
            str(result.fragments) if result.fragments else "",
            f"{result.compared:,}",
            f"{result.mismatches:,}",
            f"{result.seconds:.1f}",
            result.why or "",
        ]
