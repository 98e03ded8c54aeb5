"""The Opera mapper against payloads whose meaning was written down from the vendor's documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.opera import SPEC
from mappers import public
from mappers.opera import MAPPER
from mappers.opera.words import CHANNELS, STATUSES
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CHANNELS as OUR_CHANNELS
from pms_sync.domain.reservation import Revision
from pms_sync.domain.status import Status
from pms_sync.observe.redact import scrub_json
from pms_sync.ports.mapper import Change, Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "opera"
CASES = sorted(path.name.removesuffix(".expected.json") for path in FIXTURES.glob("*.expected.json"))
PLAIN = MappingContext(property_code="P2", zone="Europe/Madrid", currency="EUR")
# The vendor's own list (rsv.json, pMS_ResStatusType).
WORDS = "Reserved Requested NoShow Cancelled InHouse CheckedOut Waitlisted DueIn DueOut Walkin PendingCheckout".split()


def context() -> MappingContext:
    """Read the context of all golden cases."""
    given = json.loads((FIXTURES / "context.json").read_text())
    place = given["property"]
    return MappingContext(
        property_code=place["code"],
        zone=place["timezone"],
        currency=place["currency"],
        crosswalk=Crosswalk(**given["crosswalk"]),
    )


def mapped_document(body: bytes, place: MappingContext) -> dict[str, list[Any]]:
    """Map a file the way the command does, without the command."""
    found: dict[str, list[Any]] = {"revisions": [], "blocks": [], "rejected": [], "unmapped": []}
    for row in MAPPER.rows(body):
        try:
            mapped = MAPPER.to_revisions("reservations", row, place)
        except MappingRejected as rejection:
            found["rejected"].append(public.public_rejection(rejection))
            continue
        found["revisions"] += [public.public_revision(revision) for revision in mapped.revisions]
        found["blocks"] += [public.public_block(block) for block in mapped.blocks]
        found["unmapped"] += [public.public_unmapped(code) for code in mapped.unmapped]
    return found


def record(name: str = "reserved", /, **changes: object) -> dict[str, Any]:
    """Return a golden reservation with some fields changed."""
    whole = json.loads((FIXTURES / f"{name}.json").read_bytes())
    found: dict[str, Any] = whole["reservations"]["reservation"][0]
    return found | changes


def mapped(place: MappingContext = PLAIN, /, **changes: object) -> Mapped:
    """Map the plain reservation with some fields changed."""
    return MAPPER.to_revisions("reservations", json.dumps(record(**changes)).encode(), place)


def revision(place: MappingContext = PLAIN, /, **changes: object) -> Revision:
    """Return what the plain reservation means with some fields changed."""
    return mapped(place, **changes).revisions[0]


def test_there_are_enough_golden_payloads() -> None:
    """MAP-01 asks for forty."""
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_golden_payload_means_what_was_written_down(case: str) -> None:
    """MAP-01, and within it MAP-04, MAP-07, MAP-09, TIM-01/02/07/11/14, MON-01/03, CUR-19."""
    expected = json.loads((FIXTURES / f"{case}.expected.json").read_text())

    assert mapped_document((FIXTURES / f"{case}.json").read_bytes(), context()) == expected


@pytest.mark.parametrize("computed", WORDS)
@pytest.mark.parametrize("stored", WORDS)
def test_every_status_has_a_meaning_beside_every_computed_one(stored: str, computed: str) -> None:
    """MAP-05: the matrix has no undefined cell, and the stored word alone decides."""
    found = revision(reservationStatus=stored, computedReservationStatus=computed)

    assert found.status in Status
    assert (found.hold_kind is not None) == (found.status is Status.HOLD)
    assert found.vendor_status == found.room_stays[0].vendor_status == stored
    assert found.status == STATUSES[stored].status


def test_every_word_of_the_vendors_list_has_a_meaning() -> None:
    assert set(STATUSES) == set(WORDS)
    assert set(CHANNELS.values()) <= OUR_CHANNELS


@pytest.mark.parametrize("word", ["Quoted", "reserved", "", "Prospect"])
def test_an_unknown_status_is_rejected_with_path_value_and_whose_it_is(word: str) -> None:
    """CUR-19: never guessed, and its neighbours go on."""
    with pytest.raises(MappingRejected) as caught:
        mapped(reservationStatus=word)
    told = caught.value
    assert (told.path, told.value, told.ref) == ("$.reservationStatus", word, "41231")
    assert told.why == "unknown status"


def test_the_computed_status_is_no_news_about_a_reservation() -> None:
    """It moves with the business date alone, without a change of the reservation."""
    assert revision(computedReservationStatus="DueIn") == revision(computedReservationStatus="Reserved")


def test_a_shared_room_is_held_by_exactly_one_of_those_who_share_it() -> None:
    """Whichever of the two is read, without a word which one is the primary."""
    mine, theirs = "41231", "41299"

    def holds(ref: str, other: str) -> bool:
        shared = [{"reservationId": {"id": other, "type": "Reservation"}}]
        return revision(reservationIdList=[{"id": ref, "type": "Reservation"}], sharedGuests=shared).blocks_inventory

    assert [holds(mine, theirs), holds(theirs, mine)] == [True, False]


def test_versions_sort_as_text_even_when_fractions_appear() -> None:
    times = [f"2026-04-02 11:22:{time}" for time in ("33.0", "33.1", "33.15", "33.9", "34", "34.0")]
    versions = [revision(lastModifyDateTime=time).version for time in times]

    assert versions == sorted(versions)
    assert versions[-1] == versions[-2]


def test_the_version_does_not_depend_on_the_zone_that_nobody_documents() -> None:
    """TIM-06: a wrong guess about the zone moves an instant that people read, never the order of changes."""
    kiritimati = MappingContext(property_code="P2", zone="Pacific/Kiritimati", currency="EUR")

    assert revision().version == revision(kiritimati).version
    assert revision().modified_at != revision(kiritimati).modified_at


def test_no_comments_is_an_emptied_field_and_no_guests_an_unsaid_one() -> None:
    """MAP-07: comments are asked for, and what is empty is left out there; guests are always there."""
    assert "notes" in public.public_revision(revision())
    assert public.public_revision(revision())["notes"] is None
    without = record()
    del without["reservationGuests"]
    [told] = MAPPER.to_revisions("reservations", json.dumps(without).encode(), PLAIN).revisions
    assert not {"booker", "guests"} & public.public_revision(told).keys()


def test_an_unmapped_code_never_blocks_the_booking() -> None:
    """MAP-03."""
    found = mapped(MappingContext(property_code="P2", zone="UTC", currency="EUR", crosswalk=Crosswalk()))

    assert [(code.kind, code.code) for code in found.unmapped] == [
        ("room_type", "DBL"),
        ("room", "101"),
        ("rate_plan", "BAR"),
    ]
    assert found.revisions[0].room_stays[0].room_type is None


def test_a_rejection_repeats_no_name() -> None:
    guests = record()["reservationGuests"]
    guests[0]["profileInfo"]["profile"]["customer"]["personName"][0]["surname"] = {"secret": "Example"}
    with pytest.raises(MappingRejected) as caught:
        mapped(reservationGuests=guests)
    assert "Example" not in caught.value.value
    assert caught.value.path.startswith("$.reservationGuests[0].profileInfo")


def test_no_card_comes_through_what_is_kept_and_no_id_is_taken_for_one() -> None:
    """The engine scrubs a body before anything is stored; one id in ten passes the test of card numbers."""
    card = {"cardNumber": "4111111111111111", "expirationDate": "2030-01-31", "citId": "x"}
    told = record(
        reservationIdList=[{"id": "4111111111111111", "type": "Reservation"}],
        reservationPaymentMethods=[{"paymentMethod": "VA", "paymentCard": card}],
        comments=[{"comment": {"text": {"value": "card 4111 1111 1111 1111 given by phone"}}}],
    )
    kept, removed = scrub_json(json.dumps(told).encode(), SPEC.identifier_keys)
    [found] = MAPPER.to_revisions("reservations", kept, PLAIN).revisions

    assert removed >= 2
    assert found.ref == "4111111111111111"
    assert b'"cardNumber": "4111111111111111"' not in kept
    assert "4111 1111 1111 1111" not in str(found.notes)
    assert "given by phone" in str(found.notes)


def test_an_error_answer_is_no_page_of_records() -> None:
    body = {"type": "x", "title": "Bad Request", "status": 400, "o:errorCode": "OPERAWS-GEN01346"}
    with pytest.raises(MappingRejected):
        MAPPER.rows(json.dumps(body).encode())


def test_an_unknown_stream_is_rejected() -> None:
    with pytest.raises(MappingRejected):
        MAPPER.to_revisions("folio", json.dumps(record()).encode(), PLAIN)


def test_our_state_is_said_in_operas_codes_and_words() -> None:
    """The crosswalk read the other way round; what came from elsewhere has no word of Opera's yet."""
    read = revision(context())
    [stay] = read.room_stays
    moved = replace(stay, room="R201", status=Status.CHECKED_IN, vendor_status="confirmed")
    held = MAPPER.project(replace(read, vendor="elsewhere", room_stays=(moved,)), context())

    assert (held.room_stays[0].room_ref, held.room_stays[0].vendor_status) == ("201", "InHouse")
    assert held.vendor == "opera"


def test_a_code_that_nobody_mapped_cannot_be_said() -> None:
    read = revision(context())
    strange = replace(read, room_stays=(replace(read.room_stays[0], room_type="LOFT"),))
    with pytest.raises(MappingRejected) as caught:
        MAPPER.project(strange, context())
    assert (caught.value.path, caught.value.value) == ("room_stays[0].room_type", "LOFT")


def test_nothing_is_written_to_opera_yet() -> None:
    """It is said which change was meant, and where a person can make it."""
    change = Change(kind="cancel", wanted=(), paths=frozenset({"room_stays[41231].status"}), token="t")
    with pytest.raises(MappingRejected) as caught:
        MAPPER.to_requests(change, PLAIN)
    assert caught.value.path == "room_stays[41231].status"
    assert "enter it in OPERA Cloud" in caught.value.why
