"""The worker: claims lanes, reads what must be read, maps it and applies it, a batch of one account at a time.

No transaction is open while a vendor is called. Effects and acknowledgement commit together under the lane's fence.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from uuid import UUID

import structlog

from pms_sync.domain.errors import Disposition, Unavailable, VendorFault
from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime, Batch, LaneWork, RuntimeDirectory, fetched_work
from pms_sync.ingest.halving import land
from pms_sync.ingest.landing import Landing
from pms_sync.ports.connector import Missing
from pms_sync.store import accounts, lanes
from pms_sync.store.database import Connection, Database
from pms_sync.store.lanes import Lane
from pms_sync.store.leases import LEASE_S, kept

_BACK_OFF_BASE_S, _BACK_OFF_CAP_S = 2.0, 300.0
_PAUSED_S = 30.0
_MOST_LANES = 500
_MOST_BATCHES = 4

log = structlog.get_logger(__name__)


class Worker:
    """Works on several accounts at once, on one batch of each, so that a slow vendor delays only itself."""

    def __init__(
        self,
        database: Database,
        runtimes: RuntimeDirectory,
        landing: Landing,
        *,
        new_id: NewId,
        random: Random,
        woken: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the collaborators; `woken` is told when a batch ended and more may be waiting."""
        self._database = database
        self._runtimes = runtimes
        self._landing = landing
        self._new_id = new_id
        self._random = random
        self._woken = woken
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._rests: dict[UUID, float] = {}  # accounts that gather hints, until when by the loop's time
        self._owners: set[UUID] = set()  # of batches under way or cut short
        self._left: set[UUID] = set()  # of batches that ended when the database was away
        self.outcomes: Counter[str] = Counter()

    async def step(self, only: UUID | None = None) -> int:
        """Claim a batch for every due account that is idle; returns the number of lanes claimed.

        The batches run on in the background; `idle` waits for them.
        """
        async with self._database.connection() as connection:
            await self._give_back_left(connection)
            due = await lanes.due_accounts(connection, [*self._busy, *self._resting()])
        claimed = 0
        for account_id in due:
            if len(self._busy) >= _MOST_BATCHES:
                break
            if only is None or account_id == only:
                claimed += await self._claim(account_id)
        return claimed

    async def idle(self) -> None:
        """Wait until no batch is running."""
        while self._busy:
            await asyncio.wait(list(self._busy.values()))

    async def aclose(self, patience_s: float = 10.0) -> None:
        """Let running batches end, cut those that take too long, and give their lanes back at once."""
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=patience_s)
        for task in tuple(self._busy.values()):
            task.cancel()
        await self.idle()
        async with self._database.connection() as connection:
            await lanes.give_back(connection, list(self._owners | self._left))

    async def drain(self, account_id: UUID | None = None) -> Counter[str]:
        """Work until no lane is due, and return what the records came to since the start of the drain."""
        before = Counter(self.outcomes)
        while await self.step(account_id) or self._busy:
            await self.idle()
        return self.outcomes - before

    async def _give_back_left(self, connection: Connection) -> None:
        """Let go of what a batch held when the database went away: no lease need end before it is done again."""
        if left := list(self._left):
            await lanes.give_back(connection, left)
            self._left.difference_update(left)

    def _resting(self) -> list[UUID]:
        now = asyncio.get_running_loop().time()
        self._rests = {account_id: until for account_id, until in self._rests.items() if until > now}
        return list(self._rests)

    async def _claim(self, account_id: UUID) -> int:
        runtime = await self._runtimes.get(account_id)
        if runtime is None:
            return 0
        owner = self._new_id()
        try:
            async with self._database.transaction() as connection:
                claimed = await lanes.claim(connection, account_id, owner, _MOST_LANES, LEASE_S)
        except Unavailable:
            self._left.add(owner)  # it may have been committed, and the answer lost
            raise
        if claimed:
            self._owners.add(owner)
            task = asyncio.create_task(self._work(runtime, claimed, owner), name=f"batch-{account_id}")
            self._busy[account_id] = task
            task.add_done_callback(lambda done: self._done(account_id, owner, cut=done.cancelled()))
        return len(claimed)

    def _done(self, account_id: UUID, owner: UUID, *, cut: bool) -> None:
        self._busy.pop(account_id, None)
        if not cut:
            self._owners.discard(owner)
        self._woken()

    async def _work(self, runtime: AccountRuntime, claimed: Sequence[Lane], owner: UUID) -> None:
        """Work on one claimed batch; whatever goes wrong, its lanes are given back or their lease runs out."""
        try:
            async with kept(self._database, [lane.lane_key for lane in claimed], owner):
                await self._work_off(runtime, claimed, owner)
        except Unavailable as fault:
            self._left.add(owner)
            log.warning("batch left for later", account_id=str(runtime.account.account_id), reason=fault.what)
        except Exception:
            log.exception("batch failed", account_id=str(runtime.account.account_id))

    async def _work_off(self, runtime: AccountRuntime, claimed: Sequence[Lane], owner: UUID) -> None:
        known = [lane for lane in claimed if all(event.raw_id is not None for event in lane.events)]
        asked = [lane for lane in claimed if any(event.raw_id is None for event in lane.events)]
        if known:
            await self._land(runtime, owner, await self._landing.opened(known))
        limit = runtime.connector.spec.batch_fetch_limit
        for start in range(0, len(asked), limit):
            await self._fetch_and_land(runtime, owner, asked[start : start + limit])

    async def _fetch_and_land(self, runtime: AccountRuntime, owner: UUID, asked: Sequence[Lane]) -> None:
        stream = asked[0].stream
        same = [lane for lane in asked if lane.stream == stream]
        async with self._database.connection() as connection:
            ticket = await lanes.read_ticket(connection)
        refs = [lane.ref for lane in same]
        try:
            found = await runtime.call(
                lambda: runtime.connector.fetch(stream, refs), priority="live", operation="fetch"
            )
        except VendorFault as fault:
            await self._give_back(runtime, owner, same, fault)
        else:
            self._rests[runtime.account.account_id] = asyncio.get_running_loop().time() + runtime.pace()
            plain = runtime.connector.spec.identifier_keys
            works = [fetched_work(lane, found.get(lane.ref, Missing("absent")), ticket, plain) for lane in same]
            await self._land(runtime, owner, works)
        rest = [lane for lane in asked if lane.stream != stream]
        if rest:
            await self._fetch_and_land(runtime, owner, rest)

    async def _give_back(self, runtime: AccountRuntime, owner: UUID, asked: Sequence[Lane], fault: VendorFault) -> None:
        """Keep the work for later; a vendor's failure never uses up a record's chances."""
        attempts = max(lane.attempts for lane in asked)
        wait = fault.retry_after or self._random.uniform(
            1, min(_BACK_OFF_CAP_S, _BACK_OFF_BASE_S * 2 ** min(attempts, 10))
        )
        keys = [lane.lane_key for lane in asked]
        async with self._database.transaction() as connection:
            match fault.disposition:
                case Disposition.PAUSE:
                    await accounts.set_state(connection, runtime.account.account_id, "failed", str(fault))
                    await lanes.back_off(connection, keys, owner, _PAUSED_S, counts=False)
                case Disposition.PARK | Disposition.SKIP | Disposition.REFUSE | Disposition.ABORT | Disposition.RETRY:
                    await lanes.back_off(connection, keys, owner, wait, counts=fault.retry_after is None)
        log.info("fetch failed, kept for later", account_id=str(runtime.account.account_id), reason=fault.what)

    async def _land(self, runtime: AccountRuntime, owner: UUID, works: Sequence[LaneWork]) -> None:
        await land(self._landing, Batch(runtime=runtime, owner=owner, works=tuple(works)), self.outcomes)
