"""The Cloudbeds mapper against payloads whose meaning was written down from the vendor's documentation."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from mappers import public
from mappers.cloudbeds import MAPPER, words
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cloudbeds"
CASES = sorted(path.name.removesuffix(".expected.json") for path in FIXTURES.glob("*.expected.json"))
PLAIN = MappingContext(property_code="P2", zone="Europe/Madrid", currency="EUR")
ROW: dict[str, Any] = json.loads((FIXTURES / "confirmed.json").read_bytes())
LINE: dict[str, Any] = ROW["rooms"][0]
LINE_WORDS = [*words.ROOM, words.NOT_YET, "", None]


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
    """Map the plain reservation with some fields changed."""
    return MAPPER.to_revisions("reservations", json.dumps(ROW | changes).encode(), context)


def rejection(context: MappingContext = PLAIN, /, **changes: object) -> MappingRejected:
    """Map what must be rejected."""
    with pytest.raises(MappingRejected) as rejected:
        mapped(context, **changes)
    return rejected.value


def test_there_are_enough_golden_payloads() -> None:
    """MAP-01 asks for forty."""
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_golden_payload_means_what_was_written_down(case: str) -> None:
    """MAP-01, and within it MAP-04, MAP-07, MAP-09, TIM-01/02/05/07/11/14, CUR-19, CB-03."""
    expected = json.loads((FIXTURES / f"{case}.expected.json").read_text())

    assert mapped_document((FIXTURES / f"{case}.json").read_bytes(), context_of(case)) == expected


@pytest.mark.parametrize(("word", "line"), list(product(words.RESERVATION, LINE_WORDS)))
def test_every_status_has_a_meaning_under_every_word_of_its_line(word: str, line: str | None) -> None:
    """MAP-05: the matrix has no undefined cell; what the line says of itself wins over the reservation."""
    revision = mapped(status=word, rooms=[LINE | {"roomStatus": line}]).revisions[0]
    stay = revision.room_stays[0]

    expected = words.ROOM[line] if line in words.ROOM else words.RESERVATION[word]
    assert (stay.status, stay.hold_kind, stay.blocks_inventory) == expected
    assert revision.status == stay.status
    assert revision.vendor_status == word
    assert stay.vendor_status == (line or word)
    assert (revision.hold_kind is not None) == (revision.status is Status.HOLD)


def test_a_line_waits_while_another_one_is_in_house() -> None:
    """Section 7: a reservation is checked in as soon as one of its rooms is."""
    later = LINE | {"subReservationID": "9000000001-2"}
    lines = [LINE | {"roomStatus": "in_house"}, later]
    first, second = mapped(status="checked_in", rooms=lines).revisions[0].room_stays

    assert (first.status, second.status) == (Status.CHECKED_IN, Status.CONFIRMED)
    cancelled = [LINE | {"roomStatus": "cancelled"}, later]
    assert mapped(status="checked_in", rooms=cancelled).revisions[0].room_stays[1].status is Status.CHECKED_IN


@pytest.mark.parametrize("line", LINE_WORDS)
@pytest.mark.parametrize("word", words.RESERVATION)
def test_a_deleted_reservation_is_gone_and_takes_no_room(word: str, line: str | None) -> None:
    """Section 9: a deletion is told with proof, and is not a cancellation."""
    revision = mapped(status=word, isDeleted=True, rooms=[LINE | {"roomStatus": line}]).revisions[0]

    assert revision.gone
    assert revision.status is Status.CANCELLED
    assert not revision.blocks_inventory


@pytest.mark.parametrize("changed", [{"status": "quoted"}, {"rooms": [LINE | {"roomStatus": "upstairs"}]}])
def test_an_unknown_word_is_rejected_with_path_value_and_owner(changed: dict[str, object]) -> None:
    """CUR-19: never guessed, and its neighbours go on."""
    rejected = rejection(**changed)

    assert rejected.path in {"$.status", "$.rooms[0].roomStatus"}
    assert rejected.value in {"quoted", "upstairs"}
    assert rejected.ref == "9000000001"


def test_a_rejection_repeats_no_personal_data() -> None:
    """A field that may hold a person's data is described by its shape."""
    rejected = rejection(guestList={"5001": {"guestEmail": ["nora.prueba@example.test"]}})

    assert "nora" not in f"{rejected} {rejected.value}"
    assert rejected.path == "$.guestList[5001].guestEmail"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
def test_the_utc_twin_makes_the_zone_irrelevant(zone: str) -> None:
    """TIM-06: the same bytes give the same instants, whatever the property's zone is said to be."""
    elsewhere = MappingContext(property_code="P2", zone=zone, currency="EUR")

    assert mapped(elsewhere) == mapped()


@pytest.mark.parametrize(
    ("zone", "told", "instant"),
    [
        ("Europe/Madrid", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04T14:45:00Z"),
        ("Europe/Madrid", "2026-03-29 02:30:00", "2026-03-29T00:30:00Z"),
    ],
)
def test_a_time_that_the_clocks_repeat_or_leave_out_is_marked(zone: str, told: str, instant: str) -> None:
    """TIM-07, CB-03: property zone, the earlier reading, and a mark for whoever sorts by it."""
    context = MappingContext(property_code="P2", zone=zone, currency="EUR")
    [revision] = mapped(context, dateModified=told, dateModifiedUTC=None).revisions

    assert revision.ambiguous == ("modified_at",)
    assert revision.version == instant
    assert public.public_revision(revision)["ambiguous"] == ["modified_at"]


def test_an_ordinary_time_has_no_mark() -> None:
    """The mark is there only where there is a doubt."""
    [revision] = mapped(dateModified="2026-10-25 03:30:00", dateModifiedUTC=None).revisions

    assert revision.ambiguous == ()
    assert "ambiguous" not in public.public_revision(revision)


def test_a_zone_that_does_not_exist_is_a_rejection() -> None:
    """The mapper is total over its context too."""
    nowhere = MappingContext(property_code="P2", zone="Nowhere/Land", currency="EUR")

    assert rejection(nowhere, dateModifiedUTC=None).value == "Nowhere/Land"


def test_absent_leaves_alone_and_empty_clears() -> None:
    """MAP-07: what was not sent is unsaid, what is null or empty is emptied."""
    told = public.public_revision(mapped(guestList={"5001": {"guestFirstName": "", "guestPhone": None}}).revisions[0])

    assert told["booker"] == {"ref": None, "first_name": None, "phone": None}
    assert "notes" not in told
    assert "folio_lines" not in told


def test_a_page_is_split_whatever_its_envelope_holds() -> None:
    """Both envelopes: `data` as a list, as one record, and as a map keyed by id."""
    row = json.dumps(ROW)
    for body in (f'{{"success":true,"data":[{row}]}}', f'{{"success":true,"data":{row}}}',
                 f'{{"success":true,"data":{{"9000000001":{row}}},"count":1}}', f"\ufeff [{row}] ", row):  # fmt: skip
        [found] = MAPPER.rows(body.encode())
        assert MAPPER.to_revisions("reservations", found, PLAIN) == mapped()


def test_an_error_answer_is_no_page() -> None:
    """`success: false` inside 200 must never count as no rows (section 15.1)."""
    with pytest.raises(MappingRejected) as rejected:
        MAPPER.rows(b'{"success":false,"message":"Scope required for this call was not granted by property."}')

    assert rejected.value.path == "$.success"


def test_all_streams_bring_the_same_meaning() -> None:
    """The stream of guests brings reservations; an unknown stream is the caller's mistake."""
    raw = json.dumps(ROW).encode()

    assert MAPPER.to_revisions("guests", raw, PLAIN) == MAPPER.to_revisions("reservations", raw, PLAIN)
    with pytest.raises(MappingRejected, match="no such stream"):
        MAPPER.to_revisions("folio", raw, PLAIN)


def test_cents_are_neither_made_nor_lost_by_rounding() -> None:
    """Section 3: four decimals happen; the nights still add up to what the line costs."""
    rates = {f"2026-05-{day:02}": 33.3333 for day in range(4, 7)}
    stay = mapped(rooms=[LINE | {"roomCheckOut": "2026-05-07", "detailedRoomRates": rates}]).revisions[0].room_stays[0]

    assert [str(night.price) for night in stay.nights] == ["33.33", "33.34", "33.33"]
    assert all(night.derived for night in stay.nights)
    assert str(stay.total) == "100.00"
