"""The story of a reservation in the order of time, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pms_sync.store.explain import Story
from pms_sync.web.timeline import Change, actor_name, timeline

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING: dict[str, Any] = {
    "reservation": {},
    "notes": {},
    **dict.fromkeys(("stays", "guests", "lines", "links", "audit", "events", "deliveries", "cases"), ()),
}


def story(**parts: Any) -> Story:
    """Build a story of a few parts; room R1 is 101, account A1 belongs to P1."""
    codes, accounts = {"R1": "101", "R2": "102"}, {"A1": {"vendor": "v1", "property_code": "P1"}}
    return Story(codes=codes, accounts=accounts, **(NOTHING | parts))


def entry(fields: dict[str, Any], minutes: int = 0) -> dict[str, Any]:
    """Build an audit entry."""
    return {
        "at": NOON + timedelta(minutes=minutes),
        "actor": "account:A1",
        "action": "reservation.updated",
        "fields": fields,
        "correlation_id": "c",
    }


def changes_of(**fields: Any) -> list[Change]:
    """Tell one entry's changes."""
    [moment] = timeline(story(audit=[entry({name.replace("__", "."): change for name, change in fields.items()})]))
    return list(moment.changes)


def test_changes_are_told_in_words_with_our_codes() -> None:
    assert changes_of(total=["200.00", "240.00"], stay__7__room_id=["R1", "R2"], quarantined=[True, False]) == [
        Change("quarantined", "yes", "no"),
        Change("room stay 7 room", "101", "102"),
        Change("total", "200.00", "240.00"),
    ]


def test_what_was_empty_or_becomes_empty_is_said() -> None:
    assert changes_of(flags=["", "double_booked"], hold_kind=["option", None]) == [
        Change("flags", None, "double_booked"),
        Change("hold kind", "option", "nothing"),
    ]


def test_sealed_values_are_told_by_name_alone() -> None:
    assert changes_of(private_digest=[], guest__booker=[], folio_lines=[1, 2]) == [
        Change("bill"),
        Change("booker"),
        Change("notes"),
    ]


def test_a_stay_is_added_or_has_other_nights() -> None:
    assert changes_of(stay__7=[], stay__8=["nights"]) == [
        Change("room stay 7", new="added"),
        Change("room stay 8", new="nights"),
    ]


def test_the_newest_stands_first_and_an_effect_above_its_cause() -> None:
    event = {
        "account_id": "A1",
        "kind": "poll",
        "state": "done",
        "outcome": "changed",
        "park_path": None,
        "park_reason": None,
        "correlation_id": "c",
        "received_at": NOON - timedelta(hours=1),
        "done_at": NOON,
    }
    told = timeline(story(audit=[entry({}, -5), entry({})], events=[event]))
    assert [(moment.what, moment.detail) for moment in told] == [
        ("Reservation changed", None),
        ("Seen by a poll", "changed something"),
        ("Reservation changed", None),
    ]


def test_what_waits_and_what_is_stuck_is_marked() -> None:
    rows = [
        {"state": state, "outcome": None, "park_path": "$.a", "park_reason": "unknown word", "kind": "webhook",
         "account_id": "A1", "correlation_id": "c", "received_at": NOON, "done_at": None}
        for state in ("waiting", "leased", "parked")
    ]  # fmt: skip
    assert [(moment.tone, moment.detail) for moment in timeline(story(events=rows))] == [
        ("wait", "waits for its turn"),
        ("wait", "being read now"),
        ("bad", "parked at $.a: unknown word"),
    ]


def test_actors_are_named_as_people_know_them() -> None:
    assert actor_name(story(), "account:A1") == "v1 at P1"
    assert actor_name(story(), "account:gone") == "account:gone"
    assert actor_name(story(), "system") == "system"
    assert actor_name(story(), None) is None
