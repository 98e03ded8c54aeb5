"""Raw fields of an order: what the hotel keeps is set, anything else is shown as it was written, over the rest."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.cloudbeds.simulator.times import from_local, read_day
from connectors.kit.simulator.contract import Row

_OF_BOOKING = frozenset(
    """
    status thirdPartyIdentifier sourceID origin mealPlans estimatedArrivalTime groupCode allotmentBlockCode
    customFields cardsOnFile
    """.split()
)
_TEXTS_OF_LINE = frozenset("roomTypeID rateID roomStatus marketName marketCode".split())
_DATES_OF_LINE = {"startDate": "startDate", "endDate": "endDate", "roomCheckIn": "startDate", "roomCheckOut": "endDate"}
_TIMES = {"dateCreated": "_created", "dateModified": "_modified"}
_ROOMS = ("rooms", "assigned", "unassigned")


def onto_booking(booking: Row, raw: Mapping[str, object], zone: str) -> Row:
    """Return the booking with raw fields; `rooms` is a list of fields for the lines, in their order."""
    fresh = {**booking, "_raw": dict(booking["_raw"])}
    for name, value in raw.items():
        instant = from_local(value, zone) if name in _TIMES and isinstance(value, str) else None
        if name in _OF_BOOKING and isinstance(value, type(booking[name]) if booking[name] is not None else object):
            fresh[name] = value
        elif instant is not None:
            fresh[_TIMES[name]] = instant
        elif name in _ROOMS and isinstance(value, list):
            fresh["lines"] = _lines(fresh["lines"], value)
        elif name != "guestList":
            fresh["_raw"][name] = value
    return fresh


def of_guests(raw: Mapping[str, object]) -> dict[str, Row]:
    """Return the raw fields of guests by their id."""
    told = raw.get("guestList")
    return {str(key): one for key, one in told.items() if isinstance(one, dict)} if isinstance(told, dict) else {}


def _lines(lines: list[Row], raw: list[object]) -> list[Row]:
    said = [one if isinstance(one, dict) else {} for one in raw]
    return [_line(line, said[place] if place < len(said) else {}) for place, line in enumerate(lines)]


def _line(line: Row, raw: Mapping[str, object]) -> Row:
    fresh = {**line, "_raw": dict(line["_raw"])}
    for name, value in raw.items():
        if name in _DATES_OF_LINE and read_day(value) is not None:
            fresh[_DATES_OF_LINE[name]] = value
        elif name in _TEXTS_OF_LINE and isinstance(value, str):
            fresh[name] = value
        elif name == "roomID" and (value is None or isinstance(value, str)):
            fresh[name] = value or None
        elif name == "isRoomLocked" and isinstance(value, bool):
            fresh[name] = value
        elif name in {"adults", "children"} and str(value).isdecimal():
            fresh[name] = int(str(value))
        else:
            fresh["_raw"][name] = value
    return fresh
