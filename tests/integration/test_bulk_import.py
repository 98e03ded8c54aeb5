"""A large import with overlaps: what fits is placed, what does not is kept and flagged, and nothing stops."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Incoming
from pms_sync.domain.reservation import Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.store import accounts, crosswalk, lanes
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.listed_hotel import Clock, rows, value

FIRST = date(2026, 1, 1)
BATCH = 500
ROOMS = ("101", "102", "103")


def booking(number: int, room: str, night: date) -> Revision:
    """Build a booking of one night."""
    stay = Stay(
        ref=str(number),
        room_type_ref="55",
        room_ref=f"55/{room[-1]}",
        room_type="DBL",
        room=room,
        arrival=night,
        departure=night + timedelta(days=1),
        status=Status.CONFIRMED,
        total=Decimal(100),
    )
    return Revision(
        vendor="beds24", ref=str(number), property_ref="7", version="1", scope="stay", status=Status.CONFIRMED,
        currency="EUR", total=Decimal(100), room_stays=(stay,),
    )  # fmt: skip


def imported(count: int) -> list[Revision]:
    """Build bookings that fill night after night, one in a hundred of them for a night that is taken already."""
    found, place = [], 0
    for number in range(1, count + 1):
        if number % 100 == 0:
            found.append(booking(number, ROOMS[0], FIRST))
            continue
        found.append(booking(number, ROOMS[place % 3], FIRST + timedelta(days=place // 3)))
        place += 1
    return found


@pytest.mark.parametrize("count", [1_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_every_booking_of_an_import_is_placed_or_flagged(
    database: Database, keys: KeyRing, hotel: Any, count: int
) -> None:
    """INV-13: 99 % placed, every overlap kept and to be read again, no abort."""
    applier = Applier(keys, Clock(), uuid.uuid4)
    bookings = imported(count)
    for start in range(0, count, BATCH):
        async with database.transaction(hotel.tenant_id) as connection:
            [account] = await accounts.load(connection, [hotel.account_id])
            catalogue = await crosswalk.load_catalogue(connection, hotel.tenant_id, hotel.property_id)
            ticket = await lanes.read_ticket(connection)
            batch = [_incoming(account, one, ticket) for one in bookings[start : start + BATCH]]
            await applier.apply(connection, hotel.tenant_id, batch, {hotel.property_id: catalogue})
    overlaps = count // 100
    states = {
        row["claim_state"]: row["n"]
        for row in await rows(database, hotel, "SELECT claim_state, count(*) AS n FROM room_stays GROUP BY 1")
    }
    assert states == {"claimed": count - overlaps, "refused": overlaps}
    assert await value(database, hotel, "SELECT count(*) FROM reservations") == count
    refused = {
        row["vendor_ref"]
        for row in await rows(database, hotel, "SELECT vendor_ref FROM room_stays WHERE claim_state = 'refused'")
    }
    reread = {row["ref"] for row in await rows(database, hotel, "SELECT ref FROM events WHERE state = 'waiting'")}
    assert refused <= reread


def _incoming(account: Any, mapped: Revision, ticket: int) -> Incoming:
    ref = mapped.room_stays[0].ref
    body = msgspec.json.encode(mapped)
    return Incoming(
        account=account,
        lane_key=lanes.lane_key(account.account_id, "reservations", ref),
        stream="reservations",
        ref=ref,
        kind="backfill",
        mapped=mapped,
        body=body,
        raw_id=None,
        digest=hashlib.sha256(body).digest(),
        ticket=ticket,
        direct=False,
        correlation_id="c1",
    )
