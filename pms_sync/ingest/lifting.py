"""Lifting: a block that its vendor says was deleted has ended; a booking of which that is said is for a person.

A block holds no guest, so its end is believed at once where the vendor proves it; nights are free again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pms_sync.apply.incoming import Incoming
from pms_sync.domain.digest import record_digest
from pms_sync.domain.reservation import Block
from pms_sync.ingest.batch import LaneWork
from pms_sync.ports.connector import Missing
from pms_sync.ports.mapper import Mapper
from pms_sync.store import links
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing


async def lifted(
    connection: Connection, keys: KeyRing, account: Account, mapper: Mapper, works: Sequence[LaneWork]
) -> list[Incoming]:
    """Return the ends of the blocks among what the vendor says was deleted."""
    proven = {work.lane.ref: work for work in works if _is_proven(work)}
    if not proven:
        return []
    sealed = await links.blocks(connection, account.tenant_id, account.account_id, sorted(proven))
    found = []
    for ref, tree in sealed.items():
        plain = keys.open(account.tenant_id, links.place(account.account_id, "block", ref), tree)
        block = msgspec.msgpack.decode(plain, type=Block)
        found.append(_end(account, mapper, proven[ref], block))
    return found


def _is_proven(work: LaneWork) -> bool:
    return isinstance(work.found, Missing) and work.found.reason == "deleted"


def _end(account: Account, mapper: Mapper, work: LaneWork, block: Block) -> Incoming:
    """Say the end of a block as the last thing that was read of it."""
    body = b'{"deleted":true}'
    return Incoming(
        account=account,
        lane_key=work.lane.lane_key,
        stream=work.lane.stream,
        ref=work.lane.ref,
        kind=work.chosen.kind,
        mapped=msgspec.structs.replace(block, gone=True),
        body=body,
        raw_id=None,
        digest=record_digest(body, mapper.version, account.crosswalk_version),
        ticket=work.ticket,
        direct=work.direct,
        correlation_id=work.chosen.correlation_id,
    )
