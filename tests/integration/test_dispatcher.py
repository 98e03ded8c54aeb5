"""The dispatcher: what is planned leaves once, in order, and counts as done only when it was seen at the vendor."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import msgspec
import pytest

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.looking import Looked
from pms_sync.store import lanes, outbox
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.pushing_hotel import PushingHotel, pushing_hotel


@pytest.fixture
async def house(database: Database, keys: KeyRing, hotel: Any) -> PushingHotel:
    """Give a live hotel with an empty vendor."""
    return await pushing_hotel(database, keys, hotel)


def raising(fault: BaseException) -> Any:
    """Return a hook that raises."""

    def hook() -> None:
        raise fault

    return hook


async def test_an_edit_leaves_once_is_read_back_and_verified(house: PushingHotel) -> None:
    """ARCHITECTURE §7: planned, sent, acknowledged, verified; the object is read before and after."""
    stay = await house.booked()
    await house.edit(stay, notes="early arrival")
    await house.drive()
    assert house.vendor.shown["1001"].notes == "early arrival"
    intent = await house.one()
    assert (intent["state"], intent["attempts"], intent["paths"]) == ("verified", 1, ["notes"])
    assert intent["vendor_ref"] == "1001"
    assert intent["sent_at"] <= intent["verified_at"]
    assert house.runtime.calls == [("push", "push", True)]
    assert house.looks == [{"1001": "edit-1"}] * 2
    assert await house.rows("SELECT 1 FROM lanes") == []


async def test_every_move_is_told_to_the_audit_log_under_its_correlation_id(house: PushingHotel) -> None:
    """I9: the thread leads from the edit to the push, and no value is told."""
    stay = await house.booked()
    await house.edit(stay, notes="early arrival")
    await house.drive()
    told = await house.rows("SELECT * FROM audit_log WHERE action LIKE 'push.%' ORDER BY audit_id")
    assert [row["action"] for row in told] == ["push.sent", "push.acknowledged", "push.verified"]
    assert {(row["actor"], row["correlation_id"], row["entity_id"]) for row in told} == {
        ("user:1", "edit-1", str(stay))
    }
    assert "early" not in str(told)


async def test_what_was_rolled_back_is_neither_planned_nor_sent(house: PushingHotel) -> None:
    """OUT-01."""
    stay = await house.booked()

    async def edit() -> None:
        async with house.database.transaction(house.account.tenant_id) as connection:
            await outbox.plan(connection, house.account.tenant_id, [house.planned(stay)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await edit()
    await house.drive()
    assert await house.intents() == []
    assert (house.vendor.pushes, house.looks) == ([], [])


async def test_nothing_leaves_before_its_transaction_is_committed(house: PushingHotel) -> None:
    """OUT-02, BEYOND 74: what is to be done is committed before the vendor hears of it."""
    stay = await house.booked()
    async with house.database.transaction(house.account.tenant_id) as connection:
        house.ours[stay] = house.vendor.shown["1001"]
        await outbox.plan(connection, house.account.tenant_id, [house.planned(stay)])
        assert await house.dispatcher.step() == 0
    assert await house.dispatcher.step() == 1
    await house.dispatcher.idle()


async def test_a_hundred_edits_of_an_object_are_one_call_with_the_last_value(house: PushingHotel) -> None:
    """OUT-03."""
    stay = await house.booked()
    for number in range(100):
        await house.edit(stay, notes=f"version {number}")
    await house.drive()
    assert len(house.vendor.pushes) == 1
    assert house.vendor.shown["1001"].notes == "version 99"
    assert await house.states() == ["verified"]


async def test_what_is_planned_for_an_object_is_one_intent(house: PushingHotel) -> None:
    """Paths are united, the hold is the longest, the rest is the newest word; and a create stays one."""
    stay = await house.booked()
    await house.plan(stay, kind="create", paths=("notes",), held_s=60.0, actor="user:1", correlation_id="edit-1")
    plans = [
        house.planned(stay, kind="modify", paths=("booker",), held_s=5.0, actor="user:2", correlation_id="edit-2"),
        house.planned(stay, kind="cancel", paths=("notes", "total"), actor="user:3", correlation_id="edit-3"),
    ]
    async with house.database.transaction(house.account.tenant_id) as connection:
        await outbox.plan(connection, house.account.tenant_id, plans)
    intent = await house.one()
    assert (intent["kind"], intent["paths"]) == ("create", ["booker", "notes", "total"])
    assert (intent["actor"], intent["correlation_id"]) == ("user:3", "edit-3")
    [held] = await house.rows("SELECT extract(epoch FROM held_until - now())::float8 AS left FROM intents")
    assert 50.0 < held["left"] <= 60.0
    assert len(await house.rows("SELECT 1 FROM lanes")) == 1


async def test_many_objects_are_read_written_and_read_back_together(house: PushingHotel) -> None:
    """RELIABILITY 6.3: vendor calls do not grow with the number of objects."""
    for number in range(30):
        await house.edit(await house.booked(str(1001 + number)), notes=f"room {number}")
    await house.drive()
    assert [len(push) for push in house.vendor.pushes] == [30]
    assert [len(look) for look in house.looks] == [30, 30]
    assert set(await house.states()) == {"verified"}


async def test_two_of_a_hundred_are_refused_and_only_they_are_parked(house: PushingHotel) -> None:
    """OUT-08."""
    for number in range(100):
        await house.edit(await house.booked(str(1001 + number)), notes=f"room {number}")
    house.vendor.refusals = {"1007": "closed", "1042": "closed"}
    await house.drive()
    parked = [row for row in await house.intents() if row["state"] == "parked"]
    assert [(row["attempts"], row["vendor_error"]) for row in parked] == [(1, "field: closed")] * 2
    assert (await house.states()).count("verified") == 98
    assert sum(len(push) for push in house.vendor.pushes) == 100


async def test_a_later_edit_waits_for_the_fate_of_the_one_before(house: PushingHotel) -> None:
    """OUT-04: the second edit never before the first one's fate; what stands in the end is the second."""
    stay = await house.booked()
    await house.edit(stay, notes="first")
    house.vendor.after.append(raising(VendorFault("the connection broke")))
    await house.once()
    await house.edit(stay, notes="second")
    await house.once()
    assert await house.states() == ["unknown", "planned"]
    assert len(house.vendor.pushes) == 1
    await house.drive()
    assert house.vendor.shown["1001"].notes == "second"
    assert await house.states() == ["verified", "verified"]
    assert len(house.vendor.pushes) == 2


async def test_a_permanent_refusal_is_not_repeated_and_the_next_object_flows(house: PushingHotel) -> None:
    """OUT-06: parked with the vendor's text."""
    first, second = await house.booked("1001"), await house.booked("1002")
    await house.edit(first, notes="one")
    refused = VendorFault("HTTP 422: notes too long", disposition=Disposition.ABORT, sent=False)
    house.vendor.before.append(raising(refused))
    await house.drive()
    await house.edit(second, notes="two")
    await house.drive()
    told = [(row["state"], row["attempts"], row["vendor_error"]) for row in await house.intents()]
    assert told == [("parked", 1, "HTTP 422: notes too long"), ("verified", 1, None)]


async def test_a_call_refused_as_a_whole_is_cut_down_to_the_one_to_blame(house: PushingHotel) -> None:
    """OUT-06: its neighbours are not held."""
    for number in range(3):
        await house.edit(await house.booked(str(1001 + number)), notes=f"room {number}")
    refused = VendorFault("HTTP 400", disposition=Disposition.ABORT, sent=False)
    house.vendor.before.extend([raising(refused), lambda: None, raising(refused)])
    await house.drive()
    assert sorted(await house.states()) == ["parked", "verified", "verified"]
    assert [len(push) for push in house.vendor.pushes] == [3, 1, 1, 1]


@pytest.mark.parametrize(
    "fault",
    [
        VendorFault("429", retry_after=20.0, sent=False),
        VendorFault("no connection", counts_against_breaker=True, sent=False),
    ],
    ids=["limited", "unreachable"],
)
async def test_an_outage_uses_up_no_attempt(house: PushingHotel, fault: VendorFault) -> None:
    """ARCHITECTURE §7: and the intent waits as planned."""
    await house.edit(await house.booked(), notes="x")
    house.vendor.before.append(raising(fault))
    await house.once()
    intent = await house.one()
    assert (intent["state"], intent["attempts"], intent["sent_at"]) == ("planned", 0, None)
    await house.drive()
    assert (await house.one())["attempts"] == 1
    assert await house.states() == ["verified"]


async def test_the_vendor_is_left_alone_for_as_long_as_it_asked(house: PushingHotel) -> None:
    """OUT-07: Retry-After is honoured to the second."""
    await house.edit(await house.booked(), notes="x")
    house.vendor.before.append(raising(VendorFault("429", retry_after=20.0, sent=False)))
    await house.once()
    assert 18.0 < await house.wait_s() <= 20.0


async def test_pauses_grow_while_a_vendor_stays_away_and_are_capped(house: PushingHotel) -> None:
    """OUT-07: exponential with full jitter."""
    await house.edit(await house.booked(), notes="x")
    waits = []
    for _ in range(14):
        house.on_look.append(raising(VendorFault("away", counts_against_breaker=True)))
        await house.once()
        waits.append(await house.wait_s())
        await house.hasten()
    assert max(waits[:2]) <= 8.0
    assert 60.0 < max(waits) <= 300.0
    assert (await house.one())["attempts"] == 0


async def test_an_account_whose_login_is_refused_stops_and_keeps_what_is_planned(house: PushingHotel) -> None:
    await house.edit(await house.booked(), notes="x")
    house.vendor.before.append(raising(VendorFault("HTTP 401", disposition=Disposition.PAUSE, sent=False)))
    await house.drive()
    [account] = await house.rows("SELECT state, state_reason FROM accounts")
    assert account["state"] == "failed"
    assert "401" in account["state_reason"]
    assert (await house.states(), len(house.vendor.pushes)) == (["planned"], 1)
    await house.set_account(state="active")
    await house.drive()
    assert await house.states() == ["verified"]


@pytest.mark.parametrize("shut", [{"mode": "shadow"}, {"state": "paused"}])
async def test_nothing_is_sent_for_an_account_that_may_not(house: PushingHotel, shut: dict[str, str]) -> None:
    """ARCHITECTURE §3: shadow is read only; going live opens what was planned."""
    await house.set_account(**shut)
    await house.edit(await house.booked(), notes="x")
    await house.drive(3)
    assert (await house.states(), house.vendor.pushes, house.looks) == (["planned"], [], [])
    await house.set_account(mode="live", state="active")
    await house.drive()
    assert await house.states() == ["verified"]


async def test_an_account_that_goes_to_shadow_while_its_lane_is_claimed_sends_nothing(house: PushingHotel) -> None:
    await house.edit(await house.booked(), notes="x")
    look = house.look

    async def slow(runtime: Any, asked: Any) -> Any:
        await house.set_account(mode="shadow")
        return await look(runtime, asked)

    house.look = slow  # type: ignore[method-assign]
    house.dispatcher = house.daemon()
    await house.once()
    assert (len(house.looks), await house.states(), house.vendor.pushes) == (1, ["planned"], [])


async def test_nothing_leaves_before_the_time_for_undoing_it_is_over(house: PushingHotel) -> None:
    """ARCHITECTURE §6: an undo window before anything leaves the outbox."""
    await house.edit(await house.booked(), notes="x", held_s=30.0)
    await house.once()
    assert (await house.states(), house.vendor.pushes, house.looks) == (["planned"], [], [])
    assert 25.0 < await house.wait_s() <= 30.0
    await house.drive()
    assert await house.states() == ["verified"]


async def test_a_change_that_the_vendor_made_first_is_not_sent(house: PushingHotel) -> None:
    """OUT-10: the fresh read before sending decides."""
    stay = await house.booked()
    await house.edit(stay, notes="x")
    house.vendor.shown["1001"] = house.ours[stay]
    await house.drive()
    assert (await house.states(), house.vendor.pushes) == (["superseded"], [])


async def test_what_was_taken_back_before_it_left_asks_the_vendor_nothing(house: PushingHotel) -> None:
    stay = await house.booked()
    await house.edit(stay, notes="x")
    await house.edit(stay, notes="late arrival")
    await house.drive()
    assert (await house.states(), house.vendor.pushes, house.looks) == (["superseded"], [], [])


async def test_an_object_that_somebody_else_reads_just_now_is_tried_again_soon(house: PushingHotel) -> None:
    await house.edit(await house.booked(), notes="x")
    house.answers["1001"] = Looked.BUSY
    await house.once()
    assert 0.0 < await house.wait_s() <= 0.5
    house.answers.clear()
    await house.drive()
    assert await house.states() == ["verified"]


async def test_an_object_that_is_gone_at_the_vendor_is_parked_after_two_reads(house: PushingHotel) -> None:
    await house.edit(await house.booked(), notes="x")
    house.answers["1001"] = Looked.ABSENT
    await house.drive()
    intent = await house.one()
    assert (intent["state"], len(house.looks), house.vendor.pushes) == ("parked", 2, [])
    assert "no longer shows it" in intent["vendor_error"]


async def test_a_record_that_cannot_be_read_is_parked_in_the_end(house: PushingHotel) -> None:
    """I12: every retry is bounded."""
    await house.edit(await house.booked(), notes="x")
    house.answers["1001"] = Looked.UNREAD
    await house.drive(20)
    assert (await house.states(), house.vendor.pushes) == (["parked"], [])


async def test_what_has_no_word_at_the_vendor_is_parked_and_replayed_once_it_has(house: PushingHotel) -> None:
    """OUT-09: applied once."""
    await house.edit(await house.booked(), notes="x")
    house.mapper.untold.add("notes")
    await house.drive()
    intent = await house.one()
    assert intent["state"] == "parked"
    assert intent["vendor_error"] == "notes: there is no word for it ((personal))"
    house.mapper.untold.clear()
    await house.retry()
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["verified"], 1)


async def test_a_newer_value_speaks_for_a_parked_one(house: PushingHotel) -> None:
    """A parked push holds nobody up, and a value that did not get through does not leave again by itself."""
    stay = await house.booked()
    house.vendor.refusals["notes"] = "too rude"
    await house.edit(stay, notes="rude")
    await house.drive()
    house.vendor.refusals.clear()
    await house.edit(stay, comments="a cot, please")
    await house.drive()
    assert await house.states() == ["parked", "verified"]
    assert house.vendor.shown["1001"].notes == "late arrival"
    await house.edit(stay, notes="polite")
    await house.drive()
    assert await house.states() == ["superseded", "verified", "verified"]
    assert house.vendor.shown["1001"].notes == "polite"


async def test_a_value_that_is_taken_and_not_shown_is_parked_with_both(house: PushingHotel) -> None:
    """ARCHITECTURE §6: an old value twice is parked, never resent by itself."""
    stay = await house.booked()
    house.vendor.ignores.add("stays[1001].room")
    [mine] = house.ours[stay].room_stays
    await house.edit(stay, room_stays=(msgspec.structs.replace(mine, room_ref="55/2"),))
    await house.drive()
    intent = await house.one()
    assert (intent["state"], intent["old_reads"]) == ("parked", 2)
    assert intent["vendor_error"] == "room_stays[1001].room was taken, but is still 55/1 there, and not 55/2"
    assert len(house.vendor.pushes) == 1
    await house.plan(stay)
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["parked", "superseded"], 1)


async def test_an_old_value_shown_once_is_only_a_lagging_read(house: PushingHotel) -> None:
    stay = await house.booked()
    house.before_push["1001"] = house.vendor.shown["1001"]
    house.vendor.after.append(lambda: house.old.update({"1001": 1}))
    await house.edit(stay, notes="x")
    await house.once()
    intent = await house.one()
    assert (intent["state"], intent["old_reads"]) == ("acknowledged", 1)
    assert 0.5 < await house.wait_s() <= 1.0
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["verified"], 1)


async def test_a_colleague_s_change_after_ours_is_left_to_the_merge(house: PushingHotel) -> None:
    """ARCHITECTURE §6: a colleague's edit made between push and read-back is not swallowed."""
    stay = await house.booked()

    def colleague() -> None:
        house.vendor.shown["1001"] = msgspec.structs.replace(house.vendor.shown["1001"], notes="theirs")
        house.ours[stay] = house.vendor.shown["1001"]

    house.vendor.after.append(colleague)
    await house.edit(stay, notes="ours", comments="a cot")
    await house.drive()
    intent = await house.one()
    assert (intent["state"], intent["paths"]) == ("verified", ["comments"])
    assert intent["notices"] == ["notes was changed there meanwhile, and the merge has decided about it"]


async def test_a_change_of_what_the_vendor_does_not_have_waits_for_its_create(house: PushingHotel) -> None:
    made = await house.make()
    other = uuid.uuid4()
    house.ours[other] = house.ours[made]
    await house.plan(other, reservation_id=made)
    await house.dispatcher.step()
    await house.dispatcher.idle()
    assert {row["object_id"]: row["state"] for row in await house.intents()} == {made: "verified", other: "planned"}
    await house.drive()
    assert (await house.states()).count("superseded") == 1
    assert len(house.vendor.pushes) == 1


async def test_a_vendor_that_takes_nothing_from_us_is_refused_loudly(house: PushingHotel) -> None:
    """ARCHITECTURE §3: a capability that is absent."""
    house.vendor.spec = msgspec.structs.replace(house.vendor.spec, capabilities=frozenset())
    await house.edit(await house.booked(), notes="x")
    await house.drive()
    assert (await house.one())["vendor_error"] == "Steered takes no changes from us"


async def test_one_that_keeps_failing_is_parked_and_holds_nobody(house: PushingHotel) -> None:
    """I12: bounded, and the neighbours flow."""
    poison, fine = await house.booked("1001"), await house.booked("1002")
    await house.edit(poison, notes="one")
    await house.edit(fine, notes="two")
    del house.ours[poison]
    await house.drive(20)
    told = {row["object_id"]: (row["state"], row["vendor_error"]) for row in await house.intents()}
    assert told[fine] == ("verified", None)
    assert told[poison] == ("parked", "KeyError: this change cannot be sent; the log says more")


async def test_push_lanes_are_none_of_the_workers(house: PushingHotel) -> None:
    """The queues of both directions share a table, and nothing else."""
    await house.edit(await house.booked(), notes="x")
    async with house.database.transaction() as connection:
        assert await lanes.due_accounts(connection, []) == []
        assert await lanes.claim(connection, house.account.account_id, uuid.uuid4(), 10, 5.0) == []


async def test_two_daemons_share_the_work_and_send_each_change_once(house: PushingHotel) -> None:
    """ARCHITECTURE §7: replicas."""
    for number in range(60):
        await house.edit(await house.booked(str(1001 + number)), notes=f"room {number}")
    other = house.daemon()
    await asyncio.gather(house.dispatcher.drain(), other.drain())
    await house.drive()
    assert set(await house.states()) == {"verified"}
    assert sum(len(push) for push in house.vendor.pushes) == 60
