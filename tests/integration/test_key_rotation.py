"""Keys that change while everything runs: nothing fails, and what was sealed before opens after."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest

from config.settings import Settings
from pms_sync.auth.roles import Person
from pms_sync.auth.sessions import Sessions
from pms_sync.bootstrap.opening import MASTER_KEY_FILE, Opened, master_keys, write_privately
from pms_sync.bootstrap.rotating import rotated
from pms_sync.domain.errors import ConfigurationFault, Unavailable
from pms_sync.store import doors, tokens
from pms_sync.store.accounts import load
from pms_sync.store.alone import alone
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.migrations import migrate
from pms_sync.store.sealing import KeyRing, parse_master_keys
from tests.integration.applied_hotel import House, revision
from tests.integration.command_line import HOTEL, Machine
from tests.integration.conftest import MASTER_KEY
from tests.integration.signing_in import Watch, add_person

NEW_KEY = bytes(range(100, 132))
ROUNDS = 40


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the small hotel with an applier."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


async def wrapped_anew(database: Database, *, data_keys: bool = False) -> None:
    """Wrap by a new master key, beside the old one; new data keys are adopted at once."""
    async with database.transaction() as connection:
        ring = KeyRing(NEW_KEY, MASTER_KEY)
        await ring.rewrap(connection)
        if data_keys:
            await ring.renew(connection)
            await connection.execute("UPDATE tenant_keys SET created_at = now() - interval '1 day'")


async def ring_of(database: Database, *master: bytes) -> KeyRing:
    """Start another process."""
    ring = KeyRing(*master)
    async with database.connection() as connection:
        await ring.load(connection)
    return ring


@asynccontextmanager
async def busy(house: House) -> AsyncIterator[list[int]]:
    """Change bookings one after the other, as a daemon does, until enough of it happened on both sides of the body."""
    done: list[int] = []
    enough = asyncio.Event()

    async def work() -> None:
        while not enough.is_set() or len(done) < ROUNDS:
            number = len(done)
            await house.apply(revision(str(number % 7), name=f"Ann {number}", version=f"2026-03-02T10:{number:05}"))
            async with house.database.connection() as connection:
                await house.keys.load(connection)
            done.append(number)

    task = asyncio.create_task(work())
    yield done
    enough.set()
    await task


async def test_keys_that_change_under_load_fail_nothing(house: House) -> None:
    """SEC-16: master key and data keys turn while bookings are applied; a fresh process opens all there is."""
    house.keys.know(NEW_KEY, MASTER_KEY)  # as every daemon is started before the keys turn
    async with busy(house) as done:
        before = len(done)
        await wrapped_anew(house.database, data_keys=True)
    assert len(done) >= max(before, ROUNDS)
    ring = await ring_of(house.database, NEW_KEY)
    sealed = await house.rows("SELECT account_id, vendor_ref, remote FROM links WHERE level = 'stay'")
    versions = {row["remote"][0] for row in sealed}
    for row in sealed:
        place = f"links.remote:{row['account_id']}:stay:{row['vendor_ref']}"
        assert b"Ann" in ring.open(house.tenant_id, place, row["remote"])
    assert versions == {2}


async def test_what_was_sealed_before_opens_after_and_digests_stay(house: House, keys: KeyRing) -> None:
    """SEC-16: old ciphertext is readable, and what is told again is recognised as the same."""
    old = keys.seal(house.tenant_id, "place", b"before")
    digest = keys.digest(house.tenant_id, "guest", b"Ann")
    await house.apply(revision())
    await wrapped_anew(house.database, data_keys=True)
    ring = await ring_of(house.database, NEW_KEY)
    assert ring.open(house.tenant_id, "place", old) == b"before"
    assert ring.seal(house.tenant_id, "place", b"after")[0] == keys.seal(house.tenant_id, "place", b"")[0] + 1
    assert ring.digest(house.tenant_id, "guest", b"Ann") == digest
    restarted = House(house.database, ring, house.tenant_id, house.account_id)
    await restarted.apply(revision(version="2026-03-02T10:00:00Z"))
    assert await house.rows("SELECT version FROM reservations") == [{"version": 1}]


async def test_a_new_data_key_waits_until_every_process_has_read_it(house: House, keys: KeyRing) -> None:
    """SEC-16: nobody seals with a key that another process may not have yet."""
    async with house.database.transaction() as connection:
        await keys.renew(connection)
        await keys.load(connection)
    first = keys.seal(house.tenant_id, "place", b"x")
    assert first[0] == 1
    await house.rows("SELECT 1")
    async with house.database.transaction() as connection:
        await connection.execute("UPDATE tenant_keys SET created_at = now() - interval '1 day'")
        await keys.load(connection)
    assert keys.seal(house.tenant_id, "place", b"x")[0] == 2
    ignorant = KeyRing(MASTER_KEY)
    with pytest.raises(ConfigurationFault, match="not read yet"):
        ignorant.open(house.tenant_id, "place", first)


async def test_only_the_new_master_key_opens_once_all_is_wrapped_anew(house: House, keys: KeyRing) -> None:
    """SEC-16: a daemon that runs goes on; one that starts with the old key alone is told."""
    await wrapped_anew(house.database)
    async with house.database.connection() as connection:
        await keys.load(connection)
    await house.apply(revision())
    with pytest.raises(ConfigurationFault, match="does not open"):
        await ring_of(house.database, MASTER_KEY)


async def test_doors_sessions_and_logins_outlive_the_master_key(house: House, keys: KeyRing) -> None:
    """SEC-16: the address vendors call, who is signed in and how we sign in at vendors stay as they are."""
    database = house.database
    user = await add_person(database, house.tenant_id)
    person = Person(user_id=user.user_id, tenant_id=house.tenant_id, email=user.email, name=user.name, role="manager")
    clock = Watch()
    token, _ = await Sessions(database, keys, clock, new_id, token_bytes).open(person, b"address")
    async with database.transaction() as connection:
        door = await doors.ensure(connection, keys, house.tenant_id, "beds24", "client 1")
        [account] = await load(connection, [house.account_id])
    await tokens.AccountTokens(database, keys, account).save({"refresh_token": "r1"})
    await wrapped_anew(database, data_keys=True)
    ring = await ring_of(database, NEW_KEY)
    assert await Sessions(database, ring, clock, new_id, token_bytes).check(token)
    async with database.connection() as connection:
        found = await doors.find_by_token(connection, ring, door.token)
        again = await doors.ensure(connection, ring, house.tenant_id, "beds24", "client 1")
    assert found is not None
    assert (found.secret, again.is_new) == (door.secret, False)
    assert await tokens.AccountTokens(database, ring, account).load() == {"refresh_token": "r1"}


def opened(database: Database, keys: KeyRing, folder: Path) -> Opened:
    """Open a core over a database whose master key stands in a folder, as the embedded one's does."""
    settings = Settings(data_dir=folder)
    return Opened(settings=settings, dsn="", database=database, keys=keys, vendors={}, clock=Watch(), embedded=None)


async def test_the_embedded_database_turns_its_own_key_and_keeps_the_one_before(
    house: House, keys: KeyRing, tmp_path: Path
) -> None:
    """SEC-16: the file holds at most two, is nobody else's to read, and any start after it opens everything."""
    path = tmp_path / MASTER_KEY_FILE
    path.write_text(MASTER_KEY.hex() + "\n")
    core = opened(house.database, keys, tmp_path)
    for turn in range(1, 4):
        assert await rotated(core, data_keys=True) == {"rewrapped": turn, "data_keys": 1}
        ring = await ring_of(house.database, *master_keys(core.settings, sealed=True))
        assert ring.open(house.tenant_id, "p", keys.seal(house.tenant_id, "p", b"x")) == b"x"
    written = path.read_text().split()
    assert len(written) == 2
    assert MASTER_KEY.hex() not in written
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [MASTER_KEY_FILE]


async def test_whoever_dies_between_the_file_and_the_database_has_lost_nothing(
    house: House, keys: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never lose: until all is wrapped anew, every key before is in the file."""
    (tmp_path / MASTER_KEY_FILE).write_text(MASTER_KEY.hex() + "\n")
    core = opened(house.database, keys, tmp_path)

    async def die(*_: object) -> int:
        raise ConnectionResetError

    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(KeyRing, "rewrap", die)
            with pytest.raises(ConnectionResetError):
                await rotated(core, data_keys=False)
    assert (await ring_of(house.database, *master_keys(core.settings, sealed=True))).knows(house.tenant_id)
    assert await rotated(core, data_keys=False) == {"rewrapped": 1, "data_keys": 0}
    assert (await ring_of(house.database, *master_keys(core.settings, sealed=True))).knows(house.tenant_id)


async def test_one_rotation_at_a_time_touches_the_file(house: House, keys: KeyRing, tmp_path: Path) -> None:
    """Never lose: of two at once, the slower would write back the file of before the other."""
    path = tmp_path / MASTER_KEY_FILE
    path.write_text(MASTER_KEY.hex() + "\n")
    core = opened(house.database, keys, tmp_path)
    async with alone(house.database, "rotate-keys"):
        with pytest.raises(Unavailable, match="somebody else is rotating"):
            await rotated(core, data_keys=False)
    assert path.read_text() == MASTER_KEY.hex() + "\n"
    told = await asyncio.gather(*(rotated(core, data_keys=False) for _ in range(3)), return_exceptions=True)
    assert {"rewrapped": 1, "data_keys": 0} in told
    assert (await ring_of(house.database, *master_keys(core.settings, sealed=True))).knows(house.tenant_id)


@pytest.mark.parametrize("over", [False, True])
def test_a_key_is_on_the_disk_before_its_name_and_the_name_before_it_is_used(
    over: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never lose: power may go at any moment, and the database is on the disk by itself."""
    path = tmp_path / MASTER_KEY_FILE
    synced: list[tuple[str, bool]] = []

    def sync(number: int) -> None:
        what = Path(f"/proc/self/fd/{number}").readlink()
        synced.append(("folder" if what == tmp_path else what.read_text(), path.exists()))

    monkeypatch.setattr(os, "fsync", sync)
    write_privately(path, "key\n", over=over)
    assert synced == [("key\n", False), ("folder", True)]


async def test_the_new_key_is_on_the_disk_before_anything_is_wrapped_by_it(
    house: House, keys: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / MASTER_KEY_FILE).write_text(MASTER_KEY.hex() + "\n")
    order: list[str] = []
    rewrap = KeyRing.rewrap

    async def wrap(ring: KeyRing, connection: Any) -> int:
        order.append("wrapped")
        return await rewrap(ring, connection)

    monkeypatch.setattr(os, "fsync", lambda _: order.append("synced"))
    monkeypatch.setattr(KeyRing, "rewrap", wrap)
    await rotated(opened(house.database, keys, tmp_path), data_keys=False)
    assert order == ["synced", "synced", "wrapped", "synced", "synced"]


async def test_keys_in_the_wrong_order_spoil_no_digest(house: House, keys: KeyRing) -> None:
    """The old key before the new one, until and after the first rotation: webhooks still find their door."""
    known = keys.token_digest("door")
    ring = await ring_of(house.database, MASTER_KEY, NEW_KEY)
    assert ring.token_digest("door") == known
    async with house.database.transaction() as connection:
        await ring.rewrap(connection)
    assert (await ring_of(house.database, NEW_KEY, MASTER_KEY)).token_digest("door") == known


async def test_the_root_of_rotated_keys_is_not_dropped(house: House, keys: KeyRing, migrated_database: str) -> None:
    """Before the first rotation the way down is free, since the root is derived; after it, the table holds the root."""
    known = keys.token_digest("door")
    await migrate(migrated_database, "0016")
    await migrate(migrated_database)
    assert (await ring_of(house.database, MASTER_KEY)).token_digest("door") == known
    await wrapped_anew(house.database)
    with pytest.raises(ConfigurationFault, match="keys were rotated"):
        await migrate(migrated_database, "0016")
    assert (await ring_of(house.database, NEW_KEY)).token_digest("door") == known


def test_one_key_may_be_written_with_spaces_and_several_stand_apart() -> None:
    spaced = MASTER_KEY.hex(" ", 4)
    assert parse_master_keys(f"{spaced}\n") == (MASTER_KEY,)
    assert parse_master_keys(f"{NEW_KEY.hex()}, {MASTER_KEY.hex()}\n") == (NEW_KEY, MASTER_KEY)
    for wrong in ("", "  ", f"{NEW_KEY.hex()} {spaced}"):
        with pytest.raises(ConfigurationFault, match="not 32 bytes"):
            parse_master_keys(wrong)


def test_a_server_database_takes_the_new_key_beside_the_old_one(machine: Machine) -> None:
    """SEC-16 by command: both keys, rotate, then the new one alone; the old one alone is a matter of configuration."""
    old, both = MASTER_KEY.hex(), f"{NEW_KEY.hex()} {MASTER_KEY.hex()}"
    machine.write_hotels(prado=HOTEL)
    added = ("accounts", "add", "beds24", "--property", "P1", "--credential", "refresh_token=x", "--json")
    machine.invoke(*added)
    told = machine.invoke("rotate-keys", "--data-keys", "--json", MASTER_KEY=both)
    assert (told.code, told.document) == (0, {"rewrapped": 1, "data_keys": 1})
    assert machine.invoke("accounts", "list", "--json", MASTER_KEY=NEW_KEY.hex()).code == 0
    refused = machine.invoke("accounts", "list", "--json", MASTER_KEY=old)
    assert (refused.code, refused.error["where"]) == (2, "PMS_SYNC_MASTER_KEY")
    doctor = machine.invoke("doctor", "--json", MASTER_KEY=old)
    assert (doctor.code, "master key does not open" in doctor.document["items"][-1]["detail"]) == (1, True)


def nonces_of(ring: KeyRing, tenant_id: uuid.UUID, count: int) -> bytes:
    """Seal one and the same value again and again, and return what each was sealed with."""
    return b"".join(ring.seal(tenant_id, "place", b"same")[1:13] for _ in range(count))


async def test_no_nonce_comes_twice_over_forks_and_restarts(
    database: Database, keys: KeyRing, hotel: Any, tmp_path: Path
) -> None:
    """SEC-18: each process draws from the system anew; a ring that was copied by a fork goes ways of its own."""
    count, children = 20_000, 4
    nonces_of(keys, hotel.tenant_id, 10)
    for number in range(children):
        child = os.fork()
        if child == 0:
            (tmp_path / str(number)).write_bytes(nonces_of(keys, hotel.tenant_id, count))
            os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)
    drawn = [(tmp_path / str(number)).read_bytes() for number in range(children)]
    drawn.append(nonces_of(keys, hotel.tenant_id, count))
    drawn.append(nonces_of(await ring_of(database, MASTER_KEY), hotel.tenant_id, count))
    seen = {part[at : at + 12] for part in drawn for at in range(0, len(part), 12)}
    assert len(seen) == count * (children + 2)


async def test_every_nonce_is_twelve_bytes_of_the_system_and_nothing_else(
    keys: KeyRing, hotel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEC-18, by construction: no counter and no seed that a copy of the process could share.

    With 96 random bits, 10^7 values of one key meet with a chance below 10^-15; a key is changed long before 2^32.
    """
    asked: list[int] = []

    def draw(size: int) -> bytes:
        asked.append(size)
        return bytes([len(asked)]) * size

    monkeypatch.setattr(os, "urandom", draw)
    sealed = [keys.seal(hotel.tenant_id, "place", b"same") for _ in range(3)]
    assert asked == [12, 12, 12]
    assert [one[1:13] for one in sealed] == [bytes([number]) * 12 for number in (1, 2, 3)]
