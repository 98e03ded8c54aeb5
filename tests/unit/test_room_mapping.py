"""Every word a vendor has for how a room stands means one thing, and any other is turned away with place and reason."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, UnsetType

from mappers.cloudbeds import MAPPER as CLOUDBEDS
from mappers.mews import MAPPER as MEWS
from mappers.opera import MAPPER as OPERA
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import UnmappedCode
from pms_sync.domain.room_status import RoomStatus
from pms_sync.ports.mapper import Crosswalk, Mapper, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures"
PLAIN = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")
STREAM = "room_status"


def rows_of(mapper: Mapper) -> list[dict[str, Any]]:
    """Return the rows of the page that the vendor sends."""
    return [json.loads(row) for row in mapper.rows((FIXTURES / mapper.vendor / "rooms.json").read_bytes())]


def status(mapper: Mapper, row: dict[str, Any], context: MappingContext = PLAIN) -> RoomStatus:
    """Map one row."""
    mapped = mapper.to_revisions(STREAM, json.dumps(row).encode(), context)
    assert not mapped.revisions
    assert not mapped.blocks
    [found] = mapped.room_statuses
    return found


def rejection(mapper: Mapper, row: dict[str, Any]) -> MappingRejected:
    """Map what must be rejected."""
    with pytest.raises(MappingRejected) as caught:
        status(mapper, row)
    return caught.value


def axes(told: RoomStatus) -> tuple[str | UnsetType, str, bool | None, str]:
    """Return the three axes, and the vendor's word."""
    return told.condition, told.service, told.occupied, told.vendor_word


@pytest.mark.parametrize(
    ("word", "condition", "service"),
    [
        ("Dirty", "dirty", "in_service"),
        ("Clean", "clean", "in_service"),
        ("Inspected", "inspected", "in_service"),
        ("OutOfService", UNSET, "out_of_service"),
        ("OutOfOrder", UNSET, "out_of_order"),
    ],
)
def test_mews_has_one_word_for_cleaning_and_repair_and_a_repair_hides_the_cleaning(
    word: str, condition: str | UnsetType, service: str
) -> None:
    """Section 10.4: while a room is out of order its housekeeping state is not visible, which is not dirty."""
    told = status(MEWS, rows_of(MEWS)[0] | {"State": word})
    assert axes(told) == (condition, service, None, word)


def test_mews_room_is_named_dated_and_versioned_by_what_the_vendor_says() -> None:
    row = rows_of(MEWS)[0]
    told = status(MEWS, {"Resource": row}, with_rooms(row["Id"]))
    assert (told.room_ref, told.room, told.property_ref) == (row["Id"], "101", row["EnterpriseId"])
    assert (told.changed_at, told.version) == (datetime(2026, 3, 2, 4, 12, tzinfo=UTC), "2026-03-02T04:12:00Z")


@pytest.mark.parametrize("word", ["dirty", "clean", "inspected"])
@pytest.mark.parametrize(
    ("blocked", "service"), [(False, "in_service"), (True, "out_of_order"), ("true", "out_of_order")]
)
@pytest.mark.parametrize(("there", "occupied"), [(True, True), (False, False), ("0", False), (1, True), (None, None)])
def test_cloudbeds_keeps_its_axes_apart(
    word: str, blocked: object, service: str, there: object, occupied: object
) -> None:
    """Section 10.5, and 3 for flags that come as texts and numbers."""
    changes = {"roomCondition": word, "roomBlocked": blocked, "roomOccupied": there}
    assert axes(status(CLOUDBEDS, rows_of(CLOUDBEDS)[0] | changes)) == (word, service, occupied, word)


def test_cloudbeds_vacant_room_to_be_touched_up_is_shown_as_that() -> None:
    told = status(CLOUDBEDS, rows_of(CLOUDBEDS)[0] | {"vacantPickup": True})
    assert axes(told) == ("pickup", "in_service", True, "dirty, vacantPickup")


@pytest.mark.parametrize(
    ("told", "day"),
    [("2026-03-02", date(2026, 3, 2)), ("2026-03-02 10:00:00", date(2026, 3, 2)), ("-", None), ("", None)],
)
def test_cloudbeds_day_may_be_a_dash(told: str, day: date | None) -> None:
    assert status(CLOUDBEDS, rows_of(CLOUDBEDS)[0] | {"date": told}).changed_on == day


@pytest.mark.parametrize(
    ("word", "condition", "service"),
    [
        ("Dirty", "dirty", "in_service"),
        ("Pickup", "pickup", "in_service"),
        ("Clean", "clean", "in_service"),
        ("Inspected", "inspected", "in_service"),
        ("OutOfOrder", UNSET, "out_of_order"),
        ("OutOfService", UNSET, "out_of_service"),
    ],
)
@pytest.mark.parametrize(("office", "occupied"), [("Vacant", False), ("Occupied", True), (None, None)])
def test_opera_tells_the_room_and_who_is_in_it(
    word: str, condition: str | UnsetType, service: str, office: str | None, occupied: bool | None
) -> None:
    """Section 7.2; the front office knows who is there, whatever a housekeeper saw."""
    words = {"housekeepingRoomStatus": word, "frontOfficeStatus": office, "housekeepingStatus": "Occupied"}
    row = rows_of(OPERA)[0] | {"housekeeping": {"housekeepingRoomStatus": words}}
    assert axes(status(OPERA, row)) == (condition, service, occupied, word)


def test_opera_room_of_the_board_in_repair_is_one_room_to_its_stream() -> None:
    """The board shows repairs beside the rooms; these have a stream of their own."""
    repair = {"roomRepairId": {"id": "1"}, "housekeepingRoomStatus": "OutOfOrder", "start": "2026-03-01"}
    assert status(OPERA, rows_of(OPERA)[1] | {"outOfOrder": [repair]}).service == "out_of_service"


@pytest.mark.parametrize(
    ("mapper", "changes", "path"),
    [
        (MEWS, {"State": "Haunted"}, "$.State"),
        (MEWS, {"UpdatedUtc": "yesterday"}, "$.UpdatedUtc"),
        (CLOUDBEDS, {"roomCondition": "haunted"}, "$.roomCondition"),
        (CLOUDBEDS, {"roomCondition": None}, "$.roomCondition"),
        (CLOUDBEDS, {"roomOccupied": "perhaps"}, "$.roomOccupied"),
        (CLOUDBEDS, {"roomBlocked": []}, "$.roomBlocked"),
        (CLOUDBEDS, {"roomID": ""}, "$.roomID"),
        (CLOUDBEDS, {"date": "soon"}, "$.date"),
        (OPERA, {"roomId": None}, "$.roomId"),
        (OPERA, {"housekeeping": None}, "$.housekeeping.housekeepingRoomStatus.housekeepingRoomStatus"),
    ],
)
def test_what_is_not_known_is_turned_away_with_its_place(mapper: Mapper, changes: dict[str, Any], path: str) -> None:
    """Never guessed, never dropped (MAP-09)."""
    assert rejection(mapper, rows_of(mapper)[0] | changes).path == path


@pytest.mark.parametrize("mapper", [MEWS, CLOUDBEDS, OPERA], ids=lambda one: one.vendor)
def test_a_page_of_the_vendor_is_mapped_row_by_row_and_one_unknown_word_spoils_no_other(mapper: Mapper) -> None:
    """As `map` does, which does not know what the file is about."""
    first, second, haunted = (json.dumps(row).encode() for row in rows_of(mapper))
    told = [mapper.to_revisions("reservations", row, PLAIN).room_statuses[0] for row in (first, second)]
    assert [one.service == "in_service" for one in told] == [True, False]
    with pytest.raises(MappingRejected, match="unknown") as caught:
        mapper.to_revisions("reservations", haunted, PLAIN)
    assert caught.value.value.lower() == "haunted"


@pytest.mark.parametrize("mapper", [MEWS, CLOUDBEDS, OPERA], ids=lambda one: one.vendor)
def test_a_room_that_the_crosswalk_does_not_know_keeps_the_vendors_name(mapper: Mapper) -> None:
    row = rows_of(mapper)[0]
    told = mapper.to_revisions(STREAM, json.dumps(row).encode(), with_rooms("another"))
    [found] = told.room_statuses
    assert found.room is None
    assert told.unmapped == (UnmappedCode("room", found.room_ref),)


def with_rooms(*refs: str) -> MappingContext:
    """Return a context in which these rooms of the vendor are 101 and so on."""
    crosswalk = Crosswalk(room={ref: str(101 + number) for number, ref in enumerate(refs)})
    return MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR", crosswalk=crosswalk)
