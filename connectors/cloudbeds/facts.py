"""Cloudbeds in facts: what is declared to the engine, and the tables of names the connector works with.

Sections are those of vendors/cloudbeds.md. Where that document is unsure, the safe reading is taken and said here.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from pms_sync.ports.connector import ConnectorSpec, RateBudget, StreamSpec

RESERVATIONS, GUESTS, BLOCKS, CATALOGUE = "reservations", "guests", "blocks", "catalogue"
ROOM_STATUS = "room_status"
MODIFIED, DEPARTURE, NIGHT, TODAY = "modified", "departure", "night", "today"

# 8: modifiedFrom carries no zone, and the document assumes property-local: an error of 14 hours must lose nothing.
_UNPROVEN = timedelta(hours=28)
_LATE = timedelta(minutes=10)  # 9: the overlap advised for changes that show late

SPEC = ConnectorSpec(
    vendor="cloudbeds",
    label="Cloudbeds",
    capabilities=frozenset({"reservations", "guests", "blocks", "room_status", "catalogue", "webhooks"}),
    streams=(
        StreamSpec(
            name=RESERVATIONS,
            feed="delta",
            page_order="unordered",  # 6: not promised to be stable while data changes
            overlap=_UNPROVEN,
            calibrated_overlap=_LATE,
            max_window=timedelta(days=7),
            snapshot_dimension=DEPARTURE,  # 9: no list filters whole rows by arrival
            # Compared daily this far: some changes leave the modified time untouched (9).
            sweep_ahead=timedelta(days=550),
            page_size=100,
        ),
        StreamSpec(
            name=GUESTS,
            feed="delta",
            page_order="unordered",
            overlap=_UNPROVEN,
            calibrated_overlap=_UNPROVEN,  # no row has a UTC twin by which the filter could be proven
            max_window=timedelta(days=7),
            page_size=100,
        ),
        StreamSpec(
            name=BLOCKS,
            feed="sweep",  # 9: no delta
            snapshot_dimension=NIGHT,
            max_snapshot_window=timedelta(days=35),  # 10.7
            period=timedelta(minutes=15),
            sweep_back=timedelta(days=1),
            sweep_ahead=timedelta(days=400),
            first_far=False,
            page_size=20,
        ),
        StreamSpec(
            name=ROOM_STATUS,
            feed="sweep",  # 9, 10.5: no delta, and of today only
            snapshot_dimension=TODAY,
            period=timedelta(minutes=15),
            sweep_back=timedelta(0),
            sweep_ahead=timedelta(0),
            first_far=False,
            page_size=5000,
        ),
        StreamSpec(name=CATALOGUE, feed="snapshot", page_size=20),
    ),
    # 5: "build for 5 unless configured otherwise"; a technology partner's client has 10 over all its properties.
    rate_budget=RateBudget(credits=Decimal(5), window_s=1.0, reserve=Decimal(1)),
    client_budget=RateBudget(credits=Decimal(10), window_s=1.0, reserve=Decimal(2)),
    max_in_flight=1,
    batch_fetch_limit=100,  # 6: as many rows as one page holds
    read_lag=timedelta(seconds=12),  # 9: four reads, three seconds apart, until a change shows
    webhook_trust="weak",
    webhook_header=None,
    identifier_keys=frozenset(
        "id propertyID propertyId propertyID_str propertyId_str organizationID reservationID reservationId "
        "reservationID_str reservationId_str subReservationID subReservationId reservationRoomID guestID guestId "
        "guestID_str guestId_str newGuestID profileID roomID roomId roomIdPrev roomTypeID roomTypeId rateID ratePlanID "
        "sourceID sourceReservationID thirdPartyIdentifier roomBlockID roomBlockID_str eventID sourceEventIds "
        "linkedEventIds clientID queueTaskId jobReferenceID subscriptionID transactionId parentTransactionId".split()
    ),
    refs_per_property=True,  # 7: a reservation id is unique inside its property only
    credential_keys=("api_key", "client_id", "client_secret", "refresh_token", "code", "redirect_uri"),
    secret_credentials=frozenset({"api_key", "client_secret", "refresh_token", "code"}),
    client_credentials=("client_id", "api_key"),
    default_base_url="https://api.cloudbeds.com",
    docs="https://developers.cloudbeds.com/",
)

VERSION_PATH = "/api/v1.3"  # 1: earlier versions lack transaction ids, and v1.1 has ended
METADATA, ACCESS_TOKEN = "oauth/metadata", "access_token"

LIST, GUESTS_MODIFIED, ROOM_BLOCKS = "getReservationsWithRateDetails", "getGuestsModified", "getRoomBlocks"
HOUSEKEEPING = "getHousekeepingStatus"
HOTELS, ROOM_TYPES, ROOMS, RATE_PLANS = "getHotels", "getRoomTypes", "getRooms", "getRatePlans"
GET_WEBHOOKS, POST_WEBHOOK, DELETE_WEBHOOK = "getWebhooks", "postWebhook", "deleteWebhook"

# 6, 15.10: the wrong spelling is ignored, which for a group credential means all properties.
PROPERTY_PARAMETER = {
    LIST: "propertyID",
    GUESTS_MODIFIED: "propertyIDs",
    ROOM_BLOCKS: "propertyID",
    HOUSEKEEPING: "propertyID",
    HOTELS: "propertyIDs",
    ROOM_TYPES: "propertyIDs",
    ROOMS: "propertyIDs",
    RATE_PLANS: "propertyIDs",
    GET_WEBHOOKS: "propertyID",
    POST_WEBHOOK: "propertyID",
    DELETE_WEBHOOK: "propertyIDs",
}
PAGE_SIZE = 100
HOUSEKEEPING_PAGE_SIZE = 5000  # 6: the largest
SMALL_PAGE_SIZE = 20  # 6: the documented default of the lists whose largest page nobody states

# 10.1: people come only when asked for, and a deletion shows only in this list, and only so.
WHOLE = (("includeGuestsDetails", "true"), ("includeDeleted", "true"))

# 2.4: what reading needs, what it is nicer to have, and the cheapest call that tells: no call lists the scopes.
NEEDED_SCOPES = {"read:hotel": HOTELS, "read:reservation": LIST, "read:room": ROOM_TYPES}
WANTED_SCOPES = {
    "read:guest": GUESTS_MODIFIED,
    "read:roomblock": ROOM_BLOCKS,
    "read:housekeeping": HOUSEKEEPING,
    "read:rate": RATE_PLANS,
}

# 15.28: these come unasked, and nothing here needs them.
NEVER_KEPT = frozenset({"cardsOnFile"})
NEVER_KEPT_OF_GUESTS = frozenset(
    "guestDocumentType guestDocumentNumber guestDocumentIssueDate guestDocumentIssuingCountry "
    "guestDocumentExpirationDate guestBirthdate guestBirthDate taxID companyTaxID".split()
)

NEVER_KEPT_OF_ROOMS = frozenset({"housekeeper", "roomComments"})  # what staff is called, and what it writes

# 11.3: nonsense would be accepted as well, so this list is what can come true. `accommodation_removed` stands in one
# list only; subscribing to it costs nothing. Guest events without a reservation are found by polling the guests.
EVENTS = tuple(
    tuple(event.split("/"))
    for event in (
        "reservation/created reservation/status_changed reservation/dates_changed reservation/deleted "
        "reservation/accommodation_status_changed reservation/accommodation_type_changed "
        "reservation/accommodation_changed reservation/accommodation_removed reservation/notes_changed "
        "guest/assigned guest/removed roomblock/created roomblock/removed roomblock/details_changed "
        "housekeeping/room_condition_changed"
    ).split()
)
# 11.2: nothing is signed. The fixed header that newer texts describe is in no API file, so the secret travels in the
# address, where every version sends it back.
SECRET_QUERY = "key"  # noqa: S105 - the name of a parameter
