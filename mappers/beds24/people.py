"""Who a Beds24 booking is for: the booker's fields of the row, and the optional guest list."""

from __future__ import annotations

import re

from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.beds24.wire import Person, Row, Text
from pms_sync.domain.reservation import Guest

_ALPHA_2 = re.compile(r"[A-Z]{2}")
# What the panel's title field holds when it is a title; anything else there is a name (vendors/beds24.md 6.2).
_HONORIFICS = frozenset("mr mrs ms miss mx dr prof sir madam mister sr sra srta herr frau m mme mlle".split())


def booker(row: Row) -> Guest | UnsetType:
    """Read the booker; UNSET when the token's scopes leave all personal fields out (vendors/beds24.md 2.3)."""
    person = _person(row, None)
    said = (person.first_name, person.last_name, person.email, person.phone, person.country, person.language)
    return UNSET if all(value is UNSET for value in said) else person


def guests(row: Row) -> tuple[Guest, ...] | UnsetType:
    """Read the guest list; UNSET when it was not asked for."""
    if row.guests is UNSET:
        return UNSET
    return tuple([_person(guest, str(guest.id) if guest.id else None) for guest in row.guests or ()])


def _person(source: Row | Person, ref: str | None) -> Guest:
    """Read the fields that booker and guest share."""
    first, last = kit.word(source.first_name), kit.word(source.last_name)
    if first is None and last is None:
        last = _name_in_title(source.title)
    return Guest(
        ref=ref,
        first_name=first,
        last_name=last,
        email=kit.word(source.email),
        phone=_phone(source.phone, source.mobile),
        country=country(source.country2),
        language=kit.word(source.lang),
    )


def _name_in_title(title: Text) -> str | None:
    """Take the title as the name where staff typed everything there, unless it is only a form of address."""
    text = kit.word(title)
    if not isinstance(text, str) or text.strip().rstrip(".").casefold() in _HONORIFICS:
        return None
    return text


def _phone(phone: Text, mobile: Text) -> Text:
    """Prefer the phone; an empty one gives way to the mobile number."""
    first = kit.word(phone)
    return first if isinstance(first, str) or mobile is UNSET else kit.word(mobile)


def country(value: Text) -> Text:
    """Read two letters in upper case; anything else is no country (vendors/beds24.md 6.2)."""
    if value is UNSET:
        return UNSET
    code = str(value or "").upper()
    return code if _ALPHA_2.fullmatch(code) else None
