"""Reading reservations: the two lists, one booking, its rooms and notes (vendors/cloudbeds.md 9 and 10.1).

Windows of time compare wall times as text, as they stand on the rows: in the hour that the clocks repeat a window
finds what belongs to either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from connectors.cloudbeds.simulator.asking import Call
from connectors.cloudbeds.simulator.bookings import dates_of
from connectors.cloudbeds.simulator.refusals import failed
from connectors.cloudbeds.simulator.shapes import Includes
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.times import in_utc, local, read_day, today
from connectors.kit.simulator.contract import Row

STATUSES = ("not_confirmed", "confirmed", "canceled", "checked_in", "checked_out", "no_show")
NO_SUCH = "Reservation not found"
_Test = Callable[[Row], bool]
_WIRE = "%Y-%m-%d %H:%M:%S"
_SPANS = {"results": "_created", "modified": "_modified"}


def plain_list(call: Call) -> Row:
    """Answer getReservations."""
    homes = call.places()
    includes = Includes(
        guests=call.flag("includeGuestsDetails"),
        custom_fields=call.flag("includeCustomFields"),
        rooms=call.flag("includeAllRooms"),
        with_room=_asked_room(call, homes),
    )
    found = _passing(call.bookings(homes), [*_windows(call), *_plain_tests(call, homes, includes.with_room)])
    by_id = {home.id: home for home in homes}
    cut, counts = call.page(_ordered(call, found))
    rows = [call.shapes(by_id[one["propertyID"]]).listed(one, includes) for one in cut]
    return {"success": True, "data": rows, **counts}


def detailed_list(call: Call) -> Row:
    """Answer getReservationsWithRateDetails, the only list that shows deleted bookings and UTC."""
    home = call.place()
    includes = Includes(guests=call.flag("includeGuestsDetails"), custom_fields=call.flag("includeCustomFields"))
    tests = [*_windows(call), *_day_tests(call, {"reservationCheckOut": 1})]
    if wanted := call.listed("reservationID"):
        tests.append(lambda row: row["reservationID"] in wanted)
    if excluded := call.listed("excludeStatuses"):
        tests.append(lambda row: row["status"] not in excluded)
    if guest := call.text("guestID"):
        tests.append(lambda row: guest in row["guests"])
    found = _passing(call.bookings([home], deleted=call.flag("includeDeleted")), tests)
    cut, counts = call.page(_ordered(call, found))
    return {"success": True, "data": [call.shapes(home).detailed(one, includes) for one in cut], **counts}


def single(call: Call) -> Row:
    """Answer getReservation."""
    home, booking = _one(call)
    return {"success": True, "data": call.shapes(home).single(booking)}


def notes(call: Call) -> Row:
    """Answer getReservationNotes."""
    home, booking = _one(call)
    told = [
        {
            "reservationNoteID": note["id"],
            "userName": note["user"],
            "dateCreated": local(note["_created"], home.zone),
            "dateModified": local(note["_modified"], home.zone),
            "reservationNote": note["text"],
        }
        for note in booking["notes"]
    ]
    return {"success": True, "data": told}


def assignments(call: Call) -> Row:
    """Answer getReservationAssignments: who stays on a date, and how many rooms still lack a number."""
    home = call.place()
    day = (read_day(call.text("date")) or today(call.now, home.zone)).isoformat()
    told = [_assigned(call, home, one, day) for one in call.bookings([home]) if one["status"] != "canceled"]
    return {"success": True, "data": [row for row in told if row["assigned"] or row["unassigned"]]}


def room_details(call: Call) -> Row:
    """Answer getReservationRoomDetails; people are numbers here, and an unassigned room is an empty text."""
    home, wanted = call.place(), call.text("subReservationID")
    lines = [(one, line) for one in call.bookings([home]) for line in one["lines"]]
    booking, line = next((pair for pair in lines if pair[1]["subReservationID"] == wanted), (None, None))
    if booking is None or line is None:
        raise failed("Invalid subReservationID")
    kind, room = home.kind(line["roomTypeID"]), home.room(line["roomID"])
    main = call.view.main_guest(booking)
    told = {
        "reservationID": booking["reservationID"],
        **{name: line[name] for name in ("subReservationID", "isRoomLocked", "roomStatus", "roomTypeID")},
        "roomID": line["roomID"] or "",
        "roomName": room.name if room else "",
        "dormRoomName": (room.dorm or None) if room else None,
        "guestID": booking["mainGuest"],
        "guestName": f"{main.get('guestFirstName', '')} {main.get('guestLastName', '')}".strip(),
        "roomTypeName": kind.name if kind else "",
        "roomTypeIsVirtual": bool(kind and kind.virtual),
        "maxGuests": 3,
        "adults": line["adults"],
        "children": line["children"],
        "guests": [
            {
                **{name: guest[name] for name in ("guestID", "guestFirstName", "guestLastName")},
                "isMainGuest": guest["guestID"] == booking["mainGuest"],
            }
            for guest in call.view.guests(booking)
            if guest["guestID"] in line["guests"]
        ],
    }
    return {"success": True, "data": told}


def _one(call: Call) -> tuple[Place, Row]:
    """Return the booking that a call names and its property; raises Refused."""
    homes = {home.id: home for home in call.places()}
    booking = call.view.get("reservations", call.text("reservationID"))
    if booking is None or booking["isDeleted"] or booking["propertyID"] not in homes:
        raise failed(NO_SUCH)
    return homes[booking["propertyID"]], booking


def _passing(rows: Iterable[Row], tests: list[_Test]) -> list[Row]:
    return [row for row in rows if all(test(row) for test in tests)]


def _ordered(call: Call, rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["_modified"], reverse=True) if call.flag("sortByRecent") else rows


def _windows(call: Call) -> list[_Test]:
    """Return the tests of booking time and time of change."""
    tests: list[_Test] = []
    for name, column in _SPANS.items():
        tests += [_border(call, column, text, 1) for text in [_wall(call, f"{name}From")] if text]
        tests += [_border(call, column, text, -1) for text in [_wall(call, f"{name}To")] if text]
    return tests


def _wall(call: Call, name: str) -> str | None:
    """Return a border as the rows write their times; a date alone is its first second. Raises Refused."""
    text = call.text(name)
    if text is None:
        return None
    for form in (_WIRE, "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).strftime(_WIRE)  # noqa: DTZ007 - the wire has no zone
        except ValueError:
            continue
    raise failed(f"Parameter {name} has an invalid value")


def _border(call: Call, column: str, border: str, side: int) -> _Test:
    inclusive, utc = call.habits.borders_inclusive, call.habits.filter_utc
    zones = {home.id: home.zone for home in call.places()}

    def inside(row: Row) -> bool:
        at = in_utc(row[column]) if utc else local(row[column], zones[row["propertyID"]])
        return (at == border and inclusive) or (at > border if side > 0 else at < border)

    return inside


def _day_tests(call: Call, ends: dict[str, int], *, by_room: bool = False) -> list[_Test]:
    """Return the tests of check-in (0) and check-out (1) dates; a stay is looked at whole or room by room."""
    tests: list[_Test] = []
    for name, end in ends.items():
        first, last = (_day(call, f"{name}{border}") for border in ("From", "To"))
        if first or last:
            tests.append(
                lambda row, end=end, first=first, last=last: any(  # type: ignore[misc]
                    (first or "") <= span[end] <= (last or "9999") for span in _spans(row, by_room=by_room)
                )
            )
    return tests


def _spans(row: Row, *, by_room: bool) -> list[tuple[str, str]]:
    return [(line["startDate"], line["endDate"]) for line in row["lines"]] if by_room else [dates_of(row)]


def _day(call: Call, name: str) -> str | None:
    text = call.text(name)
    if text is not None and read_day(text) is None:
        raise failed(f"Parameter {name} has an invalid value")
    return text


def _plain_tests(call: Call, homes: list[Place], room_id: str | None) -> list[_Test]:
    """Return the tests of getReservations; a name that is no filter there is ignored (15.25)."""
    by_room = call.word("datesQueryMode", ("booking", "rooms")) == "rooms"
    tests = _day_tests(call, {"checkIn": 0, "checkOut": 1}, by_room=by_room)
    if status := call.word("status", STATUSES):
        tests.append(lambda row: row["status"] == status)
    if room_id is not None:
        tests.append(lambda row: any(line["roomID"] == room_id for line in row["lines"]))
    for name, column in (("roomTypeID", "roomTypeID"), ("ratePlanId", "rateID")):
        if value := call.text(name):
            rates = _rates_of(homes, value) if name == "ratePlanId" else {value}
            tests.append(
                lambda row, rates=rates, column=column: any(  # type: ignore[misc]
                    line[column] in rates for line in row["lines"]
                )
            )
    for name, column in (("sourceId", "sourceID"), ("allotmentBlockCode",) * 2, ("groupCode",) * 2):
        if value := call.text(name):
            tests.append(lambda row, value=value, column=column: row[column] == value)  # type: ignore[misc]
    if number := call.text("sourceReservationId"):
        # Did not find bookings made by API with a third-party number (9, fact 5); only the channels' own have one.
        tests.append(lambda row: row["thirdPartyIdentifier"] == number and str(row["sourceID"]).startswith("ss-"))
    return tests + _guest_tests(call)


def _guest_tests(call: Call) -> list[_Test]:
    tests: list[_Test] = []
    if guest := call.text("guestID"):
        tests.append(lambda row: guest in row["guests"])
    for name, column in (("firstName", "guestFirstName"), ("lastName", "guestLastName")):
        if value := call.text(name):
            tests.append(
                lambda row, value=value, column=column: (  # type: ignore[misc]
                    str(call.view.main_guest(row).get(column, "")).lower() == value.lower()
                )
            )
    return tests


def _rates_of(homes: list[Place], plan: str) -> set[str]:
    return {kind.plan_rate for home in homes if home.plan == plan for kind in home.kinds}


def _asked_room(call: Call, homes: list[Place]) -> str | None:
    """Return the room that a call filters by, which needs dates or a status beside it; raises Refused."""
    room_id, name = call.text("roomID"), call.text("roomName")
    if room_id is None and name is None:
        return None
    dates = ("checkInFrom", "checkInTo", "checkOutFrom", "checkOutTo", "status")
    if not any(call.text(one) for one in dates):
        raise failed("CheckIn/checkOut dates or status are required")
    named = (room.id for home in homes for kind in home.kinds for room in kind.rooms if room.name == name)
    return room_id or next(named, "")


def _assigned(call: Call, home: Place, booking: Row, day: str) -> Row:
    main = call.view.main_guest(booking)
    there = [line for line in booking["lines"] if line["startDate"] <= day < line["endDate"]]
    told = []
    for line in (one for one in there if one["roomID"]):
        kind, room = home.kind(line["roomTypeID"]), home.room(line["roomID"])
        told.append(
            {
                "roomTypeID": line["roomTypeID"],
                "roomTypeName": kind.name if kind else None,
                "roomTypeNameShort": kind.short if kind else None,
                "dormRoomName": (room.dorm or None) if room else None,
                "roomName": room.name if room else None,
                **{name: line[name] for name in ("roomID", "subReservationID", "isRoomLocked")},
            }
        )
    return {
        "guestName": f"{main.get('guestFirstName', '')} {main.get('guestLastName', '')}".strip(),
        "reservationID": booking["reservationID"],
        "unassigned": len(there) - len(told),
        "assigned": told or None,
    }
