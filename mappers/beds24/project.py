"""What Beds24 can hold of our state of one stay: its codes, words, limits and one price (vendors/beds24.md 6).

Projecting again changes nothing, and neither does projecting what was read from Beds24. What is left out here is never
told to Beds24, so that a difference in it is neither an edit of ours nor drift of theirs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from mappers import kit
from mappers.beds24 import people, words
from mappers.beds24.places import AT, held_place
from mappers.beds24.wire import Text
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import MappingContext


class _Held(NamedTuple):
    """A status as Beds24 holds it: its word, and what reading makes of that."""

    vendor_status: str
    meaning: words.Meaning


def project(state: Revision, context: MappingContext) -> Revision:
    """Say what Beds24 can hold of one stay; raises MappingRejected for codes, dates and amounts that it cannot."""
    if len(state.room_stays) != 1:
        raise MappingRejected("room_stays", len(state.room_stays), "a Beds24 booking is exactly one room stay")
    stay = _stay(state, context)
    said = {"status": stay.status, "hold_kind": stay.hold_kind, "blocks_inventory": stay.blocks_inventory}
    return replace(
        state,
        vendor=words.VENDOR,
        **said,
        vendor_status=stay.vendor_status,
        guaranteed=None,
        vendor_channel=_channel_word(state),
        total=stay.total if state.scope == "reservation" and state.total is not UNSET else UNSET,
        booker=UNSET if isinstance(state.booker, UnsetType) else _person(state.booker, None),
        guests=_guests(state.guests),
        room_stays=(stay,),
        notes=_text(state.notes, words.LONGEST_NOTES),
        comments=_text(state.comments, words.LONGEST_COMMENTS),
    )


def _stay(state: Revision, context: MappingContext) -> Stay:
    stay = state.room_stays[0]
    held, total = _status(stay), _total(state, stay, context.currency)
    dates = kit.stay_range(stay.arrival, stay.departure, AT)
    return replace(
        stay,
        **held_place(stay, context.crosswalk)._asdict(),
        status=held.meaning.status,
        hold_kind=held.meaning.hold_kind,
        blocks_inventory=held.meaning.blocks_inventory,
        vendor_status=held.vendor_status,
        total=total,
        nights=kit.nights(dates, total, context.currency),
    )


def _status(stay: Stay) -> _Held:
    """Find the vendor's word, keeping the one that stands when it means the same (`new` and `confirmed`)."""
    word = words.HOLDS[stay.blocks_inventory] if stay.status == Status.HOLD else words.WRITTEN[stay.status]
    stands = stay.vendor_status or ""
    if stay.status == Status.NO_SHOW:
        return _Held(stands if stands in words.NO_SHOW_FROM else word, words.NO_SHOW_MEANING)
    meaning = words.STATUSES[word]
    return _Held(stands if words.STATUSES.get(stands) == meaning else word, meaning)


def _total(state: Revision, stay: Stay, currency: str) -> Decimal | UnsetType | None:
    """Find the one price of a booking: the stay's own, else the sum of its nights, else the reservation's."""
    total = stay.total
    if not isinstance(total, Decimal):
        prices = [night.price for night in stay.nights if night.price is not None]
        if prices and len(prices) == len(stay.nights):
            total = sum(prices, Decimal())
        elif state.scope == "reservation" and isinstance(state.total, Decimal):
            total = state.total
    return kit.amount(f"{AT}.total", total, currency) if isinstance(total, Decimal) else total


def _channel_word(state: Revision) -> Text:
    """Name the channel in the vendor's way, where the word at hand is another vendor's."""
    word = state.vendor_channel
    if state.channel is UNSET or (
        word is not UNSET and words.CHANNELS.get(word or "", words.OTHER_CHANNEL) == state.channel
    ):
        return word
    return words.TOKENS.get(str(state.channel), UNSET)


def _guests(told: tuple[Guest, ...] | UnsetType) -> tuple[Guest, ...] | UnsetType:
    """Keep the guests that Beds24 has; it takes none from us yet (6.2: "coming soon")."""
    if isinstance(told, UnsetType):
        return UNSET
    return tuple([_person(guest, guest.ref) for guest in told if guest.ref])


def _person(guest: Guest, ref: str | None) -> Guest:
    return Guest(
        ref=ref,
        first_name=_text(guest.first_name, words.LONGEST_NAME),
        last_name=_text(guest.last_name, words.LONGEST_NAME),
        email=_whole(guest.email, words.LONGEST_ADDRESS),
        phone=_whole(guest.phone, words.LONGEST_ADDRESS),
        country=people.country(guest.country),
        language=_language(guest.language),
    )


def _text(value: Text, limit: int) -> Text:
    """Read a text as it would come back: clean, and cut at the limit."""
    told = _clean(value)
    return told[:limit] if isinstance(told, str) else told


def _whole(value: Text, limit: int) -> Text:
    """Read a text that is worth nothing when it is cut, as an address is."""
    told = _clean(value)
    return None if isinstance(told, str) and len(told) > limit else told


def _language(value: Text) -> Text:
    """Read two letters; of a longer tag the language alone is held."""
    told = _clean(value)
    if not isinstance(told, str) or len(told) <= words.LONGEST_LANGUAGE:
        return told
    first = told.replace("_", "-").partition("-")[0].lower()
    return first if len(first) == words.LONGEST_LANGUAGE else None


def _clean(value: Text) -> Text:
    """Read a text as `kit.word` does, without halves of characters, which no JSON can carry."""
    if isinstance(value, str) and not value.isascii():
        value = value.encode("utf-8", "replace").decode()
    return kit.word(value)
