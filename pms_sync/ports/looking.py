"""Looking: how whoever is about to write asks for a vendor's objects as they are now, landed in the store first."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol


class Looked(StrEnum):
    """What looking at one object came to."""

    SEEN = "seen"  # the store holds it as it is now
    ABSENT = "absent"  # the vendor does not show it; never a proof of deletion
    BUSY = "busy"  # somebody else is reading it just now
    UNREAD = "unread"  # it came, but was not taken: parked, or doubted and read again


class Look(Protocol):
    """Fetches objects of one account and lands them through the ordinary apply."""

    async def __call__(self, runtime: Any, asked: Mapping[str, str]) -> Mapping[str, Looked]:  # noqa: ANN401 - an account at run time
        """Look at these refs, each for the sake of a correlation id; every ref has an answer. Raises VendorFault."""
        ...
