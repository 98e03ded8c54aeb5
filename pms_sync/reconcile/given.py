"""Given: what the composition root hands in, since reading and landing are other rooms' business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from pms_sync.ports.connector import Connector, ConnectorSpec, Page, StreamSpec
from pms_sync.ports.mapper import Mapper
from pms_sync.store.accounts import Account

RESERVATIONS = "reservations"
# What is compared, in this order. Guests are part of their reservations, and compared with them alone.
_STREAMS = (RESERVATIONS, "blocks")
Ends = tuple[datetime, datetime]


def comparable(spec: ConnectorSpec) -> list[StreamSpec]:
    """Return the streams that can be compared, as the vendor lists each of them as a whole."""
    listed = {one.name: one for one in spec.streams if one.snapshot_dimension is not None}
    return [listed[name] for name in _STREAMS if name in listed]


class ReconcileRuntime(Protocol):
    """One account ready to be listed."""

    account: Account
    connector: Connector
    mapper: Mapper


class TakeIn(Protocol):
    """Stores and parks rows that nothing can name, so that a person sees them (ingest.intake)."""

    async def __call__(self, runtime: Any, stream: str, page: Page, ticket: int) -> None:  # noqa: ANN401
        """Take in what the page holds; what is known already changes nothing."""
        ...


Work = Callable[[UUID], Awaitable[object]]  # works on an account's lanes, or wakes whoever does
Progress = Callable[[int, int, datetime], None]  # rows compared, differences so far, place in the range
Told = Callable[[str, int], None]  # a word (class, `healed`, `refused`) and a number, after the run


def unseen(_compared: int, _differing: int, _place: datetime) -> None:
    """Nobody watches."""


def unheard(_word: str, _count: int) -> None:
    """Nobody counts."""
