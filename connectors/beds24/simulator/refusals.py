"""The vendor's way of saying no: one exception and the error object of vendors/beds24.md 4.3."""

from __future__ import annotations

import msgspec
from aiohttp import web

TEXTS = {
    400: "Invalid data",
    401: "Token not valid",
    403: "Forbidden",
    404: "Not found",
    429: "Credit limit exceeded",
    500: "Internal server error",
    503: "Service unavailable",
}


class VendorRefusal(Exception):
    """The vendor refuses a call with a status and a text; `code` is not always the status, `type` sometimes missing."""

    def __init__(self, status: int, text: str | None = None, code: int | None = None, *, typed: bool = True) -> None:
        """Keep what goes on the wire."""
        self.status, self.code, self.typed = status, code or status, typed
        self.text = text or TEXTS.get(status, "Error")
        super().__init__(self.text)


def json_answer(body: object, status: int = 200) -> web.Response:
    """Build a JSON answer of the vendor."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def refusal_answer(refused: VendorRefusal) -> web.Response:
    """Build the error answer on the wire."""
    kind = {"type": "error"} if refused.typed else {}
    return json_answer({"success": False, **kind, "code": refused.code, "error": refused.text}, refused.status)
