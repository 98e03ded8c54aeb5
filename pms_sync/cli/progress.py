"""Progress: a bar with rate and remaining time for commands that read a long range."""

from __future__ import annotations

import sys
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bar:
    """Progress on stderr where that is a terminal; silent in a pipe."""

    def __init__(self, start: datetime, end: datetime, what: str = "records") -> None:
        """Take the range that is read, and the word for what is counted."""
        self._start, self._span = start, (end - start).total_seconds() or 1.0
        self._began_at: float | None = None
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn(f"{{task.fields[records]}} {what}, {{task.fields[rate]}}/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        shown = sys.stderr.isatty()
        self.progress = Progress(*columns, console=Console(stderr=True), disable=not shown)
        self._task = self.progress.add_task("reading", total=1.0, records=0, rate=0)

    def show(self, records: int, parked: int, position: datetime) -> None:
        """Move the bar to a position of the range."""
        del parked
        share = (position - self._start).total_seconds() / self._span
        elapsed = self.progress.tasks[0].elapsed or 1.0
        self.progress.update(self._task, completed=share, records=records, rate=int(records / max(elapsed, 0.1)))
