"""The screen: a live table of what happens on a terminal, plain lines in a pipe, and the statement in words."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pms_sync.demo.play import Line

_SHOWN = 18
_COUNTED = ("reservations", "room_stays", "room_nights", "blocks")


class Screen:
    """Shows lines while it is entered, and reads the statement out at the end."""

    def __init__(self, *, headless: bool, reads_out: bool = True) -> None:
        """Choose the way of showing: nothing, a live table, or a line at a time; `reads_out` is for the statement."""
        self._console = Console(highlight=False)
        self._live = None if headless or not sys.stdout.isatty() else Live(console=self._console, refresh_per_second=4)
        self._plain = not headless and self._live is None
        self._reads_out = reads_out
        self._printed = 0

    def __enter__(self) -> Self:
        """Begin."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; the last picture stays."""
        if self._live is not None:
            self._live.stop()

    def say(self, words: str) -> None:
        """Say one thing above the table."""
        if self._live is not None or self._plain:
            self._console.print(Text(words))

    def show(self, lines: Sequence[Line]) -> None:
        """Show what happened so far."""
        if self._live is not None:
            self._live.update(_table(lines[-_SHOWN:]))
        elif self._plain:
            for line in lines[self._printed :]:
                self._console.print(Text(f"{line.at:%H:%M:%S}  {line.words}"))
            self._printed = len(lines)

    def state(self, document: dict[str, Any]) -> None:
        """Read the statement out, headless or not."""
        if not self._reads_out:
            return
        table = Table("", *(name.replace("_", " ") for name in _COUNTED), box=None)
        for name, one in document["vendors"].items():
            for side, words in (("truth", f"{name} says"), ("store", "the store holds")):
                table.add_row(words, *(str(one[side][counted]) for counted in _COUNTED))
        self._console.print()
        self._console.print(table)
        self._console.print(Text(_verdict(document)))
        for one in document["vendors"].values():
            for difference in one["differences"]:
                self._console.print(Text(f"  {difference}"))
        for difference in document["differences"]:
            self._console.print(Text(f"  {difference}"))


def _table(lines: Sequence[Line]) -> Table:
    table = Table("time", "at the vendor", "in the store", "after", box=None)
    for line in lines:
        how = line.how or ("…" if line.refs else "")
        took = "" if line.took_s is None else f"{line.took_s:.2f} s"
        style = "" if line.refs else "bold"
        table.add_row(f"{line.at:%H:%M:%S}", Text(line.words, style=style), how, took)
    return table


def _verdict(document: dict[str, Any]) -> str:
    held = [name for name, verdict in document["invariants"].items() if verdict == "held"]
    broken = [name for name, verdict in document["invariants"].items() if verdict == "broken"]
    cases = document["cases"]
    equal = "Both sides are equal" if document["converged"] else "THE SIDES DIFFER"
    told = f"{equal}. Held: {', '.join(held)}."
    if broken:
        told += f" BROKEN: {', '.join(broken)}."
    return f"{told} Cases for a person: {cases['opened']} opened, {cases['open']} open."
