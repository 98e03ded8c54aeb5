"""What a worker's batch is made of, and what it asks of an account at run time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from pms_sync.observe.redact import scrub_json
from pms_sync.ports.connector import Connector, Missing, Record
from pms_sync.ports.mapper import Mapper
from pms_sync.store.accounts import Account
from pms_sync.store.lanes import Event, Lane

T = TypeVar("T")


class AccountRuntime(Protocol):
    """One account ready to be talked to; every vendor call goes through `call`."""

    account: Account
    connector: Connector
    mapper: Mapper

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str) -> T:
        """Make one guarded vendor call: retry, budget, breaker, time-out; raises VendorFault."""
        ...

    def pace(self) -> float:
        """Return the seconds to gather hints before the next fetch, 0 while the budget is ample."""
        ...


class RuntimeDirectory(Protocol):
    """Finds accounts at run time."""

    async def get(self, account_id: UUID) -> AccountRuntime | None:
        """Return the account, or None when it cannot be talked to (paused, no credentials, unknown vendor)."""
        ...


class LaneWork(msgspec.Struct, frozen=True):
    """A claimed lane with what its object is now."""

    lane: Lane
    found: Record | Missing
    ticket: int
    direct: bool
    raw_id: int | None = None
    event: Event | None = None

    @property
    def chosen(self) -> Event:
        """Return the event that stands for the lane: the one the record came with, else the newest."""
        return self.event or self.lane.events[-1]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Lanes of one account, claimed by one owner, ready to land."""

    runtime: AccountRuntime
    owner: UUID
    works: tuple[LaneWork, ...]


def raw_work(lane: Lane, event: Event, bodies: Mapping[int, bytes]) -> LaneWork:
    """Make work of a record that was read already; its ticket is that of its read."""
    body = bodies.get(event.raw_id or 0)
    if body is None:  # pruned by retention: read it again another day
        return LaneWork(lane, Missing("absent"), event.read_ticket or 0, direct=False, event=event)
    record = Record(stream=lane.stream, ref=lane.ref, property_ref="", body=body)
    return LaneWork(lane, record, event.read_ticket or 0, direct=False, raw_id=event.raw_id, event=event)


def fetched_work(lane: Lane, found: Record | Missing, ticket: int, identifier_keys: frozenset[str]) -> LaneWork:
    """Make work of what the vendor has just said; cards go before anything is mapped, digested or stored."""
    if isinstance(found, Record):
        clean, _ = scrub_json(found.body, identifier_keys)
        found = msgspec.structs.replace(found, body=clean)
    return LaneWork(lane, found, ticket, direct=True)
