"""The truth: public revisions and blocks written straight from the hotel's rows, never through a mapper.

A reservation is a reservation, its stays are the room lines by their subReservationID, and blocks are the entries of
single rooms. What the vendor's reads do not say, or what the document leaves open, is not there: notes and the lines
of the bill stand in calls of their own, the language of guests nowhere, and nobody says whether room prices hold
their taxes or whether an unconfirmed booking holds its room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from connectors.cloudbeds.simulator import bookings
from connectors.cloudbeds.simulator.hotel import View
from connectors.cloudbeds.simulator.shapes import shown_rates
from connectors.cloudbeds.simulator.site import Place, source
from connectors.cloudbeds.simulator.times import read_day
from connectors.kit.simulator.contract import Row

VENDOR = "cloudbeds"
# A reservation can be confirmed with guests in house, so a room's own state goes first (7).
_BY_ROOM = {"cancelled": "cancelled", "in_house": "checked_in", "checked_out": "checked_out"}
_BY_TOP = MappingProxyType(
    {
        "not_confirmed": "hold",
        "confirmed": "confirmed",
        "checked_in": "confirmed",
        "checked_out": "checked_out",
        "canceled": "cancelled",
        "no_show": "no_show",
    }
)
_HOLDS_ITS_ROOM = {"confirmed": True, "checked_in": True, "cancelled": False, "no_show": False}
_STRONGEST_FIRST = ("checked_in", "confirmed", "hold", "checked_out", "no_show", "cancelled")
_CHANNELS = MappingProxyType(
    {
        "Website/Booking Engine": "booking_page",
        "Booking.com": "booking_com",
        **{name.capitalize(): name for name in ("airbnb", "expedia", "agoda", "vrbo")},
    }
)
_BLOCK_KINDS = {"blocked_dates": "owner", "out_of_service": "out_of_service", "courtesy_hold": "owner"}
_DAY = timedelta(days=1)


class Narrator:
    """Tells what the hotels hold."""

    def __init__(
        self, view: View, places: Iterable[Place], *, canceled_lose_rates: bool, block_end_inclusive: bool
    ) -> None:
        """Look at the tables as they are, with the vendor's habits in mind."""
        self._view = view
        self._places: Mapping[object, Place] = {home.id: home for home in places}
        self._lose, self._inclusive = canceled_lose_rates, block_end_inclusive

    def revisions(self) -> list[Row]:
        """Return every reservation that was not deleted, oldest first."""
        rows = self._view.rows("reservations")
        return [self._revision(self._places[row["propertyID"]], row) for row in rows if not row["isDeleted"]]

    def blocks(self) -> list[Row]:
        """Return the entry of every room in every block; removed blocks leave no trace."""
        return [
            self._block(block, one)
            for block in self._view.rows("blocks")
            if block["roomBlockType"] in _BLOCK_KINDS
            for one in block["rooms"]
        ]

    def _revision(self, home: Place, row: Row) -> Row:
        stays = [self._stay(home, row, line) for line in row["lines"]]
        status = next((word for word in _STRONGEST_FIRST if any(stay["status"] == word for stay in stays)), None)
        main, where = self._view.main_guest(row), source(row["sourceID"])
        holds = _HOLDS_ITS_ROOM.get(str(status))
        return {
            "vendor": VENDOR,
            "ref": row["reservationID"],
            "property_ref": home.id,
            "version": row["_modified"],
            "scope": "reservation",
            "siblings_complete": True,
            "gone": False,
            "status": status,
            "vendor_status": row["status"],
            "hold_kind": "request" if status == "hold" else None,
            **({} if holds is None else {"blocks_inventory": holds}),
            "channel": _CHANNELS.get(where.name, "other" if where.third_party else "direct"),
            "vendor_channel": where.name,
            "channel_reference": row["thirdPartyIdentifier"] or None,
            "currency": home.site.currency,
            "total": _money(home, bookings.sums(row)["grandTotal"]),
            "booker": _guest(main),
            "guests": [_guest(one) for one in self._view.guests(row)],
            "room_stays": stays,
            "created_at": row["_created"],
            "modified_at": row["_modified"],
        }

    def _stay(self, home: Place, row: Row, line: Row) -> Row:
        status = _BY_ROOM.get(line["roomStatus"]) or _BY_TOP.get(row["status"])
        rates = shown_rates(row, line, canceled_lose_rates=self._lose)
        nights = [{"date": day, "price": _money(home, price), "derived": False} for day, price in rates.items()]
        priced = {"total": _money(home, sum(rates.values(), Decimal())), "nights": nights}
        return {
            "ref": line["subReservationID"],
            "room_type_ref": line["roomTypeID"],
            "room_ref": line["roomID"],
            "rate_plan_ref": line["rateID"],
            "arrival": line["startDate"],
            "departure": line["endDate"],
            "status": status,
            "adults": line["adults"],
            "children": line["children"],
            **(priced if rates else {}),
        }

    def _block(self, block: Row, one: Row) -> Row:
        last = read_day(block["endDate"])
        departure = last + _DAY if last and self._inclusive else last
        return {
            "vendor": VENDOR,
            "ref": block_ref(block, one),
            "property_ref": block["propertyID"],
            "room_type_ref": one["roomTypeID"],
            "room_ref": one["roomID"],
            "arrival": block["startDate"],
            "departure": departure.isoformat() if departure else block["endDate"],
            "kind": _BLOCK_KINDS[block["roomBlockType"]],
            "gone": False,
        }


def block_ref(block: Row, one: Row) -> str:
    """Name a blocked room as it is known outside: by its block and its room."""
    return f"{block['roomBlockID']}/{one['roomID']}"


def _guest(guest: Row) -> Row:
    return {
        "ref": guest["guestID"],
        "first_name": guest["guestFirstName"] or None,
        "last_name": guest["guestLastName"] or None,
        "email": guest["guestEmail"] or None,
        "phone": guest["guestPhone"] or guest["guestCellPhone"] or None,
        "country": guest["guestCountry"] or None,
    }


def _money(home: Place, amount: Decimal) -> str:
    return str(amount.quantize(home.quantum))
