"""A hotel whose desk has cases: bookings with people, differences of every sort, and somebody who follows choices."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from conflict.resolve import Choice, ChoicesRefused
from conflict.validate import Problem
from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.desk import Desk
from pms_sync.apply.foreseeing import Foreseen
from pms_sync.apply.orders import Actor, Edit, NotFound, StayOrder
from pms_sync.domain.case import Case
from pms_sync.store import case_desk, cases
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision

PERSONAL = "(personal)"
SHAPE, STATUS, BOOKER, NOTES = "room_stays[1001].shape", "room_stays[1001].status", "booker", "notes"


def shape(arrival: str, departure: str, total: str, price: str) -> dict[str, Any]:
    """Write a stay's shape as the public surface does."""
    days = (datetime.fromisoformat(departure) - datetime.fromisoformat(arrival)).days
    first = datetime.fromisoformat(arrival).date()
    nights = [{"date": str(first + timedelta(days=n)), "price": price, "derived": True} for n in range(days)]
    return {
        "arrival": arrival, "departure": departure, "room_type_ref": "DBL", "rate_plan_ref": None, "total": total,
        "nights": nights,
    }  # fmt: skip


def row(
    path: str, base: Any, here: Any, there: Any, suggested: str | None = None, rule: str = "ota.x"
) -> dict[str, Any]:
    """Write one row of a case."""
    return {"path": path, "base": base, "here": here, "there": there, "suggested": suggested, "rule": rule}


DATES = row(
    SHAPE,
    shape("2026-03-10", "2026-03-12", "200.00", "100.00"),
    shape("2026-03-11", "2026-03-12", "100.00", "100.00"),
    shape("2026-03-10", "2026-03-13", "300.00", "100.00"),
    suggested="there",
    rule="ota.shape",
)
WHO = row(
    BOOKER,
    {"first_name": "Ann", "last_name": "Example", "phone": "+34600000001"},
    {"first_name": "Ann", "last_name": "Example", "phone": "+34600000002"},
    {"first_name": "Ann", "last_name": "Exemplar", "phone": "+34600000001"},
    rule="direct.booker",
)
TEXT = row(NOTES, "late arrival", "late arrival, cot", "early arrival", rule="direct.notes")


class Choosing:
    """Follows choices by remembering them and closing the case; `fault` is raised instead, where one is set."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.calls: list[tuple[uuid.UUID, int, tuple[Choice, ...], Actor]] = []
        self.fault: Exception | None = None
        self.undo_s = 30.0
        self.foreseen: Foreseen | Exception = Foreseen()
        self.previewed: list[tuple[uuid.UUID, uuid.UUID, int, tuple[Choice, ...]]] = []

    @property
    def choices(self) -> list[tuple[str, str, Any]]:
        """Return what was last chosen."""
        return [(one.path, one.take, one.value) for one in self.calls[-1][2]]

    def refuse(self, *told: tuple[str, str]) -> None:
        """Refuse the next choices for these paths, each with its reason."""
        self.fault = ChoicesRefused([Problem(path, "x", why) for path, why in told])

    async def resolve(
        self,
        connection: Any,
        tenant_id: uuid.UUID,
        case_id: uuid.UUID,
        version: int,
        choices: Sequence[Choice],
        actor: Actor,
    ) -> None:
        """Close the case under the lock, as the real one does."""
        self.calls.append((case_id, version, tuple(choices), actor))
        if self.fault is not None:
            raise self.fault
        case = await cases.lock(connection, tenant_id, case_id)
        if case is None:
            raise NotFound(f"no case {case_id}")
        if case.version != version or case.state != "open":
            raise CaseMoved(case.version)
        await cases.close(connection, tenant_id, case_id, actor.name)

    async def preview(
        self, connection: Any, tenant_id: uuid.UUID, case_id: uuid.UUID, version: int, choices: Sequence[Choice]
    ) -> Foreseen:
        """Foresee what a test wants foreseen."""
        assert connection.is_in_transaction()
        self.previewed.append((tenant_id, case_id, version, tuple(choices)))
        if isinstance(self.foreseen, Exception):
            raise self.foreseen
        return self.foreseen

    async def undo(self, connection: Any, tenant_id: uuid.UUID, case_id: uuid.UUID, version: int, actor: Actor) -> None:
        """Open the case again under the lock, as the real one does."""
        self.calls.append((case_id, version, (), actor))
        if self.fault is not None:
            raise self.fault
        case = await cases.lock(connection, tenant_id, case_id)
        if case is None:
            raise NotFound(f"no case {case_id}")
        if case.version != version or case.state != "resolved":
            raise CaseMoved(case.version)
        await cases.reopen(connection, tenant_id, case_id)


class DeskHotel:
    """The small hotel as the desk's tests set it up."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any) -> None:
        """Take the hotel and give it an applier."""
        self.database, self.keys, self.hotel = database, keys, hotel
        self.house = House(database, keys, hotel.tenant_id, hotel.account_id)
        self.resolver = Choosing()

    async def booked(self, ref: str = "1001", **facts: Any) -> uuid.UUID:
        """Let the vendor show a booking, and return its id."""
        await self.house.apply(revision(ref, **facts))
        [found] = await self.house.rows("SELECT reservation_id FROM room_stays WHERE vendor_ref = $1", ref)
        reservation_id: uuid.UUID = found["reservation_id"]
        return reservation_id

    async def case(self, kind: str = "same_atom", *rows: dict[str, Any], **facts: Any) -> uuid.UUID:
        """Open a case about one link, or with `link=False` about facts outside of any; personal rows are sealed."""
        told: dict[str, Any] = {
            "subject": uuid.uuid4().hex,
            "severity": 2,
            "link": True,
            "reservations": (),
            "ref": "1001",
        } | facts
        personal = [one for one in rows if one["path"] in {BOOKER, NOTES}]
        open_rows = tuple(_hidden(one) if one in personal else one for one in rows)
        place = case_desk.sealed_place(kind, told["subject"])
        sealed = self.keys.seal(self.hotel.tenant_id, place, msgspec.json.encode(rows)) if personal else None
        case = Case(
            kind=kind,
            subject=told["subject"],
            severity=told["severity"],
            property_id=self.hotel.property_id,
            reservation_ids=tuple(told["reservations"]),
            fields=open_rows,
            account_id=self.hotel.account_id if told["link"] else None,
            vendor_ref=told["ref"] if told["link"] else None,
            sealed=sealed,
        )
        made = uuid.uuid4()
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await cases.open_cases(connection, self.hotel.tenant_id, [case], lambda: made)
            if "age" in facts or "due" in facts:
                await connection.execute(
                    "UPDATE cases SET opened_at = coalesce($2, opened_at), due_at = $3 WHERE case_id = $1",
                    made, facts.get("age"), facts.get("due"),
                )  # fmt: skip
        return made

    async def dates(self, **facts: Any) -> uuid.UUID:
        """Open a case of one stay whose dates changed on both sides."""
        booked = await self.booked(channel="booking_com", channel_reference="4711", room="102")
        return await self.case("same_atom", DATES, reservations=(booked,), **facts)

    async def contested(self, owner: str = "review") -> uuid.UUID:
        """Let the dates of a direct booking change here and at the vendor, with `owner` to say whose dates stand.

        Returns the case there then is, else the reservation.
        """
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(
                "UPDATE accounts SET mode = 'live', ownership = $2 WHERE account_id = $1",
                self.hotel.account_id,
                {"direct.shape": owner},
            )
        booked = await self.booked()
        [stay] = await self.house.rows("SELECT stay_id FROM room_stays")
        longer = Edit(stays=(StayOrder(id=stay["stay_id"], departure=date(2026, 3, 13)),))
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            at_desk = Desk(self.house.applier)
            actor = Actor(name="cli:x", correlation_id="c")
            await at_desk.edit(connection, self.hotel.tenant_id, booked, 1, longer, actor)
        third = Decimal(300)  # a price a night that no mapper would round
        await self.house.apply(revision(version="2026-03-01T11:00:00Z", arrival=date(2026, 3, 9), total=third))
        found = await self.house.rows("SELECT case_id FROM cases")
        return found[0]["case_id"] if found else booked

    async def sold_twice(self) -> uuid.UUID:
        """Let room 101 be sold twice for two nights, and return the case of the first."""
        await self.house.apply(revision("1", name="Zebedee", total=Decimal(210)))
        await self.house.apply(revision("2", name="Quentin", channel="booking_com", channel_reference="4712"))
        both = (
            revision("1", name="Zebedee", total=Decimal(210)),
            revision("2", name="Quentin", channel="booking_com", channel_reference="4712"),
        )
        await self.house.apply(*both, kind="reconcile", direct=True)
        found = await self.house.rows("SELECT case_id FROM cases WHERE kind = 'room_double_booked' ORDER BY subject")
        case_id: uuid.UUID = found[0]["case_id"]
        return case_id

    async def stored(self, case_id: uuid.UUID) -> Any:
        """Return a case as it is stored."""
        [found] = await self.house.rows("SELECT * FROM cases WHERE case_id = $1", case_id)
        return found

    async def moves(self, case_id: uuid.UUID, *rows: dict[str, Any]) -> None:
        """Let an open case show other rows than before."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(
                "UPDATE cases SET fields = $2, sealed = NULL, version = version + 1 WHERE case_id = $1",
                case_id,
                list(rows),
            )


def _hidden(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, **{side: one[side] and PERSONAL for side in ("base", "here", "there")}, "digest": "0"}
