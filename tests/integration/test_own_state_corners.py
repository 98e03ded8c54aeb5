"""Corners of our own state: groups, moves between reservations, second accounts, and maps that change."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from conflict.resolve import Choice
from mappers.beds24 import words
from pms_sync.apply.incoming import Outcome
from pms_sync.apply.orders import Edit, Full, OrderRefused, StayOrder
from pms_sync.apply.outgoing import Outgoing, outgoing
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Line, Revision
from pms_sync.domain.status import Status
from pms_sync.store.database import Database, act_for
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision
from tests.integration.test_own_state import ANNE, OTA, Front, Pair, alone, at_the_other, draft

LATER = {"version": "2026-03-02T10:00:00Z"}
LATEST = {"version": "2026-03-03T10:00:00Z"}


@pytest.fixture
def front(database: Database, keys: KeyRing, hotel: Any) -> Front:
    """Give the small hotel with a front desk."""
    return Front(House(database, keys, hotel.tenant_id, hotel.account_id))


@pytest.fixture
def pair(front: Front) -> Pair:
    """Give the small hotel, to be seen through two accounts."""
    return Pair(front)


async def change(front: Front, ref: str, **changes: Any) -> None:
    """Change one stay by its vendor's ref, or booker and notes of its reservation."""
    [row] = await front.rows(
        "SELECT s.stay_id, r.reservation_id, r.version FROM room_stays s JOIN reservations r USING (reservation_id) "
        "WHERE s.vendor_ref = $1",
        ref,
    )
    people = {name: changes.pop(name) for name in ("booker", "notes") if name in changes}
    stays = (StayOrder(id=row["stay_id"], **changes),) if changes else ()
    async with front.database.transaction(front.tenant_id) as connection:
        edit = Edit(stays=stays, **people)
        await front.desk.edit(connection, front.tenant_id, row["reservation_id"], row["version"], edit, ANNE)


def member(ref: str = "1002", **changes: Any) -> Revision:
    """Say a member of the group of booking 1001, as its vendor does."""
    told = revision(ref, group="1001", home=False, room="102", **changes)
    return msgspec.structs.replace(told, total=msgspec.UNSET)


async def test_the_bill_of_a_member_with_an_edit_of_ours_follows_the_vendor(front: Front) -> None:
    """Reservation-level atoms belong to the master; what a member says besides its stay is simply taken."""
    await front.apply(revision("1001"), member())
    await change(front, "1002", room="103")
    bar = Line(ref="5", kind="charge", text="Bar", amount=Decimal("12.00"), currency="EUR")
    await front.apply(member(**LATER, lines=(bar,)))
    assert await front.rows("SELECT text, amount FROM folio_lines") == [{"text": "Bar", "amount": Decimal("12.00")}]
    [kept] = await front.rows("SELECT room_ref FROM room_stays WHERE vendor_ref = '1002'")
    assert kept["room_ref"] == "55/3"


async def test_own_state_ends_when_the_vendor_says_the_same_in_another_word(front: Front) -> None:
    """I4: `new` and `confirmed` mean the same; a settled edit leaves nothing of ours behind, and the word is theirs."""
    fresh = _worded(revision(), "new")
    await front.apply(fresh)
    await front.edit(room="102")
    await front.apply(_worded(revision(room="102", **LATER), "confirmed"))
    [link] = await front.rows("SELECT ours, base FROM links WHERE level = 'stay'")
    assert link == {"ours": None, "base": None}
    assert (await front.stay())["vendor_status"] == "confirmed"


def _worded(told: Revision, word: str) -> Revision:
    [stay] = told.room_stays
    stays = (msgspec.structs.replace(stay, vendor_status=word),)
    return msgspec.structs.replace(told, vendor_status=word, room_stays=stays)


async def test_a_booker_s_change_without_the_record_that_holds_him_is_refused(front: Front) -> None:
    """I3: an edit that nothing could hold is refused, never answered as done and forgotten."""
    await front.apply(member())
    with pytest.raises(OrderRefused):
        await change(front, "1002", booker=Guest(last_name="Exemplar"))
    with pytest.raises(OrderRefused):
        await change(front, "1002", notes="vegan")


async def test_a_stay_without_its_room_is_not_moved_into_another_taken_one(front: Front) -> None:
    """I8: a stay that lacks its room has no right to a second room that is taken."""
    await front.apply(revision("1001"))
    await front.apply(revision("1002", room="102"))
    await front.apply(revision("1003", room="101"))
    [lacks] = await front.rows("SELECT claim_state FROM room_stays WHERE vendor_ref = '1003'")
    assert lacks["claim_state"] == "refused"
    with pytest.raises(Full):
        await change(front, "1003", room="102")
    await change(front, "1003", notes="asked for the sea side")
    await change(front, "1003", room="103")
    [has] = await front.rows("SELECT claim_state FROM room_stays WHERE vendor_ref = '1003'")
    assert has["claim_state"] == "claimed"


async def test_a_stay_without_its_room_is_not_prolonged_in_it(front: Front) -> None:
    """I8: nor to more nights in a room that is not its own."""
    await front.apply(revision("1001", departure=date(2026, 3, 16)))
    await front.apply(revision("1003", room="101"))
    with pytest.raises(Full):
        await change(front, "1003", departure=date(2026, 3, 14))


async def test_a_cancelled_stay_is_not_changed(front: Front) -> None:
    """BEYOND 41: staff cannot change a booking that is over."""
    await front.apply(revision(status=Status.CANCELLED, blocks_inventory=False))
    with pytest.raises(OrderRefused):
        await front.edit(departure=date(2026, 3, 15))
    with pytest.raises(OrderRefused):
        await front.edit(room="102")


async def test_codes_that_change_places_in_the_map_are_no_edit_of_ours(front: Front) -> None:
    """MAP-03 beside an edit of ours: a mended map moves our code, and never the guest at the vendor."""
    await front.rows(
        "WITH kind AS (INSERT INTO room_types (tenant_id, room_type_id, property_id, code) "
        "SELECT tenant_id, gen_random_uuid(), property_id, 'SUP' FROM properties RETURNING 1) "
        "INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code, our_code) "
        "SELECT tenant_id, account_id, 'room_type', '56', 'SUP' FROM accounts RETURNING 1"
    )
    await front.rows("UPDATE accounts SET crosswalk_version = crosswalk_version + 1 RETURNING 1")
    await front.apply(revision())
    await front.edit(notes="early")
    await front.rows(
        "UPDATE crosswalk SET our_code = CASE vendor_code WHEN '55' THEN 'SUP' ELSE 'DBL' END "
        "WHERE kind = 'room_type' RETURNING 1"
    )
    await front.rows("UPDATE accounts SET crosswalk_version = crosswalk_version + 1 RETURNING 1")
    told = revision()
    [stay] = told.room_stays
    await front.apply(msgspec.structs.replace(told, room_stays=(msgspec.structs.replace(stay, room_type="SUP"),)))
    sent = await front.outgoing()
    assert sent is not None
    assert sent.units[0].paths == {"notes"}
    [kept] = await front.rows("SELECT t.code FROM room_stays JOIN room_types t USING (room_type_id)")
    assert kept["code"] == "SUP"


async def test_a_vendor_s_change_that_the_second_account_cannot_be_told_is_still_taken(pair: Pair) -> None:
    """I1: a gap in one account's map never keeps another account's booking from being what it is."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, at_the_other())
    await pair.rows("DELETE FROM crosswalk WHERE vendor_code = '77/2' RETURNING 1")
    await pair.rows("UPDATE accounts SET crosswalk_version = crosswalk_version + 1 RETURNING 1")
    assert await pair.apply(revision(**OTA, room="102", **LATER)) == [Outcome.CHANGED]
    assert (await pair.stay())["room_ref"] == "55/2"


async def test_a_code_of_one_account_is_never_told_to_another(pair: Pair) -> None:
    """BEYOND 72: pushes address by mapped codes only, and an unmapped code of one system means nothing in the other."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, at_the_other())
    told = revision(**OTA, room=None, **LATER)
    [stay] = told.room_stays
    strange = msgspec.structs.replace(stay, room_type_ref="66", room_type=None)
    await pair.apply(msgspec.structs.replace(told, room_stays=(strange,)))
    assert (await pair.stay())["room_type_ref"] == "66"
    [planned] = [row for row in await pair.planned() if row["account_id"] == other]
    assert planned["paths"] == []
    with pytest.raises(MappingRejected, match="a code of another account"):
        await told_to(pair, other, planned["object_id"])


async def told_to(front: Front, account_id: uuid.UUID, stay_id: uuid.UUID) -> Outgoing | None:
    """Say what an account is to be told of a stay now."""
    async with front.database.transaction(front.tenant_id) as connection:
        tongue = (await front.applier.tongues.of(connection, [account_id]))[account_id]
        return await outgoing(
            connection,
            front.keys,
            front.tenant_id,
            tongue.account,
            stay_id,
            mapper=tongue.mapper,
            context=tongue.context,
        )


async def test_a_booking_whose_home_moves_to_another_reservation_takes_its_second_link_along(pair: Pair) -> None:
    """I2: both accounts still show one stay, in the reservation it moved to."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, at_the_other())
    await pair.apply(revision("1500", room="103", channel="direct"))
    await pair.apply(revision("1001", **OTA, group="1500", home=False, **LATER))
    await pair.apply_at(other, at_the_other(name="Anna", **LATER))
    await _one_stay_and_its_links(pair, "1001")


async def test_a_second_link_that_is_regrouped_leaves_the_stay_where_its_home_is(pair: Pair) -> None:
    """I2: what the second account calls its group does not tear the stay from the account that holds it."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, at_the_other())
    elsewhere = msgspec.structs.replace(at_the_other(), ref="9500", is_home=False, version="2026-03-02T10:00:00Z")
    lead = revision("9500", room="103", channel="direct")
    [stay] = lead.room_stays
    lead = msgspec.structs.replace(
        lead, room_stays=(msgspec.structs.replace(stay, room_type_ref="77", room_ref="77/3"),)
    )
    await pair.apply_at(other, lead)
    await pair.apply_at(other, elsewhere)
    await pair.apply(revision(**OTA, name="Anna", **LATEST))
    await _one_stay_and_its_links(pair, "1001")


async def _one_stay_and_its_links(pair: Pair, ref: str) -> None:
    found = await pair.rows("SELECT stay_id, reservation_id FROM room_stays WHERE vendor_ref = $1", ref)
    assert len(found) == 1
    links = await pair.rows(
        "SELECT DISTINCT object_id, reservation_id FROM links WHERE level = 'stay' AND vendor_ref IN ('1001', '9001')"
    )
    assert links == [{"object_id": found[0]["stay_id"], "reservation_id": found[0]["reservation_id"]}]
    assert await pair.rows("SELECT count(*) AS n FROM room_stays") == [{"n": 2}]


async def test_each_account_shows_the_rooms_of_a_group_that_were_made_there(pair: Pair) -> None:
    """I2: two rooms booked alike are told apart by our marks at the second account as at the first."""
    other = await pair.open()
    await pair.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')
    await pair.create()
    [row] = await pair.rows("SELECT reservation_id FROM reservations")
    first = await pair.stay()
    async with pair.database.transaction(pair.tenant_id) as connection:
        order = StayOrder(
            room_type="DBL", room="102", arrival=date(2026, 3, 10), departure=date(2026, 3, 12), adults=2, children=0
        )
        await pair.desk.edit(connection, pair.tenant_id, row["reservation_id"], 1, Edit(stays=(order,)), ANNE)
    [second] = await pair.rows("SELECT * FROM room_stays WHERE stay_id <> $1", first["stay_id"])
    members = [first["stay_id"], second["stay_id"]]
    await pair.rows("DELETE FROM intents WHERE object_id <> $1 RETURNING 1", first["stay_id"])
    for account_id, token in ((pair.account_id, "aaa"), (other, "bbb")):
        await pair.rows(
            "UPDATE intents SET state = 'sent', token = $2, members = $3, sent_at = now() WHERE account_id = $1 "
            "RETURNING 1",
            account_id,
            token,
            members,
        )
    for place, (ref, room) in enumerate((("2001", "101"), ("2002", "102")), 1):
        await pair.apply(_marked(revision(ref, group="2001", home=place == 1, room=room), f"aaa.{place}"))
    for place, room in ((2, "102"), (1, "101")):
        told = _marked(revision(f"300{place}", group="3001", home=place == 1, room=room), f"bbb.{place}")
        [stay] = told.room_stays
        there = msgspec.structs.replace(stay, room_type_ref="77", room_ref=f"77/{room[-1]}")
        await pair.apply_at(other, msgspec.structs.replace(told, room_stays=(there,)))
    found = await pair.rows(
        "SELECT l.vendor_ref, s.room_ref FROM links l JOIN room_stays s ON s.stay_id = l.object_id "
        "WHERE l.level = 'stay' AND l.account_id = $1 ORDER BY 1",
        other,
    )
    assert [(row["vendor_ref"], row["room_ref"]) for row in found] == [("3001", "55/1"), ("3002", "55/2")]


def _marked(told: Revision, token: str) -> Revision:
    return msgspec.structs.replace(told, token=token)


async def test_an_edit_of_what_the_vendor_refused_to_make_goes_out_by_itself(front: Front) -> None:
    """I3: a booking of ours that was parked is offered again once somebody has changed it."""
    await front.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')
    await front.create()
    await front.rows("UPDATE intents SET state = 'parked', token = 'abc', sent_at = now() RETURNING 1")
    await front.edit(room="102")
    [planned] = await front.planned()
    assert planned["kind"] == "create"


async def test_what_a_decision_means_for_a_second_account_waits_for_the_undo_window_too(pair: Pair) -> None:
    """ARCHITECTURE §6: nothing leaves before the undo window is over, wherever it goes."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, alone(at_the_other(departure=date(2026, 3, 13), total=Decimal("300.00"))))
    [case] = await pair.cases()
    await pair.resolve(case, Choice(path="room_stays[9001].shape", take="there"))
    held = await pair.rows("SELECT held_until > now() AS held FROM intents")
    assert held == [{"held": True}]


async def test_the_front_desk_works_under_the_role_of_the_api(front: Front) -> None:
    """SEC-03: make, lengthen, shorten, move, rename and cancel, with every table that these touch."""
    await front.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')

    async def as_api(work: Any) -> Any:
        async with front.database.transaction(front.tenant_id) as connection:
            await act_for(connection, front.tenant_id)
            return await work(connection)

    reservation_id = await as_api(lambda c: front.desk.create(c, front.tenant_id, draft(nights=()), ANNE))
    [stay] = await front.rows("SELECT stay_id FROM room_stays")
    await front.rows("UPDATE intents SET state = 'parked' RETURNING 1")
    orders: list[Edit] = [
        Edit(stays=(StayOrder(id=stay["stay_id"], departure=date(2026, 3, 15)),)),
        Edit(stays=(StayOrder(id=stay["stay_id"], departure=date(2026, 3, 11), room="102"),)),
        Edit(booker=Guest(last_name="Exemplar"), notes=None),
    ]
    for version, edit in enumerate(orders, 1):
        await as_api(
            lambda c, version=version, edit=edit: front.desk.edit(
                c, front.tenant_id, reservation_id, version, edit, ANNE
            )
        )
    await as_api(lambda c: front.desk.act(c, front.tenant_id, reservation_id, None, "cancel", ANNE))
    assert await front.rows("SELECT count(*) AS n FROM room_claims") == [{"n": 0}]
    assert (await front.stay())["status"] == "cancelled"


async def test_an_object_that_the_vendor_calls_gone_is_a_case_until_it_is_shown_again(front: Front) -> None:
    """ARCHITECTURE §6: present here, gone there: never deleted, never silently kept."""
    await front.apply(revision())
    await front.apply(msgspec.structs.replace(revision(**LATER), gone=True))
    assert [case["kind"] for case in await front.cases()] == ["vanished"]
    assert (await front.stay())["status"] == "confirmed"
    await front.apply(revision(**LATEST))
    assert await front.cases() == []


async def test_a_vanished_booking_that_is_kept_is_asked_about_once(front: Front) -> None:
    """CON: what a person decided is not asked again by the next read of the same absence."""
    await front.apply(revision())
    await front.apply(msgspec.structs.replace(revision(**LATER), gone=True))
    [case] = await front.cases()
    await front.resolve(case, Choice(path="room_stays[1001]", take="here"))
    assert await front.cases() == []
    await front.apply(msgspec.structs.replace(revision(**LATEST), gone=True))
    assert await front.cases() == []
    assert (await front.stay())["status"] == "confirmed"


async def test_a_decision_about_a_vanished_booking_is_taken_back(front: Front) -> None:
    """Undo: a stay that was cancelled because the vendor dropped it lives again, and the case is open once more."""
    await front.apply(revision())
    await front.apply(msgspec.structs.replace(revision(**LATER), gone=True))
    [case] = await front.cases()
    await front.resolve(case, Choice(path="room_stays[1001]", take="there"))
    assert (await front.stay())["status"] == "cancelled"
    async with front.database.transaction(front.tenant_id) as connection:
        await front.resolver.undo(connection, front.tenant_id, case["case_id"], case["version"] + 1, ANNE)
    [again] = await front.cases()
    assert again["case_id"] == case["case_id"]
    assert (await front.stay())["status"] == "confirmed"


async def test_the_same_record_read_by_a_newer_mapper_changes_nothing_beside_an_edit_of_ours(front: Front) -> None:
    """I13: a replay leaves our own state, what is planned and what is asked as they are."""
    await front.rows('UPDATE accounts SET ownership = \'{"direct.shape": "review"}\' RETURNING account_id')
    await front.apply(revision())
    await front.edit(departure=date(2026, 3, 14), room="102")
    moved: dict[str, Any] = {"departure": date(2026, 3, 15), "total": Decimal("500.00"), **LATER}
    await front.apply(revision(**moved))
    before = await _picture(front)
    assert await front.apply(revision(**moved), digest=b"x" * 32) == [Outcome.SAME]
    assert await _picture(front) == before


async def _picture(front: Front) -> list[Any]:
    queries = (
        "SELECT version FROM reservations",
        "SELECT departure, room_ref FROM room_stays",
        "SELECT paths, state FROM intents",
        "SELECT version, kind, state FROM cases",
        "SELECT count(*) AS n FROM decisions",
    )
    return [await front.rows(query) for query in queries]


async def test_what_the_vendor_cut_off_stays_here_and_is_no_edit(front: Front) -> None:
    """BEYOND 81: a lossy field: the cut echo of our long notes is neither their edit nor a reason to send again."""
    await front.apply(revision())
    whole = "x" * (words.LONGEST_NOTES + 10)
    await front.edit(notes=whole)
    sent = await front.outgoing()
    assert sent is not None
    cut = sent.units[0].wanted.notes
    await front.apply(msgspec.structs.replace(revision(**LATER), notes=cut))
    assert await front.outgoing() is None
    assert await front.rows("SELECT count(*) AS n FROM decisions") == [{"n": 0}]
    await front.apply(msgspec.structs.replace(revision(name="Anna", **LATEST), notes=cut))
    [row] = await front.rows("SELECT reservation_id, private FROM reservations")
    plain = front.keys.open(front.tenant_id, f"reservations.private:{row['reservation_id']}", row["private"])
    assert msgspec.json.decode(plain)["notes"] == whole
