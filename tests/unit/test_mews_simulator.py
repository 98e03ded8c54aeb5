"""Small rules of the simulated Mews: how long an interval may be, local midnights, durations, amounts to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connectors.mews.simulator.amounts import amount, gross_of, shares
from connectors.mews.simulator.filters import THREE_MONTHS, ids, texts, within
from connectors.mews.simulator.refusals import VendorRefusal
from connectors.mews.simulator.times import duration, local_date, midnight, read_instant


@pytest.mark.parametrize(
    ("start", "last"),
    [
        (datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 4, 16, tzinfo=UTC)),
        (datetime(2026, 11, 30, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 4, 1, 12, tzinfo=UTC)),
        (datetime(2027, 11, 30, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_an_interval_has_a_longest_length(start: datetime, last: datetime) -> None:
    """Months are counted on the calendar, a short one ends the count early (vendors/mews.md 5)."""
    THREE_MONTHS.refuse_beyond(start, last)
    with pytest.raises(VendorRefusal, match=r"must not exceed 3M1D\."):
        THREE_MONTHS.refuse_beyond(start, last.replace(second=1))


@pytest.mark.parametrize("value", [None, {}, [], "2026", {"StartUtc": 1, "EndUtc": 2}, {"StartUtc": None}])
def test_what_is_no_interval_is_invalid(value: object) -> None:
    with pytest.raises(VendorRefusal, match=r"Invalid UpdatedUtc\."):
        within("UpdatedUtc").read("UpdatedUtc", value)


def test_an_interval_at_the_end_of_time_is_invalid() -> None:
    """It is refused, not stumbled over."""
    with pytest.raises(VendorRefusal):
        within("x").read("x", {"StartUtc": "9999-12-01T00:00:00Z", "EndUtc": "9999-12-31T23:59:59.9999Z"})


def test_ids_are_compared_without_regard_to_case_and_texts_with_it() -> None:
    row = {"Id": "0a0a0a0a-0000-4000-8000-00000000000f", "Number": "Aa"}
    assert ids("Id").test(ids("Id").read("Ids", [row["Id"].upper()]))(row)
    assert not texts("Number").test(texts("Number").read("Numbers", ["AA"]))(row)


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        ("2023-03-22", "America/Chicago", "2023-03-22T05:00:00Z"),
        ("2023-03-22", "Asia/Shanghai", "2023-03-21T16:00:00Z"),
        ("2026-03-29", "Europe/Madrid", "2026-03-28T23:00:00Z"),
        ("2026-03-30", "Europe/Madrid", "2026-03-29T22:00:00Z"),
    ],
)
def test_a_local_date_is_the_instant_of_its_midnight(day: str, zone: str, instant: str) -> None:
    """The vendor's own examples, and a night of 23 hours (4, 8)."""
    assert midnight(date.fromisoformat(day), zone) == instant
    assert local_date(instant, zone) == date.fromisoformat(day)


@pytest.mark.parametrize("value", [None, 7, "soon", "2026-03-01", "2026-03-01T10:00:00"])
def test_what_has_no_zone_is_no_instant(value: object) -> None:
    assert read_instant(value) is None


def test_durations_are_written_in_full_and_may_be_negative() -> None:
    """As captured (4)."""
    assert (duration(days=3), duration(hours=-4)) == ("P0M3DT0H0M0S", "P0M0DT-4H0M0S")


def test_net_and_tax_add_up_to_gross_in_the_currencys_own_units() -> None:
    euro, yen = (amount(Decimal("100.01"), code, "T", Decimal("0.1")) for code in ("EUR", "JPY"))
    assert (euro["NetValue"], euro["TaxValues"][0]["Value"], euro["GrossValue"]) == (90.92, 9.09, 100.01)
    assert (yen["NetValue"], yen["TaxValues"][0]["Value"], yen["GrossValue"]) == (91, 9, 100)
    assert gross_of(euro) == Decimal("100.01")


@pytest.mark.parametrize("value", [None, 5, {}, {"Currency": "EUR"}, {"Currency": 1, "GrossValue": 1}])
def test_what_is_no_amount_has_no_gross_value(value: object) -> None:
    assert gross_of(value) is None


@pytest.mark.parametrize(
    ("total", "currency", "parts"),
    [
        ("100.01", "EUR", ["33.34", "33.34", "33.33"]),
        ("-1.00", "EUR", ["-0.33", "-0.33", "-0.34"]),
        ("100", "JPY", ["34", "33", "33"]),
    ],
)
def test_shares_are_exact_with_the_surplus_first(total: str, currency: str, parts: list[str]) -> None:
    assert shares(Decimal(total), 3, currency) == [Decimal(part) for part in parts]
