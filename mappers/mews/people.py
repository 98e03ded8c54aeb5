"""Who a Mews reservation is for: the account that owns it, and who stays along (vendors/mews.md 9, 10.7, 10.8).

A record names people by their profiles. What a profile of a merged guest points at stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.mews.wire import Company, Customer, Record, Text
from pms_sync.domain.reservation import Guest

Profile = TypeVar("Profile", Customer, Company)

_ALPHA_2 = re.compile(r"[A-Z]{2}")
_COMPANY = "Company"
_MERGES = 4


def booker(record: Record) -> Guest | UnsetType:
    """Read the owner of the stay, who is its main guest and payer; UNSET where profiles are withheld.

    Where a company owns it, the booker is whoever booked for it, else the company itself.
    """
    stay = record.reservation
    if stay.account_type == _COMPANY:
        return _of_company(record)
    return UNSET if stay.account_id is None else _customer(record, stay.account_id)


def guests(record: Record) -> tuple[Guest, ...] | UnsetType:
    """Read who stays along in this stay, or somewhere in its group; UNSET where that is withheld."""
    if record.companionships is UNSET or record.customers is UNSET:
        return UNSET
    stay = record.reservation.id
    along = [one.customer_id for one in record.companionships if one.reservation_id in {None, stay}]
    found = [_customer(record, ref) for ref in along]
    return tuple({guest.ref: guest for guest in found if isinstance(guest, Guest)}.values())


def _of_company(record: Record) -> Guest | UnsetType:
    stay = record.reservation
    if stay.booker_id is not None and record.customers is not UNSET:
        return _customer(record, stay.booker_id)
    if stay.account_id is None or record.companies is UNSET:
        return UNSET
    company = _found({one.id: one for one in record.companies}, stay.account_id)
    if company is None:
        return Guest(ref=stay.account_id)
    return Guest(ref=company.id, last_name=kit.word(company.name), phone=kit.word(company.telephone))


def _customer(record: Record, ref: str) -> Guest | UnsetType:
    """Read a customer by its id; one that the vendor does not show is known by its id alone."""
    if record.customers is UNSET:
        return UNSET
    profile = _found({one.id: one for one in record.customers}, ref)
    return Guest(ref=ref) if profile is None else _person(profile)


def _found(profiles: Mapping[str, Profile], ref: str) -> Profile | None:
    """Find a profile, following what merged ones point at as far as the record shows it (10.8)."""
    profile = profiles.get(ref)
    for _ in range(_MERGES):
        target = profiles.get(profile.merge_target_id or "") if profile is not None else None
        if target is None:
            break
        profile = target
    return profile


def _person(profile: Customer) -> Guest:
    """Read a profile; its address is kept elsewhere, so the country is the guest's nationality."""
    language = kit.word(profile.preferred_language_code)
    return Guest(
        ref=profile.id,
        first_name=kit.word(profile.first_name),
        last_name=_last_name(profile),
        email=kit.word(profile.email),
        phone=kit.word(profile.phone),
        country=_country(profile.nationality_code),
        language=language if isinstance(language, str) else kit.word(profile.language_code),
    )


def _last_name(profile: Customer) -> Text:
    last, second = kit.word(profile.last_name), kit.word(profile.second_last_name)
    return f"{last} {second}" if isinstance(last, str) and isinstance(second, str) else last


def _country(value: Text) -> Text:
    """Read two letters in upper case; anything else is no country."""
    if value is UNSET:
        return UNSET
    code = str(value or "").upper()
    return code if _ALPHA_2.fullmatch(code) else None
