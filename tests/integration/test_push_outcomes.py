"""What becomes of a push whose answer was lost, whose daemon died, or that a person takes in hand."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import LookedUp, Refusal
from pms_sync.ports.looking import Looked
from pms_sync.push.dispatcher import Dispatcher
from pms_sync.resilience.guarded import WRITE_TIMEOUT_S
from pms_sync.store import intents, outbox, pushes
from pms_sync.store.database import Database
from pms_sync.store.intents import Moved
from pms_sync.store.sealing import KeyRing
from tests.integration.pushing_hotel import Killed, PushingHotel, pushing_hotel

LOST = VendorFault("no answer within 30 s", counts_against_breaker=True)


@pytest.fixture
async def house(database: Database, keys: KeyRing, hotel: Any) -> PushingHotel:
    """Give a live hotel with an empty vendor."""
    return await pushing_hotel(database, keys, hotel)


def raising(fault: BaseException) -> Any:
    """Return a hook that raises."""

    def hook() -> None:
        raise fault

    return hook


async def test_a_new_booking_is_made_once_and_is_ours(house: PushingHotel) -> None:
    """I2: the token that was committed before the call is the one the vendor has."""
    stay = await house.make()
    await house.drive()
    intent = await house.one()
    assert (intent["state"], intent["vendor_ref"]) == ("verified", "2001")
    assert house.vendor.tokens == {intent["token"]: "2001"}
    assert house.refs[stay] == "2001"


async def test_nothing_is_read_before_a_booking_is_made(house: PushingHotel) -> None:
    await house.make()
    await house.drive()
    assert house.looks == [{"2001": "edit-1"}]


async def test_a_lost_answer_is_looked_up_and_what_was_made_is_not_made_again(house: PushingHotel) -> None:
    """I6, MW-27: an unknown outcome is settled before anybody thinks of a retry."""
    await house.make()
    house.vendor.after.append(raising(LOST))
    await house.once()
    assert await house.states() == ["unknown"]
    assert 1.0 < await house.wait_s() <= 2.0
    await house.drive()
    assert await house.states() == ["verified"]
    assert (len(house.vendor.pushes), len(house.vendor.looked_up), len(house.vendor.shown)) == (1, 1, 1)


async def test_what_is_absent_twice_is_sent_again_with_the_same_token(house: PushingHotel) -> None:
    await house.make()
    house.vendor.before.append(raising(LOST))
    await house.drive()
    first, second = ([request] for [request] in house.vendor.pushes)
    assert first[0].token == second[0].token
    assert len(house.vendor.looked_up) == 2
    intent = await house.one()
    assert (intent["state"], intent["attempts"], intent["token"]) == ("verified", 2, first[0].token)


async def test_absent_once_is_not_enough(house: PushingHotel) -> None:
    """The vendor was slow: at the second look it is there."""
    await house.make()
    house.vendor.after.append(raising(LOST))
    house.vendor.on_look_up.append(lambda _request: LookedUp(outcome="absent"))
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes), len(house.vendor.shown)) == (["verified"], 1, 1)


async def test_a_vendor_that_never_takes_a_write_is_given_up_on_in_the_end(house: PushingHotel) -> None:
    """OUT-07, I12: bounded, with what happened."""
    await house.edit(await house.booked(), notes="x")
    await house.rows("UPDATE intents SET attempts = 38 RETURNING 1")
    house.vendor.before.extend([raising(LOST)] * 5)
    await house.drive(30)
    intent = await house.one()
    assert (intent["state"], intent["attempts"], len(house.vendor.pushes)) == ("parked", 40, 2)
    assert intent["vendor_error"] == "sent 40 times, and the vendor never took it"


@pytest.mark.parametrize(
    "told", [LookedUp(outcome="unsure"), LookedUp(outcome="found", refs=("2001", "2002"))], ids=["unsure", "twice"]
)
async def test_what_nobody_can_tell_is_a_case_and_never_sent_again(house: PushingHotel, told: LookedUp) -> None:
    """ARCHITECTURE §3: unsure or several refs make a case, never a retry."""
    await house.make()
    house.vendor.before.append(raising(LOST))
    house.vendor.on_look_up.append(lambda _request: told)
    await house.drive()
    intent = await house.one()
    [case] = await house.rows("SELECT * FROM cases")
    assert (intent["state"], len(house.vendor.pushes)) == ("parked", 1)
    assert (case["kind"], case["subject"], case["state"]) == ("unknown_outcome", f"push:{intent['intent_id']}", "open")
    assert case["fields"][0]["there"] == (", ".join(told.refs) or None)


async def test_a_booking_of_unknown_fate_keeps_the_next_edit_from_making_a_second(house: PushingHotel) -> None:
    """I2, I6: what was edited since goes along when a person has decided."""
    stay = await house.make()
    house.vendor.before.append(raising(LOST))
    house.vendor.on_look_up.append(lambda _request: LookedUp(outcome="unsure"))
    await house.drive()
    await house.edit(stay, kind="create", notes="early arrival")
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["parked", "superseded"], 1)
    await house.retry()
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["verified", "superseded"], 2)
    assert [one.notes for one in house.vendor.shown.values()] == ["early arrival"]


async def test_a_booking_that_was_taken_and_does_not_show_is_not_made_again(house: PushingHotel) -> None:
    """I2: neither by the next edit, nor by a person who tries once more."""
    stay = await house.make()
    house.answers["2001"] = Looked.ABSENT
    await house.drive()
    intent = await house.one()
    assert (intent["state"], intent["vendor_ref"], intent["old_reads"]) == ("parked", "2001", 2)
    assert "does not show it" in intent["vendor_error"]
    await house.edit(stay, kind="create", notes="early arrival")
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["parked", "superseded"], 1)
    house.answers.clear()
    await house.retry()
    await house.drive()
    assert len(house.vendor.shown) == 1
    assert house.vendor.shown["2001"].notes == "early arrival"
    assert set(await house.states()) == {"verified", "superseded"}


async def test_a_booking_refused_in_part_is_read_and_not_made_again(house: PushingHotel) -> None:
    """OUT-08: what was left behind at the vendor is seen, and never taken back by itself."""
    stay = await house.make()
    push = house.vendor.push

    async def in_part(requests: Any) -> Any:
        [receipt] = await push(requests)
        return [msgspec.structs.replace(receipt, refusals=(Refusal(path="invoice", why="not allowed"),))]

    house.vendor.push = in_part  # type: ignore[method-assign]
    await house.drive()
    intent = await house.one()
    assert (intent["state"], intent["vendor_ref"]) == ("parked", "2001")
    assert intent["vendor_error"] == "invoice: not allowed"
    assert (house.looks, house.refs[stay]) == ([{"2001": "edit-1"}], "2001")
    house.vendor.push = push  # type: ignore[method-assign]
    await house.edit(stay, notes="early arrival")
    await house.drive()
    kinds = [request.kind for push in house.vendor.pushes for request in push]
    assert (kinds, len(house.vendor.shown)) == (["create", "modify"], 1)


async def test_a_newer_change_closes_the_case_about_a_lost_one(house: PushingHotel) -> None:
    stay = await house.booked()
    await house.edit(stay, notes="first")
    house.vendor.before.append(raising(LOST))
    house.vendor.on_look_up.append(lambda _request: LookedUp(outcome="unsure"))
    await house.drive()
    await house.edit(stay, notes="second")
    await house.drive()
    assert await house.states() == ["superseded", "verified"]
    assert await house.rows("SELECT state FROM cases") == [{"state": "withdrawn"}]


async def test_a_retried_booking_that_was_made_after_all_is_found_and_its_later_edit_sent(house: PushingHotel) -> None:
    """I2: a look costs little, a second booking much."""
    stay = await house.make()
    house.vendor.after.append(raising(LOST))
    house.vendor.on_look_up.append(lambda _request: LookedUp(outcome="unsure"))
    await house.drive()
    await house.edit(stay, kind="create", notes="early arrival")
    await house.retry()
    await house.drive()
    kinds = [request.kind for push in house.vendor.pushes for request in push]
    assert (kinds, len(house.vendor.shown)) == (["create", "modify"], 1)
    assert house.vendor.shown["2001"].notes == "early arrival"
    assert set(await house.states()) == {"verified", "superseded"}


async def test_a_change_that_was_sent_and_is_there_counts_as_done_when_it_is_planned_again(house: PushingHotel) -> None:
    """The vendor did it after both looks; the fresh read before sending again sees it."""
    await house.edit(await house.booked(), notes="x")
    house.vendor.after.append(raising(LOST))
    house.vendor.on_look_up.extend([lambda _request: LookedUp(outcome="absent")] * 2)
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["verified"], 1)


async def test_looking_up_waits_while_the_vendor_is_away(house: PushingHotel) -> None:
    await house.edit(await house.booked(), notes="x")
    house.vendor.after.append(raising(LOST))
    house.vendor.on_look_up.extend([raising_for(LOST)] * 3)
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["verified"], 1)


def raising_for(fault: BaseException) -> Callable[[Any], LookedUp]:
    """Return a look-up that fails."""

    def hook(_request: Any) -> LookedUp:
        raise fault

    return hook


async def test_a_connector_that_breaks_leaves_a_doubt_and_not_a_retry(house: PushingHotel) -> None:
    await house.make()
    house.vendor.after.append(raising(ValueError("a defect")))
    await house.once()
    assert await house.states() == ["unknown"]
    await house.drive()
    assert (await house.states(), len(house.vendor.shown)) == (["verified"], 1)


def at_the_first_look(house: PushingHotel) -> None:
    house.on_look.append(raising(Killed()))


def after_the_first_look(house: PushingHotel) -> None:
    house.after_look.append(raising(Killed()))


def before_the_vendor_had_it(house: PushingHotel) -> None:
    house.vendor.before.append(raising(Killed()))


def after_the_vendor_had_it(house: PushingHotel) -> None:
    house.vendor.after.append(raising(Killed()))


def before_reading_back(house: PushingHotel) -> None:
    house.on_look.extend([lambda: None, raising(Killed())])


def after_reading_back(house: PushingHotel) -> None:
    house.after_look.extend([lambda: None, raising(Killed())])


MOMENTS = [
    (at_the_first_look, "planned"),
    (after_the_first_look, "planned"),
    (before_the_vendor_had_it, "sent"),
    (after_the_vendor_had_it, "sent"),
    (before_reading_back, "acknowledged"),
    (after_reading_back, "acknowledged"),
]


@pytest.mark.parametrize(("plant", "left"), MOMENTS, ids=[plant.__name__ for plant, _ in MOMENTS])
async def test_a_daemon_that_dies_leaves_a_change_that_its_successor_ends(
    house: PushingHotel, plant: Callable[[PushingHotel], None], left: str
) -> None:
    """A crash between any two steps: nothing is lost, nothing is done twice."""
    await house.edit(await house.booked(), notes="early arrival")
    plant(house)
    await _die(house)
    assert await house.states() == [left]
    await house.drive()
    assert await house.states() == ["verified"]
    assert house.vendor.shown["1001"].notes == "early arrival"


MAKING = [
    (before_the_vendor_had_it, "sent", 2),
    (after_the_vendor_had_it, "sent", 1),
    (at_the_first_look, "acknowledged", 1),
    (after_the_first_look, "acknowledged", 1),
]


@pytest.mark.parametrize(("plant", "left", "pushes"), MAKING, ids=[plant.__name__ for plant, _, _ in MAKING])
async def test_a_daemon_that_dies_while_a_booking_is_made_leaves_exactly_one(
    house: PushingHotel, plant: Callable[[PushingHotel], None], left: str, pushes: int
) -> None:
    """I2, I6."""
    await house.make()
    plant(house)
    await _die(house)
    assert await house.states() == [left]
    await house.drive()
    assert (await house.states(), len(house.vendor.shown), len(house.vendor.pushes)) == (["verified"], 1, pushes)


async def _die(house: PushingHotel) -> None:
    """Work until the planted death, and start another daemon; the leases of the dead one have still to end."""
    await house.dispatcher.step()
    [task] = house.dispatcher._claimed.busy.values()
    await asyncio.wait([task])
    assert isinstance(task.exception(), Killed)
    house.dispatcher = house.daemon()
    assert await house.dispatcher.step() == 0
    await house.hasten()


async def test_a_daemon_that_stops_gives_its_lanes_back_at_once(house: PushingHotel) -> None:
    """Closing on shutdown: nothing waits for a lease to end."""
    await house.edit(await house.booked(), notes="x")
    reached, never = asyncio.Event(), asyncio.Event()

    async def endless(requests: Any) -> Any:
        house.vendor.pushes.append(list(requests))
        reached.set()
        await never.wait()

    push, house.vendor.push = house.vendor.push, endless  # type: ignore[method-assign]
    await house.dispatcher.step()
    await reached.wait()
    await house.dispatcher.aclose(0.01)
    [lane] = await house.rows("SELECT owner FROM lanes")
    assert (lane["owner"], await house.states()) == (None, ["sent"])
    house.vendor.push = push  # type: ignore[method-assign]
    house.dispatcher = house.daemon()
    await house.drive()
    assert await house.states() == ["verified"]


def interrupted(house: PushingHotel, meanwhile: Callable[[], Awaitable[object]]) -> Dispatcher:
    """Start a dispatcher whose lease ends while it reads, and let something happen meanwhile."""
    look = house.look

    async def slow(runtime: Any, asked: Any) -> Any:
        await house.hasten()
        await meanwhile()
        return await look(runtime, asked)

    house.look = slow  # type: ignore[method-assign]
    return house.daemon()


async def test_a_dispatcher_that_lost_its_lane_sends_nothing(house: PushingHotel) -> None:
    """The fence: whoever holds the lane by now decides."""
    await house.edit(await house.booked(), notes="x")

    async def claim() -> None:
        async with house.database.transaction() as connection:
            assert await outbox.claim(connection, house.account.account_id, uuid.uuid4(), 1, 60.0)

    await interrupted(house, claim).drain()
    assert (await house.states(), house.vendor.pushes) == (["planned"], [])


async def test_what_waits_for_its_turn_is_not_sent_once_somebody_else_has_taken_over(house: PushingHotel) -> None:
    """I6: credits may come late, and a lease may end before."""
    await house.make()

    async def lost() -> None:
        await house.hasten()
        async with house.database.transaction() as connection:
            assert await outbox.claim(connection, house.account.account_id, uuid.uuid4(), 1, 60.0)

    house.runtime.turns.append(lost)
    await house.once()
    assert (await house.states(), house.vendor.pushes) == (["sent"], [])
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes), len(house.vendor.shown)) == (["verified"], 1, 1)


async def test_a_lease_outlives_the_call_that_it_covers(house: PushingHotel) -> None:
    """Whoever finds a push in doubt knows that no call for it is under way any more."""
    await house.make()
    reached, go_on = asyncio.Event(), asyncio.Event()
    push = house.vendor.push

    async def slow(requests: Any) -> Any:
        reached.set()
        await go_on.wait()
        return await push(requests)

    house.vendor.push = slow  # type: ignore[method-assign]
    await house.dispatcher.step()
    await reached.wait()
    [lane] = await house.rows("SELECT extract(epoch FROM lease_until - now())::float8 AS left FROM lanes")
    go_on.set()
    await house.dispatcher.idle()
    assert WRITE_TIMEOUT_S < lane["left"] <= WRITE_TIMEOUT_S + 5.0


async def test_a_dispatcher_that_was_overtaken_writes_nothing_more(house: PushingHotel) -> None:
    await house.edit(await house.booked(), notes="x")
    other = house.daemon()
    await interrupted(house, other.drain).drain()
    assert (await house.states(), len(house.vendor.pushes)) == (["verified"], 1)
    told = await house.rows("SELECT action FROM audit_log WHERE action LIKE 'push.%' ORDER BY audit_id")
    assert [row["action"] for row in told] == ["push.sent", "push.acknowledged", "push.verified"]


async def test_a_parked_push_that_is_retried_takes_along_what_was_edited_since(house: PushingHotel) -> None:
    """OUT-09: once, in order, with the newest values."""
    stay = await house.booked()
    house.vendor.refusals["notes"] = "closed for today"
    await house.edit(stay, notes="first")
    await house.drive()
    house.vendor.refusals.clear()
    await house.edit(stay, notes="second", held_s=600.0)
    again = await house.retry()
    assert (again.attempts, again.token, again.paths) == (0, None, ("notes",))
    await house.drive(30)
    assert await house.states() == ["verified", "superseded"]
    assert house.vendor.shown["1001"].notes == "second"


async def test_what_is_given_up_is_never_sent_and_who_did_it_is_told(house: PushingHotel) -> None:
    await house.edit(await house.booked(), notes="x", held_s=30.0)
    await house.cancel("planned")
    await house.drive()
    intent = await house.one()
    assert (intent["state"], intent["notices"], house.vendor.pushes) == ("superseded", ["given up by cli:anne"], [])
    [told] = await house.rows("SELECT actor, action FROM audit_log WHERE action LIKE 'push.%'")
    assert told == {"actor": "cli:anne", "action": "push.superseded"}


async def test_a_push_that_moved_meanwhile_is_not_touched_by_hand(house: PushingHotel) -> None:
    house.vendor.refusals["notes"] = "no"
    await house.edit(await house.booked(), notes="x")
    await house.drive()
    async with house.database.connection() as connection:
        parked = await intents.find(connection, (await house.one())["intent_id"])
    assert parked is not None
    await house.cancel()
    for change in (pushes.retry, pushes.cancel):
        with pytest.raises(Moved):
            await house.by_hand(parked, change)
    assert await house.states() == ["superseded"]
