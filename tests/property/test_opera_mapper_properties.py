"""Whatever Opera's bytes are, the mapper answers with a meaning or a rejection; what was read is held as it is."""

from __future__ import annotations

import copy
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.opera.events import QUEUE
from connectors.opera.rows import record, sightings, version_of
from mappers import public
from mappers.opera import MAPPER
from mappers.opera.reading import moment
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "opera"
WHOLE: dict[str, Any] = json.loads((FIXTURES / "group_of_guests.json").read_bytes())["reservations"]["reservation"][0]
FOUND: dict[str, Any] = json.loads((FIXTURES / "search_page.json").read_bytes())["reservations"]["reservationInfo"][0]
ROOM: dict[str, Any] = json.loads((FIXTURES / "out_of_order.json").read_bytes())["housekeepingRooms"]["room"][0]
EVENTS: dict[str, Any] = json.loads((FIXTURES / "business_events.json").read_bytes())
CODES = Crosswalk(room_type={"DBL": "DOUBLE"}, room={"101": "R101"}, rate_plan={"BAR": "FLEX"})
CONTEXT = MappingContext(property_code="P2", zone="Europe/Madrid", currency="EUR", crosswalk=CODES)
PLAIN = MappingContext(property_code="P2", zone="Europe/Madrid", currency="")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=30)
    | st.sampled_from("Reserved DueIn Walkin nope 2026-05-04 9999-12-31 0001-01-01 1e999 NaN 41231 true N".split())
    | st.sampled_from(["2026-10-25 02:30:00.0", "2026-05-04T10:00:00+14:00", "0001-01-01 00:00:00.0", "\0", ""])
    | st.sampled_from(["\u0662\u0660\u0662\u0666-\u0660\u0665-\u0660\u0664"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
RECORDS = st.sampled_from([WHOLE, FOUND, ROOM])


def outcome(raw: bytes, context: MappingContext = CONTEXT) -> Mapped | MappingRejected:
    """Map, and turn a rejection into a value; any other exception fails the test."""
    try:
        mapped = MAPPER.to_revisions("reservations", raw, context)
    except MappingRejected as rejection:
        json.dumps(public.public_rejection(rejection))
        return rejection
    for found in (*map(public.public_revision, mapped.revisions), *map(public.public_block, mapped.blocks)):
        text = json.dumps(found, ensure_ascii=False)
        text.encode()  # no lone surrogate got through
        assert "\\u0000" not in text
    return mapped


def places(document: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """List every place of a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [at, *(place for key, value in inner for place in places(value, (*at, key)))]


def put(document: Any, place: tuple[str | int, ...], value: object) -> Any:
    """Return the document with another value at a place."""
    if not place:
        return value
    changed = copy.copy(document)
    changed[place[0]] = put(document[place[0]], place[1:], value)
    return changed


@given(st.binary(max_size=200))
@example(b'{"reservationIdList":[{"id":"1","type":"Reservation"}],"reservationStatus":"\\ud800"}')
@example(b'{"outOfOrder":{}}')
@example(b'{"roomStay":{"roomType":1}}')
@example(b'{"roomStay":"x"}')
def test_any_bytes_have_an_answer(raw: bytes) -> None:
    """The mapper and the splitter are total over bytes."""
    outcome(raw)
    try:
        rows = MAPPER.rows(raw)
    except MappingRejected:
        return
    for row in rows:
        outcome(row)


@given(JSON)
def test_any_json_has_an_answer(document: object) -> None:
    outcome(json.dumps(document).encode())


@given(RECORDS, st.data())
def test_any_place_of_a_record_may_hold_anything(record: Any, data: st.DataObject) -> None:
    """MAP-09 and the rest: wherever a value is spoilt, it is read by rule or rejected."""
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from([one for one in places(record) if one]))
        record = put(record, place, data.draw(JSON))
    outcome(json.dumps(record).encode())
    outcome(json.dumps(record).encode(), PLAIN)


@given(RECORDS, st.data())
def test_any_part_of_a_record_may_be_missing(record: Any, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([one for one in places(record) if one]))
    changed = copy.deepcopy(record)
    parent = changed
    for step in place[:-1]:
        parent = parent[step]
    del parent[place[-1]]
    outcome(json.dumps(changed).encode())


@given(RECORDS, st.data())
def test_a_single_object_reads_as_a_list_of_one(record: Any, data: st.DataObject) -> None:
    """Official samples send either where the schema has a list."""
    lists = [one for one in places(record) if one and isinstance(_at(record, one), list) and len(_at(record, one)) == 1]
    place = data.draw(st.sampled_from(lists))
    single = put(record, place, _at(record, place)[0])
    assert outcome(json.dumps(single).encode()) == outcome(json.dumps(record).encode())


@given(RECORDS, st.integers(0, 3000), st.binary(max_size=3))
def test_a_damaged_body_has_an_answer(record: Any, position: int, junk: bytes) -> None:
    raw = json.dumps(record).encode()
    outcome(raw[:position])
    outcome(raw[:position] + junk + raw[position + len(junk) :])


@given(RECORDS, st.data())
def test_what_was_read_is_held_as_it_is(record: Any, data: st.DataObject) -> None:
    """Nothing of the vendor's own state is an edit of ours, whatever it is."""
    place = data.draw(st.sampled_from([one for one in places(record) if one]))
    for context in (CONTEXT, PLAIN):
        found = outcome(json.dumps(put(record, place, data.draw(JSON))).encode(), context)
        for revision in found.revisions if isinstance(found, Mapped) else ():
            assert MAPPER.project(revision, context) == revision


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 500)), max_size=5), st.integers(0, 9))
def test_there_is_one_price_a_night(stretches: list[tuple[int, int, int]], nights: int) -> None:
    """Stretches may overlap, leave gaps or lie outside the stay: every night is there once, and none is invented."""
    arrival = date(2026, 3, 27)
    told = [
        {
            "start": f"{arrival + timedelta(days=start)}",
            "end": f"{arrival + timedelta(days=start + length)}",
            "roomType": "DBL",
            "rates": {"rate": [{"base": {"amountBeforeTax": price}}]},
        }
        for start, length, price in stretches
    ]
    stay = {"arrivalDate": f"{arrival}", "departureDate": f"{arrival + timedelta(days=nights)}", "roomRates": told}
    found = outcome(json.dumps(WHOLE | {"roomStay": stay}).encode())
    assert isinstance(found, Mapped)
    priced = found.revisions[0].room_stays[0].nights
    assert [night.date for night in priced] == [arrival + timedelta(days=offset) for offset in range(nights)]
    assert {night.price for night in priced} <= {None, *(price for _, _, price in stretches)}


@given(st.binary(max_size=200) | JSON.map(lambda document: json.dumps(document).encode()))
def test_any_body_of_a_queue_has_an_answer(body: bytes) -> None:
    try:
        QUEUE.read(body)
    except MappingRejected:
        return


@given(st.data())
def test_any_message_of_a_queue_may_hold_anything(data: st.DataObject) -> None:
    """No message takes its neighbours down: each is an event, of no interest, or rejected by itself."""
    messages = EVENTS["businessEventData"]
    place = data.draw(st.sampled_from([one for one in places(messages) if len(one) > 1]))
    spoilt = put(messages, place, data.draw(JSON))
    drained = QUEUE.read(json.dumps({"businessEventData": spoilt}).encode())
    assert drained.messages == len(messages)
    sound = QUEUE.read(
        json.dumps({"businessEventData": [one for n, one in enumerate(messages) if n != place[0]]}).encode()
    )
    assert set(sound.events) <= set(drained.events)


def test_a_text_that_is_no_unicode_spoils_its_own_message_alone() -> None:
    messages = [*EVENTS["businessEventData"], {"businessEvent": "\ud800"}]
    sound, drained = (
        QUEUE.read(json.dumps({"businessEventData": rows}).encode()) for rows in (messages[:-1], messages)
    )
    assert drained.events == sound.events
    assert drained.messages == len(messages)
    assert [one.path for one in drained.rejected] == [f"$.businessEventData[{len(messages) - 1}]"]


@given(RECORDS, st.data())
def test_any_row_of_a_list_is_a_sighting_or_rejected_alone(row: Any, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([one for one in places(row) if one]))
    raw = json.dumps(put(row, place, data.draw(JSON))).encode()
    seen, rejected = sightings([raw, json.dumps(FOUND).encode()], "SAND01")
    assert len(rejected) <= 1
    assert "41231" in {one.ref for one in seen}
    record(raw, "41231", "SAND01")


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.times(), st.sampled_from([" ", "T"]))
def test_list_and_record_write_one_version(day: date, time: Any, joint: str) -> None:
    """What a listing names is recognised by the version that its record has, whichever way a time is spelt."""
    for fraction in ("", ".0", ".5", ".125"):
        text = f"{day}{joint}{time:%H:%M:%S}{fraction}"
        assert version_of(text) == moment(text, "$", "Europe/Madrid").version


def _at(document: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        document = document[step]
    return document
