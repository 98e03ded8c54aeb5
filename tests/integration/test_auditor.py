"""The auditor finds a good store good, and every defect that is planted in it, by invariant, ref and path."""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from pms_sync.auditor import INVARIANTS, Audit, Witness, audit, politeness, store_hash
from pms_sync.domain.errors import Fault, Unavailable
from pms_sync.store import audit as audit_log
from tests.conftest import Postgres
from tests.integration.audited_hotel import (
    ALONE,
    BLOCK,
    CANCELLED,
    DAY_USE,
    GROUP,
    HOLD,
    INQUIRY,
    OTA,
    REFUSED,
    SECOND,
    UNMAPPED,
    VENDOR,
    fill,
    plant,
    restore,
    running_site,
    save,
)
from tests.integration.conftest import run_sql

CARD = "4111111111111111"
Truths = dict[str, dict[str, Any]]
Spot = tuple[str, str, str]
"""(invariant, ref, path)"""


class House(NamedTuple):
    """A good store, with the vendor's truth and calls."""

    dsn: str
    truths: Truths
    calls: list[dict[str, Any]]

    async def audit(self, witness: Witness | None = None, **options: Any) -> Audit:
        """Audit the store."""
        return await audit(self.dsn, self.truths, witness or Witness(), **options)


@pytest.fixture(scope="module")
def kept(postgres: Postgres) -> Iterator[House]:
    """Read one of everything into a store, once."""
    name, server = f"audited_{uuid.uuid4().hex}", postgres.dsn("postgres")
    dsn = postgres.dsn(name)

    async def make() -> House:
        await run_sql(server, f"CREATE DATABASE {name}")
        async with running_site(dsn, reservations=0, rooms=4) as site:
            await fill(site)
            calls = (await site.desk.client.get("/_sim/calls")).json()["items"]
            truths = await site.truth()
        await save(dsn)
        return House(dsn, truths, calls)

    yield asyncio.run(make())
    asyncio.run(run_sql(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest_asyncio.fixture
async def house(kept: House) -> House:
    """Give the good store as it was, and a truth of the test's own."""
    await restore(kept.dsn)
    return kept._replace(truths=copy.deepcopy(kept.truths))


def broken(found: Audit) -> set[str]:
    """Return the invariants that are broken."""
    return {name for name, verdict in found.invariants.items() if verdict == "broken"}


def spots(found: Audit) -> set[Spot]:
    """Return what is wrong where."""
    return {(one.invariant, one.ref, one.path) for one in found.everything()}


def stay_of(ref: str) -> str:
    """Write a query for the id of a stay."""
    return f"(SELECT stay_id FROM room_stays WHERE vendor_ref = '{ref}')"


def reservation_of(ref: str) -> str:
    """Write a query for the id of a reservation."""
    return f"(SELECT DISTINCT reservation_id FROM room_stays WHERE vendor_ref = '{ref}')"


def cast(inventory: str, where: str) -> str:
    """Write a correction of the counters of one month."""
    return f"UPDATE inventory SET {inventory} WHERE date::text LIKE '{where}'"


async def test_a_good_store_is_found_equal_in_everything(house: House) -> None:
    found = await house.audit()
    assert list(found.everything()) == []
    assert found.converged
    vendor = found.vendors[VENDOR]
    assert vendor.truth == vendor.store
    assert msgspec.to_builtins(vendor.truth) == {
        "reservations": 14,
        "room_stays": 15,
        "room_nights": 21,
        "blocks": 1,
    }
    exercised = {name for name, verdict in found.invariants.items() if verdict == "held"}
    assert exercised == {"I1", "I2", "I3", "I4", "I5", "I7", "I8", "I9", "I12", "I15"}


async def test_the_document_is_plain_json(house: House) -> None:
    await plant(house.dsn, f"UPDATE room_stays SET total = 1.50 WHERE vendor_ref = '{ALONE}'")
    document = json.loads(json.dumps((await house.audit()).document()))
    assert document.keys() == {"invariants", "vendors", "differences"}
    assert list(document["invariants"]) == list(INVARIANTS)
    assert document["vendors"][VENDOR].keys() == {"truth", "store", "differences", "parked", "vanished"}
    [found] = document["vendors"][VENDOR]["differences"]
    assert found == {
        "invariant": "I4",
        "ref": ALONE,
        "path": f"room_stays[{ALONE}].total",
        "vendor": "200.01",
        "store": "1.50",
    }


async def test_an_empty_store_exercises_nothing(migrated_database: str) -> None:
    found = await audit(migrated_database, {})
    assert set(found.invariants.values()) == {"not_exercised"}
    assert found.converged


async def test_without_a_truth_the_store_is_still_checked_against_itself(house: House) -> None:
    await plant(house.dsn, f"UPDATE reservations SET status = 'hold' WHERE reservation_id = {reservation_of(ALONE)}")
    found = await audit(house.dsn, {})
    assert found.invariants["I4"] == "not_exercised"
    assert broken(found) == {"I15"}
    assert spots(found) == {("I15", ALONE, "status")}
    assert found.vendors == {}


async def test_only_watched_properties_are_compared(house: House) -> None:
    """A vendor's other hotels are nobody's loss."""
    [one] = [one for one in house.truths[VENDOR]["reservations"] if one["ref"] == ALONE]
    house.truths[VENDOR]["reservations"].append({**one, "ref": "999", "property_ref": "8"})
    assert (await house.audit()).converged
    narrowed = await house.audit(properties={VENDOR: ["8"]})
    assert narrowed.vendors[VENDOR].truth.reservations == 0
    assert narrowed.invariants["I4"] == "not_exercised"


async def test_a_property_the_vendor_does_not_have_is_not_compared(house: House) -> None:
    """Another simulator's truth says nothing about this account."""
    house.truths[VENDOR]["properties"] = [{"ref": "8"}]
    house.truths[VENDOR]["reservations"] = []
    assert (await house.audit()).vendors[VENDOR].store.reservations == 0


async def test_money_is_compared_by_value(house: House) -> None:
    for one in house.truths[VENDOR]["reservations"]:
        one["total"] = f"{one['total']}00"
    assert (await house.audit()).converged


async def test_a_truth_of_another_shape_is_refused(house: House) -> None:
    del house.truths[VENDOR]["reservations"][0]["status"]
    with pytest.raises(Fault, match="status") as refused:
        await house.audit()
    assert refused.value.where == VENDOR


async def test_a_database_that_is_away_is_said_so(postgres: Postgres) -> None:
    with pytest.raises(Unavailable):
        await audit(postgres.dsn("nowhere"), {})


async def test_a_database_without_our_schema_is_said_so(empty_database: str) -> None:
    with pytest.raises(Unavailable, match="UndefinedTable") as refused:
        await audit(empty_database, {})
    assert "migrate" in refused.value.remedy


async def test_somebody_who_would_see_empty_tables_is_turned_away(house: House) -> None:
    """Row-level security hides; an auditor that sees nothing must not call it a loss."""
    role = f"clerk_{uuid.uuid4().hex}"
    await run_sql(house.dsn, f"CREATE ROLE {role} LOGIN IN ROLE pms_sync_worker, pms_sync_reader")
    try:
        with pytest.raises(Unavailable, match="PermissionError") as refused:
            await audit(house.dsn.replace("//pms@", f"//{role}@"), house.truths)
        with pytest.raises(Unavailable):
            await store_hash(house.dsn.replace("//pms@", f"//{role}@"))
        assert "owner" in refused.value.remedy
    finally:
        await run_sql(house.dsn, f"DROP ROLE {role}")


async def test_an_audit_writes_nothing(house: House) -> None:
    before = await store_hash(house.dsn)
    await house.audit(Witness(canaries=(CARD,)))
    assert await store_hash(house.dsn) == before


class Plant(NamedTuple):
    """A defect: the statements that make it, and the difference that must tell of it, alone with its invariant."""

    invariant: str
    ref: str
    path: str
    statements: tuple[str, ...]
    also: str = ""

    @property
    def name(self) -> str:
        """Name the test."""
        return f"{self.invariant} {self.path} of {self.ref}"


def planted(invariant: str, ref: str, path: str, *statements: str, also: str = "") -> Plant:
    """Write one row of the table; `also` is another invariant that the same defect breaks."""
    return Plant(invariant, ref, path, statements, also)


def lost(ref: str, *tables: str) -> tuple[str, ...]:
    """Write the disappearance of a reservation from these tables and from its own."""
    home = reservation_of(ref)
    return (
        *(f"DELETE FROM {table} WHERE reservation_id = {home}" for table in tables),
        f"DELETE FROM stay_nights WHERE stay_id = {stay_of(ref)}",
        f"DELETE FROM reservations WHERE reservation_id = {home}",
        f"DELETE FROM room_stays WHERE vendor_ref = '{ref}'",
    )


LOSSES = [
    planted("I1", CANCELLED, "reservation", *lost(CANCELLED, "links", "guests", "identity_keys")),
    planted(
        "I1",
        GROUP,
        f"room_stays[{SECOND}]",
        f"DELETE FROM room_claims WHERE holder_id = {stay_of(SECOND)}",
        f"DELETE FROM room_stays WHERE vendor_ref = '{SECOND}'",
        cast("booked = booked - 1", "2030-04-%"),
    ),
    planted(
        "I1",
        BLOCK,
        "block",
        f"DELETE FROM room_claims USING blocks WHERE holder_id = block_id AND vendor_ref = '{BLOCK}'",
        f"DELETE FROM blocks WHERE vendor_ref = '{BLOCK}'",
        cast("out_of_order = 0", "2030-05-%"),
    ),
    planted("I1", ALONE, "links", f"DELETE FROM links WHERE level = 'reservation' AND vendor_ref = '{ALONE}'"),
    *(
        planted(
            "I1",
            "00000000-0000-0000-0000-000000000005",
            f"{table}.{column}",
            f"UPDATE {table} SET {column} = '00000000-0000-0000-0000-000000000005' WHERE {where}",
            also=also,
        )
        for table, column, where, also in (
            ("folio_lines", "reservation_id", f"reservation_id = {reservation_of(ALONE)}", "I7"),
            ("guests", "reservation_id", f"reservation_id = {reservation_of(HOLD)}", ""),
            ("identity_keys", "reservation_id", f"reservation_id = {reservation_of(HOLD)}", ""),
            ("stay_nights", "stay_id", f"stay_id = {stay_of(HOLD)}", "I4"),
            ("room_stays", "reservation_id", f"vendor_ref = '{HOLD}'", "I2"),
            ("inventory", "room_type_id", "date = '2030-03-10'", "I8"),
        )
    ),
    planted("I1", ALONE, "inbox.lane", f"UPDATE events SET state = 'waiting' WHERE ref = '{ALONE}'"),
    planted("I1", ALONE, "inbox.body", f"UPDATE events SET state = 'parked', raw_id = 0 WHERE ref = '{ALONE}'"),
]
_STAY_COLUMNS = (
    "tenant_id, reservation_id, account_id, vendor, vendor_ref, room_type_id, room_id, room_type_ref, room_ref, "
    "arrival, departure, status, blocks_inventory, claim_state, adults, children, total"
)
DOUBLES = [
    planted(
        "I2",
        CANCELLED,
        "room_stays",
        f"INSERT INTO room_stays (stay_id, {_STAY_COLUMNS}) SELECT gen_random_uuid(), {_STAY_COLUMNS} "
        f"FROM room_stays WHERE vendor_ref = '{CANCELLED}'",
    ),
    planted(
        "I2",
        BLOCK,
        "blocks",
        "INSERT INTO blocks (tenant_id, block_id, property_id, account_id, vendor, vendor_ref, arrival, departure, "
        "kind, gone, claim_state) SELECT tenant_id, '00000000-0000-0000-0000-000000000001', property_id, account_id, "
        f"vendor, vendor_ref, arrival, departure, kind, true, 'none' FROM blocks WHERE vendor_ref = '{BLOCK}'",
        "INSERT INTO audit_log (tenant_id, actor, action, entity_type, entity_id) SELECT tenant_id, 'test', "
        "'block.created', 'block', '00000000-0000-0000-0000-000000000001' FROM tenants",
    ),
    planted(
        "I2",
        "4711",
        "channel_reference",
        "UPDATE reservations SET source = 'beds24', channel = 'booking_com', channel_reference = '4711', "
        f"flags = '{{}}' WHERE reservation_id = {reservation_of(HOLD)}",
        also="I4",
    ),
    planted(
        "I2",
        DAY_USE,
        "reservation.room_stays",
        f"UPDATE room_stays SET reservation_id = {reservation_of(ALONE)} WHERE vendor_ref = '{DAY_USE}'",
    ),
    planted(
        "I2",
        GROUP,
        f"room_stays[{SECOND}].reservation",
        f"UPDATE room_stays SET reservation_id = {reservation_of(ALONE)} WHERE vendor_ref = '{SECOND}'",
    ),
    planted(
        "I2",
        OTA,
        "reservation",
        f"UPDATE room_stays SET reservation_id = {reservation_of(ALONE)} WHERE vendor_ref = '{OTA}'",
        f"UPDATE links SET reservation_id = {reservation_of(ALONE)} WHERE vendor_ref = '{OTA}'",
        "UPDATE reservations r SET flags = '{superseded}' WHERE channel_reference = '4711'",
    ),
    planted(
        "I2",
        ALONE,
        "links.object_id",
        f"UPDATE links SET object_id = gen_random_uuid() WHERE level = 'stay' AND vendor_ref = '{ALONE}'",
    ),
    planted(
        "I2",
        ALONE,
        "links.reservation_id",
        f"UPDATE links SET reservation_id = {reservation_of(HOLD)} WHERE level = 'stay' AND vendor_ref = '{ALONE}'",
    ),
]


def on_reservation(ref: str, path: str, assignment: str) -> Plant:
    """Write a wrong field of a reservation."""
    where = f"WHERE reservation_id = {reservation_of(ref)}"
    return planted("I4", ref, path, f"UPDATE reservations SET {assignment} {where}")


def on_stay(ref: str, name: str, assignment: str) -> Plant:
    """Write a wrong field of a room stay."""
    statement = f"UPDATE room_stays SET {assignment} WHERE vendor_ref = '{ref}'"
    return planted("I4", ref, f"room_stays[{ref}].{name}", statement)


def on_night(name: str, statement: str) -> Plant:
    """Write a wrong night of a room stay."""
    where = f"WHERE stay_id = {stay_of(ALONE)} AND night = '2030-03-11'"
    return planted("I4", ALONE, f"room_stays[{ALONE}].nights[2030-03-11]{name}", f"{statement} {where}")


def on_guest(role: str, path: str, assignment: str) -> Plant:
    """Write a wrong field of a person."""
    where = f"WHERE reservation_id = {reservation_of(ALONE)} AND role = '{role}'"
    return planted("I4", ALONE, path, f"UPDATE guests SET {assignment} {where}")


UNEQUAL = [
    on_reservation(ALONE, "total", "total = 200.02"),
    on_reservation(ALONE, "currency", "currency = 'USD'"),
    on_reservation(ALONE, "channel", "channel = 'airbnb'"),
    on_reservation(ALONE, "vendor_channel", "vendor_channel = NULL"),
    on_reservation(OTA, "channel_reference", "channel_reference = '4712'"),
    on_reservation(HOLD, "hold_kind", "hold_kind = 'option'"),
    on_reservation(HOLD, "vendor_status", "vendor_status = 'new'"),
    on_reservation(HOLD, "blocks_inventory", "blocks_inventory = false"),
    on_reservation(ALONE, "guaranteed", "guaranteed = true"),
    on_reservation(ALONE, "price_basis", "price_basis = 'net'"),
    on_reservation(ALONE, "created_at", "created_at = created_at + interval '1 hour'"),
    on_reservation(UNMAPPED, "quarantined", "quarantined = false"),
    planted("I4", UNMAPPED, "quarantined", "UPDATE cases SET state = 'withdrawn' WHERE kind = 'mapping_missing'"),
    on_stay(ALONE, "adults", "adults = 3"),
    on_stay(ALONE, "children", "children = NULL"),
    on_stay(ALONE, "total", "total = NULL"),
    on_stay(ALONE, "room_ref", "room_ref = '55/2'"),
    on_stay(ALONE, "room_type_ref", "room_type_ref = '56'"),
    on_stay(ALONE, "rate_plan_ref", "rate_plan_ref = '1'"),
    on_stay(ALONE, "rate_plan", "rate_plan = 'BAR'"),
    on_stay(INQUIRY, "room", "room_id = NULL"),
    on_stay(INQUIRY, "room_type", "room_type_id = NULL"),
    on_stay(INQUIRY, "arrival", "arrival = '2030-04-30'"),
    on_stay(INQUIRY, "departure", "departure = '2030-05-03'"),
    on_night(".price", "UPDATE stay_nights SET price = price + 0.01"),
    on_night(".derived", "UPDATE stay_nights SET derived = false"),
    on_night("", "DELETE FROM stay_nights"),
    on_guest("booker", "booker.has_email", "has_email = false"),
    on_guest("booker", "booker.has_phone", "has_phone = false"),
    on_guest("booker", "booker.country", "country = 'FR'"),
    on_guest("booker", "booker.language", "language = NULL"),
    planted(
        "I4",
        ALONE,
        "guests[300001]",
        f"DELETE FROM guests WHERE role = 'guest' AND reservation_id = {reservation_of(ALONE)}",
    ),
    on_guest("guest", "guests[300001].has_email", "has_email = false"),
    on_guest("guest", "guests[300001].country", "country = NULL"),
    planted(
        "I4",
        ALONE,
        "guests[9]",
        "INSERT INTO guests (tenant_id, guest_id, reservation_id, role, position, vendor_ref, has_email, has_phone) "
        f"SELECT tenant_id, gen_random_uuid(), {reservation_of(ALONE)}, 'guest', 7, '9', false, false FROM tenants",
    ),
    planted("I4", BLOCK, "room_ref", f"UPDATE blocks SET room_ref = '55/2' WHERE vendor_ref = '{BLOCK}'"),
    planted(
        "I4",
        "77",
        "outbox",
        "INSERT INTO intents (tenant_id, intent_id, account_id, kind, state, vendor_ref, correlation_id) "
        "SELECT tenant_id, gen_random_uuid(), account_id, 'update', 'unknown', '77', 'c' FROM accounts",
    ),
]


def reversal(amount: str) -> str:
    """Write a posting that takes the room charge of the single booking back."""
    return (
        "INSERT INTO folio_lines (tenant_id, line_id, reservation_id, vendor_ref, kind, amount, currency, reverses_id) "
        f"SELECT tenant_id, gen_random_uuid(), reservation_id, vendor_ref, kind, {amount}, currency, line_id "
        "FROM folio_lines WHERE vendor_ref = '500001' AND reverses_id IS NULL"
    )


MONEY = [
    planted(
        "I7",
        ALONE,
        "balance[EUR]",
        f"DELETE FROM folio_lines WHERE reservation_id = {reservation_of(ALONE)} AND kind = 'payment'",
    ),
    planted("I7", ALONE, "folio_lines[500001]", "UPDATE folio_lines SET amount = 200.02 WHERE vendor_ref = '500001'"),
    planted("I7", ALONE, "folio_lines[500001]", "UPDATE folio_lines SET kind = 'payment' WHERE vendor_ref = '500001'"),
    planted(
        "I7",
        ALONE,
        "folio_lines[9]",
        "INSERT INTO folio_lines (tenant_id, line_id, reservation_id, vendor_ref, kind, amount, currency) "
        f"SELECT tenant_id, gen_random_uuid(), {reservation_of(ALONE)}, '9', 'charge', 0, 'EUR' FROM tenants",
    ),
    planted("I7", ALONE, "balance[EUR]", reversal("-200.00"), "UPDATE folio_lines SET posted_at = now()"),
    planted("I7", ALONE, "folio_lines[500001]", reversal("-200.01")),
    planted("I7", ALONE, "folio_lines[500002]", "UPDATE folio_lines SET currency = 'USD' WHERE vendor_ref = '500002'"),
]
HOLDER = f"holder_id = {stay_of(ALONE)}"
CLAIMS = [
    planted(
        "I8",
        ALONE,
        "room_claims[101][2030-03-11].day",
        f"DELETE FROM room_claims WHERE {HOLDER} AND date = '2030-03-11' AND slot = 'day'",
    ),
    planted(
        "I8",
        ALONE,
        "room_claims[101][2030-03-10].night",
        f"UPDATE room_claims SET holder_id = {stay_of(OTA)} WHERE {HOLDER} AND date = '2030-03-10'",
    ),
    planted(
        "I8",
        OTA,
        "room_claims[101][2030-03-10].night",
        f"UPDATE room_claims SET holder_id = {stay_of(OTA)} WHERE {HOLDER} AND date = '2030-03-10'",
    ),
    planted(
        "I8",
        CANCELLED,
        "room_claims[103][2030-03-10].night",
        "INSERT INTO room_claims (tenant_id, unit_id, date, slot, holder_id) SELECT tenant_id, room_id, '2030-03-10', "
        f"'night', {stay_of(CANCELLED)} FROM rooms WHERE code = '103'",
    ),
    planted(
        "I8",
        DAY_USE,
        "room_claims[103][2030-05-01].day",
        f"DELETE FROM room_claims WHERE holder_id = {stay_of(DAY_USE)}",
    ),
    planted(
        "I8",
        BLOCK,
        "room_claims[101][2030-05-03].day",
        "DELETE FROM room_claims USING blocks WHERE holder_id = block_id AND date = '2030-05-03' AND slot = 'day'",
    ),
    planted(
        "I8",
        "00000000-0000-0000-0000-000000000009",
        "room_claims[102][2031-01-01].night",
        "INSERT INTO room_claims (tenant_id, unit_id, date, slot, holder_id) SELECT tenant_id, room_id, '2031-01-01', "
        "'night', '00000000-0000-0000-0000-000000000009' FROM rooms WHERE code = '102'",
    ),
    planted("I8", REFUSED, "claim_state", "UPDATE cases SET state = 'withdrawn' WHERE kind = 'room_double_booked'"),
    planted(
        "I8",
        REFUSED,
        "room_claims[103][2030-06-02].night",
        f"UPDATE room_stays SET claim_state = 'claimed' WHERE vendor_ref = '{REFUSED}'",
    ),
    planted(
        "I8",
        REFUSED,
        "room_claims[103][2030-06-03].day",
        f"DELETE FROM room_claims WHERE holder_id = {stay_of(REFUSED)} AND date = '2030-06-03' AND slot = 'day'",
    ),
    planted("I8", ALONE, "claim_state", f"UPDATE room_stays SET claim_state = 'none' WHERE vendor_ref = '{ALONE}'"),
    planted("I8", "DBL", "inventory[DBL][2030-03-10].booked", cast("booked = 1", "2030-03-10")),
    planted("I8", "DBL", "inventory[DBL][2030-05-02].out_of_order", cast("out_of_order = 0", "2030-05-02")),
    planted("I8", "DBL", "inventory[DBL][2030-07-01].total", cast("total = 4", "2030-07-01")),
    planted("I8", "DBL", "inventory[DBL][2030-07-01].allowance", cast("allowance = 1", "2030-07-01")),
    planted("I8", "DBL", "inventory[DBL][2030-03-11].booked", "DELETE FROM inventory WHERE date = '2030-03-11'"),
    planted(
        "I8", "DBL", "inventory[DBL][2030-07-01]", "UPDATE cases SET state = 'withdrawn' WHERE kind = 'type_oversold'"
    ),
]
TRACES = [
    planted("I9", "seq 1", "hash", "UPDATE audit_log SET fields = '{}' WHERE seq = 1"),
    planted("I9", "seq 2", "hash", "UPDATE audit_log SET actor = 'nobody' WHERE seq = 2"),
    planted("I9", "seq 2", "prev_hash", "UPDATE audit_log SET prev_hash = hash WHERE seq = 2"),
    planted("I9", "seq 3", "seq", "DELETE FROM audit_log WHERE seq = 2"),
    planted("I9", "audit_heads", "seq", "UPDATE audit_heads SET seq = seq + 1"),
    planted("I9", "audit_heads", "seq", "DELETE FROM audit_heads"),
    planted("I9", "audit_id 1", "seq", "UPDATE audit_log SET seq = NULL WHERE audit_id = 1"),
    planted(
        "I9",
        ALONE,
        "audit[reservation.updated]",
        f"UPDATE reservations SET version = version + 1 WHERE reservation_id = {reservation_of(ALONE)}",
    ),
    planted(
        "I9",
        ALONE,
        "audit[reservation.created]",
        "INSERT INTO audit_log (tenant_id, actor, action, entity_type, entity_id) SELECT tenant_id, 'test', "
        f"'reservation.created', 'reservation', {reservation_of(ALONE)}::text FROM tenants",
    ),
    planted(
        "I9",
        BLOCK,
        "audit[block.created]",
        "INSERT INTO audit_log (tenant_id, actor, action, entity_type, entity_id) "
        "SELECT tenant_id, 'test', 'block.created', 'block', block_id::text FROM blocks",
    ),
    planted(
        "I9",
        "audit_id 999",
        "correlation_id",
        "INSERT INTO audit_log (audit_id, tenant_id, actor, action, entity_type, entity_id) "
        "SELECT 999, tenant_id, 'account:x', 'room.cleaned', 'room', '101' FROM tenants",
    ),
]
CURSOR = "P1/reservations"
CURSORS = [
    planted("I5", CURSOR, "position", "UPDATE cursors SET position = '2099-01-01T00:00:00Z'"),
    planted("I5", CURSOR, "position", "UPDATE cursors SET position = '2001-01-01T00:00:00Z'"),
    planted("I5", CURSOR, "position", "UPDATE cursors SET position = 'yesterday'"),
    planted("I5", CURSOR, "position", "UPDATE cursors SET position = NULL"),
    planted("I5", CURSOR, "window", "UPDATE cursors SET page = '2', window_from = NULL"),
    planted("I5", CURSOR, "window", "UPDATE cursors SET page = '2', window_to = window_from"),
]
BOUNDS = [
    planted("I12", ALONE, "inbox.attempts", f"UPDATE events SET attempts = 51 WHERE ref = '{ALONE}'"),
    planted("I12", "reservations", "cursors.next_due_at", "UPDATE cursors SET next_due_at = now() + interval '2 days'"),
    planted(
        "I12",
        "d1",
        "deliveries.attempts",
        "INSERT INTO deliveries (delivery_id, tenant_id, door_id, vendor, digest, raw_id, correlation_id, received_at, "
        "state, attempts) SELECT 1, tenant_id, gen_random_uuid(), 'beds24', '', 0, 'c', now(), 'done', 51 FROM tenants",
    ),
    planted(
        "I12",
        "77",
        "outbox.attempts",
        "INSERT INTO intents (tenant_id, intent_id, account_id, kind, state, vendor_ref, attempts, correlation_id) "
        "SELECT tenant_id, gen_random_uuid(), account_id, 'update', 'verified', '77', 51, 'c' FROM accounts",
    ),
    *(
        planted(
            "I12",
            "77",
            f"lanes.{column}",
            f"INSERT INTO lanes (lane_key, tenant_id, account_id, stream, ref, {column}) "
            "SELECT 'l', tenant_id, account_id, 'reservations', '77', now() + interval '2 days' FROM accounts",
        )
        for column in ("lease_until", "not_before")
    ),
    planted(
        "I12",
        "77",
        "inbox.rereads",
        "INSERT INTO events (lane_key, tenant_id, account_id, kind, stream, ref, state, correlation_id) "
        "SELECT 'l', tenant_id, account_id, 'reconcile', 'reservations', '77', 'done', 'c' "
        "FROM accounts, generate_series(1, 501)",
    ),
    planted(
        "I12",
        "77",
        "inbox.open",
        "INSERT INTO lanes (lane_key, tenant_id, account_id, stream, ref) "
        "SELECT 'l', tenant_id, account_id, 'reservations', '77' FROM accounts",
        "INSERT INTO events (lane_key, tenant_id, account_id, kind, stream, ref, state, correlation_id) "
        "SELECT 'l', tenant_id, account_id, 'webhook', 'reservations', '77', 'waiting', 'c' "
        "FROM accounts, generate_series(1, 1001)",
    ),
    planted(
        "I12",
        "00000000-0000-0000-0000-000000000007",
        "cases.open",
        "INSERT INTO cases (tenant_id, case_id, kind, subject, severity, property_id, reservation_ids) "
        "SELECT tenant_id, gen_random_uuid(), 'same_atom', n::text, 3, property_id, "
        "'{00000000-0000-0000-0000-000000000007}' FROM properties, generate_series(1, 51) AS n",
    ),
]
JUMPS = [
    planted(
        "I15",
        ALONE,
        f"room_stays[{ALONE}].flags",
        f"UPDATE room_stays SET flags = '{{illegal_status_jump}}' WHERE vendor_ref = '{ALONE}'",
    ),
    planted(
        "I15",
        ALONE,
        f"room_stays[{ALONE}].status",
        "INSERT INTO audit_log (tenant_id, actor, action, entity_type, entity_id, fields) "
        "SELECT tenant_id, 'test', 'stay.seen', 'stay', 'x', "
        f'\'{{"stay.{ALONE}.status": ["checked_out", "hold"]}}\' FROM tenants',
    ),
]
VERSIONS = [
    planted(
        "I3",
        ALONE,
        "version",
        f"UPDATE links SET remote_version = '2020-01-01T00:00:00Z' WHERE level = 'stay' AND vendor_ref = '{ALONE}'",
    )
]
PLANTS = [
    *LOSSES,
    *DOUBLES,
    *VERSIONS,
    *UNEQUAL,
    *CURSORS,
    *MONEY,
    *CLAIMS,
    *TRACES,
    *BOUNDS,
    *JUMPS,
]


@pytest.mark.parametrize("defect", PLANTS, ids=lambda defect: defect.name)
async def test_a_planted_defect_is_found_where_it_is(house: House, defect: Plant) -> None:
    await plant(house.dsn, *defect.statements)
    found = await house.audit()
    assert (defect.invariant, defect.ref, defect.path) in spots(found)
    assert broken(found) == {defect.invariant, defect.also or defect.invariant}
    assert not found.converged


async def test_a_queue_that_handed_out_nothing_yet_has_no_position(house: House) -> None:
    await plant(
        house.dsn, "UPDATE cursors SET phase = 'snapshot', position = NULL, window_from = NULL, window_to = NULL"
    )
    assert (await house.audit()).converged


async def test_a_unit_held_twice_is_found_where_the_unique_key_is_lost(house: House) -> None:
    """I8: what the database makes impossible, as long as its key is there."""
    key = "room_claims_pkey"
    double = (
        f"INSERT INTO room_claims SELECT tenant_id, unit_id, date, slot, {stay_of(OTA)} FROM room_claims "
        f"WHERE {HOLDER} AND date = '2030-03-10'"
    )
    await plant(house.dsn, f"ALTER TABLE room_claims DROP CONSTRAINT {key}", double)
    found = await house.audit()
    await restore(house.dsn)
    await plant(house.dsn, f"ALTER TABLE room_claims ADD CONSTRAINT {key} PRIMARY KEY (tenant_id, unit_id, date, slot)")
    assert ("I8", ALONE, "room_claims[101][2030-03-10].night") in spots(found)
    assert broken(found) == {"I8"}


async def test_a_reversal_takes_back_one_posting_once(house: House) -> None:
    """I7: postings and reversals sum to the vendor's balance, and each reversal mirrors its posting."""
    repost = (
        "INSERT INTO folio_lines (tenant_id, line_id, reservation_id, vendor_ref, kind, amount, currency) "
        f"SELECT tenant_id, gen_random_uuid(), {reservation_of(ALONE)}, '500001', 'charge', 200.01, 'EUR' FROM tenants"
    )
    await plant(house.dsn, reversal("-200.01"), repost)
    assert (await house.audit()).converged
    await plant(house.dsn, "UPDATE folio_lines SET kind = 'payment' WHERE reverses_id IS NOT NULL")
    found = await house.audit()
    assert broken(found) == {"I7"}
    assert ("folio_lines[500001].reverses_id") in {path for _, _, path in spots(found)}


async def test_a_posting_taken_back_twice_is_found(house: House) -> None:
    await plant(house.dsn, reversal("-200.01"), reversal("-200.01"))
    assert ("folio_lines[500001].reverses_id") in {path for _, _, path in spots(await house.audit())}


def removed(house: House, kind: str, ref: str) -> dict[str, Any]:
    """Take an object out of the truth, as if the vendor had deleted it."""
    held = house.truths[VENDOR][kind]
    [gone] = [one for one in held if one["ref"] == ref]
    held.remove(gone)
    found: dict[str, Any] = gone
    return found


def case(kind: str, subject: str, *refs: str, fields: str = "[]") -> str:
    """Write an open case about some reservations."""
    ids = ", ".join(f"{reservation_of(ref)}" for ref in refs)
    return (
        "INSERT INTO cases (tenant_id, case_id, kind, subject, severity, property_id, reservation_ids, fields) "
        f"SELECT tenant_id, gen_random_uuid(), '{kind}', {subject}, 3, property_id, ARRAY[{ids}]::uuid[], '{fields}' "
        "FROM properties"
    )


@pytest.mark.parametrize(
    ("kind", "ref", "path", "subject"),
    [
        ("reservations", ALONE, f"room_stays[{ALONE}]", f"'stay:' || {stay_of(ALONE)}"),
        ("blocks", BLOCK, "block", f"'block:' || (SELECT block_id FROM blocks WHERE vendor_ref = '{BLOCK}')"),
    ],
)
async def test_what_the_vendor_no_longer_shows_must_be_told_by_a_case(
    house: House, kind: str, ref: str, path: str, subject: str
) -> None:
    """Absence is never a deletion, and never silence."""
    removed(house, kind, ref)
    found = await house.audit()
    assert spots(found) == {("I4", ref, path)}
    await plant(house.dsn, case("vanished", subject))
    told = await house.audit()
    assert told.converged
    assert told.vendors[VENDOR].vanished == 1
    await plant(house.dsn, "UPDATE cases SET state = 'withdrawn' WHERE kind = 'vanished'")
    assert not (await house.audit()).converged


async def test_a_case_about_one_room_does_not_speak_for_its_sibling(house: House) -> None:
    removed(house, "reservations", GROUP)
    fields = f'[{{"path": "links.ref", "here": "{SECOND}", "there": null}}]'
    await plant(house.dsn, case("vanished", "'another subject'", GROUP, fields=fields))
    assert spots(await house.audit()) == {("I4", GROUP, f"room_stays[{GROUP}]")}


async def test_a_reservation_that_is_gone_at_the_vendor_is_settled_only_when_cancelled_here(house: House) -> None:
    for one in house.truths[VENDOR]["reservations"]:
        one["gone"] = one["ref"] in {ALONE, CANCELLED}
    assert spots(await house.audit()) == {("I4", ALONE, f"room_stays[{ALONE}]")}


async def test_a_block_that_is_gone_at_the_vendor_must_be_gone_here(house: House) -> None:
    house.truths[VENDOR]["blocks"][0]["gone"] = True
    assert spots(await house.audit()) == {("I4", BLOCK, "gone")}


async def test_a_gone_block_nobody_saw_alive_is_no_loss(house: House) -> None:
    [block] = house.truths[VENDOR]["blocks"]
    house.truths[VENDOR]["blocks"].append({**block, "ref": "999", "gone": True})
    assert (await house.audit()).converged


def parked(ref: str, event_id: int) -> str:
    """Write a row that waits for a person, with a body."""
    return (
        "INSERT INTO events (event_id, lane_key, tenant_id, account_id, kind, stream, ref, raw_id, state, outcome, "
        f"correlation_id) SELECT {event_id}, 'l', tenant_id, account_id, 'poll', 'reservations', '{ref}', "
        "(SELECT min(raw_id) FROM raw_records), 'parked', 'parked', 'c' FROM accounts"
    )


async def test_a_parked_row_stands_for_an_object_the_store_lacks(house: House) -> None:
    """I1: a visible quarantine is no loss, and says how much is in it."""
    [one] = [one for one in house.truths[VENDOR]["reservations"] if one["ref"] == ALONE]
    [stay] = one["room_stays"]
    house.truths[VENDOR]["reservations"].append({**one, "ref": "999", "room_stays": [{**stay, "ref": "999"}]})
    assert spots(await house.audit()) == {("I1", "999", "reservation")}
    await plant(house.dsn, parked("999", 999_999))
    found = await house.audit()
    assert found.converged
    assert found.vendors[VENDOR].parked == 1


async def test_a_parked_room_of_a_group_does_not_stand_for_its_sibling(house: House) -> None:
    [one] = [one for one in house.truths[VENDOR]["reservations"] if one["ref"] == GROUP]
    stays = [{**stay, "ref": ref} for stay, ref in zip(one["room_stays"], ("998", "999"), strict=True)]
    house.truths[VENDOR]["reservations"].append({**one, "ref": "998", "room_stays": stays})
    await plant(house.dsn, parked("998", 999_999))
    found = await house.audit()
    assert spots(found) == {("I1", "998", "room_stays[999]")}
    assert found.vendors[VENDOR].parked == 1


async def test_a_parked_row_excuses_only_until_a_later_read_was_applied(house: House) -> None:
    [one] = [one for one in house.truths[VENDOR]["reservations"] if one["ref"] == ALONE]
    one["room_stays"][0]["adults"] = 4
    await plant(house.dsn, parked(ALONE, 0))
    assert spots(await house.audit()) == {("I4", ALONE, f"room_stays[{ALONE}].adults")}
    await plant(house.dsn, parked(ALONE, 999_999))
    found = await house.audit()
    assert found.converged
    assert found.vendors[VENDOR].parked == 1


async def test_a_parked_row_of_an_equal_object_is_not_counted(house: House) -> None:
    await plant(house.dsn, parked(ALONE, 999_999))
    assert (await house.audit()).vendors[VENDOR].parked == 0


async def test_a_doubted_identity_may_stand_in_two_reservations(house: House) -> None:
    """A case asks which reservation it is; until then neither is a duplicate."""
    home = reservation_of(ALONE)
    await plant(
        house.dsn,
        case("identity_doubt", "'a doubt'", GROUP, ALONE),
        f"UPDATE room_stays SET reservation_id = {home} WHERE vendor_ref = '{SECOND}'",
        f"UPDATE links SET reservation_id = {home} WHERE vendor_ref = '{SECOND}'",
    )
    assert (await house.audit()).converged
    await plant(house.dsn, "UPDATE cases SET state = 'withdrawn' WHERE kind = 'identity_doubt'")
    assert broken(await house.audit()) == {"I2"}


async def test_an_erased_guest_stays_erased(house: House) -> None:
    await plant(house.dsn, "UPDATE guests SET erased = true, has_email = false, has_phone = false, country = NULL")
    assert (await house.audit()).converged


async def test_a_refused_stay_may_wait_for_its_next_read(house: House) -> None:
    """I8: the case comes once both sides were read again."""
    await plant(
        house.dsn,
        "UPDATE cases SET state = 'withdrawn' WHERE kind = 'room_double_booked'",
        f"UPDATE events SET state = 'waiting' WHERE ref = '{REFUSED}'",
        "INSERT INTO lanes (lane_key, tenant_id, account_id, stream, ref) SELECT DISTINCT lane_key, tenant_id, "
        f"account_id, stream, ref FROM events WHERE ref = '{REFUSED}'",
    )
    assert (await house.audit()).converged


async def test_an_impossible_jump_with_a_case_is_held(house: House) -> None:
    await plant(
        house.dsn,
        f"UPDATE room_stays SET flags = '{{illegal_status_jump}}' WHERE vendor_ref = '{ALONE}'",
        case("illegal_status_jump", f"{stay_of(ALONE)}::text", ALONE),
    )
    assert (await house.audit()).invariants["I15"] == "held"


async def test_a_status_outside_the_six_is_found(house: House) -> None:
    await plant(house.dsn, f"UPDATE room_stays SET status = 'asleep' WHERE vendor_ref = '{INQUIRY}'")
    found = await audit(house.dsn, {})
    assert ("I15", INQUIRY, f"room_stays[{INQUIRY}].status") in spots(found)


SECOND_TENANT = "00000000-0000-0000-0000-00000000000b"
NEIGHBOUR = f"INSERT INTO tenants (tenant_id, code) VALUES ('{SECOND_TENANT}', 't2')"
MIXES = [
    ("events.account_id", f"UPDATE events SET tenant_id = '{SECOND_TENANT}' WHERE ref = '{ALONE}'", set()),
    ("room_claims.unit_id", f"UPDATE room_claims SET tenant_id = '{SECOND_TENANT}' WHERE {HOLDER}", set()),
    ("room_claims.holder_id", f"UPDATE room_claims SET tenant_id = '{SECOND_TENANT}' WHERE {HOLDER}", set()),
    ("guests.reservation_id", f"UPDATE guests SET tenant_id = '{SECOND_TENANT}'", set()),
    ("folio_lines.reservation_id", f"UPDATE folio_lines SET tenant_id = '{SECOND_TENANT}'", set()),
    ("cases.property_id", f"UPDATE cases SET tenant_id = '{SECOND_TENANT}' WHERE kind = 'type_oversold'", {"I8"}),
    (
        "cases.reservation_ids",
        f"UPDATE cases SET tenant_id = '{SECOND_TENANT}' WHERE kind = 'room_double_booked'",
        {"I8"},
    ),
    ("audit_log.entity_id", f"UPDATE audit_log SET tenant_id = '{SECOND_TENANT}' WHERE seq = 1", {"I9"}),
    ("inventory.room_type_id", f"UPDATE inventory SET tenant_id = '{SECOND_TENANT}'", set()),
    ("intents.account_id", "intent", {"I4"}),
]


@pytest.mark.parametrize(("path", "statement", "others"), MIXES, ids=[path for path, _, _ in MIXES])
async def test_a_row_of_another_tenant_is_found(house: House, path: str, statement: str, others: set[str]) -> None:
    """I10."""
    await plant(house.dsn, NEIGHBOUR)
    assert (await house.audit()).invariants["I10"] == "held"
    await plant(house.dsn, FOREIGN_INTENT if statement == "intent" else statement)
    found = await house.audit()
    assert path in {one.path for one in found.differences if one.invariant == "I10"}
    assert broken(found) - others == {"I10"}


FOREIGN_INTENT = (
    "INSERT INTO intents (tenant_id, intent_id, account_id, kind, correlation_id) "
    f"SELECT '{SECOND_TENANT}', gen_random_uuid(), account_id, 'update', 'c' FROM accounts"
)
HIDDEN = [
    ("cases", "fields", f'UPDATE cases SET fields = \'[{{"here": "card {CARD}"}}]\''),
    ("cases", "fields", 'UPDATE cases SET fields = \'[{"here": "4111 1111-1111.1111"}]\''),
    ("room_stays", "flags", f"UPDATE room_stays SET flags = '{{{CARD}}}'"),
    ("folio_lines", "text", f"UPDATE folio_lines SET text = 'paid by {CARD}'"),
    ("raw_records", "sealed", f"UPDATE raw_records SET sealed = sealed || '{CARD}'::bytea"),
    ("links", "remote", f"UPDATE links SET remote = '{CARD}'::bytea"),
    ("events", "park_reason", f"UPDATE events SET park_reason = '{CARD}'"),
    ("tenants", "code", f"UPDATE tenants SET code = '{CARD}'"),
]


@pytest.mark.parametrize(("table", "column", "statement"), HIDDEN)
async def test_a_card_number_is_found_wherever_it_stands(house: House, table: str, column: str, statement: str) -> None:
    """I11, and the report itself does not repeat it."""
    assert (await house.audit(Witness(canaries=(CARD,)))).invariants["I11"] == "held"
    await plant(house.dsn, statement)
    found = await house.audit(Witness(canaries=("5555555555554444", CARD)))
    assert spots(found) == {("I11", table, column)}
    assert "1111" not in json.dumps(found.document())


@pytest.mark.parametrize(
    ("witness", "where"),
    [
        (Witness(canaries=(CARD,), logs=f"ready\nrefused {CARD}\n"), "logs"),
        (Witness(canaries=(CARD,), opened_bodies=(b"{}", b'{"notes": "4111-1111-1111-1111"}')), "opened_bodies"),
        (Witness(canaries=(CARD,), calls={VENDOR: [{"body": {"comments": CARD}}]}), "calls"),
        (Witness(secrets=("tok.en+1",), logs="Bearer tok.en+1"), "logs"),
    ],
)
async def test_a_card_or_secret_outside_the_store_is_found(house: House, witness: Witness, where: str) -> None:
    """I11: logs, raw bodies, and what we send."""
    assert {spot[:2] for spot in spots(await house.audit(witness))} == {("I11", where)}


async def test_a_secret_may_be_sent_to_its_vendor_but_not_stored(house: House) -> None:
    witness = Witness(secrets=("tok.en+1",), calls={VENDOR: [{"body": "tok.en+1"}]})
    assert (await house.audit(witness)).invariants["I11"] == "held"
    await plant(house.dsn, "UPDATE accounts SET state_reason = 'refused tok.en+1'")
    assert spots(await house.audit(witness)) == {("I11", "accounts", "state_reason")}


DELIVERY = (
    "INSERT INTO deliveries (tenant_id, door_id, vendor, digest, raw_id, correlation_id, received_at, state) "
    "SELECT tenant_id, gen_random_uuid(), 'beds24', '', {raw}, 'c', now(), 'parked' FROM tenants"
)


async def test_every_acknowledged_webhook_has_its_row_and_body(house: House) -> None:
    """I1: a 2xx is never a lie."""
    lost_one = await house.audit(Witness(acked={VENDOR: 1}))
    assert spots(lost_one) == {("I1", "webhooks", "deliveries")}
    await plant(house.dsn, DELIVERY.format(raw="(SELECT min(raw_id) FROM raw_records)"))
    assert (await house.audit(Witness(acked={VENDOR: 1}))).converged
    await plant(house.dsn, DELIVERY.format(raw="0"))
    assert {spot[2] for spot in spots(await house.audit(Witness(acked={VENDOR: 2})))} == {"deliveries.body"}


@pytest.mark.parametrize(("times", "verdict"), [(0, "broken"), (1, "held"), (2, "broken")])
async def test_every_effect_stands_once_in_the_vendors_ledger(house: House, times: int, verdict: str) -> None:
    """I6, as told by the caller."""
    found = await house.audit(Witness(effects={VENDOR: {"intent-1": times}}))
    assert found.invariants["I6"] == verdict


@pytest.mark.parametrize(("after", "verdict"), [("aa", "held"), ("ab", "broken")])
async def test_a_replay_changes_nothing(house: House, after: str, verdict: str) -> None:
    """I13, as told by the caller."""
    assert (await house.audit(Witness(replay=("aa", after)))).invariants["I13"] == verdict


async def test_the_vendors_list_of_calls_shows_politeness(house: House) -> None:
    """I14: one call at a time, and no more than the window allows."""
    limits: dict[str, Any] = {"max_in_flight": {VENDOR: 1}, "rate": {VENDOR: (100_000, 300)}}
    polite = await house.audit(Witness(calls={VENDOR: house.calls}, **limits))
    assert polite.invariants["I14"] == "held"
    greedy = await house.audit(Witness(calls={VENDOR: house.calls}, rate={VENDOR: (1, 86_400 * 365)}))
    assert {spot[2] for spot in spots(greedy)} == {"cost"}
    beside = [*house.calls, {**house.calls[-1], "n": 9999, "in_flight": 2}]
    assert spots(await house.audit(Witness(calls={VENDOR: beside}, **limits))) == {("I14", "call 9999", "in_flight")}


async def test_calls_without_a_limit_prove_nothing(house: House) -> None:
    assert (await house.audit(Witness(calls={VENDOR: house.calls}))).invariants["I14"] == "not_exercised"


def test_the_cost_of_a_window_is_its_own() -> None:
    """Two windows may each be full."""
    calls = [{"n": n, "at": f"2026-03-01T00:0{n}:59Z", "cost": 60, "in_flight": 1} for n in (4, 5)]
    told = politeness.check(Witness(calls={VENDOR: calls}, rate={VENDOR: (100, 300)}))
    assert told.findings == ()
    both = politeness.check(Witness(calls={VENDOR: calls}, rate={VENDOR: (100, 600)}))
    assert [one.path for _, one in both.findings] == ["cost"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_seeded_hotel_read_by_the_daemon_is_equal(empty_database: str, seed: int) -> None:
    """I1 to I15 on a hotel nobody tailored, and on what is changed there afterwards."""
    async with running_site(empty_database, seed, reservations=30) as site:
        await site.reader.read()
        assert list((await audit(site.dsn, await site.truth())).everything()) == []
        before = await store_hash(site.dsn)
        await site.reader.read()
        assert await store_hash(site.dsn) == before  # I13: read again is read once
        told = await site.desk.sim("change", op="create", set={"total": "99.99"}, silent=True)
        assert spots(await audit(site.dsn, await site.truth())) == {("I1", told["ref"], "reservation")}
        await site.reader.read()
        assert (await audit(site.dsn, await site.truth())).converged


async def test_a_change_nobody_read_is_a_lost_update(empty_database: str) -> None:
    """I3 and I4 from the vendor's side: what it says now, and since when."""
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        ref = (await site.desk.sim("change", op="create", set={"total": "99.99"}, silent=True))["ref"]
        await site.reader.read()
        await site.desk.sim("clock", advance_s=5)
        await site.desk.sim("change", op="modify", ref=ref, set={"total": "120.00"}, silent=True)
        found = await audit(site.dsn, await site.truth())
        assert broken(found) == {"I3", "I4"}
        assert {("I3", ref, "version"), ("I4", ref, "total"), ("I4", ref, f"room_stays[{ref}].total")} <= spots(found)
        await site.reader.deliver(ref)
        assert (await audit(site.dsn, await site.truth())).converged


async def test_a_record_the_mapper_parks_is_a_visible_quarantine(empty_database: str) -> None:
    """I1: an amount finer than the currency is kept as it came, counted, and no difference."""
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        ref = (await site.desk.sim("change", op="create", set={"total": "99.99"}, silent=True))["ref"]
        await site.reader.read()
        await site.desk.sim("change", op="modify", ref=ref, vendor={"price": 10.123}, silent=True)
        await site.desk.sim("change", op="create", vendor={"price": 10.123}, silent=True)
        await site.reader.read()
        found = await audit(site.dsn, await site.truth())
        assert list(found.everything()) == []
        assert found.vendors[VENDOR].parked == 2


async def test_a_deletion_becomes_a_case_once_it_was_read(empty_database: str) -> None:
    """Never silently: before the read a difference, afterwards a case."""
    async with running_site(empty_database, reservations=0, rooms=3) as site:
        ref = (await site.desk.sim("change", op="create", set={"total": "99.99"}, silent=True))["ref"]
        await site.reader.read()
        await site.desk.sim("change", op="delete", ref=ref, silent=True)
        assert spots(await audit(site.dsn, await site.truth())) == {("I4", ref, f"room_stays[{ref}]")}
        await site.reader.deliver(ref)
        found = await audit(site.dsn, await site.truth())
        assert found.converged
        assert found.vendors[VENDOR].vanished == 1


async def test_two_runs_over_the_same_hotel_have_the_same_portable_hash(
    empty_database: str, migrated_database: str
) -> None:
    """A crashed run must end where an undisturbed one does, whatever ids it drew."""
    hashes, now = [], datetime.now(UTC)
    for dsn in (empty_database, migrated_database):
        async with running_site(dsn, reservations=12, now=now) as site:
            await site.reader.read()
        hashes.append((await store_hash(dsn), await store_hash(dsn, portable=True)))
    assert hashes[0][0] != hashes[1][0]
    assert hashes[0][1] == hashes[1][1]


CONTENT = [
    f"UPDATE reservations SET total = total + 1 WHERE reservation_id = {reservation_of(ALONE)}",
    "UPDATE room_stays SET adults = adults + 1",
    "UPDATE stay_nights SET price = price + 1",
    "UPDATE guests SET has_email = NOT has_email",
    "UPDATE folio_lines SET amount = amount + 1",
    "UPDATE folio_lines SET vendor_ref = vendor_ref || 'x'",
    "UPDATE blocks SET gone = true",
    cast("booked = booked + 1", "2030-03-10"),
    f"UPDATE links SET vendor_ref = '9' WHERE level = 'reservation' AND vendor_ref = '{ALONE}'",
]
SEALED = [
    "UPDATE guests SET contact_digest = contact_digest || contact_digest",
    "UPDATE reservations SET private_digest = 'other'",
    "UPDATE reservations SET version = version + 1",
]
UNTOLD = [
    "UPDATE reservations SET recorded_at = now()",
    "UPDATE folio_lines SET posted_at = now()",
    "UPDATE events SET attempts = attempts + 1",
    "INSERT INTO inventory SELECT tenant_id, room_type_id, now(), 3 FROM room_types",
]


@pytest.mark.parametrize("statement", [*CONTENT, *SEALED, *UNTOLD])
async def test_the_hash_covers_content_and_nothing_of_when_it_was_written(house: House, statement: str) -> None:
    """I13 is only as good as what the hash sees."""
    before = await store_hash(house.dsn), await store_hash(house.dsn, portable=True)
    await plant(house.dsn, statement)
    after = await store_hash(house.dsn), await store_hash(house.dsn, portable=True)
    assert (before[0] != after[0]) == (statement in CONTENT + SEALED)
    assert (before[1] != after[1]) == (statement in CONTENT)


async def test_the_chain_is_computed_as_the_sealer_does_whatever_the_text(house: House) -> None:
    """I9: two codes, one rule; odd characters are where they would part."""
    odd = 'a"b\\c/d\u00e9\u2028\U0001f600\t\x01\x7f'
    connection = await asyncpg.connect(house.dsn)
    tenant_id = await connection.fetchval("SELECT tenant_id FROM tenants")
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO audit_log (tenant_id, actor, action, entity_type, entity_id, fields) "
            "VALUES ($1, $2, 'test', 'x', $2, jsonb_build_object($2::text, $2::text))",
            tenant_id,
            odd,
        )
        assert await audit_log.seal(connection, tenant_id) == 1
    await connection.close()
    assert (await house.audit()).invariants["I9"] == "held"
