"""What a stay costs at Opera: prices on the nights, a total beside them, each before and after tax or only once.

`amountBeforeTax` leaves out what is added as tax, and holds what is included already (the API file). So an amount after
tax is gross; one before tax is gross or net as the stretch says, and where it says nothing, nobody knows.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec import UnsetType

from mappers import kit
from mappers.opera import wire
from mappers.opera.reading import day, each
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.money import CURRENCIES
from pms_sync.domain.reservation import Night, PriceBasis
from pms_sync.domain.stay import StayRange


class Stretch(NamedTuple):
    """A stretch of nights with its path and first date."""

    told: wire.RoomRate
    at: str
    start: date


class Prices(NamedTuple):
    """The prices of one unit and of them all."""

    currency: str | None
    basis: PriceBasis
    total: Decimal | UnsetType | None  # of the whole reservation
    stay_total: Decimal | UnsetType | None  # of one unit
    nights: tuple[Night, ...]


class _Terms(NamedTuple):
    """How amounts are read: after tax or before, for how many rooms together, and in which currency."""

    after: bool
    units: int
    currency: str

    def pick(self, amount: wire.Amount) -> Decimal | None:
        """Read an amount for one unit; of several units, only one that says so is known to be for one."""
        if self.units > 1:
            return amount.amount_after_tax_per_room if self.after else amount.amount_before_tax_per_room
        return amount.amount_after_tax if self.after else amount.amount_before_tax

    def read(self, amount: wire.Amount, path: str) -> Decimal | None:
        """Read it exact to the currency's minor unit; raises MappingRejected where that would round."""
        value = self.pick(amount)
        return None if value is None else kit.amount(path, value, self.currency)


class _Priced(NamedTuple):
    """The amount of a night, with its path."""

    amount: wire.Amount
    at: str


def stretches(stay: wire.RoomStay, arrival: date, at: str) -> list[Stretch]:
    """Read the stretches in order; one without a start begins with the stay."""
    found = [
        Stretch(told, place, arrival if told.start is None else day(told.start, f"{place}.start"))
        for told, place in each(wire.ROOM_RATE, stay.room_rates, f"{at}.roomRates")
    ]
    return sorted(found, key=lambda one: one.start)


def priced(stay: wire.RoomStay, found: list[Stretch], dates: StayRange, units: int, currency: str, at: str) -> Prices:
    """Price the nights; raises MappingRejected for an amount that its currency cannot have, or for two currencies."""
    by_night = _by_night(found, dates)
    total = stay.total if isinstance(stay.total, wire.Amount) else None
    money = _currency([one.amount for one in by_night.values()] + ([total] if total else []), currency, at)
    terms = _Terms(_after_tax(total, by_night, units), units, money)
    return Prices(
        currency=money or None,
        basis=_basis(found, after=terms.after, said=total is not None or bool(by_night)),
        total=_told(stay.total, f"{at}.total", terms._replace(units=1)),
        stay_total=_told(stay.total, f"{at}.total", terms),
        nights=tuple([_night(night, by_night.get(night), terms) for night in dates.nights()]),
    )


def _by_night(found: list[Stretch], dates: StayRange) -> dict[date, _Priced]:
    """Find the price of each night: the one that began last before it and has not ended.

    An end is the last night in some samples and the day after in others (6.3); read like this both come out right.
    """
    rates: list[tuple[date, date, _Priced]] = []
    for one in found:
        for rate, place in each(wire.RATE, (one.told.rates or wire.Rates()).rate, f"{one.at}.rates.rate"):
            start = one.start if rate.start is None else day(rate.start, f"{place}.start")
            end = _end(rate, one, start, place)
            name = next((name for name in _names(start, end) if getattr(rate, name) is not None), None)
            if name is not None:
                rates.append((start, end, _Priced(getattr(rate, name), f"{place}.{_WIRE_NAMES[name]}")))
    rates.sort(key=lambda one: one[0])
    found_at: dict[date, _Priced] = {}
    for night in dates.nights():
        fitting = [one for start, end, one in rates if start <= night <= end]
        if fitting:
            found_at[night] = fitting[-1]
    return found_at


_WIRE_NAMES = {"total": "total", "effective_rate": "effectiveRate", "base": "base"}


def _names(start: date, end: date) -> tuple[str, ...]:
    """Say which amount prices a night: the full one, unless it may be that of several nights together."""
    several = (end - start).days > 1
    return ("effective_rate", "base") if several else ("total", "effective_rate", "base")


def _end(rate: wire.Rate, one: Stretch, start: date, place: str) -> date:
    if rate.end is not None:
        return day(rate.end, f"{place}.end")
    return day(one.told.end, f"{one.at}.end") if one.told.end is not None and rate.start is None else start


def _currency(amounts: list[wire.Amount], currency: str, at: str) -> str:
    """Return the one currency of all amounts, the property's where none is said."""
    codes = sorted({one.currency_code for one in amounts if one.currency_code})
    if len(codes) > 1:
        raise MappingRejected(f"{at}.roomRates", " and ".join(codes)[:60], "amounts in several currencies")
    if codes and codes[0] not in CURRENCIES:
        raise MappingRejected(f"{at}.total.currencyCode", codes[0][:60], "no currency of ISO 4217")
    return codes[0] if codes else currency


def _after_tax(total: wire.Amount | None, priced: dict[date, _Priced], units: int) -> bool:
    """Say whether to read amounts after tax: where the total has one, else where every night has."""
    if total is not None:
        return total.amount_after_tax is not None
    terms = _Terms(after=True, units=units, currency="")
    return bool(priced) and all(terms.pick(one.amount) is not None for one in priced.values())


def _night(night: date, priced: _Priced | None, terms: _Terms) -> Night:
    """Price one night, in the same terms as the total or not at all: a net night would not add up to a gross stay."""
    return Night(night, None if priced is None else terms.read(priced.amount, priced.at))


def _told(total: wire.Amount | UnsetType | None, path: str, terms: _Terms) -> Decimal | UnsetType | None:
    return terms.read(total, path) if isinstance(total, wire.Amount) else total


def _basis(found: list[Stretch], *, after: bool, said: bool) -> PriceBasis:
    if not said:
        return "unknown"
    if after:
        return "gross"
    flags = {flag for one in found for flag in (one.told.rate_includes_tax, one.told.tax_included) if flag is not None}
    return "unknown" if len(flags) != 1 else "gross" if flags == {True} else "net"
