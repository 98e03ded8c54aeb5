"""What a case says in words: every kind of the public surface, with whatever is known of it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from markupsafe import Markup

from conflict import collisions
from pms_sync.store.case_desk import CaseHead
from pms_sync.web.case_kinds import KINDS
from pms_sync.web.case_words import name_of, told, when

# PUBLIC_SURFACE, word for word.
SURFACE = """
same_atom cancel_against_edit link_up room_double_booked type_oversold illegal_status_jump mapping_missing vanished
group_member_dropped channel_reference_twice balance_differs price_basis_unknown mass_change identity_doubt
unknown_outcome invalid_merge
""".split()
NIGHT, TODAY = date(2026, 3, 10), date(2026, 3, 8)
ONE, TWO = UUID(int=1), UUID(int=2)
DAY = '<time datetime="2026-03-10">Tue 10 Mar 2026</time>'
HOSTILE = "<b>{vendor}</b> {0.__class__} %s"


def head(kind: str, *fields: dict[str, Any], **facts: Any) -> CaseHead:
    """Build a case as the queue has it."""
    noon = datetime(2026, 3, 8, 12, tzinfo=UTC)
    told_: dict[str, Any] = {
        "case_id": ONE, "version": 1, "kind": kind, "subject": "s", "severity": 2, "state": "open", "property_id": ONE,
        "property_code": "P1", "property_name": "Hotel One", "timezone": "Europe/Madrid", "currency": "EUR",
        "reservation_ids": (), "fields": fields, "opened": True, "opened_at": noon, "due_at": None, "resolved_at": None,
        "resolved_by": None, "account_id": ONE, "vendor_ref": "1001", "vendor": "innbox", "mode": "live", "mirror": {},
        "today": TODAY, "soon": None, "money": None, "money_currency": None,
    }  # fmt: skip
    return CaseHead(**(told_ | facts))


def field(path: str, here: Any = "a", there: Any = "b", rule: str = "ota.x") -> dict[str, Any]:
    """Build a row of a case."""
    return {"path": path, "base": None, "here": here, "there": there, "suggested": None, "rule": rule}


def of_collision(case: Any) -> CaseHead:
    """Build the head of a case as a collision makes it: without an account."""
    return head(case.kind, *case.fields, account_id=None, vendor_ref=None, vendor=None)


def test_the_table_has_exactly_the_kinds_of_the_public_surface() -> None:
    assert list(KINDS) == SURFACE


@pytest.mark.parametrize("kind", SURFACE)
def test_every_kind_says_what_is_wrong_and_what_happens_if_nobody_acts(kind: str) -> None:
    """UX: a sentence a person would say; whole also where nothing is known but the kind."""
    for case in (head(kind), head(kind, field("notes")), head(kind, vendor=None, account_id=None)):
        words = told(case)
        for sentence in (words.what, words.otherwise, words.helps):
            assert re.fullmatch(r"[A-Zi].{20,}\.", sentence), sentence
            assert "{" not in sentence
            assert "one of them one of them" not in sentence
        assert words.title[0].isupper()
        assert "{" not in words.title
        assert 0 < len(words.short) <= 30
        assert name_of(kind)


def test_a_kind_of_a_later_version_has_words_too() -> None:
    words = told(head("rate_plan_lost"))
    assert words.title == "Rate plan lost"
    assert words.what == "Two facts about this booking contradict each other."
    assert name_of("rate_plan_lost") == "Rate plan lost"


@pytest.mark.parametrize(
    ("case", "title", "what"),
    [
        (
            collisions.double_booked(ONE, "101", NIGHT, [ONE, TWO], TODAY, holder="17", refused="18"),
            "Room 101 sold twice, Tue 10 Mar",
            f"Room 101 is sold twice on the night of {DAY}: booking 17 has it, and booking 18 wants it too.",
        ),
        (
            collisions.oversold(ONE, "DBL_SEA", NIGHT, 4, 3, TODAY),
            "DBL_SEA oversold, Tue 10 Mar",
            f"On the night of {DAY} 4 stays of type DBL_SEA are booked, and there are rooms for 3.",
        ),
        (
            collisions.illegal_jump(ONE, TWO, "s", ("checked_out", "hold"), NIGHT, TODAY),
            "Impossible change of status",
            "The vendor says that a stay went from checked out to hold, which no stay can.",
        ),
        (
            collisions.unmapped(ONE, TWO, "room_type", "XYZ_1", [ONE]),
            "Room type XYZ_1 is not mapped",
            "The vendor sells room type XYZ_1, and nobody has said which of ours that is.",
        ),
        (
            collisions.vanished(ONE, TWO, "1001", "s"),
            "The vendor no longer shows a booking",
            "The vendor no longer shows booking 1001, and did not cancel it either.",
        ),
        (
            collisions.vanished(ONE, TWO, "1001", "s", moved_to="8"),
            "The vendor no longer shows a booking",
            "The vendor now shows booking 1001 as 1001 at the vendor&#39;s property 8.",
        ),
        (
            collisions.identity_doubt(ONE, [ONE, TWO], "1001", "4711"),
            "Maybe one booking, maybe two",
            "Booking 1001 carries the channel's number 4711, which leads to another booking as well.",
        ),
    ],
)  # fmt: skip
def test_a_collision_is_told_with_its_facts(case: Any, title: str, what: str) -> None:
    words = told(of_collision(case))
    assert words.title == title
    assert words.what == what


@pytest.mark.parametrize(
    ("case", "what"),
    [
        (
            head("same_atom", field("room_stays[1].room")),
            "The room of this booking changed here and at innbox, to different values.",
        ),
        (
            head("cancel_against_edit", field("room_stays[1].status", "cancelled", "confirmed")),
            "This stay was cancelled here, and changed at innbox meanwhile.",
        ),
        (
            head("cancel_against_edit", field("notes"), field("room_stays[1].status", "confirmed", "cancelled")),
            "innbox cancelled this stay, and it was changed here meanwhile.",
        ),
        (
            head("group_member_dropped", field("room_stays[A.7]", "confirmed", None)),
            "innbox shows the group without stay A.7, and did not cancel it either.",
        ),
        (
            head("vanished", field("room_stays[1001]", "confirmed", None)),
            "innbox no longer shows booking 1001, and did not cancel it either.",
        ),
        (
            head("invalid_merge", field("room_stays[1].room", rule="no room")),
            "Here and at innbox different parts of this booking changed, and together they cannot be: no room.",
        ),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_its_vendor(case: CaseHead, what: str) -> None:
    assert told(case).what == what


@pytest.mark.parametrize("kind", SURFACE)
def test_what_a_vendor_wrote_is_text_and_no_template(kind: str) -> None:
    case = head(kind, field(f"room_stays[{HOSTILE}]", HOSTILE, HOSTILE, HOSTILE), field("room", HOSTILE),
                field("room_type", HOSTILE), field("date", HOSTILE), vendor=HOSTILE)  # fmt: skip
    words = told(case)
    for sentence in (words.what, words.otherwise, words.helps):
        assert isinstance(sentence, Markup)
        assert "<b>" not in sentence
        assert "class &#39;" not in sentence


@pytest.mark.parametrize("kind", SURFACE)
def test_no_personal_value_gets_into_a_title(kind: str) -> None:
    """UI-11."""
    for path in ("booker", "notes", "guests[1]"):
        assert "Zebedee" not in told(head(kind, field(path, "Zebedee", "Zebedee"))).title


@pytest.mark.parametrize(
    ("day", "text"),
    [(date(2026, 3, 8), "today"), (date(2026, 3, 9), "tomorrow"), (date(2026, 3, 11), "in 3 days"),
     (date(2026, 3, 7), None), (None, None)],
)  # fmt: skip
def test_how_soon_is_said_in_days(day: date | None, text: str | None) -> None:
    assert when(day, TODAY) == text


def test_vendors_are_named_once() -> None:
    assert msgspec.structs.replace(head("vanished"), vendor=None).vendors == []
    assert head("vanished").vendors == ["innbox"]
