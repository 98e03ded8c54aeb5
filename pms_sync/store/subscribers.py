"""Subscribers as the hotel files declare them: upserted, stopped when a file no longer names them, never deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.domain.ids import NewId
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing


class SubscriberFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of which topics, and the key that signs what is told."""

    url: str
    key: bytes
    topics: tuple[str, ...]

    def __repr__(self) -> str:
        """Show no key, and no address either: it may be a secret of its own."""
        return f"SubscriberFacts({', '.join(self.topics)})"


# Of two that start at once and find an address new, the first one's id counts: the key is sealed for it.
_UPSERT = """
INSERT INTO subscribers (tenant_id, subscriber_id, url, topics, secret, declared) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, url) DO UPDATE
   SET topics = excluded.topics, secret = excluded.secret, declared = excluded.declared, state = 'active',
       failures = 0, failing_since = NULL, next_at = '-infinity'
 WHERE subscribers.subscriber_id = excluded.subscriber_id
"""
# What it did not take before is news to whatever answers at that address now.
_AFRESH = """
UPDATE deliveries_out SET state = 'waiting', attempts = 0, first_tried_at = NULL, next_at = '-infinity'
 WHERE subscriber_id = $1 AND state IN ('waiting', 'aside') AND attempts > 0
"""
_REMOVE = """
UPDATE subscribers SET state = 'removed', owner = NULL, lease_until = '-infinity'
 WHERE tenant_id = $1 AND url <> ALL($2::text[]) AND state <> 'removed'
"""


async def declare(
    connection: Connection, keys: KeyRing, tenant_id: UUID, declared: Sequence[SubscriberFacts], new_id: NewId
) -> None:
    """Make these the subscribers of the tenant (inside a transaction of the tenant, whose key is known).

    One that was stopped for its silence begins again with every start; one that answered 410 only once the file says
    something new about it: another secret or other topics, or its absence in between.
    """
    known = {
        row["url"]: row
        for row in await connection.fetch(
            "SELECT url, subscriber_id, declared, state FROM subscribers WHERE tenant_id = $1", tenant_id
        )
    }
    for facts in declared:
        standing, digest = known.get(facts.url), _digest(keys, tenant_id, facts)
        if standing is None or _begins_again(standing, digest):
            subscriber_id = new_id() if standing is None else standing["subscriber_id"]
            sealed = keys.seal(tenant_id, secret_place(subscriber_id), facts.key)
            topics = list(facts.topics)
            await connection.execute(_UPSERT, tenant_id, subscriber_id, facts.url, topics, sealed, digest)
            await connection.execute(_AFRESH, subscriber_id)
    if known:
        await connection.execute(_REMOVE, tenant_id, [facts.url for facts in declared])


def secret_place(subscriber_id: UUID) -> str:
    """Return what a subscriber's key is sealed for."""
    return f"subscribers.secret:{subscriber_id}"


def _begins_again(standing: Mapping[str, Any], digest: bytes) -> bool:
    return standing["declared"] != digest or standing["state"] in {"exhausted", "removed"}


def _digest(keys: KeyRing, tenant_id: UUID, facts: SubscriberFacts) -> bytes:
    said = "\0".join((*sorted(facts.topics), facts.url, facts.key.hex()))
    return keys.digest(tenant_id, "subscriber", said.encode())
