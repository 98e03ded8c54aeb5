"""The dispatcher: claims objects with something to send, one batch of an account at a time, fair between accounts.

What it holds when it dies is claimed again by whoever comes next, in the state that the store tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from uuid import UUID

import structlog

from pms_sync.apply.tongues import Tongues
from pms_sync.domain.errors import Unavailable
from pms_sync.domain.ids import NewId
from pms_sync.ports.looking import Look
from pms_sync.push.batch import Batches
from pms_sync.push.errand import Bench
from pms_sync.push.given import FindOutgoing, Pend, PushRuntime, RuntimeDirectory
from pms_sync.push.sending import Sending
from pms_sync.push.settling import Settling
from pms_sync.store import lanes, outbox
from pms_sync.store.database import Connection, Database
from pms_sync.store.leases import LEASE_S, kept
from pms_sync.store.outbox import PushLane, Waiting
from pms_sync.store.sealing import KeyRing

_MOST_LANES = 40
_MOST_BATCHES = 4

log = structlog.get_logger(__name__)


class Dispatcher:
    """Works on several accounts at once, on one batch of each, so that a slow vendor delays only itself."""

    def __init__(  # noqa: PLR0913 - what the composition root joins, by keyword
        self,
        database: Database,
        keys: KeyRing,
        runtimes: RuntimeDirectory,
        *,
        outgoing: FindOutgoing,
        pend: Pend,
        tongues: Tongues,
        look: Look,
        new_id: NewId,
        random: Random,
        woken: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the collaborators; `woken` is told when a batch ended and more may be waiting.

        `outgoing` works out what differs (apply.outgoing), `pend` remembers what is about to be made, `look` reads
        afresh (ingest.looking).
        """
        self._database = database
        self._runtimes = runtimes
        self._new_id = new_id
        self._woken = woken
        bench = Bench(database, keys, random)
        self._batches = Batches(
            bench, Sending(bench, outgoing, pend, tongues, look, new_id), Settling(bench, look, new_id)
        )
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._owners: set[UUID] = set()  # of batches under way or cut short
        self._left: set[UUID] = set()  # of batches that ended when the database was away
        self._refused: dict[UUID, Waiting] = {}

    async def step(self) -> int:
        """Claim a batch for every account with something to send that is idle; returns the number of lanes claimed.

        The batches run on in the background; `idle` waits for them.
        """
        async with self._database.connection() as connection:
            await self._give_back_left(connection)
            waiting = await outbox.waiting(connection, list(self._busy))
        self._refuse([one for one in waiting if not one.may_send])
        claimed = 0
        for one in waiting:
            if len(self._busy) >= _MOST_BATCHES:
                break
            if one.may_send:
                claimed += await self._claim(one.account_id)
        return claimed

    async def idle(self) -> None:
        """Wait until no batch is running."""
        while self._busy:
            await asyncio.wait(list(self._busy.values()))

    async def drain(self) -> None:
        """Work until nothing is due."""
        while await self.step() or self._busy:
            await self.idle()

    async def aclose(self, patience_s: float = 5.0) -> None:
        """Let running batches end, cut those that take too long, and give their lanes back at once."""
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=patience_s)
        for task in tuple(self._busy.values()):
            task.cancel()
        await self.idle()
        async with self._database.connection() as connection:
            await lanes.give_back(connection, list(self._owners | self._left))

    def _refuse(self, shut: Sequence[Waiting]) -> None:
        """Say once, and again when it changed, that something waits for an account that may not send."""
        now = {one.account_id: one for one in shut}
        for account_id, one in now.items():
            if self._refused.get(account_id) != one:
                log.warning("push_refused", account_id=str(account_id), mode=one.mode, state=one.state)
        self._refused = {key: one for key, one in self._refused.items() if key in self._busy} | now

    async def _give_back_left(self, connection: Connection) -> None:
        if left := list(self._left):
            await lanes.give_back(connection, left)
            self._left.difference_update(left)

    async def _claim(self, account_id: UUID) -> int:
        runtime = await self._runtimes.get(account_id)
        if runtime is None:
            return 0
        owner = self._new_id()
        try:
            async with self._database.transaction() as connection:
                claimed = await outbox.claim(connection, account_id, owner, _MOST_LANES, LEASE_S)
        except Unavailable:
            self._left.add(owner)  # it may have been committed, and the answer lost
            raise
        if claimed:
            self._owners.add(owner)
            task = asyncio.create_task(self._work(runtime, claimed, owner), name=f"push-{account_id}")
            self._busy[account_id] = task
            task.add_done_callback(lambda done: self._done(account_id, owner, cut=done.cancelled()))
        return len(claimed)

    def _done(self, account_id: UUID, owner: UUID, *, cut: bool) -> None:
        self._busy.pop(account_id, None)
        if not cut:
            self._owners.discard(owner)
        self._woken()

    async def _work(self, runtime: PushRuntime, claimed: Sequence[PushLane], owner: UUID) -> None:
        """Work on one claimed batch; whatever goes wrong, its lanes are given back or their lease runs out."""
        account_id = str(runtime.account.account_id)
        try:
            async with kept(self._database, [lane.lane_key for lane in claimed], owner):
                await self._batches.work_off(runtime, claimed, owner)
        except Unavailable as fault:
            self._left.add(owner)
            log.warning("push_batch_left_for_later", account_id=account_id, reason=fault.what)
        except Exception:
            log.exception("push_batch_failed", account_id=account_id)
