"""Whatever the bytes are, a mapper answers with a meaning or a rejection, and the meaning adds up."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mappers import public
from mappers.beds24 import MAPPER
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.money import exponent, fit, split
from pms_sync.ports.mapper import Crosswalk, Mapped, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "beds24"
ROW: dict[str, Any] = json.loads((FIXTURES / "guest_list.json").read_bytes()) | json.loads(
    (FIXTURES / "payment_and_refund.json").read_bytes()
)
CONTEXT = MappingContext(
    property_code="P1", zone="Europe/Madrid", currency="EUR", crosswalk=Crosswalk(room_type={"55": "DBL"})
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None), max_size=30)
    | st.sampled_from(["", "0000-00-00", "9999-12-31", "0001-01-01", "0001-01-01T00:00:00+14:00", "NaN", "1e999", "\0"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "CLF", ""])


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


@given(st.binary(max_size=200))
@example(b'{"id":1,"status":"\\ud800"}')
@example(b'{"booking":{"booking":{}}}')
@example(b'{"booking":1}')
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
    """The mapper is total over JSON."""
    outcome(json.dumps(document).encode())


@given(st.lists(st.tuples(st.sampled_from(sorted(ROW)), JSON), min_size=1, max_size=3))
def test_any_field_may_hold_anything(changes: list[tuple[str, object]]) -> None:
    """MAP-09 and the rest: a spoilt field is read by rule or rejected, as a row and as a webhook."""
    spoilt = ROW | dict(changes)
    outcome(json.dumps(spoilt).encode())
    outcome(json.dumps({"booking": spoilt, "invoiceItems": spoilt["invoiceItems"]}).encode())


@given(st.sampled_from(["guests", "invoiceItems"]), st.integers(0, 2), st.text(max_size=8), JSON)
def test_any_child_may_hold_anything(children: str, index: int, name: str, value: object) -> None:
    """A spoilt line or guest never takes the mapper down."""
    spoilt = json.loads(json.dumps(ROW))
    rows = spoilt[children]
    rows[index % len(rows)][name if name in rows[0] else next(iter(rows[0]))] = value
    outcome(json.dumps(spoilt).encode())


@given(st.integers(0, len(json.dumps(ROW)) - 1), st.binary(max_size=3))
def test_a_damaged_body_has_an_answer(position: int, junk: bytes) -> None:
    """Bytes change and bodies are cut on the way."""
    raw = json.dumps(ROW).encode()
    outcome(raw[:position])
    outcome(raw[:position] + junk + raw[position + len(junk) :])


@given(st.decimals(0, 10**9, places=4), st.integers(0, 60), CURRENCIES)
def test_the_nights_add_up_to_the_total(price: Decimal, nights: int, currency: str) -> None:
    """MON-04: one night per date, and not a cent made or lost."""
    arrival = date(2026, 3, 20)
    changes = {"arrival": f"{arrival}", "departure": f"{arrival + timedelta(days=nights)}"}
    raw = (
        json.dumps(ROW | changes | {"price": "PRICE", "invoiceItems": []})
        .replace('"PRICE"', format(price, "f"))
        .encode()
    )
    found = outcome(raw, MappingContext(property_code="P1", zone="UTC", currency=currency))
    if isinstance(found, MappingRejected):
        assert found.path == "$.price"
        assert currency
        assert price.as_tuple().exponent != 0
        return
    stay = found.revisions[0].room_stays[0]
    assert stay.total == price
    assert [night.date for night in stay.nights] == [arrival + timedelta(days=offset) for offset in range(nights)]
    assert not stay.nights or sum(night.price or 0 for night in stay.nights) == price


@given(st.integers(-(10**9), 10**9), st.integers(1, 400), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_a_split_is_even_and_exact(units: int, parts: int, currency: str) -> None:
    """No part differs from another by more than one minor unit."""
    total = fit(Decimal(units).scaleb(-exponent(currency)), currency)
    shares = split(total, parts, currency)

    assert sum(shares) == total
    assert max(shares) - min(shares) <= Decimal(1).scaleb(-exponent(currency))


@given(JSON)
def test_the_same_bytes_always_mean_the_same(value: object) -> None:
    """A mapper keeps nothing between two records."""
    raw = json.dumps(ROW | {"unknownField": value}).encode()

    assert outcome(raw) == outcome(raw) or isinstance(outcome(raw), MappingRejected)
