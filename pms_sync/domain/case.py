"""A case: something that no rule can decide and a person must see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

# The review of all that differed when an account's objects were first seen beside ours: one open case an account.
REVIEW = "link_up"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case to open; `subject` makes it one per kind, `fields` are rows of path, base, here, there, suggested, rule.

    Severity runs from 1 (tonight) to 4. A case about one link names its account and vendor ref; a review names its
    account, and each of its rows the link's `ref` and the `reservation_id`. Where fields hold personal data they are
    masked, and `sealed` has the full rows.
    """

    kind: str
    subject: str
    severity: int
    property_id: UUID
    reservation_ids: tuple[UUID, ...] = ()
    fields: tuple[dict[str, Any], ...] = ()
    account_id: UUID | None = None
    vendor_ref: str | None = None
    sealed: bytes | None = None

    @property
    def fields_json(self) -> str:
        """Return the fields as JSON text."""
        return msgspec.json.encode(self.fields).decode()
