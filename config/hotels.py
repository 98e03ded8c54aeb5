"""Hotel files: TOML in, frozen structs out, every fault of every file told at once (PUBLIC_SURFACE "Hotel files")."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from config import checks
from config.faults import Faults
from config.secrets import Credentials, Secret, read_credentials, read_secret
from config.shapes import read
from pms_sync.domain.events import NAMES

_UNSEEN = r"\x00-\x1f\x7f-\x9f"  # the database takes no NUL, and a terminal obeys the others
_LINE = rf"\A[^{_UNSEEN}]+\Z"
Code = Annotated[str, Meta(max_length=64, min_length=1, pattern=rf"\A[^\s{_UNSEEN}]([^{_UNSEEN}]*[^\s{_UNSEEN}])?\Z")]
VendorCode = Annotated[str, Meta(max_length=200, pattern=_LINE)]
Vendor = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]*\Z", max_length=64)]
Mirror = Literal["none", "changes", "stay", "block", "availability"]
MirrorKind = Literal["reservations", "guests", "room_status", "blocks", "folio", "ari"]
Owner = Literal["here", "there", "last_write_wins", "review"]
OwnedAtom = Annotated[str, Meta(pattern=r"\A[a-z_]+\.[a-z_]+\Z")]  # channel class, atom


class Crosswalk(msgspec.Struct, frozen=True):
    """A vendor's codes to ours, per kind."""

    room_type: dict[VendorCode, Code] = {}
    room: dict[VendorCode, Code] = {}
    rate_plan: dict[VendorCode, Code] = {}


class RoomType(msgspec.Struct, frozen=True):
    """What is sold: its physical rooms, how many may be sold beyond them, and who counts."""

    code: Code
    rooms: tuple[Code, ...] = ()
    allowance: Annotated[int, Meta(ge=0, le=1000)] = 0
    inventory_master: Vendor | None = None


class Account(msgspec.Struct, frozen=True):
    """One vendor login at one property; `credentials` are what `credentials_file` held."""

    vendor: Vendor
    role: Literal["pms", "channel_manager"]
    property_ref: Code
    mode: Literal["shadow", "live"] = "shadow"
    credentials_file: str | None = None
    crosswalk: Crosswalk = Crosswalk()
    mirror: dict[MirrorKind, Mirror] = {}
    ownership: dict[OwnedAtom, Owner] = {}
    credentials: Credentials = Credentials()


class Property(msgspec.Struct, frozen=True):
    """One hotel; its zone and currency are decided here and nowhere else."""

    code: Code
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=_LINE)]
    timezone: str
    currency: str
    room_types: tuple[RoomType, ...] = ()
    accounts: tuple[Account, ...] = ()


class Subscriber(msgspec.Struct, frozen=True):
    """Who is told of events; `secret` is what `secret_file` held, a Standard Webhooks secret (`whsec_…`)."""

    url: Annotated[str, Meta(max_length=2000, pattern=r"\A[!-~]*\Z")]
    secret_file: str
    topics: tuple[Annotated[str, Meta(pattern=r"\Apms(\.[a-z_]+)+\Z")], ...]
    secret: Secret = Secret("")


class HotelFile(msgspec.Struct, frozen=True):
    """One file: a tenant, its properties and subscribers."""

    tenant: Code
    properties: tuple[Property, ...] = ()
    subscribers: tuple[Subscriber, ...] = ()


AccountCheck = Callable[[Account, str, Faults], None]
"""Adds what is wrong with an account beyond the file itself; the text names its place and ends before the key."""


SubscriberCheck = Callable[[Subscriber, str, Faults], None]
"""The same for a subscriber."""


class Checks(NamedTuple):
    """What is asked, beyond the files, about every account and every subscriber that reads well by itself."""

    account: AccountCheck
    subscriber: SubscriberCheck


def _no_further_check(_declared: Account | Subscriber, _where: str, _faults: Faults) -> None:
    """The file alone decides."""


def load_hotels(
    folder: Path, check: AccountCheck = _no_further_check, check_subscriber: SubscriberCheck = _no_further_check
) -> tuple[HotelFile, ...]:
    """Read every *.toml of a folder, in the order of their names; raises one ConfigurationFault with all faults.

    `check` is asked about every account that reads well by itself, `check_subscriber` about every subscriber.
    """
    checks_of = Checks(check, check_subscriber)
    faults = Faults()
    if not folder.is_dir():
        faults.add("not a folder of hotel files", f"PMS_SYNC_CONFIG={folder}", "name a folder that holds *.toml files")
    files: dict[Path, HotelFile] = {}
    for path in sorted(folder.glob("*.toml")):
        found = _load(path, checks_of, faults)
        if found is not None:
            files[path] = found
    _check_across(files, faults)
    faults.raise_all("the hotel files")
    return tuple(files.values())


def _load(path: Path, check: Checks, faults: Faults) -> HotelFile | None:
    if path.exists() and not path.is_file():  # a pipe would keep us waiting
        faults.add("not a file", str(path), "move it away, or give it another name")
        return None
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        faults.add(f"cannot be read: {error.strerror}", str(path), "let this user read it")
    except UnicodeDecodeError:
        faults.add("not UTF-8", str(path), "save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        faults.add(f"not TOML: {error}", str(path), "correct the line")
    except (RecursionError, ValueError):  # nested without end, a number of thousands of digits
        faults.add("not TOML that anybody wrote", str(path), "correct the file")
    else:
        _refuse_inline_secrets(values, path, faults)
        hotel = read(HotelFile, values, f"{path}: ", faults)
        return hotel and _checked(hotel, path, check, faults)
    return None


def _refuse_inline_secrets(values: Mapping[str, object], path: Path, faults: Faults) -> None:
    """Take out what only this module may fill: credentials stand in files of their own."""
    for table, key in (("accounts", "credentials"), ("subscribers", "secret")):
        holders = [values, *(one for one in _tables(values.get("properties")))]
        for one in (row for holder in holders for row in _tables(holder.get(table))):
            if one.pop(key, None) is not None:
                faults.add(f"{key!r} stands in the file itself", f"{path}: {table}.{key}", f"use {key}_file")


def _tables(rows: object) -> list[dict[str, object]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _checked(hotel: HotelFile, path: Path, check: Checks, faults: Faults) -> HotelFile:
    """Check what a shape cannot say, and bring in what the file only points at."""
    properties = []
    for number, one in enumerate(hotel.properties):
        where = f"{path}: properties[{number}]."
        checks.zone(one.timezone, f"{where}timezone", faults)
        checks.currency(one.currency, f"{where}currency", faults)
        _check_rooms(one, where, faults)
        accounts = []
        for place, each in ((f"{where}accounts[{i}].", each) for i, each in enumerate(one.accounts)):
            _check_crosswalk(each, one, place, faults)
            accounts.append(_opened(each, path, place, check.account, faults))
        properties.append(msgspec.structs.replace(one, accounts=tuple(accounts)))
    subscribers = tuple(
        _subscriber(each, path, f"{path}: subscribers[{number}].", check.subscriber, faults)
        for number, each in enumerate(hotel.subscribers)
    )
    return msgspec.structs.replace(hotel, properties=tuple(properties), subscribers=subscribers)


def _check_rooms(one: Property, where: str, faults: Faults) -> None:
    checks.unique((each.code for each in one.room_types), "room type", f"{where}room_types", faults)
    rooms = (room for each in one.room_types for room in each.rooms)
    checks.unique(rooms, "room", f"{where}room_types", faults)
    checks.unique((f"{a.vendor} {a.property_ref}" for a in one.accounts), "account", f"{where}accounts", faults)
    vendors = {"here", *(account.vendor for account in one.accounts)}
    for number, each in enumerate(one.room_types):
        if each.inventory_master is not None:
            place = f"{where}room_types[{number}].inventory_master"
            checks.known([each.inventory_master], vendors, "inventory master", place, faults)


def _opened(account: Account, path: Path, where: str, check: AccountCheck, faults: Faults) -> Account:
    """Read the credentials of an account, and have it checked where they could be read."""
    known = len(faults.found)
    if account.credentials_file is not None:
        found = read_credentials(path.parent / account.credentials_file, f"{where}credentials_file", faults)
        account = msgspec.structs.replace(account, credentials=found)
    if len(faults.found) == known:
        check(account, where, faults)
    return account


def _check_crosswalk(account: Account, of: Property, where: str, faults: Faults) -> None:
    types = {each.code for each in of.room_types}
    rooms = {room for each in of.room_types for room in each.rooms}
    checks.known(account.crosswalk.room_type.values(), types, "room type", f"{where}crosswalk.room_type", faults)
    checks.known(account.crosswalk.room.values(), rooms, "room", f"{where}crosswalk.room", faults)


def _subscriber(subscriber: Subscriber, path: Path, where: str, check: SubscriberCheck, faults: Faults) -> Subscriber:
    """Read the secret of a subscriber, and have it checked where all of it could be read."""
    known = len(faults.found)
    checks.web_address(subscriber.url, f"{where}url", faults)
    checks.known(subscriber.topics, NAMES, "topic", f"{where}topics", faults)
    if not subscriber.topics:
        faults.add("no topic is named", f"{where}topics", f"name some of: {', '.join(sorted(NAMES))}")
    found = read_secret(path.parent / subscriber.secret_file, f"{where}secret_file", faults)
    if found.reveal():
        checks.signing_secret(found.reveal(), f"{where}secret_file", faults)
    subscriber = msgspec.structs.replace(subscriber, secret=found)
    if len(faults.found) == known:
        check(subscriber, where, faults)
    return subscriber


def _check_across(files: Mapping[Path, HotelFile], faults: Faults) -> None:
    """A property of a tenant stands in one place only, and a subscriber's address says one thing."""
    _check_addresses(files, faults)
    first: dict[tuple[str, str], Path] = {}
    for path, hotel in files.items():
        for number, one in enumerate(hotel.properties):
            other = first.setdefault((hotel.tenant, one.code), path)
            again = other is not path or one.code in [each.code for each in hotel.properties[:number]]
            if again:
                what = f"property {one.code!r} of tenant {hotel.tenant!r} stands in {other.name} already"
                faults.add(what, f"{path}: properties[{number}].code", "keep one of the two, or give it its own code")


def _check_addresses(files: Mapping[Path, HotelFile], faults: Faults) -> None:
    first: dict[tuple[str, str], tuple[Path, tuple[str, list[str]]]] = {}
    for path, hotel in files.items():
        for number, one in enumerate(hotel.subscribers):
            said = (one.secret.reveal(), sorted(one.topics))
            other, before = first.setdefault((hotel.tenant, one.url), (path, said))
            if said != before:
                what = f"the address stands in {other.name} already, with other topics or another secret"
                faults.add(what, f"{path}: subscribers[{number}].url", "name it once, with all its topics")
