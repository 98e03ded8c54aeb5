"""Healing: what differs is read again through its lane, like any other work, and looked at once that is done.

Nothing is written here but that wish: whoever dies in the middle leaves work that any daemon goes on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pms_sync.domain.ids import NewId
from pms_sync.ports.connector import Sleep
from pms_sync.reconcile.given import Work
from pms_sync.reconcile.sides import Difference
from pms_sync.store import equality, lanes
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database
from pms_sync.store.lanes import POLL, NewEvent

_AT_ONCE = 500
_WAIT_S = 0.2
PATIENCE_S = 60.0


class Healing:
    """Heals; holds no state between runs."""

    def __init__(self, database: Database, work: Work, new_id: NewId, sleep: Sleep = asyncio.sleep) -> None:
        """`work` works on the lanes of an account, or wakes whoever does."""
        self._database, self._work, self._new_id, self._sleep = database, work, new_id, sleep

    async def heal(self, account: Account, stream: str, reads: Sequence[Difference]) -> set[str]:
        """Let these objects be read, some hundreds at a time, and return the refs of those that are as read now."""
        healed: set[str] = set()
        correlation_id = str(self._new_id())
        for start in range(0, len(reads), _AT_ONCE):
            some = reads[start : start + _AT_ONCE]
            await self._ask(account, stream, some, correlation_id)
            await self._worked_off(account, stream, [one.ref for one in some])
            healed |= await self._read_since(account, some)
        return healed

    async def _ask(self, account: Account, stream: str, reads: Sequence[Difference], correlation_id: str) -> None:
        events = [
            NewEvent(
                tenant_id=account.tenant_id,
                account_id=account.account_id,
                kind="reconcile",
                stream=stream,
                ref=one.ref,
                correlation_id=correlation_id,
                priority=POLL,
            )
            for one in reads
        ]
        async with self._database.transaction(account.tenant_id) as connection:
            await lanes.append(connection, events)

    async def _worked_off(self, account: Account, stream: str, refs: Sequence[str]) -> None:
        """Wait until nothing of these waits any more, or for a minute nothing moved; what is left stays a difference.

        An object that is not there is read twice, with a rest between.
        """
        waited, least = 0.0, len(refs) + 1
        while waited < PATIENCE_S:
            await self._work(account.account_id)
            async with self._database.connection() as connection:
                left = await equality.waiting(connection, account.account_id, stream, refs)
            if not left:
                return
            waited, least = (0.0, left) if left < least else (waited, least)
            await self._sleep(_WAIT_S)
            waited += _WAIT_S

    async def _read_since(self, account: Account, reads: Sequence[Difference]) -> set[str]:
        async with self._database.transaction(account.tenant_id) as connection:
            held = await equality.held(connection, account, [one.ref for one in reads])
        return {
            one.ref
            for one in reads
            if (link := held.get(one.ref)) is not None and link.read_ticket > one.ticket and not link.missing_reads
        }
