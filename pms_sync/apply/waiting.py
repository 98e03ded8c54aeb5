"""Waiting: an unknown object that looks like what we are just making at the same vendor is not taken for another one.

While a creation is under way and the vendor gives no token back, whoever looks alike (type, dates, surname) waits and
is read again; by then the creation has settled, and the object is either ours or somebody else's (ARCHITECTURE §5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import TypeAlias
from uuid import UUID

import msgspec

from pms_sync.apply.identify import revision_of
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.sift import Links
from pms_sync.domain.reservation import Guest, Revision
from pms_sync.store import identity, links
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing

LOOK_AGAIN_S = 5.0
Look: TypeAlias = tuple[str | None, date, date, str]


async def look_alikes(
    connection: Connection, keys: KeyRing, tenant_id: UUID, arrivals: Sequence[Incoming], known: Links
) -> list[Incoming]:
    """Return the unknown objects without our token that look like a creation under way at their account."""
    strange = [one for one in arrivals if _is_strange(one, known)]
    if not strange:
        return []
    sent = await identity.being_made(connection, tenant_id, sorted({one.account.account_id for one in strange}))
    looks: defaultdict[UUID, set[Look]] = defaultdict(set)
    for account_id, ref, sealed in sent:
        plain = keys.open(tenant_id, links.place(links.DESK, "stay", ref), sealed)
        looks[account_id].update(_looks(msgspec.msgpack.decode(plain, type=Revision)))
    return [one for one in strange if looks[one.account.account_id].intersection(_looks(revision_of(one)))]


def _is_strange(one: Incoming, known: Links) -> bool:
    return (one.account.account_id, "stay", one.ref) not in known and revision_of(one).token is None


def _looks(revision: Revision) -> list[Look]:
    """Say how each stay looks; a booking without a surname looks like nobody."""
    booker = revision.booker if isinstance(revision.booker, Guest) else Guest()
    surname = booker.last_name.strip().casefold() if isinstance(booker.last_name, str) else ""
    return [(one.room_type, one.arrival, one.departure, surname) for one in revision.room_stays] if surname else []
