"""Beds24 bookings: one row is one room stay, and speaks for its reservation as far as it can."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import UNSET, Raw, UnsetType

from mappers import kit
from mappers.beds24 import marks, people, words
from mappers.beds24.blocks import to_block
from mappers.beds24.wire import Item, Row
from pms_sync.domain.reservation import Line, Revision, Stay
from pms_sync.ports.mapper import Mapped, MappingContext

LineKind = Literal["charge", "payment"]
Items = list[Item] | None | UnsetType


class _Site(NamedTuple):
    """Where a row stands while it is read: its place in the document, its property's currency, its crosswalk."""

    at: str
    currency: str
    codes: kit.Codes


def to_mapped(row: Row, items: Items, remarks: Raw, context: MappingContext, at: str) -> Mapped:
    """Say what a row means; `at` is its JSON path, `items` and `remarks` are its lines wherever they stood."""
    codes = kit.Codes(context.crosswalk)
    site = _Site(at, context.currency, codes)
    meaning = _meaning(row, at)
    changed = _changed(row, at)
    room_ref = f"{row.room_id}/{row.unit_id}" if row.unit_id else None
    if meaning is None:
        block = to_block(row, room_ref, kit.version_of(changed), codes, at)
        return Mapped(blocks=(block,), unmapped=codes.unmapped)
    stay = _stay(row, meaning, room_ref, site)
    revision = _revision(row, stay, items, changed, site, marks.token(remarks))
    return Mapped(revisions=(revision,), unmapped=codes.unmapped)


def _meaning(row: Row, at: str) -> words.Meaning | None:
    """Look the status up; None is a block. Unknown words are rejected, never guessed."""
    sub_status = row.sub_status
    if sub_status and sub_status not in words.SUB_STATUSES:
        raise kit.rejected(f"{at}.subStatus", sub_status, "unknown sub-status", words.SHOWN)
    if row.status == words.BLOCK_STATUS:
        return None
    meaning = words.STATUSES.get(row.status)
    if meaning is None:
        raise kit.rejected(f"{at}.status", row.status, "unknown status", words.SHOWN)
    no_show = sub_status == words.NO_SHOW and row.status in words.NO_SHOW_FROM
    return words.NO_SHOW_MEANING if no_show else meaning


def _changed(row: Row, at: str) -> datetime:
    """Take the time of the last change, which is the version; creation counts as a change (vendors/beds24.md 5)."""
    name, moment = "modifiedTime", row.modified_time
    if moment is None and isinstance(row.booking_time, datetime):
        name, moment = "bookingTime", row.booking_time
    if moment is None:
        raise kit.absent(f"{at}.modifiedTime", "no time of change to tell versions apart")
    return kit.instant(f"{at}.{name}", moment)


def _stay(row: Row, meaning: words.Meaning, room_ref: str | None, site: _Site) -> Stay:
    """Read the room stay of a row."""
    at, currency, codes = site
    dates = kit.stay_range(row.arrival, row.departure, at)
    total = kit.amount(f"{at}.price", row.price, currency) if isinstance(row.price, Decimal) else row.price
    room_type_ref = str(row.room_id)
    rate_plan_ref = str(row.offer_id) if row.offer_id else None
    return Stay(
        ref=str(row.id),
        room_type_ref=room_type_ref,
        room_ref=room_ref,
        rate_plan_ref=rate_plan_ref,
        room_type=codes.ours("room_type", room_type_ref),
        room=codes.ours("room", room_ref),
        rate_plan=codes.ours("rate_plan", rate_plan_ref),
        arrival=dates.arrival,
        departure=dates.departure,
        status=meaning.status,
        adults=row.num_adult,
        children=row.num_child,
        total=total,
        nights=kit.nights(dates, total, currency),
        hold_kind=meaning.hold_kind,
        blocks_inventory=meaning.blocks_inventory,
        vendor_status=row.status,
    )


def _revision(row: Row, stay: Stay, items: Items, changed: datetime, site: _Site, token: str | None) -> Revision:
    """Say what the row tells about its reservation.

    A group member speaks for itself only: its price is not the reservation's total (vendors/beds24.md 14).
    """
    at, currency, _ = site
    ref = _group_ref(row)
    alone = row.booking_group is None and ref == row.id
    return Revision(
        vendor=words.VENDOR,
        ref=str(ref),
        property_ref=str(row.property_id),
        version=kit.version_of(changed),
        scope="reservation" if alone else "stay",
        siblings_complete=alone,
        is_home=ref == row.id,
        status=stay.status,
        vendor_status=stay.vendor_status,
        hold_kind=stay.hold_kind,
        blocks_inventory=stay.blocks_inventory,
        guaranteed=None,
        channel=_channel(row),
        vendor_channel=kit.word(row.channel),
        channel_reference=kit.word(row.api_reference),
        currency=currency or None,
        total=stay.total if alone else UNSET,
        price_basis="gross" if isinstance(stay.total, Decimal) else "unknown",
        booker=people.booker(row),
        guests=people.guests(row),
        room_stays=(stay,),
        folio_lines=_lines(items, currency, at),
        notes=kit.word(row.notes),
        comments=kit.word(row.comments),
        created_at=_created(row, at),
        modified_at=changed,
        token=token,
    )


def _group_ref(row: Row) -> int:
    """Name the reservation by its master; the master itself carries null or its own id (vendors/beds24.md 6.1)."""
    group = row.booking_group
    if group is not UNSET and group is not None:
        return group.master
    return row.master_id or row.id


def _channel(row: Row) -> str | UnsetType:
    """Translate the channel token; lists are incomplete and grow, so unknown is "other" (vendors/beds24.md 6.4)."""
    return UNSET if row.channel is UNSET else words.CHANNELS.get(row.channel or "", words.OTHER_CHANNEL)


def _created(row: Row, at: str) -> datetime | UnsetType | None:
    """Read the time of booking."""
    moment = row.booking_time
    return kit.instant(f"{at}.bookingTime", moment) if isinstance(moment, datetime) else moment


def _lines(items: Items, currency: str, at: str) -> tuple[Line, ...] | UnsetType:
    """Read the bill in the vendor's order; UNSET when it was not asked for."""
    if items is UNSET:
        return UNSET
    return tuple([_line(item, currency, f"{at}.invoiceItems[{index}]") for index, item in enumerate(items or ())])


def _line(item: Item, currency: str, at: str) -> Line:
    """Read one invoice item; an unknown type has no known sign and is rejected."""
    if item.type not in words.LINE_KINDS:
        raise kit.rejected(f"{at}.type", item.type, "unknown kind of invoice item", words.SHOWN)
    kind: LineKind = "payment" if item.type == "payment" else "charge"
    # A charge is its line total, since `amount` is per unit; a payment's line total has the other sign.
    name, value = ("amount", item.amount) if kind == "payment" else ("lineTotal", item.line_total)
    if value is None:
        raise kit.absent(f"{at}.{name}", "invoice item without an amount")
    amount = kit.amount(f"{at}.{name}", value, currency)
    goes_back = kind == "payment" and item.sub_type in words.REFUND_SUB_TYPES and amount > 0
    text = kit.clean(item.description) if item.description else None
    return Line(
        ref=str(item.id), kind=kind, text=text or None, amount=-amount if goes_back else amount, currency=currency
    )
