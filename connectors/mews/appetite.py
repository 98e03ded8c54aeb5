"""Appetite: how much is asked at once. What proves too much is halved, and grown back once smaller helpings go down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from connectors.kit import rest
from connectors.mews.faults import TooMuch

_MOST_HALVINGS = 10
_HELPINGS_TO_GROW = 3
_LEAST_ROWS = 20
_LEAST_SPAN = timedelta(minutes=1)

# A read that nobody waits for any longer is cancelled: it was too much as well.
_INDIGESTIBLE = (TooMuch, rest.Unreachable, asyncio.CancelledError)


class Appetite:
    """The helping of one kind of read; remembers between calls, not across restarts."""

    def __init__(self) -> None:
        """Begin with everything."""
        self._halvings = self._well = 0

    def rows(self, most: int) -> int:
        """Return how many rows, or ids, to ask for at once."""
        return max(most >> self._halvings, min(most, _LEAST_ROWS))

    def span(self, longest: timedelta) -> timedelta:
        """Return how long a stretch of time to ask for at once."""
        return max(longest / (1 << self._halvings), min(longest, _LEAST_SPAN))

    @contextmanager
    def helping(self) -> Iterator[None]:
        """Judge a read by how it ends."""
        try:
            yield
        except _INDIGESTIBLE:
            self._halvings, self._well = min(self._halvings + 1, _MOST_HALVINGS), 0
            raise
        self._well += 1
        if self._well >= _HELPINGS_TO_GROW:
            self._halvings, self._well = max(self._halvings - 1, 0), 0
