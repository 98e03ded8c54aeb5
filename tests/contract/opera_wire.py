"""A scripted OHIP gateway: it answers what a test told it, checks what it is asked against Oracle's own files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from connectors.kit.conformance.bench import MemoryTokens
from connectors.opera.connector import OperaConnector
from pms_sync.ports.connector import ConnectorContext
from tests.contract.swagger_spec import Swagger

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FIXTURES = Path(__file__).parents[1] / "fixtures" / "opera"
LOGIN = {
    "client_id": "client",
    "client_secret": "s3cret",
    "app_key": "0a1b2c3d-0a1b-4c3d-8e4f-0a1b2c3d4e5f",
    "enterprise_id": "ENT",
    "external_system": "PMSSYNC",
}
TOKENS = "/oauth/v1/tokens"
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


@cache
def swagger() -> Swagger:
    """Read Oracle's files once."""
    return Swagger(*(f"opera/{name}.json" for name in "oauth rsv int bof hsk fof rmcfg rtp".split()))


def problem(status: int, code: str, detail: str = "no") -> httpx.Response:
    """Refuse in Oracle's shape."""
    told = {"type": "https://x", "title": "Refused", "status": status, "detail": detail, "o:errorCode": code}
    return httpx.Response(status, json=told)


def told(name: str) -> Any:
    """Return a golden answer."""
    return json.loads((FIXTURES / f"{name}.json").read_bytes())


def rows(*refs: int, hotel: str = "SAND01", version: str = "2026-04-02 11:22:33.0") -> list[dict[str, Any]]:
    """Build the rows of a search."""
    return [
        {
            "reservationIdList": [{"id": f"9{ref}", "type": "Confirmation"}, {"id": f"{ref}", "type": "Reservation"}],
            "hotelId": hotel,
            "lastModifyDateTime": version,
        }
        for ref in refs
    ]


class Gateway:
    """Answers by path; a list of answers is used up in turn, the last one for ever. Asked again, it tells."""

    def __init__(self, **answers: Any) -> None:
        """`answers` by the last words of a path, `any` for the rest (204, unless told)."""
        self.answers = {name: list(one) if isinstance(one, list) else [one] for name, one in answers.items()}
        self.seen: list[httpx.Request] = []
        self.minted = 0
        self.wrong: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Take one request."""
        self.seen.append(request)
        path = request.url.path
        form = dict(parse_qsl(request.content.decode())) if request.method == "POST" else {}
        self.wrong += swagger().check_request(
            request.method, path, request.url.params.multi_items(), request.headers, form
        )
        if path == TOKENS and "tokens" not in self.answers:
            self.minted += 1
            return httpx.Response(200, json={"access_token": f"token-{self.minted}", "expires_in": "3600"})
        waiting = self.answers.get(path.rpartition("/")[2], self.answers.get("any", [httpx.Response(204)]))
        answer: Answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        found = answer if isinstance(answer, httpx.Response) else answer(request)
        return httpx.Response(found.status_code, headers=found.headers, content=found.content)

    @property
    def asked(self) -> list[httpx.Request]:
        """Return the calls beside those for tokens."""
        return [one for one in self.seen if one.url.path != TOKENS]


def connector(gateway: Gateway, login: dict[str, str] | None = None, **changes: Any) -> OperaConnector:
    """Connect to a gateway instead of the network."""
    context: dict[str, Any] = {
        "base_url": "https://gateway.example",
        "property_ref": "SAND01",
        "credentials": LOGIN if login is None else login,
        "client": httpx.AsyncClient(transport=httpx.MockTransport(gateway)),
        "tokens": MemoryTokens(),
        "report": lambda _facts: None,
        "now": lambda: NOW,
    } | changes
    return OperaConnector(ConnectorContext(**context))
