"""Profiles as they stand inside a reservation and on their own (vendors/opera.md 6.2 and 7.4)."""

from __future__ import annotations

from collections.abc import Collection

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator.query import instructions
from connectors.opera.simulator.quirks import Dress, told

# The list of the operation in the vendor's API file.
INSTRUCTIONS = instructions(
    """
    Address Communication Comment Membership Preference Keyword Correspondence Profile Indicators SalesInfo Relationship
    Subscriptions DeliveryMethods GdsNegotiatedRate NegotiatedRate HistoryReservation FutureReservation WebUserAccount
    """
)
PARAMETERS = {"fetchInstructions": INSTRUCTIONS}


def blank_profile(profile_id: str, now: str) -> Row:
    """Return a new guest profile without a word in it."""
    words = ("givenName", "surname", "email", "phone", "country", "language")
    return {"id": profile_id, **dict.fromkeys(words), "createDateTime": now, "lastModifyDateTime": now, "extra": {}}


def nested_profile(profile: Row, dress: Dress) -> Row:
    """Return a guest's profile as the single read of a reservation shows it."""
    return told({**_person(profile), **_contact(profile, dress), "profileType": "Guest"})


def document(profile: Row, asked: Collection[str], dress: Dress) -> Row:
    """Return a profile as the profile read shows it; address and communication only when asked for."""
    wanted = frozenset(asked) or frozenset({"Profile"})
    contact = _contact(profile, dress)
    details = told(
        {
            **_person(profile),
            "addresses": contact["addresses"] if "Address" in wanted else None,
            "telephones": contact["telephones"] if "Communication" in wanted else None,
            "emails": contact["emails"] if "Communication" in wanted else None,
            "profileType": "Guest",
            "statusCode": "Active",
            "createDateTime": dress.time(profile["createDateTime"]),
            "lastModifyDateTime": dress.time(profile["lastModifyDateTime"]),
        }
    )
    return {"profileIdList": [{"id": profile["id"], "type": "Profile"}], "profileDetails": details | profile["extra"]}


def _person(profile: Row) -> Row:
    name = told({"givenName": profile["givenName"], "surname": profile["surname"], "nameType": "Primary"})
    names = [name, *([{"surname": "Incognito", "nameType": "Incognito"}] if int(profile["id"]) % 7 == 0 else [])]
    return {"customer": told({"personName": names[::-1], "language": profile["language"]})}


def _contact(profile: Row, dress: Dress) -> Row:
    """Return addresses, telephones and e-mail addresses; each is a list with one primary entry."""
    key = profile["id"]
    country = {"code": profile["country"], "isoCode": profile["country"]}
    address = {"country": country, "type": "HOME", "primaryInd": True}
    phone = {"phoneNumber": profile["phone"], "phoneTechType": "PHONE", "phoneUseType": "HOME", "primaryInd": True}
    email = {"emailAddress": profile["email"], "type": "EMAIL", "primaryInd": True}
    address_info, phone_info, email_info = (
        {kind.lower(): part, "id": f"{key}{place}", "type": kind if kind != "Telephone" else "Communication"}
        for place, (kind, part) in enumerate((("Address", address), ("Telephone", phone), ("Email", email)), start=1)
    )
    return {
        "addresses": {"addressInfo": dress.rows([address_info])} if profile["country"] else {},
        "telephones": {"telephoneInfo": dress.rows([phone_info])} if profile["phone"] else {},
        "emails": {"emailInfo": dress.rows([email_info])} if profile["email"] else {},
    }
