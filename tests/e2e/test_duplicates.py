"""The same news more than once: told again, told two ways, and taken back."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.bookings import ROOM_2
from tests.e2e.stage import Stage
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_one_change_told_a_hundred_times_at_once_is_one_change(stage: Stage) -> None:
    """DUP-01. Without ids each delivery is kept; equal hints join, so the vendor is asked few times."""
    ref = await stage.vendor.book(stage.calendar.days().stay(0, 2), silent=True)
    body, last_call = stage.vendor.webhook(ref), len(await stage.vendor.calls())
    answers = await asyncio.gather(*(stage.post(body) for _ in range(100)))
    assert {answer.status_code for answer, _ in answers} == {200}
    await stage.settled()
    found = await stage.store.reservation(ref)
    assert found is not None
    assert found["version"] == 1
    assert [row["action"] for row in await stage.store.audit(found["id"])] == ["reservation.created"]
    asked = [call for call in await stage.vendor.calls(last_call) if ["id", ref] in call["query"]]
    assert 1 <= len(asked) <= 20


async def test_identical_bodies_and_a_change_taken_back_are_told_apart(stage: Stage) -> None:
    """DUP-03: A ten times, then B, then A again with the very bytes of the first: three versions, the last one A."""
    days = stage.calendar.days()
    ref = await stage.vendor.book(days.stay(0, 2), silent=True)
    moment = (await stage.vendor.truth())["now"]
    await stage.vendor.modify(ref, silent=True, vendor={"modifiedTime": moment})
    first = stage.vendor.webhook(ref)
    for _ in range(10):
        await stage.post(first)
    await stage.settled()
    for version, adults in ((2, 1), (3, 2)):
        await stage.vendor.modify(ref, silent=True, adults=adults, vendor={"modifiedTime": moment})
        await stage.post(stage.vendor.webhook(ref))

        async def taken(adults: int = adults, version: int = version) -> bool:
            [stay] = await stage.store.stays(ref)
            found = await stage.store.reservation(ref)
            return found is not None and (stay["adults"], found["version"]) == (adults, version)

        await eventually(taken)
    await stage.settled()


async def test_webhook_first_and_poll_after_is_one_effect(stage: Stage) -> None:
    """DUP-05."""
    ref = await stage.vendor.book(stage.calendar.days().stay(0, 2))
    found = await eventually(lambda: stage.store.reservation(ref))
    ended = await stage.daemon.command("poll-once", "--stream", "reservations")
    assert ended.code == 0, ended.err
    [read] = ended.document["items"]
    assert read["records"] >= 1
    assert read["new"] == 0
    await stage.settled()
    assert [row["action"] for row in await stage.store.audit(found["id"])] == ["reservation.created"]


async def test_poll_first_and_webhook_after_is_one_effect(stage: Stage) -> None:
    """DUP-05."""
    ref = await stage.vendor.book(stage.calendar.days().stay(0, 2, ROOM_2), silent=True)
    ended = await stage.daemon.command("poll-once", "--stream", "reservations")
    assert ended.code == 0, ended.err
    found = await eventually(lambda: stage.store.reservation(ref))
    await stage.post(stage.vendor.webhook(ref))

    async def heard() -> bool:
        return {"poll", "webhook"} == {row["kind"] for row in await stage.store.inbox(ref) if row["state"] == "done"}

    await eventually(heard)
    await stage.settled()
    assert [row["action"] for row in await stage.store.audit(found["id"])] == ["reservation.created"]


async def test_two_polls_of_one_state_bring_it_once(stage: Stage) -> None:
    """CUR-01: the second reads the same records and writes nothing."""
    refs = [await stage.vendor.book(stage.calendar.days().stay(0, 2), silent=True) for _ in range(5)]
    first = await stage.daemon.command("poll-once", "--stream", "reservations")
    await stage.settled()
    before = (await stage.hash(), await stage.store.value("SELECT count(*) FROM pms_public.inbox"))
    second = await stage.daemon.command("poll-once", "--stream", "reservations")
    await stage.settled()
    [one], [other] = first.document["items"], second.document["items"]
    assert one["new"] == len(refs)
    assert other["records"] >= len(refs)
    assert other["new"] == 0
    assert (await stage.hash(), await stage.store.value("SELECT count(*) FROM pms_public.inbox")) == before


async def test_two_backfills_leave_the_same_store(stage: Stage) -> None:
    """CUR-02."""
    await stage.settled()
    account = await stage.account_id()
    told, hashes = [], [await stage.hash()]
    for _ in range(2):
        ended = await stage.daemon.command("backfill", "--account", account)
        assert ended.code == 0, ended.err
        told.append(ended.document)
        await stage.settled()
        hashes.append(await stage.hash())
    assert all(one["complete"] and one["records"] >= 6 and one["parked"] == 0 for one in told), told
    assert len(set(hashes)) == 1
