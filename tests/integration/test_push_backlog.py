"""A backlog: one vendor is away, much is edited meanwhile, and another vendor goes on as if nothing was."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from pms_sync.apply.tongues import Tongues
from pms_sync.domain.errors import VendorFault
from pms_sync.ports.looking import Looked
from pms_sync.push.dispatcher import Dispatcher
from pms_sync.store import accounts
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.pushing_hotel import PushingHotel, Runtime, pushing_hotel

OBJECTS, ROUNDS = 60, 5  # one and a half times what one call takes


class Side(PushingHotel):
    """One vendor of two; `away` says that it does not answer."""

    away = False

    async def look(self, runtime: Any, asked: Mapping[str, str]) -> dict[str, Looked]:
        """Read, unless nobody answers."""
        if self.away:
            self.looks.append(dict(asked))
            raise VendorFault("no connection", counts_against_breaker=True, sent=False)
        return await super().look(runtime, asked)


class Both:
    """Two vendors behind one dispatcher."""

    def __init__(self, sick: Side, well: Side) -> None:
        self.sick, self.well = sick, well
        self._sides = {side.account.account_id: side for side in (sick, well)}
        mappers: Any = {"beds24": sick.mapper}
        outgoing: Any = self.outgoing
        self.dispatcher = Dispatcher(
            sick.database,
            sick.keys,
            self,
            outgoing=outgoing,
            pend=sick.pend,
            tongues=Tongues(mappers),
            look=self.look,
            new_id=uuid.uuid4,
            random=Random(1),
        )

    async def get(self, account_id: uuid.UUID) -> Any:
        """Return the runtime of an account."""
        return self._sides[account_id].runtime

    async def outgoing(self, connection: Any, *about: Any, **terms: Any) -> Any:
        """Say what differs, by the account it is asked for."""
        account = next(one for one in about if isinstance(one, accounts.Account))
        return await self._sides[account.account_id].outgoing(connection, *about, **terms)

    async def look(self, runtime: Runtime, asked: Mapping[str, str]) -> dict[str, Looked]:
        """Read at whom it is asked of."""
        return await self._sides[runtime.account.account_id].look(runtime, asked)


@pytest.fixture
async def both(database: Database, keys: KeyRing, hotel: Any) -> Both:
    """Give the hotel a second account beside its first."""
    first = await pushing_hotel(database, keys, hotel)
    other = uuid.uuid4()
    async with database.transaction(hotel.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role, mode) "
            "SELECT tenant_id, $2, property_id, vendor, '8', 'pms', 'live' FROM accounts WHERE account_id = $1",
            hotel.account_id,
            other,
        )
        [second] = await accounts.load(connection, [other])
    return Both(*(Side(database, keys, hotel, account) for account in (first.account, second)))


async def test_a_backlog_drains_as_the_newest_state_and_holds_no_other_vendor(both: Both) -> None:
    """OUT-14 in small: however much was edited while a vendor was away, it is sent each object's last word, once."""
    sick, well = both.sick, both.well
    sick.away = True
    waiting = [await sick.booked(str(1001 + number)) for number in range(OBJECTS)]
    flowing = await well.booked("5001")
    for turn in range(ROUNDS):
        for stay in waiting:
            await sick.edit(stay, notes=f"word {turn}")
        await well.edit(flowing, notes=f"word {turn}")
        for _ in range(3):
            await both.dispatcher.drain()
            await sick.hasten()
        assert well.vendor.shown["5001"].notes == f"word {turn}"
    assert len(well.vendor.pushes) == ROUNDS
    assert sick.vendor.pushes == []
    assert {row["attempts"] for row in await sick.intents() if row["state"] == "planned"} == {0}
    assert (await sick.states()).count("planned") == OBJECTS

    sick.away = False
    calls = len(sick.looks)
    for _ in range(6):
        await both.dispatcher.drain()
        await sick.hasten()
    assert {one.notes for one in sick.vendor.shown.values()} == {f"word {ROUNDS - 1}"}
    told = [request.ref or "" for push in sick.vendor.pushes for request in push]
    assert sorted(told) == sorted(sick.vendor.shown)
    assert len(sick.vendor.pushes) == 2
    assert len(sick.looks) - calls <= 2 * len(sick.vendor.pushes)
    assert set(await sick.states()) == {"verified"}
    assert len(well.vendor.pushes) == ROUNDS
