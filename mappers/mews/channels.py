"""Through whom a reservation was sold: no single field tells it (vendors/mews.md 10.6, 10.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.mews import words
from mappers.mews.wire import Record


class Sold(NamedTuple):
    """Our channel, and the vendor's own word for it."""

    channel: str | UnsetType
    word: str | UnsetType | None


def sold(record: Record) -> Sold:
    """Read the channel: the first name that is an OTA's decides, then where the reservation was made."""
    stay = record.reservation
    if not isinstance(stay.origin, str):
        return Sold(UNSET, UNSET)
    named = [name for name in map(kit.clean, _names(record)) if name]
    known = next(((name, channel) for name in named if (channel := _known(name))), None)
    if known is not None:
        return Sold(known[1], known[0])
    channel = words.ORIGINS.get(stay.origin, words.OTHER_CHANNEL)
    if channel == "direct" and stay.commander_origin == words.FROM_A_CHANNEL:
        channel = words.OTHER_CHANNEL
    word = next(iter(named), None) if channel == words.OTHER_CHANNEL else None
    return Sold(channel, word or kit.clean(stay.origin) or None)


def _names(record: Record) -> Iterator[str]:
    """Name whoever may have sold it, the surest first: sources, the agency that mediated, the channel manager."""
    yield from _sources(record)
    stay = record.reservation
    if record.companies is not UNSET:
        yield from (
            one.name for one in record.companies if one.id == stay.travel_agency_id and isinstance(one.name, str)
        )
    yield stay.origin_details or ""
    if record.reservation_groups is not UNSET:
        yield from (one.channel_manager or "" for one in record.reservation_groups if one.id == stay.group_id)


def _sources(record: Record) -> Iterator[str]:
    if record.sources is UNSET or record.source_assignments is UNSET:
        return
    names = {one.id: one.name or "" for one in record.sources}
    ordered = sorted(record.source_assignments, key=lambda one: (not one.is_primary, one.source_id))
    yield from (names.get(one.source_id, "") for one in ordered)


def _known(name: str) -> str | None:
    """Return our word for an OTA's name, however it is spelt."""
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    begun = next((channel for known, channel in words.CHANNELS.items() if plain.startswith(known)), None)
    return begun or words.WHOLE_NAMES.get(plain)
