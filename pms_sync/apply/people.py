"""People: the booker and companions of a reservation, compared by keyed digest and sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.apply.compose import Composed, said
from pms_sync.domain.ids import NewId
from pms_sync.domain.reservation import Guest
from pms_sync.store.sealing import KeyRing


class GuestWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A guest row to write; `guest_id` is None for a new one."""

    reservation_id: UUID
    role: str
    position: int
    guest_id: UUID | None
    guest: Guest
    contact: bytes
    digest: bytes

    def as_row(self, new_id: NewId) -> dict[str, Any]:
        """Return the guest as a row to write, but for what is sealed."""
        guest = self.guest
        return {
            "reservation_id": self.reservation_id,
            "role": self.role,
            "position": self.position,
            "guest_id": self.guest_id or new_id(),
            "vendor_ref": guest.ref,
            "country": said(guest.country),
            "language": said(guest.language),
            "has_email": bool(said(guest.email)),
            "has_phone": bool(said(guest.phone)),
        }


def guest_changes(
    reservation_id: UUID,
    composed: Composed,
    standing: Sequence[Mapping[str, Any]],
    keys: KeyRing,
    tenant_id: UUID,
) -> tuple[list[GuestWrite], list[UUID]]:
    """Return the guests to write and the companions to drop; an erased guest stays erased."""
    known = {(row["role"], row["position"]): row for row in standing}
    wanted: list[tuple[str, int, Guest]] = [("booker", 0, composed.booker)] if composed.booker else []
    wanted += [("guest", position, guest) for position, guest in enumerate(composed.guests)]
    writes = []
    for role, position, guest in wanted:
        before = known.pop((role, position), None)
        text = msgspec.json.encode(guest)
        digest = keys.digest(tenant_id, "guest", text)
        if before is not None and (before["erased"] or before["contact_digest"] == digest):
            continue
        place = f"guests.contact:{reservation_id}:{role}:{position}"
        writes.append(
            GuestWrite(
                reservation_id=reservation_id,
                role=role,
                position=position,
                guest_id=before["guest_id"] if before else None,
                guest=guest,
                contact=keys.seal(tenant_id, place, text),
                digest=digest,
            )
        )
    drops = [row["guest_id"] for (role, _), row in known.items() if role == "guest" and not row["erased"]]
    return writes, drops
