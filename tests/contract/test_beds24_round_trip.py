"""Beds24 mapper, connector and simulated vendor together: what we write is there, is ours, and comes back quietly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.beds24 import CONNECTOR, DOOR
from connectors.beds24.simulator import create
from connectors.kit.conformance.bench import Bench, Candidate, records, running
from connectors.kit.conformance.inbox import listening
from connectors.kit.conformance.offering import Offers, made, offers, push, shown, with_stay
from connectors.kit.http import open_client
from mappers.beds24 import MAPPER
from pms_sync.domain.reservation import Revision
from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A small simulated hotel with our connector."""
    candidate = Candidate(
        CONNECTOR, DOOR, MAPPER, create, lambda url: open_client(url, ca_file=None, allow_private=True)
    )
    async with running(candidate) as one:
        yield one


@pytest.fixture
async def desk(bench: Bench) -> Offers:
    """Our bookings for it."""
    return await offers(bench)


def group_of(bench: Bench, desk: Offers, arrival: date, token: str) -> list[VendorRequest]:
    """Make the requests of a new reservation with two stays on the same days."""
    states = [
        with_stay(desk.state(), arrival=arrival, departure=arrival.replace(day=arrival.day + 2)) for _ in range(2)
    ]
    wanted = tuple(desk.held(one) for one in states)
    return MAPPER.to_requests(Change(kind="create", wanted=wanted, token=token), bench.context())


async def changed(bench: Bench, desk: Offers, ref: str, kind: str, **stay: Any) -> Revision:
    """Change one atom of a booking's stay and read it back."""
    known = await shown(bench, ref)
    await push(bench, desk.modify(ref, known, with_stay(known, **stay), f"stays[{ref}].{kind}"))
    return await shown(bench, ref)


async def test_two_groups_in_one_push_stay_two(bench: Bench, desk: Offers) -> None:
    """B24-03: a master each, and on every member the mark it was sent with."""
    requests = group_of(bench, desk, date(2032, 1, 5), "A") + group_of(bench, desk, date(2032, 2, 5), "B")
    refs = [receipt.refs[0] for receipt in await push(bench, *requests)]
    told = [await shown(bench, ref) for ref in refs]
    assert [one.ref for one in told] == [refs[0], refs[0], refs[2], refs[2]]
    assert [one.is_home for one in told] == [True, False, True, False]
    assert [one.token for one in told] == ["A.1", "A.2", "B.1", "B.2"]


async def test_a_stay_more_joins_its_reservation(bench: Bench, desk: Offers) -> None:
    """The booking that stood alone becomes the master."""
    first = await made(bench, desk.create(desk.state(), "first"))
    second = await made(bench, desk.create(replace(desk.state(), ref=first), "second"))
    assert (await shown(bench, second)).ref == first
    assert (await shown(bench, first)).is_home


async def test_a_no_show_is_marked_and_taken_back(bench: Bench, desk: Offers) -> None:
    """By the sub-status, which the vendor's API file lists for reading only."""
    ref = await made(bench, desk.create(desk.state(), "no-show"))
    marked = await changed(bench, desk, ref, "status", status=Status.NO_SHOW)
    assert (marked.status, marked.vendor_status) == (Status.NO_SHOW, "confirmed")
    assert (await changed(bench, desk, ref, "status", status=Status.CONFIRMED)).status == Status.CONFIRMED


async def test_a_cancellation_is_taken_back(bench: Bench, desk: Offers) -> None:
    ref = await made(bench, desk.create(desk.state(), "back"))
    await push(bench, desk.cancel(ref, await shown(bench, ref)))
    assert (await changed(bench, desk, ref, "status", status=Status.CONFIRMED)).status == Status.CONFIRMED


async def test_a_room_is_given_and_taken_away(bench: Bench, desk: Offers) -> None:
    ref = await made(bench, desk.create(desk.state(), "room"))
    given = await changed(bench, desk, ref, "room", room_ref=desk.room_refs[2])
    assert given.room_stays[0].room_ref == desk.room_refs[2]
    taken = await changed(bench, desk, ref, "room", room_ref=None)
    assert taken.room_stays[0].room_ref is None


@pytest.mark.parametrize(
    ("blocks", "word", "kind"), [(True, "request", HoldKind.REQUEST), (False, "inquiry", HoldKind.INQUIRY)]
)
async def test_an_option_is_held_as_what_it_takes(
    bench: Bench, desk: Offers, blocks: bool, word: str, kind: HoldKind
) -> None:
    hold = desk.state(status=Status.HOLD, hold_kind=HoldKind.OPTION, blocks_inventory=blocks)
    told = await shown(bench, await made(bench, desk.create(hold, f"option-{word}")))
    assert (told.vendor_status, told.hold_kind, told.blocks_inventory) == (word, kind, blocks)


async def test_a_full_room_type_refuses_what_would_overbook_it(bench: Bench, desk: Offers) -> None:
    """I8: we never push a night above capacity; the vendor's words say why."""
    nights = {"arrival": date(2033, 1, 3), "departure": date(2033, 1, 5)}
    requests = [desk.create(desk.state(**nights), f"full-{number}") for number in range(len(desk.room_refs) + 1)]
    receipts = await push(bench, *requests)
    assert [receipt.accepted for receipt in receipts] == [True] * len(desk.room_refs) + [False]
    assert "availability" in receipts[-1].refusals[0].why


async def test_our_writes_come_back_by_poll_and_never_by_webhook(bench: Bench, desk: Offers) -> None:
    """vendors/beds24.md 13.4: silent unless asked for; but `modifiedTime` moves."""
    async with listening() as box:
        await bench.change("webhook_target", property_ref=bench.place["ref"], url=box.url + "/ours", headers={})
        ref = await made(bench, desk.create(desk.state(), "quiet"))
        await changed(bench, desk, ref, "shape", departure=date(2031, 1, 4))
        await push(bench, desk.cancel(ref, await shown(bench, ref)))
        loud = await bench.book()
        await bench.change("modify", silent=False, ref=loud, set={"notes": "loud"})
        await box.collect(lambda: bool(box.kept))
        assert {event.ref for _, delivery in box.kept for event in DOOR.read(delivery.body)} == {loud}
        listed = records(await bench.walk(await bench.recent()))
    assert {ref, loud} <= {record.ref for record in listed}
