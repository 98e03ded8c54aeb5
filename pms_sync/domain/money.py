"""Money: Decimal amounts with an ISO 4217 currency; nothing is ever rounded in silence."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cache

import msgspec

# ISO 4217 minor units that are not 2 (RELIABILITY §7.2; vendors may override by their own table).
_EXPONENTS: dict[str, int] = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(),
        0,
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_DEFAULT_EXPONENT = 2
# ISO 4217 codes in use, with those retired so lately that old bookings still carry them.
CURRENCIES = frozenset(
    (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
        "CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD "
        "HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD "
        "LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP "
        "PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
        "TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
        "ZWL"
    ).split()
)
_LARGEST = Decimal(10) ** 15


class AmountRejected(ValueError):
    """The text is not an exact amount of that currency."""


def exponent(currency: str, overrides: dict[str, int] | None = None) -> int:
    """Return the number of minor digits of a currency; a vendor's own table wins over ISO."""
    if overrides and currency in overrides:
        return overrides[currency]
    return _EXPONENTS.get(currency, _DEFAULT_EXPONENT)


@cache
def _quantum(places: int) -> Decimal:
    """Return one minor unit as a Decimal, the pattern `quantize` copies."""
    return Decimal(1).scaleb(-places)


def parse_amount(text: str, currency: str, overrides: dict[str, int] | None = None) -> Decimal:
    """Read an amount from the text on the wire, exact to the currency's minor unit.

    Trailing zeros beyond the minor unit are dropped; any other surplus digit is refused, since
    rounding would invent money. Raises AmountRejected.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        message = f"{text[:60]!r} is not a decimal amount"
        raise AmountRejected(message) from error
    return fit(amount, currency, overrides)


def fit(amount: Decimal, currency: str, overrides: dict[str, int] | None = None) -> Decimal:
    """Give the amount exactly the currency's minor digits; raises AmountRejected when that would round."""
    # Compared, not abs(): arithmetic on a huge exponent would overflow the decimal context.
    if not amount.is_finite() or not -_LARGEST < amount < _LARGEST:
        message = f"{str(amount)[:60]} is not an amount a booking can have"
        raise AmountRejected(message)
    fitted = amount.quantize(_quantum(exponent(currency, overrides)))
    if fitted != amount:
        message = f"{str(amount)[:60]} is finer than the minor unit of {currency}"
        raise AmountRejected(message)
    return fitted + 0  # turns -0.00 into 0.00


def minor_units(amount: Decimal, currency: str, overrides: dict[str, int] | None = None) -> int:
    """Return the amount as an integer of minor units (MON-01)."""
    return int(amount.scaleb(exponent(currency, overrides)))


def split(total: Decimal, parts: int, currency: str, overrides: dict[str, int] | None = None) -> list[Decimal]:
    """Split a total over equal parts so that the sum is exact; the first parts carry the remainder."""
    if parts == 0:
        return []
    places = exponent(currency, overrides)
    share, rest = divmod(abs(minor_units(total, currency, overrides)), parts)
    sign = -1 if total < 0 else 1
    return [Decimal(sign * (share + (1 if index < rest else 0))).scaleb(-places) for index in range(parts)]


class Money(msgspec.Struct, frozen=True):
    """An amount in one currency; sums across currencies are refused."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        """Add within one currency; raises ValueError across two (MON-07)."""
        if other.currency != self.currency:
            message = f"cannot add {other.currency} to {self.currency}"
            raise ValueError(message)
        return Money(self.amount + other.amount, self.currency)
