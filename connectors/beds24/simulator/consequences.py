"""What Beds24 does beside a write: units, transfer notes, rounding, and what the channel is told (7 and 14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from connectors.beds24.simulator.fields import rounded
from connectors.beds24.simulator.hotel import Booking, Hotel, RoomType
from connectors.beds24.simulator.lines import settled
from connectors.beds24.simulator.stock import free_unit
from connectors.beds24.simulator.verdicts import Verdict
from connectors.kit.simulator.contract import Row

NO_OTA = frozenset({"direct", "bookingpage"})
WAKES_WEBHOOKS = ("status", "arrival", "departure", "roomId", "unitId", "roomQty")
"""With `actions.allowWebhooks` a write tells of these fields only (vendors/beds24.md 7)."""
_WHOLE = Decimal(1)
_NOTES_LENGTH = 2000


@dataclass(frozen=True)
class WriteHabits:
    """Switches for what vendors/beds24.md leaves open about writes.

    `create_ignores`: fields that a create drops without a word, e.g. subStatus, reference, apiReference.
    `auto_allocate`: a write that names a room type and no unit gets the first free unit; else it stays unassigned.
    `transfer_note`: a move to another property writes a line into `notes`, as a move in the panel does.
    `horizon_days`: a departure further away is refused with a warning only; None = no limit.
    """

    create_ignores: tuple[str, ...] = ()
    auto_allocate: bool = False
    transfer_note: bool = True
    horizon_days: int | None = None


def place(hotel: Hotel, kind: RoomType, booking: Booking, fields: Row, *, allocate: bool) -> Row:
    """Return the fields with what a room brings along: its property, and a unit when the room type is new."""
    if booking.row["roomId"] == kind.id:
        return fields
    moved = {**fields, "propertyId": kind.property_id}
    if "unitId" in fields:
        return moved
    wanted = {**booking.row, **moved}
    return {**moved, "unitId": free_unit(hotel, kind, wanted) if allocate else 0}


def drop_impossible_unit(kind: RoomType, fields: Row, verdict: Verdict) -> None:
    """Warn of a unit that the room type does not have, and forget it."""
    if fields.get("unitId", 0) > kind.qty:
        verdict.warn("unitId")
        del fields["unitId"]


def transferred(hotel: Hotel, before: Booking, after: Booking, now: datetime) -> Booking:
    """Put the vendor's transfer line on top of the notes when the property changed; local time, panel language."""
    source, target = (hotel.properties.get(one.row["propertyId"]) for one in (before, after))
    if source is None or target is None or source is target:
        return after
    local = now.astimezone(ZoneInfo(target.timezone))
    line = f"Transferred from {source.name} para {target.name} at {local:%H:%M - %d %b %Y}"
    notes = f"{line}\n{after.row['notes']}" if after.row["notes"] else line
    return after.changed({"notes": notes[:_NOTES_LENGTH]})


def saved_whole(before: Booking, after: Booking) -> Booking:
    """Round commission and line amounts to whole units when an Airbnb booking is accepted (14)."""
    if after.row["channel"] != "airbnb" or (before.row["status"], after.row["status"]) != ("new", "confirmed"):
        return after
    lines = [settled({**line, "amount": rounded(line["amount"], _WHOLE)}) for line in after.invoice_items]
    return replace(after.changed({"commission": rounded(after.row["commission"], _WHOLE)}), invoice_items=lines)


def channel_told(before: Booking, after: Booking) -> Booking:
    """Keep what the OTA still holds: a status set by API stays local, only Vrbo is told of a cancellation (7)."""
    row = after.row
    if row["channel"] in NO_OTA or row["status"] == before.row["status"]:
        return after
    if row["channel"] == "vrbo" and row["status"] == "cancelled":
        return replace(after, ota_status=None)
    there = before.ota_status or before.row["status"]
    return replace(after, ota_status=None if there == row["status"] else there)


def difference(before: Booking, after: Booking) -> Row:
    """Return what changed, nested as the wire shows it; a deleted sub-item is there by its id alone."""
    changed = {name: value for name, value in after.row.items() if before.row.get(name) != value}
    changed.pop("modifiedTime", None)
    lists = (
        ("invoiceItems", before.invoice_items, after.invoice_items),
        ("infoItems", before.info_items, after.info_items),
    )
    return changed | {name: _moved(old, new) for name, old, new in lists if old != new}


def _moved(old: list[Row], new: list[Row]) -> list[Row]:
    kept = {row["id"] for row in new}
    return [row for row in new if row not in old] + [{"id": row["id"]} for row in old if row["id"] not in kept]
