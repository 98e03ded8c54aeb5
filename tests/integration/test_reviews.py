"""The one review an account: what differed at first contact, gathered over links, healed and resolved link by link."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from conflict.resolve import Choice, ChoicesRefused
from pms_sync.apply import reviewing
from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.resolving import TooLate
from pms_sync.domain.case import REVIEW, Case
from pms_sync.domain.reservation import Line, Revision
from pms_sync.store import accounts, reviews
from pms_sync.store.accounts import Account
from pms_sync.store.cases import LIVE
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision
from tests.integration.test_own_state import ANNE, Front, Pair

FIRST, SECOND = "room_stays[9001].shape", "room_stays[9002].shape"
LONGER: dict[str, Any] = {"departure": date(2026, 3, 13), "total": Decimal("300.00")}
ROOMS = {"1": "101", "2": "102"}


class Meeting(Pair):
    """Two accounts that show the same bookings, numbered 1 and 2, in different words."""

    other: uuid.UUID

    async def meet(self, number: str, **there: Any) -> None:
        """Let one account show a booking, and then the other with some of it different."""
        await self.apply(booking(number))
        await self.again(number, **there)

    async def again(self, number: str, **there: Any) -> None:
        """Let the other account show a booking as it is there."""
        await self.apply_at(self.other, at_the_other(number, **there))

    async def both(self) -> Mapping[str, Any]:
        """Let two first contacts differ in their dates, and return the case."""
        await self.meet("1", **LONGER)
        await self.meet("2", **LONGER)
        return await self.review()

    async def review(self) -> Mapping[str, Any]:
        """Return the one open case."""
        [found] = await self.rows("SELECT * FROM cases WHERE state = 'open'")
        return found

    async def undo(self, version: int, case_id: uuid.UUID) -> None:
        """Take the last decision back."""
        async with self.database.transaction(self.tenant_id) as connection:
            await self.resolver.undo(connection, self.tenant_id, case_id, version, ANNE)

    async def account(self, account_id: uuid.UUID) -> Account:
        """Return an account."""
        async with self.database.connection() as connection:
            [found] = await accounts.load(connection, [account_id])
        return found

    async def departures(self) -> list[int]:
        """Return the days on which our guests leave, by number."""
        rows = await self.rows("SELECT departure FROM room_stays ORDER BY vendor_ref")
        return [row["departure"].day for row in rows]


def booking(number: str, **changes: Any) -> Revision:
    """Say a booking as the first account shows it."""
    facts = {"channel": "booking_com", "channel_reference": f"BK{number}", "vendor_channel": "booking"}
    return revision(f"100{number}", room=ROOMS[number], **facts, **changes)


def at_the_other(number: str, **changes: Any) -> Revision:
    """Say the same booking as the other account shows it: its own refs and codes, and that there is one room."""
    told = msgspec.structs.replace(booking(number, **changes), ref=f"900{number}")
    [stay] = told.room_stays
    room = f"77/{ROOMS[number][-1]}"
    there = msgspec.structs.replace(stay, ref=f"900{number}", room_type_ref="77", room_ref=room)
    return msgspec.structs.replace(told, siblings_complete=True, room_stays=(there,))


def paths(case: Mapping[str, Any]) -> list[str]:
    return [row["path"] for row in case["fields"]]


def take(path: str, side: Any) -> Choice:
    return Choice(path=path, take=side)


async def met(database: Database, keys: KeyRing, hotel: Any) -> Meeting:
    """Open the second account of the small hotel."""
    meeting = Meeting(Front(House(database, keys, hotel.tenant_id, hotel.account_id)))
    meeting.other = await meeting.open()
    return meeting


@pytest.fixture
async def pair(database: Database, keys: KeyRing, hotel: Any) -> Meeting:
    """Give the small hotel, seen through two accounts."""
    return await met(database, keys, hotel)


async def test_two_first_contacts_that_differ_are_one_case_with_both(pair: Meeting) -> None:
    """ARCHITECTURE §6: differences of shape, status and money form one link-up review an account."""
    await pair.meet("1", **LONGER)
    first = await pair.review()
    await pair.meet("2", **LONGER)
    case = await pair.review()
    assert (case["case_id"], case["version"], case["subject"]) == (first["case_id"], 2, str(pair.other))
    assert (case["account_id"], case["vendor_ref"]) == (pair.other, None)
    assert [(row["path"], row["ref"]) for row in case["fields"]] == [(FIRST, "9001"), (SECOND, "9002")]
    held = await pair.rows("SELECT reservation_id FROM reservations ORDER BY reservation_id")
    assert case["reservation_ids"] == [row["reservation_id"] for row in held]


async def test_both_in_one_batch_are_one_case_as_well(pair: Meeting) -> None:
    for number in ROOMS:
        await pair.apply(booking(number))
    records = []
    for number in ROOMS:
        told = await pair.incoming(at_the_other(number, **LONGER))
        records.append(msgspec.structs.replace(told, account=await pair.account(pair.other)))
    await pair.apply_records(records)
    case = await pair.review()
    assert (paths(case), case["version"], len(case["reservation_ids"])) == ([FIRST, SECOND], 1, 2)


async def test_what_is_said_of_a_whole_booking_names_the_booking(pair: Meeting) -> None:
    """Paths are unique in the case: two bookings may have lines of the bill of one number."""
    for number in ROOMS:
        await pair.apply(booking(number, lines=(line("10.00"),)))
        await pair.again(number, lines=(line("12.00"),))
    case = await pair.review()
    bills = [f"reservations[900{number}].folio_lines[7]" for number in ROOMS]
    assert paths(case) == bills
    await pair.resolve(case, take(bills[0], "there"), take(bills[1], "here"))
    assert await pair.rows("SELECT state FROM cases") == [{"state": "resolved"}]
    assert await pair.cases() == []


def line(amount: str) -> Line:
    return Line(ref="7", kind="charge", text="Cot", amount=Decimal(amount), currency="EUR")


async def test_a_link_that_heals_takes_its_rows_away_and_the_last_one_ends_the_case(pair: Meeting) -> None:
    case = await pair.both()
    [second] = await pair.rows("SELECT reservation_id FROM room_stays WHERE vendor_ref = '1002'")
    await pair.again("1", version="2026-03-02T10:00:00Z")
    left = await pair.review()
    assert (left["case_id"], left["version"], paths(left)) == (case["case_id"], 3, [SECOND])
    assert left["reservation_ids"] == [second["reservation_id"]]
    await pair.again("2", version="2026-03-02T10:00:00Z")
    assert await pair.cases() == []
    assert await pair.rows("SELECT state, version FROM cases") == [{"state": "withdrawn", "version": 4}]


async def test_a_link_that_is_read_again_replaces_its_own_rows_alone(pair: Meeting) -> None:
    case = await pair.both()
    await pair.again("1", departure=date(2026, 3, 14), total=Decimal("400.00"), version="2026-03-02T10:00:00Z")
    moved = await pair.review()
    assert paths(moved) == [FIRST, SECOND]
    assert moved["fields"][0]["there"]["departure"] == "2026-03-14"
    assert moved["fields"][1] == case["fields"][1]
    await pair.again("1", departure=date(2026, 3, 14), total=Decimal("400.00"), version="2026-03-03T10:00:00Z")
    assert (await pair.review())["version"] == moved["version"]


async def test_one_of_two_is_resolved_and_the_other_stays_open(pair: Meeting) -> None:
    """A review may be answered in part; what is left stays open under a new version."""
    case = await pair.both()
    await pair.resolve(case, take(FIRST, "there"))
    left = await pair.review()
    assert (left["case_id"], left["version"], paths(left)) == (case["case_id"], case["version"] + 1, [SECOND])
    assert await pair.departures() == [13, 12]
    with pytest.raises(CaseMoved):
        await pair.resolve(case, take(SECOND, "there"))
    await pair.resolve(left, take(SECOND, "here"))
    assert await pair.departures() == [13, 12]
    [done] = await pair.rows("SELECT state, resolved_by, fields FROM cases")
    assert (done["state"], done["resolved_by"], paths(done)) == ("resolved", ANNE.name, [SECOND])
    planned = await pair.rows("SELECT account_id, paths FROM intents WHERE state = 'planned' ORDER BY paths")
    assert [(row["account_id"], row["paths"]) for row in planned] == [
        (pair.account_id, ["stays[1001].shape"]),
        (pair.other, ["stays[9002].shape"]),
    ]


async def test_both_are_resolved_at_once_with_a_typed_part(pair: Meeting) -> None:
    case = await pair.both()
    typed = Choice(path="room_stays[9002].departure", take="value", value="2026-03-15")
    await pair.resolve(case, take(FIRST, "there"), take(SECOND, "there"), typed)
    assert await pair.departures() == [13, 15]
    assert await pair.rows("SELECT state, version FROM cases") == [{"state": "resolved", "version": 3}]
    await pair.again("1", **LONGER, name="Anna", version="2026-03-02T10:00:00Z")
    assert await pair.cases() == []


async def test_choices_that_are_wrong_are_told_by_the_paths_of_the_case(pair: Meeting) -> None:
    case = await pair.both()
    wrong = Choice(path="room_stays[9001].departure", take="value", value="yesterday")
    for choices, told in (
        ((), "choices"),
        ((take("reservations[9001].total", "here"),), "reservations[9001].total"),
        ((take("total", "here"),), "total"),
        ((take("reservations[9009].room_stays[9001].shape", "here"),), "reservations[9009].room_stays[9001].shape"),
        ((take(SECOND, "here"), take(FIRST, "here"), wrong), FIRST),
    ):
        with pytest.raises(ChoicesRefused) as refused:
            await pair.resolve(case, *choices)
        assert [one.path for one in refused.value.problems] == [told]
    assert await pair.review() == case


async def test_what_a_part_of_the_answers_would_do_is_foreseen(pair: Meeting) -> None:
    case = await pair.both()
    foreseen = await pair.foresee(case, take(FIRST, "there"))
    assert foreseen.written == (FIRST,)
    assert [(push.account_id, push.paths) for push in foreseen.pushes] == [
        (pair.account_id, ("room_stays[1001].shape",))
    ]
    assert await pair.review() == case


async def test_an_answer_in_part_is_taken_back_once(pair: Meeting) -> None:
    case = await pair.both()
    await pair.resolve(case, take(FIRST, "there"))
    left = await pair.review()
    await pair.undo(left["version"], case["case_id"])
    again = await pair.review()
    assert (sorted(paths(again)), again["version"]) == ([FIRST, SECOND], left["version"] + 1)
    assert await pair.departures() == [12, 12]
    with pytest.raises(TooLate):
        await pair.undo(again["version"], case["case_id"])


async def test_a_whole_answer_taken_back_keeps_what_came_meanwhile(pair: Meeting) -> None:
    """The review is open again under its id, with the rows of the one that was opened in its place."""
    await pair.meet("1", **LONGER)
    case = await pair.review()
    await pair.resolve(case, take(FIRST, "there"))
    await pair.meet("2", **LONGER)
    later = await pair.review()
    assert later["case_id"] != case["case_id"]
    await pair.undo(case["version"] + 1, case["case_id"])
    again = await pair.review()
    assert (again["case_id"], paths(again), len(again["reservation_ids"])) == (case["case_id"], [FIRST, SECOND], 2)
    states = await pair.rows("SELECT state FROM cases WHERE case_id = $1", later["case_id"])
    assert states == [{"state": "withdrawn"}]


async def test_batches_of_one_account_lose_none_of_each_others_rows(pair: Meeting, keys: KeyRing) -> None:
    """The open case is locked while rows are put together; whoever waits puts theirs on top."""
    [place] = await pair.rows("SELECT property_id FROM accounts WHERE account_id = $1", pair.other)
    refs = [str(number) for number in range(8)]

    async def ask(ref: str, *there: str) -> None:
        part = asked(pair.other, place["property_id"], ref, *there)
        async with pair.database.transaction(pair.tenant_id) as connection:
            found = {(pair.other, ref): [part] if there else []}
            await reviewing.write(connection, pair.tenant_id, keys, found, uuid.uuid4, LIVE)
            await asyncio.sleep(0)

    await asyncio.gather(*(ask(ref, "1") for ref in refs))
    case = await pair.review()
    assert sorted(row["ref"] for row in case["fields"]) == refs
    await asyncio.gather(*(ask(ref, *(["2"] if ref > "3" else [])) for ref in refs))
    left = await pair.review()
    assert sorted((row["ref"], row["there"]) for row in left["fields"]) == [(ref, "2") for ref in refs[4:]]


def asked(account_id: uuid.UUID, property_id: uuid.UUID, ref: str, *there: str) -> Case:
    """Build what is asked of one link."""
    rows = [
        {
            "path": f"reservations[{ref}].total", "base": None, "here": "0", "there": value, "suggested": None,
            "rule": "first contact", "ref": ref, "reservation_id": str(uuid.uuid4()),
        }
        for value in there
    ]  # fmt: skip
    return Case(
        kind=REVIEW, subject=str(account_id), severity=3, property_id=property_id, account_id=account_id,
        fields=tuple(rows),
    )  # fmt: skip


async def test_rows_that_are_sealed_stay_sealed_and_whole(pair: Meeting, keys: KeyRing) -> None:
    """SEC: what is masked in the open rows is in the sealed ones, of whichever link it came."""
    [place] = await pair.rows("SELECT property_id FROM accounts WHERE account_id = $1", pair.other)
    seal = f"cases.fields:{REVIEW}:{pair.other}"

    async def ask(ref: str, there: str) -> None:
        part = asked(pair.other, place["property_id"], ref, there)
        hidden = tuple({**row, "there": "(personal)", "digest": there} for row in part.fields)
        sealed = keys.seal(pair.tenant_id, seal, msgspec.json.encode(part.fields))
        secret = msgspec.structs.replace(part, fields=hidden, sealed=sealed)
        async with pair.database.transaction(pair.tenant_id) as connection:
            await reviewing.write(connection, pair.tenant_id, keys, {(pair.other, ref): [secret]}, uuid.uuid4, LIVE)

    await ask("1", "Ann")
    await ask("2", "Bob")
    await ask("1", "Anna")
    case = await pair.review()
    full = msgspec.json.decode(keys.open(pair.tenant_id, seal, case["sealed"]))
    assert [(row["ref"], row["there"]) for row in full] == [("1", "Anna"), ("2", "Bob")]
    assert {row["there"] for row in case["fields"]} == {"(personal)"}
    assert case["version"] == 3


async def test_a_review_that_took_anothers_place_is_found_by_who_waited(pair: Meeting, keys: KeyRing) -> None:
    """A decision taken back opens one review and ends another; rows that go meanwhile go from the one that stands."""
    case = await pair.both()
    twin = uuid.uuid4()
    async with pair.database.transaction(pair.tenant_id) as swapping:
        await swapping.execute("UPDATE cases SET state = 'withdrawn' WHERE case_id = $1", case["case_id"])
        await swapping.execute(
            "INSERT INTO cases (tenant_id, case_id, kind, subject, severity, property_id, fields, account_id) "
            "SELECT tenant_id, $2, kind, subject, severity, property_id, fields, account_id FROM cases "
            "WHERE case_id = $1",
            case["case_id"],
            twin,
        )

        async def heal() -> None:
            async with pair.database.transaction(pair.tenant_id) as connection:
                await reviewing.write(connection, pair.tenant_id, keys, {(pair.other, "9001"): []}, uuid.uuid4, LIVE)

        waiting = asyncio.create_task(heal())
        while not await swapping.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await swapping.execute("SELECT pg_sleep(0.01)")
    await waiting
    left = await pair.review()
    assert (left["case_id"], paths(left)) == (twin, [SECOND])


async def test_only_links_that_are_in_the_review_lock_it(pair: Meeting) -> None:
    case = await pair.both()
    async with pair.database.transaction(pair.tenant_id) as connection:
        held = await reviews.holding(connection, pair.tenant_id, [pair.other], ["9003"])
        assert held == set()
        held = await reviews.holding(connection, pair.tenant_id, [pair.other], ["9003", "9002"])
        assert held == {case["account_id"]}


async def test_who_decides_waits_for_the_reservation_before_the_case(pair: Meeting) -> None:
    """One lock order: a batch that holds the reservation writes the case last, and the late decision is told."""
    case = await pair.both()
    async with pair.database.transaction(pair.tenant_id) as batch:
        await batch.execute("SELECT FROM reservations ORDER BY reservation_id FOR NO KEY UPDATE")
        deciding = asyncio.create_task(pair.resolve(case, take(FIRST, "there"), take(SECOND, "there")))
        while not await batch.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await batch.execute("SELECT pg_sleep(0.01)")
        await batch.execute("UPDATE cases SET version = version + 1")
    with pytest.raises(CaseMoved):
        await deciding
    assert await pair.departures() == [12, 12]
