"""The Mews mapper against payloads whose meaning was written down from the vendor's documentation."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mappers import public
from mappers.mews import MAPPER, words
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CHANNELS, Guest
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mews"
CASES = sorted(path.name.removesuffix(".expected.json") for path in FIXTURES.glob("*.expected.json"))
PLAIN = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")
RECORD: dict[str, Any] = json.loads((FIXTURES / "confirmed.json").read_bytes())


def context() -> MappingContext:
    """Read the context of the golden cases."""
    given = json.loads((FIXTURES / "context.json").read_text())
    place = given["property"]
    return MappingContext(
        property_code=place["code"],
        zone=place["timezone"],
        currency=place["currency"],
        crosswalk=Crosswalk(**given["crosswalk"]),
    )


def mapped_document(body: bytes) -> dict[str, list[Any]]:
    """Map a file the way the command does, without the command."""
    found: dict[str, list[Any]] = {"revisions": [], "blocks": [], "rejected": [], "unmapped": []}
    for row in MAPPER.rows(body):
        try:
            mapped = MAPPER.to_revisions("reservations", row, context())
        except MappingRejected as rejection:
            found["rejected"].append(public.public_rejection(rejection))
            continue
        found["revisions"] += [public.public_revision(revision) for revision in mapped.revisions]
        found["blocks"] += [public.public_block(block) for block in mapped.blocks]
        found["unmapped"] += [public.public_unmapped(code) for code in mapped.unmapped]
    return found


def mapped(fields: dict[str, object], **parts: object) -> Mapped:
    """Map the plain reservation with some of its own fields, and some parts, changed."""
    record = copy.deepcopy(RECORD) | parts
    record["Reservation"] |= fields
    return MAPPER.to_revisions("reservations", json.dumps(record).encode(), PLAIN)


def rejection(fields: dict[str, object], **parts: object) -> MappingRejected:
    """Map what must be rejected."""
    with pytest.raises(MappingRejected) as caught:
        mapped(fields, **parts)
    return caught.value


def test_there_are_enough_golden_payloads() -> None:
    """MAP-01 asks for forty."""
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_golden_payload_means_what_was_written_down(case: str) -> None:
    """MAP-01, and within it MAP-03, MAP-06, MAP-07, MAP-09, TIM-01/02/05/09/11/14, MON-01/03/04/06."""
    expected = json.loads((FIXTURES / f"{case}.expected.json").read_text())

    assert mapped_document((FIXTURES / f"{case}.json").read_bytes()) == expected


@pytest.mark.parametrize("reason", [*words.REASONS, None])
@pytest.mark.parametrize("state", words.STATES)
def test_every_state_has_a_meaning_under_every_reason(state: str, reason: str | None) -> None:
    """MAP-05: the matrix has no undefined cell; the only no-show is a canceled stay of that reason (10.6)."""
    [revision] = mapped({"State": state, "CancellationReason": reason}).revisions
    [stay] = revision.room_stays

    assert stay.status in Status
    assert (stay.status is Status.NO_SHOW) == (state == "Canceled" and reason == "NoShow")
    assert (stay.hold_kind is not None) == (stay.status is Status.HOLD)
    assert stay.blocks_inventory == (state in {"Optional", "Confirmed", "Started", "Processed"})
    assert (revision.vendor_status, stay.vendor_status) == (state, state)


@pytest.mark.parametrize("origin", [*words.ORIGINS, "ChannelManager", "Import", "Never seen"])
@pytest.mark.parametrize(
    "name", ["Booking.com", "BOOKING.COM B.V.", "booking", "Expedia", "Trip.com", "Bookings2go", ""]
)
def test_every_origin_and_name_is_a_channel_of_ours(origin: str, name: str) -> None:
    """An OTA's name decides wherever it stands; a name that only begins alike is another's."""
    [revision] = mapped({"Origin": origin, "CommanderOrigin": None, "OriginDetails": name}).revisions
    known = {"Booking.com": "booking_com", "BOOKING.COM B.V.": "booking_com", "booking": "booking_com"}

    assert revision.channel in CHANNELS
    if name in known or name == "Expedia":
        assert (revision.channel, revision.vendor_channel) == (known.get(name, "expedia"), name)
    else:
        assert revision.channel == words.ORIGINS.get(origin, "other")


def test_a_group_is_the_reservation_and_its_members_are_stays_of_it() -> None:
    """MAP-04: three rooms are three records of one reservation, each with its own price and dates."""
    members = [
        mapped({"Id": f"stay-{number}", "ScheduledEndUtc": f"2026-05-{5 + number:02}T10:00:00Z"}, OrderItems=[])
        for number in (1, 2, 3)
    ]
    revisions = [one.revisions[0] for one in members]

    assert {one.ref for one in revisions} == {RECORD["Reservation"]["GroupId"]}
    assert [one.room_stays[0].ref for one in revisions] == ["stay-1", "stay-2", "stay-3"]
    assert {(one.scope, one.siblings_complete) for one in revisions} == {("stay", False)}
    assert [str(one.room_stays[0].departure) for one in revisions] == ["2026-05-06", "2026-05-07", "2026-05-08"]


def test_dates_are_those_of_the_enterprise_whatever_our_own_file_says() -> None:
    """Section 8: instants in the enterprise's zone; ours serves only a bare row, which tells none."""
    tokyo = MappingContext(property_code="P1", zone="Asia/Tokyo", currency="EUR")
    late = {"ScheduledStartUtc": "2026-05-04T20:00:00Z"}
    whole = MAPPER.to_revisions("reservations", json.dumps(_with(late)).encode(), tokyo)
    bare = MAPPER.to_revisions("reservations", json.dumps(_with(late)["Reservation"]).encode(), tokyo)

    assert str(whole.revisions[0].room_stays[0].arrival) == "2026-05-04"
    assert str(bare.revisions[0].room_stays[0].arrival) == "2026-05-05"


def test_null_is_emptied_and_absent_is_unsaid() -> None:
    """MAP-07."""
    people = [{"Id": RECORD["Reservation"]["AccountId"], "FirstName": None, "Email": ""}]
    [revision] = mapped({}, Customers=people).revisions
    assert isinstance(revision.booker, Guest)
    told = public.public_guest(revision.booker)

    assert (told["first_name"], told["email"]) == (None, None)
    assert not {"last_name", "phone", "country"} & told.keys()


@pytest.mark.parametrize("stream", ["reservations", "guests"])
def test_the_stream_of_guests_brings_reservations(stream: str) -> None:
    assert MAPPER.to_revisions(stream, json.dumps(RECORD).encode(), PLAIN).revisions


@pytest.mark.parametrize("stream", ["folio", "", "Reservations"])
def test_an_unknown_stream_is_rejected(stream: str) -> None:
    with pytest.raises(MappingRejected, match="no such stream"):
        MAPPER.to_revisions(stream, json.dumps(RECORD).encode(), PLAIN)


def test_a_rejection_names_its_record_and_repeats_nothing_personal() -> None:
    """CUR-19: path, value and reason; a name is described by its shape."""
    ref = RECORD["Reservation"]["Id"]
    told = rejection({"State": "quoted"})
    assert (told.path, told.value, told.ref) == ("$.Reservation.State", "quoted", ref)

    people = [{"Id": RECORD["Reservation"]["AccountId"], "LastName": ["Lovelace"]}]
    told = rejection({}, Customers=people)
    assert (told.path, told.value, told.ref) == ("$.Customers[0].LastName", "list of 1", ref)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"7 8", b'{"Message":"Invalid AccessToken","RequestId":"x"}', b'{"Reservations":7}']
)
def test_a_file_that_holds_no_records_is_refused(body: bytes) -> None:
    with pytest.raises(MappingRejected):
        MAPPER.rows(body)


def test_a_byte_order_mark_does_not_matter() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"Reservations": [RECORD["Reservation"]]}).encode()
    assert len(MAPPER.rows(body)) == 1


@pytest.mark.parametrize("ref", ["", "a\u0000b", "x" * 201, "a b", "\ud800", None, 7])
def test_an_id_that_cannot_be_one_is_rejected(ref: object) -> None:
    """Ids are opaque (2), but they become keys."""
    assert rejection({"Id": ref}).path == "$.Reservation.Id"


def _with(fields: Mapping[str, object]) -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    record["Reservation"] |= fields
    return record
