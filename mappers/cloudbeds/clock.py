"""When something happened: the UTC twin where it is told, else the property's wall clock (vendors/cloudbeds.md 8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mappers import kit
from mappers.cloudbeds.reading import Fields
from pms_sync.domain.errors import MappingRejected


class Told(NamedTuple):
    """An instant, and whether it was told in an hour that the clocks repeat or leave out."""

    moment: datetime
    ambiguous: bool = False


def instant(row: Fields, name: str, zone: str) -> Told | None:
    """Read `name` by its UTC twin, else as local time; None where neither is told.

    Of two readings the earlier one is taken and marked: the repeated hour of autumn, or the missing one of spring
    (TIM-07).
    """
    exact = row.moment(f"{name}UTC")
    if exact is not None:
        told = exact.replace(tzinfo=UTC) if exact.tzinfo is None else exact
        return Told(kit.instant(row.path(f"{name}UTC"), told))
    moment = row.moment(name)
    if moment is None:
        return None
    return _local(row.path(name), moment, zone)


def _local(path: str, moment: datetime, zone: str) -> Told:
    if moment.tzinfo is not None:
        return Told(kit.instant(path, moment))
    readings = [kit.instant(path, moment.replace(tzinfo=_zone(zone), fold=fold)) for fold in (0, 1)]
    return Told(min(readings), ambiguous=readings[0] != readings[1])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise MappingRejected("$", name, "the property's time zone does not exist") from None
