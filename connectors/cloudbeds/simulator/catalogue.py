"""Reading what a property is: itself, rooms and room types, rates, sources, taxes (vendors/cloudbeds.md 10.3, 10.9)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connectors.cloudbeds.simulator import times
from connectors.cloudbeds.simulator.asking import Call, paged
from connectors.cloudbeds.simulator.refusals import failed
from connectors.cloudbeds.simulator.shapes import number
from connectors.cloudbeds.simulator.site import ORGANIZATION, SOURCES, Place, Room, RoomType
from connectors.cloudbeds.simulator.stock import free_rooms, is_blocked
from connectors.kit.simulator.contract import Row

_FEW = 20
_PLENTY = 10_000
BASE_PRICE = Decimal(100)
_OPEN = {"closedToArrival": False, "closedToDeparture": False, "blocked": False, "minLos": 0, "maxLos": 0}


def hotels(call: Call) -> Row:
    """Answer getHotels, the one place that tells the time zone; the currency is a list here."""
    rows = [_hotel(home) for home in call.places()]
    if name := call.text("propertyName"):
        rows = [row for row in rows if row["propertyName"] == name]
    return paged(call, rows, usual=_FEW, most=_PLENTY)


def hotel_details(call: Call) -> Row:
    """Answer getHotelDetails; no time zone here (8)."""
    home = call.place()
    plain = _hotel(home)
    separators = {"currencyDecimalSeparator": ".", "currencyThousandsSeparator": ","}
    told = {
        **{name: plain[name] for name in ("propertyID", "organizationID", "propertyName", "propertyDescription")},
        "propertyType": "hotel",
        "propertyImage": [],
        "propertyCurrency": {**plain["propertyCurrency"][0], **separators},
        "propertyPrimaryLanguage": "en",
        "propertyAdditionalPhotos": [],
        "propertyPhone": "+34 910 000 000",
        "propertyEmail": f"desk{home.index}@hotels.example",
        "propertyAddress": _address(home),
        "propertyPolicy": {
            "propertyCheckInTime": times.CHECK_IN,
            "propertyCheckOutTime": times.CHECK_OUT,
            "propertyLateCheckOutAllowed": False,
            "propertyLateCheckOutType": "value",
            "propertyLateCheckOutValue": "0",
            "propertyTermsAndConditions": "",
            "propertyFullPaymentBeforeCheckin": False,
        },
        "propertyAmenities": [],
        **dict.fromkeys(("taxID", "taxID2", "companyLegalName"), ""),
    }
    return {"success": True, "data": told}


def room_types(call: Call) -> Row:
    """Answer getRoomTypes; the number of units is not told."""
    wanted = call.listed("roomTypeIDs")
    rows = [
        {
            "roomTypeID": kind.id,
            "propertyID": home.id,
            "roomTypeName": kind.name,
            "roomTypeNameShort": kind.short,
            "roomTypeDescription": "",
            "isPrivate": kind.private,
            "maxGuests": 3,
            "adultsIncluded": 2,
            "childrenIncluded": 0,
        }
        for home in call.places()
        for kind in home.kinds
        if not wanted or kind.id in wanted
    ]
    return paged(call, rows, usual=_FEW, most=_PLENTY)


def rooms(call: Call) -> Row:
    """Answer getRooms: pages count rooms, not properties; with dates only the free ones."""
    cut, counts = call.page(_rooms(call), _FEW, _PLENTY)
    return {
        "success": True,
        "data": _by_property(call, cut, relations=call.text("includeRoomRelations") == "1"),
        **counts,
    }


def rooms_unassigned(call: Call) -> Row:
    """Answer getRoomsUnassigned, which has no pages and no relations."""
    found = _rooms(call)
    return {"success": True, "data": _by_property(call, found), "count": len(found), "total": len(found)}


def rate_plans(call: Call) -> Row:
    """Answer getRatePlans; prices over several nights are totals of the stay (15.19)."""
    first, last = _nights(call)
    rates, kinds = call.listed("rateIDs"), call.listed("roomTypeID")
    rows: list[Row] = []
    for home in call.places():
        for kind in home.kinds:
            for rate_id in (kind.base_rate, kind.plan_rate):
                if (not kinds or kind.id in kinds) and (not rates or rate_id in rates):
                    rows.append(_rate_plan(call, home, kind, rate_id, (first, last)))  # noqa: PERF401 - reads as a table
    return {"success": True, "data": rows}


def rate(call: Call) -> Row:
    """Answer getRate: the base rate of a room type."""
    home, (first, last) = call.place(), _nights(call)
    kind = home.kind(call.text("roomTypeID"))
    if kind is None:
        raise failed("Invalid roomTypeID")
    days, free = times.nights(first, last), len(free_rooms(call.view, home, kind, first, last))
    told = {
        "rateID": kind.base_rate,
        "isDerived": False,
        "roomRate": number(BASE_PRICE * len(days)),
        "totalRate": number(BASE_PRICE * len(days)),
        "roomsAvailable": free,
    }
    if call.flag("detailedRates"):
        price = {"rate": number(BASE_PRICE), "totalRate": number(BASE_PRICE), "roomsAvailable": free, **_OPEN}
        told["roomRateDetailed"] = [{"date": day.isoformat(), **price} for day in days]
    return {"success": True, "data": told}


def sources(call: Call) -> Row:
    """Answer getSources; who collects is `hotel` or `channel` here."""
    rows: list[Row] = [
        {
            "propertyID": home.id,
            "sourceID": one.id,
            "sourceName": one.name,
            "isThirdParty": one.third_party,
            "status": True,
            "commission": 15 if one.third_party else 0,
            "paymentCollect": one.collect,
            "taxes": [],
            "fees": [],
        }
        for home in call.places()
        for one in SOURCES
    ]
    return {"success": True, "data": rows}


def currency(call: Call) -> Row:
    """Answer getCurrencySettings."""
    code = call.place().site.currency
    told = {"default": code, "acceptable": [code], "format": {"decimal": ".", "thousand": ","}, "rates": {"fixed": []}}
    return {"success": True, "data": told}


def taxes(call: Call) -> Row:
    """Answer getTaxesAndFees: one tax, on top of the room prices or in them."""
    site = call.place().site
    told = {
        "type": "tax",
        "taxID": "7001",
        "name": "Lodging tax",
        "code": "LT",
        "amount": str((site.tax or Decimal("0.10")) * 100),
        "amountAdult": "0",
        "amountChild": "0",
        "amountType": "percentage",
        "availableFor": ["rate"],
        "inclusiveOrExclusive": "exclusive" if site.tax else "inclusive",
        "isDeleted": False,
        "childId": "",
        "createdAt": "2020-01-01 00:00:00",
        "expiredAt": "",
    }
    return {"success": True, "data": [told], "total": 1}


def nothing(_call: Call) -> Row:
    """Answer a list of which these hotels have none."""
    return {"success": True, "data": []}


def nothing_paged(call: Call) -> Row:
    """Answer a paged list of which these hotels have none."""
    call.places()
    return {"success": True, "data": [], "count": 0, "total": 0}


def _hotel(home: Place) -> Row:
    money = {"currencyCode": home.site.currency, "currencySymbol": home.site.symbol, "currencyPosition": "before"}
    return {
        "propertyID": home.id,
        "organizationID": ORGANIZATION,
        "propertyName": home.name,
        "propertyImage": "",
        "propertyDescription": "",
        "propertyTimezone": home.zone,
        "propertyCurrency": [money],
    }


def _address(home: Place) -> Row:
    names = "Address1 Address2 City State Zip Country Latitude Longitude".split()
    known = {"Address1": "Main Street 1", "City": home.site.city, "Country": home.site.country}
    return {f"property{name}": known.get(name, "") for name in names}


def _rooms(call: Call) -> list[tuple[Place, RoomType, Room]]:
    wanted, short = call.listed("roomTypeID"), call.text("roomTypeNameShort")
    span = _span(call)
    found = []
    for home in call.places():
        for kind in home.kinds:
            if (wanted and kind.id not in wanted) or (short and kind.short != short):
                continue
            free = kind.rooms if span is None else free_rooms(call.view, home, kind, *span)
            found += [(home, kind, room) for room in free]
    return found


def _by_property(call: Call, found: list[tuple[Place, RoomType, Room]], *, relations: bool = False) -> list[Row]:
    told: dict[str, Row] = {}
    for home, kind, room in found:
        entry = told.setdefault(home.id, {"propertyID": home.id, "rooms": []})
        entry["rooms"].append(_room(call, home, kind, room, relations=relations))
    return [*told.values()]


def _room(call: Call, home: Place, kind: RoomType, room: Room, *, relations: bool) -> Row:
    day = times.today(call.now, home.zone)
    told = {
        "roomID": room.id,
        "roomName": room.name,
        "dormRoomName": room.dorm,
        "roomDescription": "",
        "maxGuests": 3,
        "isPrivate": kind.private,
        "isVirtual": kind.virtual,
        "roomBlocked": is_blocked(call.view, room.id, day),
        "roomTypeID": kind.id,
        "roomTypeName": kind.name,
        "roomTypeNameShort": kind.short,
        "doorlockID": "",
    }
    return (
        {**told, "linkedRoomIDs": [*room.links], "linkedRoomTypeIDs": [], "linkedRoomTypeQty": []}
        if relations
        else told
    )


def _rate_plan(call: Call, home: Place, kind: RoomType, rate_id: str, span: tuple[date, date]) -> Row:
    days, derived = times.nights(*span), rate_id == kind.plan_rate
    price = (BASE_PRICE * 9 / 10 if derived else BASE_PRICE).quantize(home.quantum)
    free = len(free_rooms(call.view, home, kind, *span))
    told = {
        "rateID": rate_id,
        "isDerived": derived,
        "roomRate": number(price * len(days)),
        "totalRate": number(price * len(days)),
        "roomsAvailable": free,
        "roomTypeID": kind.id,
        "roomTypeName": kind.name,
        "propertyID": home.id,
        "ratePlanID": home.plan if derived else None,
        "ratePlanNamePublic": home.rate_name(rate_id) if derived else None,
        "ratePlanNamePrivate": home.rate_name(rate_id) if derived else None,
        "addOns": [],
        **({"derivedType": "percentage", "derivedValue": -10, "parentRateID": kind.base_rate} if derived else {}),
    }
    if call.flag("detailedRates"):
        detail = {"rateBase": number(price), "totalRate": number(price), "roomsAvailable": free, **_OPEN}
        more = {"cutOff": 0, "lastMinuteBooking": 0}
        told["roomRateDetailed"] = [{"date": day.isoformat(), **detail, **more} for day in days]
    return told


def _nights(call: Call) -> tuple[date, date]:
    first, last = times.read_day(call.text("startDate")), times.read_day(call.text("endDate"))
    if first is None or last is None or last < first:
        raise failed("Parameter startDate has an invalid value")
    return first, last


def _span(call: Call) -> tuple[date, date] | None:
    return None if call.text("startDate") is None and call.text("endDate") is None else _nights(call)
