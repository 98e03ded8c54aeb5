"""Render: the templates with what they may say of times, ages and money; every value is escaped.

Days and moments are told in the hotel's zone, with the zone beside them; the machine-readable instant is UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pms_sync.auth.roles import may
from pms_sync.domain.clock import rfc3339
from pms_sync.domain.money import exponent
from pms_sync.web.assets import Assets

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_AGES = ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s"))
_TODAY_S = 20 * _HOUR
_LONG_MINUTES = 10 * _MINUTE
_CHANNELS = {
    "booking_com": "Booking.com",
    "airbnb": "Airbnb",
    "expedia": "Expedia",
    "agoda": "Agoda",
    "vrbo": "Vrbo",
}


class Renderer:
    """Turns a template and its values into an answer."""

    def __init__(self, assets: Assets) -> None:
        """Load templates from the package, so that a wheel works as a checkout does."""
        self._environment = Environment(
            loader=PackageLoader("pms_sync.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(asset=assets.url, may=may)
        self._environment.filters.update(
            age=age, moment=moment, lately=lately, day=day, money=money, words=words, channel=channel
        )

    def page(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> web.Response:  # noqa: ANN401
        """Return the page; `session` names its reader in the bar, without it nobody is signed in."""
        text = self._environment.get_template(template).render({"session": None, **values})
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def age(seconds: float | None) -> str:
    """Write a span of time in its two largest units: `12 s`, `4 min`, `3 h 20 min`, `2 d 5 h`."""
    if seconds is None:
        return "never"
    whole = max(0, round(seconds))
    for size, name, small, small_name in _AGES:
        if whole >= size:
            rest = 0 if size == _MINUTE and whole >= _LONG_MINUTES else whole % size // small
            return f"{whole // size} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole} s"


def moment(instant: datetime, zone: str = "UTC") -> Markup:
    """Write an instant in a zone, named by its abbreviation or its offset."""
    local = instant.astimezone(_zone(zone))
    text = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S} {zone_name(local)}"
    return Markup('<time datetime="{}">{}</time>').format(rfc3339(instant), text)


def lately(instant: datetime, zone: str, age_s: float | None) -> Markup:
    """Write an instant of today by its time alone."""
    if age_s is None or age_s >= _TODAY_S:
        return moment(instant, zone)
    local = instant.astimezone(_zone(zone))
    return Markup('<time datetime="{}">{}</time>').format(rfc3339(instant), f"{local:%H:%M:%S} {zone_name(local)}")


def zone_name(local: datetime) -> str:
    """Return `CET` where the zone has such a name, else `UTC+03:00`."""
    name = local.tzname() or ""
    if name.isalpha():
        return name
    offset = f"{local:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"


def day(value: date) -> Markup:
    """Write a property-local day with its weekday."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), f"{value:%a} {value.day} {value:%b %Y}")


def money(amount: Decimal | None, currency: str | None) -> str:
    """Write an amount with its currency; one finer than its minor unit is shown whole."""
    if amount is None:
        return "not said"
    places = exponent(currency) if currency else 2
    fitted = round(amount, places)
    text = f"{fitted:,}" if fitted == amount else format(amount, "f")
    return f"{text} {currency}" if currency else text


def words(name: object) -> str:
    """Write one of our fixed words as people do: `checked_in` as `checked in`."""
    return str(name).replace("_", " ")


def channel(word: str | None) -> str:
    """Write a channel by the name its guests know."""
    return "not said" if word is None else _CHANNELS.get(word, words(word))


def said(value: object) -> str:
    """Write a field's value: yes and no, lists joined, nothing as a dash."""
    if value is None or value == []:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(words, value)) if isinstance(value, list) else str(value)


def _zone(name: str) -> Any:  # noqa: ANN401 - ZoneInfo or timezone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
