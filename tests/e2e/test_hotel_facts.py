"""What a vendor says about rooms, nights, money and people, as the store then holds it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.e2e.bookings import ROOM_1, ROOM_2, ROOM_3, ROOMS, Days
from tests.e2e.stage import Stage
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def claims(stage: Stage, *refs: str) -> list[tuple[str | None, str]]:
    """Return room and claim of each booking."""
    stays = [await stage.store.stay(ref) for ref in refs]
    return [(stay["room"], stay["claim_state"]) for stay in stays if stay]


async def counted(stage: Stage, days: Days, last: int) -> list[int]:
    """Return how many doubles are sold, night by night."""
    return [await stage.store.booked(days.on(day)) for day in range(last)]


async def test_a_booking_of_three_rooms_is_one_reservation_with_three_stays(stage: Stage) -> None:
    """MAP-04, B24-03: two rate plans, different dates, and the sum is kept."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(
        days.stay(0, 2, ROOM_1, total="100.10", rate_plan_ref="1"),
        days.stay(0, 3, ROOM_2, total="150.15", rate_plan_ref="2"),
        days.stay(1, 3, ROOM_3, total="99.75", rate_plan_ref="1"),
    )
    await stage.settled()
    found, stays = await stage.store.reservation(ref), await stage.store.stays(ref)
    assert found is not None
    assert found["total"] == Decimal("350.00")
    assert [stay["vendor_ref"] for stay in stays] == stage.vendor.member_refs(ref)
    assert [(str(stay["arrival"]), str(stay["departure"]), stay["room"]) for stay in stays] == [
        (days.on(0), days.on(2), "101"),
        (days.on(0), days.on(3), "102"),
        (days.on(1), days.on(3), "103"),
    ]
    assert [stay["total"] for stay in stays] == [Decimal("100.10"), Decimal("150.15"), Decimal("99.75")]


async def test_a_group_keeps_changes_drops_and_adds_rooms_under_their_own_ids(stage: Stage) -> None:
    """BEYOND 38."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2, ROOM_1), days.stay(0, 2, ROOM_2))
    await stage.settled()
    before = {stay["vendor_ref"]: stay["id"] for stay in await stage.store.stays(ref)}
    kept, dropped = stage.vendor.member_refs(ref)
    await stage.vendor.modify(kept, room_stays=[{"ref": kept, "departure": days.on(3)}])
    await stage.vendor.cancel(dropped)
    await stage.vendor.modify(ref, room_stays=[{"ref": kept}, {"ref": dropped}, days.stay(1, 3, ROOM_3)])
    await stage.settled()
    after = {stay["vendor_ref"]: stay for stay in await stage.store.stays(ref)}
    assert {name: after[name]["id"] for name in before} == before
    [added] = after.keys() - before.keys()
    assert [after[name]["status"] for name in (kept, dropped, added)] == ["confirmed", "cancelled", "confirmed"]
    assert [after[name]["claim_state"] for name in (kept, dropped, added)] == ["claimed", "none", "claimed"]
    assert await counted(stage, days, 4) == [1, 2, 2, 0]


async def test_a_second_day_use_of_a_room_is_detected(stage: Stage) -> None:
    """TIM-14: an empty range overlaps nothing, so day use is claimed by its own slot."""
    days = stage.calendar.days()
    first = await stage.vendor.book(days.stay(2, 2))
    await eventually(lambda: stage.store.stay(first))
    second = await stage.vendor.book(days.stay(2, 2))
    [case] = await eventually(lambda: stage.store.cases("room_double_booked", about=f"101:{days.on(2)}"))
    await stage.settled()
    assert case["state"] == "open"
    assert await claims(stage, first, second) == [("101", "claimed"), ("101", "refused")]


async def test_a_total_that_nights_cannot_share_is_kept_to_the_cent(stage: Stage) -> None:
    """MON-04, MON-03: three nights of 100.00; the nights are derived and add up again."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 3, total="100.00"), vendor={"price": 100.00})
    await stage.settled()
    found, [stay] = await stage.store.reservation(ref), await stage.store.stays(ref)
    assert found is not None
    assert (found["total"], found["currency"]) == (Decimal("100.00"), "EUR")
    prices = [Decimal(night["price"]) for night in stay["nights"]]
    assert sum(prices) == Decimal("100.00")
    assert sorted(prices) == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    assert all(night["derived"] for night in stay["nights"])


async def test_departure_and_arrival_on_one_day_share_a_room(stage: Stage) -> None:
    """INV-03."""
    days = stage.calendar.days()
    refs = [await stage.vendor.book(days.stay(*nights)) for nights in ((0, 2), (2, 4), (4, 5))]
    await stage.settled()
    assert await claims(stage, *refs) == [("101", "claimed")] * 3
    assert not await stage.store.cases("room_double_booked", about=days.on(2))
    assert await counted(stage, days, 5) == [1, 1, 1, 1, 1]


async def test_a_fourth_booking_of_three_rooms_is_stored_and_told(stage: Stage) -> None:
    """INV-04: a channel has sold it already, so it is a fact; a person is told within five seconds."""
    days = stage.calendar.days()
    refs = [await stage.vendor.book(days.stay(0, 2, room)) for room in (*ROOMS, None)]
    [case] = await eventually(lambda: stage.store.cases("type_oversold", about=f"DBL:{days.on(0)}"), 5)
    await stage.settled()
    assert case["state"] == "open"
    assert await stage.store.booked(days.on(0)) == 4
    found = await stage.store.reservation(refs[3])
    assert found is not None
    assert found["status"] == "confirmed"
    await stage.vendor.cancel(refs[0])
    await stage.settled()
    assert await stage.store.booked(days.on(0)) == 3
    [case] = await stage.store.cases("type_oversold", about=f"DBL:{days.on(0)}")
    assert case["state"] == "withdrawn"


async def test_a_moved_stay_frees_and_takes_exactly_its_nights(stage: Stage) -> None:
    """INV-06 without a neighbour: longer, shorter, and shifted."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(1, 3))
    await stage.settled()
    for (arrival, departure), nights in (
        ((1, 5), [0, 1, 1, 1, 1, 0, 0]),
        ((1, 2), [0, 1, 0, 0, 0, 0, 0]),
        ((4, 6), [0, 0, 0, 0, 1, 1, 0]),
    ):
        await stage.vendor.modify(ref, arrival=days.on(arrival), departure=days.on(departure))
        await stage.settled()
        assert await counted(stage, days, 7) == nights
        assert await claims(stage, ref) == [("101", "claimed")]


async def test_a_stay_that_grows_into_its_neighbour_waits_until_there_is_room(stage: Stage) -> None:
    """INV-06 with a neighbour: kept, flagged, a case; and healed by itself when the neighbour goes."""
    days = stage.calendar.days()
    ref, neighbour = [await stage.vendor.book(days.stay(*nights)) for nights in ((0, 2), (2, 4))]
    await stage.settled()
    await stage.vendor.modify(ref, departure=days.on(3))
    await eventually(lambda: stage.store.cases("room_double_booked", about=f"101:{days.on(2)}"))
    await stage.settled()
    assert await claims(stage, ref, neighbour) == [("101", "refused"), ("101", "claimed")]
    await stage.vendor.cancel(neighbour)

    async def healed() -> bool:
        [case] = await stage.store.cases("room_double_booked", about=f"101:{days.on(2)}")
        return case["state"] == "withdrawn" and await claims(stage, ref) == [("101", "claimed")]

    await eventually(healed)
    audited = await stage.settled()
    assert audited.invariants["I8"] == "held"


async def test_every_status_of_the_vendor_has_its_meaning(stage: Stage) -> None:
    """B24-04, MAP-05: five words are stays, the sixth is a block and no reservation."""
    days = stage.calendar.days()
    words = {
        "new": ("confirmed", None, True),
        "confirmed": ("confirmed", None, True),
        "request": ("hold", "request", True),
        "inquiry": ("hold", "inquiry", False),
        "cancelled": ("cancelled", None, False),
    }
    refs = {
        word: await stage.vendor.book(days.stay(place, place + 1), vendor={"status": word})
        for place, word in enumerate(words)
    }
    black = await stage.vendor.book(days.stay(6, 8), vendor={"status": "black"})
    await stage.settled()
    for word, meaning in words.items():
        found = await stage.store.reservation(refs[word])
        assert found is not None
        assert found["vendor_status"] == word
        assert (found["status"], found["hold_kind"], found["blocks_inventory"]) == meaning
    assert await stage.store.reservation(black) is None
    block = await stage.store.block(black)
    assert block is not None
    assert (block["room"], block["gone"], block["claim_state"]) == ("101", False, "claimed")
    assert await counted(stage, days, 8) == [1, 1, 1, 0, 0, 0, 0, 0]


async def test_a_block_that_moves_stays_one_block_and_one_that_ends_frees_the_room(stage: Stage) -> None:
    """BEYOND 43."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2), vendor={"status": "black"})
    await stage.settled()
    before = await stage.store.block(ref)
    await stage.vendor.modify(ref, arrival=days.on(3), departure=days.on(5))
    await stage.settled()
    moved = await stage.store.block(ref)
    assert before is not None
    assert moved is not None
    assert (moved["id"], str(moved["arrival"])) == (before["id"], days.on(3))
    await stage.vendor.cancel(ref)
    await stage.settled()
    ended = await stage.store.block(ref)
    assert ended is not None
    assert (ended["gone"], ended["claim_state"]) == (True, "none")
    assert await stage.store.reservation(ref) is None


async def test_a_block_on_a_sold_room_is_a_case_and_takes_the_room_once_it_is_free(stage: Stage) -> None:
    """INV-07: out of order over a stay; the stay keeps what it has."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(1, 3))
    await stage.settled()
    block = await stage.vendor.book(days.stay(0, 5), vendor={"status": "black"})
    [case] = await eventually(lambda: stage.store.cases("room_double_booked", about=f"101:{days.on(1)}"))
    await stage.settled()
    assert case["state"] == "open"
    assert await claims(stage, ref) == [("101", "claimed")]
    await stage.vendor.cancel(ref)

    async def healed() -> bool:
        [case], held = (
            await stage.store.cases("room_double_booked", about=f"101:{days.on(1)}"),
            await stage.store.block(block),
        )
        return held is not None and (case["state"], held["claim_state"]) == ("withdrawn", "claimed")

    await eventually(healed)
    audited = await stage.settled()
    assert audited.invariants["I8"] == "held"


async def test_a_block_that_is_sold_becomes_a_booking_in_its_place(stage: Stage) -> None:
    """B24-04: the vendor keeps one row for both, so what it was must be known here."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2), vendor={"status": "black"})
    await stage.settled()
    await stage.vendor.modify(ref, vendor={"status": "confirmed"})
    await stage.settled()
    block = await stage.store.block(ref)
    assert block is not None
    assert block["gone"]
    assert await claims(stage, ref) == [("101", "claimed")]
    await stage.vendor.cancel(ref)
    await stage.settled()
    found = await stage.store.reservation(ref)
    assert found is not None
    assert found["status"] == "cancelled"


async def test_a_booking_that_becomes_a_block_is_a_case_and_is_settled_when_it_comes_back(stage: Stage) -> None:
    """Nothing is deleted: the stay is kept until a person, or the vendor, says what it is."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2))
    await stage.settled()
    await stage.vendor.modify(ref, vendor={"status": "black"})
    await eventually(lambda: stage.store.block(ref))
    await stage.settled()
    stay = await stage.store.stay(ref)
    assert stay is not None
    assert stay["status"] == "confirmed"
    [case] = await stage.store.cases("vanished", about=str(stay["id"]))
    assert case["state"] == "open"
    await stage.vendor.modify(ref, vendor={"status": "confirmed"})

    async def withdrawn() -> bool:
        [case] = await stage.store.cases("vanished", about=str(stay["id"]))
        return bool(case["state"] == "withdrawn")

    await eventually(withdrawn)
    await stage.settled()
    assert await claims(stage, ref) == [("101", "claimed")]


async def test_nights_across_the_change_of_clocks_are_dates(stage: Stage) -> None:
    """TIM-01, TIM-02, TIM-11: 23 and 25 hours are one night each, and so is the one before a leap day."""
    spans = (("2031-03-29", "2031-03-31"), ("2031-10-25", "2031-10-27"), ("2032-02-28", "2032-03-01"))
    for arrival, departure in spans:
        ref = await stage.vendor.book(
            {"arrival": arrival, "departure": departure, "room_ref": ROOM_3, "adults": 1, "total": "80.00"}
        )
        await stage.settled()
        [stay] = await stage.store.stays(ref)
        assert (str(stay["arrival"]), str(stay["departure"])) == (arrival, departure)
        assert len(stay["nights"]) == 2
