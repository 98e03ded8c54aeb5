"""`explain`: every field of a reservation with its source, rule, actor, and what it replaced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pms_sync.cli.explain import explained
from pms_sync.domain.clock import parse_instant
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.domain.reservation import Guest, Line, UnmappedCode
from pms_sync.domain.status import Status
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision

ROOT = Path(__file__).parents[2]


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the small hotel with an applier."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


async def fields_of(house: House, ref: str = "1001") -> dict[str, dict[str, Any]]:
    """Explain the reservation that holds a stay, by path."""
    [row] = await house.rows("SELECT reservation_id FROM room_stays WHERE vendor_ref = $1", ref)
    document = await explained(house.database, row["reservation_id"], house.keys)
    return {field["path"]: field for field in document["fields"]}


async def test_every_field_has_its_source_rule_actor_and_time(house: House, hotel: Any) -> None:
    await house.apply(revision())
    fields = await fields_of(house)
    for path, field in fields.items():
        assert field["source"] == hotel.vendor, path
        assert field["account_id"] == str(hotel.account_id), path
        assert field["vendor_ref"] == "1001", path
        assert field["rule"], path
        assert field["actor"] == f"account:{hotel.account_id}", path
        assert parse_instant(field["at"]).tzinfo is not None, path
        assert field["lost"] == [], path


async def test_values_are_written_as_everywhere(house: House) -> None:
    """Money as text, dates as dates, our codes beside theirs, nothing as null."""
    await house.apply(revision())
    told = {path: field["value"] for path, field in (await fields_of(house)).items()}
    assert told["status"] == "confirmed"
    assert told["total"] == "200.00"
    assert told["channel_reference"] is None
    assert told["flags"] == []
    assert told["quarantined"] is False
    assert told["created_at"] == "2026-03-01T12:00:00Z"
    assert told["room_stays.1001.arrival"] == "2026-03-10"
    assert (told["room_stays.1001.room"], told["room_stays.1001.room_ref"]) == ("101", "55/1")
    assert (told["room_stays.1001.room_type"], told["room_stays.1001.room_type_ref"]) == ("DBL", "55")
    assert told["room_stays.1001.nights.2026-03-10.price"] == "100.00"
    json.dumps(told)


async def test_people_and_notes_are_masked(house: House) -> None:
    """PRV: a first letter at most, also of what was said in confidence."""
    await house.apply(
        msgspec.structs.replace(
            revision(name="Zebedee"), guests=(Guest(first_name="Quentin", phone="+34600123456", language="es"),)
        )
    )
    fields = await fields_of(house)
    told = {path: field["value"] for path, field in fields.items()}
    assert (told["booker.first_name"], told["booker.last_name"], told["booker.email"]) == ("Z•••", "E•••", "a•••")
    assert (told["guests.0.first_name"], told["guests.0.phone"], told["guests.0.language"]) == ("Q•••", "•••", "es")
    assert told["notes"] == "l•••"
    whole = json.dumps(fields, ensure_ascii=False)
    assert not [word for word in ("Zebedee", "Quentin", "Example", "600123456", "late arrival") if word in whole]


async def test_without_keys_nothing_sealed_is_opened(house: House) -> None:
    await house.apply(revision(name="Zebedee"))
    [row] = await house.rows("SELECT reservation_id FROM reservations")
    document = await explained(house.database, row["reservation_id"])
    told = {field["path"]: field["value"] for field in document["fields"]}
    assert (told["booker.first_name"], told["booker.email"], told["booker.phone"]) == ("•••", "•••", None)
    assert told["booker.country"] == "ES"
    assert told["notes"] == "•••"


async def test_a_replaced_value_is_kept_with_who_replaced_it_and_when(house: House, hotel: Any) -> None:
    await house.apply(revision())
    await house.apply(revision(version="2026-03-01T11:00:00Z", total=Decimal("240.00"), room="102"))
    await house.apply(revision(version="2026-03-01T12:00:00Z", total=Decimal("260.00"), room="102"))
    fields = await fields_of(house)
    total = fields["total"]
    assert (total["value"], [one["value"] for one in total["lost"]]) == ("260.00", ["240.00", "200.00"])
    assert {one["actor"] for one in total["lost"]} == {f"account:{hotel.account_id}"}
    assert total["at"] == total["lost"][0]["at"] > total["lost"][1]["at"]
    room = fields["room_stays.1001.room"]
    assert (room["value"], [one["value"] for one in room["lost"]]) == ("102", ["101"])
    assert room["at"] == total["lost"][1]["at"]
    assert fields["room_stays.1001.arrival"]["at"] < room["at"]
    assert fields["room_stays.1001.nights.2026-03-10.price"]["at"] == total["at"]


async def test_the_rules_say_what_was_computed(house: House) -> None:
    await house.apply(revision("10", group="10"), revision("11", group="10", home=False, room="102"))
    fields = await fields_of(house, "10")
    rules = {path: field["rule"] for path, field in fields.items()}
    assert fields["total"]["value"] == "400.00"
    assert rules["total"] == "sum of room stays"
    assert rules["status"].startswith("the first of its room stays")
    assert rules["room_stays.10.arrival"] == "taken from the vendor"
    assert rules["room_stays.10.nights.2026-03-10.price"] == "derived from total / nights"
    assert rules["room_stays.10.room"] == "translated by the crosswalk"
    assert rules["channel_reference"] == "not said by the vendor"
    assert "the property's currency (hotel file)" in rules["currency"]
    assert fields["room_stays.11.total"]["vendor_ref"] == "11"
    assert fields["channel"]["vendor_ref"] == "10"


async def test_a_refused_stay_says_who_keeps_the_room(house: House) -> None:
    await house.apply(revision("1"))
    await house.apply(revision("2"))
    fields = await fields_of(house, "2")
    assert fields["room_stays.2.claim_state"]["value"] == "refused"
    assert fields["room_stays.2.claim_state"]["rule"] == "first claim keeps the room, and another stay has it"
    assert fields["flags"]["value"] == ["double_booked"]
    assert (await fields_of(house, "1"))["room_stays.1.claim_state"]["rule"].endswith("this stay was first")


async def test_an_unmapped_code_says_so(house: House) -> None:
    stay = msgspec.structs.replace(revision().room_stays[0], room_type=None, room=None, room_type_ref="XYZ")
    await house.apply(
        msgspec.structs.replace(revision(), room_stays=(stay,)), unmapped=(UnmappedCode("room_type", "XYZ"),)
    )
    fields = await fields_of(house)
    assert fields["room_stays.1001.room_type"]["value"] is None
    assert fields["room_stays.1001.room_type"]["rule"] == "the crosswalk does not know the code"
    assert fields["quarantined"]["value"] is True


async def test_a_corrected_line_of_the_bill_keeps_what_it_was(house: House, hotel: Any) -> None:
    line = Line(ref="l1", kind="charge", text="Room", amount=Decimal("200.00"), currency="EUR")
    await house.apply(revision(lines=(line,)))
    await house.apply(
        revision(version="2026-03-01T11:00:00Z", lines=(msgspec.structs.replace(line, amount=Decimal("180.00")),))
    )
    fields = await fields_of(house)
    amount = fields["folio_lines.l1.amount"]
    assert (amount["value"], [one["value"] for one in amount["lost"]]) == ("180.00", ["200.00"])
    assert amount["lost"][0]["actor"] == amount["actor"] == f"account:{hotel.account_id}"
    assert fields["folio_lines.l1.text"]["lost"] == []


async def test_lines_that_share_their_ref_keep_apart(house: House) -> None:
    twice = Line(ref="l1", kind="charge", text="Breakfast", amount=Decimal("9.00"), currency="EUR")
    await house.apply(revision(lines=(twice, twice)))
    amounts = [field for path, field in (await fields_of(house)).items() if path.endswith(".amount")]
    assert [field["value"] for field in amounts] == ["9.00", "9.00"]


async def test_a_reservation_whose_stays_all_left_is_still_explained(house: House) -> None:
    await house.apply(revision("1", room="101"), revision("2", room="102"))
    [left] = await house.rows("SELECT reservation_id FROM room_stays WHERE vendor_ref = '2'")
    await house.apply(revision("1", room="101", group="1", total=Decimal("210.00")))
    await house.apply(revision("2", room="102", group="1", home=False))
    document = await explained(house.database, left["reservation_id"], house.keys)
    told = {field["path"]: field for field in document["fields"]}
    assert told["status"]["rule"] == "every room stay moved to another reservation"
    assert [one["value"] for one in told["status"]["lost"]] == ["confirmed"]
    joined = await fields_of(house, "2")
    assert joined["room_stays.2.arrival"]["at"] > joined["currency"]["at"]


async def test_day_use_and_a_cancelled_stay_have_their_say(house: House) -> None:
    day = date(2026, 3, 10)
    stay = revision(arrival=day, departure=date(2026, 3, 11))
    await house.apply(stay)
    await house.apply(
        msgspec.structs.replace(
            stay,
            version="2026-03-01T11:00:00Z",
            status=Status.CANCELLED,
            room_stays=(msgspec.structs.replace(stay.room_stays[0], status=Status.CANCELLED),),
        )
    )
    claim = (await fields_of(house))["room_stays.1001.claim_state"]
    assert (claim["value"], [one["value"] for one in claim["lost"]]) == ("none", ["claimed"])
    assert claim["rule"].startswith("takes no room")


async def test_it_is_found_whichever_tenant_it_belongs_to(house: House) -> None:
    """Row-level security shows a reservation to its own tenant alone; the worker asks each."""
    async with house.database.transaction() as connection:
        await connection.executemany(
            "INSERT INTO tenants (tenant_id, code, created_at) VALUES ($1, $2, now() - $3 * interval '1 day')",
            [(uuid.uuid4(), f"other{n}", n) for n in (-1, 1)],
        )
    await house.apply(revision())
    assert (await fields_of(house))["status"]["value"] == "confirmed"


async def test_an_unknown_reservation_is_a_fault_that_helps(database: Database, hotel: Any) -> None:  # noqa: ARG001
    with pytest.raises(ConfigurationFault) as raised:
        await explained(database, uuid.UUID(int=7))
    assert raised.value.remedy


async def test_the_command_prints_the_document_or_a_table(house: House, migrated_database: str) -> None:
    """Exit 0 with the document, exit 2 with one error for what is no reservation."""
    await house.apply(revision())
    [row] = await house.rows("SELECT reservation_id FROM reservations")
    reservation_id = str(row["reservation_id"])

    def explain(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("PMS_SYNC_")},
            "PMS_SYNC_DATABASE_URL": migrated_database,
            "PMS_SYNC_MASTER_KEY": bytes(range(32)).hex(),
        }
        line = [sys.executable, "-m", "pms_sync", "explain", *arguments]
        return subprocess.run(line, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=60)

    told = explain(reservation_id, "--json")
    assert (told.returncode, told.stderr) == (0, "")
    document = json.loads(told.stdout)
    assert {"path", "value", "source", "rule", "actor", "at", "lost"} <= set(document["fields"][0])
    table = explain(reservation_id)
    assert table.returncode == 0
    assert "room_stays.1001.arrival\t2026-03-10\t" in table.stdout
    for wrong in (str(uuid.uuid4()), "x"):
        refused = explain(wrong, "--json")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert set(json.loads(refused.stderr)["error"]) == {"what", "where", "remedy"}
