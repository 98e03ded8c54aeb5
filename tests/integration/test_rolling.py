"""Rolling: whose turn it is to be compared, and that one account in trouble keeps no other from its turn."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest

from pms_sync.domain.errors import Unavailable
from pms_sync.reconcile.given import Ends, ReconcileRuntime
from pms_sync.reconcile.rolling import Rolling
from pms_sync.reconcile.runner import Reconcile
from pms_sync.store.database import Database
from tests.integration.listed_hotel import NOW, Clock, ListedHotel, Runtime, runtime_of, spec

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORE = """
WITH place AS (INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency)
               VALUES ($1, gen_random_uuid(), $3, 'Hotel', 'Europe/Madrid', 'EUR') RETURNING property_id)
INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role)
SELECT $1, $2, property_id, 'beds24', $3, 'pms' FROM place
"""


class Comparer:
    """Stands in for the run: notes whose turn it was, and proves or fails as the test says."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.turns: list[uuid.UUID] = []
        self.streams: list[str] = []
        self.equal, self.fails = True, False

    async def run(self, runtime: Runtime, stream: str, ends: Ends) -> None:
        """Compare."""
        self.streams.append(stream)
        self.turns.append(runtime.account.account_id)
        if self.fails:
            raise Unavailable("away", "vendor", "wait")
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO proofs (tenant_id, account_id, stream, as_of, range_from, range_to, compared, differed, "
                "healed, equal) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7)",
                runtime.account.tenant_id,
                runtime.account.account_id,
                stream,
                self.clock.now(),
                *ends,
                self.equal,
            )


class Turns:
    """Two accounts whose history is read, and the daemon's turn over them."""

    def __init__(self, database: Database, hotel: Any) -> None:
        self.database, self.hotel, self.clock = database, hotel, Clock()
        self.first, self.second = hotel.account_id, uuid.uuid4()
        self.runtimes: dict[uuid.UUID, Runtime] = {}
        self.comparer = Comparer(database, self.clock)
        self.rolling = Rolling(
            database,
            cast(Reconcile, self.comparer),
            lambda: cast(dict[uuid.UUID, ReconcileRuntime], self.runtimes),
            clock=self.clock,
            ends=lambda _spec: (NOW - DAY, NOW + DAY),
        )

    async def open(self) -> None:
        """Store the second account, and let both have been read long ago."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(MORE, self.hotel.tenant_id, self.second, "P2")
            await connection.execute("UPDATE accounts SET created_at = now() - interval '2 days'")
            await connection.execute(
                "INSERT INTO cursors (tenant_id, account_id, stream, last_success_at) "
                "SELECT tenant_id, account_id, 'reservations', now() FROM accounts"
            )
        for account_id in (self.first, self.second):
            self.runtimes[account_id] = await runtime_of(self.database, account_id, ListedHotel())

    async def sql(self, statement: str) -> None:
        """Change the store."""
        async with self.database.transaction() as connection:
            await connection.execute(statement)

    async def steps(self, number: int) -> list[uuid.UUID]:
        """Take so many turns and return whose they were."""
        before = len(self.comparer.turns)
        for _ in range(number):
            await self.rolling.step()
        return self.comparer.turns[before:]


@pytest.fixture
async def turns(database: Database, hotel: Any) -> Turns:
    """Give two accounts that were never compared."""
    made = Turns(database, hotel)
    await made.open()
    return made


async def test_each_account_has_its_turn_once_a_day(turns: Turns) -> None:
    assert sorted(await turns.steps(5)) == sorted([turns.first, turns.second])
    turns.clock.at += DAY - HOUR
    assert await turns.steps(2) == []
    turns.clock.at += 2 * HOUR
    assert sorted(await turns.steps(5)) == sorted([turns.first, turns.second])


async def test_the_longest_unproven_goes_first(turns: Turns) -> None:
    [early] = await turns.steps(1)
    [late] = {turns.first, turns.second} - {early}
    turns.clock.at += HOUR
    await turns.steps(1)
    turns.clock.at += 2 * DAY
    assert await turns.steps(1) == [early]
    turns.clock.at += HOUR
    assert await turns.steps(1) == [late]
    turns.comparer.equal = False
    turns.clock.at += 2 * DAY
    assert await turns.steps(1) == [early]  # compared, and not proven
    turns.clock.at += 2 * DAY
    assert await turns.steps(1) == [early]


async def test_an_account_that_fails_rests_and_keeps_nobody_waiting(turns: Turns) -> None:
    turns.comparer.fails = True
    assert len(set(await turns.steps(4))) == 2
    assert len(turns.comparer.turns) == 2
    turns.comparer.fails = False
    turns.clock.at += 2 * HOUR
    assert len(await turns.steps(4)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET state = 'paused'",
        "UPDATE cursors SET last_success_at = NULL",  # its history is still being read
        "UPDATE accounts SET created_at = now()",
    ],
)
async def test_an_account_that_is_not_followed_yet_is_left_alone(turns: Turns, statement: str) -> None:
    await turns.sql(statement)
    assert await turns.steps(3) == []


async def test_a_vendor_that_lists_nothing_whole_never_has_a_turn(turns: Turns) -> None:
    declared = spec()
    bare = msgspec.structs.replace(
        declared, streams=tuple(msgspec.structs.replace(one, snapshot_dimension=None) for one in declared.streams)
    )
    for runtime in turns.runtimes.values():
        runtime.connector = ListedHotel(bare)
    assert await turns.steps(2) == []


async def test_blocks_have_turns_of_their_own_where_they_are_followed(turns: Turns) -> None:
    """Guests have none: they are compared with their bookings."""
    await turns.sql(
        "INSERT INTO cursors (tenant_id, account_id, stream, last_success_at) "
        "SELECT tenant_id, account_id, name, now() FROM accounts, unnest(ARRAY['blocks', 'guests']) AS name"
    )
    declared = spec()
    [reservations] = declared.streams
    blocks, guests = (msgspec.structs.replace(reservations, name=name) for name in ("blocks", "guests"))
    turns.runtimes[turns.first].connector = ListedHotel(
        msgspec.structs.replace(declared, streams=(reservations, blocks, guests))
    )
    assert sorted(await turns.steps(5)) == sorted([turns.first, turns.first, turns.second])
    assert sorted(turns.comparer.streams) == ["blocks", "reservations", "reservations"]
