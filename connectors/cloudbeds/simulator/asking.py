"""One call as the vendor understands it: its parameters, whose properties, which page (vendors/cloudbeds.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from connectors.cloudbeds.simulator.access import Credential
from connectors.cloudbeds.simulator.hotel import View
from connectors.cloudbeds.simulator.refusals import NAME_A_PROPERTY, NOT_YOURS, failed, missing
from connectors.cloudbeds.simulator.shapes import Shapes
from connectors.cloudbeds.simulator.site import Place
from connectors.kit.simulator.contract import Row

if TYPE_CHECKING:
    from connectors.cloudbeds.simulator.backend import CloudbedsBackend

_One = TypeVar("_One")
_TRUE = frozenset({"true", "1"})


@dataclass(frozen=True)
class Operation:
    """One method of the API: its verb, the scope it needs, how it names properties, and what it cannot do without.

    `place` is the parameter's name; `many` tells that it takes a list and may be left out for all of them.
    """

    name: str
    answer: Callable[[Call], Row]
    scope: str = ""
    verb: str = "GET"
    place: str = "propertyID"
    many: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadHabits:
    """The switches of reading; defaults are the likelier reading of what vendors/cloudbeds.md leaves open.

    `read_lag` is in seconds. `filter_utc` takes the zone of modifiedFrom and its kin to be UTC, not the property's.
    `inflated_total` is added to `total`. `bad_filter` is the status for an unknown word in a list filter.
    """

    read_lag: float = 0.0
    borders_inclusive: bool = True
    filter_utc: bool = False
    inflated_total: int = 0
    bad_filter: int = 400
    canceled_lose_rates: bool = True
    loose: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Call:
    """A call that was let in."""

    backend: CloudbedsBackend
    operation: Operation
    credential: Credential
    said: Mapping[str, object]
    view: View
    now: datetime
    address: str

    @property
    def habits(self) -> ReadHabits:
        """Return how the vendor reads."""
        return self.backend.options.reads

    def text(self, name: str) -> str | None:
        """Return a parameter; an empty one is none."""
        value = self.said.get(name)
        return value if isinstance(value, str) and value else None

    def flag(self, name: str) -> bool:
        """Return a switch, sent as a word or as 1."""
        return (self.text(name) or "").lower() in _TRUE

    def listed(self, name: str) -> list[str]:
        """Return a comma list."""
        return [one for one in (self.text(name) or "").split(",") if one]

    def number(self, name: str, usual: int) -> int:
        """Return a whole number from 1; anything else is as if it was not sent."""
        text = self.text(name) or ""
        return int(text) if text.isdecimal() and int(text) > 0 else usual

    def demand(self) -> None:
        """Refuse a call that lacks what its operation cannot do without; raises Refused."""
        for name in self.operation.needs:
            if self.text(name) is None:
                raise missing(name)

    def places(self) -> list[Place]:
        """Return the properties that the call is about; raises Refused."""
        own = {one: home for one in self.credential.property_ids if (home := self.backend.place(one)) is not None}
        asked = self.listed(self.operation.place)
        if not asked:
            if self.credential.is_group and not self.operation.many:
                raise failed(NAME_A_PROPERTY)
            return [*own.values()]
        found = [own[one] for one in asked if one in own]
        if not found or (len(asked) > 1 and not self.operation.many):
            raise failed(NOT_YOURS)
        return found

    def place(self) -> Place:
        """Return the one property that the call is about; raises Refused."""
        return self.places()[0]

    def word(self, name: str, known: Iterable[str]) -> str | None:
        """Return a parameter that must be one of these words; raises Refused."""
        value = self.text(name)
        if value is not None and value not in known:
            raise failed(f"Parameter {name} has an invalid value", self.habits.bad_filter)
        return value

    def bookings(self, homes: Sequence[Place], *, deleted: bool = False) -> list[Row]:
        """Return the reservations of properties, oldest first; deleted ones only where a call may show them."""
        ids = {home.id for home in homes}
        rows = self.view.rows("reservations")
        return [row for row in rows if row["propertyID"] in ids and (deleted or not row["isDeleted"])]

    def shapes(self, home: Place) -> Shapes:
        """Return what writes the reservations of a property."""
        return Shapes(home, self.view, self.habits.canceled_lose_rates)

    def page(self, found: Sequence[_One], usual: int = 100, most: int = 100) -> tuple[list[_One], Row]:
        """Cut a page; `total` may claim more than there is, and a page size beyond the maximum is the maximum."""
        size, number = min(self.number("pageSize", usual), most), self.number("pageNumber", 1)
        cut = list(found[(number - 1) * size : number * size])
        return cut, {"count": len(cut), "total": len(found) + self.habits.inflated_total}


def paged(call: Call, rows: Sequence[Row], usual: int = 100, most: int = 100) -> Row:
    """Answer one page of rows."""
    cut, counts = call.page(rows, usual, most)
    return {"success": True, "data": cut, **counts}
