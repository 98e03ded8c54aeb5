"""A Mews reservation: one room stay of ours, whose group is the reservation (vendors/mews.md 9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.mews import amounts, channels, clock, people, words
from mappers.mews.wire import Age, Note, PersonCount, Record
from pms_sync.domain.reservation import Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.domain.stay import StayRange
from pms_sync.ports.mapper import Mapped, MappingContext

Count = int | UnsetType


def to_mapped(record: Record, context: MappingContext, at: str) -> Mapped:
    """Say what a reservation means; `at` is the JSON path of its own row."""
    codes = kit.Codes(context.crosswalk)
    zone = clock.zone_of(record.enterprise, context)
    row, meaning = record.reservation, _meaning(record, at)
    span = _span(record, zone, at)
    fell = meaning.status in {Status.CANCELLED, Status.NO_SHOW}
    price = amounts.price(record.order_items, span, zone, context.currency, fell=fell)
    stay = Stay(
        ref=row.id,
        room_type_ref=row.requested_resource_category_id,
        room_ref=row.assigned_resource_id,
        rate_plan_ref=row.rate_id,
        room_type=codes.ours("room_type", row.requested_resource_category_id),
        room=codes.ours("room", row.assigned_resource_id),
        rate_plan=codes.ours("rate_plan", row.rate_id),
        arrival=span.arrival,
        departure=span.departure,
        status=meaning.status,
        adults=_count(row.person_counts, record.age_categories, "adults"),
        children=_count(row.person_counts, record.age_categories, "children"),
        total=price.total,
        nights=price.nights,
        hold_kind=meaning.hold_kind,
        blocks_inventory=meaning.blocks_inventory,
        vendor_status=row.state,
    )
    bill = amounts.lines(record.order_items, record.payments)
    return Mapped(revisions=(_revision(record, stay, price, bill, at),), unmapped=codes.unmapped)


def _revision(record: Record, stay: Stay, price: amounts.Price, bill: amounts.Bill, at: str) -> Revision:
    """Say what the row tells about its group: every reservation has an account, notes and a bill of its own.

    Whether the group holds others is not read with it, so that their absence never means anything.
    """
    row, sold = record.reservation, channels.sold(record)
    changed = kit.instant(f"{at}.UpdatedUtc", row.updated_utc)
    return Revision(
        vendor=words.VENDOR,
        ref=row.group_id,
        property_ref=record.enterprise.id if record.enterprise is not None else "",
        version=kit.version_of(changed),
        scope="stay",
        siblings_complete=False,
        status=stay.status,
        vendor_status=stay.vendor_status,
        hold_kind=stay.hold_kind,
        blocks_inventory=stay.blocks_inventory,
        guaranteed=None,
        channel=sold.channel,
        vendor_channel=sold.word,
        channel_reference=kit.word(row.channel_number),
        currency=price.currency or None,
        price_basis=price.basis,
        booker=people.booker(record),
        guests=people.guests(record),
        room_stays=(stay,),
        folio_lines=bill,
        notes=_notes(record.service_order_notes, row.id, from_outside=False),
        comments=_notes(record.service_order_notes, row.id, from_outside=True),
        created_at=_created(row.created_utc, at),
        modified_at=changed,
    )


def _meaning(record: Record, at: str) -> words.Meaning:
    """Look the state up, and why it was canceled; unknown words are rejected, never guessed."""
    row = record.reservation
    meaning = words.STATES.get(row.state)
    if meaning is None:
        raise kit.rejected(f"{at}.State", row.state, "unknown state", words.SHOWN)
    if row.state != words.CANCELED or row.cancellation_reason is None:
        return meaning
    reason = words.REASONS.get(row.cancellation_reason)
    if reason is None:
        raise kit.rejected(f"{at}.CancellationReason", row.cancellation_reason, "unknown reason", words.SHOWN)
    return reason


def _span(record: Record, zone: ZoneInfo, at: str) -> StayRange:
    """Read the planned dates: the others move with an early check-in, or are not there yet (10.6, TIM-09)."""
    row = record.reservation
    arrival = clock.day(f"{at}.ScheduledStartUtc", row.scheduled_start_utc, zone)
    departure = clock.day(f"{at}.ScheduledEndUtc", row.scheduled_end_utc, zone)
    return clock.span(at, ("ScheduledStartUtc", arrival), ("ScheduledEndUtc", departure))


def _count(
    counts: Sequence[PersonCount] | UnsetType | None,
    ages: Sequence[Age] | UnsetType,
    kind: Literal["adults", "children"],
) -> Count:
    """Count people by what their age category stands for; UNSET where one is not known (10.7)."""
    if isinstance(counts, UnsetType) or isinstance(ages, UnsetType):
        return UNSET
    kinds = {one.id: _kind(one, index) for index, one in enumerate(ages)}
    told = counts or ()
    if any(one.age_category_id not in kinds for one in told):
        return UNSET
    return sum(one.count for one in told if kinds[one.age_category_id] == kind)


def _kind(age: Age, index: int) -> str:
    kind = words.AGES.get(age.classification)
    if kind is None:
        path = f"$.AgeCategories[{index}].Classification"
        raise kit.rejected(path, age.classification, "unknown kind of age category", words.SHOWN)
    return kind


def _notes(notes: Sequence[Note] | UnsetType, ref: str, *, from_outside: bool) -> str | UnsetType | None:
    """Join the notes of one sort, oldest first; UNSET where notes are withheld."""
    if isinstance(notes, UnsetType):
        return UNSET
    chosen = [
        one
        for one in notes
        if one.order_id in {None, ref} and (one.type in words.FROM_OUTSIDE) is from_outside and one.text
    ]
    chosen.sort(key=lambda one: (one.created_utc.isoformat() if one.created_utc else "", one.id))
    return kit.word("\n".join(one.text or "" for one in chosen))


def _created(told: datetime | UnsetType | None, at: str) -> datetime | UnsetType | None:
    return kit.instant(f"{at}.CreatedUtc", told) if isinstance(told, datetime) else told
