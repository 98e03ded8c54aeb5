"""One JSON call over an injected client: what an answer means for the caller, without a word of any secret.

Nothing here retries or follows redirects. Every failure is a VendorFault whose class names the state it stands for, so
that an unreachable network, a broken server, a page of HTML and a refused token are never mistaken for one another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp
import httpx
import msgspec

from connectors.kit.http import AddressRefused
from pms_sync.domain.errors import Disposition, VendorFault

T = TypeVar("T")

MOST_BYTES = 32 * 1024 * 1024
LONGEST_WAIT_S = 3600.0
USUAL_WAIT_S = 60.0
_SHOWN = 200
_ERROR_CHAIN = 8


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to send; `headers` and `body` may carry secrets, so a request is never logged.

    `body` is encoded already, as `media` says; `hidden` are texts inside it that no fault may repeat.
    """

    method: str
    url: str
    where: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    media: str = "application/json"
    hidden: Sequence[str] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, whole; header names in any spelling find their value."""

    status: int
    headers: httpx.Headers
    body: bytes


class CallFault(VendorFault):
    """A call that brought nothing usable; each subclass is a row of facts.

    `lands` says whether a write that ended this way may have taken effect at the vendor.
    """

    how = Disposition.ABORT
    away = False
    lands = True
    advice = "see the vendor's page for this call"

    def __init__(
        self,
        what: str,
        where: str = "",
        *,
        retry_after: float | None = None,
        status: int | None = None,
        sent: bool | None = None,
    ) -> None:
        """Describe the failure; `retry_after` is in seconds, `status` the HTTP status where there was one.

        `sent` is given where this very failure tells more than its class about whether the request took effect.
        """
        super().__init__(
            what,
            where,
            self.advice,
            disposition=self.how,
            retry_after=retry_after,
            counts_against_breaker=self.away,
            sent=self.lands if sent is None else sent,
        )
        self.status = status


class Unreachable(CallFault):
    """No answer: name, network, TLS or time-out. Says nothing about credentials."""

    how, away = Disposition.RETRY, True
    advice = "tried again by itself; check the network and the vendor's status page if it lasts"


class Blocked(CallFault):
    """The address is one that vendors do not live at, so the call was never made."""

    how, lands = Disposition.PAUSE, False
    advice = "correct the base URL, or allow private vendors where that is meant"


class Unsendable(CallFault):
    """A credential that no header can carry, so the call was never made."""

    how, lands = Disposition.PAUSE, False
    advice = "enter the account's credentials again: one line of plain ASCII letters, digits and signs each"


class ServerTrouble(CallFault):
    """The vendor answered that it cannot answer (5xx)."""

    how, away = Disposition.RETRY, True
    advice = "tried again by itself; see the vendor's status page if it lasts"


class NotJson(CallFault):
    """An answer that is no JSON although the status promises it: a log-in or maintenance page, or half an answer."""

    how = Disposition.RETRY
    advice = "tried again by itself; see the vendor's status page if it lasts"


class Limited(CallFault):
    """The budget is used up (429); the wait is in `retry_after`."""

    how, lands = Disposition.RETRY, False
    advice = "waits by itself; other products may share this account's budget"


class Unauthorized(CallFault):
    """The access token is not taken (401)."""

    how, lands = Disposition.PAUSE, False
    advice = "check that the account's credentials are valid and carry the needed scopes"


class Forbidden(CallFault):
    """The token is taken, the call is not allowed (403)."""

    how, lands = Disposition.PAUSE, False
    advice = "check the scopes of the account's credentials"


class Redirected(CallFault):
    """The vendor points elsewhere; never followed, since the other place would be shown the token."""

    how = Disposition.PAUSE
    advice = "check the base URL of this vendor"


class Refused(CallFault):
    """The vendor does not accept this request (other 4xx); repeating it cannot help."""


class TooLarge(CallFault):
    """More bytes than any honest answer has."""

    advice = "ask for less at once; tell the vendor if it happens again"


_BY_STATUS: Mapping[int, type[CallFault]] = {401: Unauthorized, 403: Forbidden, 408: ServerTrouble, 429: Limited}
_BY_HUNDRED: Mapping[int, type[CallFault]] = {1: NotJson, 3: Redirected, 4: Refused, 5: ServerTrouble}
_NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_NO_SOCKET = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_SILENT = (Unauthorized, Forbidden)  # such a body may echo the token that was sent


async def exchange(client: httpx.AsyncClient, request: Request, *, most_bytes: int = MOST_BYTES) -> Answer:
    """Send once and read the whole answer, whatever its status.

    Raises Unreachable when there is no whole answer, Blocked when the address is refused, TooLarge for too long a one,
    Unsendable for a header that cannot be written.
    """
    headers = dict(request.headers)
    wrong = [name for name, value in headers.items() if not (value.isascii() and value.isprintable())]
    if wrong:
        what = f"the value for the header {wrong[0]} has a line break, or letters that are not ASCII"
        raise Unsendable(what, request.where)
    if request.body is not None:
        headers["Content-Type"] = request.media
    try:
        async with client.stream(
            request.method,
            request.url,
            params=list(request.query) or None,
            headers=headers,
            content=request.body,
            follow_redirects=False,
        ) as response:
            body = await _bounded(response, most_bytes, request.where)
            return Answer(status=response.status_code, headers=response.headers, body=body)
    except (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise transport_fault(error, request.where) from None  # the chain would carry the request's headers


async def _bounded(response: httpx.Response, most_bytes: int, where: str) -> bytes:
    """Read the body as far as anybody may need it."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most_bytes:
            message = f"the answer is larger than {most_bytes} bytes"
            raise TooLarge(message, where)
        parts.append(part)
    return b"".join(parts)


def transport_fault(error: BaseException, where: str) -> CallFault:
    """Tell a refused address from a network that fails."""
    refused = _address_refused(error)
    if refused is not None:
        return Blocked(str(refused), where)
    sent = not _never_left(error)
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    if isinstance(cause, (httpx.TimeoutException, TimeoutError)):
        return Unreachable(f"no answer in time ({type(cause).__name__})", where, sent=sent)
    kind = type(error.__cause__ or error).__name__
    return Unreachable(f"the connection failed ({kind})", where, sent=sent)


def _never_left(error: BaseException) -> bool:
    """Tell whether there was no connection to send on.

    The transport's own names do not tell: it calls a connection that broke under way a connect time-out.
    """
    if isinstance(error.__cause__, aiohttp.ClientError):
        return isinstance(error.__cause__, _NO_CONNECTION)
    return isinstance(error, (*_NO_CONNECTION, *_NO_SOCKET))


def _address_refused(error: BaseException | None) -> AddressRefused | None:
    """Look for our own refusal behind what the transport made of it."""
    for _ in range(_ERROR_CHAIN):
        if error is None or isinstance(error, AddressRefused):
            return error
        inner = getattr(error, "os_error", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return None


def judged(
    answer: Answer,
    request: Request,
    *,
    wait: Callable[[Answer], float | None] | None = None,
) -> Answer:
    """Return an answer that is a success and looks like JSON; raises the CallFault it stands for otherwise.

    `wait` says in seconds how long a vendor wants to be left alone after 429; usually that is Retry-After or a minute.
    """
    hundred = answer.status // 100
    if hundred == 2:  # noqa: PLR2004 - the class of success
        if answer.body.lstrip()[:1] in (b"{", b"["):
            return answer
        raise NotJson(f"HTTP {answer.status} without JSON ({_kind(answer)})", request.where)
    fault = _BY_STATUS.get(answer.status) or _BY_HUNDRED.get(hundred, NotJson)
    pause = retry_after(answer.headers)
    if fault is Limited:
        pause = wait(answer) if wait else pause or USUAL_WAIT_S
    said = "" if issubclass(fault, _SILENT) else vendor_words(answer.body, request)
    what = f"HTTP {answer.status}{': ' + said if said else ''}"
    sent = False if fault is Refused else None  # a 4xx is the vendor's word that nothing was done
    raise fault(what, request.where, retry_after=pause, status=answer.status, sent=sent)


def read(decoder: msgspec.json.Decoder[T], answer: Answer, where: str) -> T:
    """Decode an answer; raises NotJson for half an answer and Refused for JSON of another shape."""
    try:
        return decoder.decode(answer.body)
    except msgspec.ValidationError as error:
        raise Refused(f"the answer has another shape than documented: {error}", where) from None
    except (ValueError, RecursionError) as error:
        raise NotJson(f"the answer is broken JSON ({type(error).__name__})", where) from None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read Retry-After, seconds or HTTP date, as seconds from 0 to an hour; None when absent or nonsense.

    A date is measured against the answer's own Date, so that a difference between the clocks does not matter.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        moment, sent = http_date(text), http_date(headers.get("date", "")) or now or datetime.now(UTC)
        if moment is None:
            return None
        seconds = (moment - sent).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def http_date(text: str) -> datetime | None:
    """Read an HTTP date as UTC; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def number(text: str | None) -> float | None:
    """Read a header as a number; absent, negative and nonsense are unknown, never zero."""
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


class _Said(msgspec.Struct):
    """Where vendors put the reason of a refusal."""

    error: msgspec.Raw = msgspec.Raw(b'""')
    message: msgspec.Raw = msgspec.Raw(b'""')


_SAID = msgspec.json.Decoder(_Said)
_STRING = msgspec.json.Decoder(str)


def vendor_words(body: bytes, request: Request) -> str:
    """Return the vendor's own reason, short, on one line, with everything we sent in headers, or hid, struck out."""
    try:
        said = _SAID.decode(body)
        words = _text(said.error) or _text(said.message)
    except (ValueError, RecursionError):
        return ""
    sent = [*request.headers.values(), *request.hidden]
    bare = [value.rpartition(" ")[2] for value in sent]  # also without the word before it, as in "Bearer …"
    for secret in filter(None, [*sent, *bare]):
        words = words.replace(secret, "***")
    return re.sub(r"\s+", " ", words).strip()[:_SHOWN]


def _text(raw: msgspec.Raw) -> str:
    """Read a JSON text; anything else has nothing to say."""
    try:
        return _STRING.decode(raw)
    except ValueError:
        return ""


def _kind(answer: Answer) -> str:
    """Name the media type of an answer that should have been JSON."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else "no media type" if answer.body else "empty"
