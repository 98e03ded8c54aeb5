"""Opera reservations as a search shows them: fewer fields, no price by night, and no comments (vendors/opera.md 6.1).

The engine reads each reservation singly; this shape is for people who look at a page of a search.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from mappers import kit
from mappers.opera import channels, profiles, wire
from mappers.opera.heads import Place, code, head_of, revision_of, stays_of
from mappers.opera.reading import day, read
from pms_sync.domain.money import CURRENCIES
from pms_sync.domain.reservation import Night
from pms_sync.ports.mapper import Mapped, MappingContext


def to_mapped(raw: bytes, context: MappingContext, at: str) -> Mapped:
    """Say what a row of a search means, as far as it tells; raises MappingRejected."""
    row, codes = read(wire.INFO, raw, at), kit.Codes(context.crosswalk)
    told, stay_at = row.room_stay, f"{at}.roomStay"
    arrival = day(told.arrival_date, f"{stay_at}.arrivalDate")
    dates = kit.stay_range(arrival, day(told.departure_date, f"{stay_at}.departureDate"), stay_at)
    head = head_of(row, context.zone, at, pseudo=bool(told.pseudo_room))
    money = told.total_amount
    currency = _currency(money, context.currency, stay_at)
    total: object = money
    if isinstance(money, wire.Money):
        total = None if money.amount is None else kit.amount(f"{stay_at}.totalAmount.amount", money.amount, currency)
    units = told.number_of_rooms or 1
    place = Place(code(told.room_type), code(told.room_id) or code(told.room_number), code(told.rate_plan_code))
    stays = [
        replace(
            stay,
            adults=UNSET if told.adult_count is None else told.adult_count,
            children=UNSET if told.child_count is None else told.child_count,
            total=total if units == 1 else None,
            nights=tuple([Night(night, None) for night in dates.nights()]),
        )
        for stay in stays_of(head, dates, place, units, codes)
    ]
    booker, guests = profiles.info_people(row.reservation_guest, f"{at}.reservationGuest")
    sold = channels.sold(row.external_references, row.source_of_sale, told.booking_channel_code, at)
    revision = replace(
        revision_of(head, code(row.hotel_id) or "", tuple(stays)),
        channel=sold.channel,
        vendor_channel=sold.word,
        channel_reference=sold.reference,
        currency=currency or None,
        total=total,
        booker=booker,
        guests=guests,
    )
    return Mapped(revisions=(revision,), unmapped=codes.unmapped)


def _currency(money: wire.Money | UnsetType | None, currency: str, at: str) -> str:
    told = money.currency_code if isinstance(money, wire.Money) else None
    if told and told not in CURRENCIES:
        raise kit.rejected(f"{at}.totalAmount.currencyCode", told, "no currency of ISO 4217", frozenset())
    return told or currency
