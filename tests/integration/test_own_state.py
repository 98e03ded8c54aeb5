"""Our own state beside a vendor's: edits of the desk, merges, cases, and what is to be sent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from conflict.resolve import Choice, ChoicesRefused
from mappers.beds24 import MAPPER
from pms_sync.apply.answering import Answer, Answering
from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.desk import Desk
from pms_sync.apply.foreseeing import Foreseen
from pms_sync.apply.incoming import Outcome
from pms_sync.apply.orders import Actor, Draft, Edit, Full, OrderRefused, StaleVersion, StayOrder
from pms_sync.apply.outgoing import Outgoing, outgoing, pend
from pms_sync.apply.resolving import Resolver, TooLate
from pms_sync.cli.explain import explained
from pms_sync.domain.reservation import Guest, Night, Revision
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import MappingContext
from pms_sync.store import accounts, crosswalk
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision

ANNE = Actor(name="user:00000000-0000-0000-0000-00000000000a", correlation_id="edit-1")


class Front(House):
    """The small hotel with a front desk."""

    def __init__(self, house: House) -> None:
        """Open the desk of the same hotel."""
        super().__init__(house.database, house.keys, house.tenant_id, house.account_id)
        self.desk = Desk(self.applier)
        self.resolver = Resolver(self.applier, undo_s=30.0)

    async def create(self, **changes: Any) -> uuid.UUID:
        """Make a reservation of one stay at the desk."""
        async with self.database.transaction(self.tenant_id) as connection:
            return await self.desk.create(connection, self.tenant_id, draft(**changes), ANNE)

    async def edit(self, version: int | None = None, **changes: Any) -> int:
        """Change the only reservation's only stay, or its booker and notes."""
        [stay] = await self.rows("SELECT stay_id, reservation_id FROM room_stays")
        people = {name: changes.pop(name) for name in ("booker", "notes") if name in changes}
        stays = (StayOrder(id=stay["stay_id"], **changes),) if changes else ()
        expected = version or await self.version()
        async with self.database.transaction(self.tenant_id) as connection:
            edit = Edit(stays=stays, **people)
            return await self.desk.edit(connection, self.tenant_id, stay["reservation_id"], expected, edit, ANNE)

    async def act(self, act: Any) -> int:
        """Act on the only reservation."""
        [found] = await self.rows("SELECT reservation_id FROM reservations")
        async with self.database.transaction(self.tenant_id) as connection:
            return await self.desk.act(connection, self.tenant_id, found["reservation_id"], None, act, ANNE)

    async def version(self) -> int:
        """Return the only reservation's version."""
        [row] = await self.rows("SELECT version FROM reservations")
        return int(row["version"])

    async def stay(self) -> Mapping[str, Any]:
        """Return the only stay."""
        [row] = await self.rows("SELECT * FROM room_stays")
        return row

    async def planned(self) -> list[Mapping[str, Any]]:
        """Return what waits to be sent."""
        return await self.rows("SELECT kind, paths, object_id, account_id FROM intents WHERE state = 'planned'")

    async def outgoing(self) -> Outgoing | None:
        """Say what the account is to be told of the first planned object now."""
        [intent] = await self.planned()
        async with self.database.transaction(self.tenant_id) as connection:
            [account] = await accounts.load(connection, [self.account_id])
            codes = await crosswalk.load_crosswalk(connection, account)
            context = MappingContext(property_code="P1", zone=account.timezone, currency="EUR", crosswalk=codes)
            return await outgoing(
                connection,
                self.keys,
                self.tenant_id,
                account,
                intent["object_id"],
                mapper=MAPPER,
                context=context,
            )

    async def cases(self) -> list[Mapping[str, Any]]:
        """Return the open cases."""
        return await self.rows("SELECT case_id, version, kind, fields, sealed FROM cases WHERE state = 'open'")

    async def foresee(self, case: Mapping[str, Any], *choices: Choice) -> Foreseen:
        """Foresee what a decision would come to, in a transaction that can write nothing."""
        answer = Answer(
            tenant_id=self.tenant_id, case_id=case["case_id"], version=case["version"], choices=choices, actor=ANNE
        )
        return await Answering(self.database, self.resolver).foresee(answer)

    async def resolve(self, case: Mapping[str, Any], *choices: Choice) -> None:
        """Decide a case."""
        async with self.database.transaction(self.tenant_id) as connection:
            await self.resolver.resolve(connection, self.tenant_id, case["case_id"], case["version"], choices, ANNE)


def draft(**changes: Any) -> Draft:
    """Order room 101 from the 10th to the 12th of March, with some of it changed."""
    nights = tuple(Night(date(2026, 3, day), Decimal("90.00")) for day in (10, 11))
    facts: dict[str, Any] = {
        "room_type": "DBL",
        "room": "101",
        "arrival": date(2026, 3, 10),
        "departure": date(2026, 3, 12),
        "adults": 2,
        "children": 0,
        "nights": nights,
    } | changes
    booker = Guest(first_name="Ann", last_name="Example", email="a@example.org")
    return Draft(property_code="P1", currency="EUR", booker=booker, stays=(StayOrder(**facts),), notes="late")


@pytest.fixture
def front(database: Database, keys: KeyRing, hotel: Any) -> Front:
    """Give the small hotel with a front desk."""
    return Front(House(database, keys, hotel.tenant_id, hotel.account_id))


async def test_an_edit_here_stays_when_the_vendor_says_again_what_it_said(front: Front) -> None:
    """OUT-01, store side: a local change is ours until the vendor has it; the vendor's old word does not undo it."""
    await front.apply(revision())
    assert await front.edit(departure=date(2026, 3, 13)) == 2
    assert (await front.stay())["departure"] == date(2026, 3, 13)
    await front.apply(revision(name="Anna", version="2026-03-02T10:00:00Z"))
    assert (await front.stay())["departure"] == date(2026, 3, 13)
    [planned] = await front.planned()
    assert (planned["kind"], planned["paths"]) == ("modify", ["stays[1001].shape"])


async def test_changes_of_different_atoms_on_both_sides_are_both_kept(front: Front) -> None:
    """CON-02, BEYOND 70: the desk moves the guest while the OTA changes the dates; neither overwrites the other."""
    await front.apply(revision())
    await front.edit(room="102")
    await front.apply(revision(departure=date(2026, 3, 14), total=Decimal("400.00"), version="2026-03-02T10:00:00Z"))
    stay = await front.stay()
    assert (stay["departure"], stay["room_ref"]) == (date(2026, 3, 14), "55/2")
    assert await front.cases() == []
    sent = await front.outgoing()
    assert sent is not None
    assert sent.units[0].paths == {"stays[1001].room"}


async def test_when_the_vendor_shows_what_was_sent_nothing_is_left_to_say(front: Front) -> None:
    """ARCHITECTURE §6, settle: the read-back equals what was sent, so base moves and ours is the vendor's again."""
    await front.apply(revision())
    await front.edit(room="102")
    await front.apply(revision(room="102", version="2026-03-02T10:00:00Z"))
    [link] = await front.rows("SELECT ours, base FROM links WHERE level = 'stay'")
    assert link == {"ours": None, "base": None}
    assert await front.outgoing() is None


async def test_the_same_atom_changed_on_both_sides_goes_to_its_owner(front: Front) -> None:
    """S0.41: what an OTA sold belongs to the channel manager; our dates lose, and are kept."""
    ota = {"channel": "booking_com", "channel_reference": "BK1", "vendor_channel": "booking"}
    await front.apply(revision(**ota))
    await front.edit(departure=date(2026, 3, 13))
    await front.apply(revision(**ota, departure=date(2026, 3, 15), total=Decimal("500.00"), version="2026-03-02T10"))
    assert (await front.stay())["departure"] == date(2026, 3, 15)
    [decided] = await front.rows("SELECT path, verdict, rule FROM decisions")
    assert decided == {"path": "stays[1001].shape", "verdict": "take", "rule": "ota.shape"}


async def test_the_loser_of_a_decision_is_brought_back_by_one_order(front: Front) -> None:
    """ARCHITECTURE promise 1: the loser of every automatic decision is kept and can be brought back."""
    ota = {"channel": "booking_com", "channel_reference": "BK1", "vendor_channel": "booking"}
    await front.apply(revision(**ota))
    await front.edit(departure=date(2026, 3, 13))
    await front.apply(revision(**ota, departure=date(2026, 3, 15), total=Decimal("500.00"), version="2026-03-02T10"))
    [decided] = await front.rows("SELECT decision_id FROM decisions")
    async with front.database.transaction(front.tenant_id) as connection:
        await front.desk.bring_back(connection, front.tenant_id, decided["decision_id"], ANNE)
    assert (await front.stay())["departure"] == date(2026, 3, 13)
    sent = await front.outgoing()
    assert sent is not None
    assert sent.units[0].paths == {"stays[1001].shape"}


async def test_explain_tells_what_was_edited_here_and_what_a_rule_decided(front: Front) -> None:
    """Promise 3: anyone can ask why a field has its value; a person's edit is not told as the vendor's word."""
    ota = {"channel": "booking_com", "channel_reference": "BK1", "vendor_channel": "booking"}
    await front.apply(revision(**ota))
    await front.edit(departure=date(2026, 3, 13), adults=3)
    await front.apply(revision(**ota, departure=date(2026, 3, 15), total=Decimal("500.00"), version="2026-03-02T10"))
    [row] = await front.rows("SELECT reservation_id FROM reservations")
    told = await explained(front.database, row["reservation_id"], front.keys)
    fields = {one["path"]: one for one in told["fields"]}
    assert (fields["room_stays.1001.adults"]["source"], fields["room_stays.1001.adults"]["actor"]) == (
        "here",
        ANNE.name,
    )
    assert fields["room_stays.1001.departure"]["source"] == "beds24"
    [decided] = told["decisions"]
    assert (decided["path"], decided["rule"]) == ("room_stays[1001].shape", "ota.shape")
    assert decided["loser"]["departure"] == "2026-03-13"


async def _contest(front: Front) -> Mapping[str, Any]:
    """Let both sides change the dates of a direct booking that a person decides about."""
    await front.rows('UPDATE accounts SET ownership = \'{"direct.shape": "review"}\' RETURNING account_id')
    await front.apply(revision())
    await front.edit(departure=date(2026, 3, 14))
    await front.apply(revision(departure=date(2026, 3, 15), total=Decimal("500.00"), version="2026-03-02T10:00:00Z"))
    [case] = await front.cases()
    return case


async def test_a_contest_is_a_case_and_what_a_person_chooses_is_sent(front: Front) -> None:
    """CON: same atom, no owner: nothing is written or sent; choosing ours sends it after the undo window."""
    case = await _contest(front)
    assert case["kind"] == "same_atom"
    assert (await front.stay())["departure"] == date(2026, 3, 14)
    assert await front.outgoing() is None
    await front.resolve(case, Choice(path="room_stays[1001].shape", take="here"))
    assert await front.cases() == []
    [held] = await front.rows("SELECT paths, held_until > now() AS held FROM intents WHERE state = 'planned'")
    assert held == {"paths": ["stays[1001].shape"], "held": True}
    sent = await front.outgoing()
    assert sent is not None
    assert sent.units[0].wanted.room_stays[0].departure == date(2026, 3, 14)
    [done] = await front.rows("SELECT state, resolved_by FROM cases")
    assert done == {"state": "resolved", "resolved_by": ANNE.name}


async def test_what_a_choice_would_do_is_foreseen_and_nothing_written(front: Front) -> None:
    """UX, a case, 4: a dry run names what is written, what is sent where, and what the vendor will not do with it."""
    await front.apply(revision(**OTA))
    await front.act("cancel")
    await front.apply(revision(**OTA, departure=date(2026, 3, 14), total=Decimal("400.00"), version="2026-03-02T10"))
    [case] = await front.cases()
    paths = [one["path"] for one in case["fields"]]
    stored = "SELECT version, (SELECT count(*) FROM intents) AS intents FROM reservations"
    before = await front.rows(stored)
    ours = await front.foresee(case, *(Choice(path=path, take="here") for path in paths))
    assert ours.written == ()
    [push] = ours.pushes
    assert (push.account_id, push.vendor, push.kind) == (front.account_id, "beds24", "cancel")
    assert "room_stays[1001].status" in push.paths
    assert push.notices[0].startswith("Booking.com is not told of this cancellation")
    theirs = await front.foresee(case, *(Choice(path=path, take="there") for path in paths))
    assert (set(theirs.written), theirs.pushes) == (set(paths), ())
    with pytest.raises(ChoicesRefused):
        await front.foresee(case, Choice(path=paths[0], take="here"))
    assert await front.rows(stored) == before
    assert await front.cases() == [case]


async def test_a_decision_is_taken_back_before_anything_leaves(front: Front) -> None:
    """Undo: both sides are as they were, the case is open again under its id, and nothing is sent."""
    case = await _contest(front)
    await front.resolve(case, Choice(path="room_stays[1001].shape", take="there"))
    assert (await front.stay())["departure"] == date(2026, 3, 15)
    async with front.database.transaction(front.tenant_id) as connection:
        await front.resolver.undo(connection, front.tenant_id, case["case_id"], case["version"] + 1, ANNE)
    assert (await front.stay())["departure"] == date(2026, 3, 14)
    [again] = await front.cases()
    assert again["case_id"] == case["case_id"]
    assert await front.outgoing() is None


async def test_a_decision_is_not_taken_back_after_the_window(front: Front) -> None:
    """Undo: what may have left is decided anew, never undone."""
    case = await _contest(front)
    await front.resolve(case, Choice(path="room_stays[1001].shape", take="there"))
    await front.rows("UPDATE cases SET resolved_at = now() - interval '31 s' RETURNING case_id")
    with pytest.raises(TooLate):
        async with front.database.transaction(front.tenant_id) as connection:
            await front.resolver.undo(connection, front.tenant_id, case["case_id"], case["version"] + 1, ANNE)


async def test_choosing_theirs_writes_it_here_and_sends_nothing(front: Front) -> None:
    """CON: choosing there makes ours what the vendor showed, and the same difference is not raised again."""
    case = await _contest(front)
    await front.resolve(case, Choice(path="room_stays[1001].shape", take="there"))
    assert (await front.stay())["departure"] == date(2026, 3, 15)
    assert await front.outgoing() is None
    await front.apply(revision(departure=date(2026, 3, 15), total=Decimal("500.00"), name="B", version="2026-03-03T10"))
    assert await front.cases() == []


async def test_a_case_decided_on_an_old_picture_is_not_followed(front: Front) -> None:
    """CON, lost race: the vendor moved on, so the case is fresh and the choice must be made again."""
    case = await _contest(front)
    await front.apply(revision(departure=date(2026, 3, 16), total=Decimal("600.00"), version="2026-03-04T10:00:00Z"))
    with pytest.raises(CaseMoved):
        await front.resolve(case, Choice(path="room_stays[1001].shape", take="here"))


async def test_a_case_whose_cause_is_gone_is_withdrawn(front: Front) -> None:
    """CON: the vendor came round to our dates by itself."""
    await _contest(front)
    await front.apply(revision(departure=date(2026, 3, 14), total=Decimal("200.00"), version="2026-03-04T10:00:00Z"))
    assert await front.cases() == []


async def test_personal_values_of_a_case_are_masked_and_sealed(front: Front) -> None:
    """SEC: what people may not all see stands in no open column."""
    await front.rows('UPDATE accounts SET ownership = \'{"direct.booker": "review"}\' RETURNING account_id')
    await front.apply(revision())
    await front.edit(booker=Guest(last_name="Exemplar"))
    await front.apply(revision(name="Anabel", version="2026-03-02T10:00:00Z"))
    [case] = await front.cases()
    assert "Exemplar" not in str(case["fields"])
    assert "Anabel" not in str(case["fields"])
    plain = front.keys.open(front.tenant_id, "cases.fields:" + await _subject(front), case["sealed"])
    assert "Exemplar" in plain.decode()


async def _subject(front: Front) -> str:
    [row] = await front.rows("SELECT kind || ':' || subject AS place FROM cases")
    return str(row["place"])


async def test_an_order_that_does_not_fit_is_refused_with_what_is_free(front: Front) -> None:
    """INV: a local booking that does not fit is refused with alternatives, and leaves no trace."""
    await front.apply(revision())
    with pytest.raises(Full) as full:
        await front.create()
    assert [one.room for one in full.value.alternatives] == ["102", "103"]
    assert await front.rows("SELECT count(*) AS n FROM reservations") == [{"n": 1}]
    assert await front.rows("SELECT count(DISTINCT holder_id) AS n FROM room_claims") == [{"n": 1}]


async def test_a_change_into_a_taken_room_is_refused(front: Front) -> None:
    """INV: moving the guest into a room that is taken is refused, and he keeps his."""
    await front.create(room="102")
    [made] = await front.rows("SELECT reservation_id, stay_id FROM room_stays")
    await front.apply(revision())
    edit = Edit(stays=(StayOrder(id=made["stay_id"], room="101"),))
    with pytest.raises(Full):
        async with front.database.transaction(front.tenant_id) as connection:
            await front.desk.edit(connection, front.tenant_id, made["reservation_id"], 1, edit, ANNE)
    claims = await front.rows("SELECT count(*) AS n FROM room_claims WHERE holder_id = $1", made["stay_id"])
    assert claims == [{"n": 3}]


async def test_a_stale_version_is_refused(front: Front) -> None:
    """S1.44: who edits must have seen what stands."""
    await front.apply(revision())
    await front.edit(room="102")
    with pytest.raises(StaleVersion) as stale:
        await front.edit(version=1, room="103")
    assert stale.value.current == 2


async def test_acts_follow_the_status_machine(front: Front) -> None:
    """S1.26: confirmed, checked in, checked out; and no way back."""
    await front.apply(revision())
    await front.act("check-in")
    assert (await front.stay())["status"] == "checked_in"
    await front.act("check-out")
    with pytest.raises(OrderRefused):
        await front.act("cancel")
    assert (await front.stay())["status"] == "checked_out"


async def test_a_cancellation_here_is_planned_as_one(front: Front) -> None:
    """OUT: cancelling frees the room at once and tells the vendor."""
    await front.apply(revision())
    await front.act("cancel")
    assert await front.rows("SELECT count(*) AS n FROM room_claims") == [{"n": 0}]
    [planned] = await front.planned()
    assert planned["kind"] == "cancel"


async def test_cancelled_here_and_edited_there_is_a_case(front: Front) -> None:
    """CON: cancel against edit goes to a person, and the room is not taken meanwhile."""
    await front.apply(revision())
    await front.act("cancel")
    await front.apply(revision(departure=date(2026, 3, 14), total=Decimal("400.00"), version="2026-03-02T10:00:00Z"))
    assert [case["kind"] for case in await front.cases()] == ["cancel_against_edit"]
    assert await front.outgoing() is None


async def test_what_the_desk_makes_attaches_to_what_the_vendor_shows_under_our_token(front: Front) -> None:
    """DUP / OUT-05: the vendor's object that carries our token is the reservation we made, never a second one."""
    await front.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')
    reservation_id = await front.create()
    [planned] = await front.planned()
    assert planned["kind"] == "create"
    sent = await front.outgoing()
    assert sent is not None
    async with front.database.transaction(front.tenant_id) as connection:
        await pend(connection, front.keys, front.tenant_id, sent)
        await connection.execute("UPDATE intents SET state = 'sent', token = 'abc', sent_at = now()")
    wanted = sent.units[0].wanted
    shown = _as_shown(wanted, "2001", "abc")
    assert await front.apply(shown) == [Outcome.CHANGED]
    [stay] = await front.rows("SELECT reservation_id, vendor, vendor_ref, claim_state FROM room_stays")
    assert stay == {
        "reservation_id": reservation_id,
        "vendor": "beds24",
        "vendor_ref": "2001",
        "claim_state": "claimed",
    }
    assert await front.cases() == []
    [link] = await front.rows("SELECT base FROM links WHERE level = 'stay' AND vendor_ref = '2001'")
    assert link["base"] is None


def _as_shown(wanted: Revision, ref: str, token: str) -> Revision:
    """Say what the vendor shows of what was sent to it: its own ref, version and word."""
    [stay] = wanted.room_stays
    return msgspec.structs.replace(
        wanted,
        ref=ref,
        vendor="beds24",
        version="2026-03-01T11:00:00Z",
        token=token,
        vendor_status="confirmed",
        siblings_complete=True,
        room_stays=(msgspec.structs.replace(stay, ref=ref, vendor_status="confirmed"),),
    )


async def test_an_edit_made_while_the_creation_was_under_way_is_sent_after_it(front: Front) -> None:
    """OUT: what was sent is the base, so the newer edit is not mistaken for the vendor's."""
    await front.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')
    await front.create()
    sent = await front.outgoing()
    assert sent is not None
    async with front.database.transaction(front.tenant_id) as connection:
        await pend(connection, front.keys, front.tenant_id, sent)
        await connection.execute("UPDATE intents SET state = 'sent', token = 'abc', sent_at = now()")
    await front.edit(room="102")
    await front.apply(_as_shown(sent.units[0].wanted, "2001", "abc"))
    assert (await front.stay())["room_ref"] == "102"
    later = await front.outgoing()
    assert later is not None
    assert later.units[0].paths == {"stays[2001].room"}
    assert later.units[0].ref == "2001"


async def test_a_hold_says_status(front: Front) -> None:
    """S1.43: what the desk makes is confirmed, of the channel direct, and says who made it."""
    await front.create()
    [row] = await front.rows("SELECT status, channel, source, total FROM reservations")
    assert row == {"status": str(Status.CONFIRMED), "channel": "direct", "source": "direct", "total": Decimal("180.00")}
    [entry] = await front.rows("SELECT actor, action FROM audit_log WHERE entity_type = 'reservation'")
    assert entry == {"actor": ANNE.name, "action": "reservation.created"}


async def test_what_looks_like_a_creation_under_way_waits_and_is_read_again(front: Front) -> None:
    """ARCHITECTURE §5: same type, dates and surname, no token: neither taken for ours nor made a second booking."""
    await front.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')
    await front.create()
    sent = await front.outgoing()
    assert sent is not None
    async with front.database.transaction(front.tenant_id) as connection:
        await pend(connection, front.keys, front.tenant_id, sent)
        await connection.execute("UPDATE intents SET state = 'unknown', token = 'abc', sent_at = now()")
    alike, other = revision(room=None), revision("1002", room=None, arrival=date(2026, 3, 11))
    assert await front.apply(alike, other) == [Outcome.WAITING, Outcome.NEW]
    assert [row["ref"] for row in await front.rows("SELECT ref FROM lanes WHERE stream = 'reservations'")] == ["1001"]
    await front.rows("UPDATE intents SET state = 'parked' RETURNING intent_id")
    assert await front.apply(alike) == [Outcome.NEW]


async def test_a_group_made_here_attaches_member_by_member(front: Front) -> None:
    """DUP: two rooms made in one order go out together, and each of the vendor's bookings finds its own stay."""
    await front.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')
    order = draft()
    second = msgspec.structs.replace(order.stays[0], room="102")
    async with front.database.transaction(front.tenant_id) as connection:
        both = msgspec.structs.replace(order, stays=(order.stays[0], second))
        await front.desk.create(connection, front.tenant_id, both, ANNE)
    sent = await front.outgoing()
    assert sent is not None
    assert [unit.wanted.room_stays[0].room for unit in sent.units] == ["101", "102"]
    async with front.database.transaction(front.tenant_id) as connection:
        await pend(connection, front.keys, front.tenant_id, sent)
        await connection.execute(
            "UPDATE intents SET state = 'sent', token = 'abc', sent_at = now(), members = $1",
            [unit.stay_id for unit in sent.units],
        )
    before = await front.rows("SELECT stay_id, room_ref FROM room_stays ORDER BY vendor_ref")
    shown = [
        msgspec.structs.replace(_as_shown(unit.wanted, ref, f"abc.{place}"), ref="2001", is_home=place == 1)
        for place, (unit, ref) in enumerate(zip(sent.units, ("2001", "2002"), strict=True), 1)
    ]
    await front.apply(*reversed(shown))
    after = await front.rows("SELECT stay_id, vendor_ref FROM room_stays ORDER BY vendor_ref")
    assert [row["stay_id"] for row in after] == [row["stay_id"] for row in before]
    assert [row["vendor_ref"] for row in after] == ["2001", "2002"]
    assert await front.rows("SELECT count(*) AS n FROM reservations") == [{"n": 1}]
    assert await front.cases() == []


class Pair(Front):
    """The small hotel with a second account, of the PMS, at the same property."""

    async def open(self) -> uuid.UUID:
        """Open the second account, with a crosswalk of its own."""
        other = uuid.uuid4()
        async with self.database.transaction(self.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role, mode) "
                "SELECT tenant_id, $2, property_id, 'beds24', '8', 'pms', 'live' FROM accounts WHERE account_id = $1",
                self.account_id,
                other,
            )
            codes = [
                ("room_type", "77", "DBL"),
                ("room", "77/1", "101"),
                ("room", "77/2", "102"),
                ("room", "77/3", "103"),
            ]
            for code in codes:
                await connection.execute(
                    "INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code, our_code) "
                    "VALUES ($1, $2, $3, $4, $5)",
                    self.tenant_id,
                    other,
                    *code,
                )
        return other

    async def apply_at(self, account_id: uuid.UUID, mapped: Revision) -> list[Outcome]:
        """Apply what one account shows."""
        async with self.database.connection() as connection:
            [account] = await accounts.load(connection, [account_id])
        return await self.apply(mapped, account=account)


@pytest.fixture
async def pair(front: Front) -> Pair:
    """Give the small hotel, to be seen through two accounts."""
    return Pair(front)


OTA = {"channel": "booking_com", "channel_reference": "BK1", "vendor_channel": "booking"}


def at_the_other(**changes: Any) -> Revision:
    """Say the same booking as the other account shows it: its own refs and codes."""
    told = revision("9001", **OTA, **changes)
    [stay] = told.room_stays
    room = stay.room_ref.replace("55/", "77/") if stay.room_ref else None
    there = msgspec.structs.replace(stay, room_type_ref="77", room_ref=room)
    return msgspec.structs.replace(told, room_stays=(there,))


def alone(told: Revision) -> Revision:
    """Say that there is no other room."""
    return msgspec.structs.replace(told, siblings_complete=True)


async def test_one_booking_seen_through_two_accounts_is_one_stay(pair: Pair) -> None:
    """DUP-09: one booking, one reservation, one room taken, though two systems show it."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, at_the_other())
    assert await pair.rows("SELECT count(*) AS n FROM reservations") == [{"n": 1}]
    assert await pair.rows("SELECT count(*) AS n FROM room_stays") == [{"n": 1}]
    assert await pair.rows("SELECT booked FROM inventory ORDER BY date") == [{"booked": 1}, {"booked": 1}]
    assert await pair.cases() == []
    refs = await pair.rows("SELECT vendor_ref FROM links WHERE level = 'stay' ORDER BY vendor_ref")
    assert [row["vendor_ref"] for row in refs] == ["1001", "9001"]


async def test_a_change_taken_from_one_account_is_planned_for_the_other(pair: Pair) -> None:
    """ARCHITECTURE §6, more than two systems: the OTA moves the dates at the channel manager, and the PMS is told."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, at_the_other())
    moved: dict[str, Any] = {"departure": date(2026, 3, 14), "total": Decimal("400.00"), "version": "2026-03-02T10"}
    await pair.apply(revision(**OTA, **moved))
    [planned] = await pair.planned()
    assert (planned["account_id"], planned["paths"]) == (other, ["stays[9001].shape"])
    await pair.apply_at(other, at_the_other(**moved))
    assert await pair.rows("SELECT count(*) AS n FROM links WHERE base IS NOT NULL") == [{"n": 0}]


async def test_a_difference_of_dates_at_first_contact_is_one_link_up_review(pair: Pair) -> None:
    """ARCHITECTURE §6: equal atoms are agreed, a difference of shape asks a person."""
    other = await pair.open()
    await pair.apply(revision(**OTA))
    await pair.apply_at(other, alone(at_the_other(departure=date(2026, 3, 13), total=Decimal("300.00"))))
    [case] = await pair.cases()
    assert (case["kind"], await _subject(pair)) == ("link_up", f"link_up:{other}")
    [row] = case["fields"]
    assert (row["path"], row["ref"]) == ("room_stays[9001].shape", "9001")
    await pair.resolve(case, Choice(path="room_stays[9001].shape", take="there"))
    assert (await pair.stay())["departure"] == date(2026, 3, 13)
    [planned] = await pair.planned()
    assert planned["account_id"] == pair.account_id
    [held] = await pair.rows("SELECT held_until > now() AS held FROM intents WHERE state = 'planned'")
    assert held["held"]
    assert await pair.rows("SELECT state FROM cases") == [{"state": "resolved"}]


async def test_a_room_line_left_out_of_a_complete_revision_is_a_case_and_keeps_its_room(front: Front) -> None:
    """BEYOND 38: absence inside a reservation told whole is never a silent deletion, and never silently kept either."""
    first, second = revision("1001"), revision("1001", room="102")
    [stay] = second.room_stays
    both = (first.room_stays[0], msgspec.structs.replace(stay, ref="1002"))
    whole = msgspec.structs.replace(first, scope="reservation", siblings_complete=True, room_stays=both)
    await front.apply(whole)
    less = msgspec.structs.replace(whole, room_stays=both[:1], version="2026-03-02T10:00:00Z")
    await front.apply(less)
    assert [case["kind"] for case in await front.cases()] == ["group_member_dropped"]
    assert await front.rows("SELECT count(*) AS n FROM room_stays WHERE status = 'confirmed'") == [{"n": 2}]
    await front.apply(msgspec.structs.replace(whole, version="2026-03-03T10:00:00Z"))
    assert await front.cases() == []
