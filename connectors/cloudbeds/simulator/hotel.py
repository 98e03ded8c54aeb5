"""The hotels in memory: one table per kind of object, with older versions, so that a lagging read can be played.

A row is never changed in place: a change puts a new one. Rows are the simulator's own; `shapes` writes them as the
wire shows them, since the vendor shows one reservation in three ways.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connectors.kit.simulator.contract import Row

_VERSIONS_KEPT = 8
TABLES = ("reservations", "guests", "blocks", "rooms", "transactions")
_Versions = list[tuple[int, Row | None]]


class Table:
    """Objects of one kind in order of creation."""

    def __init__(self, hotel: Hotel) -> None:
        """Begin with nothing."""
        self._hotel = hotel
        self._rows: dict[str, Row] = {}
        self._versions: dict[str, _Versions] = {}

    def get(self, row_id: object, revision: int | None = None) -> Row | None:
        """Return a row by its id, as it is or as it was."""
        if not isinstance(row_id, str):
            return None
        return self._rows.get(row_id) if revision is None else self._at(self._versions.get(row_id, []), revision)

    def rows(self, revision: int | None = None) -> list[Row]:
        """Return all rows, oldest first, as they are or as they were."""
        if revision is None:
            return [*self._rows.values()]
        found = (self._at(versions, revision) for versions in self._versions.values())
        return [row for row in found if row is not None]

    def put(self, row_id: str, row: Row) -> Row:
        """Store a row, new or changed, and return it."""
        self._set(row_id, row)
        return row

    def drop(self, row_id: str) -> None:
        """Remove a row without a trace."""
        self._set(row_id, None)

    def take_back(self, row_id: str, row: Row | None, revision: int) -> None:
        """Restore what stood before the change operation of a revision."""
        self._keep(row_id, row)
        versions = self._versions[row_id]
        if versions[-1][0] == revision:
            versions.pop()

    def _set(self, row_id: str, row: Row | None) -> None:
        before, revision = self._rows.get(row_id), self._hotel.revision
        self._hotel.note(lambda: self.take_back(row_id, before, revision))
        self._keep(row_id, row)
        versions = self._versions.setdefault(row_id, [])
        if versions and versions[-1][0] == revision:
            versions.pop()  # several writes of one change are one version
        versions.append((revision, row))
        del versions[:-_VERSIONS_KEPT]

    def _keep(self, row_id: str, row: Row | None) -> None:
        if row is None:
            self._rows.pop(row_id, None)
        else:
            self._rows[row_id] = row

    @staticmethod
    def _at(versions: _Versions, revision: int) -> Row | None:
        return next((row for since, row in reversed(versions) if since <= revision), None)


class Hotel:
    """All tables of all properties; `revision` grows by one with every change operation."""

    def __init__(self) -> None:
        """Begin with empty tables."""
        self.revision = 0
        self._began: list[datetime] = []
        self._journal: list[Callable[[], None]] = []
        self._tables = {name: Table(self) for name in TABLES}

    def __getitem__(self, name: str) -> Table:
        """Return a table by its name."""
        return self._tables[name]

    def begin(self, at: datetime) -> None:
        """Open a change operation; what is put or dropped from here on belongs to it."""
        self.revision += 1
        self._began.append(at)
        self._journal.clear()

    def note(self, undo: Callable[[], None]) -> None:
        """Keep how to take back one write of this change operation."""
        self._journal.append(undo)

    def undo(self) -> None:
        """Take back the change operation that was opened last."""
        for undo in reversed(self._journal):
            undo()
        self._journal.clear()
        self._began.pop()
        self.revision -= 1

    def revision_at(self, instant: datetime) -> int:
        """Return the last revision begun at or before an instant."""
        return sum(began <= instant for began in self._began)


class View:
    """The hotels as one read sees them: now, or at an older revision."""

    def __init__(self, hotel: Hotel, revision: int | None = None) -> None:
        """Look at a revision; None is the present."""
        self._hotel, self._revision = hotel, revision

    def get(self, table: str, row_id: object) -> Row | None:
        """Return a row."""
        return self._hotel[table].get(row_id, self._revision)

    def rows(self, table: str) -> list[Row]:
        """Return all rows of a table, oldest first."""
        return self._hotel[table].rows(self._revision)

    def guests(self, reservation: Row) -> list[Row]:
        """Return the guests of a reservation, in the order of their ids; the first need not be the main one."""
        found = (self.get("guests", guest_id) for guest_id in reservation["guests"])
        return [guest for guest in found if guest is not None]

    def main_guest(self, reservation: Row) -> Row:
        """Return the main guest; every reservation has one."""
        return self.get("guests", reservation["mainGuest"]) or {}
