"""The Beds24 mapper against payloads whose meaning was written down from the vendor's documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mappers import public
from mappers.beds24 import MAPPER
from mappers.beds24.words import BLOCK_STATUS, STATUSES, SUB_STATUSES
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "beds24"
CASES = sorted(path.name.removesuffix(".expected.json") for path in FIXTURES.glob("*.expected.json"))
PLAIN = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")


def context_of(case: str) -> MappingContext:
    """Read the context of a golden case, its own where it has one."""
    own = FIXTURES / f"{case}.context.json"
    given = json.loads((own if own.exists() else FIXTURES / "context.json").read_text())
    place = given["property"]
    return MappingContext(
        property_code=place["code"],
        zone=place["timezone"],
        currency=place["currency"],
        crosswalk=Crosswalk(**given["crosswalk"]),
    )


def mapped_document(body: bytes, context: MappingContext) -> dict[str, list[Any]]:
    """Map a file the way the command does, without the command."""
    found: dict[str, list[Any]] = {"revisions": [], "blocks": [], "rejected": [], "unmapped": []}
    for row in MAPPER.rows(body):
        try:
            mapped = MAPPER.to_revisions("reservations", row, context)
        except MappingRejected as rejection:
            found["rejected"].append(public.public_rejection(rejection))
            continue
        found["revisions"] += [public.public_revision(revision) for revision in mapped.revisions]
        found["blocks"] += [public.public_block(block) for block in mapped.blocks]
        found["unmapped"] += [public.public_unmapped(code) for code in mapped.unmapped]
    return found


def mapped(context: MappingContext = PLAIN, /, **changes: object) -> Mapped:
    """Map the plain booking with some fields changed."""
    row = json.loads((FIXTURES / "confirmed.json").read_bytes()) | changes
    return MAPPER.to_revisions("reservations", json.dumps(row).encode(), context)


def test_there_are_enough_golden_payloads() -> None:
    """MAP-01 asks for forty."""
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_golden_payload_means_what_was_written_down(case: str) -> None:
    """MAP-01, and within it MAP-04, MAP-07, MAP-09, TIM-01/02/11/14, MON-01/03/04, B24-03, B24-04."""
    expected = json.loads((FIXTURES / f"{case}.expected.json").read_text())

    assert mapped_document((FIXTURES / f"{case}.json").read_bytes(), context_of(case)) == expected


@pytest.mark.parametrize("sub_status", sorted(SUB_STATUSES))
@pytest.mark.parametrize("status", [*STATUSES, BLOCK_STATUS])
def test_every_status_has_a_meaning_under_every_sub_status(status: str, sub_status: str) -> None:
    """MAP-05, B24-04: the matrix has no undefined cell, and black is never a reservation."""
    result = mapped(status=status, subStatus=sub_status)

    assert bool(result.blocks) == (status == BLOCK_STATUS)
    assert bool(result.revisions) != bool(result.blocks)
    for revision in result.revisions:
        assert revision.status in Status
        assert (revision.hold_kind is not None) == (revision.status is Status.HOLD)


def test_without_a_crosswalk_codes_pass_through() -> None:
    """Nothing counts as unmapped when nobody said what the codes are."""
    result = mapped()

    assert result.unmapped == ()
    assert public.public_revision(result.revisions[0])["room_stays"][0]["room_type_ref"] == "55"


def test_an_unmapped_room_never_blocks_the_booking() -> None:
    """MAP-03: the revision comes through with the vendor's codes, and says which ones we do not know."""
    result = mapped(MappingContext(property_code="P1", zone="UTC", currency="EUR", crosswalk=Crosswalk()))

    assert [(code.kind, code.code) for code in result.unmapped] == [
        ("room_type", "55"),
        ("room", "55/1"),
        ("rate_plan", "1"),
    ]
    assert result.revisions[0].room_stays[0].room_type is None


def test_without_a_currency_the_digits_of_the_wire_stand() -> None:
    """A file can be mapped before anybody knows the property."""
    unknown = MappingContext(property_code="", zone="UTC", currency="")

    assert str(mapped(unknown, price=1.2345).revisions[0].total) == "1.2345"
    assert str(mapped(unknown, price=12).revisions[0].total) == "12.00"
    assert mapped(unknown).revisions[0].currency is None


def test_a_master_is_home_and_a_member_is_not() -> None:
    """B24-03: reservation-level fields come from the master."""
    group = {"master": 1001, "ids": [1001, 1002]}

    assert mapped(bookingGroup=group).revisions[0].is_home
    assert not mapped(id=1002, masterId=1001, bookingGroup=group).revisions[0].is_home


def test_versions_sort_as_text_even_when_fractions_appear() -> None:
    """A fraction would sort before the whole second it follows."""
    earlier, later = mapped(modifiedTime="2026-03-01T10:00:00Z"), mapped(modifiedTime="2026-03-01T10:00:00.500Z")

    assert earlier.revisions[0].version <= later.revisions[0].version


@pytest.mark.parametrize("field", ["firstName", "lastName", "email", "phone", "notes", "comments", "apiReference"])
def test_a_rejection_never_repeats_personal_data(field: str) -> None:
    """The value is described by its shape."""
    with pytest.raises(MappingRejected) as caught:
        mapped(**{field: ["Maria Secret"]})

    assert caught.value.path == f"$.{field}"
    assert "Secret" not in f"{caught.value} {caught.value.value} {caught.value.why}"


def test_a_rejection_does_not_repeat_a_card_number_put_in_a_harmless_field() -> None:
    """Staff type anything anywhere."""
    with pytest.raises(MappingRejected) as caught:
        mapped(status="4111111111111111")

    assert caught.value.value == "text of 16 characters"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"null", "Expected object"),
        (b'{"id":1,"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
        (b'{"id":1,"status":"\xff"}', "not UTF-8"),
        (b'{"id":' + b"9" * 5000 + b"}", "out of range"),
    ],
    ids=["empty", "cut", "utf16", "null", "nested", "latin1", "long number"],
)
def test_bytes_that_are_no_booking_are_rejected_with_a_reason(raw: bytes, why: str) -> None:
    """The mapper is total."""
    with pytest.raises(MappingRejected, match=why):
        MAPPER.to_revisions("reservations", raw, PLAIN)


@pytest.mark.parametrize("body", [b"", b"{", b'{"success":false,"code":401,"error":"Token not valid"}', b"<html>"])
def test_a_file_without_records_is_refused(body: bytes) -> None:
    """An error answer is not an empty page."""
    with pytest.raises(MappingRejected):
        MAPPER.rows(body)


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    """Editors add one."""
    assert MAPPER.rows(b'\xef\xbb\xbf [{"id":1}, {"id":2}]\n') == [b'{"id":1}', b'{"id":2}']


def test_a_stream_that_does_not_exist_is_rejected() -> None:
    """The engine may ask for what another vendor has."""
    with pytest.raises(MappingRejected, match="no such stream"):
        MAPPER.to_revisions("ari", b"{}", PLAIN)
