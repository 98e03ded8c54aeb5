"""What the vendor tells when something changed: which events, and their bodies in both spellings (cloudbeds.md 11.3).

There is no event for a change of price, bill, source or occupancy, nor for the merge of guests: these must be polled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.cloudbeds.simulator.bookings import dates_of
from connectors.kit.simulator.contract import Row

CATALOGUE = """
reservation/created reservation/status_changed reservation/dates_changed reservation/accommodation_status_changed
reservation/accommodation_type_changed reservation/accommodation_changed reservation/accommodation_removed
reservation/deleted reservation/notes_changed reservation/custom_fields_changed guest/created guest/assigned
guest/removed guest/details_changed guest/accommodation_changed integration/appstate_changed
integration/appsettings_changed roomblock/created roomblock/removed roomblock/details_changed
allotmentBlock/created allotmentBlock/updated allotmentBlock/deleted api_queue_task/rate_status_changed
housekeeping/room_condition_changed night_audit/completed accounting/transaction
""".split()
"""Events that exist; others can be subscribed without an error and never come."""


@dataclass(frozen=True)
class Event:
    """One thing to tell: `object/action`, and the fields beyond the common ones. `timed` false lacks the time."""

    name: str
    property_id: str
    fields: Row
    timed: bool = True
    twin: bool = True

    def body(self, at: float) -> Row:
        """Write the message; the property is spelled as the event's family spells it."""
        word = "propertyId" if self._small() else "propertyID"
        place: Row = {word: int(self.property_id), f"{word}_str": self.property_id}
        if not self.twin:
            place = {word: self.property_id}
        time = {"timestamp": round(at, 6)} if self.timed else {}
        return {"version": "1.0", "event": self.name, **time, **place, **self.fields}

    def _small(self) -> bool:
        return self.name not in {
            "reservation/created",
            "reservation/status_changed",
            "integration/appstate_changed",
            "roomblock/created",
            "roomblock/removed",
            "roomblock/details_changed",
            "night_audit/completed",
        }


def of_new(booking: Row, guests: list[Row]) -> Iterator[Event]:
    """Tell of a new booking: a cascade that arrives in any order."""
    start, end = dates_of(booking)
    for guest in guests:
        yield _guest_event("guest/created", booking["propertyID"], guest["guestID"])
    for line in booking["lines"]:
        yield from _assigned(booking, line)
    dates = {"startDate": start, "endDate": end}
    yield Event("reservation/created", booking["propertyID"], {"reservationID": booking["reservationID"], **dates})


def of_change(old: Row, new: Row) -> Iterator[Event]:
    """Tell what differs between two states of a booking."""
    yield from _status(old, new)
    yield from _dates(old, new)
    before = {line["subReservationID"]: line for line in old["lines"]}
    after = {line["subReservationID"]: line for line in new["lines"]}
    for sub_id, line in after.items():
        if sub_id in before:
            yield from _rooms(new, before[sub_id], line)
        else:
            yield from _assigned(new, line)
    for sub_id in before.keys() - after.keys():
        gone = {"subReservationId": sub_id, "roomId": before[sub_id]["roomID"] or ""}
        yield _event("accommodation_removed", new, **gone)
    if old["notes"] != new["notes"]:
        yield _event("notes_changed", new, notes="\n".join(str(note["text"]) for note in new["notes"]))
    if old["customFields"] != new["customFields"]:
        yield _event("custom_fields_changed", new, **_custom_fields(old, new))
    yield from _bill(old, new)
    for guest_id in (one for one in new["guests"] if one not in old["guests"]):
        yield _guest_event("guest/created", new["propertyID"], guest_id)
    for guest_id in (one for one in old["guests"] if one not in new["guests"]):
        told = {"guestId": _number(guest_id), "guestId_str": guest_id, "reservationId": new["reservationID"]}
        yield Event("guest/removed", new["propertyID"], {**told, "roomID": ""})


def of_end(booking: Row) -> Event:
    """Tell of a hard deletion."""
    return _event("deleted", booking)


def of_guest(guest: Row) -> Event:
    """Tell of edited guest data; no reservation is named."""
    return _guest_event("guest/details_changed", guest["propertyID"], guest["guestID"])


def of_block(block: Row, action: str) -> Event:
    """Tell of a block: the type's id is a number, the property has no twin."""
    rooms = [{"roomID": one["roomID"], "roomTypeID": _number(one["roomTypeID"])} for one in block["rooms"]]
    names = ("roomBlockID", "roomBlockType", "roomBlockReason", "startDate", "endDate")
    told = {**{name: block[name] for name in names}, "rooms": rooms}
    return Event(f"roomblock/{action}", block["propertyID"], told, twin=False)


def of_condition(room: Row) -> Event:
    """Tell of a room that was cleaned or soiled; the property is a text here."""
    told = {"roomId": room["roomID"], "condition": room["roomCondition"]}
    return Event("housekeeping/room_condition_changed", room["propertyID"], told, twin=False)


def of_app_state(property_id: str, client_id: str, old: str, new: str) -> Event:
    """Tell that the connection changed its state."""
    told = {"clientID": client_id, "oldState": old, "newState": new}
    return Event("integration/appstate_changed", property_id, told)


def of_night_audit(property_id: str, at: str) -> Event:
    """Tell that the business day is closed; `at` is local."""
    return Event("night_audit/completed", property_id, {"completedAt": at})


def _status(old: Row, new: Row) -> Iterator[Event]:
    if old["status"] == new["status"]:
        return
    subs = [
        {
            "id": line["reservationRoomID"],
            "roomId": line["roomID"] or "",
            "subReservationId": line["subReservationID"],
            "startDate": line["startDate"],
            "endDate": line["endDate"],
        }
        for line in new["lines"]
    ]
    told = {
        "reservationID": new["reservationID"],
        "status": new["status"],
        "previousStatus": old["status"],
        "actor": {"type": "user", "id": "1001"},
        "subReservations": subs,
    }
    yield Event("reservation/status_changed", new["propertyID"], told)


def _dates(old: Row, new: Row) -> Iterator[Event]:
    def spans(booking: Row) -> list[Row]:
        names = ("startDate", "endDate")
        return [{"id": line["subReservationID"], **{name: line[name] for name in names}} for line in booking["lines"]]

    known = {one["id"] for one in spans(old)}
    moved = [one for one in spans(new) if one["id"] in known and one not in spans(old)]
    if moved:
        start, end = dates_of(new)
        yield _event("dates_changed", new, startDate=start, endDate=end, subReservations=spans(new))


def _rooms(booking: Row, old: Row, new: Row) -> Iterator[Event]:
    """Tell of the room of one line: its type, its number, who is in it."""
    sub = {"subReservationId": new["subReservationID"]}
    kind, room = (old[name] != new[name] for name in ("roomTypeID", "roomID"))
    if kind:
        yield _event("accommodation_type_changed", booking, **sub, roomTypeId=new["roomTypeID"])
    if kind or room:
        moved = {"roomId": new["roomID"] or "", "roomIdPrev": old["roomID"] or ""}
        yield _event("accommodation_changed", booking, **sub, **moved)
        yield from _assigned(booking, new)
    lived = {old["roomStatus"], new["roomStatus"]}
    if "in_house" in lived and len(lived) > 1:
        word = "occupied" if new["roomStatus"] == "in_house" else "unoccupied"
        yield _event("accommodation_status_changed", booking, roomId=new["roomID"] or "", status=word)


def _assigned(booking: Row, line: Row) -> Iterator[Event]:
    if line["roomID"]:
        for guest_id in line["guests"]:
            told = {"guestId": _number(guest_id), "guestId_str": guest_id, "reservationId": booking["reservationID"]}
            yield Event("guest/assigned", booking["propertyID"], {**told, "roomID": line["roomID"]})


def _bill(old: Row, new: Row) -> Iterator[Event]:
    """Tell of every new line of the bill; these events have no time (11.3)."""
    for name, code in (("items", "4000"), ("payments", "9000")):
        known = {one["id"] for one in old[name]}
        for one in new[name]:
            if one["id"] not in known:
                told = {
                    "internalTransactionCode": code,
                    "serviceDate": one["_at"][:10],
                    "transactionDateTime": one["_at"],
                    "transactionId": one["id"],
                }
                yield Event("accounting/transaction", new["propertyID"], told, timed=False, twin=False)


def _custom_fields(old: Row, new: Row) -> Row:
    before, after = ({one.get("customFieldID"): one for one in row["customFields"]} for row in (old, new))
    changed = [
        {
            "id": key,
            "name": one.get("customFieldName"),
            "old_value": before[key].get("customFieldValue"),
            "new_value": one.get("customFieldValue"),
        }
        for key, one in after.items()
        if key in before and before[key] != one
    ]
    return {
        "createdCustomFields": [one for key, one in after.items() if key not in before],
        "updatedCustomFields": changed,
        "deletedCustomFields": [one for key, one in before.items() if key not in after],
    }


def _event(action: str, booking: Row, **told: object) -> Event:
    """Tell of a booking in the family that spells it `reservationId`."""
    return Event(f"reservation/{action}", booking["propertyID"], {"reservationId": booking["reservationID"], **told})


def _guest_event(name: str, property_id: str, guest_id: str) -> Event:
    return Event(name, property_id, {"guestId": _number(guest_id), "guestId_str": guest_id})


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
