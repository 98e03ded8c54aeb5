"""What a change tells, and what it never tells: a table from what happened to topics."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from pms_sync.domain import events
from pms_sync.domain.events import (
    NAMES,
    BlockChange,
    CaseChange,
    ReservationChange,
    RoomChange,
    block_events,
    case_events,
    domain_events,
    field_names,
    push_parked,
    room_events,
)

RESERVATION, PROPERTY, OTHER = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)


def told(before: str | None, after: str, *changed: str, kind: str = "webhook") -> list[str]:
    """Return the topics of a change, without their common beginning."""
    change = ReservationChange(
        reservation_id=RESERVATION,
        property_id=PROPERTY,
        before=before,
        after=after,
        changed=changed,
        source="v",
        kind=kind,
        correlation_id="c1",
    )
    return [event.topic.removeprefix("pms.") for event in domain_events(change)]


def block(*, was_gone: bool | None, gone: bool, **given: Any) -> list[str]:
    """Return the topics of a block's change, without their common beginning."""
    facts = {"block_kind": "owner", "changed": (), "kind": "poll", **given}
    change = BlockChange(
        block_id=OTHER, property_id=PROPERTY, was_gone=was_gone, gone=gone, source="v", correlation_id="c1", **facts
    )
    return [event.topic.removeprefix("pms.") for event in block_events(change)]


@pytest.mark.parametrize(
    ("before", "after", "changed", "topics"),
    [
        (None, "confirmed", (), ["reservation.created", "inventory.updated"]),
        (None, "hold", ("status",), ["reservation.created", "inventory.updated"]),
        (None, "cancelled", ("status",), ["reservation.created"]),
        ("confirmed", "cancelled", ("status", "stay.9.status"), ["reservation.cancelled", "inventory.updated"]),
        ("confirmed", "no_show", ("status",), ["reservation.no_show_marked", "inventory.updated"]),
        ("confirmed", "checked_in", ("status",), ["reservation.checked_in"]),
        ("checked_in", "checked_out", ("status",), ["reservation.checked_out"]),
        ("hold", "confirmed", ("status", "hold_kind"), ["reservation.updated"]),
        ("hold", "confirmed", (), ["reservation.updated"]),
        ("cancelled", "confirmed", ("status",), ["reservation.updated", "inventory.updated"]),
        ("confirmed", "confirmed", ("stay.9.arrival", "stay.9"), ["reservation.moved", "inventory.updated"]),
        ("confirmed", "confirmed", ("stay.9.room_id",), ["reservation.moved", "inventory.updated"]),
        ("confirmed", "confirmed", ("guest.booker",), ["reservation.updated"]),
        ("confirmed", "confirmed", ("stay.9.total", "total"), ["reservation.updated"]),
        (
            "confirmed",
            "confirmed",
            ("stay.9.departure", "total"),
            ["reservation.moved", "reservation.updated", "inventory.updated"],
        ),
        (
            "confirmed",
            "checked_in",
            ("status", "stay.9.room_ref"),
            ["reservation.checked_in", "reservation.moved", "inventory.updated"],
        ),
        ("cancelled", "cancelled", ("stay.9.arrival",), ["reservation.moved"]),
        ("confirmed", "confirmed", ("modified_at", "flags", "stay.9.claim_state"), []),
        ("confirmed", "confirmed", (), []),
    ],
)
def test_a_change_tells_what_the_seeds_name(
    before: str | None, after: str, changed: tuple[str, ...], topics: list[str]
) -> None:
    """S1.33, S2.10: each lifecycle step by its own name, a move apart from any other update."""
    assert told(before, after, *changed) == topics


@pytest.mark.parametrize("kind", ["backfill", "replay", "echo"])
def test_history_is_silent(kind: str) -> None:
    """ARCHITECTURE §4: cold start, backfill, replay and echo raise no notification."""
    assert told(None, "confirmed", kind=kind) == []
    assert told("confirmed", "cancelled", "status", kind=kind) == []
    assert block(was_gone=None, gone=False, kind=kind) == []
    assert case_events(case("open", kind=kind)) == []


@pytest.mark.parametrize("kind", ["webhook", "poll", "reconcile", "stream", "queue", "local"])
def test_what_happens_now_is_told_whichever_way_it_came(kind: str) -> None:
    assert told("confirmed", "cancelled", "status", kind=kind)[0] == "reservation.cancelled"


@pytest.mark.parametrize(
    ("kind", "changed", "number"), [("poll", ["condition"], 1), ("poll", [], 0), ("replay", ["room"], 0)]
)
def test_a_room_tells_which_one_it_is_and_what_of_it_changed(kind: str, changed: list[str], number: int) -> None:
    """S1.34: no value, since a reader can look."""
    change = RoomChange(room="101", property_id=PROPERTY, changed=changed, source="v1", kind=kind, correlation_id="c")
    found = [(one.topic, one.property_id, dict(one.payload)) for one in room_events(change)]
    payload = {"event": "RoomStatusChanged", "room": "101", "changed": changed, "source": "v1"}
    assert found == [("pms.room.status_changed", PROPERTY, payload)] * number


@pytest.mark.parametrize(
    ("was_gone", "gone", "given", "topics"),
    [
        (None, False, {}, ["block.created", "inventory.updated"]),
        (False, True, {}, ["block.removed", "inventory.updated"]),
        (True, False, {}, ["block.created", "inventory.updated"]),
        (False, False, {"changed": ("departure",)}, ["block.updated", "inventory.updated"]),
        (False, False, {"changed": ("claim_state",)}, []),
        (None, True, {}, []),
        (True, True, {"changed": ("departure",)}, []),
        (
            None,
            False,
            {"block_kind": "out_of_order"},
            ["block.created", "room.out_of_order_set", "inventory.updated"],
        ),
        (
            False,
            True,
            {"block_kind": "out_of_order"},
            ["block.removed", "room.out_of_order_cleared", "inventory.updated"],
        ),
    ],
)
def test_a_block_tells_that_it_came_changed_and_went(
    was_gone: bool | None, gone: bool, given: dict[str, Any], topics: list[str]
) -> None:
    """S1.34: an out-of-order room by its own name too."""
    assert block(was_gone=was_gone, gone=gone, **given) == topics


def case(state: str, kind: str = "poll", reservations: tuple[uuid.UUID, ...] = (RESERVATION,)) -> CaseChange:
    """Build the change of a case."""
    return CaseChange(
        case_id=OTHER,
        case_kind="same_atom",
        severity=2,
        state=state,
        property_id=PROPERTY,
        reservation_ids=reservations,
        kind=kind,
        correlation_id="c1",
    )


@pytest.mark.parametrize(
    ("state", "topic"),
    [("open", events.CASE_OPENED), ("resolved", events.CASE_RESOLVED), ("withdrawn", events.CASE_RESOLVED)],
)
def test_a_case_tells_its_beginning_and_its_end(state: str, topic: str) -> None:
    [event] = case_events(case(state))
    assert (event.topic, event.reservation_id) == (topic, RESERVATION)
    assert event.payload["state"] == state


def test_a_case_of_several_reservations_belongs_to_none_of_them() -> None:
    [event] = case_events(case("open", reservations=(RESERVATION, OTHER)))
    assert event.reservation_id is None
    assert event.payload["reservation_ids"] == [str(RESERVATION), str(OTHER)]


def test_an_event_says_ids_codes_and_names_of_fields_and_no_vendor_ref() -> None:
    """PRV: a subscriber is told what changed, never a person's data."""
    change = ReservationChange(
        reservation_id=RESERVATION,
        property_id=PROPERTY,
        before="confirmed",
        after="confirmed",
        changed=("stay.a.b.7.departure", "stay.9001", "guest.booker", "private_digest", "Ana María <a@example.com>"),
        source="v",
        kind="poll",
        correlation_id="c1",
    )
    [moved, updated, _] = domain_events(change)
    assert moved.payload == {
        "event": "ReservationMoved",
        "status": "confirmed",
        "previous_status": "confirmed",
        "changed": ["guests", "notes", "other", "room_stays", "room_stays.departure"],
        "source": "v",
    }
    assert (moved.reservation_id, moved.property_id, moved.correlation_id) == (RESERVATION, PROPERTY, "c1")
    written = msgspec.json.encode([moved, updated]).decode()
    assert "9001" not in written
    assert "Ana" not in written


def test_fields_carry_our_names_once() -> None:
    assert field_names(["stay.1.room_id", "stay.2.room_ref", "vendor_channel", "channel", "version"]) == [
        "channel",
        "room_stays.room",
    ]


def test_a_parked_push_is_told_without_the_vendors_words() -> None:
    event = push_parked(OTHER, RESERVATION, None, PROPERTY, "c1")
    assert event.topic == events.PUSH_PARKED
    assert set(event.payload) == {"event", "intent_id", "account_id"}


def test_the_topics_of_the_seeds_are_there_to_subscribe_to() -> None:
    """S2.10 word for word, S1.33 by name."""
    assert {"pms.inventory.updated", "pms.reservation.created", "pms.reservation.cancelled"} <= set(NAMES)
    assert {
        "ReservationCreated",
        "ReservationUpdated",
        "ReservationMoved",
        "ReservationCancelled",
        "ReservationNoShowMarked",
        "ReservationCheckedIn",
        "ReservationCheckedOut",
    } <= set(NAMES.values())
