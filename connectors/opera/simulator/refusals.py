"""The gateway's ways of saying no: bare statuses, and Oracle's own error object (vendors/opera.md 3)."""

from __future__ import annotations

import msgspec
from aiohttp import web

INVALID_VALUE, NOT_A_NUMBER = "OPERAWS-GEN01346", "OPERAWS-GEN01278"
NO_HOTEL, NO_HUB = "OPERAWS-GEN01244", "OPERAWS-GEN01265"
LIMIT_TOO_HIGH = "ODE09998"
NO_PROFILE = "CRM00073"
_TYPE = "http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
_TITLES = {400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error"}
_TALKS = frozenset({500})
"""Statuses that carry a body even when nobody said why; all others are then empty."""


class VendorRefusal(Exception):
    """A call is refused with a status; without a text the answer has no body at all."""

    def __init__(self, status: int, detail: str | None = None, code: str | None = None) -> None:
        """Keep what goes on the wire; `code` stands in `o:errorCode`."""
        self.status, self.detail, self.code = status, detail, code
        super().__init__(detail or str(status))


def invalid(detail: str) -> VendorRefusal:
    """Build the refusal of a value that the operation does not take."""
    return VendorRefusal(400, detail, INVALID_VALUE)


def json_answer(body: object, status: int = 200) -> web.Response:
    """Build a JSON answer."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def refusal_answer(refused: VendorRefusal) -> web.Response:
    """Build the error answer on the wire."""
    detail = refused.detail or (_TITLES[refused.status] if refused.status in _TALKS else None)
    if detail is None:
        return web.Response(status=refused.status)
    body = {"type": _TYPE, "title": detail, "status": refused.status, "detail": detail}
    return json_answer(body | ({"o:errorCode": refused.code} if refused.code else {}), refused.status)
