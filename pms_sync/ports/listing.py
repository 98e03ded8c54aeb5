"""Listing: a whole range as a vendor shows it now, page by page, told and not stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol

import msgspec

from pms_sync.ports.connector import Page, Window


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a listing, read with `ticket` drawn before the vendor was asked.

    `settled` is False on the last page of a window whose pages still brought something new when it was given up: what
    is not on them may be there all the same.
    """

    window: Window
    ticket: int
    page: Page
    settled: bool = True


class Walk(Protocol):
    """Reads a range to its end."""

    def __call__(
        self,
        runtime: Any,  # noqa: ANN401 - an account at run time
        stream: str,
        ends: tuple[datetime, datetime],
        /,
    ) -> AsyncIterator[Listed]:
        """Return the pages of `[start, end)`; a page may come twice. Raises what the vendor call raises."""
        ...
