"""Posting: how an event reaches the address somebody else gave us, whatever lies behind the name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; `retry_after` is in seconds, where the other side asked for a pause."""

    status: int
    retry_after: float | None = None


class Poster(Protocol):
    """A way to one address; redirects are not followed, and what the answer holds beyond its head is dropped."""

    async def post(self, headers: Mapping[str, str], body: bytes) -> Posted:
        """Send once; raises VendorFault when there is no answer, or no connection may be made to that address."""
        ...

    async def aclose(self) -> None:
        """Let the connections go."""
        ...


OpenPoster = Callable[[str], Poster]
"""Opens the way to a URL; raises ConfigurationFault for one that nothing may be sent to."""
