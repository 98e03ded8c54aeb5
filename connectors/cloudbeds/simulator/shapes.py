"""A reservation as the wire shows it, in three ways: one booking, the plain list, the list with rate details (10.1)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connectors.cloudbeds.simulator import bookings
from connectors.cloudbeds.simulator.hotel import View
from connectors.cloudbeds.simulator.people import guest_list
from connectors.cloudbeds.simulator.site import Place, source
from connectors.cloudbeds.simulator.times import CHECK_IN, CHECK_OUT, in_utc, local
from connectors.kit.simulator.contract import Row

_GENERAL = ("propertyID", "reservationID", "status", "thirdPartyIdentifier", "sourceID", "origin", "mealPlans")


@dataclass(frozen=True)
class Includes:
    """What a list shows beside the rows themselves; all of it only when asked for."""

    guests: bool = False
    custom_fields: bool = False
    rooms: bool = False
    with_room: str | None = None


def number(amount: Decimal) -> float:
    """Write money as a JSON number."""
    return float(amount)


def shown_rates(booking: Row, line: Row, *, canceled_lose_rates: bool) -> dict[str, Decimal]:
    """Return the prices by night that answers show; canceled bookings may lose them (9, fact 10)."""
    gone = booking["status"] == "canceled" and canceled_lose_rates
    return {} if gone else dict(line["rates"])


@dataclass(frozen=True)
class Shapes:
    """Writes reservations of one property; `canceled_lose_rates` as in vendors/cloudbeds.md 9."""

    home: Place
    view: View
    canceled_lose_rates: bool

    def single(self, booking: Row) -> Row:
        """Write the answer of getReservation: money in full, rooms apart by whether they are assigned."""
        main, sums = self.view.main_guest(booking), bookings.sums(booking)
        start, end = bookings.dates_of(booking)
        lines = [(line, self._booked(booking, line)) for line in booking["lines"]]
        told = {
            **self._common(booking),
            "guestName": _name(main),
            "guestEmail": main.get("guestEmail", ""),
            "isAnonymized": main.get("isAnonymized", False),
            "guestList": guest_list(self.home, self.view, booking, "single"),
            "estimatedArrivalTime": booking["estimatedArrivalTime"],
            "source": source(booking["sourceID"]).name,
            "total": number(sums["grandTotal"]),
            "balance": number(sums["grandTotal"] - sums["paid"]),
            "balanceDetailed": self._balance(booking),
            "assigned": [row for line, row in lines if line["roomID"]],
            "unassigned": [row for line, row in lines if not line["roomID"]],
            "cardsOnFile": booking["cardsOnFile"],
            "customFields": booking["customFields"],
            "startDate": start,
            "endDate": end,
            "allotmentBlockCode": booking["allotmentBlockCode"],
            "groupInventory": None,
            **({"channelProvidedCreditCard": bool(booking["cardsOnFile"])} if _is_channels(booking) else {}),
        }
        return {**told, **booking["_raw"]}

    def listed(self, booking: Row, includes: Includes) -> Row:
        """Write a row of getReservations: no rates, no UTC, rooms only when asked for."""
        main, sums = self.view.main_guest(booking), bookings.sums(booking)
        start, end = bookings.dates_of(booking)
        told = {
            **self._common(booking),
            "guestID": booking["mainGuest"],
            "profileID": f"p{booking['mainGuest']}",
            "guestName": _name(main),
            "startDate": start,
            "endDate": end,
            "allotmentBlockCode": booking["allotmentBlockCode"],
            "groupCode": booking["groupCode"],
            "adults": str(_people(booking, "adults")),
            "children": str(_people(booking, "children")),
            "balance": number(sums["grandTotal"] - sums["paid"]),
            "sourceName": source(booking["sourceID"]).name,
            "groupInventory": None,
            **self._included(booking, includes),
        }
        if includes.rooms:
            told["rooms"] = [self._room(booking, line) for line in booking["lines"]]
        if includes.with_room is not None:
            found = (line["subReservationID"] for line in booking["lines"] if line["roomID"] == includes.with_room)
            told["subReservationID"] = next(found, None)
        return {**told, **booking["_raw"]}

    def detailed(self, booking: Row, includes: Includes) -> Row:
        """Write a row of getReservationsWithRateDetails: UTC twins, rates by night, rooms with their state."""
        main, sums, where = self.view.main_guest(booking), bookings.sums(booking), source(booking["sourceID"])
        start, end = bookings.dates_of(booking)
        told = {
            **{name: value for name, value in self._common(booking).items() if name != "sourceID"},
            "isDeleted": booking["isDeleted"],
            "dateCreatedUTC": in_utc(booking["_created"]),
            "dateModifiedUTC": in_utc(booking["_modified"]),
            **self._cancelled(booking),
            "reservationCheckIn": f"{start} {CHECK_IN}",
            "reservationCheckOut": f"{end} {CHECK_OUT}",
            "guestID": booking["mainGuest"],
            "profileID": f"p{booking['mainGuest']}",
            "guestCountry": main.get("guestCountry", ""),
            "sourceName": where.name,
            "source": {
                "name": where.name,
                "paymentCollect": "hotel" if where.collect == "hotel" else "collect",
                "sourceID": where.id,
                "category": where.category,
            },
            "sourceCategory": where.category,
            "sourceReservationID": booking["thirdPartyIdentifier"] or None,
            "propertyCurrency": self.home.site.currency,
            "balanceDetailed": self._balance(booking),
            "detailedRates": self._rates_of_all(booking),
            "rooms": [self._rated_room(booking, line) for line in booking["lines"]],
            "estimatedArrivalTime": booking["estimatedArrivalTime"],
            "total": number(sums["grandTotal"]),
            "balance": number(sums["grandTotal"] - sums["paid"]),
            "dateImported": local(booking["_created"], self.home.zone) if _is_channels(booking) else "",
            **self._included(booking, includes),
        }
        return {**told, **booking["_raw"]}

    def _common(self, booking: Row) -> Row:
        zone = self.home.zone
        stamps = {"dateCreated": local(booking["_created"], zone), "dateModified": local(booking["_modified"], zone)}
        return {**{name: booking[name] for name in _GENERAL}, **stamps}

    def _included(self, booking: Row, includes: Includes) -> Row:
        told: Row = {}
        if includes.custom_fields:
            told["customFields"] = booking["customFields"]
        if includes.guests:
            told["guestList"] = guest_list(self.home, self.view, booking, "list")
        return told

    def _cancelled(self, booking: Row) -> Row:
        at = booking["_cancelled"]
        if booking["status"] != "canceled" or at is None:
            return {}
        return {"dateCancelled": local(at, self.home.zone), "dateCancelledUTC": in_utc(at)}

    def _balance(self, booking: Row) -> Row:
        sums = bookings.sums(booking)
        plain = {name: number(value) for name, value in sums.items()}
        deposit = sums["grandTotal"] / 5
        return {"suggestedDeposit": f"{deposit.quantize(Decimal('0.01'))}", **plain}

    def _rates(self, booking: Row, line: Row) -> dict[str, Decimal]:
        return shown_rates(booking, line, canceled_lose_rates=self.canceled_lose_rates)

    def _rates_of_all(self, booking: Row) -> Row | list[Row]:
        found: dict[str, Decimal] = {}
        for line in booking["lines"]:
            for day, price in self._rates(booking, line).items():
                found[day] = found.get(day, Decimal()) + price
        return _map({day: number(price) for day, price in sorted(found.items())})

    def _booked(self, booking: Row, line: Row) -> Row:
        """Write a line of getReservation; an unassigned one lacks the room, the short name and the market."""
        kind, room = self.home.kind(line["roomTypeID"]), self.home.room(line["roomID"])
        rates = self._rates(booking, line)
        told = {
            "reservationRoomID": line["reservationRoomID"],
            "roomTypeName": kind.name if kind else "",
            "roomTypeIsVirtual": bool(kind and kind.virtual),
            "roomTypeID": line["roomTypeID"],
            "subReservationID": line["subReservationID"],
            "isRoomLocked": line["isRoomLocked"],
            "startDate": line["startDate"],
            "endDate": line["endDate"],
            "adults": str(line["adults"]),
            "children": str(line["children"]),
            "dailyRates": [{"date": day, "rate": number(price)} for day, price in rates.items()],
            "roomTotal": f"{sum(line['rates'].values(), Decimal()).quantize(Decimal('0.01'))}",
        }
        if line["roomID"]:
            told |= {
                "roomTypeNameShort": kind.short if kind else "",
                "dormRoomName": (room.dorm or None) if room else None,
                "roomName": room.name if room else "",
                "roomID": line["roomID"],
                "marketName": line["marketName"],
                "marketCode": line["marketCode"],
            }
        return {**told, **line["_raw"]}

    def _room(self, booking: Row, line: Row) -> Row:
        """Write a room of a list; an unassigned one has a null for its id and no name."""
        kind, room = self.home.kind(line["roomTypeID"]), self.home.room(line["roomID"])
        main = self.view.main_guest(booking)
        told = {
            "roomTypeID": line["roomTypeID"],
            "roomTypeName": kind.name if kind else "",
            "roomTypeIsVirtual": bool(kind and kind.virtual),
            "subReservationID": line["subReservationID"],
            "isRoomLocked": line["isRoomLocked"],
            "guestID": booking["mainGuest"],
            "guestName": _name(main),
            "adults": str(line["adults"]),
            "children": str(line["children"]),
            "reservationRoomID": line["reservationRoomID"],
            "roomID": line["roomID"],
            **({"roomName": room.name} if room else {}),
            "roomCheckIn": line["startDate"],
            "roomCheckOut": line["endDate"],
            "roomStatus": line["roomStatus"],
            "marketName": line["marketName"],
            "marketCode": line["marketCode"],
        }
        return {**told, **line["_raw"]}

    def _rated_room(self, booking: Row, line: Row) -> Row:
        rates = {day: number(price) for day, price in self._rates(booking, line).items()}
        rated = {"rateID": line["rateID"], "rateName": self.home.rate_name(line["rateID"])}
        return {**rated, "detailedRoomRates": _map(rates), **self._room(booking, line)}


def _map(found: Row) -> Row | list[Row]:
    """Write a map as PHP does: an empty one is an empty list (3)."""
    return found or []


def _name(guest: Row) -> str:
    return f"{guest.get('guestFirstName', '')} {guest.get('guestLastName', '')}".strip()


def _people(booking: Row, word: str) -> int:
    return sum(int(line[word]) for line in booking["lines"] if line["roomStatus"] != "cancelled")


def _is_channels(booking: Row) -> bool:
    return source(booking["sourceID"]).third_party
