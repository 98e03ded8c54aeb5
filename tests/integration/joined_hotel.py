"""The small hotel with three accounts: bookings of several rooms as each vendor keeps them, mapped from payloads."""

from __future__ import annotations

import copy
import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mappers import beds24, cloudbeds, mews
from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Outcome
from pms_sync.domain.reservation import Revision
from pms_sync.ports.mapper import Crosswalk, Mapper, MappingContext
from pms_sync.store import accounts, lanes
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import FixedClock, House

FIXTURES = Path(__file__).parents[1] / "fixtures"
MAPPERS: Mapping[str, Mapper] = {"beds24": beds24.MAPPER, "cloudbeds": cloudbeds.MAPPER, "mews": mews.MAPPER}
ROLES = {"beds24": "channel_manager", "cloudbeds": "pms", "mews": "pms"}
CODES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "beds24": {
        "room_type": {"55": "DBL", "66": "SUI"},
        "room": {"55/1": "101", "55/2": "102", "55/3": "103", "66/1": "201"},
        "rate_plan": {"1": "BAR"},
    },
    "cloudbeds": {
        "room_type": {"2001": "DBL", "2002": "SUI"},
        "room": {"2001-1": "101", "2001-2": "102", "2001-3": "103", "2002-1": "201"},
        "rate_plan": {"7001": "BAR"},
    },
    "mews": {
        "room_type": {
            "00000003-0000-4000-8000-000000000001": "DBL",
            "00000003-0000-4000-8000-000000000002": "SUI",
        },
        "room": {},
        "rate_plan": {"00000005-0000-4000-8000-000000000001": "BAR"},
    },
}
NUMBER = "4400000001"  # the OTA's own


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """One room of a booking, in our words; the nights are of one price."""

    type: str = "DBL"
    arrival: str = "2026-05-04"
    departure: str = "2026-05-06"
    price: int = 200
    name: str = "Ann"
    cancelled: bool = False


def _code(vendor: str, kind: str, ours: str) -> str:
    return next(code for code, word in CODES[vendor][kind].items() if word == ours)


def _mapped(vendor: str, body: Any) -> Revision:
    context = MappingContext(
        property_code="P1",
        zone="Europe/Madrid",
        currency="EUR",
        crosswalk=Crosswalk(
            room_type=CODES[vendor]["room_type"], room=CODES[vendor]["room"], rate_plan=CODES[vendor]["rate_plan"]
        ),
    )
    [revision] = MAPPERS[vendor].to_revisions("reservations", json.dumps(body).encode(), context).revisions
    return revision


def _row(vendor: str, name: str) -> Any:
    return json.loads((FIXTURES / vendor / f"{name}.json").read_bytes())


def single_rooms(*rooms: Room, first: int = 1000, version: int = 1) -> list[Revision]:
    """Say a booking as the vendor that keeps a booking a room does: a master and its members."""
    ids = [first + place for place in range(len(rooms))]
    group = {"master": first, "ids": ids} if len(rooms) > 1 else None
    return [
        _mapped(
            "beds24",
            _row("beds24", "group_member")
            | {
                "id": number,
                "masterId": first if group else None,
                "bookingGroup": group,
                "roomId": int(_code("beds24", "room_type", room.type)),
                "unitId": None,
                "offerId": 0,
                "status": "cancelled" if room.cancelled else "confirmed",
                "arrival": room.arrival,
                "departure": room.departure,
                "firstName": room.name,
                "price": room.price,
                "channel": "booking",
                "apiReference": NUMBER,
                "modifiedTime": f"2026-03-0{version}T10:00:00Z",
            },
        )
        for number, room in zip(ids, rooms, strict=True)
    ]


def one_object(*rooms: Room, version: int = 1) -> Revision:
    """Say a booking as the vendor that keeps it as one reservation of room lines does."""
    row = _row("cloudbeds", "multi_room_two_rates_other_dates")
    line = row["rooms"][0]
    lines = []
    for place, room in enumerate(rooms):
        nights = (int(room.departure[-2:]) - int(room.arrival[-2:])) or 1
        rates = {
            f"{room.arrival[:-2]}{int(room.arrival[-2:]) + night:02}": room.price / nights for night in range(nights)
        }
        lines.append(
            line
            | {
                "subReservationID": "9000000001" if place == 0 else f"9000000001-{place + 1}",
                "roomTypeID": _code("cloudbeds", "room_type", room.type),
                "roomID": "",
                "roomName": None,
                "rateID": "",
                "roomCheckIn": room.arrival,
                "roomCheckOut": room.departure,
                "roomStatus": "cancelled" if room.cancelled else "not_checked_in",
                "detailedRoomRates": rates,
                "reservationRoomID": str(31001 + place),
            }
        )
    total = sum(room.price for room in rooms)
    return _mapped(
        "cloudbeds",
        row
        | {
            "rooms": lines,
            "sourceName": "Booking.com",
            "thirdPartyIdentifier": NUMBER,
            "total": total,
            "balanceDetailed": row["balanceDetailed"] | {"subTotal": total, "taxesFees": 0, "grandTotal": total},
            "dateModifiedUTC": f"2026-03-0{version + 1} 11:30:15",
            "dateModified": f"2026-03-0{version + 1} 12:30:15",
        },
    )


def grouped_rooms(*rooms: Room, version: int = 1) -> list[Revision]:
    """Say a booking as the vendor that keeps a reservation a room, in a group, does."""
    found = []
    for place, room in enumerate(rooms):
        body = copy.deepcopy(_row("mews", "confirmed"))
        body["OrderItems"] = []
        body["Reservation"] |= {
            "Id": f"00000007-0000-4000-8000-{place + 1:012}",
            "RequestedResourceCategoryId": _code("mews", "room_type", room.type),
            "AssignedResourceId": None,
            "State": "Canceled" if room.cancelled else "Confirmed",
            "OriginDetails": "Booking.com",
            "ChannelNumber": NUMBER,
            "ScheduledStartUtc": f"{room.arrival}T13:00:00Z",
            "ScheduledEndUtc": f"{room.departure}T10:00:00Z",
            "UpdatedUtc": f"2026-03-0{version}T10:11:12Z",
        }
        found.append(_mapped("mews", body))
    return found


class Joined(House):
    """The small hotel with an account of each vendor, and suites beside its doubles."""

    accounts: dict[str, uuid.UUID]

    @classmethod
    async def open(cls, database: Database, keys: KeyRing, hotel: Any) -> Joined:
        """Open the accounts and map their codes."""
        house = cls(database, keys, hotel.tenant_id, hotel.account_id)
        house.applier = Applier(keys, FixedClock(), new_id, MAPPERS)
        house.accounts = {"beds24": hotel.account_id}
        async with database.transaction(house.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO room_types (tenant_id, room_type_id, property_id, code, name) "
                "VALUES ($1, $2, $3, 'SUI', 'Suite')",
                hotel.tenant_id,
                uuid.uuid4(),
                hotel.property_id,
            )
            for vendor in ("cloudbeds", "mews"):
                house.accounts[vendor] = uuid.uuid4()
                await connection.execute(
                    "INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role, mode) "
                    "VALUES ($1, $2, $3, $4, '8', $5, 'live')",
                    hotel.tenant_id,
                    house.accounts[vendor],
                    hotel.property_id,
                    vendor,
                    ROLES[vendor],
                )
            codes = [
                (hotel.tenant_id, house.accounts[vendor], kind, code, ours)
                for vendor, kinds in CODES.items()
                for kind, mapped in kinds.items()
                for code, ours in mapped.items()
            ]
            await connection.executemany(
                "INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code, our_code) "
                "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                codes,
            )
        return house

    async def see(self, *shown: Revision) -> list[Outcome]:
        """Apply what accounts show, each object in a batch of its own, in this order."""
        return [outcome for one in shown for outcome in await self.see_together(one)]

    async def see_together(self, *shown: Revision) -> list[Outcome]:
        """Apply what one account shows as one batch."""
        records = []
        for one in shown:
            account_id = self.accounts[one.vendor]
            async with self.database.connection() as connection:
                [account] = await accounts.load(connection, [account_id])
            ref = one.ref if one.scope == "reservation" else one.room_stays[0].ref
            key = lanes.lane_key(account_id, "reservations", ref)
            records.append(await self.incoming(one, account=account, ref=ref, lane_key=key))
        return await self.apply_records(records)

    async def stays(self) -> list[tuple[str, str, str]]:
        """Return (room type, arrival, departure) of every stay that takes a room, in order."""
        found = await self.rows(
            "SELECT t.code, s.arrival, s.departure FROM room_stays s JOIN room_types t USING (room_type_id) "
            "WHERE s.status NOT IN ('cancelled', 'no_show') ORDER BY 1, 2, 3"
        )
        return [(row["code"], str(row["arrival"]), str(row["departure"])) for row in found]

    async def booked(self) -> dict[tuple[str, str], int]:
        """Return how many rooms of each type are booked on each night."""
        found = await self.rows(
            "SELECT t.code, i.date, i.booked FROM inventory i JOIN room_types t USING (room_type_id) "
            "WHERE i.booked <> 0"
        )
        return {(row["code"], str(row["date"])): row["booked"] for row in found}

    async def cases(self) -> list[str]:
        """Return the kinds of the open cases."""
        found = await self.rows("SELECT kind FROM cases WHERE state = 'open' ORDER BY kind")
        return [row["kind"] for row in found]

    async def pairs(self) -> Sequence[tuple[str, ...]]:
        """Return, for each stay that is shown by links of their own, the refs it goes by."""
        found = await self.rows(
            "SELECT array_agg(l.vendor_ref ORDER BY l.vendor_ref) AS refs FROM links l "
            "WHERE l.level = 'stay' GROUP BY l.object_id ORDER BY 1"
        )
        return [tuple(row["refs"]) for row in found]


def counted(*rooms: Room) -> dict[tuple[str, str], int]:
    """Count what rooms take, night by night."""
    found: dict[tuple[str, str], int] = {}
    for room in itertools.filterfalse(lambda one: one.cancelled, rooms):
        for night in range(int(room.arrival[-2:]), int(room.departure[-2:])):
            key = room.type, f"{room.arrival[:-2]}{night:02}"
            found[key] = found.get(key, 0) + 1
    return found


def spans(*rooms: Room) -> list[tuple[str, str, str]]:
    """Say the rooms as `Joined.stays` does."""
    return sorted((room.type, room.arrival, room.departure) for room in rooms if not room.cancelled)
