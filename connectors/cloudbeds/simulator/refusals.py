"""The vendor's ways of saying no: business failures inside HTTP 200, tokens with 401, a strange envelope for the rest.

Source: vendors/cloudbeds.md 4.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from connectors.kit.simulator.contract import Row

REQUEST_ID = "X-Request-ID"
UNKNOWN_METHOD: Row = {"status": False, "error": "Unknown method."}
DENIED: Row = {
    "error": "access_denied",
    "message": "The resource owner or authorization server denied the request.",
}
NOT_GRANTED = "Scope required for this call was not granted by property."
NAME_A_PROPERTY = 'Please specify "propertyID" parameter for this call'
NOT_YOURS = "None of the included property id's match the access_token user's property id"
# The form of a throttling answer is not documented (19); clients look for 429 or for these words (5).
TOO_MANY: Row = {"success": False, "message": "Rate limit exceeded. Please slow down your requests."}


class Refused(Exception):
    """The vendor refuses a call."""

    def __init__(self, status: int, body: Row, headers: dict[str, str] | None = None) -> None:
        """Keep what goes on the wire."""
        self.status, self.body, self.headers = status, body, headers or {}
        super().__init__(str(body))


def failed(message: str, status: int = 200) -> Refused:
    """Refuse for a business reason, which is HTTP 200 with `success:false`."""
    return Refused(status, {"success": False, "message": message})


def missing(parameter: str) -> Refused:
    """Refuse a call without a mandatory parameter."""
    return failed(f"Parameter {parameter} is required")


def denied() -> Refused:
    """Refuse a key or token that is invalid or revoked."""
    return Refused(401, DENIED)


def unknown_method() -> Refused:
    """Refuse a wrong verb or name, in an envelope without `success`."""
    return Refused(404, UNKNOWN_METHOD)


def json_answer(body: object, status: int = 200) -> web.Response:
    """Build a JSON answer of the vendor."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def refusal_answer(refused: Refused) -> web.Response:
    """Build the error answer on the wire."""
    answer = json_answer(refused.body, refused.status)
    answer.headers.update(refused.headers)
    return answer


_BY_STATUS: dict[int, Row] = {401: DENIED, 404: UNKNOWN_METHOD, 429: TOO_MANY}


def by_status(status: int) -> web.Response:
    """Build the vendor's answer for a planned status."""
    return json_answer(_BY_STATUS.get(status, {"success": False, "message": "Something went wrong"}), status)
