"""Showing: what the store holds of a vendor's objects as last seen, opened."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pms_sync.domain.reservation import Revision
from pms_sync.store import links, outbox
from pms_sync.store.database import Connection
from pms_sync.store.intents import Intent
from pms_sync.store.sealing import KeyRing


async def shown(connection: Connection, keys: KeyRing, intent: Intent, refs: Sequence[str]) -> dict[str, Revision]:
    """Return these stays of the intent's account as last seen, by ref; what is not linked is left out."""
    sealed = await outbox.remotes(connection, intent.tenant_id, intent.account_id, refs)
    return {
        ref: msgspec.msgpack.decode(
            keys.open(intent.tenant_id, links.place(intent.account_id, "stay", ref), body), type=Revision
        )
        for ref, body in sealed.items()
    }
