"""What the Beds24 mapper sends: new bookings, the smallest change, cancellations, and our mark on what we made."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from mappers.beds24 import MAPPER, marks
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision
from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change, MappingContext
from tests.unit.beds24_states import (
    CONTEXT,
    FIXTURES,
    TOKEN,
    body_of,
    created,
    known,
    modified,
    ours,
    with_booker,
    with_stay,
)


def test_a_booking_says_all_of_itself_once() -> None:
    """No mail, no webhook back, no other room, and none sold twice in silence."""
    (request,) = created(ours())
    assert json.loads(request.body) == {
        "roomId": 55,
        "unitId": 1,
        "arrival": "2026-05-04",
        "departure": "2026-05-06",
        "status": "confirmed",
        "numAdult": 2,
        "numChild": 0,
        "price": 240.0,
        "firstName": "Maria",
        "lastName": "Prado",
        "email": "maria@example.test",
        "phone": "+34 600",
        "country2": "ES",
        "lang": "es",
        "notes": "sea view",
        "infoItems": [{"code": "PMSSYNC", "text": "01991234-567:8-7123-8456-:789012345678"}],
        "actions": {
            "notifyGuest": False,
            "allowWebhooks": False,
            "notifyHost": False,
            "assignBooking": False,
            "checkAvailability": True,
        },
    }
    assert (request.kind, request.ref, request.token, request.notices) == ("create", None, TOKEN, ())
    assert set(request.paths) == {
        *(f"stays[0190-stay].{kind}" for kind in ("shape", "room", "status", "occupancy")),
        *("booker", "notes", "total"),
    }


def test_money_is_a_number_to_the_last_cent() -> None:
    """JSON would make a float of it on the way."""
    (request,) = created(ours({"total": Decimal("1234567.89")}))
    assert b'"price":1234567.89,' in request.body


def test_a_price_of_nought_is_said() -> None:
    """Left out, defaults apply (vendors/beds24.md 7)."""
    assert body_of(created(ours({"total": Decimal(0)})))["price"] == 0


def test_an_inquiry_needs_no_availability() -> None:
    """It holds nothing."""
    hold = {"status": Status.HOLD, "hold_kind": HoldKind.INQUIRY, "blocks_inventory": False}
    body = body_of(created(ours(hold)))
    assert body["status"] == "inquiry"
    assert "checkAvailability" not in body["actions"]


def test_a_group_is_made_with_its_master_first_and_a_mark_on_each() -> None:
    """B24-03: each member can be found again alone."""
    member = ours({"ref": "s2", "room_type": "SUI", "room": None}, is_home=False, scope="stay", total=UNSET)
    requests = created(member, ours({"ref": "s1"}))
    bodies = [json.loads(one.body) for one in requests]
    assert [body["roomId"] for body in bodies] == [55, 66]
    assert all(body["actions"]["makeGroup"] for body in bodies)
    assert [one.token for one in requests] == [f"{TOKEN}.1", f"{TOKEN}.2"]
    assert "booker" in requests[0].paths
    assert all(path.startswith("stays[s2]") for path in requests[1].paths)


def test_a_stay_more_joins_the_group_that_is_there() -> None:
    """The reservation's own ref is its master."""
    body = body_of(created(ours(ref="1000")))
    assert body["masterId"] == 1000
    assert "makeGroup" not in body["actions"]


def test_a_booking_of_an_ota_is_said_to_lose_its_tie() -> None:
    """API-made bookings never become OTA bookings (vendors/beds24.md 7)."""
    (request,) = created(ours(channel="expedia"))
    assert "direct booking of its own" in request.notices[0]


@pytest.mark.parametrize(
    ("state", "path"),
    [
        (ours({"total": Decimal("100000000.00")}), "room_stays[0].total"),
        (ours({"total": Decimal(-1)}), "room_stays[0].total"),
        (ours(currency="USD"), "currency"),
        (ours(price_basis="net"), "price_basis"),
        (ours({"adults": 100}), "room_stays[0].numAdult"),
    ],
)
def test_what_a_number_there_cannot_say_is_rejected(state: Revision, path: str) -> None:
    """No amount is sent that would be read as another."""
    with pytest.raises(MappingRejected) as caught:
        created(state)
    assert caught.value.path == path


def test_a_code_that_is_no_id_is_rejected() -> None:
    """Without a crosswalk our own code would go out."""
    plain = MappingContext(property_code="P1", zone="UTC", currency="EUR")
    wanted = MAPPER.project(ours({"room": None}), plain)
    with pytest.raises(MappingRejected, match="no id of Beds24's"):
        MAPPER.to_requests(Change(kind="create", wanted=(wanted,), token=TOKEN), plain)


@pytest.mark.parametrize(
    ("after", "sent"),
    [
        (with_stay(known(), departure=date(2026, 5, 7)), {"arrival": "2026-05-04", "departure": "2026-05-07"}),
        (with_stay(known(), total=Decimal("199.90")), {"price": 199.9}),
        (with_stay(known(), room="102"), {"roomId": 55, "unitId": 2}),
        (with_stay(known(), room_type="SUI", room="201"), {"roomId": 66, "unitId": 1}),
        (with_stay(known(), room=None, room_ref=None), {"unitId": 0}),
        (with_stay(known(), status=Status.CANCELLED), {"status": "cancelled"}),
        (with_stay(known(), status=Status.NO_SHOW), {"subStatus": "noShow"}),
        (with_stay(known(), children=0), {"numChild": 0}),
        (replace(known(), notes="call first"), {"notes": "call first"}),
        (replace(known(), notes=None, comments=None), {"comments": ""}),
        (with_booker(known(), email=None), {"email": ""}),
        (with_booker(known(), phone=None), {"phone": "", "mobile": ""}),
        (with_booker(known(), country=None), {"country2": None}),
        (
            with_booker(known(), first_name="Ana"),
            {"firstName": "Ana", "lastName": "Example"},
        ),
        (
            with_booker(known(), first_name=None, last_name=None),
            {"firstName": "", "lastName": "", "title": ""},
        ),
    ],
)
def test_only_what_differs_is_sent(after: Revision, sent: dict[str, Any]) -> None:
    """Last write wins there, so the smallest difference is written (vendors/beds24.md 7)."""
    quiet = {"notifyGuest": False, "allowWebhooks": False}
    assert body_of(modified(known(), after)) == {"id": 1001, **sent, "actions": quiet}


def test_a_name_that_staff_typed_into_the_title_is_written_whole() -> None:
    """Else the title would stand beside the new name and be read no more."""
    before = known("name_typed_in_title")
    assert isinstance(before.booker, Guest)
    body = body_of(modified(before, with_booker(before, first_name="Ana")))
    assert (body["firstName"], body["lastName"]) == ("Ana", before.booker.last_name)


def test_a_no_show_taken_back_says_so() -> None:
    before = known(subStatus="noShow")
    assert body_of(modified(before, with_stay(before, status=Status.CONFIRMED)))["subStatus"] == "none"


def test_what_is_there_already_needs_no_request() -> None:
    """A dirty atom whose fields are equal."""
    assert modified(known(), known(), "notes", "stays[1001].shape") == []


def test_atoms_that_were_not_asked_for_stay_out() -> None:
    """One of them may be a case, or under undo."""
    after = replace(with_stay(known(), departure=date(2026, 5, 8)), notes="held back")
    (request,) = modified(known(), after, "stays[1001].shape")
    assert "notes" not in json.loads(request.body)
    assert request.paths == ("stays[1001].shape",)


def test_a_rate_plan_alone_is_refused_and_beside_dates_it_is_named() -> None:
    """No offer can be written."""
    with pytest.raises(MappingRejected, match="takes no rate plan"):
        modified(known(), with_stay(known(), rate_plan="FLEX"))
    (request,) = modified(known(), with_stay(known(), rate_plan="FLEX", departure=date(2026, 5, 9)))
    assert any("takes no rate plan" in notice for notice in request.notices)
    assert request.paths == ("stays[1001].shape",)


@pytest.mark.parametrize("path", ["guests[31]", "lines[1]", "channel", "guaranteed"])
def test_an_atom_its_api_does_not_take_is_refused_alone_and_named_beside_others(path: str) -> None:
    """It would otherwise be dirty for ever without a word."""
    with pytest.raises(MappingRejected) as caught:
        modified(known(), known(), path)
    assert caught.value.path == path
    (request,) = modified(known(), replace(known(), notes="x"), path, "notes")
    assert request.paths == ("notes",)
    assert len(request.notices) == 1


def test_a_room_waits_for_its_room_type() -> None:
    """A unit's number means another room in another type."""
    after = with_stay(known(), room_type="SUI", room="201")
    with pytest.raises(MappingRejected, match="which waits"):
        modified(known(), after, "stays[1001].room")


def test_a_room_of_another_type_is_refused_alone_and_named_beside_others() -> None:
    """Beds24 puts a stay into a unit of its room type; an upgrade needs a person."""
    upgraded = with_stay(known(), room="201")
    with pytest.raises(MappingRejected, match="only into a room of its own room type"):
        modified(known(), upgraded)
    (request,) = modified(known(), replace(upgraded, notes="upgraded"))
    assert request.paths == ("notes",)
    assert any("own room type" in notice for notice in request.notices)
    with pytest.raises(MappingRejected, match="only into a room of its own room type"):
        created(ours({"room": "201"}))


def test_a_language_cannot_be_emptied() -> None:
    """The vendor's API file takes two letters or none at all."""
    with pytest.raises(MappingRejected, match="no empty language"):
        modified(known(), with_booker(known(), language=None))
    (request,) = modified(known(), with_booker(known(), language=None, email="a@example.test"))
    assert "lang" not in json.loads(request.body)


def test_a_ref_of_another_vendor_is_refused() -> None:
    change = Change(
        kind="modify", wanted=(ours(),), known=known(), paths=frozenset({"notes"}), refs=("A-1",), token="T"
    )
    with pytest.raises(MappingRejected, match="no id of Beds24's"):
        MAPPER.to_requests(change, CONTEXT)


def cancelled(before: Revision | None, *refs: str) -> list[VendorRequest]:
    wanted = (before,) if before is not None else ()
    change = Change(kind="cancel", wanted=wanted, known=before, refs=refs or ("1001",), token=TOKEN)
    return MAPPER.to_requests(change, CONTEXT)


def test_a_cancellation_is_a_status_and_nothing_else() -> None:
    """vendors/beds24.md 7."""
    (request,) = cancelled(known())
    assert json.loads(request.body) == {
        "id": 1001,
        "status": "cancelled",
        "actions": {"notifyGuest": False, "allowWebhooks": False},
    }
    assert (request.kind, request.ref, request.notices) == ("cancel", "1001", ())


def test_a_group_is_cancelled_member_by_member() -> None:
    """There is no group event (vendors/beds24.md 14)."""
    requests = cancelled(known("group_master"), "1000", "1001", "1002")
    assert [json.loads(one.body)["id"] for one in requests] == [1000, 1001, 1002]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("booking_com_new", "Booking.com is not told"),
        ("channel_vrbo", "passes this cancellation on to Vrbo"),
        ("airbnb_new", "Airbnb is not told"),
        ("channel_expedia", "(expedia)"),
        ("channel_never_seen_is_other", "is not documented"),
    ],
)
def test_what_does_not_reach_the_channel_is_said_before(case: str, words: str) -> None:
    """vendors/beds24.md 7: and what does reach it."""
    (request,) = cancelled(known(case))
    assert words in " ".join(request.notices)
    (edit,) = modified(known(case), with_stay(known(case), status=Status.CANCELLED))
    assert edit.notices == request.notices


def test_a_cancellation_of_a_booking_nobody_read_is_said_to_be_uncertain() -> None:
    (request,) = cancelled(None)
    assert "not documented" in request.notices[0]


def test_a_change_of_a_booking_com_booking_stays_in_beds24() -> None:
    before = known("booking_com_new")
    (request,) = modified(before, with_stay(before, departure=date(2026, 5, 9)))
    assert request.notices == ("Booking.com is not told of this change, which stays in Beds24",)


def test_a_note_concerns_no_channel() -> None:
    before = known("booking_com_new")
    (request,) = modified(before, replace(before, notes="late"))
    assert request.notices == ()


def test_a_no_show_is_said_not_to_be_reported() -> None:
    """`reportNoShow` is a person's decision, and open for two days only."""
    before = known("booking_com_new")
    (request,) = modified(before, with_stay(before, status=Status.NO_SHOW))
    assert len(request.notices) == 2
    assert "report it in the Booking.com extranet" in request.notices[1]


@pytest.mark.parametrize("case", ["direct", "booking_page"])
def test_the_hotels_own_channels_need_no_word(case: str) -> None:
    (request,) = cancelled(known(case))
    assert request.notices == ()


@pytest.mark.parametrize("token", [TOKEN, f"{TOKEN}.12", "T", "4111111111111111", "a" * 100])
def test_it_comes_back_from_a_row_and_from_a_webhook(token: str) -> None:
    """Whatever else stands among the info items."""
    items = [{"id": 1, "code": "BOOKINGCOMFLAG", "text": "booker is genius"}, {"id": 2, **marks.remark(token)}]
    row = json.loads((FIXTURES / "direct.json").read_bytes())
    delivery = {"booking": {name: row[name] for name in row if name != "infoItems"}, "infoItems": items}
    assert known(infoItems=items).token == token
    told = MAPPER.to_revisions("reservations", json.dumps(delivery).encode(), CONTEXT)
    assert told.revisions[0].token == token


@pytest.mark.parametrize(
    "items",
    [
        [],
        None,
        "PMSSYNC",
        {"code": "PMSSYNC"},
        [{"code": "PMSSYNC"}],
        [{"code": "PMSSYNC", "text": None}],
        [{"code": "PMSSYNC", "text": "******1111"}],
        [{"code": "OTHER", "text": "PMSSYNC"}],
        [["PMSSYNC", "T"]],
    ],
)
def test_anything_odd_is_no_mark_and_does_no_harm(items: object) -> None:
    """A booking is never lost for its info items."""
    assert known(infoItems=items).token is None


def test_it_holds_no_thirteen_digits_in_a_row() -> None:
    """They could look like a card number, and be starred out before storage."""
    assert marks.remark("4" * 40)["text"] == ":".join(["4" * 12, "4" * 12, "4" * 12, "4" * 4])


@pytest.mark.parametrize("token", ["", "a b", "a:b", "é", "a" * 101])
def test_a_token_that_would_not_come_back_is_refused(token: str) -> None:
    with pytest.raises(MappingRejected):
        marks.remark(token)
