"""Deliveries among hostile ones, and while the door's secret turns: whoever has a right to be heard is heard."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest_asyncio

from pms_sync.store import doors
from pms_sync.store.database import Database
from pms_sync.store.doors import DoorAddress
from pms_sync.store.sealing import KeyRing
from tests.integration.test_receiver import NOW, Desk, listening

LIMIT = 16_384
FRIENDS, PER_STRANGER = 900, 100
BOMB = gzip.compress(b"0" * 50_000_000)
# (body, headers, answer): a stranger with the right secret may have its broken body kept, and is never served beyond.
HOSTILE: Sequence[tuple[bytes, dict[str, str], frozenset[int]]] = [
    (BOMB, {"Content_Encoding": "gzip"}, frozenset({413, 415})),
    (b"[" * 16_000, {}, frozenset({200})),
    (b'{"a":' * 3_000, {}, frozenset({200})),
    (b"\xff\xfe\x00" * 5_000, {}, frozenset({200})),
    (b"9" * 16_000, {}, frozenset({200})),
    (b"x" * (LIMIT + 1), {}, frozenset({413})),
    (b"{}", {"X_Secret": "guessed"}, frozenset({401, 403})),
    (b"<!DOCTYPE a [<!ENTITY b 'c'>]>", {"Content_Type": "application/xml"}, frozenset({415})),
    (b'{"card":"' + b"4" * 16_000 + b'"}', {}, frozenset({200})),
]


@pytest_asyncio.fixture
async def desk(database: Database, keys: KeyRing, hotel: Any, plain_door: Any) -> AsyncIterator[Desk]:
    """Run a receiver."""
    async with database.transaction() as connection:
        door: DoorAddress = await doors.ensure(connection, keys, hotel.tenant_id, hotel.vendor, "client 1")
    async with listening(database, database, keys, door, plain_door, body=LIMIT, read_s=5.0) as opened:
        yield opened


def friend(number: int) -> bytes:
    """Write one delivery that is like no other."""
    return json.dumps({"event": f"e{number}", "property": "7", "bookings": [number]}).encode()


async def in_turns(count: int, send: Any) -> list[int]:
    """Send so many, 30 at a time, and return the answers."""
    gate = asyncio.Semaphore(30)

    async def one(number: int) -> int:
        async with gate:
            status: int = await send(number)
            return status

    return await asyncio.gather(*(one(number) for number in range(count)))


async def test_no_delivery_is_refused_because_of_hostile_ones(desk: Desk) -> None:
    """SEC-26: one in a hundred is a bomb, a nest, a flood or a forgery; every honest one is stored."""
    heard: list[tuple[int, int]] = []

    async def send(number: int) -> int:
        if number % PER_STRANGER == 0:
            place = number // PER_STRANGER % len(HOSTILE)
            body, headers, _ = HOSTILE[place]
            heard.append((place, (await desk.post(body, **headers))[0]))
        return (await desk.post(friend(number)))[0]

    answers = await in_turns(FRIENDS, send)
    assert set(answers) == {200}
    assert len(heard) == FRIENDS // PER_STRANGER == len(HOSTILE)
    assert [(place, status) for place, status in heard if status not in HOSTILE[place][2]] == []
    kept = {row["vendor_delivery_id"] for row in await desk.rows()}
    assert {f"e{number}" for number in range(FRIENDS)} <= kept


async def test_a_secret_that_turns_while_deliveries_come_in_refuses_none(
    desk: Desk, database: Database, keys: KeyRing, hotel: Any
) -> None:
    """SEC-16: senders learn the new secret one after the other, and both are heard as long as both are valid."""
    known = [desk.door.secret]

    async def turn() -> None:
        async with database.transaction() as connection:
            new = await doors.rotate(connection, keys, hotel.tenant_id, desk.door.vendor, "client 1", now=NOW)
        async with asyncio.timeout(30):
            while (await desk.post(friend(0), secret=new))[0] != 200:
                pass
        known.append(new)

    async def send(number: int) -> int:
        if number == 100:
            await turn()
        return (await desk.post(friend(number), secret=known[number % len(known)]))[0]

    assert set(await in_turns(300, send)) == {200}
    desk.clock.at = NOW + doors.OVERLAP + timedelta(seconds=1)
    assert (await desk.post(friend(300), secret=known[1]))[0] == 200
    assert (await desk.post(friend(301), secret=known[0]))[0] in {401, 403}
