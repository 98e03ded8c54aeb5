"""Sift: what of a batch must be applied, what is old news, and what must be read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from pms_sync.apply.freshness import judge
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.store.lanes import LIVE, NewEvent
from pms_sync.store.links import Link

LinkKey = tuple[UUID, str, str]
Links = Mapping[LinkKey, Link]
REREAD = "reconcile"


class Sifted(msgspec.Struct, frozen=True):
    """The batch, sorted: `retry` are unchanged objects whose room was refused and may be free now."""

    fresh: list[Incoming]
    retry: list[tuple[Incoming, Link]]
    reread_seen: list[Incoming]
    outcomes: dict[str, Outcome]
    rereads: list[NewEvent]
    doubts: list[tuple[UUID, str, str | None]]


def sift(incoming: Sequence[Incoming], links: Links) -> Sifted:
    """Judge each record against its link; pure."""
    sifted = Sifted([], [], [], {}, [], [])
    for record in incoming:
        link = links.get((*record.key[:1], record.level, record.ref))
        verdict = judge(
            link, digest=record.digest, version=record.mapped.version, ticket=record.ticket, direct=record.direct
        )
        if verdict is None:
            sifted.fresh.append(record)
            continue
        sifted.outcomes[record.lane_key] = verdict
        if verdict is Outcome.DUPLICATE:
            _note_duplicate(sifted, record, link)
        else:
            _ask_again(sifted, record, link, verdict)
    return sifted


def _note_duplicate(sifted: Sifted, record: Incoming, link: Link | None) -> None:
    # Without a version only the ticket keeps an older read, landing later, from overwriting this one.
    counts = link is not None and (link.missing_reads or not record.mapped.version)
    if record.kind == REREAD or (link is not None and counts and record.ticket > link.read_ticket):
        sifted.reread_seen.append(record)
    if link is not None and link.refused_ticket is not None:
        sifted.retry.append((record, link))


def _ask_again(sifted: Sifted, record: Incoming, link: Link | None, verdict: Outcome) -> None:
    version = record.mapped.version
    if verdict is Outcome.STALE:
        if link is not None and link.version_doubt == version and not record.direct:
            return  # already doubted, and the direct read is on its way
        sifted.doubts.append((record.account.account_id, record.ref, version))
    sifted.rereads.append(
        reread(record.account.tenant_id, record.account.account_id, record.stream, record.ref, record)
    )


def reread(tenant_id: UUID, account_id: UUID, stream: str, ref: str, cause: Incoming, wait_s: float = 0.0) -> NewEvent:
    """Ask for one more direct read of an object, under the correlation id of what made it necessary."""
    return NewEvent(
        tenant_id=tenant_id,
        account_id=account_id,
        kind=REREAD,
        stream=stream,
        ref=ref,
        correlation_id=cause.correlation_id,
        priority=LIVE,
        not_before_s=wait_s,
    )
