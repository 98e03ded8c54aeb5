"""A hotel that pushes: the dispatcher over a real store, with a vendor, a merge and a fresh read that tests steer."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

import msgspec

from conflict.atoms import atoms
from conflict.observed import alike
from conflict.revise import copy_atoms
from pms_sync.apply.tongues import Tongues
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import ConnectorSpec, LookedUp, RateBudget, Receipt, Refusal, VendorRequest
from pms_sync.ports.looking import Looked
from pms_sync.ports.mapper import Change, MappingContext
from pms_sync.push.dispatcher import Dispatcher
from pms_sync.store import accounts, intents, links, outbox, pushes
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection, Database
from pms_sync.store.intents import Intent
from pms_sync.store.outbox import Planned
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import revision

T = TypeVar("T")
Hook = Callable[[], Any]
_SPEC = ConnectorSpec(
    vendor="beds24",
    label="Steered",
    capabilities=frozenset({"push"}),
    streams=(),
    rate_budget=RateBudget(credits=Decimal(100), window_s=300),
    max_in_flight=1,
    batch_fetch_limit=40,
    batch_push_limit=40,
)


class Killed(BaseException):
    """The process is gone, in the middle of what it did."""


class SteeredVendor:
    """Bookings in memory; `before` and `after` hooks run around the effect of each push, one per push."""

    def __init__(self) -> None:
        self.spec = _SPEC
        self.shown: dict[str, Revision] = {}
        self.tokens: dict[str, str] = {}
        self.refusals: dict[str, str] = {}  # by ref, or by path
        self.pushes: list[list[VendorRequest]] = []
        self.looked_up: list[VendorRequest] = []
        self.before: deque[Hook] = deque()
        self.after: deque[Hook] = deque()
        self.on_look_up: deque[Callable[[VendorRequest], LookedUp]] = deque()
        self.ignores: set[str] = set()  # paths that are taken, and not written

    async def push(self, requests: Sequence[VendorRequest]) -> list[Receipt]:
        """Do each request, or refuse it."""
        self.pushes.append(list(requests))
        if self.before:
            self.before.popleft()()
        receipts = [self._done(request) for request in requests]
        if self.after:
            self.after.popleft()()
        return receipts

    def _done(self, request: VendorRequest) -> Receipt:
        why = next((self.refusals[key] for key in (request.ref or "", *request.paths) if key in self.refusals), None)
        if why is not None:
            return Receipt(refusals=(Refusal(path="field", why=why),))
        wanted = msgspec.msgpack.decode(request.body, type=Revision)
        ref = request.ref or str(2001 + len(self.tokens))
        if request.ref is None:
            [stay] = wanted.room_stays
            stays = (msgspec.structs.replace(stay, ref=ref),)
            self.shown[ref] = msgspec.structs.replace(wanted, ref=ref, room_stays=stays, token=request.token)
            self.tokens[request.token] = ref
        else:
            paths = [path for path in request.paths if path not in self.ignores]
            self.shown[ref] = copy_atoms(self.shown[ref], wanted, paths)
        return Receipt(refs=(ref,))

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        """Find a new booking by its token, a change by what shows."""
        assert since.tzinfo is not None
        self.looked_up.append(request)
        if self.on_look_up:
            return self.on_look_up.popleft()(request)
        if request.ref is None:
            made = self.tokens.get(request.token)
            return LookedUp(outcome="found", refs=(made,)) if made else LookedUp(outcome="absent")
        wanted, there = atoms(msgspec.msgpack.decode(request.body, type=Revision)), atoms(self.shown[request.ref])
        done = all(alike(wanted.get(path), there.get(path)) for path in request.paths)
        return LookedUp(outcome="found", refs=(request.ref,)) if done else LookedUp(outcome="absent")


class SteeredMapper:
    """Sends states as they are; `untold` are paths that the vendor cannot be told."""

    vendor, version = "beds24", 1

    def __init__(self) -> None:
        self.untold: set[str] = set()

    def to_requests(self, change: Change, _context: MappingContext) -> list[VendorRequest]:
        """Make one request a stay."""
        for path in change.paths & self.untold:
            raise MappingRejected(path, "a value", "there is no word for it")
        return [
            VendorRequest(
                kind=change.kind,
                ref=change.refs[number] if change.refs else None,
                body=msgspec.msgpack.encode(wanted),
                token=change.token,
                paths=tuple(sorted(atoms(wanted).keys() & change.paths)),
            )
            for number, wanted in enumerate(change.wanted)
        ]


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor object's worth of difference."""

    stay_id: uuid.UUID
    ref: str | None
    wanted: Revision
    known: Revision | None
    paths: frozenset[str]
    values: Mapping[str, Any]


class Units(msgspec.Struct, frozen=True):
    """What is to be told of one object."""

    reservation_id: uuid.UUID
    units: tuple[Unit, ...]


class Runtime:
    """The account without a guard; says how it was called."""

    def __init__(self, account: Account, connector: SteeredVendor, mapper: SteeredMapper) -> None:
        self.account, self.connector, self.mapper = account, connector, mapper
        self.calls: list[tuple[str, str, bool]] = []
        self.turns: deque[Callable[[], Awaitable[object]]] = deque()  # what happens while a call waits for its turn

    async def get(self, account_id: uuid.UUID) -> Any:
        """Return itself, as there is one account."""
        return self if account_id == self.account.account_id else None

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str, once: bool = False) -> T:
        """Call straight through."""
        self.calls.append((operation, priority, once))
        if self.turns:
            await self.turns.popleft()()
        return await fn()


class PushingHotel:
    """What one test sees; `ours` is our state by object, which the merge of a real store would hold."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any, account: Account) -> None:
        self.database, self.keys, self.hotel, self.account = database, keys, hotel, account
        self.vendor, self.mapper = SteeredVendor(), SteeredMapper()
        self.runtime = Runtime(account, self.vendor, self.mapper)
        self.ours: dict[uuid.UUID, Revision] = {}
        self.refs: dict[uuid.UUID, str] = {}
        self.looks: list[dict[str, str]] = []
        self.answers: dict[str, Looked] = {}
        self.on_look: deque[Hook] = deque()
        self.after_look: deque[Hook] = deque()
        self.old: dict[str, int] = {}  # how many more reads of a ref show the state before the last push
        self.before_push: dict[str, Revision] = {}
        self.dispatcher = self.daemon()

    def daemon(self) -> Dispatcher:
        """Start one more dispatcher on the same store."""
        mappers: Any = {"beds24": self.mapper}
        outgoing: Any = self.outgoing
        return Dispatcher(
            self.database,
            self.keys,
            self.runtime,
            outgoing=outgoing,
            pend=self.pend,
            tongues=Tongues(mappers),
            look=self.look,
            new_id=uuid.uuid4,
            random=Random(1),
        )

    async def booked(self, ref: str = "1001") -> uuid.UUID:
        """Let the vendor have a booking that is linked here; returns our stay."""
        object_id = uuid.uuid4()
        self.vendor.shown[ref] = self.ours[object_id] = revision(ref)
        self.refs[object_id] = ref
        async with self.database.transaction(self.account.tenant_id) as connection:
            await self._land(connection, ref, object_id)
        return object_id

    async def edit(self, object_id: uuid.UUID, kind: Any = "modify", held_s: float = 0.0, **changes: Any) -> None:
        """Change our state of a stay, and plan to send it."""
        self.ours[object_id] = msgspec.structs.replace(self.ours[object_id], **changes)
        await self.plan(object_id, kind=kind, held_s=held_s, paths=tuple(sorted(changes)))

    async def make(self) -> uuid.UUID:
        """Book at our desk, and plan to make it at the vendor."""
        object_id = uuid.uuid4()
        self.ours[object_id] = revision("desk.1")
        await self.plan(object_id, kind="create")
        return object_id

    async def plan(self, object_id: uuid.UUID, **changes: Any) -> None:
        """Plan something about an object."""
        async with self.database.transaction(self.account.tenant_id) as connection:
            await outbox.plan(connection, self.account.tenant_id, [self.planned(object_id, **changes)])

    def planned(self, object_id: uuid.UUID, **changes: Any) -> Planned:
        """Say what is planned."""
        facts: dict[str, Any] = {
            "account_id": self.account.account_id,
            "object_id": object_id,
            "reservation_id": object_id,
            "kind": "modify",
            "paths": ("notes",),
            "actor": "user:1",
            "correlation_id": "edit-1",
        }
        return Planned(**(facts | changes))

    async def outgoing(self, connection: Connection, *about: Any, **_terms: Any) -> Any:
        """Say what differs between ours and what was last seen."""
        object_id: uuid.UUID = about[-1]
        ref, wanted = self.refs.get(object_id), self.ours[object_id]
        sealed = await outbox.remotes(connection, self.account.tenant_id, self.account.account_id, [ref or ""])
        known = self._opened(ref, sealed[ref]) if ref is not None else None
        there = atoms(known) if known is not None else {}
        values = {path: value for path, value in atoms(wanted).items() if not alike(value, there.get(path))}
        if not values:
            return None
        unit = Unit(stay_id=object_id, ref=ref, wanted=wanted, known=known, paths=frozenset(values), values=values)
        return Units(object_id, (unit,))

    async def pend(self, connection: Connection, keys: KeyRing, tenant_id: uuid.UUID, sent: Any) -> None:
        """Remember nothing."""

    async def look(self, runtime: Any, asked: Mapping[str, str]) -> dict[str, Looked]:
        """Land what the vendor shows, and attach what carries our token, as the ordinary apply does."""
        assert runtime is self.runtime
        self.looks.append(dict(asked))
        if self.on_look:
            self.on_look.popleft()()
        told = {ref: self.answers.get(ref, Looked.SEEN) for ref in asked}
        async with self.database.transaction(self.account.tenant_id) as connection:
            for ref in sorted(ref for ref, one in told.items() if one is Looked.SEEN):
                await self._land(connection, ref, await self._known_as(connection, ref))
        if self.after_look:
            self.after_look.popleft()()
        return told

    async def _known_as(self, connection: Connection, ref: str) -> uuid.UUID:
        known = next((object_id for object_id, one in self.refs.items() if one == ref), None)
        if known is not None:
            return known
        token = self.vendor.shown[ref].token
        object_id: uuid.UUID = await connection.fetchval("SELECT object_id FROM intents WHERE token = $1", token)
        [mine] = self.ours[object_id].room_stays
        stays = (msgspec.structs.replace(mine, ref=ref),)
        self.ours[object_id] = msgspec.structs.replace(self.ours[object_id], ref=ref, room_stays=stays)
        self.refs[object_id] = ref
        return object_id

    async def _land(self, connection: Connection, ref: str, object_id: uuid.UUID) -> None:
        shown = self.vendor.shown[ref]
        if self.old.get(ref, 0) > 0:
            self.old[ref] -= 1
            shown = self.before_push[ref]
        place = links.place(self.account.account_id, "stay", ref)
        await connection.execute(
            "INSERT INTO links (tenant_id, account_id, level, vendor_ref, object_id, remote) "
            "VALUES ($1, $2, 'stay', $3, $4, $5) "
            "ON CONFLICT (tenant_id, account_id, level, vendor_ref) DO UPDATE SET remote = excluded.remote",
            self.account.tenant_id,
            self.account.account_id,
            ref,
            object_id,
            self.keys.seal(self.account.tenant_id, place, msgspec.msgpack.encode(shown)),
        )

    def _opened(self, ref: str, sealed: bytes) -> Revision:
        place = links.place(self.account.account_id, "stay", ref)
        return msgspec.msgpack.decode(self.keys.open(self.account.tenant_id, place, sealed), type=Revision)

    async def drive(self, rounds: int = 12) -> None:
        """Push until no lane is left or nothing more happens, without waiting for what is due later."""
        for _ in range(rounds):
            await self.dispatcher.drain()
            if not await self.hasten():
                return

    async def once(self) -> None:
        """Push what is due, and no more."""
        await self.dispatcher.drain()

    async def hasten(self) -> bool:
        """Let time pass: leases end, pauses are over; says whether any lane is left."""
        async with self.database.connection() as connection:
            await connection.execute(
                "UPDATE intents SET sent_at = sent_at - interval '1 minute', "
                "held_until = held_until - interval '1 minute'"
            )
            done = await connection.execute("UPDATE lanes SET not_before = '-infinity', lease_until = '-infinity'")
        return bool(done != "UPDATE 0")

    async def retry(self) -> Intent:
        """Let a person try the oldest parked push again."""
        return await self.by_hand(await self._oldest("parked"), pushes.retry)

    async def cancel(self, state: str = "parked") -> Intent:
        """Let a person give the oldest push in a state up."""
        return await self.by_hand(await self._oldest(state), pushes.cancel)

    async def by_hand(self, intent: Intent, change: Callable[[Connection, Intent, str], Awaitable[Intent]]) -> Intent:
        """Let a person change a push."""

        async def attempt() -> Intent:
            async with self.database.transaction(self.account.tenant_id) as connection:
                return await change(connection, intent, "cli:anne")

        return await self.database.once_more(attempt)

    async def _oldest(self, state: str) -> Intent:
        [row] = await self.rows("SELECT intent_id FROM intents WHERE state = $1 ORDER BY created_at LIMIT 1", state)
        async with self.database.connection() as connection:
            found = await intents.find(connection, row["intent_id"])
        assert found is not None
        return found

    async def set_account(self, **facts: str) -> None:
        """Change the account's mode or state."""
        async with self.database.transaction(self.account.tenant_id) as connection:
            for name, value in facts.items():
                change = accounts.set_mode if name == "mode" else accounts.set_state
                rest = () if name == "mode" else ("by a test",)
                await change(connection, self.account.account_id, value, *rest)

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """Ask the store."""
        async with self.database.transaction(self.account.tenant_id) as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def intents(self) -> list[dict[str, Any]]:
        """Return every intent, oldest first."""
        return await self.rows("SELECT * FROM intents ORDER BY created_at, intent_id")

    async def states(self) -> list[str]:
        """Return the states of every intent, oldest first."""
        return [row["state"] for row in await self.intents()]

    async def one(self) -> dict[str, Any]:
        """Return the only intent."""
        [row] = await self.intents()
        return row

    async def wait_s(self) -> float:
        """Return how long the only lane still waits."""
        [row] = await self.rows("SELECT not_before - now() AS left FROM lanes")
        left: timedelta = row["left"]
        return left.total_seconds()


async def pushing_hotel(database: Database, keys: KeyRing, hotel: Any) -> PushingHotel:
    """Take the small hotel live."""
    async with database.transaction(hotel.tenant_id) as connection:
        await accounts.set_mode(connection, hotel.account_id, "live")
        [account] = await accounts.load(connection, [hotel.account_id])
    return PushingHotel(database, keys, hotel, account)
