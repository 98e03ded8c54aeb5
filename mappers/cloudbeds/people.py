"""Who a Cloudbeds reservation is for: the map of guests, whose first entry need not be the main one."""

from __future__ import annotations

import re

from msgspec import UNSET, UnsetType

from mappers.cloudbeds.reading import Fields, Text
from pms_sync.domain.reservation import Guest

_ALPHA_2 = re.compile(r"[A-Z]{2}")


def guests(row: Fields) -> tuple[Guest, ...] | UnsetType:
    """Read everybody; UNSET where the list was not asked for."""
    listed = _listed(row)
    return UNSET if listed is None else tuple([_person(guest) for guest in listed])


def booker(row: Fields) -> Guest | UnsetType:
    """Read the main guest, marked or named by the reservation (15.12), else the one name beside the list."""
    listed = _listed(row) or []
    main = row.ref("guestID")
    marked = [guest for guest in listed if guest.flag("isMainGuest")]
    named = [guest for guest in listed if main is not None and guest.ref("guestID") == main]
    chosen = next(iter([*marked, *named, *(listed if len(listed) == 1 else [])]), None)
    if chosen is not None:
        return _person(chosen)
    name = row.text("guestName")
    if name is UNSET and row.text("guestEmail") is UNSET:
        return UNSET
    return _erased(main) if row.flag("isAnonymized") else _beside(row, main, name)


def _listed(row: Fields) -> list[Fields] | None:
    return row.children("guestList") if "guestList" in row and row.raw("guestList") is not None else None


def _beside(row: Fields, ref: str | None, name: Text) -> Guest:
    """Read what is told of the main guest outside the list; one field holds the whole name."""
    return Guest(
        ref=ref,
        first_name=UNSET,
        last_name=name,
        email=row.text("guestEmail"),
        country=_country(row.text("guestCountry")),
    )


def _person(guest: Fields) -> Guest:
    """Read one guest; what was erased on request is erased here too (10.4)."""
    ref = guest.ref("guestID")
    if guest.flag("isAnonymized"):
        return _erased(ref)
    first, last = guest.text("guestFirstName"), guest.text("guestLastName")
    if not isinstance(first, str) and not isinstance(last, str):
        whole = guest.text("guestName")
        last = whole if isinstance(whole, str) else last
    return Guest(
        ref=ref,
        first_name=first,
        last_name=last,
        email=guest.text("guestEmail"),
        phone=_phone(guest),
        country=_country(guest.text("guestCountry")),
    )


def _erased(ref: str | None) -> Guest:
    return Guest(ref=ref, first_name=None, last_name=None, email=None, phone=None, country=None, language=None)


def _phone(guest: Fields) -> Text:
    """Prefer the telephone; an empty one gives way to the mobile number."""
    phone, mobile = guest.text("guestPhone"), guest.text("guestCellPhone")
    return phone if isinstance(phone, str) or mobile is UNSET else mobile


def _country(value: Text) -> Text:
    """Read two letters in upper case; anything else is no country (10.2)."""
    if value is UNSET:
        return UNSET
    code = str(value or "").upper()
    return code if _ALPHA_2.fullmatch(code) else None
