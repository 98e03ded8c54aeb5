"""The dispatcher: claims objects with something to send, one batch of an account at a time, fair between accounts.

What it holds when it dies is claimed again by whoever comes next, in the state that the store tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from uuid import UUID

import structlog

from pms_sync.apply.tongues import Tongues
from pms_sync.domain.ids import NewId
from pms_sync.ports.looking import Look
from pms_sync.push.batch import Batches
from pms_sync.push.errand import Bench
from pms_sync.push.given import FindOutgoing, Pend, RuntimeDirectory
from pms_sync.push.sending import Sending
from pms_sync.push.settling import Settling
from pms_sync.store import outbox
from pms_sync.store.database import Database
from pms_sync.store.lane_batches import LaneBatches
from pms_sync.store.outbox import Waiting
from pms_sync.store.sealing import KeyRing

_MOST_LANES = 40

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
        self._claimed = LaneBatches(database, outbox.claim, _MOST_LANES, kind="push", new_id=new_id, woken=woken)
        bench = Bench(database, keys, random)
        self._batches = Batches(
            bench, Sending(bench, outgoing, pend, tongues, look, new_id), Settling(bench, look, new_id)
        )
        self._refused: dict[UUID, Waiting] = {}

    async def step(self) -> int:
        """Claim a batch for every account with something to send that is idle; returns the number of lanes claimed.

        The batches run on in the background; `idle` waits for them.
        """
        async with self._database.connection() as connection:
            await self._claimed.give_back_left(connection)
            waiting = await outbox.waiting(connection, list(self._claimed.busy))
        self._refuse([one for one in waiting if not one.may_send])
        claimed = 0
        for one in waiting:
            if self._claimed.is_full:
                break
            if one.may_send:
                claimed += await self._start(one.account_id)
        return claimed

    async def idle(self) -> None:
        """Wait until no batch is running."""
        await self._claimed.idle()

    async def drain(self) -> None:
        """Work until nothing is due."""
        while await self.step() or self._claimed.busy:
            await self.idle()

    async def aclose(self, patience_s: float = 5.0) -> None:
        """Let running batches end, cut those that take too long, and give their lanes back at once."""
        await self._claimed.aclose(patience_s)

    def _refuse(self, shut: Sequence[Waiting]) -> None:
        """Say once, and again when it changed, that something waits for an account that may not send."""
        now = {one.account_id: one for one in shut}
        for account_id, one in now.items():
            if self._refused.get(account_id) != one:
                log.warning("push_refused", account_id=str(account_id), mode=one.mode, state=one.state)
        self._refused = {key: one for key, one in self._refused.items() if key in self._claimed.busy} | now

    async def _start(self, account_id: UUID) -> int:
        runtime = await self._runtimes.get(account_id)
        if runtime is None:
            return 0
        return await self._claimed.start(account_id, partial(self._batches.work_off, runtime))
