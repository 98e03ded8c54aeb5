"""Telling: what a batch changed, as events for those who subscribed; history and our own book-keeping are no news."""

from __future__ import annotations

from pms_sync.apply.incoming import Incoming
from pms_sync.apply.writing import Changes
from pms_sync.domain.events import BlockChange, DomainEvent, ReservationChange, block_events, domain_events


def told(changes: Changes) -> list[DomainEvent]:
    """Return the events of a batch that is about to be written, in the order of its changes."""
    events: list[DomainEvent] = []
    for reservation_id, (record, row, before) in changes.reservations.items():
        change = ReservationChange(
            reservation_id=reservation_id,
            property_id=row["property_id"],
            before=before["status"] if before is not None else None,
            after=row["status"],
            changed=changes.told[reservation_id],
            source=_source(record),
            kind=record.kind,
            correlation_id=record.correlation_id,
        )
        events += domain_events(change)
    for block_id, (record, row, before) in changes.blocks.items():
        if fields := changes.of_block(block_id):
            change_of_block = BlockChange(
                block_id=block_id,
                property_id=row["property_id"],
                block_kind=row["kind"],
                was_gone=before["gone"] if before is not None else None,
                gone=row["gone"],
                changed=fields,
                source=_source(record),
                kind=record.kind,
                correlation_id=record.correlation_id,
            )
            events += block_events(change_of_block)
    return events


def _source(record: Incoming) -> str:
    return "local" if record.by is not None else record.account.vendor
