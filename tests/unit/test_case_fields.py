"""How the fields of a case read, and what a person said in its form."""

from __future__ import annotations

from typing import Any

import pytest

from conflict.atoms import frozen
from conflict.fields import atom_path, field_path, link_path, linked_path, public_value
from conflict.resolve import Choice, Shown, resolve
from pms_sync.web.case_fields import (
    MOST_OF_REVIEW,
    FieldLine,
    as_typed,
    by_path,
    is_complete,
    left_over,
    lines,
    marked,
    named,
    read,
)
from pms_sync.web.case_values import basis_of, inputs, label_of, reading, subject_of
from tests.unit.test_case_words import head

SHAPE = "room_stays[1].shape"
BEFORE = {
    "arrival": "2026-03-10",
    "departure": "2026-03-12",
    "room_type_ref": "DBL",
    "rate_plan_ref": None,
    "total": "200.00",
}
OURS, THEIRS = BEFORE | {"departure": "2026-03-13", "total": "300.00"}, BEFORE | {"arrival": "2026-03-09"}


def row(path: str, base: Any = "b", here: Any = "h", there: Any = "t", suggested: Any = None) -> dict[str, Any]:
    return {"path": path, "base": base, "here": here, "there": there, "suggested": suggested, "rule": "ota.x"}


def shown(*rows: dict[str, Any], **facts: Any) -> list[FieldLine]:
    return lines(head("same_atom", *rows, **facts))


def said(pieces: Any) -> dict[str, str]:
    return {piece.label: piece.text for piece in pieces}


def choices(form: dict[str, str], *rows: dict[str, Any]) -> list[tuple[str, str, Any]]:
    told = read(form, shown(*rows))
    assert not told.faults, told
    return [(one.path, one.take, one.value) for one in told.choices]


def test_only_the_parts_that_differ_stand_beside_each_other() -> None:
    told = reading(row(SHAPE, BEFORE, OURS, THEIRS), "EUR")
    assert said(told.base) == {"Arrival": "Tue 10 Mar 2026", "Departure": "Thu 12 Mar 2026", "Total": "200.00 EUR"}
    assert said(told.here)["Departure"] == "Fri 13 Mar 2026"
    assert said(told.there)["Arrival"] == "Mon 9 Mar 2026"
    assert said(told.alike) == {"Room type": "DBL"}


def test_what_was_never_agreed_still_tells_what_is_alike() -> None:
    told = reading(row(SHAPE, None, OURS, THEIRS), "EUR")
    assert said(told.base) == {"": "nothing"}
    assert said(told.alike) == {"Room type": "DBL"}


def test_a_part_that_one_side_never_said_differs() -> None:
    told = reading(row("booker", {"email": "a"}, {"email": "a", "phone": "1"}, {"email": "a"}), "EUR")
    assert (said(told.here), said(told.there)) == ({"Phone": "1"}, {"Phone": "nothing"})


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("notes", None, "nothing"), ("notes", "a\nb", "a\nb"), ("room_stays[1].status", "checked_in", "checked in"),
        ("room_stays[1].status", "hold inquiry", "hold inquiry"), ("total", "1234.5", "1,234.50 EUR"),
        ("total", "sum of the stays", "sum of the stays"), ("total", "twelve", "twelve"), ("room_stays[1]", None,
        "no longer shown"), ("room_stays[1].room", "101", "101"), ("date", "2026-03-10", "Tue 10 Mar 2026"),
        ("date", "soon", "soon"), ("inventory.booked", 3, "3"), ("notes", "(personal)", "(personal)"),
    ],
)  # fmt: skip
def test_a_value_reads_as_people_write_it(path: str, value: Any, text: str) -> None:
    assert said(reading(row(path, here=value), "EUR").here) == {"": text}


@pytest.mark.parametrize(
    ("prices", "derived", "text"),
    [
        (["100.00"] * 3, False, "3 x 100.00 EUR"), (["100.00"], True, "100.00 EUR (our split)"),
        (["1.00", "2.00"], False, "1.00 EUR, 2.00 EUR"),
        ([f"{n}.00" for n in range(9)], False, ", ".join(f"{n}.00 EUR" for n in range(7)) + " and 2 more"),
    ],
)  # fmt: skip
def test_nights_are_told_in_short(prices: list[str], derived: bool, text: str) -> None:
    nights = [{"date": f"2026-03-{day:02}", "price": price, "derived": derived} for day, price in enumerate(prices, 1)]
    told = reading(row(SHAPE, BEFORE, BEFORE | {"nights": nights}, BEFORE | {"nights": []}), "EUR")
    assert said(told.here)["Night by night"] == text


@pytest.mark.parametrize(
    ("path", "label", "subject"),
    [
        (SHAPE, "Dates, type and price", "stay 1"), ("booker", "Booker", None), ("folio_lines[7]", "Line of the bill",
        "line 7"), ("guests[a@b.c]", "Guest", None), ("room_stays[A.7].room", "Room", "stay A.7"),
        ("date", "Night", None), ("crosswalk.room_type", "Room type", None),
        ("links.ref", "The vendor's number", None), ("x_y", "X y", None),
    ],
)  # fmt: skip
def test_a_field_is_named_with_what_it_belongs_to(path: str, label: str, subject: str | None) -> None:
    assert (label_of(path), subject_of(path)) == (label, subject)


def test_a_typed_value_begins_with_the_suggestion_or_with_what_there_is() -> None:
    assert basis_of(row("notes", suggested="there")) == "t"
    assert basis_of(row("notes")) == "h"
    assert basis_of(row(SHAPE, BEFORE, None, THEIRS)) == THEIRS
    assert basis_of(row(SHAPE, BEFORE, OURS, None, "there")) == OURS


def test_inputs_fit_what_is_typed() -> None:
    sorts = {one.part: one.sort for one in inputs(row(SHAPE, BEFORE, OURS, THEIRS))}
    assert sorts == {
        "arrival": "date",
        "departure": "date",
        "room_type_ref": "text",
        "rate_plan_ref": "text",
        "total": "amount",
    }
    assert [one.sort for one in inputs(row("notes"))] == ["long"]
    [status] = inputs(row("room_stays[1].status", here="a word of tomorrow"))
    assert status.sort == "choice"
    assert ("a word of tomorrow", "a word of tomorrow") in status.options
    counts = inputs(row("room_stays[1].occupancy", {"adults": 2}, {"adults": 1}, {"adults": 2}))
    assert [(one.part, one.sort, one.text) for one in counts] == [("adults", "count", "1"), ("children", "count", "")]
    assert inputs(row("room_stays[1]", "confirmed", "confirmed", None)) == ()


@pytest.mark.parametrize(
    "facts", [{"account_id": None}, {"vendor_ref": None}, {"state": "resolved"}, {"state": "withdrawn"}]
)
def test_nothing_is_chosen_about_facts_or_in_a_case_that_is_over(facts: dict[str, Any]) -> None:
    [line] = shown(row("notes", suggested="here"), **facts)
    assert (line.choosable, line.chosen, line.inputs) == (False, None, ())
    assert not shown(row("room"))[0].choosable


def test_a_side_or_a_text_is_read() -> None:
    assert choices({"choice.notes": "there"}, row("notes")) == [("notes", "there", None)]
    assert choices({"choice.notes": "value:x"}, row("notes")) == [("notes", "value", "x")]
    assert choices({"choice.notes": "value:"}, row("notes")) == [("notes", "value", "")]
    assert choices({"choice.notes": "value", "value.notes": "h"}, row("notes")) == [("notes", "value", "h")]
    assert choices({"choice.notes": "ours"}, row("notes")) == []


def test_parts_are_laid_over_the_side_they_began_with() -> None:
    form = {f"value.{SHAPE}.{name}": text or "" for name, text in OURS.items()}
    one = row(SHAPE, BEFORE, OURS, THEIRS)
    assert choices({f"choice.{SHAPE}": "value", **form}, one) == [(SHAPE, "here", None)]
    changed = form | {f"value.{SHAPE}.total": "250"}
    assert choices(changed, one) == [(SHAPE, "here", None), (f"{SHAPE}.total", "value", "250")]


def test_what_is_no_field_is_passed_on_to_be_refused() -> None:
    form = {"choice.notes": "here", "choice.total": "value:1", f"choice.{SHAPE}.arrival": "value:2026-03-10"}
    assert choices(form, row("notes"))[1:] == [("total", "value", "1"), (f"{SHAPE}.arrival", "value", "2026-03-10")]


def test_a_form_never_drops_what_was_typed() -> None:
    told = read({"choice.notes": "here", "value.notes": "typed"}, shown(row("notes")))
    assert list(told.faults) == ["notes"]
    assert told.choices == ()
    assert list(read({"choice.notes": "value"}, shown(row("notes"))).faults) == ["notes"]


def test_the_form_comes_back_as_it_was_sent() -> None:
    form = {"choice.notes": "value", "value.notes": "typed", "seen.notes": "another mark"}
    [line] = as_typed(shown(row("notes", suggested="there")), form, {"notes": "too long"})
    assert (line.chosen, line.inputs[0].text, line.moved, line.fault) == ("value", "typed", True, "too long")
    [short] = as_typed(shown(row("notes")), {"choice.notes": "value:typed"}, {})
    assert (short.chosen, short.inputs[0].text) == ("value", "typed")
    [before] = shown(row("notes", suggested="there"))
    [same] = as_typed([before], {"seen.notes": before.mark}, {})
    assert same == before


def test_the_mark_of_a_row_tells_whether_it_moved() -> None:
    marks = {
        shown(one)[0].mark for one in (row("notes"), row("notes", there="x"), row("notes", base=None), row("total"))
    }
    assert len(marks) == 3


def test_what_was_typed_for_a_field_that_is_gone_is_told() -> None:
    form = {"value.notes": "long", f"value.{SHAPE}.total": "1", "choice.total": "value:7", "choice.notes": "value",
            "value.comments": "", "csrf": "s", "version": "1"}  # fmt: skip
    assert left_over(form, shown(row("notes"))) == [
        ("Dates, type and price of stay 1 (total)", "1"), ("Total", "7"),
    ]  # fmt: skip
    assert ("Notes", "long") in left_over(form, shown(row("notes"), state="resolved"))


def test_faults_stand_at_their_fields() -> None:
    known = shown(row(SHAPE, BEFORE, OURS, THEIRS), row("notes"))
    told = [
        (f"{SHAPE}.total", "no amount"),
        (SHAPE, "too long"),
        ("notes", "no"),
        ("room_stays[1].room", "lost"),
        ("??", "x"),
    ]
    at, rest = by_path(told, known)
    assert at == {SHAPE: "no amount; too long", "notes": "no"}
    assert rest == ["Room of stay 1: lost", "??: x"]


def test_what_the_form_says_is_what_the_merge_understands() -> None:
    """The names of the form, the paths of choices and the atoms of the merge are one language."""
    base = frozen(["2026-03-10", "2026-03-12", "55", "", "200", [], []])
    here = frozen(["2026-03-10", "2026-03-13", "55", "", "300", [], []])
    trees = [{atom_path(SHAPE)[0]: value, "stays[1].status": ("confirmed", "")} for value in (base, here, base)]
    one = row(SHAPE, *(public_value("stays[1].shape", tree["stays[1].shape"]) for tree in trees))
    form = {f"choice.{SHAPE}": "value", f"value.{SHAPE}.departure": "2026-03-15", f"value.{SHAPE}.total": "300"}
    told = read(form, shown(one)).choices
    assert [choice.path for choice in told] == [SHAPE, f"{SHAPE}.departure"]
    found = resolve(Shown(base=trees[0], here=trees[1], there=trees[2], fields=[SHAPE]), told)
    assert found.here["stays[1].shape"] == frozen(["2026-03-10", "2026-03-15", "55", "", "300", [], []])
    assert isinstance(told[0], Choice)


# ---- a review of many links


@pytest.mark.parametrize("ref", ["1", "a]b", "x].y", "[1]", "1].total", "ö/2"])
@pytest.mark.parametrize(
    "own", ["total", "booker.email", "folio_lines[7].amount", "folio_lines[a].b].text", "room_stays[9].shape.arrival"]
)
def test_a_path_that_names_a_link_leads_back_to_it(ref: str, own: str) -> None:
    """Whatever a vendor's ref holds."""
    path = linked_path(ref, own)
    assert path == f"reservations[{ref}].{own}"
    assert link_path(path) == (ref, own)
    assert field_path(path) == atom_path(own)


def test_the_stay_that_a_link_is_named_after_stands_for_itself() -> None:
    assert linked_path("1", SHAPE) == SHAPE
    assert linked_path("1", "room_stays[1]") == "room_stays[1]"
    assert linked_path("1", "room_stays[11].shape") == "reservations[1].room_stays[11].shape"
    assert link_path(SHAPE) == (None, SHAPE)
    for odd in ("reservations[1].nonsense", "reservations[1]", "reservations[].", "total"):
        assert link_path(odd) == (None, odd)


def of_review(*rows: dict[str, Any]) -> list[FieldLine]:
    return lines(head("link_up", *rows, vendor_ref=None))


BILL = "reservations[2].folio_lines[7]"


def test_rows_of_a_review_say_which_booking_they_are_about() -> None:
    [stay, bill, total] = of_review(
        row(SHAPE, BEFORE, OURS, THEIRS),
        row(BILL, None, {"amount": "1"}, {"amount": "2"}),
        row("reservations[3].total"),
    )
    assert (stay.subject, bill.subject, total.subject) == ("stay 1", "line 7 of booking 2", "booking 3")
    assert (bill.label, total.label) == ("Line of the bill", "Total")
    assert named(f"{BILL}.amount") == "Line of the bill of line 7 of booking 2 (amount)"
    assert all(line.choosable and line.may_wait for line in (stay, bill, total))


def test_a_row_of_a_review_can_be_left_for_later() -> None:
    rows = (
        row(SHAPE, BEFORE, OURS, THEIRS, suggested="there"),
        row("reservations[3].total"),
        row("reservations[4].total"),
    )
    shown = of_review(*rows)
    assert [line.chosen for line in shown] == ["there", "later", "later"]
    assert [(one.path, one.take) for one in marked(shown)] == [(SHAPE, "there")]
    form = {f"choice.{SHAPE}": "later", "choice.reservations[3].total": "here", "choice.reservations[9].total": "later"}
    told = read(form, shown)
    assert (told.faults, [(one.path, one.take) for one in told.choices]) == ({}, [("reservations[3].total", "here")])
    assert is_complete(told.choices, shown)
    assert as_typed(shown, form, {})[0].chosen == "later"
    typed = {f"choice.{SHAPE}": "later", f"value.{SHAPE}.departure": "2026-03-20"}
    assert list(read(typed, shown).faults) == [SHAPE]


def test_a_problem_of_a_review_stands_at_its_own_booking() -> None:
    shown = of_review(row("reservations[3].total"), row("reservations[4].total"))
    at, rest = by_path([("reservations[4].total", "no"), ("reservations[5].total", "gone")], shown)
    assert (at, rest) == ({"reservations[4].total": "no"}, ["Total of booking 5: gone"])


def test_one_form_carries_no_more_of_a_review_than_it_can() -> None:
    """A form has its limit of fields; the rest follows once these are decided."""
    many = [row(f"reservations[{number}].total") for number in range(MOST_OF_REVIEW + 5)]
    assert len(of_review(*many)) == MOST_OF_REVIEW
