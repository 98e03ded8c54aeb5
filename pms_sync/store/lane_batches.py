"""Lane batches: claimed lanes being worked on, one batch of an account at a time; whatever ends one, lanes are freed.

Several accounts are worked on at once, so that a slow vendor delays only itself. What somebody held who died is
claimed again once its lease ran out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from pms_sync.domain.errors import Unavailable
from pms_sync.domain.ids import NewId
from pms_sync.store import lanes
from pms_sync.store.database import Connection, Database
from pms_sync.store.leases import LEASE_S, kept

_MOST_BATCHES = 4

log = structlog.get_logger(__name__)


class HasLane(Protocol):
    """Something claimed with its lane."""

    @property
    def lane_key(self) -> str:
        """The lane."""


L = TypeVar("L", bound=HasLane)
Claim = Callable[[Connection, UUID, UUID, int, float], Awaitable[Sequence[L]]]
"""Leases lanes of an account for an owner: at most so many, for so many seconds (inside a transaction)."""
WorkOff = Callable[[Sequence[L], UUID], Awaitable[None]]
"""Works on what an owner claimed."""


class LaneBatches(Generic[L]):
    """The batches of one kind of work in this process; `idle` waits for them."""

    def __init__(
        self,
        database: Database,
        claim: Claim[L],
        most_lanes: int,
        *,
        kind: str,
        new_id: NewId,
        woken: Callable[[], None],
    ) -> None:
        """Begin idle; `kind` names the work in the log, `woken` is told when a batch ended and more may be waiting."""
        self._database, self._claim, self._most_lanes = database, claim, most_lanes
        self._kind, self._new_id, self._woken = kind, new_id, woken
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._owners: set[UUID] = set()  # of batches under way or cut short
        self._left: set[UUID] = set()  # of batches that ended when the database was away

    @property
    def busy(self) -> dict[UUID, asyncio.Task[None]]:
        """Return the batches under way by account."""
        return dict(self._busy)

    @property
    def is_full(self) -> bool:
        """Tell whether no further batch may begin now."""
        return len(self._busy) >= _MOST_BATCHES

    async def give_back_left(self, connection: Connection) -> None:
        """Let go of what a batch held when the database went away: no lease need end before it is done again."""
        if left := list(self._left):
            await lanes.give_back(connection, left)
            self._left.difference_update(left)

    async def start(self, account_id: UUID, work_off: WorkOff[L]) -> int:
        """Claim a batch of an account and let it be worked on; returns how many lanes were claimed.

        Raises Unavailable when the database is away.
        """
        owner = self._new_id()
        try:
            async with self._database.transaction(durable=False) as connection:
                claimed = await self._claim(connection, account_id, owner, self._most_lanes, LEASE_S)
        except Unavailable:
            self._left.add(owner)  # it may have been committed, and the answer lost
            raise
        if claimed:
            self._owners.add(owner)
            work = self._work(account_id, claimed, owner, work_off)
            task = asyncio.create_task(work, name=f"{self._kind}-{account_id}")
            self._busy[account_id] = task
            task.add_done_callback(lambda done: self._done(account_id, owner, cut=done.cancelled()))
        return len(claimed)

    async def idle(self) -> None:
        """Wait until no batch is running."""
        while self._busy:
            await asyncio.wait(list(self._busy.values()))

    async def aclose(self, patience_s: float) -> None:
        """Let running batches end, cut those that take too long, and give their lanes back at once."""
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=patience_s)
        for task in tuple(self._busy.values()):
            task.cancel()
        await self.idle()
        async with self._database.connection() as connection:
            await lanes.give_back(connection, list(self._owners | self._left))

    def _done(self, account_id: UUID, owner: UUID, *, cut: bool) -> None:
        self._busy.pop(account_id, None)
        if not cut:
            self._owners.discard(owner)
        self._woken()

    async def _work(self, account_id: UUID, claimed: Sequence[L], owner: UUID, work_off: WorkOff[L]) -> None:
        """Work on one claimed batch; whatever goes wrong, its lanes are given back or their lease runs out."""
        try:
            async with kept(self._database, [one.lane_key for one in claimed], owner):
                await work_off(claimed, owner)
        except Unavailable as fault:
            self._left.add(owner)
            log.warning("batch_left_for_later", work=self._kind, account_id=str(account_id), reason=fault.what)
        except Exception:
            log.exception("batch_failed", work=self._kind, account_id=str(account_id))
