"""From the front desk to a simulated Beds24 and back: the real merge, mapper, connector and fresh reads."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

import pytest

from mappers.beds24 import MAPPER
from pms_sync.apply.batch import Applier
from pms_sync.apply.desk import Desk
from pms_sync.apply.orders import Actor, Draft, Edit, StayOrder
from pms_sync.apply.outgoing import outgoing, pend
from pms_sync.apply.tongues import Tongues
from pms_sync.domain.errors import MappingRejected, VendorFault
from pms_sync.domain.reservation import Guest, Night
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.looking import Looking
from pms_sync.ingest.worker import Worker
from pms_sync.push.dispatcher import Dispatcher
from pms_sync.store import accounts, lanes
from pms_sync.store.lanes import NewEvent
from tests.integration.audited_hotel import STREAM, RealClock, Runtime, Site, running_site

T = TypeVar("T")
ANNE = Actor(name="user:00000000-0000-0000-0000-00000000000a", correlation_id="edit-1")
STAY = {"arrival": "2030-03-10", "departure": "2030-03-12", "room_ref": "55/1", "adults": 2, "total": "200.00"}


class Guarded(Runtime):
    """The account, with faults to plant around a call."""

    def __init__(self, like: Runtime) -> None:
        super().__init__(like.account, like.connector)
        self.calls: list[str] = []
        self.lose_answers = 0

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str, once: bool = False) -> T:
        """Call straight through; the answer of a push may be lost."""
        assert priority in {"push", "live", "poll"}
        assert once == (operation == "push")
        self.calls.append(operation)
        answer = await fn()
        if operation == "push" and self.lose_answers:
            self.lose_answers -= 1
            raise VendorFault("the connection broke", counts_against_breaker=True)
        return answer


class Hotel:
    """The whole way, for one account."""

    def __init__(self, site: Site) -> None:
        self.site, reader = site, site.reader
        self.database, self.runtime = reader.database, Guarded(reader.runtime)
        self.keys, self.tongues = reader.worker._landing._keys, Tongues({"beds24": MAPPER})
        applier = Applier(self.keys, RealClock(), uuid.uuid4, {"beds24": MAPPER})
        landing = Landing(self.database, self.keys, applier, uuid.uuid4)
        self.desk = Desk(applier)
        self.looking = Looking(self.database, landing, uuid.uuid4)
        self.worker = Worker(self.database, self.runtime, landing, new_id=uuid.uuid4, random=Random(1))
        self.dispatcher = Dispatcher(
            self.database,
            self.keys,
            self.runtime,
            outgoing=outgoing,
            pend=pend,
            tongues=self.tongues,
            look=self.looking,
            new_id=uuid.uuid4,
            random=Random(1),
        )
        self.tenant_id, self.account_id = self.runtime.account.tenant_id, self.runtime.account.account_id

    async def go_live(self) -> None:
        """Let changes leave, and bookings of the desk be made at the vendor."""
        await self.rows("UPDATE accounts SET mode = 'live', mirror = '{\"reservations\": \"stay\"}' RETURNING 1")
        async with self.database.connection() as connection:
            [self.runtime.account] = await accounts.load(connection)

    async def booked(self, **changes: Any) -> str:
        """Book at the vendor, and read it."""
        told = await self.site.desk.sim(
            "change", op="create", set={"channel": "direct", "room_stays": [STAY | changes]}, silent=True
        )
        await self.read(told["ref"])
        return str(told["ref"])

    async def read(self, ref: str) -> None:
        """Read one booking as a webhook would have it."""
        event = NewEvent(
            tenant_id=self.tenant_id,
            account_id=self.runtime.account.account_id,
            kind="webhook",
            stream=STREAM,
            ref=ref,
            correlation_id=f"hook-{ref}",
        )
        async with self.database.transaction(self.tenant_id) as connection:
            await lanes.append(connection, [event])
        await self.worker.drain()

    async def edit(self, **changes: Any) -> None:
        """Change the only reservation's only stay at our desk, or its notes."""
        [row] = await self.rows(
            "SELECT s.stay_id, r.reservation_id, r.version FROM room_stays s JOIN reservations r USING (reservation_id)"
        )
        people = {name: changes.pop(name) for name in ("booker", "notes") if name in changes}
        stays = (StayOrder(id=row["stay_id"], **changes),) if changes else ()
        async with self.database.transaction(self.tenant_id) as connection:
            await self.desk.edit(
                connection,
                self.tenant_id,
                row["reservation_id"],
                row["version"],
                Edit(stays=stays, **people),
                ANNE,
            )

    async def create(self, *rooms: str) -> uuid.UUID:
        """Book at our desk, a stay in each room."""
        stays = tuple(
            StayOrder(
                id=None,
                room_type="DBL",
                room=room,
                arrival=date(2030, 4, 10),
                departure=date(2030, 4, 12),
                adults=2,
                children=0,
                nights=tuple(Night(date(2030, 4, day), Decimal("90.00")) for day in (10, 11)),
            )
            for room in rooms
        )
        booker = Guest(first_name="Ann", last_name="Example", email="a@example.org")
        draft = Draft(property_code="P1", currency="EUR", booker=booker, stays=stays, notes="late")
        async with self.database.transaction(self.tenant_id) as connection:
            return await self.desk.create(connection, self.tenant_id, draft, ANNE)

    async def cancel(self) -> None:
        """Cancel the only reservation at our desk."""
        [row] = await self.rows("SELECT reservation_id FROM reservations")
        async with self.database.transaction(self.tenant_id) as connection:
            await self.desk.act(connection, self.tenant_id, row["reservation_id"], None, "cancel", ANNE)

    async def push(self, rounds: int = 12) -> None:
        """Push until no lane is left, without waiting for what is due later."""
        for _ in range(rounds):
            await self.worker.drain()
            await self.dispatcher.drain()
            done = await self.rows("UPDATE lanes SET not_before = '-infinity' RETURNING 1")
            await self.rows("UPDATE intents SET sent_at = sent_at - interval '1 minute' RETURNING 1")
            if not done:
                return

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Ask the store."""
        async with self.database.transaction(self.tenant_id) as connection:
            return [dict(row) for row in await connection.fetch(query)]

    async def intents(self) -> list[tuple[str, str]]:
        """Return kind and state of every intent."""
        found = await self.rows("SELECT kind, state FROM intents ORDER BY created_at, intent_id")
        return [(row["kind"], row["state"]) for row in found]

    async def left_to_say(self) -> list[str]:
        """Return the atoms that the account would still have to be told."""
        found: list[str] = []
        async with self.database.transaction(self.tenant_id) as connection:
            tongue = (await self.tongues.of(connection, [self.account_id]))[self.account_id]
            for row in await connection.fetch("SELECT stay_id FROM room_stays"):
                told = await outgoing(
                    connection,
                    self.keys,
                    self.tenant_id,
                    tongue.account,
                    row["stay_id"],
                    mapper=tongue.mapper,
                    context=tongue.context,
                )
                found += [path for unit in told.units for path in unit.paths] if told else []
        return found


@pytest.fixture
async def hotel(empty_database: str) -> AsyncIterator[Hotel]:
    """Give a live account of an empty simulated hotel."""
    async with running_site(empty_database, reservations=0) as site:
        made = Hotel(site)
        await made.go_live()
        yield made


async def test_a_guest_moved_by_the_desk_is_moved_at_the_vendor(hotel: Hotel) -> None:
    """Verified at the vendor, agreed here, in one read, one write and one read back."""
    ref = await hotel.booked()
    hotel.runtime.calls.clear()
    await hotel.edit(room="102")
    await hotel.push()
    assert await hotel.intents() == [("modify", "verified")]
    [stay] = (await hotel.site.desk.reservation(ref))["room_stays"]
    assert stay["room_ref"] == "55/2"
    assert hotel.runtime.calls == ["fetch", "push", "fetch"]
    assert await hotel.left_to_say() == []


async def test_a_vendor_s_change_between_edit_and_push_is_merged_before_anything_leaves(hotel: Hotel) -> None:
    """OUT-10, CON-02: nobody told us of it; the fresh read sees it, and both changes stand."""
    ref = await hotel.booked()
    await hotel.edit(room="102")
    await hotel.site.desk.sim("change", op="modify", ref=ref, set={"notes": "vegan"}, silent=True)
    await hotel.push()
    there = await hotel.site.desk.reservation(ref)
    assert (there["notes"], there["room_stays"][0]["room_ref"]) == ("vegan", "55/2")
    [mine] = await hotel.rows("SELECT room_ref FROM room_stays")
    assert mine["room_ref"] == "55/2"
    assert await hotel.intents() == [("modify", "verified")]
    assert await hotel.left_to_say() == []


async def test_a_booking_of_the_desk_is_made_once_and_stays_one_reservation(hotel: Hotel) -> None:
    """I2: what comes back carries our token."""
    made = await hotel.create("101")
    await hotel.push()
    assert await hotel.intents() == [("create", "verified")]
    [there] = (await hotel.site.desk.truth())["reservations"]
    [mine] = await hotel.rows("SELECT reservation_id FROM reservations")
    assert mine["reservation_id"] == made
    [link] = await hotel.rows(
        "SELECT vendor_ref, reservation_id FROM links WHERE level = 'stay' AND remote_version IS NOT NULL"
    )
    assert (link["vendor_ref"], link["reservation_id"]) == (there["ref"], made)
    assert await hotel.left_to_say() == []


async def test_a_booking_whose_answer_was_lost_is_found_by_its_token(hotel: Hotel) -> None:
    """I6: one booking at the vendor, whatever happened on the way."""
    await hotel.create("101")
    hotel.runtime.lose_answers = 1
    await hotel.push()
    assert await hotel.intents() == [("create", "verified")]
    assert hotel.runtime.calls.count("push") == 1
    assert len((await hotel.site.desk.truth())["reservations"]) == 1
    assert len(await hotel.rows("SELECT 1 FROM reservations")) == 1


async def test_a_change_whose_answer_was_lost_is_found_done(hotel: Hotel) -> None:
    await hotel.booked()
    await hotel.edit(room="103")
    hotel.runtime.lose_answers = 1
    await hotel.push()
    assert await hotel.intents() == [("modify", "verified")]
    assert hotel.runtime.calls.count("push") == 1


async def test_a_group_of_the_desk_is_made_as_one_and_read_back_whole(hotel: Hotel) -> None:
    """B24-03."""
    made = await hotel.create("101", "102")
    await hotel.push()
    assert await hotel.intents() == [("create", "verified")]
    [there] = (await hotel.site.desk.truth())["reservations"]
    assert [stay["room_ref"] for stay in there["room_stays"]] == ["55/1", "55/2"]
    mine = await hotel.rows("SELECT DISTINCT reservation_id FROM room_stays")
    assert [row["reservation_id"] for row in mine] == [made]
    assert await hotel.left_to_say() == []


async def test_a_cancellation_reaches_the_vendor_and_says_how_far_it_goes(hotel: Hotel) -> None:
    """Said before: what does not reach the channel."""
    told = await hotel.site.desk.sim(
        "change",
        op="create",
        set={"channel": "booking_com", "channel_reference": "4711", "room_stays": [STAY]},
        silent=True,
    )
    await hotel.read(told["ref"])
    await hotel.cancel()
    await hotel.push()
    [row] = await hotel.rows("SELECT kind, state, notices FROM intents ORDER BY created_at DESC LIMIT 1")
    assert (row["kind"], row["state"]) == ("cancel", "verified")
    assert "Booking.com is not told of this cancellation" in row["notices"][0]
    assert (await hotel.site.desk.reservation(told["ref"]))["status"] == "cancelled"


async def test_looking_holds_the_object_s_lane_so_that_no_older_read_lands_after(hotel: Hotel) -> None:
    """The inbound lane of the object is fenced while we look; somebody else's is left alone."""
    ref = await hotel.booked()
    account = hotel.runtime.account
    event = NewEvent(
        tenant_id=account.tenant_id,
        account_id=account.account_id,
        kind="webhook",
        stream=STREAM,
        ref=ref,
        correlation_id="hook",
    )
    async with hotel.database.transaction(hotel.tenant_id) as connection:
        await lanes.append(connection, [event])
        assert await lanes.claim(connection, account.account_id, uuid.uuid4(), 1, 60.0)
    assert await hotel.looking(hotel.runtime, {ref: "c"}) == {ref: "busy"}
    await hotel.rows("UPDATE lanes SET lease_until = '-infinity' RETURNING 1")
    assert await hotel.looking(hotel.runtime, {ref: "c"}) == {ref: "seen"}
    assert await hotel.rows("SELECT 1 FROM lanes") == []


async def test_looking_says_what_is_absent_and_lets_go_when_the_vendor_fails(hotel: Hotel) -> None:
    ref = await hotel.booked()
    assert await hotel.looking(hotel.runtime, {"999999": "c"}) == {"999999": "absent"}
    await hotel.worker.drain()
    hotel.runtime.connector = Broken(hotel.runtime.connector)  # type: ignore[assignment]
    with pytest.raises(VendorFault):
        await hotel.looking(hotel.runtime, {ref: "c"})
    held = await hotel.rows("SELECT 1 FROM lanes WHERE owner IS NOT NULL")
    assert held == []


async def test_looking_at_what_cannot_be_read_says_so_and_parks_it(hotel: Hotel) -> None:
    ref = await hotel.booked()
    await hotel.site.desk.sim("change", op="modify", ref=ref, set={"notes": "new"}, silent=True)
    hotel.runtime.mapper = Wordless()  # type: ignore[assignment]
    assert await hotel.looking(hotel.runtime, {ref: "c"}) == {ref: "unread"}
    assert await hotel.rows("SELECT park_reason FROM events WHERE state = 'parked'") == [{"park_reason": "no idea (x)"}]


class Wordless:
    """A mapper that knows no word of it."""

    vendor, version = "beds24", 99

    def to_revisions(self, stream: str, _raw: bytes, _context: Any) -> Any:
        """Refuse."""
        raise MappingRejected(stream, "x", "no idea")


class Broken:
    """A connector that cannot read."""

    def __init__(self, inner: Any) -> None:
        self.spec = inner.spec

    async def fetch(self, stream: str, refs: Any) -> Any:
        """Fail as an outage does."""
        raise VendorFault(f"away: {stream} {refs}", counts_against_breaker=True)
