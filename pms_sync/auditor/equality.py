"""Equality: one object of the vendor's against ours, field by field; money by value, contact data by its presence.

Everything here is I4 but the version, which is I3: a store that stands behind the vendor's version lost an update.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from msgspec import UNSET, UnsetType

from pms_sync.auditor.books import Books
from pms_sync.auditor.report import Difference, difference
from pms_sync.auditor.store import Row
from pms_sync.auditor.truth import Account, Block, Night, Person, Revision, Stay

_OF_RESERVATION = (
    "status hold_kind vendor_status blocks_inventory guaranteed channel vendor_channel channel_reference "
    "currency total price_basis created_at"
).split()
_OF_STAY = "status arrival departure room_type_ref room_ref rate_plan_ref adults children total".split()
_OF_SHARED = "status arrival departure".split()
_OF_BLOCK = "arrival departure kind gone room_type_ref room_ref".split()
_OF_PERSON = ("country", "language")
_CONTACT = {"email": "has_email", "phone": "has_phone"}
_NOBODY: Mapping[str, object] = {"has_email": False, "has_phone": False, "country": None, "language": None}


def reservation_differences(account: Account, revision: Revision, row: Row, books: Books) -> Iterator[Difference]:
    """Compare what is the reservation's own; its stays, and its bill, are compared apart."""
    yield from _fields(revision.ref, "", revision, row, _OF_RESERVATION)
    people = books.guests_of.get(row["id"], [])
    yield from _booker(revision, [one for one in people if one["role"] == "booker"])
    yield from _companions(revision, [one for one in people if one["role"] == "guest"])
    yield from _quarantine(account, revision, row, books)


def stay_differences(account: Account, revision: Revision, stay: Stay, row: Row, books: Books) -> Iterator[Difference]:
    """Compare a room stay with its nights and with what the crosswalk makes of its codes."""
    at = stay_path(stay.ref)
    if row.get("shared"):  # another account tells it: prices and codes are that vendor's
        yield from _fields(revision.ref, f"{at}.", stay, row, _OF_SHARED)
        yield from _codes(account, revision.ref, f"{at}.", stay, row, books)
        return
    yield from _fields(revision.ref, f"{at}.", stay, row, _OF_STAY)
    yield from _codes(account, revision.ref, f"{at}.", stay, row, books)
    ours = books.our_code(account, "rate_plan", _text(stay.rate_plan_ref))
    if row["rate_plan"] != ours:
        yield difference("I4", revision.ref, f"{at}.rate_plan", there=ours, here=row["rate_plan"])
    yield from _nights(revision.ref, at, stay, row["nights"])


def block_differences(account: Account, block: Block, row: Row, books: Books) -> Iterator[Difference]:
    """Compare a block; of a gone one only that it is gone."""
    if block.gone:
        if not row["gone"]:
            yield difference("I4", block.ref, "gone", there=True, here=False)
        return
    yield from _fields(block.ref, "", block, row, _OF_BLOCK)
    yield from _codes(account, block.ref, "", block, row, books)


def behind(revision: Revision, seen: str | None) -> Iterator[Difference]:
    """Compare the vendor's version with the newest that the store took in."""
    if seen is not None and _is_older(seen, revision.version):
        yield difference("I3", revision.ref, "version", there=revision.version, here=seen)


def stay_path(ref: str) -> str:
    """Return the path of a room stay within its reservation."""
    return f"room_stays[{ref}]"


def _fields(ref: str, prefix: str, said: object, row: Row, names: Iterable[str]) -> Iterator[Difference]:
    for name in names:
        there = getattr(said, name)
        if there is not UNSET and _comparable(there) != _comparable(row[name]):
            yield difference("I4", ref, f"{prefix}{name}", there=there, here=row[name])


def _comparable(value: object) -> object:
    """Bring texts to the form in which PostgreSQL can hold them; an empty text says nothing."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).replace("\0", "") or None
    return value


def _text(value: str | UnsetType | None) -> str | None:
    return value if isinstance(value, str) else None


def _codes(account: Account, ref: str, prefix: str, said: Stay | Block, row: Row, books: Books) -> Iterator[Difference]:
    """Compare our codes; one that the hotel does not have yet cannot be stored."""
    for kind, code in (("room_type", _text(said.room_type_ref)), ("room", _text(said.room_ref))):
        ours = books.our_code(account, kind, code)
        if row[kind] != ours and (ours is None or books.sells(account, kind, ours)):
            yield difference("I4", ref, f"{prefix}{kind}", there=ours, here=row[kind])


def _nights(ref: str, at: str, stay: Stay, rows: Iterable[Row]) -> Iterator[Difference]:
    """Compare night by night: each date of the range once, with the vendor's price where it gave one."""
    dates = {str(stay.arrival + timedelta(days=day)) for day in range((stay.departure - stay.arrival).days)}
    priced = {} if isinstance(stay.nights, UnsetType) else {str(night.date): night for night in stay.nights}
    held = {row["date"]: row for row in rows}
    priced = {} if _has_own_prices(priced, held) else priced
    for night in sorted(dates | held.keys()):
        path = f"{at}.nights[{night}]"
        if night not in held or night not in dates:
            yield difference("I4", ref, path, there=night in dates, here=night in held)
            continue
        if night in priced:
            yield from _night(ref, path, priced[night], held[night])


def _has_own_prices(priced: Mapping[str, Night], held: Mapping[str, Row]) -> bool:
    """Tell whether our prices are more than the vendor can hold, who only splits the same total evenly."""
    if not priced or priced.keys() != held.keys() or any(one.derived is not True for one in priced.values()):
        return False
    ours = {night: Decimal(row["price"]) for night, row in held.items() if row["price"] is not None}
    theirs = {night: one.price for night, one in priced.items() if isinstance(one.price, Decimal)}
    whole = len(ours) == len(theirs) == len(held) and not any(row["derived"] for row in held.values())
    return whole and ours != theirs and sum(ours.values()) == sum(theirs.values())


def _night(ref: str, path: str, said: Night, row: Row) -> Iterator[Difference]:
    price = None if row["price"] is None else Decimal(row["price"])
    if said.price is not UNSET and said.price != price:
        yield difference("I4", ref, f"{path}.price", there=said.price, here=price)
    if said.derived is not UNSET and said.derived != row["derived"]:
        yield difference("I4", ref, f"{path}.derived", there=said.derived, here=row["derived"])


def _booker(revision: Revision, rows: list[Row]) -> Iterator[Difference]:
    if isinstance(revision.booker, Person):
        yield from _person(revision.ref, "booker", revision.booker, rows[0] if rows else _NOBODY)


def _companions(revision: Revision, rows: list[Row]) -> Iterator[Difference]:
    """Compare the guests by the vendor's refs, or by their places where they have none."""
    if isinstance(revision.guests, UnsetType):
        return
    ordered = sorted(rows, key=lambda row: row["position"])
    held = {row["vendor_ref"] or str(place): row for place, row in enumerate(ordered)}
    said = {_text(guest.ref) or str(place): guest for place, guest in enumerate(revision.guests)}
    for name in sorted(said.keys() | held.keys()):
        if name in said and name in held:
            yield from _person(revision.ref, f"guests[{name}]", said[name], held[name])
        else:
            yield difference("I4", revision.ref, f"guests[{name}]", there=name in said, here=name in held)


def _person(ref: str, at: str, said: Person, row: Row) -> Iterator[Difference]:
    """Compare a person; one who was erased here stays erased, whatever the vendor still knows."""
    if row.get("erased"):
        return
    yield from _fields(ref, f"{at}.", said, row, _OF_PERSON)
    for name, shown in _CONTACT.items():
        there = getattr(said, name)
        if there is not UNSET and bool(there) != row[shown]:
            yield difference("I4", ref, f"{at}.{shown}", there=bool(there), here=row[shown])


def _quarantine(account: Account, revision: Revision, row: Row, books: Books) -> Iterator[Difference]:
    """Demand that a room type nobody mapped is seen by somebody."""
    codes = {_text(stay.room_type_ref) for stay in revision.room_stays} - {None}
    unmapped = [code for code in sorted(codes, key=str) if books.our_code(account, "room_type", code) is None]
    for code in unmapped:
        subject = f"{account.account_id}:room_type:{code}"
        if not (row["quarantined"] and books.has_case("mapping_missing", subject)):
            yield difference("I4", revision.ref, "quarantined", there=f"room type {code} is not mapped", here=False)


def _is_older(one: str, other: str) -> bool:
    """Compare versions as instants or numbers where both are, else as text."""
    for reading in (datetime.fromisoformat, Decimal):
        try:
            return reading(one) < reading(other)  # type: ignore[operator]
        except (ValueError, TypeError, InvalidOperation):
            continue
    return one < other
