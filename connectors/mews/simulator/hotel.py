"""The in-memory chain: one table per kind of object, with older versions, so that a lagging read can be played.

A row is the object as it stands on the wire. Keys with a leading underscore are the hotel's own and never shown:
`_enterprise` is the property, `_updated` a time of change that the vendor filters by but does not tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from connectors.kit.simulator.contract import Row

ENTERPRISE = "_enterprise"
UPDATED = "_updated"
_VERSIONS_KEPT = 8
_NAMES = """
enterprises services categories resources assignments rate_groups rates age_categories products sources companies
groups reservations customers addresses companionships notes items payments bills source_assignments
resource_blocks availability_blocks adjustments
"""
TABLES = tuple(_NAMES.split())
_INDEXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "reservations": ("GroupId", "AccountId", "AssignedResourceId"),
        "resource_blocks": ("AssignedResourceId",),
        "items": ("ServiceOrderId",),
        "payments": ("ReservationId",),
        "notes": ("OrderId",),
        "companionships": ("ReservationId", "ReservationGroupId"),
        "source_assignments": ("ReservationGroupId",),
        "adjustments": ("AvailabilityBlockId",),
    }
)
INDEXED = frozenset(column for columns in _INDEXES.values() for column in columns)
"""Columns by which rows are found quickly; their values are texts or null."""


class Table:
    """Objects of one kind in order of creation; a change puts a new row, so older versions stay readable."""

    def __init__(self, hotel: Hotel, indexed: Iterable[str]) -> None:
        """Begin with nothing; `indexed` are the columns by which rows can be found."""
        self._hotel = hotel
        self._rows: dict[str, Row] = {}
        self._versions: dict[str, list[tuple[int, Row | None]]] = {}
        self._by: dict[str, defaultdict[str, dict[str, None]]] = {name: defaultdict(dict) for name in indexed}

    def __contains__(self, row_id: object) -> bool:
        """Tell whether an object is there."""
        return row_id in self._rows

    def get(self, row_id: object) -> Row | None:
        """Return a row by its id."""
        return self._rows.get(row_id) if isinstance(row_id, str) else None

    def rows(self) -> Iterable[Row]:
        """Return all rows, oldest first."""
        return self._rows.values()

    def newest_first(self, revision: int | None = None) -> list[Row]:
        """Return all rows, those created last first; `revision` asks for an older state."""
        if revision is None:
            return [*reversed(self._rows.values())]
        found = (self._at(versions, revision) for versions in reversed(self._versions.values()))
        return [row for row in found if row is not None]

    def of(self, column: str, value: object) -> list[Row]:
        """Return the rows that name an object in one of the indexed columns."""
        return [self._rows[row_id] for row_id in self._by[column].get(str(value), ())]

    def put(self, row: Row) -> Row:
        """Store a row, new or changed, and return it."""
        self._hotel.note(self, row["Id"])
        self._set(row["Id"], row)
        self._remember(row["Id"], row)
        return row

    def drop(self, row_id: str) -> None:
        """Remove a row without a trace."""
        self._hotel.note(self, row_id)
        self._set(row_id, None)
        self._remember(row_id, None)

    def take_back(self, row_id: str, row: Row | None, revision: int) -> None:
        """Restore what stood before the change operation of a revision."""
        self._set(row_id, row)
        versions = self._versions[row_id]
        if versions[-1][0] == revision:
            versions.pop()

    def _set(self, row_id: str, row: Row | None) -> None:
        old = self._rows.get(row_id)
        for column, index in self._by.items():
            before, after = (None if one is None else one.get(column) for one in (old, row))
            if before != after and isinstance(before, str):
                index[before].pop(row_id, None)
            if before != after and isinstance(after, str):
                index[after][row_id] = None
        if row is None:
            self._rows.pop(row_id, None)
        else:
            self._rows[row_id] = row

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
    """All tables of one chain; `revision` grows by one with every change operation."""

    def __init__(self) -> None:
        """Begin with empty tables."""
        self.revision = 0
        self._began: list[datetime] = []
        self._journal: list[tuple[Table, str, Row | None]] = []
        self._tables = {name: Table(self, _INDEXES.get(name, ())) for name in TABLES}

    def __getitem__(self, name: str) -> Table:
        """Return a table by its name."""
        return self._tables[name]

    def begin(self, at: datetime) -> None:
        """Open a change operation; what is put or dropped from here on belongs to it."""
        self.revision += 1
        self._began.append(at)
        self._journal.clear()

    def note(self, table: Table, row_id: str) -> None:
        """Keep what a row was before this change operation touches it."""
        self._journal.append((table, row_id, table.get(row_id)))

    def undo(self) -> None:
        """Take back the change operation that was opened last."""
        for table, row_id, row in reversed(self._journal):
            table.take_back(row_id, row, self.revision)
        self._journal.clear()
        self._began.pop()
        self.revision -= 1

    def revision_at(self, instant: datetime) -> int:
        """Return the last revision begun at or before an instant."""
        return sum(began <= instant for began in self._began)

    def home_of(self, row_id: object) -> tuple[str, Row] | None:
        """Find an object of any kind by its id; returns the name of its table and the row."""
        for name, table in self._tables.items():
            row = table.get(row_id)
            if row is not None:
                return name, row
        return None


def shown(row: Row) -> Row:
    """Return a row as the wire shows it, without the hotel's own columns."""
    return {name: value for name, value in row.items() if not name.startswith("_")}
