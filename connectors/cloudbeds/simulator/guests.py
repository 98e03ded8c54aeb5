"""Reading guests: one of them, the map of all, those changed lately, and those of a status (cloudbeds.md 10.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors.cloudbeds.simulator import people
from connectors.cloudbeds.simulator.asking import Call, paged
from connectors.cloudbeds.simulator.bookings import dates_of
from connectors.cloudbeds.simulator.refusals import failed
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.times import local, today
from connectors.kit.simulator.contract import Row

_LIST_STATUSES = "in_progress confirmed not_confirmed canceled checked_in checked_out no_show".split()
_ROOM_STATUSES = ("canceled", "checked_out", "in_house", "not_checked_in")
_Found = tuple[Place, Row, Row]
"""(property, reservation, guest)"""


def one(call: Call) -> Row:
    """Answer getGuest, by the guest's own id or as the main guest of a reservation."""
    guest_id = call.text("guestID")
    if reservation_id := call.text("reservationID"):
        booking = call.view.get("reservations", reservation_id)
        guest_id = guest_id or (booking["mainGuest"] if booking else None)
    guest = call.view.get("guests", guest_id)
    if guest is None or guest["propertyID"] not in {home.id for home in call.places()}:
        raise failed("Invalid guestID")
    return {"success": True, "data": people.bare(guest)}


def all_of_them(call: Call) -> Row:
    """Answer getGuestList, a map by guest id in the order of change; a guest stands there once."""
    words = call.listed("status")
    if not set(words) <= set(_LIST_STATUSES):
        raise failed("Parameter status has an invalid value", call.habits.bad_filter)
    found = [one for one in _everybody(call) if not words or one[1]["status"] in words]
    found = _in_time(call, _in_house_dates(call, found), "_modified")
    if call.flag("excludeSecondaryGuests"):
        found = [one for one in found if one[2]["guestID"] == one[1]["mainGuest"]]
    for name in ("guestFirstName", "guestLastName", "guestEmail", "guestPhone", "guestCellPhone"):
        if value := call.text(name):
            found = [one for one in found if str(one[2][name]).lower() == value.lower()]
    column = "_created" if call.text("sortBy") == "creation" else "_modified"
    cut, counts = call.page(sorted(found, key=lambda one: str(one[2][column])))
    full = call.flag("includeGuestInfo")
    told = {guest["guestID"]: people.listed(home, booking, guest, full=full) for home, booking, guest in cut}
    return {"success": True, "data": told or [], **counts}


def lately(call: Call) -> Row:
    """Answer getGuestsModified, one row for every room of a guest; without dates it is today's changes only."""
    found = _in_house_dates(call, list(_everybody(call)))
    if call.text("resultsFrom") is None and call.text("resultsTo") is None:
        found = [one for one in found if local(one[2]["_modified"], one[0].zone)[:10] == _today(call, one[0])]
    else:
        found = _in_time(call, found, "_modified")
    rows = []
    for home, booking, guest in found:
        mine = [line for line in booking["lines"] if guest["guestID"] in line["guests"]]
        if call.flag("inHouse"):
            mine = [line for line in mine if line["roomStatus"] == "in_house"]
            rows += [people.modified(home, booking, guest, line) for line in mine]
        else:
            rows += [people.modified(home, booking, guest, line) for line in mine or [None]]
    return paged(call, rows)


def of_status(call: Call) -> Row:
    """Answer getGuestsByStatus."""
    wanted = call.word("status", _ROOM_STATUSES)
    spelled = "cancelled" if wanted == "canceled" else wanted
    found = _in_time(call, list(_everybody(call)), "_modified")
    return paged(call, [people.by_status(*where) for where in _rooms_of(found, spelled)], usual=20)


def filtered(call: Call) -> Row:
    """Answer getGuestsByFilter, which spells `cancelled` with two l and knows no pages."""
    wanted = call.word("status", ("cancelled", *_ROOM_STATUSES[1:]))
    found = _in_house_dates(call, list(_everybody(call)))
    rows = [people.by_filter(*where) for where in _rooms_of(found, wanted)]
    tests: tuple[tuple[str, str], ...] = (("reservationID", "reservationID"), ("roomID", "roomID"))
    for name, column in (*tests, ("guestName", "guestName")):
        if value := call.text(name):
            rows = [row for row in rows if row[column] == value]
    return {"success": True, "data": rows, "count": len(rows), "total": len(rows)}


def _everybody(call: Call) -> Iterator[_Found]:
    homes = {home.id: home for home in call.places()}
    for booking in call.bookings([*homes.values()]):
        for guest in call.view.guests(booking):
            yield homes[booking["propertyID"]], booking, guest


def _rooms_of(found: list[_Found], status: str | None) -> Iterator[tuple[Place, Row, Row, Row]]:
    for home, booking, guest in found:
        for line in booking["lines"]:
            if guest["guestID"] in line["guests"] and line["roomStatus"] == status:
                yield home, booking, guest, line


def _in_time(call: Call, found: list[_Found], column: str) -> list[_Found]:
    first, last = call.text("resultsFrom") or "", call.text("resultsTo") or "9999"
    return [one for one in found if first <= local(one[2][column], one[0].zone) <= last]


def _in_house_dates(call: Call, found: list[_Found]) -> list[_Found]:
    tests: list[Callable[[tuple[str, str]], bool]] = []
    for name, end in (("checkIn", 0), ("checkOut", 1)):
        first, last = call.text(f"{name}From") or "", call.text(f"{name}To") or "9999"
        tests.append(lambda span, end=end, first=first, last=last: first <= span[end] <= last)  # type: ignore[misc]
    return [one for one in found if all(test(dates_of(one[1])) for test in tests)]


def _today(call: Call, home: Place) -> str:
    return today(call.now, home.zone).isoformat()
