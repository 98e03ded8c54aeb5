"""Room lines: each is one stay, whichever of the three reads shows it (vendors/cloudbeds.md 10.1)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mappers import kit
from mappers.cloudbeds import amounts, words
from mappers.cloudbeds.reading import Fields
from pms_sync.domain.reservation import Stay
from pms_sync.domain.stay import StayRange

Guests = Mapping[str, set[str]]


class _Ground(NamedTuple):
    """What all lines of one reservation share: its word, and its guests' words by line.

    `arrived` says that the guests of some line came.
    """

    word: str
    arrived: bool
    deleted: bool
    guests: Guests
    currency: str
    codes: kit.Codes


def stays(row: Fields, currency: str, codes: kit.Codes) -> tuple[Stay, ...]:
    """Read every line; raises MappingRejected where there is none, two share a name, or a word is unknown."""
    word, lines = row.word("status"), _lines(row)
    if not word:
        raise kit.absent(row.path("status"), "required field is missing or empty")
    if word not in words.RESERVATION:
        raise row.rejected("status", "unknown status")
    if not lines:
        raise kit.absent(row.path("rooms"), "a reservation without room lines")
    guests = _guests(row)
    arrived = any(_told(line, guests) in words.ARRIVED for line in lines)
    ground = _Ground(word, arrived, row.flag("isDeleted"), guests, currency, codes)
    ranges = [_range(line) for line in lines]
    names = _names(row, lines, ranges)
    return tuple([_stay(line, name, span, ground) for line, name, span in zip(lines, names, ranges, strict=True)])


def is_complete(row: Fields) -> bool:
    """Tell whether the read shows every line: `rooms` holds those with a room and those without, else two lists do."""
    return "rooms" in row or ("assigned" in row and "unassigned" in row)


def _lines(row: Fields) -> list[Fields]:
    return row.children("rooms") if "rooms" in row else [*row.children("assigned"), *row.children("unassigned")]


def _range(line: Fields) -> StayRange:
    arrival = line.needed_day("roomCheckIn", "startDate")
    return kit.stay_range(arrival, line.needed_day("roomCheckOut", "endDate"), line.at)


def _names(row: Fields, lines: Sequence[Fields], ranges: Sequence[StayRange]) -> list[str]:
    """Name each line by its `subReservationID`; a lone one without has the reservation's, as first lines have (7).

    A stay split over rooms may show as several lines of one name (10.1): the earliest keeps it, the others are told
    apart by `reservationRoomID`, so that a later split renames nothing.
    """
    told = [line.ref("subReservationID") or (row.ref("reservationID") if len(lines) == 1 else None) for line in lines]
    earliest: dict[str, int] = {}
    for index in sorted(range(len(lines)), key=lambda index: (ranges[index].arrival, index)):
        earliest.setdefault(told[index] or "", index)
    names = []
    for index, (line, name) in enumerate(zip(lines, told, strict=True)):
        if name is None:
            raise kit.absent(line.path("subReservationID"), "one of several room lines has no name")
        names.append(name if earliest[name] == index else f"{name}/{line.needed_ref('reservationRoomID')}")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise kit.rejected(row.path("rooms"), lines, f"two room lines are called {twice[0]}", words.SHOWN)
    return names


def _stay(line: Fields, name: str, span: StayRange, ground: _Ground) -> Stay:
    meaning, codes = _meaning(line, ground), ground.codes
    room_type_ref, room_ref, plan_ref = line.ref("roomTypeID"), line.ref("roomID"), line.ref("rateID")
    rates = amounts.rates(line)
    return Stay(
        ref=name,
        room_type_ref=room_type_ref,
        room_ref=room_ref,
        rate_plan_ref=plan_ref,
        room_type=codes.ours("room_type", room_type_ref),
        room=codes.ours("room", room_ref),
        rate_plan=codes.ours("rate_plan", plan_ref),
        arrival=span.arrival,
        departure=span.departure,
        status=meaning.status,
        adults=line.count("adults"),
        children=line.count("children"),
        total=amounts.total(line, span, rates, ground.currency),
        nights=amounts.nights(line, span, rates, ground.currency),
        hold_kind=meaning.hold_kind,
        blocks_inventory=meaning.blocks_inventory,
        vendor_status=line.word("roomStatus") or ground.word,
    )


def _meaning(line: Fields, ground: _Ground) -> words.Meaning:
    """Let the line's own word decide, then those of its guests, then the reservation's (7)."""
    told = _told(line, ground.guests)
    if ground.deleted:
        return words.CANCELLED
    if told == words.NOT_YET and ground.arrived:
        return words.NOT_YET_BESIDE_OTHERS.get(ground.word) or words.RESERVATION[ground.word]
    return words.ROOM.get(told) or words.RESERVATION[ground.word]


def _told(line: Fields, guests: Guests) -> str:
    """Return the word of a line, empty where none is told; raises MappingRejected for an unknown one."""
    told = line.word("roomStatus")
    if told and told not in words.ROOM and told != words.NOT_YET:
        raise line.rejected("roomStatus", "unknown status of a room line")
    return told or _of_guests(guests.get(line.ref("subReservationID") or "", set()))


def _of_guests(told: set[str]) -> str:
    """Say a line's word by its guests' words; empty where they tell nothing that counts."""
    if told & words.GUEST_IN_HOUSE:
        return "in_house"
    return next(iter(told)) if told in ({words.GUEST_LEFT}, {words.NOT_YET}) else ""


def _guests(row: Fields) -> Guests:
    """Gather the words of guests by the line they belong to; only getReservation tells any."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for guest in row.children("guestList"):
        word = guest.word("guestStatus")
        rooms = [*guest.children("rooms"), *guest.children("unassignedRooms"), guest]
        for name in {room.ref("subReservationID") for room in rooms} - {None} if word else ():
            found[name or ""].add(word)
    return found
