"""Business events: which action a change is called, and the data elements with old and new values (opera.md 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator import states
from connectors.opera.simulator.documents import nights_of
from connectors.opera.simulator.hotel import Hotel
from connectors.opera.simulator.quirks import Quirks, strikes

Picture = Mapping[str, str | None]
"""Values of data elements by name."""
DATA_ELEMENTS = (
    "CONFIRMATION NO",
    "RESERVATION STATUS",
    "ARRIVAL DATE",
    "DEPARTURE DATE",
    "ROOM TYPE",
    "ROOM",
    "RATE AMOUNT",
    "NAME",
)
"""What the seeded hotels ticked: few, as Oracle advises."""
MODULES = {"Reservation": 1, "Profile": 14, "Housekeeping": 6, "NightAudit": 11}
"""Of these numbers only 14 is attested, in an official example with profile actions."""
_PUBLISHER = 24071
_TICKED_APART = frozenset({"Reservation", "Profile"})
"""Modules whose elements the hotel chose; of the others the few there are are all told."""


@dataclass(frozen=True)
class Happening:
    """One business event before it is written: what was done to which object of a hotel."""

    module: str
    action: str
    key: str
    hotel: str
    before: Picture | None = None
    after: Picture | None = None


def pictured(hotel: Hotel, row: Row) -> Picture:
    """Return the data elements of a reservation."""
    profile = hotel.profiles.get(row["guests"][0]) if row["guests"] else None
    nights, status = nights_of(row), str(row["reservationStatus"])
    price = nights[0][1] if nights else None
    return {
        "NAME": profile["surname"] if profile else None,
        "FIRST NAME": profile["givenName"] if profile else None,
        "GUEST NAME ID": profile["id"] if profile else None,
        "CONFIRMATION NO": row["confirmation"],
        "CONFIRMATION LEG NO": None,
        "RESERVATION STATUS": states.ELEMENT.get(status, status.upper()),
        "ARRIVAL DATE": row["arrivalDate"],
        "DEPARTURE DATE": row["departureDate"],
        "LENGTH OF STAY": str(len(nights)),
        "NUMBER OF ROOMS": str(row["numberOfUnits"]),
        "ROOM TYPE": row["roomType"],
        "ROOM": row["roomId"],
        "ADULTS": str(row["adults"]),
        "RATE CODE": row["ratePlanCode"],
        "RATE AMOUNT": None if price is None else str(price),
        "CURRENCY CODE": row["currencyCode"],
        "SOURCE CODE": row["sourceCode"],
        "MARKET CODE": row["marketCode"],
        "RESERVATION TYPE": row["guaranteeCode"],
        "RESORT": row["hotelId"],
    }


def details(happening: Happening, ticked: Sequence[str], *, equals: bool) -> list[Row]:
    """Return the details of an event as polling shows them (8.4).

    A value that was not there before has no `oldValue`, an emptied one no `newValue`, an element without any value
    neither. `equals` decides whether unchanged values are told twice or not at all.
    """
    before, after = happening.before or {}, happening.after or {}
    chosen = ticked if happening.module in _TICKED_APART else (*before, *after)
    names = [name for name in chosen if name in before or name in after]
    return [_detail(name, before.get(name), after.get(name), equals=equals) for name in dict.fromkeys(names)]


def _detail(name: str, old: str | None, new: str | None, *, equals: bool) -> Row:
    detail: Row = {"dataElement": name}
    if old == new and not equals:
        return detail
    if old is not None:
        detail["oldValue"] = old
    if new is not None:
        detail["newValue"] = new
    return detail


class Scribe:
    """Numbers and writes events; names and numbers vary as they do between releases and examples."""

    def __init__(self, quirks: Quirks, ticked: Sequence[str]) -> None:
        """Begin with the first number."""
        self._quirks, self._ticked, self._made = quirks, ticked, 0

    def written(self, happening: Happening, at: str) -> Row:
        """Write an event. Of two neighbours the later one may carry the lower id."""
        self._made += 1
        number = 9000 + (self._made ^ 1 if self._quirks.shuffled else self._made)
        header = {
            "moduleName": self._module(happening.module),
            "actionType": self._action(happening.action),
            "actionId": self._number(500_000 + self._made),
            "primaryKey": happening.key,
            "publisherId": self._number(_PUBLISHER),
            "createdDateTime": at,
            "hotelId": happening.hotel,
        }
        parts = details(happening, self._ticked, equals=self._made % 3 != 0)
        identity = {"id": str(number), "type": "BusinessEventId", "idContext": "OPERA"}
        return {"businessEvent": {"header": header, "details": parts}, "businessEventId": identity}

    def _module(self, name: str) -> Any:  # noqa: ANN401 - a name or its number
        number = MODULES[name]
        return number if name == "Profile" and strikes(self._quirks.number_modules, self._made // 2, 2) else name

    def _action(self, name: str) -> str:
        return f"{name.title().replace(' ', '  ')} " if strikes(self._quirks.spellings, self._made, 5) else name

    def _number(self, number: int) -> Any:  # noqa: ANN401 - a number or its text
        return str(number) if strikes(self._quirks.texts, self._made, 2) else number
