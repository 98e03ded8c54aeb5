"""Who an Opera reservation is for: profiles with their names, addresses and numbers (vendors/opera.md 6.2)."""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, UnsetType

from mappers import kit
from mappers.opera import wire, words
from mappers.opera.reading import NOTHING, each, loose, split
from mappers.opera.wire import Raw, Struct, Text
from pms_sync.domain.reservation import Guest

_ALPHA_2 = re.compile(r"[A-Z]{2}")
_ALIASES = {"UK": "GB", "EL": "GR"}


class _Name(Struct):
    given_name: Text = None
    surname: Text = None
    name_type: Text = None


class _Customer(Struct):
    person_name: Raw = NOTHING
    language: Text = None


class _Company(Struct):
    company_name: Text = None


class _Country(Struct):
    code: Text = None
    iso_code: Text = None


class _Address(Struct):
    country: Raw = NOTHING
    primary_ind: bool | None = None


class _Telephone(Struct):
    phone_number: Text = None
    primary_ind: bool | None = None


class _Email(Struct):
    email_address: Text = None
    primary_ind: bool | None = None


class _AddressInfo(Struct):
    address: _Address | None = None


class _TelephoneInfo(Struct):
    telephone: _Telephone | None = None


class _EmailInfo(Struct):
    email: _Email | None = None


class _Profile(Struct):
    customer: _Customer | None = None
    company: _Company | None = None
    addresses: Raw = NOTHING
    telephones: Raw = NOTHING
    emails: Raw = NOTHING


class _ProfileInfo(Struct):
    profile_id_list: Raw = NOTHING
    profile: _Profile | None = None


class _Entry(Struct):
    primary: bool | None = None
    profile_info: _ProfileInfo | None = None


_ENTRY, _NAME, _COUNTRY = loose(_Entry), loose(_Name), loose(_Country)
_ADDRESS, _TELEPHONE, _EMAIL = loose(_AddressInfo), loose(_TelephoneInfo), loose(_EmailInfo)
People = tuple[Guest | UnsetType, tuple[Guest, ...] | UnsetType]


def people(guests: Raw, at: str) -> People:
    """Read who booked and who comes along: the primary guest, or the first, and the others in their order.

    Unsaid when the answer has no guests at all.
    """
    if split(guests, at) is None:
        return UNSET, UNSET
    entries = [(entry, _person(entry, place)) for entry, place in each(_ENTRY, guests, at, "reservationGuest")]
    if not entries:
        return UNSET, ()
    first = next((number for number, (entry, _) in enumerate(entries) if entry.primary), 0)
    others = tuple([person for number, (_, person) in enumerate(entries) if number != first])
    return entries[first][1], others


def info_people(told: wire.GuestInfo | UnsetType | None, at: str) -> People:
    """Read them from a search row, which has the primary guest and the names of others."""
    if told is UNSET or told is None:
        return UNSET, UNSET
    booker = Guest(
        ref=None if told.id is None else str(told.id),
        first_name=_text(told.given_name),
        last_name=_text(told.surname) or _text(told.full_name),
        email=_text(told.email),
        phone=_text(told.phone_number),
        country=_country_of(told.address, f"{at}.address"),
        language=_text(told.language),
    )
    others = each(wire.ACCOMPANYING, told.accompany_guests, f"{at}.accompanyGuests")
    return booker, tuple([_accompanying(one, place) for one, place in others])


def _accompanying(told: wire.Accompanying, at: str) -> Guest:
    return Guest(
        ref=_profile_id(told.profile_id_list, f"{at}.profileIdList"),
        first_name=_text(told.first_name),
        last_name=_text(told.last_name) or _text(told.full_name),
    )


def _person(entry: _Entry, at: str) -> Guest:
    """Read one guest; what a profile that was asked for whole does not hold is empty there."""
    told, at = entry.profile_info or _ProfileInfo(), f"{at}.profileInfo"
    ref = _profile_id(told.profile_id_list, f"{at}.profileIdList")
    profile, at = told.profile, f"{at}.profile"
    if profile is None:
        return Guest(ref=ref)
    customer = profile.customer or _Customer()
    name = _name(customer, f"{at}.customer.personName")
    company = profile.company.company_name if profile.company else None
    return Guest(
        ref=ref,
        first_name=_text(name.given_name),
        last_name=_text(name.surname) or _text(company),
        email=_email(profile.emails, f"{at}.emails"),
        phone=_phone(profile.telephones, f"{at}.telephones"),
        country=_country(profile.addresses, f"{at}.addresses"),
        language=_text(customer.language),
    )


def _profile_id(identifiers: Raw, at: str) -> str | None:
    found = (one for one, _ in each(wire.IDENTIFIER, identifiers, at) if one.type == words.PROFILE)
    return next((str(one.id) for one in found if one.id is not None), None)


def _name(customer: _Customer, at: str) -> _Name:
    """Take the primary name; alternate ones are the same person's in other letters."""
    names = [one for one, _ in each(_NAME, customer.person_name, at)]
    return next((one for one in names if one.name_type == words.PRIMARY_NAME), names[0] if names else _Name())


def _email(raw: Raw, at: str) -> str | None:
    told = [one.email for one, _ in each(_EMAIL, raw, at, "emailInfo") if one.email is not None]
    best = sorted((one for one in told if _text(one.email_address)), key=lambda one: not one.primary_ind)
    return _text(best[0].email_address) if best else None


def _phone(raw: Raw, at: str) -> str | None:
    told = [one.telephone for one, _ in each(_TELEPHONE, raw, at, "telephoneInfo") if one.telephone is not None]
    best = sorted((one for one in told if _text(one.phone_number)), key=lambda one: not one.primary_ind)
    return _text(best[0].phone_number) if best else None


def _country(raw: Raw, at: str) -> str | None:
    told = [(one.address, f"{place}.address") for one, place in each(_ADDRESS, raw, at, "addressInfo") if one.address]
    ordered = sorted(told, key=lambda pair: not pair[0].primary_ind)
    codes = (_country_code(address.country, f"{place}.country") for address, place in ordered)
    return next((code for code in codes if code), None)


class _Place(Struct):
    country: Raw = NOTHING


_PLACE = loose(_Place)


def _country_of(raw: Raw, at: str) -> str | None:
    found = (_country_code(one.country, f"{place}.country") for one, place in each(_PLACE, raw, at))
    return next((code for code in found if code), None)


def _country_code(raw: Raw, at: str) -> str | None:
    """Read two letters: ISO's where it is told, else the hotel's own code as far as it is one."""
    whole = bytes(raw).strip()
    if whole[:1] == b'"':  # samples also write the bare code
        return country(msgspec.json.decode(whole) if b"\\" not in whole else None)
    found = (country(one.iso_code) or country(one.code) for one, _ in each(_COUNTRY, raw, at))
    return next((code for code in found if code), None)


def country(text: str | None) -> str | None:
    """Return an ISO 3166 alpha-2 code in upper case; None for anything else."""
    code = (text or "").strip().upper()
    code = _ALIASES.get(code, code)
    return code if _ALPHA_2.fullmatch(code) else None


def _text(value: str | None) -> str | None:
    return (kit.clean(value).strip() or None) if value else None
