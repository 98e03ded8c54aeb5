"""News in the wrong order: the store ends as the vendor is, whatever came first."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.bookings import ROOM_1, ROOM_2
from tests.e2e.stage import Stage
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_cancellation_that_comes_before_its_booking_consumes_nothing(stage: Stage) -> None:
    """ORD-02."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 3), silent=True)
    created = stage.vendor.webhook(ref)
    await stage.vendor.cancel(ref, silent=True)
    await stage.post(stage.vendor.webhook(ref))
    await eventually(lambda: stage.store.reservation(ref))
    await stage.post(created)
    audited = await stage.settled()
    found = await stage.store.reservation(ref)
    assert found is not None
    assert found["status"] == "cancelled"
    assert [await stage.store.booked(days.on(day)) for day in range(3)] == [0, 0, 0]
    assert audited.invariants["I8"] == "held"


async def test_different_content_under_one_timestamp_converges(stage: Stage) -> None:
    """ORD-04: the vendor's clock has whole seconds, so content decides."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2), silent=True)
    moment = (await stage.vendor.truth())["now"]
    bodies = []
    for departure in (3, 4, 5):
        await stage.vendor.modify(ref, silent=True, departure=days.on(departure), vendor={"modifiedTime": moment})
        bodies.append(stage.vendor.webhook(ref))
    await asyncio.gather(*(stage.post(body) for body in reversed(bodies)))
    await stage.settled()
    [stay] = await stage.store.stays(ref)
    assert str(stay["departure"]) == days.on(5)


async def test_a_vendor_clock_that_steps_back_an_hour_loses_no_update(polled: Stage) -> None:
    """ORD-06: ten updates while the vendor's clock is an hour late, told by webhook and read by poll."""
    days = [polled.calendar.days() for _ in range(2)]
    refs = [await polled.vendor.book(one.stay(0, 2)) for one in days]
    await polled.settled()
    await polled.vendor.order("clock", advance_s=-3600)
    try:
        for step in range(10):
            await polled.vendor.modify(refs[step % 2], adults=1 + step // 2)

        async def taken() -> bool:
            return [(await polled.store.stays(ref))[0]["adults"] for ref in refs] == [5, 5]

        await eventually(taken)
    finally:
        await polled.vendor.order("clock", advance_s=3600)
    await polled.vendor.modify(refs[0], adults=1)
    audited = await polled.settled()
    assert audited.invariants["I3"] == "held"


async def test_two_reservations_swap_rooms_within_one_page(polled: Stage) -> None:
    """ORD-09: nobody is refused for a moment, and nobody is asked."""
    days = polled.calendar.days()
    first = await polled.vendor.book(days.stay(0, 3, ROOM_1))
    second = await polled.vendor.book(days.stay(1, 4, ROOM_2))
    await polled.settled()
    polled.vendor.at_once(
        {"op": "modify", "ref": first, "set": {"room_ref": ROOM_2}},
        {"op": "modify", "ref": second, "set": {"room_ref": ROOM_1}},
    )

    async def swapped() -> bool:
        stays = [(await polled.store.stays(ref))[0] for ref in (first, second)]
        return [(stay["room"], stay["claim_state"]) for stay in stays] == [("102", "claimed"), ("101", "claimed")]

    await eventually(swapped)
    await polled.settled()
    assert not await polled.store.cases("room_double_booked", about=days.on(1))
    for ref in (first, second):
        found = await polled.store.reservation(ref)
        assert found is not None
        assert "refused" not in str([row["fields"] for row in await polled.store.audit(found["id"])])


async def test_two_reservations_swap_rooms_in_two_messages(stage: Stage) -> None:
    """INV-08: the vendor tells of a swap one room at a time, and one must wait for the other."""
    days = stage.calendar.days()
    first = await stage.vendor.book(days.stay(0, 3, ROOM_1))
    second = await stage.vendor.book(days.stay(0, 3, ROOM_2))
    await stage.settled()
    await stage.vendor.modify(first, room_ref=ROOM_2)
    await stage.vendor.modify(second, room_ref=ROOM_1)

    async def swapped() -> bool:
        stays = [(await stage.store.stays(ref))[0] for ref in (first, second)]
        return [(stay["room"], stay["claim_state"]) for stay in stays] == [("102", "claimed"), ("101", "claimed")]

    await eventually(swapped)
    audited = await stage.settled()
    assert audited.invariants["I8"] == "held"
    assert all(case["state"] == "withdrawn" for case in await stage.store.cases("room_double_booked", about=days.on(1)))


async def test_an_old_picture_that_arrives_late_is_only_a_hint(stage: Stage) -> None:
    """ORD-01, BEYOND 5: every order of a booking's life ends in its present."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2), silent=True)
    pictures = [stage.vendor.webhook(ref)]
    for departure in (3, 4):
        await stage.vendor.modify(ref, silent=True, departure=days.on(departure))
        pictures.append(stage.vendor.webhook(ref))
    for picture in (pictures[2], pictures[0], pictures[1], pictures[0]):
        await stage.post(picture)
    await stage.settled()
    found = await stage.store.reservation(ref)
    assert found is not None
    assert found["version"] == 1
    [stay] = await stage.store.stays(ref)
    assert str(stay["departure"]) == days.on(4)


async def test_ten_modifications_are_versions_of_one_reservation(stage: Stage) -> None:
    """BEYOND 33: one id, one guest, and as many versions as changes were seen."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 1), booker={"last_name": "Vega"})
    found = await eventually(lambda: stage.store.reservation(ref))
    for step in range(10):
        await stage.vendor.modify(ref, departure=days.on(2 + step % 3), booker={"last_name": f"Vega {step}"})
    await stage.settled()
    after = await stage.store.reservation(ref)
    assert after is not None
    assert after["id"] == found["id"]
    actions = [row["action"] for row in await stage.store.audit(found["id"])]
    assert actions == ["reservation.created"] + ["reservation.updated"] * (after["version"] - 1)
    assert after["version"] > 1
    guests = await stage.store.rows("SELECT * FROM pms_public.guests WHERE reservation_id = $1", found["id"])
    assert [guest["role"] for guest in guests] == ["booker"]


async def test_a_cancelled_booking_that_comes_back_is_the_same_reservation(stage: Stage) -> None:
    """BEYOND 35: reinstated under its old id, and it holds its room again."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2))
    await stage.settled()
    before = await stage.store.reservation(ref)
    await stage.vendor.cancel(ref)
    await stage.settled()
    assert await stage.store.booked(days.on(0)) == 0
    await stage.vendor.modify(ref, status="confirmed")
    await stage.settled()
    after = await stage.store.reservation(ref)
    assert before is not None
    assert after is not None
    assert (after["id"], after["status"]) == (before["id"], "confirmed")
    assert await stage.store.booked(days.on(0)) == 1
    assert not await stage.store.cases("illegal_status_jump", about=str(after["id"]))
