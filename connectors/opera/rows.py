"""Pure reading of Opera's lists: windows as parameters, rows as sightings, rooms as catalogue, repairs as records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, timedelta

import msgspec

from connectors.opera import facts, wire
from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import (
    CatalogueRatePlan,
    CatalogueRoom,
    CatalogueRoomType,
    Record,
    RejectedRow,
    Sighting,
    Window,
)

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_HOTEL = re.compile(r"[A-Za-z0-9._-]{1,20}")
_REF = re.compile(r"[1-9][0-9]{0,18}")
_ROOM = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,19}")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|[+-]\d{2}:?\d{2})?")
_OFFSET = re.compile(r"[0-9]{1,7}")
_DAY_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2})/([0-9]{1,7})")
_RESERVATION = "Reservation"


def is_hotel(text: str) -> bool:
    """Tell whether a text can be a hotel code."""
    return _HOTEL.fullmatch(text) is not None


def is_ref(text: str) -> bool:
    """Tell whether a text is an internal reservation id; anything else is refused with a 400 (3: GEN01278)."""
    return _REF.fullmatch(text) is not None


def is_room(text: str) -> bool:
    """Tell whether a text can be the number of a room."""
    return _ROOM.fullmatch(text) is not None


def days(window: Window) -> tuple[date, date]:
    """Return the first and the last day of `[start, end)`."""
    return window.start.astimezone(UTC).date(), (window.end.astimezone(UTC) - _TICK).date()


class Place(msgspec.Struct, frozen=True):
    """Where in a listing a page begins: an offset, and the day where a listing goes day by day."""

    offset: int
    day: date | None = None

    def token(self) -> str:
        """Write the place as a page token."""
        return str(self.offset) if self.day is None else f"{self.day}/{self.offset}"


def place_of(page: str | None, window: Window) -> Place:
    """Read a page token; raises VendorFault (ABORT) for one that is not ours."""
    first, last = days(window)
    daily = window.dimension in facts.DAY_FILTERS
    if page is None:
        return Place(0, first if daily else None)
    found = (_DAY_OFFSET if daily else _OFFSET).fullmatch(page)
    try:
        place = (
            None if found is None else Place(int(found[2]), date.fromisoformat(found[1])) if daily else Place(int(page))
        )
    except ValueError:
        place = None
    if place is None or not (place.day is None or first <= place.day <= last):
        what = f"{page[:40]!r} is no page of this listing"
        raise VendorFault(what, "page", "the window is read from its beginning", disposition=Disposition.ABORT)
    return place


def following(place: Place, window: Window, count: int, size: int, told: wire.Paged) -> Place | None:
    """Return where the next page begins, None after the last one of the last day."""
    if has_more(place.offset, count, size, told):
        return Place(place.offset + count, place.day)
    if place.day is None or place.day >= days(window)[1]:
        return None
    return Place(0, place.day + _DAY)


def has_more(offset: int, count: int, size: int, told: wire.Paged) -> bool:
    """Tell by our own count whether a page follows, since their words contradict (5).

    A short page is the last one unless `hasMore` and the total both say otherwise: an official sample promises more
    behind three of three rows. A full one is the last only where both say so.
    """
    reached, total = offset + count, told.total_results
    over = total is not None and reached >= total
    if count >= size:
        return not (over and told.has_more is False)
    return count > 0 and bool(told.has_more) and not over


def version_of(text: str | None) -> str:
    """Write a time of change so that versions sort as text, the same in every list and as the mapper writes it (5).

    The zone is left out, since nearly no answer has one; a day without a time tells no version.
    """
    found = _MOMENT.fullmatch((text or "").strip())
    if found is None:
        return ""
    fraction = (found[3] or "").rstrip("0")
    return f"{found[1]}T{found[2]}{'.' + fraction if fraction else ''}"


def sightings(rows: Iterable[bytes], hotel: str) -> tuple[tuple[Sighting, ...], tuple[RejectedRow, ...]]:
    """Read which reservations a page names; rows of another hotel mean an ignored filter (5) and are left out."""
    found: dict[str, Sighting] = {}
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            told = wire.ROW.decode(row)
            ref = reservation_id(told.reservation_id_list)
        except (ValueError, RecursionError) as error:
            why, _, path = str(error).partition(" - at ")
            rejected.append(RejectedRow(body=row, path=path.strip("`") or "$", why=why.replace("`", "")))
            continue
        if ref is None:
            why = "no reservation id that is a number"
            rejected.append(RejectedRow(body=row, path="$.reservationIdList", why=why))
        elif told.hotel_id in {None, hotel}:
            changed = told.last_modify_date_time or (told.reservation_dates or wire.Dates()).last_modify_date_time
            found[ref] = Sighting(ref, version_of(changed))
    return tuple(found.values()), tuple(rejected)


def reservation_id(identifiers: msgspec.Raw) -> str | None:
    """Find the internal id among others by its type (5); raises ValueError for a list of another shape."""
    found = (str(one.id) for one in wire.each(identifiers, wire.IDENTIFIER) if one.type == _RESERVATION)
    return next((one for one in found if is_ref(one)), None)


def record(row: bytes, asked: str, hotel: str) -> Record | None:
    """Keep a reservation that was asked for by id; None for another one's row.

    One whose other fields cannot be read goes on under the id it was asked for by, for the mapper to park it.
    """
    try:
        told = wire.ROW.decode(row)
        ref, place, changed = reservation_id(told.reservation_id_list), told.hotel_id, told.last_modify_date_time
    except (ValueError, RecursionError):
        ref, place, changed = asked, None, None
    if (ref or asked) != asked:
        return None
    return Record(
        stream=facts.RESERVATIONS, ref=asked, property_ref=place or hotel, body=row, version=version_of(changed)
    )


def rooms(answer: wire.RoomLists) -> list[bytes]:
    """Return the rooms of any module's list, still raw."""
    overview = answer.housekeeping_room_info or wire.Overview()
    wrapped = [overview.housekeeping_rooms, answer.housekeeping_rooms, answer.hotel_rooms_details]
    found = [*(one for one in wrapped if one is not None), *wire.each(answer.rooms, wire.ROOMS)]
    return [row for one in found for row in wire.many(one.room)]


def paging(answer: wire.RoomLists) -> wire.Paged:
    """Return what a list of rooms says of its pages, wherever it says it."""
    return answer.housekeeping_room_info or answer


def room_types(rows: Iterable[bytes]) -> tuple[CatalogueRoomType, ...]:
    """Group rooms under their types; posting masters and meeting rooms are nobody's bed."""
    names: dict[str, str | None] = {}
    numbers: dict[str, dict[str, None]] = {}
    for row in rows:
        room = wire.ROOM.decode(row)
        kind, number = room.room_type or wire.Kind(), room.room_id or room.room_number
        if not kind.room_type or not number or not _is_for_stays(room):
            continue
        names.setdefault(kind.room_type, kind.short_description)
        numbers.setdefault(kind.room_type, {})[number] = None
    return tuple(
        CatalogueRoomType(
            ref=code,
            name=names[code],
            units=len(numbers[code]),
            rooms=tuple(CatalogueRoom(ref=number) for number in numbers[code]),
        )
        for code in sorted(names)
    )


def _is_for_stays(room: wire.Room) -> bool:
    kind = room.room_type or wire.Kind()
    return not (kind.pseudo_room or kind.pseudo or room.meeting_room)


def standing(rows: Iterable[bytes], hotel: str) -> Iterator[Record]:
    """Make a record of how each room stands: the room as it came, without whoever is in it, and the board's hotel."""
    for row in rows:
        room = wire.ROOM.decode(row)
        number = room.room_id or room.room_number
        if number and _is_for_stays(room):
            fields = {name: one for name, one in _KEYS.decode(row).items() if name not in facts.NEVER_KEPT_OF_ROOMS}
            body = msgspec.json.encode({"hotelId": hotel, **fields})
            yield Record(stream=facts.ROOM_STATUS, ref=number, property_ref=hotel, body=body)


def rate_plans(answer: wire.Plans) -> tuple[CatalogueRatePlan, ...]:
    """List the rate plans by code."""
    found = {plan.rate_plan_code: _name(plan) for plan in wire.each(answer.rate_plans, wire.PLAN)}
    return tuple(CatalogueRatePlan(ref=code, name=name) for code, name in sorted(found.items()) if code)


def _name(plan: wire.Plan) -> str | None:
    if plan.primary_details is None:
        return None
    text = next(iter(wire.each(plan.primary_details.description, wire.TEXT)), wire.Text())
    return text.default_text or text.value


def repairs(rows: Iterable[bytes], hotel: str) -> Iterator[Record]:
    """Cut rooms into records of one repair each: the room as it came, with that repair alone, and the list's hotel."""
    for row in rows:
        room = wire.ROOM.decode(row)
        number = room.room_id or room.room_number
        for repair in wire.many(room.out_of_order):
            told = wire.REPAIR.decode(repair)
            if number and told.room_repair_id is not None and told.room_repair_id.id is not None:
                body = msgspec.json.encode({"hotelId": hotel, **_KEYS.decode(row), "outOfOrder": [msgspec.Raw(repair)]})
                ref = f"{number}/{told.room_repair_id.id}"
                yield Record(stream=facts.BLOCKS, ref=ref, property_ref=hotel, body=body)


_KEYS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def repair_windows(today: date) -> Sequence[tuple[date, date]]:
    """Return the stretches in which a repair is looked for by its name alone, the nearest first."""
    first, last = today - facts.REPAIRS_BACK, today + facts.REPAIRS_AHEAD
    step = facts.LONGEST_REPAIRS
    starts = [first + step * number for number in range((last - first) // step)]
    return sorted(((one, one + step - _DAY) for one in starts), key=lambda ends: abs(ends[0] - today))
