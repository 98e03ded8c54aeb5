"""Guests as the wire shows them; every call spells their fields in its own way (vendors/cloudbeds.md 10.4 and 15.9)."""

from __future__ import annotations

from types import MappingProxyType

from connectors.cloudbeds.simulator.bookings import GUEST_MAYBE, GUEST_TEXTS, dates_of
from connectors.cloudbeds.simulator.hotel import View
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.times import CHECK_IN, CHECK_OUT, local
from connectors.kit.simulator.contract import Row

_IN_LISTS = {"guestAddress": "guestAddress1", "guestBirthdate": "guestBirthDate"}
_BARE = MappingProxyType(
    {
        "guestFirstName": "firstName",
        "guestLastName": "lastName",
        "guestGender": "gender",
        "guestEmail": "email",
        "guestPhone": "phone",
        "guestCellPhone": "cellPhone",
        "guestCountry": "country",
        "guestAddress": "address",
        "guestAddress2": "address2",
        "guestCity": "city",
        "guestZip": "zip",
        "guestState": "state",
        "guestBirthdate": "birthDate",
        "guestDocumentType": "documentType",
        "guestDocumentNumber": "documentNumber",
        "guestDocumentIssueDate": "documentIssueDate",
        "guestDocumentIssuingCountry": "documentIssuingCountry",
        "guestDocumentExpirationDate": "documentExpirationDate",
    }
)
_TAX = ("taxID", "companyTaxID", "companyName")
_FATE = ("isAnonymized", "isMerged", "newGuestID")
_DATES = frozenset({"guestBirthdate", "guestDocumentIssueDate", "guestDocumentExpirationDate"})


def guest_list(home: Place, view: View, booking: Row, shape: str) -> Row | list[Row]:
    """Write the map of guests by id, as getReservation ("single") or a list of reservations does."""
    told = {guest["guestID"]: _entry(home, booking, guest, shape) for guest in view.guests(booking)}
    return told or []


def _entry(home: Place, booking: Row, guest: Row, shape: str) -> Row:
    mine = [line for line in booking["lines"] if guest["guestID"] in line["guests"]]
    assigned = [line for line in mine if line["roomID"]]
    first = _placed(home, assigned[0]) if assigned else {"roomID": None, "roomName": None, "roomTypeName": None}
    told = {
        "guestID": guest["guestID"],
        **{name: guest[name] for name in (*GUEST_TEXTS, "guestGender", *GUEST_MAYBE)},
        "assignedRoom": bool(assigned),
        "isAnonymized": guest["isAnonymized"],
        **{name: first[name] for name in ("roomID", "roomName", "roomTypeName")},
        "isMainGuest": guest["guestID"] == booking["mainGuest"],
        "customFields": [],
        "rooms": [_placed(home, line) for line in assigned],
        "unassignedRooms": [_waiting(home, line) for line in mine if not line["roomID"]],
    }
    if shape == "single":
        return {**told, "guestStatus": _status(booking, mine)}
    start, end = dates_of(booking)
    return {
        **told,
        "guestName": f"{guest['guestFirstName']} {guest['guestLastName']}".strip(),
        "subReservationID": mine[0]["subReservationID"] if mine else None,
        "startDate": start,
        "endDate": end,
    }


def _placed(home: Place, line: Row) -> Row:
    kind, room = home.kind(line["roomTypeID"]), home.room(line["roomID"])
    return {
        "reservationRoomID": line["reservationRoomID"],
        "roomID": line["roomID"],
        "roomName": room.name if room else "",
        "roomTypeName": kind.name if kind else "",
        "roomTypeIsVirtual": bool(kind and kind.virtual),
        "roomTypeID": line["roomTypeID"],
        "subReservationID": line["subReservationID"],
        **({"roomStatus": line["roomStatus"]} if line["roomStatus"] != "cancelled" else {}),
    }


def _waiting(home: Place, line: Row) -> Row:
    kind = home.kind(line["roomTypeID"])
    return {
        "reservationRoomID": line["reservationRoomID"],
        "roomTypeID": line["roomTypeID"],
        "roomTypeName": kind.name if kind else "",
        "roomTypeIsVirtual": bool(kind and kind.virtual),
        "subReservationID": line["subReservationID"],
    }


def _status(booking: Row, lines: list[Row]) -> str:
    """Return the status of a guest: that of the rooms once they have one of their own, else the booking's."""
    states = {line["roomStatus"] for line in lines} - {"cancelled", "not_checked_in"}
    return next(iter(sorted(states, reverse=True)), str(booking["status"]))


def bare(guest: Row) -> Row:
    """Write the answer of getGuest, whose names have no prefix."""
    told = {short: "" if guest[name] is None else guest[name] for name, short in _BARE.items()}
    fate = {name: guest[name] for name in (*_TAX, *_FATE, "guestOptIn", "specialRequests")}
    return {**told, **fate, "customFields": []}


def modified(home: Place, booking: Row, guest: Row, line: Row | None) -> Row:
    """Write a row of getGuestsModified: one per room that the guest is in."""
    told = {_IN_LISTS.get(name, name): guest[name] for name in (*GUEST_TEXTS, "guestGender")}
    told |= {_IN_LISTS.get(name, name): "" if guest[name] is None else guest[name] for name in GUEST_MAYBE}
    start, end = (line["startDate"], line["endDate"]) if line else dates_of(booking)
    return {
        "guestID": guest["guestID"],
        "reservationID": booking["reservationID"],
        **told,
        **{name: guest[name] for name in (*_TAX, *_FATE, "guestOptIn")},
        **_room_of(home, line),
        "startDate": f"{start} {CHECK_IN}",
        "endDate": f"{end} {CHECK_OUT}",
        "customFields": [],
        "dateModified": local(guest["_modified"], home.zone),
    }


def by_status(home: Place, booking: Row, guest: Row, line: Row) -> Row:
    """Write a row of getGuestsByStatus."""
    word = "canceled" if line["roomStatus"] == "cancelled" else line["roomStatus"]
    at = booking["_cancelled"] or guest["_modified"]
    return {
        **modified(home, booking, guest, line),
        "subReservationID": line["subReservationID"],
        "reservationCreatedDateTime": local(booking["_created"], home.zone),
        "currentStatus": word,
        "statusDate": local(at, home.zone),
        "isDeleted": False,
    }


def by_filter(home: Place, booking: Row, guest: Row, line: Row) -> Row:
    """Write a row of getGuestsByFilter."""
    place = _room_of(home, line)
    return {
        "reservationID": booking["reservationID"],
        "guestName": f"{guest['guestFirstName']} {guest['guestLastName']}".strip(),
        "guestID": guest["guestID"],
        "roomID": place["roomID"],
        "roomName": place["roomName"],
        "isMainGuest": guest["guestID"] == booking["mainGuest"],
        "guestOptIn": guest["guestOptIn"],
        **{name: guest[name] for name in _FATE},
    }


def listed(home: Place, booking: Row, guest: Row, *, full: bool) -> Row:
    """Write an entry of getGuestList; address, documents and taxes only with includeGuestInfo."""
    told = {
        "reservationID": booking["reservationID"],
        "guestName": f"{guest['guestFirstName']} {guest['guestLastName']}".strip(),
        "guestEmail": guest["guestEmail"],
        "guestID": guest["guestID"],
        "dateCreated": local(guest["_created"], home.zone),
        "dateModified": local(guest["_modified"], home.zone),
        "isMainGuest": guest["guestID"] == booking["mainGuest"],
        "isAnonymized": guest["isAnonymized"],
        "status": booking["status"],
        "isMerged": guest["isMerged"],
        "newGuestID": guest["newGuestID"],
    }
    if full:
        told |= {_IN_LISTS.get(name, name): guest[name] for name in (*GUEST_TEXTS, "guestGender")}
        told |= {_IN_LISTS.get(name, name): guest[name] for name in GUEST_MAYBE}
        told["guestNotes"] = []
    return told


def _room_of(home: Place, line: Row | None) -> Row:
    room = home.room(line["roomID"]) if line else None
    return {
        "roomTypeID": line["roomTypeID"] if line else "",
        "roomID": (line["roomID"] or "") if line else "",
        "roomName": room.name if room else "",
    }
