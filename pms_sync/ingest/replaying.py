"""Replaying: what was received once becomes work again, for a crosswalk that changed or a person who asks."""

from __future__ import annotations

import asyncio
from typing import NotRequired, TypedDict

from pms_sync.domain.errors import Unavailable
from pms_sync.domain.ids import NewId
from pms_sync.ingest.router import Router
from pms_sync.ingest.worker import Worker
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import Sleep
from pms_sync.store import accounts, cases, projection
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database

_EVERY_VERSION = 2**31 - 1
_WAIT_S, _LONGEST_WAIT_S = 0.2, 60.0

_log = get_logger(__name__)


class Replayed(TypedDict):
    """What the command prints; `parked` counts what waits for a person afterwards.

    `gone` is there when there is something to tell: how many objects have no raw record any more to replay.
    """

    replayed: int
    changed: int
    parked: int
    gone: NotRequired[int]


async def heal(database: Database, new_id: NewId) -> int:
    """Open work for everything that was mapped with an older crosswalk than its account's; returns how many records.

    So a reservation in quarantine heals by itself once its code is mapped (MAP-03). Nothing is read at the vendor.
    """
    opened = 0
    async with database.connection() as connection:
        behind = [one for one in await accounts.load(connection) if one.projected_version < one.crosswalk_version]
    for account in behind:
        ids, _ = await _enqueue_links(database, account, account.crosswalk_version, new_id, read_again=True)
        async with database.transaction(account.tenant_id) as connection:
            subjects = await projection.mapped_subjects(connection, account)
            await cases.withdraw(connection, account.tenant_id, "mapping_missing", subjects)
            await projection.projected(connection, account, account.crosswalk_version)
        if ids:
            _log.info("mapping_changed", account_id=str(account.account_id), records=len(ids))
        opened += len(ids)
    return opened


class Replay:
    """The command's work: open the lanes, then work on them until they are done."""

    def __init__(
        self, database: Database, router: Router, worker: Worker, new_id: NewId, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        """Take the loops' parts; they run here beside those of a daemon."""
        self._database, self._router, self._worker = database, router, worker
        self._new_id, self._sleep = new_id, sleep

    async def run(self, *, everything: bool) -> Replayed:
        """Replay the parked rows, and with `everything` the current raw record of every object.

        Raises Unavailable when another daemon keeps some of the work for a minute.
        """
        async with self._database.connection() as connection:
            found = await accounts.load(connection)
        async with self._database.transaction() as connection:
            ids = await projection.enqueue_parked(connection, [one.account_id for one in found])
            deliveries = await projection.reopen_deliveries(connection)
        gone = 0
        for account in found if everything else ():
            some, missing = await _enqueue_links(
                self._database, account, _EVERY_VERSION, self._new_id, read_again=False
            )
            ids, gone = ids + some, gone + missing
        while await self._router.route_once():
            continue
        changed = await self._work_off(ids)
        async with self._database.connection() as connection:
            parked = await projection.parked_count(connection)
        told = Replayed(replayed=len(ids) + deliveries, changed=changed, parked=parked)
        return {**told, "gone": gone} if gone else told

    async def _work_off(self, ids: list[int]) -> int:
        waited = 0.0
        while True:
            await self._worker.drain()
            async with self._database.connection() as connection:
                told = await projection.settled(connection, ids)
            if told.finished == len(ids):
                return told.changed
            if waited >= _LONGEST_WAIT_S:
                what = f"{len(ids) - told.finished} of {len(ids)} records are still waiting"
                raise Unavailable(what, "replay", "look at `accounts list`: a paused account keeps its work")
            await self._sleep(_WAIT_S)
            waited += _WAIT_S


async def _enqueue_links(
    database: Database, account: Account, below_version: int, new_id: NewId, *, read_again: bool
) -> tuple[list[int], int]:
    """Return the events' ids, and how many objects have no raw record any more and were left out."""
    correlation_id, ids, gone = str(new_id()), list[int](), 0
    going_on: str | None = ""
    while going_on is not None:
        async with database.transaction(account.tenant_id) as connection:
            told = await projection.enqueue_links(
                connection, account, below_version, correlation_id, after=going_on, read_again=read_again
            )
        ids, gone, going_on = ids + told.ids, gone + told.gone, told.after
    async with database.transaction(account.tenant_id) as connection:
        told = await projection.enqueue_rooms(connection, account, below_version, correlation_id, read_again=read_again)
    return ids + told.ids, gone + told.gone
