"""The methods of the API that are simulated, as a table: verb, scope, how properties are named (3 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connectors.cloudbeds.simulator import catalogue, connection, guests, house, reservations
from connectors.cloudbeds.simulator.asking import Operation

METADATA = "oauth/metadata"
TOKENS = "access_token"
_LIST = "propertyIDs"

_ALL = (
    Operation(METADATA, connection.metadata, many=True),
    Operation("userinfo", connection.userinfo, place="property_id", many=True),
    Operation("getReservations", reservations.plain_list, "read:reservation", many=True),
    Operation("getReservationsWithRateDetails", reservations.detailed_list, "read:reservation"),
    Operation("getReservation", reservations.single, "read:reservation", needs=("reservationID",)),
    Operation("getReservationNotes", reservations.notes, "read:reservation", needs=("reservationID",)),
    Operation("getReservationAssignments", reservations.assignments, "read:reservation"),
    Operation("getReservationRoomDetails", reservations.room_details, "read:room", needs=("subReservationID",)),
    Operation("getSources", catalogue.sources, "read:reservation", place=_LIST, many=True),
    Operation("getGuest", guests.one, "read:guest"),
    Operation("getGuestList", guests.all_of_them, "read:guest", place=_LIST, many=True),
    Operation("getGuestsModified", guests.lately, "read:guest", place=_LIST, many=True),
    Operation("getGuestsByStatus", guests.of_status, "read:guest", many=True, needs=("status",)),
    Operation("getGuestsByFilter", guests.filtered, "read:guest", place=_LIST, many=True, needs=("status",)),
    Operation("getHotels", catalogue.hotels, "read:hotel", place=_LIST, many=True),
    Operation("getHotelDetails", catalogue.hotel_details, "read:hotel"),
    Operation("getRoomTypes", catalogue.room_types, "read:room", place=_LIST, many=True),
    Operation("getRooms", catalogue.rooms, "read:room", place=_LIST, many=True),
    Operation("getRoomsUnassigned", catalogue.rooms_unassigned, "read:room", place=_LIST, many=True),
    Operation(
        "getRatePlans", catalogue.rate_plans, "read:rate", place=_LIST, many=True, needs=("startDate", "endDate")
    ),
    Operation("getRate", catalogue.rate, "read:rate", needs=("roomTypeID", "startDate", "endDate")),
    Operation("getRoomBlocks", house.room_blocks, "read:roomblock"),
    Operation("getHousekeepingStatus", house.housekeeping, "read:housekeeping"),
    Operation("getHousekeepers", house.housekeepers, "read:housekeeping", many=True),
    Operation("getHouseAccountList", house.house_accounts, "read:houseAccount"),
    Operation("getDashboard", house.dashboard, "read:dashboard"),
    Operation("getCurrencySettings", catalogue.currency, "read:currency"),
    Operation("getTaxesAndFees", catalogue.taxes, "read:taxesAndFees"),
    Operation("getCustomFields", catalogue.nothing, "read:customFields"),
    Operation("getGroups", catalogue.nothing_paged, "read:group", needs=("propertyID",)),
    Operation("getAllotmentBlocks", catalogue.nothing_paged, "read:allotmentBlock", needs=("propertyID",)),
    Operation("getAppState", connection.app_state),
    Operation("postAppState", connection.put_app_state, verb="POST", needs=("app_state",)),
    Operation("getAppSettings", connection.app_settings),
    Operation("postAppError", connection.app_error, "write:appError", verb="POST", needs=("eventType",)),
    Operation("getWebhooks", connection.subscriptions, many=True),
    Operation("postWebhook", connection.subscribe, verb="POST", needs=("object", "action", "endpointUrl")),
    Operation(
        "deleteWebhook", connection.unsubscribe, verb="DELETE", place=_LIST, many=True, needs=("subscriptionID",)
    ),
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType({one.name: one for one in _ALL})
