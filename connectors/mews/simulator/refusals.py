"""The vendor's way of saying no: one exception and the error object of vendors/mews.md 6."""

from __future__ import annotations

import msgspec
from aiohttp import web

REQUEST_ID = "Request-Id"
TEXTS = {
    400: "Invalid request.",
    401: "Invalid AccessToken.",
    403: "The operation cannot be carried out.",
    404: "Requested resource does not exist.",
    408: "The request took too long.",
    409: "The data has been changed by another operation.",
    410: "The operation has been discontinued.",
    413: "The request is too large.",
    429: "Too many requests.",
    500: "Unexpected error.",
}


class VendorRefusal(Exception):
    """The vendor refuses a call with a status and a text; there is no code that a machine could read."""

    def __init__(self, status: int, text: str | None = None, headers: dict[str, str] | None = None) -> None:
        """Keep what goes on the wire."""
        self.status, self.headers = status, headers or {}
        self.text = text or TEXTS.get(status, "Error.")
        super().__init__(self.text)


def invalid(parameter: str) -> VendorRefusal:
    """Refuse a parameter that is missing, ill-formed or out of bounds."""
    return VendorRefusal(400, f"Invalid {parameter}.")


def json_answer(body: object, status: int = 200) -> web.Response:
    """Build a JSON answer of the vendor."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def refusal_answer(refused: VendorRefusal, request_id: str) -> web.Response:
    """Build the error answer on the wire."""
    answer = json_answer({"Message": refused.text, "RequestId": request_id, "Details": None}, refused.status)
    answer.headers.update({REQUEST_ID: request_id, **refused.headers})
    return answer
