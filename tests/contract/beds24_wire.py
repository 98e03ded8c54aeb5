"""What the tests of the Beds24 connector's writing share: a scripted wire, and requests to send over it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from connectors.beds24.connector import Beds24Connector
from connectors.kit.conformance.bench import MemoryTokens
from pms_sync.ports.connector import ConnectorContext, VendorRequest

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
MARK = {"code": "PMSSYNC", "text": "T1"}
TAKEN = [{"success": True, "new": {"id": 5001}}]
Answer = httpx.Response | Exception


class Vendor:
    """A wire that answers what it is told, and remembers what it was asked."""

    def __init__(self, *answers: Answer, rows: Sequence[Mapping[str, Any]] = (), page_size: int = 100) -> None:
        """Answer writes in turn, the last one for ever; show these rows to every read."""
        self.answers, self.rows, self.page_size = list(answers), list(rows), page_size
        self.writes: list[Any] = []
        self.reads: list[httpx.QueryParams] = []
        self.minted = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Take one request."""
        if request.url.path.endswith("/authentication/token"):
            self.minted += 1
            return httpx.Response(200, json={"token": f"access-{self.minted}", "expiresIn": 86400})
        if request.url.path.endswith("/authentication/details"):
            return httpx.Response(200, json={"validToken": True, "token": {"scopes": ["read:bookings"]}})
        if request.method == "GET":
            return self._page(request.url.params)
        self.writes.append(json.loads(request.content))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _page(self, query: httpx.QueryParams) -> httpx.Response:
        self.reads.append(query)
        start = (int(query["page"]) - 1) * self.page_size
        rows = self.rows if "id" not in query else [row for row in self.rows if str(row["id"]) == query["id"]]
        if "arrival" in query:
            rows = [row for row in rows if row["arrival"] == query["arrival"]]
        more = len(rows) > start + self.page_size
        pages = {"nextPageExists": more, "nextPageLink": None}
        shown = rows[start : start + self.page_size]
        return httpx.Response(200, json={"success": True, "type": "booking", "pages": pages, "data": shown})


def connector(vendor: Vendor | httpx.AsyncBaseTransport, **changes: Any) -> Beds24Connector:
    """Connect to a wire instead of the network."""
    transport = vendor if isinstance(vendor, httpx.AsyncBaseTransport) else httpx.MockTransport(vendor)
    context: dict[str, Any] = {
        "base_url": "https://vendor.example/v2",
        "property_ref": "7",
        "credentials": {"refresh_token": "r"},
        "client": httpx.AsyncClient(transport=transport),
        "tokens": MemoryTokens(),
        "report": lambda _facts: None,
        "now": lambda: NOW,
    } | changes
    return Beds24Connector(ConnectorContext(**context))


def created(verdict: Any = None) -> httpx.Response:
    """Answer as POST does: 201, whatever the verdicts are (vendors/beds24.md 4.2)."""
    return httpx.Response(201, json=TAKEN if verdict is None else verdict)


def create_of(token: str = "T1", *, grouped: bool = False, **fields: Any) -> VendorRequest:
    """Build the request of a new booking."""
    actions = {"actions": {"makeGroup": True}} if grouped else {}
    item = {
        "roomId": 55,
        "arrival": "2026-05-04",
        "departure": "2026-05-06",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "infoItems": [MARK],
        **actions,
        **fields,
    }
    return VendorRequest(kind="create", ref=None, body=json.dumps(item).encode(), token=token)


def modify_of(ref: str = "1001", **fields: Any) -> VendorRequest:
    """Build the request of a change."""
    item = {"id": int(ref), **fields, "actions": {"allowWebhooks": False}}
    return VendorRequest(kind="modify", ref=ref, body=json.dumps(item).encode(), token="T")


def row(booking_id: int = 5001, **fields: Any) -> dict[str, Any]:
    """Build a booking as a read shows it."""
    return {
        "id": booking_id,
        "propertyId": 7,
        "roomId": 55,
        "arrival": "2026-05-04",
        "departure": "2026-05-06",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "notes": "",
        "price": 240,
        "unitId": 1,
        "infoItems": [{"id": 1, "bookingId": booking_id, **MARK}],
        "bookingTime": "2026-03-01T10:00:02Z",
        "modifiedTime": "2026-03-01T10:00:02Z",
        **fields,
    }
