"""Events out on a real store and real HTTP: told once committed, in order, signed, and each subscriber by itself."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from aiohttp import web

from connectors.kit.posting import WebPoster
from pms_sync.domain.events import DomainEvent
from pms_sync.jobs.delivering import Deliveries
from pms_sync.store import events_out, subscribers, upkeep
from pms_sync.store.database import Database, act_for, use_tenant
from pms_sync.store.sealing import KeyRing
from pms_sync.store.subscribers import SubscriberFacts
from tests.integration.listed_hotel import Clock
from tests.integration.listeners import KEY, Listener

CREATED, CANCELLED = "pms.reservation.created", "pms.reservation.cancelled"
NEW_KEY = bytes(range(1, 33))


class NoJitter(random.Random):
    """Draws what the test chose: 0 rests not at all, 1 rests as long as it may."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = 0.0

    def random(self) -> float:
        """Return the chosen number."""
        return self.drawn


class Office:
    """The store of one hotel, with the loop that tells its events."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any) -> None:
        self.database, self.keys, self.hotel = database, keys, hotel
        self.tenant_id: uuid.UUID = hotel.tenant_id
        self.jitter, self.outcomes = NoJitter(), list[str]()
        self.clock = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.deliveries = self.daemon()

    def daemon(self, *, allow_private: bool = True, timeout_s: float = 5.0) -> Deliveries:
        """Return a loop of its own, as another daemon has it."""
        return Deliveries(
            self.database,
            self.keys,
            lambda url: WebPoster(url, allow_private=allow_private, timeout_s=timeout_s),
            clock=self.clock,
            new_id=uuid.uuid4,
            random=self.jitter,
            told=self.outcomes.append,
        )

    async def declare(self, *facts: SubscriberFacts) -> None:
        """Read a hotel file with these subscribers."""
        async with self.database.transaction(self.tenant_id) as connection:
            await subscribers.declare(connection, self.keys, self.tenant_id, facts, uuid.uuid4)

    def event(self, mark: str, reservation: int | None = 1, topic: str = CREATED) -> DomainEvent:
        """Build an event a test knows again by its mark."""
        return DomainEvent(
            topic=topic,
            reservation_id=None if reservation is None else uuid.UUID(int=reservation),
            property_id=self.hotel.property_id,
            payload={"mark": mark},
            correlation_id=f"c-{mark}",
        )

    async def tell(self, *told: DomainEvent) -> None:
        """Commit events."""
        async with self.database.transaction(self.tenant_id) as connection:
            await events_out.append(connection, self.tenant_id, told)

    async def work(self, times: int = 1, deliveries: Deliveries | None = None) -> None:
        """Let the loop take some turns, each to its end."""
        for _ in range(times):
            await (deliveries or self.deliveries).step()
            await (deliveries or self.deliveries).idle()

    async def rows(self, query: str) -> list[Any]:
        """Ask the store."""
        async with self.database.transaction(self.tenant_id) as connection:
            return list(await connection.fetch(query))

    async def states(self) -> list[str]:
        """Return the deliveries' states in the order of their events."""
        return [row["state"] for row in await self.rows("SELECT state FROM deliveries_out ORDER BY event_id")]

    async def subscriber(self) -> Any:
        """Return the only subscriber."""
        [row] = await self.rows("SELECT *, greatest(next_at, now()) - now() AS rest FROM subscribers")
        return row

    async def pass_time(self, interval: str) -> None:
        """Let time go by for everything that waits."""
        await self.rows(
            f"UPDATE subscribers SET next_at = next_at - interval '{interval}', "
            f"failing_since = failing_since - interval '{interval}', lease_until = lease_until - interval '{interval}'"
        )
        await self.rows(
            f"UPDATE deliveries_out SET next_at = next_at - interval '{interval}', "
            f"first_tried_at = first_tried_at - interval '{interval}'"
        )


@pytest.fixture
async def office(database: Database, keys: KeyRing, hotel: Any) -> AsyncIterator[Office]:
    """Give the hotel's store with a loop that never rests long."""
    made = Office(database, keys, hotel)
    yield made
    await made.deliveries.aclose(0)


@pytest.fixture
async def listen() -> AsyncIterator[Callable[..., Awaitable[Listener]]]:
    """Start consumers."""
    runners: list[web.AppRunner] = []

    async def start(key: bytes = KEY) -> Listener:
        listener = Listener(key)
        runners.append(await listener.start())
        return listener

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def listener(listen: Any, office: Office) -> Listener:
    """Give one consumer that hears of new and cancelled reservations."""
    made: Listener = await listen()
    await office.declare(wants(made))
    return made


def wants(listener: Listener, *topics: str, key: bytes | None = None) -> SubscriberFacts:
    """Say what a consumer wants to hear of."""
    return SubscriberFacts(url=listener.url, key=key or listener.key, topics=topics or (CREATED, CANCELLED))


def answers(status: int, *marks: str, **headers: str) -> Any:
    """Refuse the marked events, or all of them, and take the rest."""

    def answer(heard: Any) -> web.Response:
        refuse = not marks or heard.mark in marks
        return web.Response(status=status if refuse else 204, headers=headers if refuse else {})

    return answer


async def test_a_committed_event_arrives_signed_and_says_what_happened(office: Office, listener: Listener) -> None:
    await office.tell(office.event("a"))
    await office.work()
    [heard] = listener.took
    assert heard.topic == CREATED
    assert heard.timestamp == int(office.clock.now().timestamp())
    assert heard.document["data"] == {
        "mark": "a",
        "property": "P1",
        "reservation_id": str(uuid.UUID(int=1)),
        "correlation_id": "c-a",
    }
    assert await office.states() == ["delivered"]
    assert office.outcomes == ["delivered"]


async def test_nothing_leaves_before_the_commit_and_nothing_after_a_rollback(
    office: Office, listener: Listener
) -> None:
    """OUT-01, OUT-02, S2.9."""
    async with office.database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await use_tenant(connection, office.tenant_id)
        await events_out.append(connection, office.tenant_id, [office.event("a")])
        await office.work()
        assert listener.knocks == 0
        await transaction.rollback()
    await office.work()
    assert listener.knocks == 0
    assert await office.rows("SELECT FROM events_out") == []


async def test_who_did_not_ask_for_a_topic_is_not_told(office: Office, listener: Listener) -> None:
    await office.tell(office.event("a", topic="pms.alert"), office.event("b", topic=CANCELLED))
    await office.work()
    assert listener.marks() == ["b"]


async def test_what_nobody_asked_for_is_not_written(office: Office, listener: Listener) -> None:
    """Without subscribers an event costs nothing."""

    async def wanted() -> frozenset[str]:
        async with office.database.transaction(office.tenant_id) as connection:
            return await events_out.wanted(connection, office.tenant_id)

    assert await wanted() == {CREATED, CANCELLED}
    await office.tell(office.event("a", topic="pms.alert"))
    await office.declare()
    assert await wanted() == frozenset()
    await office.tell(office.event("b"))
    assert await office.rows("SELECT FROM events_out") == []
    assert listener.knocks == 0


async def test_another_tenants_subscriber_hears_nothing(office: Office, listener: Listener) -> None:
    """I10: no outbound call mixes tenants."""
    async with office.database.transaction() as connection:
        other = uuid.uuid4()
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", other)
        await use_tenant(connection, other)
        await events_out.append(connection, other, [office.event("theirs")])
    await office.work()
    assert listener.knocks == 0


async def test_events_arrive_in_the_order_they_happened(office: Office, listener: Listener) -> None:
    marks = [str(number) for number in range(50)]
    for mark in marks:
        await office.tell(office.event(mark, reservation=int(mark) % 7))
    await office.work(3)
    assert listener.marks() == marks


async def test_what_is_refused_comes_again_before_what_follows(office: Office, listener: Listener) -> None:
    """OUT-04: the second never before the first one's fate."""
    await office.tell(office.event("first"), office.event("second", reservation=2))
    listener.answer = answers(503)
    await office.work(3)
    assert [one.mark for one in listener.heard] == ["first"] * 3
    listener.answer = answers(204)
    await office.work()
    assert listener.marks() == ["first", "second"]


async def test_a_repetition_has_the_same_id_and_its_own_time(office: Office, listener: Listener) -> None:
    """Standard Webhooks: the id is the message's, the timestamp the attempt's."""
    await office.tell(office.event("a"))
    listener.answer = answers(500)
    await office.work()
    office.clock.at = datetime(2026, 3, 1, 13, tzinfo=UTC)
    await office.work()
    first, second = listener.heard
    assert first.message_id == second.message_id
    assert (first.document, second.timestamp - first.timestamp) == (second.document, 3600)


async def test_one_that_hangs_does_not_delay_another(office: Office, listen: Any) -> None:
    """BEYOND 79: a dead endpoint clogs nobody else."""
    hung, alive = await listen(), await listen()
    release = asyncio.Event()

    async def hang(_heard: Any) -> web.Response:
        await release.wait()
        return web.Response()

    hung.answer = hang
    await office.declare(wants(hung), wants(alive))
    await office.tell(*(office.event(str(number)) for number in range(5)))
    await office.deliveries.step()
    await alive.has_taken(5)
    turns = list(office.deliveries._busy.values())
    if len(turns) > 1:
        await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
    await office.tell(office.event("5"))
    assert await office.deliveries.step() == 1
    await alive.has_taken(6)
    assert hung.took == []
    release.set()
    await office.deliveries.idle()
    await office.work()
    assert hung.marks() == alive.marks()


async def test_one_that_takes_too_long_is_refused_and_tried_again(office: Office, listener: Listener) -> None:
    release = asyncio.Event()

    async def hang(_heard: Any) -> web.Response:
        await release.wait()
        return web.Response()

    listener.answer = hang
    await office.tell(office.event("a"))
    await office.work(deliveries=office.daemon(timeout_s=0.05))
    assert "no answer in time" in (await office.subscriber())["last_answer"]
    assert await office.states() == ["waiting"]
    release.set()


async def test_an_event_nobody_can_take_is_set_aside_with_what_concerns_the_same_reservation(
    office: Office, listener: Listener
) -> None:
    await office.tell(office.event("poison"), office.event("its heir"), office.event("other", reservation=2))
    listener.answer = answers(500, "poison")
    await office.work(events_out.ASIDE_AFTER - 1)
    assert listener.took == []
    await office.work()
    await office.tell(office.event("later", reservation=3), office.event("its heir's heir"))
    await office.work(3)
    assert listener.marks() == ["other", "later"]
    listener.answer = answers(204)
    await office.work()
    assert listener.marks() == ["other", "later", "poison", "its heir", "its heir's heir"]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_refused_each_event_arrives_once_and_in_the_order_of_its_reservation(
    office: Office, listener: Listener, seed: int
) -> None:
    """OUT-04, I12: thirty events of five reservations at a subscriber that refuses four of ten attempts."""
    draw = random.Random(seed)
    told = [(str(number), draw.randrange(5)) for number in range(30)]
    await office.tell(*(office.event(mark, reservation) for mark, reservation in told))
    listener.answer = lambda _heard: web.Response(status=draw.choices((204, 500, 404), (6, 2, 2))[0])
    await office.work(200)
    of = dict(told)
    for reservation in range(5):
        expected = [mark for mark, one in told if one == reservation]
        assert [mark for mark in listener.marks() if of[mark] == reservation] == expected


async def test_rests_grow_with_every_refusal_and_end_with_the_first_success(office: Office, listener: Listener) -> None:
    """OUT-07: 5, 10, 20 … seconds at most, and none is left after a success."""
    office.jitter.drawn = 1.0
    listener.answer = answers(500)
    await office.tell(office.event("a"))
    rests = []
    for _ in range(4):
        await office.work(2)  # the second turn finds it resting
        rests.append(round((await office.subscriber())["rest"].total_seconds()))
        await office.pass_time("1 hour")
    assert rests == [5, 10, 20, 40]
    assert listener.knocks == 4
    listener.answer = answers(204)
    await office.work()
    found = await office.subscriber()
    assert (found["failures"], found["failing_since"]) == (0, None)


async def test_a_subscriber_may_say_for_how_long_it_rests(office: Office, listener: Listener) -> None:
    """OUT-07: Retry-After is honoured."""
    listener.answer = answers(429, **{"Retry-After": "120"})
    await office.tell(office.event("a"))
    await office.work(2)
    assert listener.knocks == 1
    assert 115 < (await office.subscriber())["rest"].total_seconds() <= 120


async def test_410_stops_a_subscriber_until_its_file_says_something_new(office: Office, listener: Listener) -> None:
    """Standard Webhooks: gone is an answer, not a failure."""
    listener.answer = answers(410)
    await office.tell(office.event("a"))
    await office.work(2)
    assert (listener.knocks, (await office.subscriber())["state"]) == (1, "gone")
    assert office.outcomes == ["refused", "stopped"]
    await office.declare(wants(listener))
    await office.tell(office.event("meanwhile"))
    await office.work()
    assert listener.knocks == 1
    listener.answer, listener.key = answers(204), NEW_KEY
    await office.declare(wants(listener))
    await office.work()
    assert listener.marks() == ["a"]


async def test_a_subscriber_that_takes_nothing_for_three_days_is_stopped_and_nothing_is_lost(
    office: Office, listener: Listener
) -> None:
    listener.answer = answers(502)
    await office.tell(office.event("a"), office.event("b"))
    await office.work()
    await office.pass_time("2 days 23 hours")
    await office.work()
    assert (await office.subscriber())["state"] == "active"
    await office.pass_time("2 hours")
    await office.work(2)
    assert (await office.subscriber())["state"] == "exhausted"
    assert (listener.knocks, await office.states()) == (3, ["waiting", "waiting"])
    listener.answer = answers(204)
    await office.declare(wants(listener))  # the next start tries again
    await office.work()
    assert listener.marks() == ["a", "b"]


async def test_an_event_that_fails_for_three_days_while_others_arrive_is_given_up(
    office: Office, listener: Listener
) -> None:
    listener.answer = answers(422, "poison")
    await office.tell(office.event("poison"))
    await office.work(events_out.ASIDE_AFTER)
    await office.pass_time("3 days 1 hour")
    await office.tell(office.event("its heir"), office.event("other", reservation=2))
    await office.work(2)
    assert await office.states() == ["given_up", "delivered", "delivered"]
    assert office.outcomes[-2:] == ["given_up", "delivered"]
    assert (await office.subscriber())["state"] == "active"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_refusal_and_is_not_followed(office: Office, listen: Any, status: int) -> None:
    """OUT-15, SEC-10."""
    listener, elsewhere = await listen(), await listen()
    listener.answer = answers(status, Location=elsewhere.url)
    await office.declare(wants(listener))
    await office.tell(office.event("a"))
    await office.work()
    assert (listener.knocks, elsewhere.knocks) == (1, 0)
    assert (await office.subscriber())["last_answer"] == f"HTTP {status}"


async def test_a_private_address_is_not_called_unless_that_is_allowed(office: Office, listener: Listener) -> None:
    """OUT-15, SEC-10: blocked when connecting, told where a person looks, and sent once it is allowed."""
    await office.declare(msgspec.structs.replace(wants(listener), url=listener.url.replace("http://", "https://")))
    await office.tell(office.event("a"))
    await office.work(deliveries=office.daemon(allow_private=False))
    [told] = await office.rows("SELECT last_answer FROM subscribers WHERE state = 'active'")
    assert "private address" in told["last_answer"]
    assert listener.knocks == 0


async def test_an_endless_answer_counts_by_its_first_line(office: Office, listener: Listener) -> None:
    """Nobody reads what a subscriber writes, however much it is."""
    listener.answer = lambda _heard: web.Response(body=bytes(5_000_000))
    await office.tell(office.event("a"), office.event("b"))
    await office.work()
    assert listener.marks() == ["a", "b"]


async def test_two_daemons_tell_every_event_once(office: Office, listener: Listener) -> None:
    """A subscriber is leased as a whole: neither twice nor out of order."""
    marks = [str(number) for number in range(40)]
    await office.tell(*(office.event(mark) for mark in marks))
    await asyncio.gather(*(office.work(5, office.daemon()) for _ in range(3)))
    assert listener.marks() == marks


async def test_what_a_killed_daemon_held_is_told_by_another_once_its_lease_ends(
    office: Office, listener: Listener
) -> None:
    await office.tell(office.event("a"))
    async with office.database.transaction() as connection:
        assert len(await events_out.claim(connection, uuid.uuid4(), 60, 10)) == 1
    await office.work()
    assert listener.knocks == 0
    await office.pass_time("61 seconds")
    await office.work()
    assert listener.marks() == ["a"]


@pytest.mark.usefixtures("listener")
async def test_a_refusal_that_comes_after_the_lease_was_lost_changes_nothing(office: Office) -> None:
    await office.tell(office.event("a"))
    old, new = uuid.uuid4(), uuid.uuid4()
    async with office.database.transaction() as connection:
        [claimed] = await events_out.claim(connection, old, -1, 10)
        await events_out.claim(connection, new, 60, 10)
        [event] = await events_out.due(connection, claimed, 10)
        refusal = events_out.Refusal(answer="late", subscriber_rest_s=9, delivery_rest_s=9, gone=True)
        assert await events_out.refused(connection, claimed, old, event.event_id, refusal) is None
    found = await office.subscriber()
    assert (found["state"], found["failures"], found["owner"]) == ("active", 0, new)


async def test_a_slower_transaction_with_an_earlier_number_is_not_skipped(office: Office, listener: Listener) -> None:
    """BEYOND 89, 90: delivery is a state per row, no position that could pass an event by."""
    async with office.database.transaction(office.tenant_id) as connection:
        await events_out.append(connection, office.tenant_id, [office.event("slow", reservation=1)])
        await office.tell(office.event("fast", reservation=2))
        await office.work()
        assert listener.marks() == ["fast"]
    await office.work()
    assert listener.marks() == ["fast", "slow"]


async def test_no_transaction_is_open_while_a_subscriber_is_called(office: Office, listener: Listener) -> None:
    """ARCHITECTURE §4."""
    idle: list[int] = []

    async def look(_heard: Any) -> web.Response:
        async with office.database.connection() as connection:
            idle.append(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
                )
            )
        return web.Response()

    listener.answer = look
    await office.tell(office.event("a"))
    await office.work()
    assert idle == [0]


async def test_a_stop_in_the_middle_gives_the_subscriber_back_at_once(office: Office, listener: Listener) -> None:
    arrived = asyncio.Event()

    async def hang(_heard: Any) -> web.Response:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    listener.answer = hang
    await office.tell(office.event("a"))
    await office.deliveries.step()
    await asyncio.wait_for(arrived.wait(), 10)
    await office.deliveries.aclose(0)
    assert (await office.subscriber())["owner"] is None
    listener.answer = answers(204)
    await office.work(deliveries=office.daemon())
    assert listener.marks() == ["a"]


async def test_a_file_that_no_longer_names_a_subscriber_silences_it_and_never_deletes_it(
    office: Office, listener: Listener
) -> None:
    await office.declare()
    await office.tell(office.event("meanwhile"))
    await office.work()
    assert (listener.knocks, (await office.subscriber())["state"]) == (0, "removed")
    await office.declare(wants(listener))
    await office.tell(office.event("again"))
    await office.work()
    assert listener.marks() == ["again"]


async def test_a_file_read_again_changes_nothing(office: Office, listener: Listener) -> None:
    before = await office.rows("SELECT xmin::text, * FROM subscribers")
    await office.declare(wants(listener))
    assert await office.rows("SELECT xmin::text, * FROM subscribers") == before


async def test_new_topics_and_a_new_secret_count_from_then_on(office: Office, listener: Listener) -> None:
    listener.key = NEW_KEY
    await office.declare(wants(listener, "pms.alert"))
    await office.tell(office.event("a"), office.event("b", topic="pms.alert"))
    await office.work()
    assert listener.marks() == ["b"]


async def test_a_secret_is_stored_sealed(office: Office, listener: Listener) -> None:
    """SEC-14."""
    stored = await office.subscriber()
    assert KEY not in stored["secret"]
    assert KEY not in stored["declared"]
    assert repr(wants(listener)) == f"SubscriberFacts({CREATED}, {CANCELLED})"


async def test_the_role_of_the_api_tells_events_of_its_tenant_and_reads_no_secret(
    office: Office, listener: Listener
) -> None:
    """SEC-03: a local edit tells its event in its own transaction."""
    async with office.database.transaction() as connection:
        await act_for(connection, office.tenant_id)
        await events_out.append(connection, office.tenant_id, [office.event("a")])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.fetch("SELECT secret FROM subscribers")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO events_out (tenant_id, topic, correlation_id) VALUES ($1, 'pms.alert', 'c')",
                    uuid.uuid4(),
                )
    await office.work()
    assert listener.marks() == ["a"]


async def test_old_events_go_with_their_deliveries(office: Office, listener: Listener) -> None:
    await office.tell(office.event("a"), office.event("b"))
    await office.work()
    await office.rows("UPDATE events_out SET created_at = now() - interval '31 days' WHERE payload->>'mark' = 'a'")
    async with office.database.connection() as connection:
        assert await upkeep.prune(connection) == 1
    assert await office.states() == ["delivered"]
    assert listener.marks() == ["a", "b"]
