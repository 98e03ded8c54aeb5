"""A case: something that no rule can decide and a person must see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case to open; `subject` makes it one per kind, `fields` are rows of path, base, here, there, suggested, rule.

    Severity runs from 1 (tonight) to 4.
    """

    kind: str
    subject: str
    severity: int
    property_id: UUID
    reservation_ids: tuple[UUID, ...] = ()
    fields: tuple[dict[str, Any], ...] = ()

    @property
    def fields_json(self) -> str:
        """Return the fields as JSON text."""
        return msgspec.json.encode(self.fields).decode()
