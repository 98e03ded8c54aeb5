"""Parked rows: one for each object that cannot be read, gone from the list as soon as the object can be."""

from __future__ import annotations

from typing import Any

from pms_sync.store import lanes
from pms_sync.store.database import Database
from tests.integration.audited_hotel import STREAM, Site, running_site

BROKEN, WHOLE = {"price": 10.123}, {"price": 10.12}


async def _events(site: Site, ref: str) -> list[tuple[str, str]]:
    """Return (state, outcome) of the object's events, oldest first."""
    async with site.reader.database.connection() as connection:
        rows = await connection.fetch("SELECT state, outcome FROM events WHERE ref = $1 ORDER BY event_id", ref)
    return [(row["state"], row["outcome"]) for row in rows]


async def _broken(site: Site) -> str:
    """Book what no mapper can read."""
    told = await site.desk.sim("change", op="create", vendor=BROKEN, silent=True)
    return str(told["ref"])


async def test_a_bad_record_fetched_first_is_known_to_the_poll(empty_database: str) -> None:
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        ref = await _broken(site)
        await site.reader.deliver(ref)
        await site.reader.read()
        assert await _events(site, ref) == [("parked", "parked")]


async def test_a_bad_record_told_of_again_and_again_is_one_parked_row(empty_database: str) -> None:
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        ref = await _broken(site)
        await site.reader.read()
        for _ in range(2):
            await site.reader.deliver(ref)
        await site.reader.read()
        told = await _events(site, ref)
        assert told == [("done", "superseded"), ("done", "superseded"), ("parked", "parked")]


async def test_a_parked_row_ends_when_its_object_can_be_read(empty_database: str) -> None:
    """Also when what is read then is what was stored before it broke."""
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        ref = (await site.desk.sim("change", op="create", vendor=WHOLE, silent=True))["ref"]
        await site.reader.read()
        other = await _broken(site)
        for reading in (BROKEN, WHOLE):
            await site.desk.sim("change", op="modify", ref=ref, vendor=reading, silent=True)
            await site.reader.deliver(ref)
            await site.reader.deliver(other)
        assert [one for one in await _events(site, ref) if one[0] == "parked"] == []
        assert ("done", "superseded") in await _events(site, ref)
        assert [one for one in await _events(site, other) if one[0] == "parked"] == [("parked", "parked")]


async def test_a_record_read_before_the_parked_one_does_not_close_it(database: Database, hotel: Any) -> None:
    """A page that was on its way says nothing about what was read after it."""
    event = lanes.NewEvent(
        tenant_id=hotel.tenant_id,
        account_id=hotel.account_id,
        kind="poll",
        stream=STREAM,
        ref="1001",
        correlation_id="c1",
        read_ticket=7,
    )
    async with database.transaction(hotel.tenant_id) as connection:
        [event_id] = await lanes.append(connection, [event])
        parked = lanes.Verdict(event_id=event_id, state="parked", outcome="parked")
        await lanes.acknowledge(connection, [event.lane_key], [parked])
        states = []
        for ticket in (6, 7):
            await lanes.supersede(connection, [lanes.Landed(event.lane_key, ticket, event_id + 1)])
            states.append(await connection.fetchval("SELECT state FROM events WHERE event_id = $1", event_id))
    assert states == ["parked", "done"]


async def test_an_event_that_comes_to_nothing_says_why(empty_database: str) -> None:
    """ING-13: a booking nobody has, and a later hint of it, are ignored with a reason that the inbox shows."""
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        await site.reader.deliver("4711")
        async with site.reader.database.connection() as connection:
            rows = await connection.fetch("SELECT state, outcome, park_reason FROM events WHERE done_at IS NOT NULL")
        told = {(row["state"], row["outcome"], row["park_reason"]) for row in rows}
        assert told == {("ignored", "absent", "the vendor does not show it")}
