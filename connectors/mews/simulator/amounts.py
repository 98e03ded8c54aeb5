"""Amounts as the vendor writes them: net, gross and taxes side by side, numbers as JSON doubles (vendors/mews.md 4)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from connectors.kit.simulator.contract import Row
from pms_sync.domain.money import exponent


@lru_cache(maxsize=64)
def quantum(currency: str) -> Decimal:
    """Return one minor unit."""
    return Decimal(1).scaleb(-exponent(currency))


@lru_cache(maxsize=4096)
def amount(gross: Decimal, currency: str, tax_code: str, tax_rate: Decimal) -> Row:
    """Return the Amount of a gross value that contains one tax; never change it in place, it is shared."""
    unit = quantum(currency)
    whole = gross.quantize(unit)
    net = (whole / (1 + tax_rate)).quantize(unit)
    tax = whole - net
    return {
        "Currency": currency,
        "NetValue": float(net),
        "GrossValue": float(whole),
        "TaxValues": [{"Code": tax_code, "Value": float(tax)}],
        "Breakdown": {"Items": [{"TaxRateCode": tax_code, "NetValue": float(net), "TaxValue": float(tax)}]},
    }


def untaxed(value: Decimal, currency: str) -> Row:
    """Return the Amount of money that was paid; a received payment is negative."""
    plain = float(value.quantize(quantum(currency)))
    return {
        "Currency": currency,
        "NetValue": plain,
        "GrossValue": plain,
        "TaxValues": [],
        "Breakdown": {"Items": [{"TaxRateCode": None, "NetValue": plain, "TaxValue": 0.0}]},
    }


def gross_of(value: object) -> Decimal | None:
    """Return the gross value of an Amount to the minor unit; None for what is none."""
    if not isinstance(value, dict) or not isinstance(value.get("Currency"), str):
        return None
    try:
        found = Decimal(str(value.get("GrossValue")))
        return found.quantize(quantum(value["Currency"])) if found.is_finite() else None
    except InvalidOperation:
        return None


def shares(total: Decimal, count: int, currency: str) -> list[Decimal]:
    """Split a total into so many parts, exact to the minor unit, the surplus units first."""
    unit = quantum(currency)
    share, over = divmod(int(total / unit), count)
    return [(share + (index < over)) * unit for index in range(count)]
