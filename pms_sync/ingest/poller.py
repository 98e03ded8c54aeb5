"""The poller: claims due cursors and reads each one's windows, so that what a webhook missed is found within a period.

A cold start subscribes, remembers when it began, lists everything, and only then follows changes from the remembered
start; so nothing falls between listing and following.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, assert_never
from uuid import UUID

import msgspec

from pms_sync.domain.errors import Disposition, Fault, Unavailable, VendorFault
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.draining import Draining, Emptied
from pms_sync.ingest.following import Following, Run
from pms_sync.observe.logs import get_logger
from pms_sync.store import accounts, cursors, sweeps
from pms_sync.store.cursors import Claim, Overtaken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pms_sync.domain.clock import Clock
    from pms_sync.domain.ids import NewId
    from pms_sync.ports.connector import Sleep, StreamSpec
    from pms_sync.store.database import Database
    from pms_sync.store.sealing import KeyRing

Runtimes = Callable[[], Mapping[UUID, AccountRuntime]]
Subscribe = Callable[[AccountRuntime], Awaitable[None]]

POLLABLE = frozenset({"delta", "sweep", "snapshot", "queue"})
_READ_BY_ITSELF = frozenset({"delta", "queue"})
_JITTER = 0.1
_FIRST_WAIT_S = 2.0
_MOST_DOUBLINGS = 16
_BUSY_WAIT_S, _BUSY_TRIES = 0.2, 150

_log = get_logger(__name__)


class PollItem(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll of one stream did; `from` and `to` are the RFC 3339 ends of the last window read."""

    account_id: str
    stream: str
    pages: int
    records: int
    new: int
    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None


async def _nothing_to_subscribe(_runtime: AccountRuntime) -> None:
    """Nobody sends to us."""


def _unheard() -> None:
    """Nobody listens."""


class Poller:
    """The loop step over due cursors; keeps the reads it started until they end."""

    def __init__(  # noqa: PLR0913  the store, and every port by keyword
        self,
        database: Database,
        keys: KeyRing,
        runtimes: Runtimes,
        *,
        clock: Clock,
        new_id: NewId,
        interval_s: float = 300.0,
        rand: Callable[[], float] = random.random,
        sleep: Sleep = asyncio.sleep,
        subscribe: Subscribe = _nothing_to_subscribe,
        stored: Callable[[], None] = _unheard,
        lease_s: float = 12.0,
        limit: int = 16,
    ) -> None:
        """`runtimes` gives the accounts as they are now; `subscribe` is awaited before an account's first snapshot.

        `interval_s` is POLL_INTERVAL; `limit` bounds the reads at one time. A lease is prolonged while its read runs.
        `stored` is told when what a queue gave waits to be routed.
        """
        self._database, self._runtimes, self._clock = database, runtimes, clock
        self._interval_s, self._rand, self._sleep = interval_s, rand, sleep
        self._lease_s, self._limit, self._owner = lease_s, limit, new_id()
        self._following = Following(database, keys, clock=clock, new_id=new_id, subscribe=subscribe)
        self._draining = Draining(database, keys, clock=clock, new_id=new_id, stored=stored, sleep=sleep)
        self._running: dict[asyncio.Task[None], Claim] = {}
        self._in_doubt = False  # the database was away: more may be leased to us than we read

    async def step(self) -> int:
        """Claim what is due, start reading it, and return how many reads were started; waits for none of them."""
        room = self._limit - len(self._running)
        runtimes = self._runtimes()
        if room <= 0 or not runtimes:
            return 0
        claims = await self._claim_due(list(runtimes), room)
        for claim in claims:
            task = asyncio.create_task(self._read_quietly(runtimes[claim.account_id], claim), name=f"poll {claim.name}")
            self._running[task] = claim
            task.add_done_callback(self._running.pop)
        return len(claims)

    async def _claim_due(self, account_ids: list[UUID], room: int) -> list[Claim]:
        """Claim what is due; first give back what a read, or an answer that was lost, left leased to us."""
        in_doubt, self._in_doubt = self._in_doubt, False
        try:
            async with self._database.transaction() as connection:
                if in_doubt:
                    await cursors.release_all(connection, self._owner, but=list(self._running.values()))
                return await cursors.claim_due(connection, account_ids, self._owner, self._lease_s, room)
        except Unavailable:
            self._in_doubt = True
            raise

    async def settle(self) -> None:
        """Wait until every read that was started has ended."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def aclose(self) -> None:
        """Stop the running reads and give their cursors back; what they committed stays."""
        for task in tuple(self._running):
            task.cancel()
        await self.settle()
        async with self._database.connection() as connection:
            await cursors.release_all(connection, self._owner)

    async def ensure(self, runtime: AccountRuntime) -> None:
        """Give the account a cursor for every stream that can be polled."""
        async with self._database.connection() as connection:
            await cursors.ensure(connection, runtime.account, pollable(runtime))

    async def poll_once(self, account_id: UUID | None = None, stream: str | None = None) -> list[PollItem]:
        """Read these cursors now, due or not, and wait for them; accounts that a person paused are left out.

        Tries them all, then raises the first Fault met. Raises Unavailable when another reader keeps a cursor.
        """
        items: list[PollItem] = []
        failures: list[Exception] = []
        for runtime, name in self._asked(account_id, stream):
            await self.ensure(runtime)
            try:
                items.append(await self._read(runtime, await self._claim(runtime.account.account_id, name)))
            except Fault as fault:
                failures.append(fault)
        if failures:
            raise failures[0]
        return items

    def _asked(self, account_id: UUID | None, stream: str | None) -> list[tuple[AccountRuntime, str]]:
        return [
            (runtime, name)
            for key, runtime in self._runtimes().items()
            for name in pollable(runtime)
            if account_id in (None, key) and stream in (None, name) and runtime.account.state != "paused"
        ]

    async def _claim(self, account_id: UUID, stream: str) -> Claim:
        for _ in range(_BUSY_TRIES):
            async with self._database.transaction() as connection:
                claim = await cursors.claim_named(connection, account_id, stream, self._owner, self._lease_s)
            if claim is not None:
                return claim
            await self._sleep(_BUSY_WAIT_S)
        raise Unavailable("another reader holds the cursor", f"{account_id}/{stream}", "wait until its poll has ended")

    async def _read_quietly(self, runtime: AccountRuntime, claim: Claim) -> None:
        """Read as a background task: whatever goes wrong is on the cursor or in the log, and its neighbours go on."""
        try:
            await self._read(runtime, claim)
        except Overtaken:
            _log.info("poll_overtaken", account_id=str(claim.account_id), stream=claim.stream)
        except Exception as error:  # noqa: BLE001 - around one claimed cursor; the lease ends by itself
            _log.warning("poll_failed", account_id=str(claim.account_id), stream=claim.stream, why=_why(error))

    async def _read(self, runtime: AccountRuntime, claim: Claim) -> PollItem:
        try:
            async with self._kept(claim):
                told = await self._told(runtime, claim)
            await self._succeed(runtime, claim, told.rest_s)
        except Overtaken:
            raise
        except Exception as error:
            try:
                await self._fail(runtime, claim, error)
            except Unavailable:
                self._in_doubt = True
            raise
        return PollItem(
            account_id=str(claim.account_id),
            stream=claim.stream,
            pages=told.pages,
            records=told.records,
            new=told.new,
            from_=told.since,
            to=told.until,
        )

    async def _told(self, runtime: AccountRuntime, claim: Claim) -> Run | Emptied:
        """Read the cursor as its stream is fed."""
        queued = runtime.connector.spec.stream(claim.stream).feed == "queue"
        return await (self._draining.read(runtime, claim) if queued else self._following.read(runtime, claim))

    @asynccontextmanager
    async def _kept(self, claim: Claim) -> AsyncIterator[None]:
        """Prolong the lease while a read lasts; a slow vendor must not look like a dead reader."""
        keeper = asyncio.create_task(self._keep(claim), name=f"lease {claim.name}")
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})

    async def _keep(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                async with self._database.connection() as connection:
                    await cursors.extend(connection, claim, self._lease_s)
            except Overtaken:
                return  # the read notices by itself when it wants to commit
            except Unavailable:
                continue

    async def _succeed(self, runtime: AccountRuntime, claim: Claim, rest_s: float | None = None) -> None:
        """Let the stream rest: as long as a queue said, as its own period says, or as long as polls are apart."""
        period = runtime.connector.spec.stream(claim.stream).period
        longest = self._interval_s if period is None else max(self._interval_s, period.total_seconds())
        rest = longest if rest_s is None else min(rest_s, longest)
        async with self._database.connection() as connection:
            await cursors.succeed(connection, claim, rest * (1 - _JITTER * self._rand()))

    async def _fail(self, runtime: AccountRuntime, claim: Claim, error: Exception) -> None:
        """Put what went wrong on the cursor; the position stays whatever it was."""
        if isinstance(error, Unavailable) and not isinstance(error, VendorFault):
            self._in_doubt = True
            return
        match disposition := _disposition(error):
            case Disposition.RETRY:
                await self._back_off(claim, error, forget_page=False)
            case Disposition.PAUSE:
                await self._pause(claim, error)
            case Disposition.ABORT | Disposition.PARK | Disposition.REFUSE:
                await self._back_off(claim, error, forget_page=True)
            case Disposition.SKIP:
                await self._succeed(runtime, claim)
            case _:
                assert_never(disposition)

    async def _back_off(self, claim: Claim, error: Exception, *, forget_page: bool) -> None:
        doubled = _FIRST_WAIT_S * 2 ** min(claim.failures, _MOST_DOUBLINGS)
        wait = min(self._interval_s, doubled) * (0.5 + 0.5 * self._rand())
        asked = getattr(error, "retry_after", None) or 0.0
        async with self._database.transaction() as connection:
            if forget_page:
                await sweeps.forget_pages(connection, claim)
            await cursors.fail(connection, claim, _why(error), max(wait, asked), forget_page=forget_page)

    async def _pause(self, claim: Claim, error: Exception) -> None:
        async with self._database.transaction() as connection:
            await accounts.set_state(connection, claim.account_id, "failed", _why(error))
            await cursors.fail(connection, claim, _why(error), self._interval_s, forget_page=False)


def pollable(runtime: AccountRuntime) -> list[str]:
    """Return the names of the streams that can be read by asking; the catalogue has an import of its own."""
    return [stream.name for stream in runtime.connector.spec.streams if is_pollable(stream)]


def is_pollable(stream: StreamSpec) -> bool:
    """Tell whether a stream is read by asking for it, again and again."""
    return stream.feed in POLLABLE and (stream.feed in _READ_BY_ITSELF or stream.snapshot_dimension is not None)


def _disposition(error: Exception) -> Disposition:
    return error.disposition if isinstance(error, VendorFault) else Disposition.ABORT


def _why(error: Exception) -> str:
    """Say what went wrong; of a surprise only the kind, because its text could hold a person's data."""
    return str(error) if isinstance(error, Fault) else f"unexpected {type(error).__name__}"
