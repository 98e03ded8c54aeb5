"""The document of one reservation, as the single read shows it (vendors/opera.md 6.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator import amounts, states
from connectors.opera.simulator.people import nested_profile
from connectors.opera.simulator.quirks import Dress, told
from connectors.opera.simulator.times import day

_DAY = timedelta(days=1)
_UNIQUE = "Reservation"


def reservation_ids(row: Row) -> list[Row]:
    """Return the ids of a reservation; they are told apart by type, never by place."""
    ids = [{"id": row["id"], "type": _UNIQUE}, {"id": row["confirmation"], "type": "Confirmation"}]
    if row["cancellationNo"]:
        ids.append({"id": row["cancellationNo"], "type": "CancellationNumber"})
    return ids if int(row["id"]) % 2 else ids[::-1]


def money(dress: Dress, gross: Decimal | None, currency: str) -> Row:
    """Return an amount before and after tax."""
    if gross is None:
        return {}
    net = amounts.before_tax(gross, currency)
    return {
        "amountBeforeTax": dress.number(net),
        "amountAfterTax": dress.number(gross),
        "currencyCode": currency,
    }


def nights_of(row: Row) -> list[tuple[date, Decimal | None]]:
    """Return the nights with their gross prices; a night without a price that can be read has none."""
    arrival, departure = day(row["arrivalDate"]), day(row["departureDate"])
    if arrival is None or departure is None:
        return []
    prices = [amounts.read(price) for price in row["prices"]]
    count = (departure - arrival).days
    return [(arrival + index * _DAY, prices[index] if index < len(prices) else None) for index in range(count)]


def total_of(row: Row) -> Decimal | None:
    """Return the gross price of the whole stay, None when a night has no price; day use costs its only price."""
    found = [price for _, price in nights_of(row)]
    if not found and row["arrivalDate"] == row["departureDate"]:
        found = [amounts.read(price) for price in row["prices"]]
    known = [price for price in found if price is not None]
    return sum(known, Decimal()) if known and len(known) == len(found) else None


class Writer:
    """Writes one reservation with the profiles of its guests."""

    def __init__(self, row: Row, profiles: Iterable[Row], business_date: str, dress: Dress) -> None:
        """Work on a row and the profiles it names."""
        self._row, self._dress = row, dress
        self._profiles = {profile["id"]: profile for profile in profiles}
        self._business_date = business_date

    def document(self, instructions: Collection[str]) -> Row:
        """Return what the fetch instructions ask for; without any, the reservation itself."""
        row, dress = self._row, self._dress
        wanted = frozenset(instructions) or frozenset({"Reservation"})
        whole: Row = {"reservationIdList": reservation_ids(row), "hotelId": row["hotelId"]}
        if "Reservation" in wanted:
            whole |= self._main()
        if "Comments" in wanted:
            comments = [_comment(one, dress) for one in row["comments"]]
            whole["comments"] = dress.wrapped("commentInfo", comments) if comments else None
        if "ReservationPaymentMethods" in wanted:
            whole["reservationPaymentMethods"] = [{"paymentMethod": row["paymentMethod"], "folioView": 1}]
        return _merged(told(whole), row["extra"])

    def _main(self) -> Row:
        row, dress = self._row, self._dress
        return {
            "externalReferences": row["externalReferences"],
            "sourceOfSale": {"sourceType": row["sourceType"], "sourceCode": row["sourceOfSale"]},
            "roomStay": self._room_stay(),
            "reservationGuests": dress.wrapped("reservationGuest", [*self._guests()]),
            "reservationProfiles": told({"reservationProfile": row["attached"]}),
            "cancellation": self._cancellation(),
            "roomStayReservation": True,
            "reservationStatus": row["reservationStatus"],
            "computedReservationStatus": states.computed(row, self._business_date),
            "walkIn": row["walkIn"],
            "preRegistered": False,
            "createDateTime": dress.time(row["createDateTime"]),
            "createBusinessDate": row["createBusinessDate"],
            "lastModifyDateTime": dress.time(row["lastModifyDateTime"]),
        }

    def _cancellation(self) -> Row | None:
        row = self._row
        if not row["cancelledOn"]:
            return None
        number = {"id": row["cancellationNo"], "type": "CancellationNumber"}
        return {"code": row["cancellationCode"], "date": row["cancelledOn"], "cancellationNo": number}

    def _room_stay(self) -> Row:
        row, dress = self._row, self._dress
        arrival = f"{row['arrivalDate']} {row['expectedArrival']}:00.0"
        departure = f"{row['departureDate']} {row['expectedDeparture']}:00.0"
        return told(
            {
                "arrivalDate": row["arrivalDate"],
                "departureDate": row["departureDate"],
                "expectedTimes": {
                    "reservationExpectedArrivalTime": arrival,
                    "reservationExpectedDepartureTime": departure,
                },
                "guestCounts": self._counts(),
                "guarantee": {"guaranteeCode": row["guaranteeCode"]},
                "total": money(dress, total_of(row), row["currencyCode"]),
                "currentRoomInfo": told({"roomType": row["roomType"], "roomId": row["roomId"]}),
                "roomNumberLocked": False,
                "bookingMedium": row["bookingMedium"],
                "roomRates": dress.rows(self._room_rates()),
            }
        )

    def _counts(self) -> Row:
        row, dress = self._row, self._dress
        return told({"adults": dress.number(row["adults"]), "children": dress.number(row["children"])})

    def _room_rates(self) -> list[Row]:
        """Return one entry for each stretch of equal prices."""
        nights = nights_of(self._row)
        if not nights:
            return [self._stretch([(day(self._row["arrivalDate"]), total_of(self._row))])]
        return [self._stretch([*stretch]) for _, stretch in groupby(nights, key=lambda night: night[1])]

    def _stretch(self, nights: list[Any]) -> Row:
        row, dress = self._row, self._dress
        prices = [price for _, price in nights if price is not None]
        total = sum(prices, Decimal()) if len(prices) == len(nights) else None
        return told(
            {
                **self._ends(nights[0][0], nights[-1][0]),
                "roomType": row["roomType"],
                "roomTypeCharged": row["roomTypeCharged"],
                "ratePlanCode": row["ratePlanCode"],
                "marketCode": row["marketCode"],
                "sourceCode": row["sourceCode"],
                "numberOfUnits": dress.number(row["numberOfUnits"]),
                "roomId": row["roomId"],
                "pseudoRoom": row["pseudoRoom"],
                "fixedRate": False,
                "suppressRate": False,
                "guestCounts": self._counts(),
                "total": money(dress, total, row["currencyCode"]),
                "rates": {"rate": dress.rows([self._rate(night, price) for night, price in nights])},
            }
        )

    def _rate(self, night: date, price: Decimal | None) -> Row:
        amount = money(self._dress, price, self._row["currencyCode"])
        return told({**self._ends(night, night), "base": amount, "total": amount})

    def _ends(self, first: date | None, last: date | None) -> Row:
        """Return start and end; day use begins and ends on the same day whatever the end means."""
        if first is None or last is None:
            return {"start": self._row["arrivalDate"], "end": self._row["departureDate"]}
        beyond = self._dress.ends_on_departure and self._row["arrivalDate"] != self._row["departureDate"]
        return {"start": first.isoformat(), "end": (last + _DAY if beyond else last).isoformat()}

    def _guests(self) -> Iterable[Row]:
        found = (self._profiles.get(str(key)) for key in self._row["guests"])
        for place, profile in enumerate(profile for profile in found if profile is not None):
            ids = [{"id": profile["id"], "type": "Profile"}]
            nested = nested_profile(profile, self._dress)
            yield {"primary": place == 0, "profileInfo": {"profileIdList": ids, "profile": nested}}


def _comment(comment: Row, dress: Dress) -> Row:
    body = {
        "text": {"value": comment["text"]},
        "type": comment["type"],
        "internal": comment["internal"],
        "notificationLocation": comment["type"],
        "createDateTime": dress.time(comment["at"]),
        "lastModifyDateTime": dress.time(comment["at"]),
    }
    return {"id": comment["id"], "type": "Comment", "comment": body}


def _merged(document: Row, extra: Row) -> Row:
    """Lay raw fields over a document, objects into objects; anything else takes the place of what stood there."""
    merged = dict(document)
    for name, value in extra.items():
        below = merged.get(name)
        merged[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
