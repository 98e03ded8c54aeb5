"""What every shape of an Opera reservation tells alike: which one it is, its status, its times, who holds the room."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET, Raw

from mappers import kit
from mappers.opera import wire, words
from mappers.opera.reading import Moment, each, moment
from pms_sync.domain.reservation import Revision, Stay
from pms_sync.domain.stay import StayRange

Row = wire.Reservation | wire.ReservationInfo


class Head(NamedTuple):
    """The identity and state of a reservation."""

    ref: str
    word: str
    meaning: words.Meaning
    changed: Moment
    created: Moment | None
    takes_room: bool


class Place(NamedTuple):
    """What is sold, in the vendor's codes."""

    room_type: str | None
    room: str | None
    rate_plan: str | None


def head_of(row: Row, zone: str, at: str, *, share: str | None = None, pseudo: bool = False) -> Head:
    """Read a head; raises MappingRejected for unknown words, and without an id or a time of change.

    `share` is the vendor's word for the part in a shared room, `pseudo` says that the room is a posting master.
    """
    ref = _ref(row.reservation_id_list, f"{at}.reservationIdList")
    created = None if row.create_date_time is None else moment(row.create_date_time, f"{at}.createDateTime", zone)
    return Head(
        ref=ref,
        word=row.reservation_status,
        meaning=_meaning(row, at),
        changed=_changed(row, created, zone, at),
        created=created,
        takes_room=not pseudo and _holds_room(row.shared_guests, ref, share, at),
    )


def stays_of(head: Head, dates: StayRange, place: Place, units: int, codes: kit.Codes) -> list[Stay]:
    """Make a stay for each unit; the first has the reservation's own ref, by which it is known again after a split.

    Rooms are assigned after the split (6.4), so several units have none.
    """
    room = place.room if units == 1 else None
    return [
        Stay(
            ref=head.ref if unit == 1 else f"{head.ref}/{unit}",
            room_type_ref=place.room_type,
            room_ref=room,
            rate_plan_ref=place.rate_plan,
            room_type=codes.ours("room_type", place.room_type),
            room=codes.ours("room", room),
            rate_plan=codes.ours("rate_plan", place.rate_plan),
            arrival=dates.arrival,
            departure=dates.departure,
            status=head.meaning.status,
            hold_kind=head.meaning.hold_kind,
            blocks_inventory=head.meaning.blocks_inventory and head.takes_room,
            vendor_status=head.word,
        )
        for unit in range(1, units + 1)
    ]


def revision_of(head: Head, property_ref: str, stays: tuple[Stay, ...]) -> Revision:
    """Begin a revision; what only one shape tells is added by it."""
    times = {"created_at": head.created, "modified_at": head.changed}
    return Revision(
        vendor=words.VENDOR,
        ref=head.ref,
        property_ref=property_ref,
        version=head.changed.version,
        scope="reservation",
        siblings_complete=True,
        status=head.meaning.status,
        vendor_status=head.word,
        hold_kind=head.meaning.hold_kind,
        blocks_inventory=head.meaning.blocks_inventory and head.takes_room,
        guaranteed=None,  # guarantee codes are each hotel's own (6.2)
        room_stays=stays,
        created_at=UNSET if head.created is None else head.created.instant,
        modified_at=head.changed.instant,
        ambiguous=tuple(name for name, told in times.items() if told is not None and told.ambiguous),
    )


def code(value: str | None) -> str | None:
    """Read a code: clean, and nothing where it is empty."""
    return (kit.clean(value).strip() or None) if value else None


def _ref(identifiers: Raw, at: str) -> str:
    """Find the internal id among others by its type, never by its place (5)."""
    found = (str(one.id) for one, _ in each(wire.IDENTIFIER, identifiers, at) if one.type == words.RESERVATION)
    ref = next((one for one in found if words.is_ref(one)), None)
    if ref is None:
        raise kit.absent(at, "no reservation id that is a number")
    return ref


def _meaning(row: Row, at: str) -> words.Meaning:
    """Look the stored status up, and see that the computed one is a word we know.

    The computed one moves with the business date alone, so it is no news about the reservation (6.1).
    """
    told = {
        "reservationStatus": row.reservation_status,
        "computedReservationStatus": row.computed_reservation_status,
    }
    for name, word in told.items():
        if word is not None and word not in words.STATUSES:
            raise kit.rejected(f"{at}.{name}", word, "unknown status", words.SHOWN)
    return words.STATUSES[row.reservation_status]


def _changed(row: Row, created: Moment | None, zone: str, at: str) -> Moment:
    """Take the time of the last change, which is the version; creation counts as a change."""
    if row.last_modify_date_time is not None:
        return moment(row.last_modify_date_time, f"{at}.lastModifyDateTime", zone)
    if created is None:
        raise kit.absent(f"{at}.lastModifyDateTime", "no time of change to tell versions apart")
    return created


def _holds_room(shared: Raw, ref: str, share: str | None, at: str) -> bool:
    """Tell which of the reservations that share a room holds it: the primary one, else the one of the lowest id.

    The others would count the same room again. Nights on which only they stay are not counted: which ones those are,
    this record does not tell.
    """
    others = [
        str(one.reservation_id.id)
        for one, _ in each(wire.SHARED, shared, f"{at}.sharedGuests")
        if one.reservation_id is not None and words.is_ref(str(one.reservation_id.id))
    ]
    if share is not None:
        return share != words.NON_PRIMARY_SHARE
    return all(int(ref) <= int(other) for other in others)
