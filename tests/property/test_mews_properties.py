"""Whatever Mews sends, the mapper answers with a meaning or a rejection; and slices of a window miss no instant."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.mews import DOOR
from connectors.mews.rows import Place, place_of, span_of
from mappers import public
from mappers.mews import MAPPER
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.money import exponent
from pms_sync.ports.connector import Window
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mews"
RICH = (
    "confirmed",
    "bill_with_payment_and_refund",
    "companions",
    "notes_of_staff_and_from_outside",
    "agoda_by_channel_manager",
)
RECORD: dict[str, Any] = {}
for _case in RICH:
    RECORD |= {name: part for name, part in json.loads((FIXTURES / f"{_case}.json").read_bytes()).items() if part}
BLOCK: dict[str, Any] = json.loads((FIXTURES / "block_out_of_order.json").read_bytes())
CONTEXT = MappingContext(
    property_code="P1", zone="Europe/Madrid", currency="EUR", crosswalk=Crosswalk(room_type={"x": "DBL"})
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None), max_size=30)
    | st.sampled_from(["", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "NaN", "sNaN", "1e999999999", "\0"])
    | st.sampled_from(["Canceled", "Open", "Charged", "SpaceOrder", "Net", "JPY", "America/St_Johns"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PARTS = st.sampled_from(sorted(RECORD))


def outcome(raw: bytes, stream: str = "reservations") -> Mapped | MappingRejected:
    """Map, and turn a rejection into a value; any other exception fails the test."""
    try:
        mapped = MAPPER.to_revisions(stream, raw, CONTEXT)
    except MappingRejected as rejection:
        json.dumps(public.public_rejection(rejection))
        return rejection
    for found in (*map(public.public_revision, mapped.revisions), *map(public.public_block, mapped.blocks)):
        text = json.dumps(found, ensure_ascii=False)
        text.encode()  # no lone surrogate got through
        assert "\\u0000" not in text
    assert len(mapped.revisions) + len(mapped.blocks) == 1
    for revision in mapped.revisions:
        assert MAPPER.project(revision, MappingContext(property_code="P1", zone="UTC", currency="EUR")) == revision
    return mapped


@given(st.binary(max_size=200))
@example(b'{"Reservation":{"Id":"\\ud800"}}')
@example(b'{"Reservations":{}}')
@example(b'{"ResourceBlocks":[1],"Reservations":[{}]}')
@example(b'{"Reservation":1,"ResourceBlock":2}')
def test_any_bytes_have_an_answer(raw: bytes) -> None:
    """The mapper, the splitter and the door are total over bytes."""
    outcome(raw)
    for read in (MAPPER.rows, DOOR.read):
        try:
            found = read(raw)
        except MappingRejected:
            continue
        for row in found:
            if isinstance(row, bytes):
                outcome(row)


@given(JSON)
def test_any_json_has_an_answer(document: object) -> None:
    outcome(json.dumps(document).encode())


@given(st.lists(st.tuples(PARTS, JSON), min_size=1, max_size=3))
def test_any_part_may_be_anything(changes: list[tuple[str, object]]) -> None:
    """MAP-09 and the rest: a spoilt part is read by rule or rejected."""
    outcome(json.dumps(RECORD | dict(changes)).encode())


@given(PARTS, st.integers(0, 5), st.integers(0, 40), JSON)
def test_any_field_of_any_part_may_be_anything(part: str, place: int, field: int, value: object) -> None:
    spoilt = json.loads(json.dumps(RECORD))
    owner = spoilt[part][place % len(spoilt[part])] if isinstance(spoilt[part], list) else spoilt[part]
    owner[sorted(owner)[field % len(owner)]] = value
    outcome(json.dumps(spoilt).encode())
    outcome(json.dumps(spoilt["Reservation"]).encode())


@given(st.sampled_from(["GrossValue", "NetValue", "Currency"]), st.booleans(), JSON)
def test_any_amount_may_be_anything(field: str, paid: bool, value: object) -> None:
    spoilt = json.loads(json.dumps(RECORD))
    spoilt["Payments" if paid else "OrderItems"][0]["Amount"][field] = value
    outcome(json.dumps(spoilt).encode())


@given(st.sampled_from(sorted(BLOCK["ResourceBlock"])), JSON)
def test_any_field_of_a_block_may_be_anything(field: str, value: object) -> None:
    spoilt = BLOCK | {"ResourceBlock": BLOCK["ResourceBlock"] | {field: value}}
    outcome(json.dumps(spoilt).encode(), "blocks")
    outcome(json.dumps(spoilt["ResourceBlock"]).encode(), "blocks")


@given(st.integers(0, len(json.dumps(RECORD)) - 1), st.binary(max_size=3))
def test_a_damaged_body_has_an_answer(position: int, junk: bytes) -> None:
    """Bytes change and bodies are cut on the way."""
    raw = json.dumps(RECORD).encode()
    outcome(raw[:position])
    outcome(raw[:position] + junk + raw[position + len(junk) :])


@given(
    st.lists(st.decimals(-(10**6), 10**6, places=9), min_size=1, max_size=40),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.sampled_from(["Gross", "Net"]),
)
def test_nights_add_up_to_the_total_whatever_their_digits(prices: list[Decimal], currency: str, pricing: str) -> None:
    """MON-04, MON-05, MON-06: no cent is made or lost, and both kinds of property are read gross."""
    first = datetime(2026, 5, 4, 13, tzinfo=UTC)
    items = [
        RECORD["OrderItems"][0]
        | {
            "StartUtc": (first + timedelta(days=index)).isoformat(),
            "Amount": {"Currency": currency, "GrossValue": float(price), "NetValue": float(price)},
        }
        for index, price in enumerate(prices)
    ]
    ends = {
        "ScheduledStartUtc": first.isoformat(),
        "ScheduledEndUtc": (first + timedelta(days=len(prices))).isoformat(),
    }
    record = RECORD | {"OrderItems": items, "Reservation": RECORD["Reservation"] | ends}
    record["Enterprise"] = RECORD["Enterprise"] | {"Pricing": pricing}
    mapped = outcome(json.dumps(record).encode())
    assert isinstance(mapped, Mapped)
    [stay] = mapped.revisions[0].room_stays

    assert isinstance(stay.total, Decimal)
    assert sum((night.price or Decimal(0) for night in stay.nights), Decimal(0)) == stay.total
    assert stay.total.as_tuple().exponent == -exponent(currency)
    assert mapped.revisions[0].price_basis == "gross"


INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS, st.timedeltas(timedelta(seconds=1), timedelta(days=85)), st.integers(0, 10), st.floats(0, 1))
def test_slices_of_a_window_tile_it(start: datetime, length: timedelta, halvings: int, share: float) -> None:
    """CUR-12, CUR-13: every instant of a window lies in exactly one slice, and each slice is asked wider than it is."""
    span = span_of(Window(dimension="modified", start=start, end=start + length))
    moment = start + length * min(share, 0.999999)
    helping = max(length / 2**halvings, min(length, timedelta(minutes=1)))
    place: Place | None = place_of(None, span)
    holders, slices = 0, 0
    while place is not None:
        at = place_of(place.token(), span).cut(span, helping)
        asked = at.asked()["UpdatedUtc"]
        assert datetime.fromisoformat(asked["StartUtc"]) < at.start
        assert datetime.fromisoformat(asked["EndUtc"]) >= at.end
        holders += at.holds(moment)
        slices += 1
        inside = Place(until=at.end, since=at.start, cursor="c")
        assert place_of(inside.token(), span).cut(span, timedelta(0)) == at  # a cursor's slice keeps its ends
        place = place.following(span, at, None)
    assert holders == 1
    assert slices <= 2**halvings + 1
