"""Reading what goes on in the house: blocks, housekeeping, house accounts, the day's counts (10.5, 10.7, 10.9)."""

from __future__ import annotations

from datetime import date

from connectors.cloudbeds.simulator.asking import Call, paged
from connectors.cloudbeds.simulator.refusals import failed
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.stock import is_blocked
from connectors.cloudbeds.simulator.times import local, read_day, today
from connectors.kit.simulator.contract import Row

LONGEST_SPAN = 35
"""Days that one call for room blocks may cover."""
_PLENTY = 10_000
_BLOCK_FIELDS = ("roomBlockID", "roomBlockType", "roomBlockReason", "startDate", "endDate", "rooms")


def room_blocks(call: Call) -> Row:
    """Answer getRoomBlocks: today only, unless dates are named, and never more than 35 days."""
    home = call.place()
    day = today(call.now, home.zone)
    first, last = _day(call, "startDate", day), _day(call, "endDate", day)
    if last < first or (last - first).days > LONGEST_SPAN:
        raise failed(f"Date range must be {LONGEST_SPAN} days or less")
    rows = [row for row in call.view.rows("blocks") if row["propertyID"] == home.id]
    if wanted := call.text("roomBlockID"):
        rows = [row for row in rows if row["roomBlockID"] == wanted]
    if not (wanted and call.text("startDate") is None and call.text("endDate") is None):
        rows = [row for row in rows if row["startDate"] <= last.isoformat() and row["endDate"] >= first.isoformat()]
    for name in ("roomTypeID", "roomID"):
        if value := call.text(name):
            rows = [row for row in rows if any(one[name] == value for one in row["rooms"])]
    cut, counts = call.page(rows, 20, _PLENTY)
    shown = [{**{name: row[name] for name in _BLOCK_FIELDS}, **row.get("_raw", {})} for row in cut]
    return {"success": True, "data": {"propertyID": home.id, "roomBlocks": shown}, **counts}


def housekeeping(call: Call) -> Row:
    """Answer getHousekeepingStatus, of today only; the count can exceed the rows."""
    home = call.place()
    condition, kinds = call.word("roomCondition", ("dirty", "clean")), call.listed("roomTypeIDs")
    keepers, occupied = call.listed("housekeeperIDs"), call.text("roomOccupied")
    rows = [_kept(call, home, row) for row in call.view.rows("rooms") if row["propertyID"] == home.id]
    rows = [
        row
        for row in rows
        if (condition is None or row["roomCondition"] == condition)
        and (not kinds or row["roomTypeID"] in kinds)
        and (not keepers or row["housekeeperID"] in keepers)
        and (occupied is None or row["roomOccupied"] is call.flag("roomOccupied"))
    ]
    return paged(call, rows, most=5000)


def housekeepers(call: Call) -> Row:
    """Answer getHousekeepers."""
    rows = [{"propertyID": home.id, "housekeeperID": "31", "name": "Pat"} for home in call.places()]
    cut, _ = call.page(rows, 100, 1000)
    return {"success": True, "data": cut}


def house_accounts(call: Call) -> Row:
    """Answer getHouseAccountList."""
    home = call.place()
    told = {
        "accountID": f"52{home.index:05d}",
        "propertyID": home.id,
        "accountName": "Lobby bar",
        "accountStatus": "open",
        "isPrivate": False,
        "userName": "Front Desk",
    }
    return {"success": True, "data": [told]}


def dashboard(call: Call) -> Row:
    """Answer getDashboard: the counts of one date."""
    home = call.place()
    day = _day(call, "date", today(call.now, home.zone)).isoformat()
    lines = [
        line
        for booking in call.bookings([home])
        if booking["status"] in {"confirmed", "checked_in", "checked_out"}
        for line in booking["lines"]
        if line["roomStatus"] != "cancelled"
    ]
    there = [line for line in lines if line["startDate"] <= day < line["endDate"]]
    physical = sum(len(kind.rooms) for kind in home.kinds if not kind.virtual)
    told = {
        "roomsOccupied": len(there),
        "percentageOccupied": 100 * len(there) // physical if physical else 0,
        "arrivals": sum(line["startDate"] == day for line in lines),
        "departures": sum(line["endDate"] == day for line in lines),
        "inHouse": sum(line["roomStatus"] == "in_house" for line in there),
    }
    return {"success": True, "data": told}


def _kept(call: Call, home: Place, row: Row) -> Row:
    """Write the housekeeping state of a room; the dates are live extras, a dash where there is none."""
    kind, room = home.kind(row["roomTypeID"]), home.room(row["roomID"])
    day = today(call.now, home.zone)
    coming, going, there = _traffic(call, home, row["roomID"], day.isoformat())
    told = {
        "id": row["roomID"],
        "date": local(row["_changed"], home.zone)[:10],
        "roomTypeID": row["roomTypeID"],
        "roomTypeName": kind.name if kind else "",
        "roomID": row["roomID"],
        "roomName": room.name if room else "",
        "roomCondition": row["roomCondition"],
        "roomOccupied": there is not None,
        "roomBlocked": is_blocked(call.view, row["roomID"], day),
        "frontdeskStatus": _desk_word(coming=coming is not None, going=going is not None, there=there is not None),
        "housekeeperID": row["housekeeperID"],
        "housekeeper": "" if row["housekeeperID"] == "0" else "Pat",
        **{name: row[name] for name in ("doNotDisturb", "refusedService", "vacantPickup", "roomComments")},
        "arrivalDate": (coming or there or {"startDate": "-"})["startDate"],
        "departureDate": (going or there or {"endDate": "-"})["endDate"],
    }
    return {**told, **row["_raw"]}


def _traffic(call: Call, home: Place, room_id: str, day: str) -> tuple[Row | None, Row | None, Row | None]:
    """Return the lines that arrive, leave and are in a room on a date."""
    lines = [
        line
        for booking in call.bookings([home])
        if booking["status"] not in {"canceled", "no_show", "not_confirmed"}
        for line in booking["lines"]
        if line["roomID"] == room_id and line["roomStatus"] != "cancelled"
    ]
    coming = next((line for line in lines if line["startDate"] == day and line["roomStatus"] != "checked_out"), None)
    going = next((line for line in lines if line["endDate"] == day), None)
    there = next((line for line in lines if line["roomStatus"] == "in_house"), None)
    return coming, going, there


def _desk_word(*, coming: bool, going: bool, there: bool) -> str:
    if coming and going:
        return "turnover"
    if going:
        return "check-out"
    if there:
        return "stayover"
    return "check-in" if coming else "unused"


def _day(call: Call, name: str, usual: date) -> date:
    text = call.text(name)
    if text is None:
        return usual
    found = read_day(text)
    if found is None:
        raise failed(f"Parameter {name} has an invalid value")
    return found
