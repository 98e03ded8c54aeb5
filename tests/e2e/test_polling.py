"""The poll: what no webhook told is found within a period, whatever the vendor's list does."""

from __future__ import annotations

import pytest

from tests.e2e.bookings import ROOMS
from tests.e2e.opening import opened_bodies
from tests.e2e.stage import Stage
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

PERIOD_S, ROOM_S = 1.0, 3.0  # the poll interval of the stage, and what a busy machine may add


async def test_a_silent_webhook_source_costs_one_poll_period(polled: Stage) -> None:
    """CUR-16, BEYOND 86: every webhook is lost, bookings, changes and cancellations arrive all the same."""
    await polled.vendor.faults({"kind": "webhook_drop"})
    try:
        days = polled.calendar.days()
        ref = await polled.vendor.book(days.stay(0, 2))
        await eventually(lambda: polled.store.reservation(ref), PERIOD_S + ROOM_S)
        await polled.vendor.modify(ref, departure=days.on(4))

        async def moved() -> bool:
            return str((await polled.store.stays(ref))[0]["departure"]) == days.on(4)

        await eventually(moved, PERIOD_S + ROOM_S)
        await polled.vendor.cancel(ref)

        async def cancelled() -> bool:
            found = await polled.store.reservation(ref)
            return found is not None and found["status"] == "cancelled"

        await eventually(cancelled, PERIOD_S + ROOM_S)
        assert {row["kind"] for row in await polled.store.inbox(ref)} == {"poll"}
    finally:
        await polled.vendor.faults()
    await polled.settled()
    freshness = "SELECT max(freshness_s) FROM pms_public.sync_health WHERE stream = 'reservations'"
    assert await polled.store.value(freshness) < PERIOD_S + ROOM_S


async def test_three_webhooks_in_ten_lost_and_nothing_is_missing(polled: Stage) -> None:
    """B24-05: no retry follows a lost one; some come twice or late as well."""
    before = (await polled.vendor.truth())["webhooks"]["dropped"]
    await polled.vendor.faults(
        {"kind": "webhook_drop", "probability": 0.3},
        {"kind": "webhook_duplicate", "probability": 0.2},
        {"kind": "webhook_reorder", "probability": 0.2, "seconds": 0.2},
    )
    try:
        days = [polled.calendar.days() for _ in range(7)]
        refs = [await polled.vendor.book(one.stay(0, 2, room)) for one in days for room in ROOMS]
        for ref in refs[::2]:
            await polled.vendor.modify(ref, adults=1)
        for ref in refs[::5]:
            await polled.vendor.cancel(ref)
        await polled.settled()
    finally:
        await polled.vendor.faults()
    truth = await polled.vendor.truth()
    assert truth["webhooks"]["dropped"] > before
    assert all([await polled.store.reservation(ref) for ref in refs])


async def test_what_the_vendor_deleted_is_told_and_kept_and_heals_when_it_is_back(polled: Stage) -> None:
    """CUR-18, BEYOND 17: absence is no deletion; two reads, then a person."""
    days = polled.calendar.days()
    ref = await polled.vendor.book(days.stay(0, 2))
    await polled.settled()
    news = polled.vendor.webhook(ref)
    row = dict(polled.vendor.simulator.backend.hotel.bookings[int(ref)].row)
    [stay] = await polled.store.stays(ref)
    await polled.vendor.delete(ref)
    await polled.post(news)
    [case] = await eventually(lambda: polled.store.cases("vanished", about=str(stay["id"])))
    audited = await polled.settled()
    assert audited.vendors["beds24"].vanished >= 1
    found = await polled.store.reservation(ref)
    assert found is not None
    assert (case["state"], case["reservation_ids"], found["status"]) == ("open", [found["id"]], "confirmed")
    assert await polled.store.booked(days.on(0)) == 1
    await polled.vendor.book(days.stay(0, 2), vendor=row)

    async def healed() -> bool:
        [case] = await polled.store.cases("vanished", about=str(stay["id"]))
        return bool(case["state"] == "withdrawn")

    await eventually(healed)
    await polled.settled()
    after = await polled.store.reservation(ref)
    assert after is not None
    assert after["id"] == found["id"]


async def test_what_vanished_and_is_back_unchanged_is_seen_by_the_poll_alone(polled: Stage) -> None:
    """CUR-18: a list that left out a booking for a while must not leave its case open."""
    days = polled.calendar.days()
    ref = await polled.vendor.book(days.stay(0, 2), silent=True)
    await polled.settled()
    news = polled.vendor.webhook(ref)
    booking = polled.vendor.simulator.backend.hotel.bookings[int(ref)]
    stay = await polled.store.stay(ref)
    assert stay is not None
    await polled.vendor.delete(ref)
    await polled.post(news)
    await eventually(lambda: polled.store.cases("vanished", about=str(stay["id"])))
    await polled.settled()
    polled.vendor.show_again(booking)

    async def healed() -> bool:
        [case] = await polled.store.cases("vanished", about=str(stay["id"]))
        return bool(case["state"] == "withdrawn")

    await eventually(healed)
    await polled.settled()


async def test_a_status_nobody_knows_waits_alone_and_is_read_again_when_it_is_known(polled: Stage) -> None:
    """CUR-19: parked with path, value and reason; its neighbours go on; the raw record is kept; new fields are no news.

    The vendor's list shows only the statuses asked for, so it takes a webhook to hear of a new one.
    """
    days = polled.calendar.days()
    odd = await polled.vendor.book(days.stay(0, 2), vendor={"status": "quoted", "newField": {"a": 1}})
    even = await polled.vendor.book(days.stay(3, 5), silent=True, vendor={"newField": [1, 2]})
    await eventually(lambda: polled.store.reservation(even), PERIOD_S + ROOM_S)

    async def parked() -> list[dict[str, object]]:
        return [row for row in await polled.store.inbox(odd) if row["state"] == "parked"]

    [row] = await eventually(parked)
    assert "status" in str(row["park_path"])
    assert "quoted" in str(row["park_reason"])
    assert await polled.store.reservation(odd) is None
    assert any(b'"quoted"' in body for body in await opened_bodies(polled))
    ended = await polled.daemon.command("replay", "--parked")
    assert ended.code == 0, ended.err
    assert ended.document["parked"] >= 1
    assert len(await parked()) == 1
    audited = await polled.settled()
    assert audited.vendors["beds24"].parked >= 1
    await polled.vendor.modify(odd, silent=True, vendor={"status": "confirmed"})
    await eventually(lambda: polled.store.reservation(odd), PERIOD_S + ROOM_S)
    await polled.settled()


async def test_two_pages_of_one_second_are_read_once_each(polled: Stage) -> None:
    """CUR-03: 120 records changed in the same second, a page holds a hundred."""
    moment = (await polled.vendor.truth())["now"]
    days = [polled.calendar.days() for _ in range(14)]
    orders = [
        {"op": "create", "vendor": {"modifiedTime": moment}, "set": {"room_stays": [one.stay(at, at + 1, room)]}}
        for one in days
        for at in range(3)
        for room in ROOMS
    ][:120]
    polled.vendor.at_once(*orders)
    newest = str(max(polled.vendor.simulator.backend.hotel.bookings))
    await eventually(lambda: polled.store.reservation(newest), 10)
    await polled.settled()
    every = "SELECT ref, count(*) AS n FROM pms_public.inbox WHERE kind = 'poll' AND state = 'done' GROUP BY ref"
    refs = {str(ref) for ref in sorted(polled.vendor.simulator.backend.hotel.bookings)[-120:]}
    read = {row["ref"]: row["n"] for row in await polled.store.rows(every) if row["ref"] in refs}
    assert read == dict.fromkeys(refs, 1)


async def test_one_poll_failing_costs_a_later_one_nothing(polled: Stage) -> None:
    """BEYOND 97, CUR-06: errors, an HTML page, a cut answer and an expired token, then everything is there."""
    await polled.vendor.faults(
        *({"kind": kind, "times": 1, "match": {"path": "/bookings"}} for kind in ("html", "truncate", "expire_token")),
        {"kind": "status", "status": 500, "times": 2, "match": {"path": "/bookings"}},
        {"kind": "drop_after", "times": 1, "match": {"path": "/bookings"}},
    )
    last_call = len(await polled.vendor.calls())
    try:
        ref = await polled.vendor.book(polled.calendar.days().stay(0, 2), silent=True)
        await eventually(lambda: polled.store.reservation(ref), 20)
        answers = [call["status"] for call in await polled.vendor.calls(last_call) if call["path"] == "/bookings"]
        assert {500, 502, 401} <= set(answers)
    finally:
        await polled.vendor.faults()
    await polled.settled()
