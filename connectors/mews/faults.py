"""What Mews' refusals mean. There is no code to tell them by: the status decides, the message is for people (6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from connectors.kit import rest
from connectors.mews import wire
from pms_sync.domain.errors import Disposition

_SHOWN = 200
_REQUEST_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class TooMuch(rest.CallFault):
    """The query took too long (408), or its body was too large (413); half as much may do (5, 6)."""

    how, lands = Disposition.RETRY, False
    advice = "tried again by itself, with half as much at once"


class Withheld(rest.Unauthorized):
    """The tokens are taken, the operation is not allowed: Mews answers 401 for both (2, 17)."""

    advice = "ask Mews to enable this operation for the integration; permissions are granted one by one"


class TokenRefused(rest.Unauthorized):
    """Neither this operation nor the cheapest one is answered."""

    advice = "the tokens are invalid, or the hotel disabled the integration: see its Marketplace page, then resume"


class Degraded(rest.Forbidden):
    """A stream whose operation is withheld; the others of the account go on."""

    how = Disposition.ABORT
    advice = Withheld.advice


class RuleBroken(rest.Refused):
    """A rule of the hotel's forbids it (403); the message is meant for its staff."""

    advice = "show the message to the hotel's staff"


class Discontinued(rest.Refused):
    """The operation has ended (410)."""

    advice = "update this product: Mews ended an operation that it uses"


# What the kit does not know better: a 403 is no lack of permission here, and a 408 says nothing about availability.
_BY_STATUS: Mapping[int, type[rest.CallFault]] = {
    403: RuleBroken,
    408: TooMuch,
    410: Discontinued,
    413: TooMuch,
}


def explained(fault: rest.CallFault, answer: rest.Answer, where: str, secrets: Iterable[str]) -> rest.CallFault:
    """Return a fault in the vendor's own words, with its request id, which Mews' support asks for."""
    kind = _BY_STATUS.get(answer.status, type(fault))
    said = "" if isinstance(fault, rest.Unauthorized) else words(answer.body, secrets)
    what = fault.what if fault.status is None else f"HTTP {answer.status}{': ' + said if said else ''}"
    sent = fault.sent if kind is type(fault) else None
    place = with_request_id(where, answer.headers.get("request-id", ""))
    return kind(what, place, retry_after=fault.retry_after, status=answer.status, sent=sent)


def with_request_id(where: str, told: str) -> str:
    """Name the call with the vendor's id of it."""
    return f"{where} (Request-Id {told})" if _REQUEST_ID.fullmatch(told) else where


def words(body: bytes, secrets: Iterable[str]) -> str:
    """Return the vendor's message, short, on one line, without the tokens that were sent."""
    try:
        said = wire.SAID.decode(body).message or ""
    except (ValueError, RecursionError):
        return ""
    for secret in secrets:
        said = said.replace(secret, "***") if secret else said
    return re.sub(r"\s+", " ", said).strip()[:_SHOWN]
