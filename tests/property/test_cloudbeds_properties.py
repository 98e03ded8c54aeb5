"""Whatever Cloudbeds sends, the mapper answers with a meaning or a rejection, and our filters miss no instant."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.cloudbeds import DOOR, clocks, rows
from mappers import public
from mappers.cloudbeds import MAPPER
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.money import exponent
from pms_sync.ports.connector import Window
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cloudbeds"
ROW: dict[str, Any] = json.loads((FIXTURES / "multi_room_two_rates_other_dates.json").read_bytes())
SINGLE: dict[str, Any] = json.loads((FIXTURES / "single_read.json").read_bytes())["data"]
BLOCK: dict[str, Any] = json.loads((FIXTURES / "room_block_one_day.json").read_bytes())
HINT: dict[str, Any] = json.loads((FIXTURES / "webhook.json").read_bytes())
CONTEXT = MappingContext(
    property_code="P2", zone="Europe/Madrid", currency="EUR", crosswalk=Crosswalk(room_type={"2001": "DBL"})
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None), max_size=30)
    | st.sampled_from(["", "-", "0000-00-00", "9999-12-31", "0001-01-01 00:00:00", "NaN", "1e999", "1e-999", "\0"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ZONES = st.sampled_from(
    [
        "Europe/Madrid",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "UTC",
        "Etc/GMT+11",
    ]
)


def outcome(raw: bytes, context: MappingContext = CONTEXT, stream: str = "reservations") -> Mapped | MappingRejected:
    """Map, and turn a rejection into a value; any other exception fails the test."""
    try:
        mapped = MAPPER.to_revisions(stream, raw, context)
    except MappingRejected as rejection:
        json.dumps(public.public_rejection(rejection))
        return rejection
    for found in (*map(public.public_revision, mapped.revisions), *map(public.public_block, mapped.blocks)):
        text = json.dumps(found, ensure_ascii=False)
        text.encode()  # no lone surrogate got through
        assert "\\u0000" not in text
    return mapped


@given(st.binary(max_size=200))
@example(b'{"reservationID":"1","status":"\\ud800"}')
@example(b'{"data":{"data":{}}}')
@example(b'{"total":1e99999999999999999999}')
@example(b'{"data":[{"roomBlocks":[1,{}]}]}')
def test_any_bytes_have_an_answer(raw: bytes) -> None:
    """The mapper and the splitter are total over bytes."""
    outcome(raw)
    try:
        found = MAPPER.rows(raw)
    except MappingRejected:
        return
    for row in found:
        outcome(row)


@given(JSON)
def test_any_json_has_an_answer(document: object) -> None:
    """The mapper is total over JSON, alone and inside an envelope."""
    raw = json.dumps(document).encode()
    outcome(raw)
    try:
        found = MAPPER.rows(b'{"success":true,"data":' + raw + b"}")
    except MappingRejected:
        return
    for row in found:
        outcome(row)


@given(st.sampled_from([ROW, SINGLE, BLOCK]), st.data())
def test_any_field_may_hold_anything(whole: dict[str, Any], data: st.DataObject) -> None:
    """MAP-09 and the rest: a spoilt field of any of the shapes is read by rule or rejected."""
    names = data.draw(st.lists(st.sampled_from(sorted(whole)), min_size=1, max_size=3))
    outcome(json.dumps(whole | {name: data.draw(JSON) for name in names}).encode())


@given(st.sampled_from([(ROW, "rooms"), (SINGLE, "assigned"), (BLOCK, "rooms")]), st.data())
def test_any_field_of_a_child_may_hold_anything(place: tuple[dict[str, Any], str], data: st.DataObject) -> None:
    """A spoilt room line never takes the mapper down."""
    whole, children = place
    spoilt = json.loads(json.dumps(whole))
    line = data.draw(st.sampled_from(spoilt[children]))
    line[data.draw(st.sampled_from(sorted(line)))] = data.draw(JSON)
    outcome(json.dumps(spoilt).encode())


@given(st.data())
def test_any_field_of_a_guest_may_hold_anything(data: st.DataObject) -> None:
    """Nor does a spoilt guest."""
    spoilt = json.loads(json.dumps(ROW))
    guest = data.draw(st.sampled_from(list(spoilt["guestList"].values())))
    guest[data.draw(st.sampled_from(sorted(guest)))] = data.draw(JSON)
    outcome(json.dumps(spoilt).encode())


@given(st.integers(0, len(json.dumps(ROW)) - 1), st.binary(max_size=3))
def test_a_damaged_body_has_an_answer(position: int, junk: bytes) -> None:
    """Bytes change and bodies are cut on the way."""
    raw = json.dumps(ROW).encode()
    outcome(raw[:position])
    outcome(raw[:position] + junk + raw[position + len(junk) :])


@given(JSON)
def test_the_same_bytes_always_mean_the_same(value: object) -> None:
    """A mapper keeps nothing between two records."""
    raw = json.dumps(ROW | {"unknownField": value}).encode()

    assert outcome(raw) == outcome(raw) or isinstance(outcome(raw), MappingRejected)


@given(
    st.lists(st.decimals(0, 10**9, places=4), max_size=40),
    st.sampled_from(["EUR", "JPY", "KWD", "CLF", ""]),
    st.sampled_from([str, float]),
)
def test_the_nights_add_up_to_the_total(prices: list[Decimal], currency: str, written: type) -> None:
    """MON-04: one night per date, and not a cent made or lost, however many digits a price has."""
    arrival = date(2026, 3, 20)
    days = [arrival + timedelta(days=offset) for offset in range(len(prices))]
    rates = {f"{day}": str(price) if written is str else f"@{price}@" for day, price in zip(days, prices, strict=True)}
    line = ROW["rooms"][0] | {
        "roomCheckIn": f"{arrival}",
        "roomCheckOut": f"{arrival + timedelta(days=len(prices))}",
        "detailedRoomRates": rates,
    }
    raw = json.dumps(ROW | {"propertyCurrency": None, "rooms": [line]}).replace('"@', "").replace('@"', "").encode()

    found = outcome(raw, MappingContext(property_code="P2", zone="UTC", currency=currency))
    assert isinstance(found, Mapped)
    stay = found.revisions[0].room_stays[0]
    assert [night.date for night in stay.nights] == days
    if not prices:
        return
    assert isinstance(stay.total, Decimal)
    assert sum((night.price or Decimal(0) for night in stay.nights), Decimal(0)) == stay.total
    assert abs(stay.total - sum(prices)) <= Decimal(1).scaleb(-exponent(currency))


@given(st.data())
def test_any_field_of_a_webhook_may_hold_anything(data: st.DataObject) -> None:
    """A door answers with events or MappingRejected, whatever knocks."""
    names = data.draw(st.lists(st.sampled_from([*sorted(HINT), "rooms", "roomBlockID"]), min_size=1, max_size=3))
    event = data.draw(st.sampled_from(["reservation/created", "roomblock/removed", "guest/assigned", "x/y"]))
    body = json.dumps(HINT | {"event": event} | {name: data.draw(JSON) for name in names}).encode()
    try:
        events = DOOR.read(body)
    except MappingRejected:
        return
    assert all(event.ref for event in events)


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_door_is_total_over_bytes(body: bytes) -> None:
    """Nothing a stranger sends ends in another exception."""
    try:
        DOOR.read(body)
    except MappingRejected:
        return


@given(st.dictionaries(st.sampled_from(["guestList", "cardsOnFile", "reservationID", "propertyID", "x"]), JSON))
def test_a_row_is_read_or_rejected_and_keeps_no_card(row: dict[str, object]) -> None:
    """Sorting a page never fails, and what is kept has no cards in it."""
    records, rejected = rows.sorted_out([json.dumps(row).encode()], "reservations")

    assert len(records) + len(rejected) == 1
    assert all("cardsOnFile" not in json.loads(record.body) for record in records)


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - UTC is put on below
    st.timedeltas(timedelta(0), timedelta(days=8)),
    st.floats(0, 1),
    ZONES,
)
@example(datetime(2026, 10, 25, 0, 30), timedelta(hours=1), 0.7, "Europe/Madrid")  # noqa: DTZ001 - the repeated hour
@example(datetime(2026, 10, 24, 23, 0), timedelta(hours=2), 0.9, "Europe/Madrid")  # noqa: DTZ001
@example(datetime(2026, 4, 4, 14, 45), timedelta(minutes=30), 0.9, "Australia/Lord_Howe")  # noqa: DTZ001
def test_a_filter_in_local_time_misses_no_instant(start: datetime, length: timedelta, share: float, name: str) -> None:
    """TIM-01/02: every change inside a window shows a wall time between the two that are asked for."""
    zone = ZoneInfo(name)
    begin = start.replace(tzinfo=UTC)
    inside = begin + length * share
    since, until = clocks.wall_range(Window(dimension="modified", start=begin, end=begin + length), zone)

    shown = clocks.wall(inside.astimezone(zone))
    read = clocks.local(shown, zone)

    assert since <= shown <= until
    assert read is not None
    assert read <= inside
