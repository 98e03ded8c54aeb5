"""Two sides of one object: what is told at a glance, in which way they differ, and what a listing must show."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pms_sync.domain.reservation import Block, Line, Night, Revision
from pms_sync.domain.status import Status
from pms_sync.reconcile.sides import (
    Class,
    Glance,
    Shown,
    Told,
    class_of,
    difference,
    glance,
    is_live,
    must_be_shown,
    tells_absence,
)
from pms_sync.store.equality import Held
from tests.integration.applied_hotel import revision

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
TODAY = date(2026, 3, 1)
BLOCK = Block(
    vendor="beds24",
    ref="9",
    property_ref="7",
    version="1",
    room_type_ref="55",
    room_ref="55/1",
    arrival=date(2026, 5, 1),
    departure=date(2026, 5, 4),
    kind="owner",
)


def held(**changes: Any) -> Held:
    """Build a link read with ticket 5."""
    facts: dict[str, Any] = {
        "vendor_ref": "1",
        "level": "stay",
        "digest": b"a",
        "version": "v1",
        "missing_reads": 0,
        "read_ticket": 5,
    }
    return Held(**(facts | changes))


def shown(**changes: Any) -> Shown:
    """Build an object of a page read with ticket 9."""
    facts: dict[str, Any] = {"ref": "1", "ticket": 9, "digest": b"a"}
    return Shown(**(facts | changes))


def with_stay(told: Revision, **changes: Any) -> Revision:
    """Change the only stay of a revision."""
    [stay] = told.room_stays
    return msgspec.structs.replace(told, room_stays=(msgspec.structs.replace(stay, **changes),))


@pytest.mark.parametrize(
    ("seen", "known", "look"),
    [
        (shown(), held(), Glance.EQUAL),
        (shown(digest=b"b"), held(), Glance.DIFFERENT),
        (shown(digest=b"b"), held(read_ticket=10), Glance.EQUAL),  # looked at since
        (shown(), held(missing_reads=1), Glance.DIFFERENT),  # shown again
        (shown(), held(digest=None), Glance.DIFFERENT),
        (shown(), None, Glance.DIFFERENT),
        (shown(digest=None, version="v1"), held(), Glance.EQUAL),
        (shown(digest=None, version="v2"), held(), Glance.DIFFERENT),
        (shown(digest=None), held(), Glance.UNSURE),
    ],
)
def test_a_digest_or_a_version_tells_at_a_glance(seen: Shown, known: Held | None, look: Glance) -> None:
    assert glance(seen, known) is look


def test_what_is_as_it_was_before_a_parked_row_is_read_once_more() -> None:
    assert glance(shown(), held(), parked=True) is Glance.UNSURE
    assert glance(shown(digest=b"b"), held(), parked=True) is Glance.DIFFERENT


NIGHTS = (Night(date(2026, 3, 10), Decimal(120)), Night(date(2026, 3, 11), Decimal(80)))


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (revision(), None),
        (revision(version="2026-03-05T10:00:00Z"), None),
        (msgspec.structs.replace(revision(), notes="early arrival"), Class.FIELD),
        (revision(status=Status.CANCELLED), Class.FIELD),
        (revision(departure=date(2026, 3, 13)), Class.FIELD),
        (with_stay(revision(), room_type_ref="56"), Class.FIELD),
        (with_stay(revision(), rate_plan_ref="r2"), Class.FIELD),
        (revision(total=Decimal("150.00")), Class.PRICE),
        (with_stay(revision(), nights=NIGHTS), Class.NIGHT),
        (revision(lines=(Line(ref="1", kind="charge", amount=Decimal(9), currency="EUR"),)), Class.BALANCE),
        (with_stay(revision(total=Decimal("150.00")), room_ref="55/2"), Class.PRICE),  # the worst of several
        (BLOCK, Class.FIELD),
    ],
    ids=str,
)
def test_what_differs_names_the_class(now: Told, kind: Class | None) -> None:
    """BEYOND 12."""
    assert class_of(revision(), now) is kind


def test_a_price_that_we_only_split_over_the_nights_is_no_difference() -> None:
    even = tuple(Night(night.date, Decimal(100)) for night in NIGHTS)
    assert class_of(revision(), with_stay(revision(), nights=even)) is None


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (msgspec.structs.replace(BLOCK, version="2"), None),
        (msgspec.structs.replace(BLOCK, departure=date(2026, 5, 5)), Class.FIELD),
        (msgspec.structs.replace(BLOCK, gone=True), Class.FIELD),
        (revision(), Class.FIELD),
    ],
)
def test_blocks_differ_by_their_place_and_dates(now: Told, kind: Class | None) -> None:
    assert class_of(BLOCK, now) is kind


def test_a_block_that_ended_may_be_shown_as_a_cancelled_booking() -> None:
    assert class_of(msgspec.structs.replace(BLOCK, gone=True), revision(status=Status.CANCELLED)) is None


def test_what_is_new_or_was_missed_is_missing_here() -> None:
    for known, remote in ((None, None), (held(missing_reads=2), revision()), (held(digest=None), None)):
        found = difference(shown(), known, revision(), remote)
        assert found is not None
        assert (found.kind, found.takes_away) == (Class.MISSING_HERE, False)


def test_what_a_list_shows_as_deleted_is_missing_there_whether_we_knew_of_it_or_not() -> None:
    deleted = msgspec.structs.replace(revision(), gone=True)
    for known, remote in ((held(), revision()), (held(missing_reads=2), revision()), (None, None)):
        found = difference(shown(), known, deleted, remote)
        assert found is not None
        assert found.kind is Class.MISSING_THERE


def test_a_live_stay_that_would_end_is_taken_away() -> None:
    cancelled = difference(shown(), held(), revision(status=Status.CANCELLED), revision())
    edited = difference(shown(), held(), revision(total=Decimal(1)), revision())
    assert cancelled is not None
    assert edited is not None
    assert (cancelled.takes_away, edited.takes_away) == (True, False)
    assert difference(shown(), held(), revision(), revision()) is None


def test_a_listing_that_only_names_an_object_tells_no_class() -> None:
    found = difference(shown(digest=None, version="v2"), held(), None, revision())
    assert found is not None
    assert found.kind is Class.FIELD


def test_only_hold_confirmed_and_in_house_are_live() -> None:
    live = {one for one in Status if is_live(revision(status=one))}
    assert live == {Status.HOLD, Status.CONFIRMED, Status.CHECKED_IN}
    assert not is_live(msgspec.structs.replace(revision(), gone=True))
    assert is_live(BLOCK)
    assert not is_live(msgspec.structs.replace(BLOCK, gone=True))


@pytest.mark.parametrize(
    ("remote", "dimension", "must"),
    [
        (revision(), "arrival", True),
        (revision(), "departure", True),
        (revision(), "night", True),
        (BLOCK, "night", True),
        (BLOCK, "day", True),
        (msgspec.structs.replace(BLOCK, arrival=date(2025, 11, 1)), "night", True),  # has begun long ago
        (msgspec.structs.replace(BLOCK, arrival=date(2026, 12, 31), departure=date(2027, 1, 4)), "night", False),
        (msgspec.structs.replace(BLOCK, gone=True), "night", False),
        (revision(status=Status.CANCELLED), "arrival", False),
        (revision(arrival=date(2025, 12, 30), departure=date(2026, 3, 12)), "arrival", False),  # before the range
        (revision(arrival=date(2026, 1, 1), departure=date(2026, 3, 12)), "arrival", False),  # at its edge
        (revision(arrival=date(2026, 1, 2), departure=date(2026, 3, 12)), "arrival", True),
        (revision(arrival=date(2026, 12, 31), departure=date(2027, 1, 2)), "arrival", False),
        (revision(arrival=date(2026, 12, 20), departure=date(2027, 1, 2)), "departure", False),
        (revision(arrival=date(2026, 2, 1), departure=date(2026, 2, 28)), "arrival", False),  # over
        (revision(arrival=date(2026, 2, 1), departure=TODAY), "arrival", True),  # leaves today
    ],
)
def test_a_listing_must_show_what_lies_well_inside_of_it(remote: Told, dimension: str, must: bool) -> None:
    assert must_be_shown(remote, dimension, YEAR, TODAY) is must


def test_absence_is_told_only_along_dimensions_that_are_understood() -> None:
    assert [one for one in ("arrival", "departure", "night", "day", "created", "") if tells_absence(one)] == [
        "arrival",
        "departure",
        "night",
        "day",
    ]
