"""The Mews door: who may knock, and the hundreds of objects that one delivery may be about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.mews import DOOR, SPEC
from pms_sync.domain.errors import DeliveryRefused, MappingRejected
from pms_sync.ports.connector import Delivery, VendorEvent

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
SECRET = "s3cret-of-the-door-0123456789"
PROPERTY = "00000001-0000-4000-8000-000000000001"


def ref(number: int) -> str:
    """Name an object."""
    return f"00000007-0000-4000-8000-{number:012x}"


def delivery(**query: str) -> Delivery:
    """Build a delivery whose address had this query."""
    return Delivery(headers={}, body=b"{}", received_at=NOW, query=query)


def event(kind: str, number: int = 1) -> dict[str, Any]:
    """Build one event."""
    return {"Discriminator": kind, "Value": {"Id": ref(number)}}


def body(*events: object, **fields: object) -> bytes:
    """Build a general webhook."""
    told = {"EnterpriseId": PROPERTY, "IntegrationId": ref(99), "Events": list(events), **fields}
    return json.dumps(told).encode()


def test_the_secret_in_the_address_lets_in() -> None:
    """Section 12.1: that is all Mews offers; an older one of two still fits."""
    DOOR.verify(delivery(Token=SECRET), ["new", SECRET], now=NOW)
    assert DOOR.header is SPEC.webhook_header is None
    assert DOOR.delivery_id(delivery()) is None


@pytest.mark.parametrize("query", [{}, {"Token": ""}, {"Token": SECRET[:-1]}, {"Token": SECRET + "x"}, {"key": SECRET}])
def test_anything_else_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(DeliveryRefused) as refused:
        DOOR.verify(delivery(**query), [SECRET], now=NOW)
    assert refused.value.status == 401


def test_hundreds_of_events_name_each_object_once() -> None:
    """Section 12.1: "in the order of hundreds" in one message; one door for many properties."""
    events = [event("ServiceOrderUpdated", number % 300) for number in range(900)]
    told = DOOR.read(body(*events))
    assert len(told) == 300
    assert told[0] == VendorEvent(stream="reservations", ref=ref(0), property_ref=PROPERTY)


def test_blocks_and_rooms_have_streams_of_their_own() -> None:
    told = DOOR.read(body(event("ResourceBlockUpdated", 5), event("ServiceOrderUpdated", 5)))
    assert [(one.stream, one.ref) for one in told] == [("blocks", ref(5)), ("reservations", ref(5))]
    [room] = DOOR.read(body(event("ResourceUpdated", 5), event("ResourceUpdated", 5)))
    assert (room.stream, room.ref) == ("room_status", ref(5))
    assert {one.stream for one in told} <= {stream.name for stream in SPEC.streams}


@pytest.mark.parametrize("kind", ["CustomerAdded", "CustomerUpdated", "PaymentUpdated", "MessageAdded", "NeverSeen"])
def test_what_is_followed_otherwise_names_nothing(kind: str) -> None:
    """Guests are polled, since an event of theirs names no reservation."""
    assert DOOR.read(body(event(kind))) == []
    assert DOOR.read(body(event(kind), event("ServiceOrderUpdated"))) != []


@pytest.mark.parametrize(
    "action", ["IntegrationCreated", "IntegrationApiKeyCreated", "IntegrationDisabled", "IntegrationDeleted", "Other"]
)
def test_news_of_the_integration_name_no_object_and_repeat_no_token(action: str) -> None:
    """Section 12.2: these bodies may hold a production secret."""
    data = {"Integration": {"Id": ref(1), "Name": "x"}, "AccessToken": "SECRET", "ApiKey": "SECRET"}
    assert DOOR.read(json.dumps({"Action": action, "Data": data}).encode()) == []


def test_a_bad_event_does_not_hold_up_its_neighbours() -> None:
    bad = {"Discriminator": "ServiceOrderUpdated", "Value": {"Id": "' OR 1=1"}}
    none = {"Discriminator": "ServiceOrderUpdated", "Value": None}
    assert [one.ref for one in DOOR.read(body(bad, event("ServiceOrderUpdated", 3), none))] == [ref(3)]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"7",
        b"\xff\xfe",
        b"[" * 5000,
        b" " * 2_000_000,
        json.dumps({"EnterpriseId": PROPERTY, "Events": 7}).encode(),
        json.dumps({"Events": [event("ServiceOrderUpdated")]}).encode(),
        json.dumps({"EnterpriseId": PROPERTY, "Events": [{"Value": {}}]}).encode(),
        body({"Discriminator": "ServiceOrderUpdated", "Value": {"Id": "no id"}}),
        body(*[event("ServiceOrderUpdated")] * 10_001),
    ],
    ids=range(13),
)
def test_nonsense_is_rejected_without_repeating_it(raw: bytes) -> None:
    """Bodies are untrusted: whoever learns the address can post."""
    with pytest.raises(MappingRejected) as told:
        DOOR.read(raw)
    assert "AccessToken" not in str(told.value)


def test_no_events_are_no_work() -> None:
    assert DOOR.read(body()) == []
