"""Exact amounts: places of a currency, shares of a total, and the part of a price that is tax."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from pms_sync.domain.money import exponent

_TAXED = Decimal("1.10")
"""Prices carry ten per cent of tax that stands beside them, so that the amounts before and after tax differ."""


def exact(amount: Decimal, currency: str) -> Decimal:
    """Round to the places of the currency."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def shares(total: Decimal, count: int, currency: str) -> list[Decimal]:
    """Split a total over nights or rooms, exact to the last place; nothing to split over gives nothing."""
    if count <= 0:
        return []
    places = exponent(currency)
    share, over = divmod(int(exact(total, currency).scaleb(places)), count)
    return [Decimal(share + (index < over)).scaleb(-places) for index in range(count)]


def before_tax(amount: Decimal, currency: str) -> Decimal:
    """Return what is left of an amount without its tax."""
    return exact(amount / _TAXED, currency)


def read(value: object) -> Decimal | None:
    """Read an amount; None for what is no number that can be counted."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
