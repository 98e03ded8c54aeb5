"""Identify: which reservation a revision belongs to, found under the locks of its identity keys."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from pms_sync.apply.incoming import Incoming
from pms_sync.apply.sift import Links
from pms_sync.domain.ids import NewId
from pms_sync.domain.reservation import Revision
from pms_sync.store import identity
from pms_sync.store.database import Connection
from pms_sync.store.links import Link


class Identified(msgspec.Struct, frozen=True):
    """Where each object belongs; `doubts` are OTA numbers that already name another reservation.

    `attached` are objects that carry our token: what we made there, with the stay that was sent.
    """

    reservations: dict[tuple[UUID, str], UUID]
    new_ids: set[UUID]
    regrouped: set[tuple[UUID, str]]
    doubts: list[tuple[Incoming, UUID, UUID]]
    attached: dict[tuple[UUID, str], UUID] = {}


def revision_of(record: Incoming) -> Revision:
    """Return the record's revision; the caller knows that it is none of the blocks."""
    assert isinstance(record.mapped, Revision)  # noqa: S101 - narrows the type
    return record.mapped


def channel_key_of(revision: Revision) -> str | None:
    """Return the identity key of the OTA's number, where one was given and its OTA is known or at least named."""
    channel, reference = revision.channel, revision.channel_reference
    if not isinstance(channel, str) or not isinstance(reference, str) or not reference or channel == "direct":
        return None
    word = revision.vendor_channel if isinstance(revision.vendor_channel, str) else None
    return identity.channel_key(channel, reference, word)


async def identify(
    connection: Connection, tenant_id: UUID, fresh: Sequence[Incoming], links: Links, new_id: NewId
) -> Identified:
    """Settle the reservation of every fresh revision; known links keep theirs unless a key changed."""
    found = Identified({}, set(), set(), [])
    unsettled = []
    for record in fresh:
        link = links.get((record.account.account_id, "stay", record.ref))
        if link is not None and link.reservation_id is not None and _same_keys(link, revision_of(record)):
            found.reservations[record.key] = link.reservation_id
        else:
            unsettled.append((record, link))
    if unsettled:
        await _settle(connection, tenant_id, unsettled, new_id, found)
    return found


def _same_keys(link: Link, revision: Revision) -> bool:
    return link.group_ref == revision.ref and link.channel_key == channel_key_of(revision)


async def _settle(
    connection: Connection,
    tenant_id: UUID,
    unsettled: Sequence[tuple[Incoming, Link | None]],
    new_id: NewId,
    found: Identified,
) -> None:
    made = await _made_here(connection, tenant_id, [record for record, link in unsettled if link is None], found)
    candidates: dict[identity.Key, UUID] = {}
    keyed = []
    for record, link in unsettled:
        revision = revision_of(record)
        place = record.account.property_id
        by_ref = (place, identity.vendor_key(record.account.account_id, revision.ref))
        channel = channel_key_of(revision)
        by_channel = (place, channel) if channel else None
        known = link.reservation_id if link else made.get(record.key)
        candidate = known or candidates.get(by_ref) or (by_channel and candidates.get(by_channel)) or new_id()
        if known is None:
            found.new_ids.add(candidate)
        candidates.setdefault(by_ref, candidate)
        if by_channel:
            candidates.setdefault(by_channel, candidate)
        keyed.append((record, by_ref, by_channel))
        found.regrouped.add(record.key)
    channels = {by_channel for _, _, by_channel in keyed if by_channel}
    settled = await identity.settle(connection, tenant_id, {key: candidates[key] for key in channels})
    wanted = {by_ref: settled[by_channel] if by_channel else candidates[by_ref] for _, by_ref, by_channel in keyed}
    settled |= await identity.settle(connection, tenant_id, wanted)
    for record, by_ref, by_channel in keyed:
        found.reservations[record.key] = settled[by_ref]
        if by_channel and settled[by_channel] != settled[by_ref]:
            found.doubts.append((record, settled[by_ref], settled[by_channel]))


async def _made_here(
    connection: Connection, tenant_id: UUID, records: Sequence[Incoming], found: Identified
) -> dict[tuple[UUID, str], UUID]:
    """Find the objects that we made at the vendor, by the token they carry (ARCHITECTURE §5)."""
    marked = {record.key: token for record in records if (token := revision_of(record).token)}
    if not marked:
        return {}
    whole = {key: token.partition(".") for key, token in marked.items()}
    made = await identity.made_here(connection, tenant_id, sorted({token for token, _, _ in whole.values()}))
    places: dict[tuple[UUID, str], UUID] = {}
    for key, (token, _, member) in whole.items():
        if (known := made.get((key[0], token))) is not None:
            places[key] = known.reservation_id
            stay_id = known.member(int(member) if member.isdecimal() else 1)
            if stay_id is not None:
                found.attached[key] = stay_id
    return places
