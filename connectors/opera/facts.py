"""Opera in facts: what is declared to the engine, and the tables of names the connector works with.

Sections are those of vendors/opera.md. Where that document is unsure, the safe reading is taken and said here.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from pms_sync.ports.connector import ConnectorSpec, RateBudget, StreamSpec

RESERVATIONS, BLOCKS, EVENTS, CATALOGUE = "reservations", "blocks", "events", "catalogue"
ROOM_STATUS = "room_status"
ARRIVAL, CREATED, CANCELLED, DAY, TODAY = "arrival", "created", "cancelled", "day", "today"

# 2: the summary takes 200 rows a page; the search names no limit, and one that is too high is refused (ODE09998).
PAGE_SIZE, SUMMARY_PAGE_SIZE, ROOMS_PAGE_SIZE = 100, 200, 200
MOST_EVENTS = 20  # 8.3
LONGEST_REPAIRS = timedelta(days=90)  # 7.2: the span of out-of-order rooms
REPAIRS_BACK, REPAIRS_AHEAD = timedelta(days=90), timedelta(days=720)

# 8.2: the external system is the hotel's own setting, and only the queue needs it.
GATEWAY, EXTERNAL_SYSTEM = "gateway", "external_system"
NEEDED_CREDENTIALS = ("client_id", "client_secret", "app_key")

SPEC = ConnectorSpec(
    vendor="opera",
    label="Oracle Opera",
    capabilities=frozenset({"reservations", "guests", "blocks", "room_status", "catalogue", "queue"}),
    streams=(
        StreamSpec(
            name=RESERVATIONS,
            feed="sweep",  # 6.1: there is no modified-since filter; a sweep names what the queue may have missed
            page_order="unordered",  # 5: sorted by stay fields, so that rows shift between pages
            snapshot_dimension=ARRIVAL,
            day_dimensions=(CREATED, CANCELLED),  # 10.3
            period=timedelta(days=1),  # 10.4: one full comparison a night
            sweep_back=timedelta(days=400),
            page_size=PAGE_SIZE,
        ),
        StreamSpec(
            name=BLOCKS,
            feed="sweep",
            snapshot_dimension=DAY,
            max_snapshot_window=LONGEST_REPAIRS,
            period=timedelta(hours=6),
            sweep_back=REPAIRS_BACK,
            sweep_ahead=REPAIRS_AHEAD,
            page_size=1000,  # the list has no pages
        ),
        StreamSpec(
            name=ROOM_STATUS,
            feed="sweep",  # 7.2: the board tells of now alone; who comes and goes is no event of a room's (8.5)
            snapshot_dimension=TODAY,
            period=timedelta(minutes=15),
            sweep_back=timedelta(0),
            sweep_ahead=timedelta(0),
            first_far=False,
            page_size=1000,  # the board is read to its end
        ),
        StreamSpec(name=EVENTS, feed="queue", page_size=MOST_EVENTS),
        StreamSpec(name=CATALOGUE, feed="snapshot", page_size=ROOMS_PAGE_SIZE),
    ),
    # 2: the whole gateway has 50 a second for all its consumers, so a fair share is far below.
    rate_budget=RateBudget(credits=Decimal(300), window_s=60.0, reserve=Decimal(30)),
    max_in_flight=2,
    batch_fetch_limit=1,  # 6.2: what a reservation holds is read singly; a search by ids tells a third less
    webhook_trust="weak",
    identifier_keys=frozenset({"id", "primaryKey", "confirmationNumber"}),
    credential_keys=(*NEEDED_CREDENTIALS, "enterprise_id", "scope", "username", "password", EXTERNAL_SYSTEM, GATEWAY),
    secret_credentials=frozenset({"client_secret", "app_key", "password"}),
    client_credentials=("client_id",),
    # 1: every tenant has its own gateway, named by the setting or the credential; no name ends in this reserved word.
    default_base_url="https://gateway.invalid",
    docs="https://docs.oracle.com/en/industries/hospitality/integration-platform/",
)

TOKENS = "/oauth/v1/tokens"
USUAL_SCOPE = "urn:opc:hgbu:ws:__myscopes__"  # 1: the documented value, where the login names no other
SEARCH, SUMMARY = "/rsv/v1/hotels/{hotel}/reservations", "/rsv/v1/hotels/{hotel}/reservations/summary"
ONE = "/rsv/v1/hotels/{hotel}/reservations/{ref}"
ANYWHERE = "/rsv/v1/reservations"
QUEUE_OF_HOTEL = "/int/v1/externalSystem/{system}/hotels/{hotel}/businessEvents"  # 8.3: singular, only here
BUSINESS_DATE = "/bof/v1/hotels/{hotel}/businessDate"
OVERVIEW = "/hsk/v1/hotels/{hotel}/housekeepingOverview"
RATE_PLANS = "/rtp/v1/hotels/{hotel}/ratePlans"

NEVER_KEPT_OF_ROOMS = frozenset({"resvInfo"})  # 7.2: whoever is in the room, with their names

# 7.2: one list per kind of repair; both rows say of themselves which kind they are.
REPAIRS = ("/hsk/v1/hotels/{hotel}/rooms/outOfOrderRooms", "/hsk/v1/hotels/{hotel}/rooms/outOfServiceRooms")
# 1: not every gateway serves every module, so rooms are asked for where they may be found, in this order.
ROOMS = (OVERVIEW, "/fof/v1/hotels/{hotel}/rooms", "/rm/config/v1/hotels/{hotel}/rooms")

# 6.1: a sweep of single days, by the filter that names the day.
DAY_FILTERS = {CREATED: "createDateTime", CANCELLED: "cancelledOn"}

# 5: one instruction that a gateway does not know fails the whole call, so the second way is the field-proven least.
INSTRUCTIONS = (("Reservation", "Comments"), ("Reservation",))

# 3: what Oracle's codes mean, as far as anybody outside has seen them; the texts are ours.
KNOWN_CODES = {
    "GEN01187": "the external system is not set up for external references",
    "GEN01242": "the body has a property that is not known there",
    "GEN01244": "not authorised for this hotel, or no hotel of this code",
    "GEN01265": "not authorised for this hub",
    "GEN01278": "a reservation id that is no number",
    "GEN01346": "a parameter has a value that is not accepted, or there are too few criteria",
    "ODE09998": "the limit is too high",
}
BAD_VALUE = "GEN01346"
