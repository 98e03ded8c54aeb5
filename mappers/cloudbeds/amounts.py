"""Amounts: prices may come with more digits than the currency has; they are rounded so that sums stay right.

vendors/cloudbeds.md 3: money is a number or a text, with two decimals or four, and is to be compared after rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException

from msgspec import UNSET

from mappers.cloudbeds.reading import Fields, Money
from pms_sync.domain import money
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Night, PriceBasis
from pms_sync.domain.stay import StayRange

Rates = Mapping[date, Decimal]

_LARGEST = Decimal(10) ** 15
_UNKNOWN_CURRENCY_PLACES = 2


def rounded(path: str, value: Decimal, currency: str) -> Decimal:
    """Bring an amount to the minor unit of its currency; raises MappingRejected for what no booking costs."""
    places = money.exponent(currency) if currency else _UNKNOWN_CURRENCY_PLACES
    try:
        if value.is_finite() and -_LARGEST < value < _LARGEST:
            return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN) + 0  # turns -0.00 into 0.00
    except DecimalException:
        pass
    raise MappingRejected(path, str(value)[:60], "not an amount a booking can have")


def told(row: Fields, name: str, currency: str) -> Money:
    """Read an amount in the minor unit of its currency."""
    value = row.money(name)
    return rounded(row.path(name), value, currency) if isinstance(value, Decimal) else value


def rates(line: Fields) -> dict[date, Decimal]:
    """Read the price of each night: a map from date to price, or a list of both; empty for cancelled lines (9)."""
    name = line.first("detailedRoomRates", "dailyRates")
    found: dict[date, Decimal] = {}
    for key, value in line.entries(name):
        at = f"{line.path(name)}[{key}]"
        entry = Fields(value if isinstance(value, dict) else {"date": key, "rate": value}, at)
        price = entry.money("rate")
        if isinstance(price, Decimal):
            rounded(entry.path("rate"), price, "")
            found[entry.needed_day("date")] = price
    return found


def nights(line: Fields, stay: StayRange, prices: Rates, currency: str) -> tuple[Night, ...]:
    """Give each night its price; a price finer than the minor unit is rounded and marked as derived.

    Rounded are the running sums, so that no cent is made or lost on the way to the total.
    """
    found, exact, at = [], Decimal(0), line.path("detailedRoomRates")
    for night in stay.nights():
        price = prices.get(night)
        if price is None:
            found.append(Night(night, None))
            continue
        before, exact = exact, exact + price
        shown = rounded(at, exact, currency) - rounded(at, before, currency)
        found.append(Night(night, shown, derived=shown != price))
    return tuple(found)


def total(line: Fields, stay: StayRange, prices: Rates, currency: str) -> Money:
    """Read a line's total, else add its nights up where every one has a price; unsaid otherwise."""
    said = told(line, "roomTotal", currency)
    if isinstance(said, Decimal):
        return said
    if not prices or any(night not in prices for night in stay.nights()):
        return UNSET
    return rounded(line.path("detailedRoomRates"), sum(prices.values(), Decimal(0)), currency)


def basis(row: Fields, amount: Money, currency: str) -> PriceBasis:
    """Say whether taxes are in the reservation's total: that is not documented, but the detailed balance tells."""
    detail = row.child("balanceDetailed")
    if not isinstance(amount, Decimal) or detail is None:
        return "unknown"
    names = ("taxesFees", "grandTotal", "subTotal", "additionalItems")
    taxes, grand, rooms, items = (told(detail, name, currency) for name in names)
    if taxes == 0 or amount == grand:
        return "gross"
    if isinstance(rooms, Decimal) and amount in {rooms, rooms + (items if isinstance(items, Decimal) else 0)}:
        return "net"
    return "unknown"
