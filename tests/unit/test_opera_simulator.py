"""Small rules of the simulated OPERA: local times, exact shares, old and new values, statuses, quirks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from multidict import MultiDict

from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.faults import FaultPlan
from connectors.opera.simulator import states
from connectors.opera.simulator.amounts import before_tax, shares
from connectors.opera.simulator.documents import nights_of, total_of
from connectors.opera.simulator.events import Happening, details
from connectors.opera.simulator.query import Parameter, page_of, understand
from connectors.opera.simulator.queue import EventQueues
from connectors.opera.simulator.quirks import Dress, Quirks, plain
from connectors.opera.simulator.refusals import VendorRefusal
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.times import day, public, rewritten, written

MADRID = "Europe/Madrid"


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 1, 10, 12, tzinfo=UTC), "2026-01-10 13:00:00.0"),
        (datetime(2026, 7, 10, 23, 30, tzinfo=UTC), "2026-07-11 01:30:00.0"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25 02:30:00.0"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25 02:30:00.0"),
    ],
)
def test_times_are_local_and_without_a_zone(instant: datetime, text: str) -> None:
    """TIM-02's sender: in autumn two instants look the same (vendors/opera.md 5)."""
    assert written(instant, MADRID) == text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-10 13:00:00.0", "2026-01-10T12:00:00Z"),
        ("2026-01-10T13:00:00", "2026-01-10T12:00:00Z"),
        ("2026-01-10", "2026-01-09T23:00:00Z"),
        ("2026-10-25 02:30:00.0", "2026-10-25T00:30:00Z"),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_truth_reads_local_times_the_first_hour_of_two(text: object, instant: str | None) -> None:
    assert public(text, MADRID) == instant


def test_an_order_may_give_an_instant_or_the_vendors_own_text() -> None:
    assert rewritten("2026-01-10T12:00:00Z", MADRID) == "2026-01-10 13:00:00.0"
    assert rewritten("2026-01-10 13:00:00.0", MADRID) == "2026-01-10 13:00:00.0"
    assert rewritten("soon", MADRID) == "soon"


@pytest.mark.parametrize("text", ["2026-02-30", "2026-1-1", "20260101", "", None, 7])
def test_what_is_no_date_is_none(text: object) -> None:
    assert day(text) is None


@pytest.mark.parametrize(
    ("total", "count", "currency", "parts"),
    [
        ("100.00", 3, "EUR", ["33.34", "33.33", "33.33"]),
        ("100", 3, "JPY", ["34", "33", "33"]),
        ("0.01", 2, "EUR", ["0.01", "0.00"]),
        ("5", 0, "EUR", []),
    ],
)
def test_a_total_is_shared_to_the_last_place(total: str, count: int, currency: str, parts: list[str]) -> None:
    assert [str(one) for one in shares(Decimal(total), count, currency)] == parts


def test_the_amount_before_tax_has_the_places_of_its_currency() -> None:
    assert (before_tax(Decimal("110.01"), "EUR"), before_tax(Decimal(1000), "JPY")) == (Decimal("100.01"), Decimal(909))


def test_a_stay_has_a_price_per_night_and_day_use_one_without_a_night() -> None:
    """TIM-14's sender."""
    row = {"arrivalDate": "2026-03-28", "departureDate": "2026-03-30", "prices": ["10", "20.5"]}
    assert [str(price) for _, price in nights_of(row)] == ["10", "20.5"]
    assert total_of(row) == Decimal("30.5")
    day_use = {**row, "departureDate": "2026-03-28", "prices": ["10"]}
    assert (nights_of(day_use), total_of(day_use)) == ([], Decimal(10))
    assert total_of({**row, "prices": ["10"]}) is None


def test_old_and_new_values_are_left_out_where_there_are_none() -> None:
    """The table of vendors/opera.md 8.4."""
    before = {"A": "1", "B": None, "C": "1", "D": "1", "E": None}
    after = {"A": "1", "B": "2", "C": "2", "D": None, "E": None}
    happening = Happening("Reservation", "UPDATE RESERVATION", "1", "H", before, after)
    assert details(happening, "ABCDE", equals=True) == [
        {"dataElement": "A", "oldValue": "1", "newValue": "1"},
        {"dataElement": "B", "newValue": "2"},
        {"dataElement": "C", "oldValue": "1", "newValue": "2"},
        {"dataElement": "D", "oldValue": "1"},
        {"dataElement": "E"},
    ]
    assert details(happening, "A", equals=False) == [{"dataElement": "A"}]


def test_the_computed_status_depends_on_the_business_date() -> None:
    row = {"reservationStatus": "Reserved", "arrivalDate": "2026-03-01", "departureDate": "2026-03-02"}
    inside = {**row, "reservationStatus": "InHouse"}
    seen = [states.computed(one, when) for one in (row, inside) for when in ("2026-03-01", "2026-03-02")]
    assert seen == ["DueIn", "Reserved", "InHouse", "DueOut"]


def test_the_business_date_moves_in_the_night_and_can_be_set() -> None:
    """TIM-08's sender: until the audit at three it is yesterday, by the hotel's own clock."""
    place = Place("H", "Hotel", "Asia/Tokyo", "JPY")
    before, after = datetime(2026, 3, 1, 17, 59, tzinfo=UTC), datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
    assert [place.business_date(now).isoformat() for now in (before, after)] == ["2026-03-01", "2026-03-02"]
    place.put_business_date(date(2030, 1, 1), before)
    assert [place.business_date(now).isoformat() for now in (before, after)] == ["2030-01-01", "2030-01-02"]


def test_parameters_are_read_or_the_call_fails() -> None:
    """vendors/opera.md 5: repeated values, no commas, unknown names ignored."""
    known = {"a": Parameter("id", many=True), "b": Parameter("yes"), "limit": Parameter("whole")}
    query = MultiDict([("a", "1"), ("a", "2"), ("b", "true"), ("limit", "5"), ("zzz", "1")])
    assert understand(query, known) == {"a": ["1", "2"], "b": True, "limit": 5}
    assert understand(MultiDict([("a", "")]), known) == {}
    for wrong in (("a", "1,2"), ("b", "yes"), ("limit", "5.0"), ("limit", "\u0665x")):
        with pytest.raises(VendorRefusal):
            understand(MultiDict([wrong]), known)


@pytest.mark.parametrize("ask", [{"limit": 21}, {"limit": 0}, {"limit": -1}, {"offset": -1}])
def test_a_page_has_a_longest_length(ask: dict[str, int]) -> None:
    with pytest.raises(VendorRefusal):
        page_of(ask, 20, 20)


def test_a_quirk_strikes_some_objects_and_always_the_same() -> None:
    worn = [Dress(Quirks(), number).number(2) for number in range(4)]
    assert worn == ["2", 2, "2", 2]
    assert [Dress(plain(), number).rows([{}]) for number in range(4)] == [[{}]] * 4
    assert Dress(Quirks(texts="always"), 1).number(Decimal("10.50")) == "10.50"


def test_a_queue_hands_out_in_order_of_arrival_and_forgets() -> None:
    """Events of the future wait; another hotel's stay behind."""
    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))
    queues = EventQueues(clock, FaultPlan(1), ["US"])
    for number, hotel, delay in ((1, "A", 0.0), (2, "B", 0.0), (3, "A", 60.0), (4, "A", 0.0)):
        queues.offer(hotel, {"n": number}, delay)
    clock.advance(1)
    assert queues.dequeue("US", "A", 20, shuffled=False) == [{"n": 1}, {"n": 4}]
    assert queues.dequeue("US", None, 20, shuffled=False) == [{"n": 2}]
    clock.advance(60)
    assert queues.dequeue("US", "A", 20, shuffled=False) == [{"n": 3}]
    assert queues.waiting("US") == 0
