"""What a person is told before a change is sent: how far it goes beyond Beds24 (vendors/beds24.md 7, second table)."""

from __future__ import annotations

from collections.abc import Collection

from mappers.beds24 import words
from pms_sync.domain.reservation import Revision
from pms_sync.domain.status import Status

# Atoms that a channel keeps a copy of; room numbers, notes and comments are the hotel's own.
_SHARED = frozenset("shape status occupancy booker total".split())

# Certain by the vendor's word for Vrbo; reported or inferred for the others, which is why each names what to check.
_CANCELS = {
    "booking_com": (
        "Booking.com is not told of this cancellation, and goes on showing the booking:"
        " cancel it in the Booking.com extranet as well"
    ),
    "vrbo": "Beds24 passes this cancellation on to Vrbo, as cancelled by the guest",
    "airbnb": "Airbnb is not told of this cancellation: cancel it at Airbnb as its host",
}
_NO_SHOWS = {
    "booking_com": (
        "Booking.com is not told of this no-show: report it in the Booking.com extranet, from check-in and for two days"
    ),
}
_CHANGES = {
    "booking_com": "Booking.com is not told of this change, which stays in Beds24",
}
_UNKNOWN = "whether Beds24 tells the channel ({channel}) of this {what} is not documented: check it there"
_CREATED = "Beds24 keeps this as a direct booking of its own, without a tie to the channel ({channel})"
NO_SHOW_HOLDS = "Beds24 marks the booking as no-show; whether that frees its nights there is not documented"


def of_create(wanted: Revision) -> tuple[str, ...]:
    """Tell that a booking made by us never becomes one of a channel."""
    said = isinstance(wanted.channel, str) and _behind(wanted)
    return (_CREATED.format(channel=_name(wanted)),) if said else ()


def of_cancel(stay: Revision | None) -> tuple[str, ...]:
    """Tell whether a cancellation reaches the channel."""
    return _spoken(stay, _CANCELS, "cancellation")


def of_modify(wanted: Revision, known: Revision | None, kinds: Collection[str]) -> tuple[str, ...]:
    """Tell whether changed atoms of these kinds reach the channel; a cancellation says more than the rest."""
    if not _SHARED & set(kinds):
        return ()
    status = wanted.room_stays[0].status
    if "status" in kinds and status == Status.CANCELLED:
        return of_cancel(known or wanted)
    if "status" in kinds and status == Status.NO_SHOW:
        return (NO_SHOW_HOLDS, *_spoken(known or wanted, _NO_SHOWS, "no-show"))
    return _spoken(known or wanted, _CHANGES, "change")


def _spoken(stay: Revision | None, table: dict[str, str], what: str) -> tuple[str, ...]:
    """Look the sentence up; a channel that is not in the table is one of which nobody knows."""
    if not _behind(stay):
        return ()
    channel = str(stay.channel) if stay is not None else ""
    return (table.get(channel) or _UNKNOWN.format(channel=_name(stay), what=what),)


def _behind(stay: Revision | None) -> bool:
    """Tell whether an OTA may stand behind a booking; one that does not say is taken to have one."""
    return stay is None or stay.channel not in words.OWN_CHANNELS


def _name(stay: Revision | None) -> str:
    """Name the channel in the vendor's word, which says more than "other"."""
    if stay is None:
        return "not known"
    told = stay.vendor_channel if isinstance(stay.vendor_channel, str) else stay.channel
    return told if isinstance(told, str) else "not known"
