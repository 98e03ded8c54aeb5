"""Bodies of orders: what is read of them, and that every fault is named at once, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from multidict import MultiDict

from pms_sync.api.orders_in import ActOptions, NewReservation, ReservationPatch
from pms_sync.api.pages import ListQuery, id_of, mark
from pms_sync.api.problems import Problem
from pms_sync.api.reading import read_json_text, read_query
from pms_sync.apply.orders import Draft, Edit, StayOrder
from pms_sync.domain.reservation import Guest, Night
from pms_sync.domain.status import Status

STAY = UUID("01890000-0000-7000-8000-000000000001")
OTHER = UUID("01890000-0000-7000-8000-000000000002")


def body(**changes: Any) -> dict[str, Any]:
    """Build a body that makes a reservation of two nights."""
    stay = {"room_type": "DBL", "room": "101", "arrival": "2026-03-10", "departure": "2026-03-12", "adults": 2}
    nights = [{"date": "2026-03-10", "price": "100.00"}, {"date": "2026-03-11", "price": "90.50"}]
    return {
        "property": "P1",
        "source": "direct",
        "currency": "EUR",
        "booker": {"first_name": "Ann", "last_name": "Example"},
        "room_stays": [{**stay, "children": 0, "nights": nights}],
        "notes": "late",
    } | changes


def stay(**changes: Any) -> dict[str, Any]:
    """Build a body whose one stay differs."""
    [told] = body()["room_stays"]
    return body(room_stays=[{name: value for name, value in (told | changes).items() if value is not ...}])


def draft(told: Any) -> Draft:
    """Read a body that makes a reservation."""
    return read_json_text(json.dumps(told).encode(), NewReservation).draft()


def edit(told: Any) -> Edit:
    """Read a body that changes one."""
    return read_json_text(json.dumps(told).encode(), ReservationPatch).edit()


def wrongs(read: Callable[[Any], object], told: Any) -> dict[str, str]:
    """Read a body that cannot be, and return what is wrong by path."""
    with pytest.raises(Problem) as caught:
        read(told)
    assert caught.value.status == 400
    return {one.path: one.why for one in caught.value.errors}


# ---- what is read


def test_a_body_becomes_an_order() -> None:
    assert draft(body()) == Draft(
        property_code="P1",
        currency="EUR",
        booker=Guest(first_name="Ann", last_name="Example"),
        stays=(
            StayOrder(
                room_type="DBL",
                room="101",
                arrival=date(2026, 3, 10),
                departure=date(2026, 3, 12),
                adults=2,
                children=0,
                nights=(Night(date(2026, 3, 10), Decimal("100.00")), Night(date(2026, 3, 11), Decimal("90.50"))),
            ),
        ),
        notes="late",
    )


def test_what_is_not_said_stays_unsaid() -> None:
    [one] = draft(stay(room=..., adults=..., children=..., nights=...)).stays
    assert (one.room, one.adults, one.children, one.nights, one.id) == (UNSET, UNSET, UNSET, UNSET, None)


@pytest.mark.parametrize("price", ['"90.5"', "90.5", "90.50", "9.05e1"])
def test_a_price_is_taken_exactly_as_text_or_number(price: str) -> None:
    """MON: no float comes between."""
    text = json.dumps(body()).replace('"90.50"', price)
    [one] = read_json_text(text.encode(), NewReservation).draft().stays
    assert not isinstance(one.nights, type(UNSET))
    assert one.nights[1].price == Decimal("90.5")


def test_a_patch_says_only_what_it_says() -> None:
    told = {"room_stays": [{"id": str(STAY), "departure": "2026-03-13", "room": None}, {"id": str(OTHER)}]}
    assert edit(told) == Edit(
        stays=(StayOrder(id=STAY, departure=date(2026, 3, 13), room=None), StayOrder(id=OTHER)),
    )
    assert edit({}) == Edit()
    assert edit({"notes": None, "booker": {"email": None}}) == Edit(booker=Guest(email=None), notes=None)


def test_a_stay_is_removed_by_its_status() -> None:
    [one] = edit({"room_stays": [{"id": str(STAY), "status": "cancelled"}]}).stays
    assert one.status is Status.CANCELLED


def test_the_codes_of_a_stay_go_by_both_names_that_an_answer_shows() -> None:
    [one] = edit({"room_stays": [{"id": str(STAY), "room_type_ref": "SGL", "room_ref": "201"}]}).stays
    assert (one.room_type, one.room) == ("SGL", "201")
    told = {"room_stays": [{"id": str(STAY), "room": "201", "room_ref": "202"}]}
    assert list(wrongs(edit, told)) == ["$.room_stays[0].room_ref"]


def test_a_further_stay_needs_what_makes_a_stay() -> None:
    told = {"room_stays": [{"room_type": "DBL", "arrival": "2026-03-10", "departure": "2026-03-11"}, {"adults": 1}]}
    lacking = ["room_type", "arrival", "departure"]
    assert list(wrongs(edit, told)) == [f"$.room_stays[1].{name}" for name in lacking]


# ---- what is wrong


def test_every_fault_is_named_at_once() -> None:
    """PUBLIC_SURFACE: errors [{path, value, why}], unknown fields among them (SEC-27)."""
    told = stay(arrival="2026-13-01", adults=-1, room=7, color="red")
    told |= {"currency": "euro", "tenantId": "x", "id": str(STAY), "booker": {"email": 5, "ref": None}}
    told.pop("property")
    assert wrongs(draft, told) == {
        "$.tenantId": "unknown field",
        "$.id": "is shown, and cannot be set",
        "$.property": "say it; it is required",
        "$.currency": "Expected `str` matching regex '^[A-Z]{3}$'",
        "$.booker.ref": "is shown, and cannot be set",
        "$.booker.email": "Expected `str | null`, got `int`",
        "$.room_stays[0].color": "unknown field",
        "$.room_stays[0].room": "Expected `str | null`, got `int`",
        "$.room_stays[0].arrival": "Invalid RFC3339 encoded date",
        "$.room_stays[0].adults": "Expected `int` >= 0",
    }


def test_a_fault_repeats_what_stood_there_shortly() -> None:
    for value, shown in ((7, 7), ("x" * 90, "x" * 60), ({"a": 1}, None), (True, True), (10**30, str(10**30))):
        with pytest.raises(Problem) as caught:
            edit({"expectedVersion": "1", "notes": 1, "room_stays": [{"id": value}]})
        assert [one.value for one in caught.value.errors] == ["1", shown, 1], value


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"departure": "2026-03-09"}, "departure"),
        ({"departure": "2046-03-09", "nights": ...}, "departure"),
        ({"departure": "2026-03-13"}, "nights"),
        ({"departure": "2026-03-11"}, "nights[1].date"),
        ({"nights": [{"date": "2026-03-10", "price": "1"}] * 2}, "nights[1].date"),
        ({"nights": [{"date": "2026-03-10", "price": "NaN"}]}, "nights[0].price"),
        ({"nights": [{"date": "2026-03-10", "price": "1e15"}]}, "nights[0].price"),
        ({"nights": [{"date": "2026-03-10", "price": "0.00001"}]}, "nights[0].price"),
        (
            {"nights": [{"date": "2026-03-10", "price": "1.005"}, {"date": "2026-03-11", "price": "1"}]},
            "nights[0].price",
        ),
        ({"nights": [{"date": "2026-03-10", "price": True}]}, "nights[0].price"),
        ({"nights": [{"date": "2026-03-10"}]}, "nights[0].price"),
        ({"room_type": ""}, "room_type"),
        ({"adults": 100}, "adults"),
        ({"adults": 1.0}, "adults"),
        ({"arrival": "2026-03-10T00:00:00Z"}, "arrival"),
        ({"arrival": "20260310"}, "arrival"),
    ],
)
def test_what_makes_no_stay_is_refused_where_it_stands(changes: dict[str, Any], path: str) -> None:
    assert list(wrongs(draft, stay(**changes))) == [f"$.room_stays[0].{path}"]


def test_day_use_is_a_stay() -> None:
    assert draft(stay(departure="2026-03-10", nights=[])).stays[0].departure == date(2026, 3, 10)


@pytest.mark.parametrize("currency", ["XXX", "EUX"])
def test_a_currency_is_one_of_the_world(currency: str) -> None:
    assert list(wrongs(draft, body(currency=currency))) == ["$.currency"]


def test_yen_have_no_cents() -> None:
    """MON-01."""
    assert list(wrongs(draft, body(currency="JPY"))) == ["$.room_stays[0].nights[1].price"]


def test_a_source_other_than_our_desk_is_no_order() -> None:
    assert list(wrongs(draft, body(source="booking_com"))) == ["$.source"]


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ([], "$"),
        (None, "$"),
        (1, "$"),
        ("x", "$"),
        ({"room_stays": {}}, "$.room_stays"),
        ({"room_stays": None}, "$.room_stays"),
        ({"room_stays": [[]]}, "$.room_stays[0]"),
        ({"booker": None}, "$.booker"),
    ],
)
def test_another_kind_of_value_is_told_where(told: Any, path: str) -> None:
    assert list(wrongs(edit, told)) == [path]


def test_a_stay_named_twice_is_refused() -> None:
    told = {"room_stays": [{"id": str(STAY)}, {"id": str(STAY).upper()}]}
    assert list(wrongs(edit, told)) == ["$.room_stays[1].id"]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\x1b[31m", "\x7f", "\x85", "\ud800"])
def test_text_that_could_not_be_kept_is_refused(text: str) -> None:
    """NUL is no text of PostgreSQL, escapes are none of a log (SEC-25), lone surrogates are none of UTF-8."""
    assert list(wrongs(draft, body(notes=text))) == ["$.notes"]
    assert list(wrongs(edit, {text: 1}))
    assert draft(body(notes="two\nlines\tand 日本 🛏")).notes == "two\nlines\tand 日本 🛏"


def test_a_member_given_twice_is_refused() -> None:
    """ASVS 1.5.3: two readers must not take two meanings from one body."""
    text = json.dumps(body()).replace('"adults": 2', '"adults": 2, "adults": 3')
    with pytest.raises(Problem) as caught:
        read_json_text(text.encode(), NewReservation)
    assert [(one.path, one.why) for one in caught.value.errors] == [("$.room_stays[0].adults", "stands twice")]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"notes":NaN}', b'{"notes":-Infinity}', b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"expectedVersion":' + b"9" * 5_000 + b"}", b'{"expectedVersion":1e99999999999999999999}', b"{}{}", b"null",
        b"{'notes':1}", b'{"notes":"\\ud83d"}', b'{"notes":1,}', b"\x00", b'"', b"tru",
    ],
)  # fmt: skip
def test_what_is_no_json_is_a_shape_too(raw: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read_json_text(raw, ReservationPatch)
    assert caught.value.status == 400
    assert caught.value.errors
    assert caught.value.answer().body


def test_ten_thousand_faults_are_cut_short() -> None:
    """I12: an answer is bounded as well."""
    with pytest.raises(Problem) as caught:
        edit({f"x{number}": number for number in range(10_000)})
    assert len(caught.value.errors) == 100


def test_many_members_of_one_name_take_no_time() -> None:
    raw = b"{" + b",".join(b'"x":1' for _ in range(40_000)) + b"}"
    with pytest.raises(Problem):
        read_json_text(raw, ReservationPatch)


# ---- whatever comes

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
)
PLACES = st.sampled_from(
    "property currency booker booker.email room_stays room_stays.0 room_stays.0.arrival room_stays.0.departure "
    "room_stays.0.nights room_stays.0.nights.0 room_stays.0.nights.0.price room_stays.0.nights.1.date "
    "room_stays.0.room room_stays.0.adults notes source expectedVersion room_stays.0.id room_stays.0.status".split()
)


def put(told: Any, place: str, value: Any) -> Any:
    """Put a value at a place of a body."""
    *path, last = place.split(".")
    inner = told
    for step in path:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    inner[int(last) if isinstance(inner, list) else last] = value
    return told


def read_or_refused(read: Callable[[], Any]) -> Any:
    """Return what is read, or the problem that refuses it; whatever else is raised is a defect."""
    try:
        return read()
    except Problem as problem:
        return problem


def assert_served_or_refused(raw: bytes) -> None:
    """Look at what each body's reader makes of some bytes: an order of sound text, or a 400 that can be sent."""
    readers: list[Callable[[], Any]] = [
        lambda: read_json_text(raw, NewReservation).draft(),
        lambda: read_json_text(raw, ReservationPatch).edit(),
        lambda: read_json_text(raw, ActOptions),
    ]
    for read in readers:
        told = read_or_refused(read)
        if isinstance(told, Problem):
            assert told.status == 400
            assert json.loads(told.answer().body)["errors"]  # type: ignore[arg-type]
        else:
            assert "\x00" not in repr(told)


@given(ANYTHING)
def test_any_json_is_an_order_or_a_400(told: Any) -> None:
    """No 5xx for a sender's mistake."""
    assert_served_or_refused(json.dumps(told).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_400(raw: bytes) -> None:
    assert_served_or_refused(raw)


@given(PLACES, ANYTHING)
def test_any_value_at_any_place_is_an_order_or_a_400(place: str, value: Any) -> None:
    if "id" in place or "status" in place or place == "expectedVersion":
        told = put({"room_stays": [{"id": str(STAY)}]}, place, value)
    else:
        told = put(body(), place, value)
    assert_served_or_refused(json.dumps(told).encode())


@given(st.dates(), st.dates(), st.lists(st.tuples(st.dates(), st.decimals() | st.integers()), max_size=4))
def test_any_dates_and_prices_are_an_order_or_a_400(first: date, last: date, nights: list[tuple[date, Any]]) -> None:
    told = stay(
        arrival=first.isoformat(),
        departure=last.isoformat(),
        nights=[{"date": day.isoformat(), "price": str(price)} for day, price in nights],
    )
    assert_served_or_refused(json.dumps(told).encode())


# ---- lists


def test_a_list_is_asked_for_by_its_query() -> None:
    query = read_query(
        MultiDict(
            [("property", "P1"), ("status", "hold"), ("status", "confirmed"), ("arrival_from", "2026-03-10"),
             ("q", "77"), ("limit", "10"), ("after", mark(STAY))]
        ),
        ListQuery,
    )  # fmt: skip
    wanted = query.wanted()
    assert query.limit == 10
    assert (wanted.property_code, wanted.statuses, wanted.reference) == ("P1", ("hold", "confirmed"), "77")
    assert (wanted.arrivals, wanted.before) == ((date(2026, 3, 10), None), STAY)
    assert read_query(MultiDict(), ListQuery).limit == 50


def test_every_fault_of_a_query_is_named_at_once() -> None:
    given_ = [("limit", "201"), ("status", "gone"), ("q", "a\x00"), ("sort", "id;--"), ("after", "x"),
              ("property", "A"), ("property", "B"), ("arrival_from", "tomorrow")]  # fmt: skip
    with pytest.raises(Problem) as caught:
        read_query(MultiDict(given_), ListQuery)
    assert {one.path for one in caught.value.errors} == {
        "?limit", "?status[0]", "?q", "?sort", "?property", "?arrival_from",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "path"),
    [
        ([("after", "x")], "?after"),
        ([("after", "é" * 22)], "?after"),
        ([("arrival_from", "2026-03-10"), ("arrival_to", "2026-03-09")], "?arrival_to"),
        ([("limit", "0")], "?limit"),
        ([("limit", "-1")], "?limit"),
        ([("limit", "1.5")], "?limit"),
        ([("q", "")], "?q"),
    ],
)
def test_a_query_that_cannot_be_is_told_where(given_: list[tuple[str, str]], path: str) -> None:
    with pytest.raises(Problem) as caught:
        read_query(MultiDict(given_), ListQuery)
    assert [one.path for one in caught.value.errors] == [path]


@given(st.uuids())
def test_a_mark_stands_for_its_id(one: UUID) -> None:
    assert id_of(mark(one)) == one


@given(st.text())
def test_any_text_is_a_mark_or_none(text: str) -> None:
    assert id_of(text) is None or len(text) == 22


@given(st.lists(st.tuples(st.sampled_from([*ListQuery.__struct_fields__, "x"]), st.text(max_size=30))))
def test_any_query_is_a_list_or_a_400(given_: list[tuple[str, str]]) -> None:
    """SEC-09: whatever stands there, only sound values pass."""
    told = read_or_refused(lambda: read_query(MultiDict(given_), ListQuery).wanted())
    if isinstance(told, Problem):
        assert told.status == 400
        assert told.answer().body
    else:
        assert "\x00" not in repr(told)
