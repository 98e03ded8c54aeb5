"""The Cloudbeds door and its subscriptions: who may knock, what about, and exactly one subscription for each event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.cloudbeds import DOOR, SPEC, facts, webhooks, wire
from pms_sync.domain.errors import DeliveryRefused, MappingRejected
from pms_sync.ports.connector import Delivery, VendorEvent

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
URL = "https://hotel.example/webhooks/cloudbeds/door-token"
SECRET = "s3cret-of-the-door-0123456789"
WANTED = f"{URL}?key={SECRET}"
OTHERS = "https://other.example/hook"


def delivery(**query: str) -> Delivery:
    """Build a delivery whose address had this query."""
    return Delivery(headers={}, body=b"{}", received_at=NOW, query=query)


def body(event: str, **fields: Any) -> bytes:
    """Build a webhook body."""
    return json.dumps({"version": "1.0", "event": event, "timestamp": 1772445015.123456, **fields}).encode()


def test_the_secret_in_the_address_lets_in() -> None:
    """Section 11.2: nothing is signed, so the address carries the secret; an older one of two still fits."""
    DOOR.verify(delivery(key=SECRET), ["new", SECRET], now=NOW)
    assert DOOR.header is SPEC.webhook_header is None


@pytest.mark.parametrize("query", [{}, {"key": ""}, {"key": SECRET[:-1]}, {"key": SECRET + "x"}, {"secret": SECRET}])
def test_anything_else_is_refused(query: dict[str, str]) -> None:
    """Wrong, cut, prolonged, empty, or under another name."""
    with pytest.raises(DeliveryRefused) as refused:
        DOOR.verify(delivery(**query), [SECRET], now=NOW)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("reservation/created", {"propertyID": 190000, "propertyID_str": "190000", "reservationID": "9000000001"}),
        ("reservation/status_changed", {"propertyID": 190000, "reservationID": 9000000001, "status": "canceled"}),
        ("reservation/dates_changed", {"propertyId": "190000", "reservationId": "9000000001"}),
        ("reservation/accommodation_changed", {"propertyId": 190000, "reservationId": "9000000001", "roomId": ""}),
        ("reservation/deleted", {"propertyId": 190000, "propertyId_str": "190000", "reservationId": "9000000001"}),
        ("guest/assigned", {"propertyId": 190000, "guestId": 5, "reservationId": "9000000001", "roomID": "2001-1"}),
        ("reservation/never_seen", {"propertyID": 190000, "reservationID": "9000000001"}),
    ],
)
def test_both_spellings_name_the_reservation(event: str, fields: dict[str, object]) -> None:
    """Section 11.3: keys in two spellings, ids as numbers or texts."""
    assert DOOR.read(body(event, **fields)) == [
        VendorEvent(stream="reservations", ref="9000000001", property_ref="190000")
    ]


def test_the_text_beside_a_number_is_exact() -> None:
    """Newer properties have ids that a JSON number need not hold."""
    told = body("reservation/created", propertyID=1.9e15, propertyID_str="1900000000000001", reservationID="A1B2C3D4E")

    assert DOOR.read(told)[0].property_ref == "1900000000000001"


def test_a_room_block_names_each_of_its_rooms() -> None:
    """One record of ours is one room of a block."""
    rooms = [{"roomID": "2001-1", "roomTypeID": 2001}, {"roomID": "2001-2"}, {"roomID": ""}, 7]
    told = body("roomblock/created", propertyID=190000, roomBlockID=180000000000000001, rooms=rooms)

    assert [event.ref for event in DOOR.read(told)] == ["180000000000000001/2001-1", "180000000000000001/2001-2"]
    assert {event.stream for event in DOOR.read(told)} == {"blocks"}


def test_a_room_that_was_cleaned_is_named_and_what_is_claimed_of_it_is_not() -> None:
    """11.3: the property is a text in the sample; the condition is read from the list."""
    told = body("housekeeping/room_condition_changed", propertyId="190000", roomId="2001-1", condition="clean")
    assert DOOR.read(told) == [VendorEvent(stream="room_status", ref="2001-1", property_ref="190000")]
    assert DOOR.read(body("housekeeping/housekeeping_room_occupancy_status_changed", propertyId="190000")) == []


def test_a_guest_who_comes_or_goes_has_the_room_looked_at_beside_the_reservation() -> None:
    told = body(
        "reservation/accommodation_status_changed",
        propertyId=190000,
        reservationId="9000000001",
        roomId="2001-1",
        status="occupied",
    )
    assert [(one.stream, one.ref) for one in DOOR.read(told)] == [
        ("reservations", "9000000001"),
        ("room_status", "2001-1"),
    ]


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("guest/created", {"guestId": 5}),
        ("guest/details_changed", {"guestId": 5}),
        ("night_audit/completed", {"propertyID": 190000}),
        ("integration/appstate_changed", {"newState": "disabled"}),
        ("accounting/transaction", {"transactionId": "1"}),
    ],
)
def test_an_event_that_nothing_follows_names_nothing(event: str, fields: dict[str, object]) -> None:
    """It is answered with 2XX all the same, and kept (section 11.2)."""
    assert DOOR.read(body(event, **fields)) == []


@pytest.mark.parametrize("told", [b"{}", b"[]", b"null", b"", b"{", body("reservation/created"), body("nonsense")])
def test_a_body_that_names_nothing_it_should_is_rejected(told: bytes) -> None:
    """It is parked for a person to see."""
    with pytest.raises(MappingRejected):
        DOOR.read(told)


def test_the_same_delivery_has_no_id() -> None:
    """None is sent, and a made-up one could drop a second change of the same moment."""
    assert DOOR.delivery_id(delivery()) is None


def subscribed(address: str, event: str = "reservation/created", ref: str = "1", **key: str) -> wire.Subscribed:
    """Build a subscription as getWebhooks shows it."""
    entity, action = event.split("/")
    row = {
        "id": ref,
        "key": {"type": "property", "id": "190000"} | key,
        "event": {"entity": entity, "action": action},
        "subscriptionData": {"endpoint": address},
    }
    return wire.SUBSCRIBED.decode(json.dumps(row).encode())


def plan(*rows: wire.Subscribed) -> webhooks.Plan:
    """Compare what stands with what is wanted."""
    return webhooks.plan(webhooks.standing(rows), URL, WANTED, "190000")


def all_events() -> list[wire.Subscribed]:
    """Return the full set as it should stand."""
    return [subscribed(WANTED, "/".join(event), str(number)) for number, event in enumerate(webhooks.EVENTS)]


def test_nothing_there_means_subscribe_to_all() -> None:
    """Every event that we follow, once."""
    assert plan() == webhooks.Plan(add=webhooks.EVENTS, drop=())
    assert len(set(facts.EVENTS)) == len(facts.EVENTS)


def test_what_is_right_is_left_alone() -> None:
    """A second start writes nothing."""
    assert plan(*all_events()).is_done


def test_a_second_subscription_of_one_event_goes() -> None:
    """Exactly one for each event, or each change would come twice."""
    again = subscribed(WANTED, "/".join(webhooks.EVENTS[0]), "99")

    assert plan(*all_events(), again) == webhooks.Plan(add=(), drop=("99",))


def test_an_older_secret_and_an_older_door_go() -> None:
    """A changed secret is a changed address, and so is a changed public address of the daemon."""
    old = [
        subscribed(f"{URL}?key=old", ref="a"),
        subscribed("https://hotel.example/webhooks/cloudbeds/older-token?key=x", ref="b"),
        subscribed(f"https://before.example/webhooks/cloudbeds/door-token?key={SECRET}", ref="c"),
        subscribed(WANTED, "reservation/modified", ref="d"),
    ]

    assert plan(*all_events(), *old).drop == ("a", "b", "c", "d")


def test_what_others_subscribed_stays() -> None:
    """Foreign addresses, and our own door for another property."""
    foreign = [subscribed(OTHERS, ref="a"), subscribed(WANTED, ref="b", id="190001")]

    assert plan(*all_events(), *foreign).is_done


def test_a_subscription_of_the_whole_association_counts_as_the_one() -> None:
    """It sends for every property, so a second one beside it would double every event."""
    whole = subscribed(WANTED, "/".join(webhooks.EVENTS[0]), "whole", type="association", id="7")

    assert plan(whole, *all_events()[1:]).is_done


def test_the_other_spelling_of_the_address_is_read_too() -> None:
    """Section 11.1: one text shows `url` and a numeric id."""
    row = {"id": 5, "event": {"entity": "Reservation", "action": "Created"}, "subscriptionData": {"url": WANTED}}
    [found] = webhooks.standing([wire.SUBSCRIBED.decode(json.dumps(row).encode())])

    assert found == webhooks.Standing(ref="5", event=("reservation", "created"), address=WANTED, place=None)


def test_a_secret_is_written_so_that_it_comes_back_whole() -> None:
    """Signs that mean something in an address are escaped."""
    assert webhooks.address("https://a.example/x", "a&b=c d") == "https://a.example/x?key=a%26b%3Dc%20d"
    assert webhooks.address("https://a.example/x?y=1", "s") == "https://a.example/x?y=1&key=s"
