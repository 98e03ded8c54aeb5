"""How rooms stand today, one record a room (vendors/cloudbeds.md 10.5)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.cloudbeds import facts, wire
from pms_sync.ports.connector import Record, RejectedRow


def split(rows: Sequence[bytes], property_ref: str) -> tuple[list[Record], tuple[RejectedRow, ...]]:
    """Make a record of each room: the row, to which the name of the property is added, without what staff writes."""
    records: list[Record] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            records.append(_record(row, property_ref))
        except (ValueError, RecursionError) as error:
            why, _, path = str(error).partition(" - at ")
            rejected.append(RejectedRow(body=row, path=path.strip("`") or "$", why=why.replace("`", "")))
    return records, tuple(rejected)


def _record(row: bytes, property_ref: str) -> Record:
    ref = wire.text(wire.BLOCKED_ROOM.decode(row).room_id)
    if not ref:
        message = "a room without a name - at `$.roomID`"
        raise ValueError(message)
    fields = {name: value for name, value in wire.FIELDS.decode(row).items() if name not in facts.NEVER_KEPT_OF_ROOMS}
    one = {"propertyID": msgspec.Raw(msgspec.json.encode(property_ref)), **fields}
    return Record(stream=facts.ROOM_STATUS, ref=ref, property_ref=property_ref, body=msgspec.json.encode(one))
