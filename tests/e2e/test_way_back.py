"""The way back: what the front desk does here becomes true at the vendor, exactly once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.bookings import ROOM_1, ROOM_2
from tests.e2e.front_desk import FrontDesk
from tests.e2e.stage import Stage, on_stage
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
_LIVE = 'mode = "live"\nmirror = { reservations = "stay" }'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Give a daemon that may write to the vendor."""
    async with on_stage(tmp_path_factory.mktemp("live"), account=_LIVE, poll_interval_s=2) as one:
        await one.start()
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(live: Stage) -> FrontDesk:
    """Give a person who is signed in."""
    return await FrontDesk.opened(live)


async def _shown(stage: Stage, ref: str) -> dict[str, Any]:
    """Return what the vendor shows of a booking."""
    truth = await stage.vendor.truth()
    [found] = [one for one in truth["reservations"] for stay in one["room_stays"] if stay["ref"] == ref]
    return dict(found)


async def _states(stage: Stage, reservation_id: str) -> list[str]:
    query = "SELECT state FROM pms_public.outbox WHERE reservation_id = $1::text::uuid ORDER BY created_at"
    return [str(row["state"]) for row in await stage.store.rows(query, reservation_id)]


async def test_a_reservation_made_here_is_made_there_once(live: Stage, desk: FrontDesk) -> None:
    """OUT: one order, one booking at the vendor, verified by reading it back, and one reservation here."""
    days = live.calendar.days()
    made = await desk.book(days, "101")

    async def verified() -> bool:
        return await _states(live, made["id"]) == ["verified"]

    await eventually(verified, 20)
    audited = await live.settled()
    [stay] = await live.store.rows(
        "SELECT vendor, vendor_ref, room FROM pms_public.room_stays WHERE reservation_id = $1::text::uuid", made["id"]
    )
    assert (stay["vendor"], stay["room"]) == ("beds24", "101")
    shown = await _shown(live, stay["vendor_ref"])
    assert (shown["room_stays"][0]["arrival"], shown["room_stays"][0]["total"]) == (days.on(0), "160.00")
    assert audited.invariants["I2"] == "held"


async def test_an_edit_here_and_an_ota_modification_there_are_both_true_in_the_end(
    live: Stage, desk: FrontDesk
) -> None:
    """CON-02/CON-03: the desk moves the guest to room 102 while the OTA prolongs the stay."""
    days = live.calendar.days()
    ref = await live.vendor.book(days.stay(0, 2, ROOM_1), channel="booking_com")
    await live.settled()
    found = await live.store.reservation(ref)
    assert found is not None
    await live.vendor.modify(ref, departure=days.on(4), silent=True)
    await desk.change(str(found["id"]), room="102")

    async def both() -> bool:
        [stay] = (await _shown(live, ref))["room_stays"]
        return (stay["room_ref"], stay["departure"]) == (ROOM_2, days.on(4))

    await eventually(both, 20)
    await live.settled()
    [stay] = await live.store.stays(ref)
    assert (stay["room"], str(stay["departure"])) == ("102", days.on(4))


async def test_a_cancellation_here_is_one_there(live: Stage, desk: FrontDesk) -> None:
    """OUT / INV-05: cancelling frees the room and tells the vendor."""
    days = live.calendar.days()
    ref = await live.vendor.book(days.stay(0, 2, ROOM_1))
    await live.settled()
    found = await live.store.reservation(ref)
    assert found is not None
    await desk.act(str(found["id"]), "cancel")

    async def cancelled() -> bool:
        return bool((await _shown(live, ref))["status"] == "cancelled")

    await eventually(cancelled, 20)
    await live.settled()
    assert await live.store.booked(days.on(0)) == 0


async def test_a_write_whose_answer_is_lost_is_not_repeated(live: Stage, desk: FrontDesk) -> None:
    """BEYOND 73: the vendor took the booking and the answer never came: looked up, found, no twin."""
    days = live.calendar.days()
    await live.vendor.faults({"kind": "drop_after", "match": {"method": "POST", "path": "/bookings"}, "times": 1})
    made = await desk.book(days, "101")

    async def verified() -> bool:
        return await _states(live, made["id"]) == ["verified"]

    await eventually(verified, 40)
    truth = await live.vendor.truth()
    there = [one for one in truth["reservations"] if one["room_stays"][0]["arrival"] == days.on(0)]
    assert len(there) == 1
    await live.settled()


async def test_what_the_vendor_refuses_stands_parked_with_its_words(live: Stage, desk: FrontDesk) -> None:
    """OUT-06: a refusal is not repeated; it waits with the vendor's words, and the next order goes out."""
    days = live.calendar.days()
    await live.vendor.faults(
        {"kind": "status", "status": 400, "match": {"method": "POST", "path": "/bookings"}, "times": 1}
    )
    made = await desk.book(days, "101")

    async def parked() -> bool:
        return await _states(live, made["id"]) == ["parked"]

    await eventually(parked, 20)
    await live.vendor.faults()
    listed = await live.daemon.command("push", "list")
    [one] = [item for item in listed.document["items"] if item["reservation_id"] == made["id"]]
    assert one["vendor_error"]
    again = await live.daemon.command("push", "retry", one["intent_id"])
    assert again.code == 0, again.err

    async def verified() -> bool:
        return await _states(live, made["id"]) == ["verified"]

    await eventually(verified, 30)
    await live.settled()


async def test_an_outage_delays_what_was_ordered_and_loses_nothing(live: Stage, desk: FrontDesk) -> None:
    """OUT-07: the vendor is away for a while; the order waits, coalesces, and arrives once it is back."""
    days = live.calendar.days()
    ref = await live.vendor.book(days.stay(0, 2, ROOM_1))
    await live.settled()
    found = await live.store.reservation(ref)
    assert found is not None
    await live.vendor.faults({"kind": "status", "status": 503, "match": {"path": "/"}})
    await desk.change(str(found["id"]), room="102")
    await desk.change(str(found["id"]), adults=3)
    await live.vendor.faults()

    async def there() -> bool:
        [stay] = (await _shown(live, ref))["room_stays"]
        return (stay["room_ref"], stay["adults"]) == (ROOM_2, 3)

    await eventually(there, 60)
    await live.settled(30)


async def test_a_room_sold_twice_is_put_right_from_the_desk(live: Stage, desk: FrontDesk) -> None:
    """INV-04: both are stored, one is refused the room; moving it settles the case and tells the vendor."""
    days = live.calendar.days()
    first = await live.vendor.book(days.stay(0, 2, ROOM_1), channel="booking_com")
    second = await live.vendor.book(days.stay(0, 2, ROOM_1), channel="expedia")

    async def opened() -> bool:
        return bool(
            [one for one in await live.store.cases("room_double_booked", about=days.on(0)) if one["state"] == "open"]
        )

    await eventually(opened, 30)
    stays = {ref: (await live.store.stays(ref))[0] for ref in (first, second)}
    [refused] = [ref for ref, stay in stays.items() if stay["claim_state"] == "refused"]
    await desk.change(str(stays[refused]["reservation_id"]), room="102")

    async def moved() -> bool:
        return bool((await _shown(live, refused))["room_stays"][0]["room_ref"] == ROOM_2)

    await eventually(moved, 20)
    await live.settled()
    assert {one["state"] for one in await live.store.cases("room_double_booked", about=days.on(0))} == {"withdrawn"}
