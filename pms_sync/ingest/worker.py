"""The worker: claims lanes, reads what must be read, maps it and applies it, a batch of one account at a time.

No transaction is open while a vendor is called. Effects and acknowledgement commit together under the lane's fence.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from uuid import UUID

import structlog

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime, Batch, LaneWork, RuntimeDirectory, fetched_work
from pms_sync.ingest.halving import land
from pms_sync.ingest.landing import Landing
from pms_sync.ports.connector import Missing
from pms_sync.store import accounts, lanes
from pms_sync.store.database import Database
from pms_sync.store.lane_batches import LaneBatches
from pms_sync.store.lanes import Lane

_BACK_OFF_BASE_S, _BACK_OFF_CAP_S = 2.0, 300.0
_PAUSED_S = 30.0
_MOST_LANES = 500

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
        self._random = random
        self._batches = LaneBatches(database, lanes.claim, _MOST_LANES, kind="read", new_id=new_id, woken=woken)
        self._rests: dict[UUID, float] = {}  # accounts that gather hints, until when by the loop's time
        self.outcomes: Counter[str] = Counter()

    async def step(self, only: UUID | None = None) -> int:
        """Claim a batch for every due account that is idle; returns the number of lanes claimed.

        The batches run on in the background; `idle` waits for them.
        """
        async with self._database.connection() as connection:
            await self._batches.give_back_left(connection)
            due = await lanes.due_accounts(connection, [*self._batches.busy, *self._resting()])
        claimed = 0
        for account_id in due:
            if self._batches.is_full:
                break
            if only is None or account_id == only:
                claimed += await self._start(account_id)
        return claimed

    async def idle(self) -> None:
        """Wait until no batch is running."""
        await self._batches.idle()

    async def aclose(self, patience_s: float = 10.0) -> None:
        """Let running batches end, cut those that take too long, and give their lanes back at once."""
        await self._batches.aclose(patience_s)

    async def drain(self, account_id: UUID | None = None) -> Counter[str]:
        """Work until no lane is due, and return what the records came to since the start of the drain."""
        before = Counter(self.outcomes)
        while await self.step(account_id) or self._batches.busy:
            await self.idle()
        return self.outcomes - before

    def _resting(self) -> list[UUID]:
        now = asyncio.get_running_loop().time()
        self._rests = {account_id: until for account_id, until in self._rests.items() if until > now}
        return list(self._rests)

    async def _start(self, account_id: UUID) -> int:
        runtime = await self._runtimes.get(account_id)
        if runtime is None:
            return 0
        return await self._batches.start(account_id, partial(self._work_off, runtime))

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
