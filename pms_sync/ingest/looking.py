"""Looking: objects fetched now and landed through the ordinary apply, for whoever is about to write to the vendor.

The lanes of the objects are held meanwhile, so that nobody else lands an older read after ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from pms_sync.domain.errors import Unavailable
from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime, Batch, fetched_work
from pms_sync.ingest.halving import land
from pms_sync.ingest.landing import Landing
from pms_sync.ports.connector import Missing, Record
from pms_sync.ports.looking import Looked
from pms_sync.store import lanes, links
from pms_sync.store.database import Database
from pms_sync.store.lanes import LIVE, Lane, NewEvent, lane_key
from pms_sync.store.leases import LEASE_S, kept

_STREAM = "reservations"
_LANDED = frozenset({"new", "changed", "same", "duplicate"})


class Looking:
    """Looks at objects for the dispatcher (ports.looking.Look)."""

    def __init__(self, database: Database, landing: Landing, new_id: NewId) -> None:
        """Take the store and what lands records in it."""
        self._database = database
        self._landing = landing
        self._new_id = new_id

    async def __call__(self, runtime: AccountRuntime, asked: Mapping[str, str]) -> dict[str, Looked]:
        """Look at these refs, each for the sake of a correlation id; raises VendorFault, and what came before stays."""
        told = dict.fromkeys(asked, Looked.BUSY)
        owner = self._new_id()
        try:
            claimed, ticket = await self._claim(runtime, asked, owner)
            async with kept(self._database, [lane.lane_key for lane in claimed], owner):
                for some in _parts(claimed, runtime.connector.spec.batch_fetch_limit):
                    told |= await self._read(runtime, owner, some, ticket)
        finally:
            if Looked.BUSY in told.values():  # what has landed is let go of already
                await self._give_back(owner)
        return told

    async def _give_back(self, owner: UUID) -> None:
        with suppress(Unavailable):
            async with self._database.connection() as connection:
                await lanes.give_back(connection, [owner])

    async def _claim(self, runtime: AccountRuntime, asked: Mapping[str, str], owner: UUID) -> tuple[list[Lane], int]:
        """Open the lanes that nobody holds, and hold them; draws the ticket of the reads that follow."""
        account = runtime.account
        keys = {ref: lane_key(account.account_id, _STREAM, ref) for ref in asked}
        async with self._database.transaction(durable=False) as connection:
            busy = await lanes.leased(connection, list(keys.values()))
            events = [
                NewEvent(
                    tenant_id=account.tenant_id,
                    account_id=account.account_id,
                    kind="reconcile",
                    stream=_STREAM,
                    ref=ref,
                    correlation_id=asked[ref],
                    priority=LIVE,
                )
                for ref, key in sorted(keys.items())
                if key not in busy
            ]
            await lanes.append(connection, events)
            claimed = await lanes.claim_these(connection, [event.lane_key for event in events], owner, LEASE_S)
            return claimed, await lanes.read_ticket(connection)

    async def _read(
        self, runtime: AccountRuntime, owner: UUID, claimed: Sequence[Lane], ticket: int
    ) -> dict[str, Looked]:
        """Fetch and land, and say what the store holds of each object afterwards."""
        refs = [lane.ref for lane in claimed]
        found = await runtime.call(lambda: runtime.connector.fetch(_STREAM, refs), priority="push", operation="fetch")
        plain = runtime.connector.spec.identifier_keys
        works = [fetched_work(lane, found.get(lane.ref, Missing("absent")), ticket, plain) for lane in claimed]
        outcomes: Counter[str] = Counter()
        await land(self._landing, Batch(runtime=runtime, owner=owner, works=tuple(works)), outcomes)
        if sum(outcomes[word] for word in _LANDED) == outcomes.total() == len(refs):
            return dict.fromkeys(refs, Looked.SEEN)
        return await self._verdicts(runtime, found, refs, ticket)

    async def _verdicts(
        self, runtime: AccountRuntime, found: Mapping[str, Record | Missing], refs: Sequence[str], ticket: int
    ) -> dict[str, Looked]:
        """Believe the store where not all landed: an object was seen where its link has our ticket, or a later one."""
        account = runtime.account
        async with self._database.transaction(account.tenant_id) as connection:
            known = await links.load(connection, account.tenant_id, [account.account_id] * len(refs), refs)
        seen = {ref for (_, _, ref), link in known.items() if link.read_ticket >= ticket}
        return {ref: _verdict(found.get(ref), is_seen=ref in seen) for ref in refs}


def _parts(claimed: Sequence[Lane], size: int) -> Iterator[Sequence[Lane]]:
    return (claimed[start : start + size] for start in range(0, len(claimed), size))


def _verdict(found: Record | Missing | None, *, is_seen: bool) -> Looked:
    if not isinstance(found, Record):
        return Looked.ABSENT
    return Looked.SEEN if is_seen else Looked.UNREAD
