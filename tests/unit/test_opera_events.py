"""What the messages of Opera's business-event queue are about: a hint each, never believed, only followed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.opera.events import QUEUE
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import VendorEvent
from pms_sync.ports.queue import Drained

FIXTURES = Path(__file__).parents[1] / "fixtures" / "opera"


def message(
    module: object = "Reservation", action: str = "UPDATE RESERVATION", key: object = "41231", **more: Any
) -> Any:
    """Build one message."""
    header = {
        "moduleName": module,
        "actionType": action,
        "primaryKey": key,
        "hotelId": "SAND01",
        **more.pop("header", {}),
    }
    return {"businessEvent": {"header": header, **more}, "businessEventId": {"id": "1"}}


def read(*messages: Any) -> Drained:
    """Read a body of these messages."""
    return QUEUE.read(json.dumps({"businessEventData": list(messages)}).encode())


def reservation(ref: str = "41231", hotel: str | None = "SAND01") -> VendorEvent:
    """Return the hint that a reservation is to be read."""
    return VendorEvent(stream="reservations", ref=ref, property_ref=hotel)


def test_the_golden_body_names_each_reservation_once() -> None:
    """OH-04, ORD-05: the order of messages does not matter, since each is only a reason to read."""
    told = QUEUE.read((FIXTURES / "business_events.json").read_bytes())

    assert [one for one in told.events if one.stream == "reservations"] == [
        reservation("41231"),
        reservation("41232"),
        reservation("41240", "SAND02"),
    ]
    assert {one.ref for one in told.events if one.stream == "room_status"} == {"102"}
    assert (told.messages, told.full, told.rejected) == (8, False, ())
    assert told.sweep == {"blocks", "reservations"}


@pytest.mark.parametrize(
    "action",
    [
        *("NEW RESERVATION|UPDATE RESERVATION|CANCEL|ROLLBACK CANCEL|CHECK IN|REVERSE CHECK IN|CHECK OUT").split("|"),
        *("REVERSE CHECK OUT|NO SHOW|REACTIVATE NO SHOW|DELETE RESERVATION|JOIN GUEST|NEW TRACE").split("|"),
        *("SEPARATE GUEST FROM SHARE|TURNAWAYS|update  reservation|NEVER HEARD OF|").split("|"),
    ],
)
def test_every_action_on_a_reservation_means_that_it_is_to_be_read(action: str) -> None:
    """8.5: names vary by release, and an unknown one changes nothing about that."""
    assert read(message(action=action)).events == (reservation(),)


@pytest.mark.parametrize("module", ["Reservation", "RESERVATION", " reservation ", 16, "16"])
@pytest.mark.parametrize("key", ["41231", 41231])
def test_a_module_is_known_by_its_name_or_its_number(module: object, key: object) -> None:
    """8.4: an official example has a number where the schema has a name."""
    assert read(message(module, key=key)).events == (reservation(),)


@pytest.mark.parametrize("module", ["Profile", "Availability", "Rate", "Cashiering", "Block", 14, "RoomRotation"])
def test_what_is_about_nothing_we_follow_is_read_and_let_go(module: object) -> None:
    told = read(message(module, key="anything"))
    assert (told.events, told.sweep, told.rejected, told.messages) == ((), frozenset(), (), 1)


@pytest.mark.parametrize(
    ("action", "details", "swept"),
    [
        ("UPDATE ROOM STATUS", [{"dataElement": "ROOM STATUS", "oldValue": "CLEAN", "newValue": "DIRTY"}], False),
        ("UPDATE ROOM STATUS", [{"dataElement": "ROOM STATUS", "newValue": "OUT OF ORDER"}], True),
        ("UPDATE ROOM STATUS", {"dataElement": "ROOM STATUS", "oldValue": "Out of Service"}, True),
        ("NEW OUT OF ORDER", [], True),
        ("DELETE QUEUE ROOM", [], False),
    ],
)
def test_a_room_that_goes_out_of_order_has_the_repairs_listed(action: str, details: Any, swept: bool) -> None:
    """Its key names a room, not the repair."""
    told = read(message("Housekeeping", action, "102", details=details))
    assert told.sweep == (frozenset({"blocks"}) if swept else frozenset())
    assert told.events == (VendorEvent(stream="room_status", ref="102", property_ref="SAND01"),)


@pytest.mark.parametrize("key", [None, "", "  ", "\u202e102", "x" * 40])
def test_a_room_that_is_not_named_has_all_rooms_listed(key: object) -> None:
    """8.4: that the key is the room's number is an inference, so nothing depends on it."""
    told = read(message("Housekeeping", "UPDATE ROOM STATUS", key))
    assert (told.events, told.sweep, told.rejected) == ((), frozenset({"room_status"}), ())


def test_the_end_of_a_business_day_has_everything_compared() -> None:
    """10.4."""
    assert read(message("NightAudit", "Close Business Date", "")).sweep == {"reservations"}
    assert not read(message("NightAudit", "HOTEL STATISTICS", "")).sweep


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (message(key=None), "$.businessEventData[1].businessEvent.header.primaryKey"),
        (message(key="R-1"), "$.businessEventData[1].businessEvent.header.primaryKey"),
        (message("Tomorrow"), "$.businessEventData[1].businessEvent.header.moduleName"),
        (message(99), "$.businessEventData[1].businessEvent.header.moduleName"),
        ({"businessEventId": {"id": "1"}}, "$.businessEventData[1]"),
        (7, "$.businessEventData[1]"),
        (None, "$.businessEventData[1]"),
    ],
)
def test_a_message_that_cannot_be_read_is_told_alone(bad: Any, path: str) -> None:
    """A new module may be about a reservation, for all we know."""
    told = read(message(key="1"), bad, message(key="2"))
    assert told.events == (reservation("1"), reservation("2"))
    assert [row.path for row in told.rejected] == [path]


def test_a_message_without_a_hotel_is_of_the_hotel_whose_queue_it_was() -> None:
    """The details may name it."""
    named = [{"dataElement": "RESORT", "hotelId": "SAND02"}]
    assert read(message(header={"hotelId": None})).events == (reservation(hotel=None),)
    assert read(message(header={"hotelId": None}, details=named)).events == (reservation(hotel="SAND02"),)


@pytest.mark.parametrize(("count", "full"), [(19, False), (20, True)])
def test_a_full_body_says_that_more_may_wait(count: int, full: bool) -> None:
    assert read(*(message(key=f"{number + 1}") for number in range(count))).full is full


def test_a_single_message_reads_as_a_list_of_one() -> None:
    body = json.dumps({"businessEventData": message()}).encode()
    assert QUEUE.read(body).events == (reservation(),)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"7", b"{", b"\xff\xfe", b'{"a":' * 5000, b"<a/>"])
def test_what_is_no_list_of_messages_is_rejected(body: bytes) -> None:
    with pytest.raises(MappingRejected):
        QUEUE.read(body)
