"""The in-memory chain: tables of flat rows with older versions, so that a lagging read can be played.

A row of `reservations` holds the vendor's words without the vendor's nesting; `extra` is merged into the document of
the single read as it is. `prices` are gross amounts, one per night, as text.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator.site import Place

_VERSIONS_KEPT = 8
_LAST = "\U0010ffff"


class Table:
    """Rows of one kind by their `id`; a change puts a new row, so older versions stay readable."""

    def __init__(self, hotel: Hotel) -> None:
        """Begin with nothing."""
        self._hotel = hotel
        self._rows: dict[str, Row] = {}
        self._versions: dict[str, list[tuple[int, Row | None]]] = {}

    def get(self, row_id: object, revision: int | None = None) -> Row | None:
        """Return a row by its id, now or as it stood after a revision."""
        if not isinstance(row_id, str):
            return None
        return self._rows.get(row_id) if revision is None else self._at(self._versions.get(row_id, []), revision)

    def rows(self, revision: int | None = None) -> Iterable[Row]:
        """Return all rows, oldest first, now or as they stood after a revision."""
        if revision is None:
            return self._rows.values()
        found = (self._at(versions, revision) for versions in self._versions.values())
        return [row for row in found if row is not None]

    def put(self, row: Row) -> Row:
        """Store a row, new or changed, and return it."""
        self._rows[row["id"]] = row
        self._remember(row["id"], row)
        return row

    def drop(self, row_id: str) -> None:
        """Remove a row without a trace."""
        del self._rows[row_id]
        self._remember(row_id, None)

    def _remember(self, row_id: str, row: Row | None) -> None:
        versions = self._versions.setdefault(row_id, [])
        if versions and versions[-1][0] == self._hotel.revision:
            versions.pop()  # several writes of one change are one version
        versions.append((self._hotel.revision, row))
        del versions[:-_VERSIONS_KEPT]

    @staticmethod
    def _at(versions: list[tuple[int, Row | None]], revision: int) -> Row | None:
        return next((row for since, row in reversed(versions) if since <= revision), None)


class Hotel:
    """All hotels of one chain; `revision` grows by one with every change operation."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.places: dict[str, Place] = {}
        self.revision = 0
        self._began: list[datetime] = []
        self.reservations, self.profiles, self.repairs = Table(self), Table(self), Table(self)
        self.room_states: dict[tuple[str, str], str] = {}
        """Housekeeping status by (hotel, room), where it is not Clean."""
        self._sorted: tuple[int, list[tuple[str, int]]] = (-1, [])
        self._days: dict[str, tuple[int, dict[str, list[str]]]] = {}

    def begin(self, at: datetime) -> None:
        """Open a change operation; what is put or dropped from here on belongs to it."""
        self.revision += 1
        self._began.append(at)

    def revision_at(self, instant: datetime) -> int:
        """Return the last revision begun at or before an instant."""
        return sum(began <= instant for began in self._began)

    def arriving(self, first: str | None, last: str | None) -> list[Row]:
        """Return the reservations that arrive from one day to another, both included, by arrival and id."""
        if self._sorted[0] != self.revision:
            keys = sorted((str(row["arrivalDate"]), int(row["id"])) for row in self.reservations.rows())
            self._sorted = (self.revision, keys)
        keys = self._sorted[1]
        found = keys[bisect_left(keys, (first or "", -1)) : bisect_right(keys, (last or _LAST, 1 << 62))]
        return [row for _, number in found if (row := self.reservations.get(str(number)))]

    def on_day(self, column: str, day: str) -> list[Row]:
        """Return the reservations whose column holds a day, by arrival and id."""
        known = self._days.get(column)
        if known is None or known[0] != self.revision:
            days: defaultdict[str, list[str]] = defaultdict(list)
            for row in self.arriving(None, None):
                days[str(row[column])].append(row["id"])
            known = self._days[column] = (self.revision, days)
        found = (self.reservations.get(row_id) for row_id in known[1].get(day, []))
        return [row for row in found if row is not None]
