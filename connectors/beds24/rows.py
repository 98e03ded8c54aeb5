"""Pure reading of Beds24 answers: windows as parameters, rows as records, a property as catalogue, scopes as words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from connectors.beds24 import wire
from connectors.kit.rest import Refused
from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import (
    CatalogueRatePlan,
    CatalogueRoom,
    CatalogueRoomType,
    Record,
    RejectedRow,
    Window,
)

T = TypeVar("T")
Pairs = list[tuple[str, str]]

_SECOND, _TICK = timedelta(seconds=1), timedelta(microseconds=1)
_REF_DIGITS = 18


def window_query(window: Window) -> Pairs:
    """Write a window as filter: stays by arrival for the snapshot dimension, changes for anything else."""
    return _arrivals(window) if window.dimension == wire.ARRIVAL else _changes(window)


def _changes(window: Window) -> Pairs:
    """Ask one second wider on both sides: whether the bounds are inclusive is not stated (vendors/beds24.md 5.2).

    A window that reaches the present has no upper bound: only the vendor knows what its clock shows.
    """
    since = ("modifiedFrom", wall(window.start.astimezone(UTC) - _SECOND))
    if window.open_ended:
        return [since]
    return [since, ("modifiedTo", wall(window.end.astimezone(UTC) + _SECOND))]


def wall(instant: datetime) -> str:
    """Write the documented form, without a zone."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S")


def _arrivals(window: Window) -> Pairs:
    """Turn `[start, end)` into two inclusive dates."""
    first, last = window.start.astimezone(UTC).date(), (window.end.astimezone(UTC) - _TICK).date()
    return [("arrivalFrom", first.isoformat()), ("arrivalTo", last.isoformat())]


def is_ref(text: str) -> bool:
    """Tell whether a text is a Beds24 id; anything else would spoil the whole call with a 400."""
    return text.isascii() and text.isdigit() and len(text) <= _REF_DIGITS and not text.startswith("0")


def record(row: bytes) -> Record:
    """Read the key of a booking; raises ValueError or RecursionError when it has none."""
    key = wire.KEY.decode(row)
    version = key.modified_time or key.booking_time or ""
    return Record(
        stream=wire.RESERVATIONS, ref=str(key.id), property_ref=str(key.property_id), body=row, version=version
    )


def fetched(row: bytes, property_ref: str) -> Record:
    """Read a booking that was asked for by id; an odd one that has a name goes on, for the mapper to park it."""
    try:
        return record(row)
    except (ValueError, RecursionError):
        pass
    try:
        ref = str(wire.LOOSE_KEY.decode(row).id)
    except (ValueError, RecursionError):
        what = "a row does not say which booking it is"
        raise incomplete(what) from None
    return Record(stream=wire.RESERVATIONS, ref=ref, property_ref=property_ref, body=row)


def sorted_out(rows: Iterable[bytes]) -> tuple[list[Record], tuple[RejectedRow, ...]]:
    """Sort a page into records and rows that cannot be read as one."""
    records: list[Record] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            records.append(record(row))
        except (ValueError, RecursionError) as error:
            why, _, path = str(error).partition(" - at ")
            rejected.append(RejectedRow(body=row, path=path.strip("`") or "$", why=why.replace("`", "")))
    return records, tuple(rejected)


def instant(text: str) -> datetime | None:
    """Read a time of the wire; None when it is none, or has no zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def newest(records: Iterable[Record]) -> datetime | None:
    """Return the newest time of change among records."""
    times = (instant(record.version) for record in records)
    return max((time for time in times if time is not None), default=None)


def property_record(row: bytes, property_ref: str) -> Record:
    """Keep a property without its webhook settings, which hold our secret."""
    told = _KEYS.decode(row)
    told.pop("webhooks", None)
    body = msgspec.json.encode(told)
    return Record(stream=wire.CATALOGUE, ref=property_ref, property_ref=property_ref, body=body)


_KEYS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_all(rows: Iterable[msgspec.Raw], decoder: msgspec.json.Decoder[T], where: str) -> list[T]:
    """Read every row of a small list; raises Refused when one has another shape than documented."""
    try:
        return [decoder.decode(row) for row in rows]
    except (ValueError, RecursionError) as error:
        what = f"a row has another shape than documented: {error}"
        raise Refused(what, where) from None


def room_type(room: wire.RoomType) -> CatalogueRoomType:
    """Name a room type and its units; units without details are numbered from 1 (vendors/beds24.md 6.1)."""
    units = room.units or [wire.Unit(id=number) for number in range(1, room.qty + 1)]
    rooms = tuple(CatalogueRoom(ref=f"{room.id}/{unit.id}", name=unit.name or None) for unit in units)
    return CatalogueRoomType(ref=str(room.id), name=room.name, units=room.qty or len(units), rooms=rooms)


def rate_plans(place: wire.Property) -> tuple[CatalogueRatePlan, ...]:
    """List the offers by number, each once, under the first name found; bookings name them by number only."""
    names: dict[int, str | None] = {}
    for offer in _offers(place):
        if offer.offer_id:
            number = int(offer.offer_id)
            names[number] = names.get(number) or offer.name or None
    return tuple(CatalogueRatePlan(ref=str(number), name=names[number]) for number in sorted(names))


def _offers(place: wire.Property) -> Iterator[wire.Offer]:
    yield from place.offers or ()
    for room in place.room_types or ():
        yield from room.offers or ()


def without_nothing(settings: wire.Webhooks) -> dict[str, str]:
    """Write settings as the vendor spells them, leaving out what is not known: null might empty it."""
    told: dict[str, str | None] = msgspec.to_builtins(settings)
    return {name: text for name, text in told.items() if text is not None}


def grants(scopes: Sequence[str], scope: str) -> bool:
    """Tell whether a scope is held, by itself or through `all:`."""
    return scope in scopes or f"all:{scope.partition(':')[2]}" in scopes


def missing_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """List the scopes that reading needs and the token lacks."""
    return tuple(scope for scope in wire.NEEDED_SCOPES if not grants(scopes, scope))


def detail(missing: Sequence[str], seen: Sequence[wire.Property], property_ref: str) -> str:
    """Say in one line what stands in the way, or that nothing does."""
    told = []
    if missing:
        told.append(f"missing scopes: {', '.join(missing)}; make a new invite code with them ticked")
    if "read:properties" not in missing and property_ref not in {str(place.id) for place in seen}:
        told.append(f"property {property_ref} is not among the {len(seen)} the token sees")
    return "; ".join(told) or "ok"


def incomplete(what: str) -> VendorFault:
    """Say that nothing may be concluded from what is absent."""
    remedy = "read again; absence counts only in a complete answer"
    return VendorFault(what, "GET /bookings", remedy, disposition=Disposition.ABORT)
