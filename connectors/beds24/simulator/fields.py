"""What may be written, field by field: types, lengths and limits (vendors/beds24.md 6 and 7, the vendor's API file).

A bad value of a required field is fatal for the item; of any other it is dropped with a warning. A number beyond its
limits and a text beyond its length are clamped with a warning. Names that are not in a table are ignored without a
word, and so is what the server sets itself (bookingTime, modifiedTime, cancelTime, channel, referer, apiSourceId).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

from connectors.beds24.simulator.rows import STATUSES, SUB_STATUSES, number
from connectors.beds24.simulator.verdicts import Verdict
from connectors.kit.simulator.contract import Row

REQUIRED = ("roomId", "arrival", "departure")
CENT = Decimal("0.01")
_LARGEST, _SAFE = 99999999.99, 1 << 53
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_CODE = re.compile(r"[A-Za-z]{2}\Z")
_COLOUR = re.compile(r"([0-9A-Fa-f]{6})?\Z")
_EMAIL = re.compile(r"([^@\s]+@[^@\s]+)?\Z")
_CLAMPED = "value out of range, changed to {0}"
_CUT = "too long, cut to {0} characters"


class Unfit(ValueError):
    """A value that the field cannot hold."""


@dataclass(frozen=True)
class Rule:
    """What a field holds: `low`/`high` are limits of numbers, `high` is the length of a text, None = no limit."""

    kind: str
    low: float | None = None
    high: float | None = None
    allowed: Collection[str] = ()
    nullable: bool = False

    def read(self, value: object) -> tuple[object, str | None]:
        """Return the value as it will be stored and, when it was clamped, the warning; raises Unfit."""
        if value is None and self.nullable:
            return None, None
        return _READERS[self.kind](self, value)


def understood(sent: Mapping[str, object], rules: Mapping[str, Rule], verdict: Verdict) -> Row:
    """Return the writable fields of one item as they will be stored; what is wrong with them goes into the verdict."""
    found: Row = {}
    for name in (name for name in sent if name in rules):
        try:
            found[name], warning = rules[name].read(sent[name])
        except Unfit:
            (verdict.error if name in REQUIRED else verdict.warn)(name)
            continue
        if warning is not None:
            verdict.warn(name, warning)
    return found


def rounded(amount: object, step: Decimal = CENT) -> float:
    """Round an amount half up to a step, and write it the vendor's way; raises Unfit when it is no number."""
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise Unfit
    return number(float(Decimal(str(amount)).quantize(step, ROUND_HALF_UP)))


def _text(rule: Rule, value: object) -> tuple[object, str | None]:
    # The vendor's own example writes a phone as a number.
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise Unfit
    if rule.high is not None and len(text) > rule.high:
        return text[: int(rule.high)], _CUT.format(rule.high)
    return text, None


def _matching(pattern: re.Pattern[str]) -> Callable[[Rule, object], tuple[object, str | None]]:
    def read(rule: Rule, value: object) -> tuple[object, str | None]:
        if not isinstance(value, str) or not pattern.match(value):
            raise Unfit
        return _text(rule, value)

    return read


def _country(_rule: Rule, value: object) -> tuple[object, str | None]:
    if value == "":
        return None, None
    if not isinstance(value, str) or not _CODE.match(value):
        raise Unfit
    return value.upper(), None  # a selector of countries, upper case on the wire (vendors/beds24.md 6.2)


def _language(_rule: Rule, value: object) -> tuple[object, str | None]:
    if not isinstance(value, str) or (value and not _CODE.match(value)):
        raise Unfit
    return value, None


def _whole(rule: Rule, value: object) -> tuple[object, str | None]:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _SAFE:
        raise Unfit
    return _limited(rule, value)


def _amount(rule: Rule, value: object) -> tuple[object, str | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit
    kept, warning = _limited(rule, value)
    return rounded(kept), warning


def _limited(rule: Rule, value: float) -> tuple[float, str | None]:
    low = value if rule.low is None else max(value, rule.low)
    kept = low if rule.high is None else min(low, rule.high)
    plain = int(kept) if kept == int(kept) else float(kept)
    return plain, None if kept == value else _CLAMPED.format(plain)


def _enum(rule: Rule, value: object) -> tuple[object, str | None]:
    if not isinstance(value, str) or value not in rule.allowed:
        raise Unfit
    return value, None


def _date(_rule: Rule, value: object) -> tuple[object, str | None]:
    if not isinstance(value, str) or not _DAY.match(value):
        raise Unfit
    try:
        return date.fromisoformat(value).isoformat(), None
    except ValueError as error:
        raise Unfit from error


def _cancellation(rule: Rule, value: object) -> tuple[object, str | None]:
    """Read `allowCancellation`; the number of days is there for its own type only."""
    if not isinstance(value, dict) or value.get("type") not in rule.allowed:
        raise Unfit
    if value["type"] != "daysBeforeArrival":
        return {"type": value["type"]}, None
    return {"type": value["type"], "daysBeforeArrivalValue": value.get("daysBeforeArrivalValue")}, None


_READERS: Mapping[str, Callable[[Rule, object], tuple[object, str | None]]] = MappingProxyType(
    {
        "text": _text,
        "email": _matching(_EMAIL),
        "colour": _matching(_COLOUR),
        "country": _country,
        "language": _language,
        "int": _whole,
        "amount": _amount,
        "enum": _enum,
        "date": _date,
        "cancellation": _cancellation,
    }
)

_HUNDRED = """
title firstName lastName phone mobile fax company city state postcode country arrivalTime voucher reference apiReference
"""
_THOUSAND = "comments message rateDescription custom1 custom2 custom3 custom4 custom5 custom6 custom7 custom8 custom9"
_MOST_UNITS = 9999  # the vendor names no limit; this one keeps the line total a number
_COUNT, _MONEY = Rule("int", 0, 99), Rule("amount", 0, _LARGEST)

BOOKING: Mapping[str, Rule] = MappingProxyType(
    {
        **dict.fromkeys(_HUNDRED.split(), Rule("text", high=100)),
        **dict.fromkeys([*_THOUSAND.split(), "custom10"], Rule("text", high=1000)),
        **dict.fromkeys(("numAdult", "numChild"), _COUNT),
        **dict.fromkeys(("price", "deposit", "tax", "commission"), _MONEY),
        **dict.fromkeys(("arrival", "departure"), Rule("date")),
        **dict.fromkeys(("stripeToken", "pcibookingToken"), Rule("text", nullable=True)),
        **dict.fromkeys(("masterId", "invoiceeId"), Rule("int", nullable=True)),
        **dict.fromkeys(("roomId", "statusCode"), Rule("int")),
        **dict.fromkeys(("apiMessage", "refererEditable"), Rule("text")),
        "unitId": Rule("int", 0),
        "roomQty": Rule("int", 1),
        "status": Rule("enum", allowed=STATUSES),
        "subStatus": Rule("enum", allowed=SUB_STATUSES),
        "email": Rule("email", high=100),
        "address": Rule("text", high=250),
        "notes": Rule("text", high=2000),
        "groupNote": Rule("text", high=5000, nullable=True),
        "country2": Rule("country", nullable=True),
        "lang": Rule("language"),
        "flagColor": Rule("colour"),
        "flagText": Rule("text", high=32),
        "allowChannelUpdate": Rule("enum", allowed=("none", "all", "allExceptRoomChange")),
        "allowAutoAction": Rule("enum", allowed=("enable", "disable")),
        "allowReview": Rule("enum", allowed=("default", "disable", "enable")),
        "allowCancellation": Rule("cancellation", allowed=("propertyDefault", "never", "always", "daysBeforeArrival")),
    }
)
INVOICE_ITEM: Mapping[str, Rule] = MappingProxyType(
    {
        "type": Rule("enum", allowed=("charge", "payment")),
        "description": Rule("text", high=250),
        "status": Rule("text", high=50),
        "qty": Rule("int", -_MOST_UNITS, _MOST_UNITS),
        "amount": Rule("amount", -_LARGEST, _LARGEST),
        "vatRate": Rule("amount", 0, 99.9),
        "invoiceeId": Rule("int", nullable=True),
        "createdBy": Rule("int"),
    }
)
INFO_ITEM: Mapping[str, Rule] = MappingProxyType({"code": Rule("text"), "text": Rule("text")})
