"""Bulk writes: one UNNEST statement per table and batch, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection

# How a column that is itself an array travels: one text per row, split in the statement.
_TRAVELS_AS = {"text[]": ("text", "string_to_array({0}, ',')")}


class Bulk(msgspec.Struct, frozen=True):
    """A table's bulk statement; every row is a tuple in the order of `columns`, the tenant comes apart."""

    sql: str

    @classmethod
    def upsert(cls, table: str, key: Sequence[str], columns: dict[str, str], *, update: bool = True) -> Bulk:
        """Insert rows of one tenant; on a key already there, overwrite the other columns or (update false) leave it."""
        names = list(columns)
        travels = [_TRAVELS_AS.get(kind, (kind, "{0}")) for kind in columns.values()]
        arrays = ", ".join(f"${index}::{kind}[]" for index, (kind, _) in enumerate(travels, start=2))
        values = ", ".join(shape.format(name) for name, (_, shape) in zip(names, travels, strict=True))
        changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        action = f"DO UPDATE SET {changed}" if update and changed else "DO NOTHING"
        return cls(
            f"INSERT INTO {table} (tenant_id, {', '.join(names)}) SELECT $1, {values} "  # noqa: S608 - constants
            f"FROM unnest({arrays}) AS rows({', '.join(names)}) ON CONFLICT (tenant_id, {', '.join(key)}) {action}"
        )

    async def write(self, connection: Connection, tenant_id: UUID, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write the rows in one statement; nothing is sent for no rows."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        if columns:
            await connection.execute(self.sql, tenant_id, *columns)
