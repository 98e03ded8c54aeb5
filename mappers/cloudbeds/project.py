"""What Cloudbeds can hold of our state, as far as reading shows it; a state that came from there is left as it was.

Notes, remarks and the bill are no part of what is read, so that a difference in them is neither an edit nor drift.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from mappers.cloudbeds import codes, words
from mappers.cloudbeds.reading import Text
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change, MappingContext

# The way back from ours to the word of a reservation, for states that never stood there.
_WORDS = {
    Status.HOLD: "not_confirmed",
    Status.CONFIRMED: "confirmed",
    Status.CHECKED_IN: "checked_in",
    Status.CHECKED_OUT: "checked_out",
    Status.CANCELLED: "canceled",
    Status.NO_SHOW: "no_show",
}


def project(state: Revision, context: MappingContext) -> Revision:
    """Say what Cloudbeds can hold of our state; raises MappingRejected for a code of ours that is not mapped."""
    stays = tuple([_stay(stay, f"room_stays[{index}]", context) for index, stay in enumerate(state.room_stays)])
    return replace(
        state,
        vendor=words.VENDOR,
        vendor_status=state.vendor_status if state.vendor == words.VENDOR else _WORDS[state.status],
        guaranteed=UNSET,
        vendor_channel=_channel_word(state),
        booker=UNSET if isinstance(state.booker, UnsetType) else _person(state.booker),
        guests=UNSET if isinstance(state.guests, UnsetType) else tuple([_person(guest) for guest in state.guests]),
        room_stays=stays,
        folio_lines=UNSET,
        notes=UNSET,
        comments=UNSET,
    )


def to_requests(change: Change) -> list[VendorRequest]:
    """Refuse: nothing is written to Cloudbeds in this version."""
    path = min(change.paths, default="$")
    raise MappingRejected(path, f"({change.kind})", "Cloudbeds is read only in this version: change it there")


def _stay(stay: Stay, at: str, context: MappingContext) -> Stay:
    return replace(stay, **codes.held(stay, at, context.crosswalk))


def _person(guest: Guest) -> Guest:
    """Leave out the language, which Cloudbeds has not."""
    return guest if guest.language is UNSET or _is_erased(guest) else replace(guest, language=UNSET)


def _is_erased(guest: Guest) -> bool:
    said = (guest.first_name, guest.last_name, guest.email, guest.phone, guest.country, guest.language)
    return all(value is None for value in said)


def _channel_word(state: Revision) -> Text:
    """Keep the vendor's word for the channel where it is this vendor's; another one's says nothing here."""
    return state.vendor_channel if state.vendor == words.VENDOR else UNSET
