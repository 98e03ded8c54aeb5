"""Draining on a real store: what a queue hands out once is kept, or everything it could have been about is listed."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest

from pms_sync.domain.errors import Disposition, Unavailable, VendorFault
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.router import Router
from pms_sync.store import cursors
from pms_sync.store.cursors import Overtaken
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.listed_hotel import NOW, Clock, apply_everything, rows, runtime_of, value
from tests.integration.queue_hotel import BOOKINGS, EVENTS, QueueHotel

HINTS = "SELECT ref FROM events WHERE kind = 'queue' ORDER BY event_id"
WANTED = f"SELECT sweep_wanted_at IS NOT NULL FROM cursors WHERE stream = '{BOOKINGS}'"
DUE_IN = f"SELECT extract(epoch FROM next_due_at - now())::float8 FROM cursors WHERE stream = '{EVENTS}'"


class Bench:
    """A poller over one account whose vendor has a queue, and the router behind it."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any, runtime: Any) -> None:
        self.database, self.keys, self.hotel, self.runtime = database, keys, hotel, runtime
        self.vendor: QueueHotel = runtime.connector
        self.clock = Clock()
        self.stored = 0
        self.poller = self.another()
        self.router = Router(database, keys, {}, queues={hotel.vendor: self.vendor.queue})

    def another(self, **options: Any) -> Poller:
        """Start a second daemon on the same store."""

        def stored() -> None:
            self.stored += 1

        return Poller(
            self.database,
            self.keys,
            lambda: {self.hotel.account_id: self.runtime},
            clock=self.clock,
            new_id=uuid.uuid4,
            rand=lambda: 0.0,
            stored=stored,
            **options,
        )

    async def swept(self) -> None:
        """Get the first listing over with."""
        await self.poller.poll_once(stream=BOOKINGS)
        self.vendor.windows.clear()

    async def drain(self) -> Any:
        """Empty the queue now."""
        [item] = await self.poller.poll_once(stream=EVENTS)
        return item

    async def refs(self) -> list[str]:
        """Route what was stored and return the refs that are to be fetched."""
        while await self.router.route_once():
            continue
        return [row["ref"] for row in await rows(self.database, self.hotel, HINTS)]

    async def ask(self, query: str) -> Any:
        """Ask the store for one value."""
        return await value(self.database, self.hotel, query)

    async def run(self, statement: str, *arguments: Any) -> None:
        """Change the store behind everyone's back."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(statement, *arguments)


@pytest.fixture
async def bench(database: Database, keys: KeyRing, hotel: Any) -> Bench:
    """Give a poller over a hotel with a queue, its bookings listed once already."""
    made = Bench(database, keys, hotel, await runtime_of(database, hotel.account_id, QueueHotel()))  # type: ignore[arg-type]
    await made.swept()
    return made


async def test_messages_become_objects_to_be_fetched_and_the_body_is_kept_as_it_came(bench: Bench) -> None:
    """OH-04: pages of the queue are taken until one is not full."""
    bench.vendor.say("R1", "R2", "R1", "R3", "R4")
    told = await bench.drain()
    assert (told.pages, told.records, bench.vendor.asked, bench.stored) == (2, 5, 2, 2)
    assert await bench.refs() == ["R1", "R2", "R3", "R4"]
    assert await bench.ask("SELECT count(*) FROM raw_records") == 2
    assert not await bench.ask(WANTED)
    assert await bench.ask(f"SELECT asked_at IS NULL FROM cursors WHERE stream = '{EVENTS}'")


async def test_an_empty_queue_is_asked_once_and_leaves_nothing_behind(bench: Bench) -> None:
    """OH-04: the vendor's word for empty is no fault."""
    told = await bench.drain()
    assert (told.pages, bench.vendor.asked) == (0, 1)
    assert await bench.ask("SELECT count(*) FROM deliveries") == 0
    assert await bench.ask(f"SELECT position IS NULL FROM cursors WHERE stream = '{EVENTS}'")


async def test_a_body_is_committed_before_it_is_decoded(bench: Bench) -> None:
    """A body that nobody can read is kept and shown, and makes the streams be listed."""

    def broken(_body: bytes) -> Any:
        raise ZeroDivisionError

    bench.vendor.say("R1")
    bench.vendor.queue.read = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        await bench.drain()
    assert await bench.ask("SELECT count(*) FROM deliveries") == 1
    assert await bench.refs() == []
    assert (
        await bench.ask("SELECT park_reason FROM deliveries")
        == "the queue's reader could not read it (ZeroDivisionError)"
    )
    assert await bench.ask(WANTED)


async def test_one_unreadable_message_holds_up_none_of_its_neighbours(bench: Bench) -> None:
    bench.vendor.say("R1", 7, "R2")
    await bench.drain()
    assert await bench.refs() == ["R1", "R2"]
    [parked] = await rows(bench.database, bench.hotel, "SELECT state, park_reason FROM deliveries")
    assert (parked["state"], parked["park_reason"]) == ("parked", "1 of 3 messages cannot be read: no message")
    assert await bench.ask(WANTED)
    assert await bench.ask("SELECT kind FROM events LIMIT 1") == "queue"


async def test_messages_of_a_neighbour_go_to_the_account_of_that_property(bench: Bench) -> None:
    bench.vendor.say({"ref": "R1", "property": "7"}, {"ref": "R2", "property": "8"})
    await bench.drain()
    assert await bench.refs() == ["R1"]


@pytest.mark.parametrize(("sent", "wanted"), [(True, True), (False, False)])
async def test_a_lost_answer_has_everything_listed_and_a_refusal_does_not(
    bench: Bench, sent: bool, wanted: bool
) -> None:
    """The messages of a dropped answer come never again; what was refused was never handed out."""

    async def fail(_taken: list[object]) -> None:
        raise VendorFault("no answer", disposition=Disposition.RETRY, sent=sent)

    bench.vendor.say("R1")
    bench.vendor.before_answer = fail
    with pytest.raises(VendorFault):
        await bench.drain()
    assert await bench.ask(WANTED) is wanted
    bench.vendor.before_answer = None
    bench.vendor.book("R1", "v1")
    await bench.run("UPDATE cursors SET next_due_at = now() + interval '1 day' WHERE stream = 'events'")
    assert await bench.poller.step() == int(wanted)
    await bench.poller.settle()
    assert [row["ref"] for row in await rows(bench.database, bench.hotel, "SELECT ref FROM events")] == ["R1"] * wanted
    assert not await bench.ask(WANTED)


@pytest.mark.parametrize("moment", ["before the answer", "between answer and commit"])
async def test_a_death_between_question_and_commit_is_made_up_for(bench: Bench, moment: str) -> None:
    """REP-01, CRS: the successor finds the open question, and lists what it may have been about."""
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang(_taken: list[object]) -> None:
        reached.set()
        if moment == "before the answer":
            await never.wait()

    async def stuck(*_: object, **__: object) -> Any:
        reached.set()
        await never.wait()

    bench.vendor.say("R1")
    bench.vendor.before_answer = hang
    if moment != "before the answer":
        bench.poller._draining._keep = stuck  # type: ignore[method-assign]
    dying = asyncio.create_task(bench.drain())
    await reached.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert await bench.ask("SELECT count(*) FROM deliveries") == 0
    assert await bench.ask(f"SELECT asked_at IS NOT NULL FROM cursors WHERE stream = '{EVENTS}'")
    await bench.run("UPDATE cursors SET lease_until = now()")  # it ran out
    bench.vendor.before_answer = None
    bench.poller = bench.another()
    await bench.drain()
    assert await bench.ask(WANTED)


async def test_a_queue_is_emptied_by_one_of_two_daemons(bench: Bench) -> None:
    """REP-01: nobody else asks while one holds the lease."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_taken: list[object]) -> None:
        reached.set()
        await go_on.wait()

    bench.vendor.say("R1")
    bench.vendor.before_answer = wait
    await bench.run("UPDATE cursors SET next_due_at = now() WHERE stream = 'events'")
    assert await bench.poller.step() == 1
    await reached.wait()
    assert await bench.another().step() == 0
    go_on.set()
    await bench.poller.settle()
    assert bench.vendor.asked == 1
    assert await bench.refs() == ["R1"]


async def test_a_leader_that_slept_through_its_lease_keeps_what_it_was_given_and_moves_nothing(bench: Bench) -> None:
    """REP-02: the fence refuses the old leader's word on the queue; what it was given is stored.

    The new leader cannot know of them, so it has everything listed as well.
    """
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def sleep(_taken: list[object]) -> None:
        reached.set()
        await go_on.wait()

    bench.vendor.say("R1")
    bench.vendor.before_answer = sleep
    old = asyncio.create_task(bench.poller.poll_once(stream=EVENTS))
    await reached.wait()
    bench.vendor.before_answer = None
    async with bench.database.transaction() as connection:
        await connection.execute("UPDATE cursors SET lease_until = now() WHERE stream = 'events'")
        claim = await cursors.claim_named(connection, bench.hotel.account_id, EVENTS, uuid.uuid4(), 30)
    assert claim is not None
    assert claim.asked_at is not None
    go_on.set()
    with pytest.raises(Overtaken):
        await old
    assert await bench.refs() == ["R1"]
    [row] = await rows(bench.database, bench.hotel, "SELECT * FROM cursors WHERE stream = 'events'")
    assert (row["owner"], row["fence"], row["position"]) == (claim.owner, claim.fence, None)
    assert row["asked_at"] is not None


async def test_messages_in_hand_wait_for_a_database_that_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    from pms_sync.store import inbox  # noqa: PLC0415 - patched below

    store, tries = inbox.append_deliveries, 0

    async def away(*arguments: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise Unavailable("the database is away")
        return await store(*arguments)

    monkeypatch.setattr(inbox, "append_deliveries", away)
    bench.poller = bench.another(sleep=nap)
    bench.vendor.say("R1")
    await bench.drain()
    assert naps == [1.0] * 3
    assert await bench.refs() == ["R1"]
    assert not await bench.ask(WANTED)


@pytest.mark.parametrize(("idle", "rest"), [(0, 10), (180, 30), (3600, 60)])
async def test_a_queue_rests_the_longer_the_less_comes(bench: Bench, idle: int, rest: int) -> None:
    """An empty poll costs as well."""
    bench.vendor.say("R1")
    await bench.drain()
    bench.clock.at += timedelta(seconds=idle)
    await bench.drain()
    assert rest - 5 < await bench.ask(DUE_IN) <= rest


async def test_a_sweep_wanted_while_one_is_under_way_is_not_forgotten(bench: Bench) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    pull = bench.vendor.pull

    async def slow(*arguments: Any) -> Any:
        reached.set()
        await go_on.wait()
        return await pull(*arguments)

    bench.vendor.pull = slow  # type: ignore[method-assign, assignment]
    await bench.run("UPDATE cursors SET next_due_at = now() WHERE stream = 'reservations'")
    await bench.run("UPDATE cursors SET next_due_at = now() + interval '1 day' WHERE stream = 'events'")
    await bench.poller.step()
    await reached.wait()
    async with bench.database.connection() as connection:
        await cursors.want_sweep(connection, bench.hotel.tenant_id, bench.hotel.account_id, [BOOKINGS])
    go_on.set()
    await bench.poller.settle()
    assert await bench.ask(WANTED)
    assert await bench.poller.step() == 1
    await bench.poller.settle()
    assert not await bench.ask(WANTED)
    assert await bench.poller.step() == 0


async def test_a_sweep_goes_along_every_declared_dimension(bench: Bench) -> None:
    bench.vendor.book("R1", "v1")
    await bench.run("UPDATE cursors SET next_due_at = now() WHERE stream = 'reservations'")
    [item] = await bench.poller.poll_once(stream=BOOKINGS)
    first, second = bench.vendor.windows
    assert (first.dimension, second.dimension) == ("arrival", "cancelled")
    today = NOW.replace(hour=0)
    assert (second.start, second.end) == (today - timedelta(days=2), today + timedelta(days=2))
    assert (item.records, item.new) == (2, 1)


async def test_a_sighting_is_fetched_unless_that_version_is_held(bench: Bench) -> None:
    """An object named twice waits once; one that is known already costs no read."""
    bench.vendor.book("R1", "v1")
    bench.vendor.book("R2", "")
    await bench.poller.poll_once(stream=BOOKINGS)
    assert await bench.ask("SELECT count(*) FROM events WHERE raw_id IS NULL") == 2
    await bench.poller.poll_once(stream=BOOKINGS)
    assert await bench.ask("SELECT count(*) FROM events") == 2
    await bench.run("UPDATE events SET read_ticket = 1")
    await apply_everything(bench.database, bench.hotel)
    await bench.run("UPDATE links SET remote_version = 'v1'")
    await bench.poller.poll_once(stream=BOOKINGS)
    fresh = await rows(bench.database, bench.hotel, "SELECT ref FROM events WHERE state = 'waiting'")
    assert [row["ref"] for row in fresh] == ["R2"]
    bench.vendor.book("R1", "v2")
    await bench.poller.poll_once(stream=BOOKINGS)
    assert await bench.ask("SELECT count(*) FROM events WHERE state = 'waiting' AND ref = 'R1'") == 1
