"""Business date, room types, rooms, rate plans and the state of the rooms (vendors/opera.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator import states
from connectors.opera.simulator.hotel import Hotel
from connectors.opera.simulator.query import Ask, Page, Parameter, instructions
from connectors.opera.simulator.quirks import told
from connectors.opera.simulator.refusals import invalid
from connectors.opera.simulator.site import Place, RoomType

_WHOLE, _MANY = Parameter("whole"), Parameter(many=True)
_STATUS = Parameter(
    many=True, allowed=frozenset({"Clean", "Dirty", "Pickup", "Inspected", "OutOfOrder", "OutOfService"})
)
_PAGE = {"limit": _WHOLE, "offset": _WHOLE}
ROOM_TYPE_PARAMETERS = {**_PAGE, "roomTypeCodes": _MANY, "summaryInfo": Parameter("yes")}
ROOM_PARAMETERS = {**_PAGE, "roomTypeCodes": _MANY, "room": Parameter()}
HOTEL_ROOM_PARAMETERS = {
    **_PAGE,
    "roomType": _MANY,
    "hotelRoomStatus": _STATUS,
    "hotelRoomStartDate": Parameter("day"),
    "hotelRoomEndDate": Parameter("day"),
}
OVERVIEW_PARAMETERS = {
    **_PAGE,
    "roomType": _MANY,
    "fromRoomNumber": Parameter(),
    "toRoomNumber": Parameter(),
    "housekeepingRoomStatus": _STATUS,
    "fetchInstructions": instructions("Summary ResvInfo TurndownInfo ScheduedRoomMoveInfo ResvQueueInfo"),
}
REPAIR_PARAMETERS = {
    "startDate": Parameter("day", needed=True),
    "endDate": Parameter("day"),
    "roomId": Parameter(),
    "roomTypes": _MANY,
}
RATE_PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        "ratePlanCode": Parameter(),
        "postingInterval": Parameter(many=True, allowed=frozenset({"Nightly", "Weekly", "Monthly", "All"})),
        "fetchInstructions": instructions(
            "PrimaryDetails TransactionDetails Packages RateCommission NegotiatedProfiles RateControls "
            "RoutingInstructions AccessExclusions ApprovalNotes"
        ),
    }
)
LONGEST_REPAIR_SPAN, LONGEST_ROOM_SPAN = 90, 180
"""In days; a longer span is refused."""


def check_repairs(ask: Ask) -> None:
    """Refuse a span that is too long; raises VendorRefusal 400."""
    _refuse_span(*_repair_span(ask), LONGEST_REPAIR_SPAN)


def _repair_span(ask: Ask) -> tuple[str, str]:
    first = str(ask["startDate"])
    return first, str(ask.get("endDate", first))


def check_hotel_rooms(ask: Ask) -> None:
    """Refuse a span that is too long; raises VendorRefusal 400."""
    ends = [ask[name] for name in ("hotelRoomStartDate", "hotelRoomEndDate") if name in ask]
    if ends:
        _refuse_span(ends[0], ends[-1], LONGEST_ROOM_SPAN)


def _refuse_span(first: str, last: str, longest: int) -> None:
    span = date.fromisoformat(last) - date.fromisoformat(first)
    if not timedelta() <= span <= timedelta(days=longest):
        raise invalid(f"The time span must be from 0 to {longest} days")


def room_types(place: Place, page: Page, ask: Ask) -> Row:
    """Answer the room types of a hotel, detailed or as a summary."""
    found = [kind for kind in place.room_types if kind.code in ask.get("roomTypeCodes", [kind.code])]
    shown = found[page.offset : page.offset + page.limit]
    if not shown:
        return {}
    brief = ask.get("summaryInfo") is True
    rows = [_room_type(kind, place_in_order, brief=brief) for place_in_order, kind in enumerate(shown, start=1)]
    name = "roomTypeSummary" if brief else "roomType"
    body: Row = {("roomTypesSummary" if brief else "roomTypes"): [{name: rows, "hotelId": place.code}]}
    return body | paging(page, len(shown), len(found))


def rooms(place: Place, page: Page, ask: Ask) -> Row:
    """Answer the configured rooms of a hotel."""
    found = [
        (room, kind)
        for room, kind in place.rooms()
        if kind.code in ask.get("roomTypeCodes", [kind.code]) and room == ask.get("room", room)
    ]
    shown = found[page.offset : page.offset + page.limit]
    rows = [{"roomId": room, "roomType": _kind(kind, "suite"), "floor": room[:-2]} for room, kind in shown]
    if not rows:
        return {}
    return {"rooms": [{"room": rows, "hotelId": place.code}], **paging(page, len(shown), len(found))}


def hotel_rooms(hotel: Hotel, place: Place, page: Page, ask: Ask, today: date) -> Row:
    """Answer the front office's rooms."""
    day = today.isoformat()
    first, last = str(ask.get("hotelRoomStartDate", day)), str(ask.get("hotelRoomEndDate", day))
    found = _in_state(hotel, place, ask.get("roomType"), ask.get("hotelRoomStatus"), today)
    shown, occupied = found[page.offset : page.offset + page.limit], _occupied(hotel, place)
    rows = [
        told(
            {
                "roomId": room,
                "roomType": _kind(kind, "suite"),
                "housekeeping": {"roomStatus": {"roomStatus": state, "frontOfficeStatus": _office(room, occupied)}},
                "outOfOrder": [
                    {name: one[name] for name in ("start", "end", "reasonCode", "returnStatus")}
                    for one in _repairs(hotel, place, room, first, last)
                ],
            }
        )
        for room, kind, state in shown
    ]
    return {"hotelRoomsDetails": {"room": rows}, **paging(page, len(rows), len(found))} if rows else {}


def overview(hotel: Hotel, place: Place, page: Page, ask: Ask, today: date) -> Row:
    """Answer the housekeeping board."""
    found = _in_state(hotel, place, ask.get("roomType"), ask.get("housekeepingRoomStatus"), today)
    first, last = ask.get("fromRoomNumber", ""), ask.get("toRoomNumber", "\U0010ffff")
    found = [one for one in found if first <= one[0] <= last]
    shown, occupied = found[page.offset : page.offset + page.limit], _occupied(hotel, place)
    rows = [_board_room(hotel, place, one, today, _office(one[0], occupied)) for one in shown]
    if not rows:
        return {}
    return {"housekeepingRoomInfo": {"housekeepingRooms": {"room": rows}, **paging(page, len(rows), len(found))}}


def repairs(hotel: Hotel, place: Place, ask: Ask, status: str) -> Row:
    """Answer the rooms out of order or out of service; without an end the first day alone."""
    first, last = _repair_span(ask)
    rows: list[Row] = []
    for room, kind in place.rooms():
        found = [one for one in _repairs(hotel, place, room, first, last) if one["housekeepingRoomStatus"] == status]
        wanted = room == ask.get("roomId", room) and kind.code in ask.get("roomTypes", [kind.code])
        if found and wanted:
            rows.append(
                {"roomId": room, "roomType": _kind(kind, "isSuiteRoom"), "outOfOrder": [_repair(one) for one in found]}
            )
    return {"housekeepingRooms": {"room": rows}} if rows else {}


def rate_plans(place: Place, ask: Ask) -> Row:
    """Answer the rate plans of a hotel; all of the seeded ones are nightly."""
    intervals = ask.get("postingInterval", ["Nightly"])
    found = [plan for plan in place.rate_plans if plan.code == ask.get("ratePlanCode", plan.code)]
    if not found or not {"Nightly", "All"} & set(intervals):
        return {}
    rows = [
        {
            "hotelId": place.code,
            "ratePlanCode": plan.code,
            "primaryDetails": {"description": {"defaultText": plan.name}, "postingInterval": "Nightly"},
            "classifications": {"marketCode": plan.market},
            "transactionDetails": {"currencyCode": place.currency, "rateIncludesTax": False},
            "roomTypeList": [{"code": kind.code, "description": kind.name} for kind in place.room_types],
        }
        for plan in found
    ]
    return {"ratePlans": rows}


def paging(page: Page, count: int, total: int) -> Row:
    """Return what stands beside a page of a catalogue."""
    return {
        "totalPages": -(-total // page.limit),
        "offset": page.offset + page.limit,
        "limit": page.limit,
        "hasMore": page.offset + count < total,
        "totalResults": total,
        "count": count,
    }


def _room_type(kind: RoomType, order: int, *, brief: bool) -> Row:
    shared: Row = {"roomType": kind.code, "roomClass": kind.room_class, "sellSequence": order, "pseudo": False}
    shared |= {"numberOfRooms": len(kind.rooms), "inactive": False}
    if brief:
        return shared | {"shortDescription": kind.name}
    return shared | {"shortDescription": {"defaultText": kind.name}, "description": {"defaultText": kind.name}}


def _kind(kind: RoomType, suite: str) -> Row:
    told_: Row = {"roomType": kind.code, "roomClass": kind.room_class, "shortDescription": kind.name}
    return told_ | {suite: kind.name == "Suite"}


def _board_room(hotel: Hotel, place: Place, found: tuple[str, RoomType, str], today: date, office: str) -> Row:
    room, kind, state = found
    status = {"housekeepingRoomStatus": state, "frontOfficeStatus": office, "housekeepingStatus": office}
    day = today.isoformat()
    return told(
        {
            "roomId": room,
            "floor": room[:-2],
            "roomType": _kind(kind, "isSuiteRoom"),
            "housekeeping": {"housekeepingRoomStatus": status},
            "outOfOrder": [_repair(one) for one in _repairs(hotel, place, room, day, day)],
        }
    )


def _repair(row: Row) -> Row:
    names = ("housekeepingRoomStatus", "start", "end", "returnStatus", "reasonCode", "repairRemarks")
    return {"roomRepairId": {"id": row["id"], "type": "RoomRepairId"}, **{name: row[name] for name in names}}


def _repairs(hotel: Hotel, place: Place, room: str, first: str, last: str) -> list[Row]:
    """Return what lies on a room in a span of days, both ends included."""
    return [
        row
        for row in hotel.repairs.rows()
        if (row["hotelId"], row["roomId"]) == (place.code, room) and row["start"] <= last and row["end"] >= first
    ]


def _in_state(
    hotel: Hotel, place: Place, kinds: Sequence[str] | None, wanted: Iterable[str] | None, today: date
) -> list[tuple[str, RoomType, str]]:
    found = [(room, kind, _state(hotel, place, room, today)) for room, kind in place.rooms()]
    return [one for one in found if one[1].code in (kinds or [one[1].code]) and one[2] in (wanted or [one[2]])]


def _state(hotel: Hotel, place: Place, room: str, today: date) -> str:
    day = today.isoformat()
    found = [str(one["housekeepingRoomStatus"]) for one in _repairs(hotel, place, room, day, day)]
    return found[0] if found else hotel.room_states.get((place.code, room), "Clean")


def _occupied(hotel: Hotel, place: Place) -> frozenset[str]:
    """Return the rooms with a guest in them."""
    inside = (row for row in hotel.reservations.rows() if row["reservationStatus"] == states.IN_HOUSE)
    return frozenset(str(row["roomId"]) for row in inside if row["hotelId"] == place.code)


def _office(room: str, occupied: frozenset[str]) -> str:
    return "Occupied" if room in occupied else "Vacant"
