"""Laws of what a change tells, whatever changed."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from pms_sync.domain.events import NAMES, SILENT_KINDS, ReservationChange, domain_events, field_names, topics_of
from pms_sync.domain.status import Status

STATUSES = st.sampled_from([str(status) for status in Status])
FIELDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["status", "total", "modified_at", "guest.booker", "stay.1", "private_digest"]),
    st.builds(
        "stay.{}.{}".format, st.text(max_size=8), st.sampled_from(["arrival", "room_id", "total", "claim_state"])
    ),
)
KINDS = st.sampled_from(["webhook", "poll", "reconcile", "backfill", "replay", "echo", "local"])
CHANGES = st.builds(
    ReservationChange,
    reservation_id=st.just(uuid.UUID(int=1)),
    property_id=st.just(uuid.UUID(int=2)),
    before=st.none() | STATUSES,
    after=STATUSES,
    changed=st.frozensets(FIELDS, max_size=6),
    source=st.just("v"),
    kind=KINDS,
    correlation_id=st.just("c"),
)


@given(CHANGES)
def test_only_topics_that_can_be_subscribed_to_are_told_and_each_once(change: ReservationChange) -> None:
    topics = topics_of(change)
    assert set(topics) <= set(NAMES)
    assert len(set(topics)) == len(topics)


@given(CHANGES)
def test_history_tells_nothing_and_what_happens_now_tells_all(change: ReservationChange) -> None:
    told = [event.topic for event in domain_events(change)]
    assert told == ([] if change.kind in SILENT_KINDS else topics_of(change))


@given(CHANGES)
def test_every_change_a_reader_could_see_is_told(change: ReservationChange) -> None:
    news = change.before != change.after or bool(field_names(change.changed))
    assert bool(topics_of(change)) == news


@given(CHANGES)
def test_no_event_carries_a_word_of_what_a_vendor_wrote(change: ReservationChange) -> None:
    for event in domain_events(change):
        assert all(name.replace(".", "").replace("_", "").isascii() for name in event.payload["changed"])
