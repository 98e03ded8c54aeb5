"""Opera reservations as the single read shows them: one reservation is one stay, or several equal ones until split.

A guest who moves between rooms is shown in the room of the hotel's current day: a stay of ours has one room.
"""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from mappers import kit
from mappers.opera import channels, profiles, wire
from mappers.opera.heads import Place, code, head_of, revision_of, stays_of
from mappers.opera.prices import Stretch, priced, stretches
from mappers.opera.reading import day, each, read
from pms_sync.ports.mapper import Mapped, MappingContext


def to_mapped(raw: bytes, context: MappingContext, at: str) -> Mapped:
    """Say what a reservation means; `at` is its JSON path. Raises MappingRejected."""
    row, codes = read(wire.RESERVATION, raw, at), kit.Codes(context.crosswalk)
    told, stay_at = row.room_stay, f"{at}.roomStay"
    arrival, departure = [
        day(text, f"{stay_at}.{name}")
        for name, text in (("arrivalDate", told.arrival_date), ("departureDate", told.departure_date))
    ]
    dates, found = kit.stay_range(arrival, departure, stay_at), stretches(told, arrival, stay_at)
    units = max((one.told.number_of_units or 1 for one in found), default=1)
    pseudo = any(one.told.pseudo_room for one in found)
    head = head_of(row, context.zone, at, share=told.primary_share_type, pseudo=pseudo)
    cost = priced(told, found, dates, units, context.currency, stay_at)
    counts = told.guest_counts or next((one.told.guest_counts for one in found if one.told.guest_counts), None)
    people = counts or wire.Counts()
    stays = [
        replace(stay, adults=people.adults, children=people.children, total=cost.stay_total, nights=cost.nights)
        for stay in stays_of(head, dates, _place(told, found), units, codes)
    ]
    booker, guests = profiles.people(row.reservation_guests, f"{at}.reservationGuests")
    sold = channels.sold(row.external_references, row.source_of_sale, told.booking_medium, at)
    revision = replace(
        revision_of(head, code(row.hotel_id) or "", tuple(stays)),
        channel=sold.channel,
        vendor_channel=sold.word,
        channel_reference=sold.reference,
        currency=cost.currency,
        total=cost.total,
        price_basis=cost.basis,
        booker=booker,
        guests=guests,
        notes=_notes(row.comments, f"{at}.comments"),
    )
    return Mapped(revisions=(revision,), unmapped=codes.unmapped)


def _place(told: wire.RoomStay, found: list[Stretch]) -> Place:
    """Read where the guest is on the hotel's current day, or will be first."""
    now, first = told.current_room_info or wire.CurrentRoom(), found[0].told if found else wire.RoomRate()
    rooms = (now.room_id, now.room_number, first.room_id, first.room_number)
    return Place(
        room_type=code(now.room_type) or code(first.room_type),
        room=next((number for number in map(code, rooms) if number), None),
        rate_plan=code(first.rate_plan_code),
    )


def _notes(comments: Raw, at: str) -> str | None:
    """Join the comments, which are the hotel's own notes whatever their type.

    They are always asked for, and Opera leaves out what is empty: an answer without any is one that has none. So on a
    gateway that refuses to be asked for comments, notes are empty throughout.
    """
    texts = []
    for told, place in each(wire.COMMENT_INFO, comments, at, "commentInfo"):
        raw, path = (told.comment or wire.Comment()).text, f"{place}.comment.text"
        whole = bytes(raw).strip()
        values = each(wire.WORD, raw, path) if whole[:1] == b'"' else _values(raw, path)
        texts += [text for text in (kit.clean(one or "").strip() for one, _ in values) if text]
    return "\n".join(texts) or None


def _values(raw: Raw, path: str) -> list[tuple[str | None, str]]:
    return [(told.value, place) for told, place in each(wire.VALUE, raw, path)]
