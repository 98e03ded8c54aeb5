"""Searching reservations: the filters served, their order, pages whose offset is the next one (opera.md 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator import states
from connectors.opera.simulator.hotel import Hotel
from connectors.opera.simulator.query import Ask, Page, Parameter, instructions
from connectors.opera.simulator.quirks import Dress
from connectors.opera.simulator.refusals import VendorRefusal, invalid

SEARCH_LIMIT, LONGEST = 20, 200
MOST_ROWS = 5000
"""The chain parameter MAX ROWS FETCH COUNT, which caps offset + limit of the summary."""

_TEXT, _MANY, _DAY, _YES, _WHOLE = (
    Parameter(),
    Parameter(many=True),
    Parameter("day"),
    Parameter("yes"),
    Parameter("whole"),
)
_SEARCH_INSTRUCTIONS = """
Reservation ReservationID Indicators Deposits RevenuesAndBalances GuestServiceStatus MasterInfo CancellationInfo
BlockReservations TaxType GuestDeviceNotification RoomAssignedByAI SwapShiftRooms ReservationPreferences FiscalInfo
CommissionsInfo DepartureReservationInfo MultipleMemberships FetchChildAges OffshoreRates
"""
_ONE_HOTEL_ONLY = frozenset(
    """
    SwapShiftRooms ReservationPreferences FiscalInfo CommissionsInfo DepartureReservationInfo MultipleMemberships
    """.split()
)
"""Instructions, and below parameters, that the search across hotels does not have in the vendor's API file."""
_READ_INSTRUCTIONS = """
Reservation Comments ReservationMembershipAwards GuestComments Packages TotalCostOfStay InventoryItems
ReservationPaymentMethods RoutingInstructions Preferences Memberships Alerts Traces ConfirmationLetters CallHistory
FixedCharges GuestMessages ReservationPolicies Indicators LinkedReservations RevenuesAndBalances GuestLastStay ECoupons
TrackItItems ReservationAwards WebRegistrationCards ReservationActivities ScheduledActivities PrepaidCards Shares
Attachments Locators ProfileAwards TransactionDiversions Tickets GuestMemberships ECertificates UpsellInfo
RoomAssignedByAI AutoCheckInRoomType Keys AccompanyingGuestProfile AccompanyingGuestMembership
AccompanyingGuestRelationship Voucher ScheduledRoomMoves DailySummary RateInfoDetails OffshoreRates FetchChildAges
TotalDepositPaid ReservationProtection
"""
_NOT_BY_REFERENCE = frozenset(
    """
    ReservationMembershipAwards AutoCheckInRoomType Keys AccompanyingGuestProfile AccompanyingGuestMembership
    AccompanyingGuestRelationship Voucher ScheduledRoomMoves RateInfoDetails FetchChildAges TotalDepositPaid
    ReservationProtection
    """.split()
)
_ORDERS = frozenset(
    "Nights ArrivalDate ArrivalDateETR DepartureDate GuestSurname RateAmount RateCode Room RoomType".split()
)
_QUEUE_ORDERS = frozenset({"QueuePriority", "QueueDurationTime"})
_SEARCH_TYPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "Arrival": frozenset({states.DUE_IN}),
        "Departure": frozenset({states.DUE_OUT}),
        "InHouse": frozenset({states.IN_HOUSE, states.DUE_OUT}),
        "WaitList": frozenset({states.WAITLISTED}),
        "Cancellation": frozenset({states.CANCELLED}),
        "CheckedOut": frozenset({states.CHECKED_OUT}),
        "NoShow": frozenset({states.NO_SHOW}),
    }
)
_TYPE = Parameter(allowed=frozenset({"Any", *_SEARCH_TYPES}))
"""The vendor has more types; one that is not played here is refused, lest an unfiltered answer be taken for it."""

Test = Callable[[Row, object], bool]


def _is(column: str) -> Test:
    return lambda row, wanted: bool(row[column] == wanted)


def _among(column: str) -> Test:
    return lambda row, wanted: isinstance(wanted, list) and row[column] in wanted


def _referenced(row: Row, wanted: object) -> bool:
    return isinstance(wanted, list) and any(one["id"] in wanted for one in row["externalReferences"])


def _by(column: str) -> tuple[Test, Test]:
    """Return the tests for a first and a last day."""
    return (
        lambda row, wanted: str(row[column]) >= str(wanted),
        lambda row, wanted: str(row[column]) <= str(wanted),
    )


_ARRIVAL, _DEPARTURE = _by("arrivalDate"), _by("departureDate")
_TESTS: Mapping[str, Test] = MappingProxyType(
    {
        "reservationIdList": _among("id"),
        "confirmationNumberList": _among("confirmation"),
        "cancellationNumberList": _among("cancellationNo"),
        "externalReferenceIds": _referenced,
        "arrivalStartDate": _ARRIVAL[0],
        "arrivalEndDate": _ARRIVAL[1],
        "departureStartDate": _DEPARTURE[0],
        "departureEndDate": _DEPARTURE[1],
        "stayOnStartDate": lambda row, day: str(row["arrivalDate"]) <= str(day) < str(row["departureDate"]),
        "createdOnStartDate": _is("createBusinessDate"),
        "cancelledOn": _is("cancelledOn"),
        "profileId": lambda row, wanted: wanted in row["guests"],
        "roomId": _is("roomId"),
        "roomType": _among("roomType"),
        "ratePlanCodes": _among("ratePlanCode"),
        "marketCodes": _among("marketCode"),
        "sourceCodes": _among("sourceCode"),
        "arrivalDate": _is("arrivalDate"),
        "departureDate": _is("departureDate"),
        "createDateTime": _is("createBusinessDate"),
        "folioClosedOn": _is("folioClosedOn"),
        "confirmationNumber": _is("confirmation"),
        "externalReferenceNumber": lambda row, wanted: _referenced(row, [wanted]),
    }
)
_INDEXED = {"createdOnStartDate": "createBusinessDate", "createDateTime": "createBusinessDate"}
_INDEXED |= dict.fromkeys(("cancelledOn",), "cancelledOn")
_NARROW = frozenset({*_TESTS, "surname", "lastName"})
"""Criteria of which a search needs one; which are enough is not documented."""


def search_parameters(refused: frozenset[str]) -> Mapping[str, Parameter]:
    """Return the parameters of the search that are served; all others of its 140 are ignored here, as unknown ones."""
    return MappingProxyType(
        {
            "limit": _WHOLE,
            "offset": _WHOLE,
            "reservationIdList": Parameter("id", many=True),
            **dict.fromkeys(("confirmationNumberList", "cancellationNumberList", "externalReferenceIds"), _MANY),
            **dict.fromkeys(("externalSystemCodes", "resvExternalReferencesToFetch"), _MANY),
            **dict.fromkeys(("profileExternalReferencesToFetch", "ratePlanCodes", "marketCodes", "sourceCodes"), _MANY),
            **dict.fromkeys(("arrivalStartDate", "arrivalEndDate", "departureStartDate", "departureEndDate"), _DAY),
            **dict.fromkeys(("stayOnStartDate", "createdOnStartDate", "cancelledOn", "stayDate"), _DAY),
            **dict.fromkeys(("profileId", "roomId", "surname"), _TEXT),
            "roomType": _MANY,
            "searchType": _TYPE,
            "searchTypes": Parameter(many=True, allowed=_TYPE.allowed),
            "reservationStatuses": Parameter(many=True, allowed=frozenset(states.FILTER)),
            "orderBy": Parameter(many=True, allowed=_ORDERS | _QUEUE_ORDERS),
            "sortOrder": Parameter(many=True, allowed=frozenset({"Asc", "Desc"})),
            "fetchInstructions": instructions(_SEARCH_INSTRUCTIONS, refused),
            **dict.fromkeys(("excludePMRooms", "excludePseudoRoomReservations"), _YES),
            "hotelIds": _MANY,
        }
    )


def across_parameters(refused: frozenset[str]) -> Mapping[str, Parameter]:
    """Return the parameters of the search across hotels: the same, but for what its API file does not have."""
    missing = {"stayOnStartDate", "createdOnStartDate", "excludePMRooms"}
    known = search_parameters(refused | _ONE_HOTEL_ONLY)
    found = {name: one for name, one in known.items() if name not in missing}
    return {**found, "orderBy": Parameter(many=True, allowed=_ORDERS)}


def read_parameters(refused: frozenset[str]) -> Mapping[str, Parameter]:
    """Return the parameters of the single read."""
    asked = instructions(_READ_INSTRUCTIONS, refused)
    return {"fetchInstructions": asked, "profileExternalReferencesToFetch": _MANY}


def reference_parameters(refused: frozenset[str]) -> Mapping[str, Parameter]:
    """Return the parameters of the read by an external id, which takes fewer instructions."""
    return read_parameters(refused | _NOT_BY_REFERENCE)


SUMMARY_PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        "limit": _WHOLE,
        "offset": _WHOLE,
        **dict.fromkeys(("arrivalDate", "departureDate", "createDateTime", "cancelledOn", "folioClosedOn"), _DAY),
        "reservationStatus": Parameter(allowed=frozenset(states.FILTER)),
        **dict.fromkeys(("confirmationNumber", "externalReferenceNumber", "roomId", "lastName"), _TEXT),
    }
)


def select(hotel: Hotel, ask: Ask, codes: Sequence[str], dates: Mapping[str, str], revision: int | None) -> list[Row]:
    """Return the reservations of some hotels that fit.

    `dates` are the business dates by hotel; a `revision` asks for an older state.
    """
    wanted = _wanted_statuses(ask)
    tests = [(_TESTS[name], value) for name, value in ask.items() if name in _TESTS]
    found = [
        row
        for row in _candidates(hotel, ask, revision)
        if row["hotelId"] in codes
        and all(test(row, value) for test, value in tests)
        and (wanted is None or states.computed(row, dates[row["hotelId"]]) in wanted)
        and _named(hotel, row, ask)
        and not (row["pseudoRoom"] and (ask.get("excludePMRooms") or ask.get("excludePseudoRoomReservations")))
    ]
    return _ordered(hotel, found, ask)


def refuse_vague(ask: Ask) -> None:
    """Refuse a search without one criterion that narrows it; raises VendorRefusal 400."""
    if not ask.keys() & _NARROW:
        raise invalid("Not enough search criteria")


def cut(rows: Sequence[Row], page: Page) -> Sequence[Row]:
    """Return the rows of a page."""
    return rows[page.offset : page.offset + page.limit]


def refuse_beyond(page: Page) -> None:
    """Refuse a page of the summary that ends behind the last row that may be fetched; raises VendorRefusal 400."""
    if page.offset + page.limit > MOST_ROWS:
        raise VendorRefusal(400, f"Offset and limit exceed the maximum of {MOST_ROWS} rows", "ODE09998")


def facts(page: Page, count: int, total: int, dress: Dress, *, hopeful: bool) -> Row:
    """Return what stands beside the rows: the offset of the next page, and a `hasMore` that may be mere hope."""
    return {
        "offset": dress.number(page.offset + page.limit),
        "limit": dress.number(page.limit),
        "count": dress.number(count),
        "hasMore": hopeful or page.offset + count < total,
        "totalResults": dress.number(total),
    }


def _wanted_statuses(ask: Ask) -> frozenset[str] | None:
    """Return the computed statuses asked for; None stands for all of them."""
    words = [*ask.get("reservationStatuses", []), *([ask["reservationStatus"]] if "reservationStatus" in ask else [])]
    found = [states.FILTER[word] for word in words]
    types = [*ask.get("searchTypes", []), *([ask["searchType"]] if "searchType" in ask else [])]
    found += [_SEARCH_TYPES[word] for word in types if word != "Any"]
    return frozenset().union(*found) if found else None


def _candidates(hotel: Hotel, ask: Ask, revision: int | None) -> Iterable[Row]:
    if revision is not None:
        return sorted(hotel.reservations.rows(revision), key=lambda row: (str(row["arrivalDate"]), int(row["id"])))
    if "reservationIdList" in ask:
        found = [hotel.reservations.get(key) for key in dict.fromkeys(ask["reservationIdList"])]
        return sorted((row for row in found if row), key=lambda row: (str(row["arrivalDate"]), int(row["id"])))
    for name, column in _INDEXED.items():
        if name in ask:
            return hotel.on_day(column, ask[name])
    day = ask.get("arrivalDate")
    return hotel.arriving(day or ask.get("arrivalStartDate"), day or ask.get("arrivalEndDate"))


def _named(hotel: Hotel, row: Row, ask: Ask) -> bool:
    wanted = ask.get("surname") or ask.get("lastName")
    if not wanted:
        return True
    profile = hotel.profiles.get(row["guests"][0]) if row["guests"] else None
    return profile is not None and str(profile["surname"] or "").lower().startswith(str(wanted).lower())


def _ordered(hotel: Hotel, rows: list[Row], ask: Ask) -> list[Row]:
    """Sort by stay fields, never by time of change."""
    columns = {"DepartureDate": "departureDate", "Room": "roomId", "RoomType": "roomType", "RateCode": "ratePlanCode"}
    back = ask.get("sortOrder", ["Asc"])[0] == "Desc"
    name = ask.get("orderBy", ["ArrivalDate"])[0]
    if name == "GuestSurname":
        return sorted(rows, key=lambda row: _surname(hotel, row), reverse=back)
    if name in columns:
        return sorted(rows, key=lambda row: str(row[columns[name]] or ""), reverse=back)
    return rows[::-1] if back else rows


def _surname(hotel: Hotel, row: Row) -> str:
    profile = hotel.profiles.get(row["guests"][0]) if row["guests"] else None
    return str(profile["surname"] or "") if profile else ""
