"""Rows of the search and of the summary (vendors/opera.md 6.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator import states
from connectors.opera.simulator.amounts import before_tax
from connectors.opera.simulator.documents import nights_of, reservation_ids, total_of
from connectors.opera.simulator.quirks import Dress, told
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.times import day


def info(row: Row, place: Place, guests: list[Row], business_date: str, dress: Dress) -> Row:
    """Return a row of the search with everything it may hold; `pruned` leaves out what was not asked for."""
    whole: Row = {
        "reservationIdList": reservation_ids(row),
        "externalReferences": row["externalReferences"],
        "roomStay": _room_stay(row, place, dress),
        "reservationGuest": _guest(guests),
        "attachedProfiles": row["attached"],
        "reservationPaymentMethod": {"paymentMethod": row["paymentMethod"]},
        "sourceOfSale": {"sourceType": row["sourceType"], "sourceCode": row["sourceOfSale"]},
        "hotelId": row["hotelId"],
        "hotelName": place.name,
        "roomStayReservation": True,
        "createDateTime": dress.time(row["createDateTime"]),
        "lastModifyDateTime": dress.time(row["lastModifyDateTime"]),
        "reservationStatus": row["reservationStatus"],
        "computedReservationStatus": states.computed(row, business_date),
        "walkInIndicator": row["walkIn"],
    }
    if row["cancelledOn"]:
        whole["cancellationInfo"] = {"code": row["cancellationCode"], "date": row["cancelledOn"]}
    return told(whole)


def pruned(whole: Row, instructions: Collection[str], systems: Collection[str]) -> Row:
    """Leave out what fetch instructions did not name, and external references that nobody asked to see."""
    shown = dict(whole)
    if instructions and "Reservation" not in instructions:
        shown = {name: shown[name] for name in ("reservationIdList", "hotelId", "cancellationInfo") if name in shown}
    if "CancellationInfo" not in instructions:
        shown.pop("cancellationInfo", None)
    shown["externalReferences"] = [one for one in whole.get("externalReferences", []) if one["idContext"] in systems]
    return told(shown)


def summary(row: Row, guests: list[Row], business_date: str, dress: Dress) -> Row:
    """Return a light row for sweeps; only `lastModifyDateTime` in its dates tells of a change."""
    guest: Mapping[str, object] = guests[0] if guests else {}
    total = total_of(row)
    dates = {
        "arrivalDate": row["arrivalDate"],
        "departureDate": row["departureDate"],
        "cancelledOn": row["cancelledOn"],
        "folioClosedOn": row["folioClosedOn"],
        "createDateTime": dress.time(row["createDateTime"]),
        "lastModifyDateTime": dress.time(row["lastModifyDateTime"]),
    }
    name = {"guestNameId": guest.get("id"), "lastName": guest.get("surname"), "firstName": guest.get("givenName")}
    return told(
        {
            "hotelId": row["hotelId"],
            "reservationIdList": reservation_ids(row),
            "externalReferences": row["externalReferences"],
            "guestDetails": told(name),
            "reservationDates": told(dates),
            "adults": dress.number(row["adults"]),
            "children": dress.number(row["children"]),
            "noOfRooms": dress.number(row["numberOfUnits"]),
            "amount": dress.number(total),
            "rateCode": row["ratePlanCode"],
            "currencyCode": row["currencyCode"],
            "reservationStatus": row["reservationStatus"],
            "computedReservationStatus": states.computed(row, business_date),
            "guaranteeCode": row["guaranteeCode"],
            "nights": dress.number(len(nights_of(row))),
            "roomId": row["roomId"],
            "sourceCode": row["sourceCode"],
            "marketCode": row["marketCode"],
            "roomType": row["roomType"],
            "bookedRoomType": row["roomTypeCharged"],
        }
    )


def _room_stay(row: Row, place: Place, dress: Dress) -> Row:
    kind, total, currency = place.kind(row["roomType"]), total_of(row), row["currencyCode"]
    first = next((price for _, price in nights_of(row)), total)
    names = ("roomNumber", "sourceOfBusiness") if dress.sampled else ("roomId", "sourceCode")
    rate = None if first is None else {"amount": dress.number(before_tax(first, currency)), "currencyCode": currency}
    whole = None if total is None else {"amount": dress.number(total), "currencyCode": currency}
    departed = day(row["departureDate"]) is not None and row["reservationStatus"] == states.CHECKED_OUT
    balance = None if whole is None or departed else whole
    return told(
        {
            "arrivalDate": row["arrivalDate"],
            "departureDate": row["departureDate"],
            "originalTimeSpan": {"startDate": row["arrivalDate"], "endDate": row["departureDate"]},
            "adultCount": dress.number(row["adults"]),
            "childCount": dress.number(row["children"]),
            "roomClass": kind.room_class if kind else None,
            "roomType": row["roomType"],
            "roomTypeCharged": row["roomTypeCharged"],
            "numberOfRooms": dress.number(row["numberOfUnits"]),
            names[0]: row["roomId"],
            "roomNumberLocked": False,
            "pseudoRoom": row["pseudoRoom"],
            "ratePlanCode": row["ratePlanCode"],
            "rateAmount": rate,
            "totalAmount": whole,
            "fixedRate": False,
            "rateSuppressed": False,
            "guarantee": {"guaranteeCode": row["guaranteeCode"]},
            "marketCode": row["marketCode"],
            names[1]: row["sourceCode"],
            "balance": balance,
            "bookingChannelCode": row["bookingMedium"],
        }
    )


def _guest(guests: list[Row]) -> Row | None:
    if not guests:
        return None
    first, *others = guests
    country = {"country": {"code": first["country"], "isoCode": first["country"]}} if first["country"] else None
    beside = [
        told({"firstName": one["givenName"], "lastName": one["surname"], "profileIdList": [_profile_id(one)]})
        for one in others
    ]
    return told(
        {
            "givenName": first["givenName"],
            "surname": first["surname"],
            "phoneNumber": first["phone"],
            "email": first["email"],
            "language": first["language"],
            "address": country,
            "accompanyGuests": beside,
            **_profile_id(first),
        }
    )


def _profile_id(profile: Row) -> Row:
    return {"id": profile["id"], "type": "Profile"}
