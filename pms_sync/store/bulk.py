"""Bulk writes: one statement per table and batch, whatever the number of rows.

Rows travel as one JSON document, which costs a fraction of an array per column on our side and little more on the
server's; only byte strings travel apart, as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection

Row = Mapping[str, Any]

# How a column that is itself an array travels: one text per row, split in the statement.
_TRAVELS_AS = {"text[]": ("text", "string_to_array({0}, ',')")}
_APART = "bytea"


class Bulk(msgspec.Struct, frozen=True):
    """A table's bulk statements; every row maps column to value, the tenant comes apart."""

    insert: str
    upsert: str

    @classmethod
    def of(cls, table: str, key: Sequence[str], columns: dict[str, str], *, update: bool = True) -> Bulk:
        """Prepare to write rows of one tenant; on a key already there, overwrite (or leave, update false) the rest."""
        plain = {name: _TRAVELS_AS.get(kind, (kind, "{0}")) for name, kind in columns.items() if kind != _APART}
        names = [*plain, *(name for name, kind in columns.items() if kind == _APART)]
        values = [shape.format(name) for name, (_, shape) in plain.items()] + names[len(plain) :]
        typed = ", ".join(f"{name} {kind}" for name, (kind, _) in plain.items())
        sources = [f"json_to_recordset($2::json) AS ({typed})"]
        sources += [f"unnest(${number}::bytea[])" for number in range(3, 3 + len(names) - len(plain))]
        insert = (
            f"INSERT INTO {table} (tenant_id, {', '.join(names)}) SELECT $1, {', '.join(values)} "  # noqa: S608 - constants
            f"FROM ROWS FROM ({', '.join(sources)}) AS rows({', '.join(names)})"
        )
        changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        action = f"DO UPDATE SET {changed}" if update and changed else "DO NOTHING"
        return cls(insert, f"{insert} ON CONFLICT (tenant_id, {', '.join(key)}) {action}")

    async def add(
        self, connection: Connection, tenant_id: UUID, rows: Sequence[Row], *sealed: Sequence[bytes | None]
    ) -> None:
        """Write rows whose keys are surely new, which costs half; `sealed` are the byte columns in their order."""
        if rows:
            await connection.execute(self.insert, tenant_id, rows, *sealed)

    async def write(
        self, connection: Connection, tenant_id: UUID, rows: Sequence[Row], *sealed: Sequence[bytes | None]
    ) -> None:
        """Write the rows in one statement; nothing is sent for no rows."""
        if rows:
            await connection.execute(self.upsert, tenant_id, rows, *sealed)
