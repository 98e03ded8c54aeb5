"""The valve: a vendor that cancels a large part of a hotel's bookings at once is not followed blindly."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from pms_sync.domain.reservation import Revision
from pms_sync.domain.status import Status
from pms_sync.ingest.valve import Valve
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision

REFS = [str(number) for number in range(1001, 1013)]


@pytest.fixture
async def full(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the hotel with twelve bookings to come, none in a room yet."""
    house = House(database, keys, hotel.tenant_id, hotel.account_id)
    await house.apply(*(_booking(ref) for ref in REFS))
    return house


def _booking(ref: str, **changes: Any) -> Revision:
    return revision(ref, room=None, arrival=date(2999, 3, 10), departure=date(2999, 3, 12), **changes)


async def _held(house: House, refs: Sequence[str]) -> dict[str, str]:
    """Let the vendor say that these are cancelled, and return what is held back."""
    gone = [await house.incoming(_booking(ref, status=Status.CANCELLED, version="2026-03-05T10")) for ref in refs]
    async with house.database.transaction(house.tenant_id) as connection:
        return await Valve(uuid.uuid4).held(connection, gone[0].account, gone)


async def test_few_cancellations_pass(full: House) -> None:
    """Three of twelve is an ordinary morning."""
    assert await _held(full, REFS[:3]) == {}
    assert await full.rows("SELECT count(*) AS n FROM cases WHERE kind = 'mass_change'") == [{"n": 0}]


async def test_a_mass_cancellation_waits_for_a_person_and_is_read_again(full: House) -> None:
    """ARCHITECTURE §7, valve: more than 30 % of at least 10 stops and asks."""
    held = await _held(full, REFS[:5])
    assert set(held.values()) == {"held"}
    [case] = await full.rows("SELECT severity, fields FROM cases WHERE kind = 'mass_change' AND state = 'open'")
    assert (case["severity"], case["fields"][0]["here"], case["fields"][0]["there"]) == (1, 12, 7)
    again = await full.rows("SELECT ref FROM lanes WHERE not_before > now() ORDER BY ref")
    assert [row["ref"] for row in again] == REFS[:5]


async def test_what_a_person_let_through_passes(full: House) -> None:
    """BEYOND 31: the valve has a witnessed override."""
    await _held(full, REFS[:5])
    await full.rows("UPDATE cases SET state = 'resolved', resolved_at = now() RETURNING case_id")
    assert await _held(full, REFS[:5]) == {}


async def test_the_case_is_withdrawn_when_nothing_large_is_left_to_do(full: House) -> None:
    """BEYOND 31: and it clears itself."""
    await _held(full, REFS[:6])
    await full.apply(*(_booking(ref, status=Status.CANCELLED, version="2026-03-05T10") for ref in REFS[:6]))
    assert await _held(full, REFS[:6]) == {}
    assert await full.rows("SELECT state FROM cases WHERE kind = 'mass_change'") == [{"state": "withdrawn"}]
