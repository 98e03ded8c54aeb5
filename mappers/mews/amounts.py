"""Prices: one order item a night, in the gross value, which every amount carries (vendors/mews.md 4, 10.9).

A property that *says* its prices net is read gross as well: it is what the guest pays, and what others tell (MON-06).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.mews import clock, words
from mappers.mews.wire import Amount, Item, Payment
from pms_sync.domain import money
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Line, Night, PriceBasis
from pms_sync.domain.stay import StayRange

Bill = tuple[Line, ...] | UnsetType

BASIS: PriceBasis = "gross"
_LARGEST = Decimal(10) ** 15


class Price(NamedTuple):
    """What a stay costs; without a price for every night the total is spread over them."""

    total: Decimal | UnsetType | None
    nights: tuple[Night, ...]
    currency: str
    basis: PriceBasis


def price(items: Sequence[Item] | UnsetType, stay: StayRange, zone: ZoneInfo, currency: str, *, fell: bool) -> Price:
    """Read the price of a stay from its nights; `fell` says that it was canceled.

    A canceled stay keeps the price of the nights that fell with it. Amounts in several currencies have no sum.
    """
    if isinstance(items, UnsetType):
        return Price(UNSET, _unpriced(stay), currency, "unknown")
    counted = [(index, item) for index, item in enumerate(items) if _is_night(index, item, fell=fell)]
    currencies = {item.amount.currency for _, item in counted}
    if len(currencies) != 1:
        return Price(None if not counted else UNSET, _unpriced(stay), currency, BASIS)
    (own,) = currencies
    by_night = _by_night(counted, zone)
    total = rounded("$.OrderItems", sum(by_night.values(), Decimal(0)), own)
    if by_night.keys() == set(stay.nights()):
        return Price(total, _each(stay, by_night, own), own, BASIS)
    return Price(total, kit.nights(stay, total, own), own, BASIS)


def lines(items: Sequence[Item] | UnsetType, payments: Sequence[Payment] | UnsetType) -> Bill:
    """Read the bill: what was charged, then what was paid; UNSET while one of the two is not to be had."""
    if isinstance(items, UnsetType) or isinstance(payments, UnsetType):
        return UNSET
    charged = [(index, item) for index, item in enumerate(items) if _is_on_the_bill(index, item)]
    paid = [(index, one) for index, one in enumerate(payments) if _is_paid(index, one)]
    charged.sort(key=lambda pair: (_order(pair[1].start_utc or pair[1].consumed_utc), pair[1].id))
    paid.sort(key=lambda pair: (_order(pair[1].created_utc), pair[1].id))
    return (*(_charge(index, item) for index, item in charged), *(_payment(index, one) for index, one in paid))


def rounded(path: str, value: Decimal, currency: str) -> Decimal:
    """Bring an amount to the minor unit of its currency: net values may have more digits, and doubles noise (4).

    Raises MappingRejected for what no booking costs.
    """
    try:
        if value.is_finite() and -_LARGEST < value < _LARGEST:
            return value.quantize(Decimal(1).scaleb(-money.exponent(currency)), ROUND_HALF_EVEN) + 0
    except DecimalException:
        pass
    raise MappingRejected(path, str(value)[:60], "not an amount a booking can have")


def _is_night(index: int, item: Item, *, fell: bool) -> bool:
    _is_on_the_bill(index, item)  # an unknown state is rejected, whatever the item is
    stands = item.accounting_state != words.CANCELED_ITEM
    with_it = item.options is not None and item.options.canceled_with_reservation
    return item.type == words.NIGHT and (stands or (fell and with_it))


def _is_on_the_bill(index: int, item: Item) -> bool:
    return _judged(words.ON_THE_BILL, item.accounting_state, f"$.OrderItems[{index}].AccountingState")


def _is_paid(index: int, payment: Payment) -> bool:
    at = f"$.Payments[{index}]"
    _judged(words.ON_THE_BILL, payment.accounting_state, f"{at}.AccountingState")
    paid = _judged(words.PAID, payment.state, f"{at}.State")
    return paid and payment.accounting_state != words.CANCELED_ITEM


def _judged(table: dict[str, bool], word: str, path: str) -> bool:
    """Look a word up; what is unknown may be money, and is never guessed."""
    known = table.get(word)
    if known is None:
        raise kit.rejected(path, word, "unknown state", words.SHOWN)
    return known


def _by_night(counted: Iterable[tuple[int, Item]], zone: ZoneInfo) -> dict[date | None, Decimal]:
    """Add up the nights by the date they begin on; what tells no time is a night of no date."""
    found: dict[date | None, Decimal] = {}
    for index, item in counted:
        at = f"$.OrderItems[{index}]"
        name, moment = ("StartUtc", item.start_utc) if item.start_utc else ("ConsumedUtc", item.consumed_utc)
        night = None if moment is None else clock.day(f"{at}.{name}", moment, zone)
        found[night] = found.get(night, Decimal(0)) + _value(f"{at}.Amount", item.amount)
    return found


def _value(at: str, amount: Amount) -> Decimal:
    """Return the gross value, exactly, when a booking can have it (MON-02)."""
    if amount.currency not in money.CURRENCIES:
        raise kit.rejected(f"{at}.Currency", amount.currency, "unknown currency", words.SHOWN)
    rounded(f"{at}.GrossValue", amount.gross_value, amount.currency)
    return amount.gross_value


def _each(stay: StayRange, prices: dict[date | None, Decimal], currency: str) -> tuple[Night, ...]:
    """Price each night; rounded are the running sums, so that no cent is made or lost on the way to the total."""
    found, exact = [], Decimal(0)
    for night in stay.nights():
        before, exact = exact, exact + prices[night]
        shown = rounded("$.OrderItems", exact, currency) - rounded("$.OrderItems", before, currency)
        found.append(Night(night, shown, derived=shown != prices[night]))
    return tuple(found)


def _unpriced(stay: StayRange) -> tuple[Night, ...]:
    return tuple([Night(night, None, derived=False) for night in stay.nights()])


def _charge(index: int, item: Item) -> Line:
    """Read a charge."""
    at = f"$.OrderItems[{index}].Amount"
    amount = rounded(at, _value(at, item.amount), item.amount.currency)
    text = kit.clean(item.billing_name or item.notes or "")
    return Line(ref=item.id, kind="charge", text=text or None, amount=amount, currency=item.amount.currency)


def _payment(index: int, payment: Payment) -> Line:
    """Read a payment: received money is negative there (10.9), and positive here."""
    at = f"$.Payments[{index}].Amount"
    amount = rounded(at, _value(at, payment.amount), payment.amount.currency)
    text = kit.clean(payment.notes or "")
    return Line(ref=payment.id, kind="payment", text=text or None, amount=-amount + 0, currency=payment.amount.currency)


def _order(moment: datetime | None) -> str:
    """Sort by the time that is told; without one first."""
    return "" if moment is None else moment.isoformat()
