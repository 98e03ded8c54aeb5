"""What the tests of the Cloudbeds connector share: a small scripted vendor that remembers what it was asked."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec

from connectors.cloudbeds.connector import CloudbedsConnector
from connectors.kit.conformance.bench import MemoryTokens
from connectors.kit.pacing import Pace
from pms_sync.ports.connector import ConnectorContext, Window

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PROPERTY, OTHER = "190000", "190001"
BASE = "https://api.cloudbeds.com"
ISLAND = "https://island-2.cloudbeds.com"
KEY = "cbat_invented-key"
LOGIN = {"client_id": "client-1", "client_secret": "hidden-secret", "refresh_token": "refresh-0"}
LIST = "getReservationsWithRateDetails"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "cloudbeds"
Row = dict[str, Any]
Answer = httpx.Response | Exception

_ROW: Row = json.loads((FIXTURES / "confirmed.json").read_bytes())
_GUEST: Row = {"guestID": "5001", "dateModified": "2026-03-02 12:30:15"}


class Asked(msgspec.Struct, frozen=True):
    """One request as the vendor saw it."""

    verb: str
    host: str
    method: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    headers: httpx.Headers

    @property
    def said(self) -> dict[str, str]:
        """Return query and form by name."""
        return dict([*self.query, *self.form])


def reservation(ref: str = "9000000001", **fields: Any) -> Row:
    """Build a row of the list."""
    row = copy.deepcopy(_ROW) | {"reservationID": ref} | fields
    row["rooms"] = [line | {"subReservationID": ref} for line in row["rooms"]]
    return row


def block(ref: str, *rooms: str, **fields: Any) -> Row:
    """Build a room block."""
    told = [{"eventID": f"e-{room}", "roomID": room, "roomTypeID": "2001", "isSource": True} for room in rooms]
    days = {"startDate": "2026-03-05", "endDate": "2026-03-06"}
    return {
        "roomBlockID": ref,
        "roomBlockType": "blocked_dates",
        "roomBlockReason": "x",
        **days,
        "rooms": told,
    } | fields


def room_state(ref: str, **fields: Any) -> Row:
    """Build a row of the housekeeping list."""
    told: Row = {"date": "2026-03-02", "roomTypeID": "2001", "roomTypeName": "Double", "roomID": ref, "roomName": ref}
    told |= {"roomCondition": "clean", "roomOccupied": False, "roomBlocked": False, "frontdeskStatus": "unused"}
    told |= {"housekeeperID": "31", "housekeeper": "Pat", "doNotDisturb": False, "refusedService": False}
    return told | {"vacantPickup": False, "roomComments": "Mind the cat", "arrivalDate": "-"} | fields


def failure(message: str, **headers: str) -> httpx.Response:
    """Answer as Cloudbeds fails: 200 with `success: false`."""
    return httpx.Response(200, json={"success": False, "message": message}, headers=headers)


def data(value: object, **fields: object) -> httpx.Response:
    """Answer with data, and a request id as always."""
    body = {"success": True, "data": value, **fields}
    return httpx.Response(200, json=body, headers={"X-Request-ID": "req-42", "Date": "Mon, 02 Mar 2026 12:00:01 GMT"})


class Vendor:
    """A wire that answers from what it holds; `planned` answers of a method come first, one after the other."""

    def __init__(self, *rows: Row, **planned: Sequence[Answer]) -> None:
        """Hold one property with two room types and three rooms."""
        self.rows = list(rows)
        self.planned = defaultdict[str, list[Answer]](list, {name: list(one) for name, one in planned.items()})
        self.blocks: list[Row] = []
        self.guests: list[Row] = []
        self.hooks: list[Row] = []
        currency: list[Row] = [{"currencyCode": "EUR", "currencySymbol": "€"}]
        place: Row = {"propertyTimezone": "Europe/Madrid", "propertyCurrency": currency}
        self.hotels: list[Row] = [{"propertyID": PROPERTY, "propertyName": "Hotel Inventado", **place}]
        self.room_types: list[Row] = [
            {"roomTypeID": ref, "propertyID": PROPERTY, "roomTypeName": ref} for ref in ("2001", "2002")
        ]
        self.rooms: list[Row] = [{"roomID": f"2001-{n}", "roomName": f"10{n}", "roomTypeID": "2001"} for n in (1, 2)]
        self.rooms.append({"roomID": "2002-1", "roomName": "201", "roomTypeID": "2002"})
        self.states = [room_state(f"2001-{n}") for n in (1, 2)]
        self.inflated = 0
        self.api_url: str | None = ISLAND
        self.ignored: set[str] = set()
        self.tokens = {KEY}
        self.minted = 0
        self.asked: list[Asked] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Take one request."""
        method = request.url.path.removeprefix("/api/v1.3/")
        query = list(request.url.params.multi_items())
        is_form = request.headers.get("content-type") == "application/x-www-form-urlencoded"
        form = parse_qsl(request.content.decode(), keep_blank_values=True) if is_form else []
        asked = Asked(request.method, request.url.host, method, query, form, request.headers)
        self.asked.append(asked)
        if self.planned[method]:
            answer = self.planned[method].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._answer(asked)

    def calls(self, method: str) -> list[Asked]:
        """Return what was asked of one method."""
        return [one for one in self.asked if one.method == method]

    def _answer(self, asked: Asked) -> httpx.Response:
        if asked.method == "access_token":
            return self._mint(asked.said)
        token = asked.headers.get("x-api-key") or asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return httpx.Response(401, json={"error": "access_denied", "message": f"denied {token}"})
        answer = getattr(self, f"_{asked.method.replace('/', '_')}", None)
        if answer is None:
            return httpx.Response(404, json={"status": False, "error": "Unknown method."})
        told: httpx.Response = answer({name: value for name, value in asked.said.items() if name not in self.ignored})
        return told

    def _mint(self, form: dict[str, str]) -> httpx.Response:
        if form.get("refresh_token") == "dead":
            return httpx.Response(400, json={"error": "invalid_request", "message": "The refresh token is invalid."})
        self.minted += 1
        if form["grant_type"].endswith("api-key"):
            self.tokens.add("cbat_granted")
            return httpx.Response(200, json={"access_token": "cbat_granted"})
        self.tokens = {f"access-{self.minted}"}
        told = {"token_type": "Bearer", "expires_in": 28800, "refresh_token": f"refresh-{self.minted}"}
        return httpx.Response(200, json={"access_token": f"access-{self.minted}", **told, "resources": []})

    def _oauth_metadata(self, _said: dict[str, str]) -> httpx.Response:
        if self.api_url is None:
            return httpx.Response(404, json={"status": False, "error": "Unknown method."})
        return httpx.Response(200, json={"success": "true", "data": {"api": {"url": self.api_url}}})

    def _getHotels(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802 - named after the call
        mine = [row for row in self.hotels if said.get("propertyIDs", row["propertyID"]) == row["propertyID"]]
        return _paged(mine, said)

    def _getReservationsWithRateDetails(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        found = [row for row in self.rows if said.get("propertyID", row["propertyID"]) == row["propertyID"]]
        if "reservationID" in said:
            found = [row for row in found if row["reservationID"] in said["reservationID"].split(",")]
        if "modifiedFrom" in said:
            until = said.get("modifiedTo", "9999")
            found = [row for row in found if said["modifiedFrom"] <= row["dateModified"] <= until]
        if "reservationCheckOutFrom" in said:
            span = said["reservationCheckOutFrom"], said["reservationCheckOutTo"]
            found = [row for row in found if span[0] <= row["reservationCheckOut"][:10] <= span[1]]
        if said.get("includeDeleted") != "true":
            found = [row for row in found if not row["isDeleted"]]
        return _paged(found, said)

    def _getGuestsModified(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        span = said.get("resultsFrom", ""), said.get("resultsTo", "9999")
        return _paged([row for row in self.guests if span[0] <= row["dateModified"] <= span[1]], said)

    def _getRoomBlocks(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        span = said.get("startDate", "2026-03-02"), said.get("endDate", "2026-03-02")
        found = [row for row in self.blocks if row["startDate"] <= span[1] and row["endDate"] >= span[0]]
        size, number = int(said["pageSize"]), int(said["pageNumber"])
        shown = found[(number - 1) * size : number * size]
        return data({"propertyID": PROPERTY, "roomBlocks": shown}, count=len(shown), total=len(found))

    def _getHousekeepingStatus(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        size, number = int(said["pageSize"]), int(said["pageNumber"])
        shown = self.states[(number - 1) * size : number * size]
        return data(shown, count=len(shown) + self.inflated, total=len(self.states) + self.inflated)

    def _getRoomTypes(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        return _paged(self.room_types, said, total=None)

    def _getRooms(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        size, number = int(said["pageSize"]), int(said["pageNumber"])
        shown = self.rooms[(number - 1) * size : number * size]
        return data([{"propertyID": PROPERTY, "rooms": shown}], count=1, total=1)  # 6: counts properties

    def _getRatePlans(self, _said: dict[str, str]) -> httpx.Response:  # noqa: N802
        base = {"rateID": "7001", "isDerived": False, "roomRate": 100, "roomTypeID": "2001", "roomTypeName": "Double"}
        plan = base | {"rateID": 7002, "ratePlanID": "8", "ratePlanNamePublic": "Early", "ratePlanNamePrivate": ""}
        return data([base, plan, plan])

    def _getWebhooks(self, _said: dict[str, str]) -> httpx.Response:  # noqa: N802
        return data(self.hooks)

    def _postWebhook(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        ref = f"{said['object']}-{said['action']}-{said['endpointUrl']}"
        if not any(hook["id"] == ref for hook in self.hooks):
            self.hooks.append(hook(ref, f"{said['object']}/{said['action']}", said["endpointUrl"]))
        return data({"subscriptionID": ref})

    def _deleteWebhook(self, said: dict[str, str]) -> httpx.Response:  # noqa: N802
        self.hooks = [one for one in self.hooks if one["id"] != said["subscriptionID"]]
        return httpx.Response(200, json={"success": True})


def hook(ref: str, event: str, endpoint: str) -> Row:
    """Build a subscription as getWebhooks shows it."""
    entity, _, action = event.partition("/")
    key = {"type": "property", "id": PROPERTY}
    return {
        "id": ref,
        "key": key,
        "event": {"entity": entity, "action": action},
        "subscriptionData": {"endpoint": endpoint},
    }


def guest(reservation_id: str, changed: str = "2026-03-02 12:30:15") -> Row:
    """Build a changed guest."""
    return _GUEST | {"reservationID": reservation_id, "dateModified": changed}


def _paged(found: list[Row], said: dict[str, str], total: int | None = -1) -> httpx.Response:
    size, number = int(said.get("pageSize", "20")), int(said.get("pageNumber", "1"))
    shown = found[(number - 1) * size : number * size]
    counts = {} if total is None else {"count": len(shown), "total": len(found)}
    return data(shown, **counts)


class Sleeper:
    """Sleeps without waiting, and moves the clock of the pace."""

    def __init__(self) -> None:
        """Begin at no time in particular."""
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def connector(vendor: Vendor | httpx.AsyncBaseTransport, **changes: Any) -> CloudbedsConnector:
    """Connect to a wire instead of the network, with an API key where no other credentials are given."""
    transport = vendor if isinstance(vendor, httpx.AsyncBaseTransport) else httpx.MockTransport(vendor)
    context: dict[str, Any] = {
        "base_url": BASE,
        "property_ref": PROPERTY,
        "credentials": {"api_key": KEY},
        "client": httpx.AsyncClient(transport=transport),
        "tokens": MemoryTokens(),
        "report": lambda _facts: None,
        "now": lambda: NOW,
    } | changes
    timer = Sleeper()
    return CloudbedsConnector(ConnectorContext(**context), Pace(5, 1.0, clock=timer, sleep=timer.sleep))


def changes(start: datetime, end: datetime, *, open_ended: bool = False) -> Window:
    """Return a window of changes."""
    return Window(dimension="modified", start=start, end=end, open_ended=open_ended)
