"""When it is in the hotel: the vendor tells instants, a stay is made of the property's dates (vendors/mews.md 8)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from mappers import kit
from mappers.mews.wire import Enterprise
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.stay import StayRange
from pms_sync.ports.mapper import MappingContext

_MINUTE = timedelta(minutes=1)


def zone_of(place: Enterprise | None, context: MappingContext) -> ZoneInfo:
    """Return the enterprise's own zone, in which its days begin; ours where the record does not tell it."""
    told = place.time_zone_identifier if place is not None else ""
    path, name = ("$.Enterprise.TimeZoneIdentifier", told) if told else ("$", context.zone)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise MappingRejected(path, name[:60], "a time zone that does not exist") from None


def span(at: str, start: tuple[str, date], end: tuple[str, date]) -> StayRange:
    """Check both dates, each given with the field it was read from; raises MappingRejected naming that field."""
    try:
        return kit.stay_range(start[1], end[1], at)
    except MappingRejected as rejection:
        field = start[0] if rejection.path.endswith(".arrival") else end[0]
        raise MappingRejected(f"{at}.{field}", rejection.value, rejection.why) from None


def day(path: str, moment: datetime, zone: ZoneInfo) -> date:
    """Return the property's date at an instant."""
    try:
        return moment.astimezone(zone).date()
    except (OverflowError, ValueError):
        raise MappingRejected(path, moment.isoformat(), "instant outside the calendar") from None


def last_day(path: str, moment: datetime, zone: ZoneInfo) -> date:
    """Return the property's date at an end, where the last minute of a day is the end of that whole day."""
    try:
        return (moment + _MINUTE).astimezone(zone).date()
    except (OverflowError, ValueError):
        raise MappingRejected(path, moment.isoformat(), "instant outside the calendar") from None
