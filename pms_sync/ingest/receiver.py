"""The receiver: verifies a vendor's delivery on its raw bytes, removes cards, and answers 200 only after the commit.

It never opens lanes and never reads meaning, so it waits for nobody but the inbox. A sender's mistake is a 4xx, our
trouble is a 503 that says when to come again, and a wrong token looks exactly like a wrong secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import Unavailable
from pms_sync.ingest.group_commit import GroupCommit, QueueFull
from pms_sync.observe.redact import scrub_json
from pms_sync.ports.connector import Delivery, Door
from pms_sync.store.doors import OpenDoor
from pms_sync.store.inbox import Appended, NewDelivery

SERVER_SETTINGS: Mapping[str, Any] = {
    "auto_decompress": False,
    "lingering_time": 2.0,
    "keepalive_timeout": 75.0,
}
"""What `web.AppRunner` must be given: a refused compressed body is drained as it is, never inflated."""

CORRELATION_HEADER = "X-Correlation-Id"
_STORED, _JSON = b'{"stored":true}', {"Content-Type": "application/json"}
_ID_LIMIT = 200
# After these the rest of a body may still come: the connection has no further use.
_UNREAD = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_LARGE = 8 * 1024  # the worst text of this size takes the scan a few milliseconds, which the loop can spare
_LONG_NUMBER = re.compile(rb"\d(?:[ -]?\d){11,}")
_log = logging.getLogger(__name__)


class VendorDoor(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's door with the keys whose numbers are ids and no cards."""

    door: Door
    identifier_keys: frozenset[str] = frozenset()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of reception: bytes, seconds, and requests at once; `retry_s` goes out as Retry-After.

    `body` bounds one delivery, `buffered` all that are being received, and `stranger` how much of a body is read for a
    token that opens no door.
    """

    body: int = 1_048_576
    read_s: float = 10.0
    in_flight: int = 2_000
    buffered: int = 64 * 1024 * 1024
    stranger: int = 64 * 1024
    retry_s: int = 5


class Doors(Protocol):
    """Finds a door by the token of its URL."""

    async def find(self, token: str) -> OpenDoor | None:
        """Return the door or None; raises Unavailable when neither can be said."""
        ...


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, *, retry_s: int | None = None) -> None:
        super().__init__(status.phrase)
        self.status, self.retry_s = status, retry_s


class _Held:
    """How many bytes of one request are in memory."""

    def __init__(self) -> None:
        self.size = 0


def _unheard(*_: object) -> None:
    """Nobody listens."""


class Receiver:
    """The webhook routes; one object per process."""

    def __init__(  # noqa: PLR0913 - everything it may touch, handed in
        self,
        doors: Doors,
        vendors: Mapping[str, VendorDoor],
        inbox: GroupCommit[NewDelivery, Appended],
        clock: Clock,
        *,
        limits: Limits | None = None,
        on_answer: Callable[[str, int, float, str], None] = _unheard,
        on_stored: Callable[[str, Appended], None] = _unheard,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        """Take the ports.

        `on_answer` hears (vendor or "unknown", status, seconds, correlation id) of every answer; `on_stored` wakes the
        router after each commit.
        """
        self._doors, self._vendors, self._inbox, self._clock = doors, vendors, inbox, clock
        self._limits = limits or Limits()
        self._on_answer, self._on_stored, self._new_id = on_answer, on_stored, new_id
        self._in_flight = 0
        self._buffered = 0
        self._nobodys_secret = (secrets.token_urlsafe(32),)

    def routes(self) -> list[web.RouteDef]:
        """Return the one route, and those that tell a sender with another method (405) or another path (404) so."""
        door = "/webhooks/{vendor}/{token}"
        return [
            web.post(door, self.receive),
            web.route("*", door, _other_method),
            web.route("*", "/webhooks{_:(/.*)?}", _other_path),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one delivery; never raises for anything a sender can do."""
        started, correlation_id = self._clock.monotonic(), self._new_id()
        vendor = request.match_info["vendor"]
        self._in_flight += 1
        try:
            await self._store(request, vendor, correlation_id)
            answer = web.Response(body=_STORED, headers=_JSON)
        except _Refused as refused:
            answer = _refusal(refused)
        except (Unavailable, QueueFull):
            answer = _refusal(_Refused(HTTPStatus.SERVICE_UNAVAILABLE, retry_s=self._limits.retry_s))
        finally:
            self._in_flight -= 1
        answer.headers[CORRELATION_HEADER] = correlation_id
        known = vendor if vendor in self._vendors else "unknown"
        self._on_answer(known, answer.status, self._clock.monotonic() - started, correlation_id)
        return answer

    async def _store(self, request: web.Request, vendor: str, correlation_id: str) -> None:
        plugin = self._vendors.get(vendor)
        if plugin is None:
            raise _Refused(HTTPStatus.NOT_FOUND)
        self._check_head(request)
        held = _Held()
        try:
            door = await self._door(plugin.door, request.match_info["token"])
            body = await self._read(request, held, self._limits.body if door is not None else self._limits.stranger)
            await self._store_body(request, plugin, door, body, correlation_id)
        finally:
            self._buffered -= held.size

    def _check_head(self, request: web.Request) -> None:
        plain = request.headers.get("Content-Encoding", "identity").strip().lower() == "identity"
        if not _readable_type(request.content_type) or not plain:
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        self._check_size(request.content_length or 0)
        if self._in_flight > self._limits.in_flight or self._buffered > self._limits.buffered:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, retry_s=1)

    async def _door(self, door: Door, token: str) -> OpenDoor | None:
        found = await self._doors.find(token)
        return found if found is not None and found.vendor == door.vendor else None

    async def _read(self, request: web.Request, held: _Held, enough: int) -> bytes:
        """Return the body, or its first `enough` bytes and a little."""
        if request.content.is_eof() and request.content.exception() is None:
            body = request.content.read_nowait()  # it came with the head, as small bodies do: nothing to wait for
            self._hold(held, len(body))
            return body
        return await self._wait_for(request, held, enough)

    async def _wait_for(self, request: web.Request, held: _Held, enough: int) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.read_s):
                async for chunk in request.content.iter_any():
                    self._hold(held, len(chunk))
                    body += chunk
                    if len(body) > enough:
                        break
        except TimeoutError as error:
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT) from error
        except (web.RequestPayloadError, HttpProcessingError) as error:
            raise _Refused(HTTPStatus.BAD_REQUEST) from error
        return bytes(body)

    def _hold(self, held: _Held, size: int) -> None:
        """Count what came, for as long as its request lasts, and refuse it once all together is too much."""
        held.size += size
        self._buffered += size
        self._check_size(held.size)
        if self._buffered > self._limits.buffered:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, retry_s=1)

    def _check_size(self, size: int) -> None:
        if size > self._limits.body:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    async def _store_body(
        self, request: web.Request, plugin: VendorDoor, found: OpenDoor | None, body: bytes, correlation_id: str
    ) -> None:
        delivery = Delivery(
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            received_at=self._clock.now(),
            query=dict(request.query),
        )
        door = self._admit(plugin.door, found, delivery)
        row = NewDelivery(
            tenant_id=door.tenant_id,
            door_id=door.door_id,
            vendor=door.vendor,
            vendor_delivery_id=_delivery_id(plugin.door, delivery),
            body=await without_cards(body, plugin.identifier_keys),
            correlation_id=correlation_id,
            received_at=delivery.received_at,
        )
        self._on_stored(door.vendor, await self._append(row))

    def _admit(self, door: Door, found: OpenDoor | None, delivery: Delivery) -> OpenDoor:
        # An unknown token is verified as well, against a secret nobody has: the answer must take the same time.
        valid = self._nobodys_secret if found is None else found.secrets(delivery.received_at)
        try:
            door.verify(delivery, valid, now=delivery.received_at)
        except Exception as error:
            # Whatever a door stumbles over, the sender has not proved itself.
            raise _Refused(HTTPStatus.UNAUTHORIZED) from error
        if found is None:
            raise _Refused(HTTPStatus.UNAUTHORIZED)
        return found

    async def _append(self, row: NewDelivery) -> Appended:
        try:
            return await self._inbox.add(row)
        except (Unavailable, QueueFull):
            raise
        except Exception as error:
            _log.exception("delivery not stored", extra={"correlation_id": row.correlation_id})
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, retry_s=self._limits.retry_s) from error


class HeadDeadline:
    """Closes connections that are in no request and begin none in time; the server itself waits for a head forever.

    Give `middleware` to the application and call `sweep` about once a second. A connection kept alive between requests
    is closed as well after `deadline_s`, which a sender must expect at any time.
    """

    def __init__(self, monotonic: Callable[[], float], deadline_s: float = 15.0) -> None:
        """Allow `deadline_s` seconds between a connection, or the answer before, and the end of the next head."""
        self._monotonic, self._deadline_s = monotonic, deadline_s
        self._busy: set[object] = set()
        self._idle_since: dict[object, float] = {}

    def sweep(self, server: web.Server) -> int:
        """Close what has been idle for too long and return how many."""
        now, before = self._monotonic(), self._idle_since
        idle = [connection for connection in server.connections if connection not in self._busy]
        self._idle_since = {connection: before.get(connection, now) for connection in idle}
        late = [connection for connection in idle if now - self._idle_since[connection] >= self._deadline_s]
        for connection in late:
            connection.force_close()
        return len(late)

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Remember that the connection is in a request."""
        self._busy.add(request.protocol)
        try:
            return await handler(request)
        finally:
            self._busy.discard(request.protocol)
            self._idle_since[request.protocol] = self._monotonic()


def _readable_type(content_type: str) -> bool:
    return content_type in {"application/json", "application/x-www-form-urlencoded"} or content_type.endswith("+json")


async def _other_path(_: web.Request) -> web.Response:
    return _refusal(_Refused(HTTPStatus.NOT_FOUND))


async def _other_method(_: web.Request) -> web.Response:
    answer = _refusal(_Refused(HTTPStatus.METHOD_NOT_ALLOWED))
    answer.headers["Allow"] = "POST"
    return answer


def _refusal(refused: _Refused) -> web.Response:
    status = refused.status
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value}
    answer = web.Response(
        body=msgspec.json.encode(problem), status=status.value, content_type="application/problem+json"
    )
    if refused.retry_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_s)
    if status in _UNREAD:
        answer.force_close()
    return answer


def _delivery_id(door: Door, delivery: Delivery) -> str | None:
    """Return the vendor's delivery id in a form that an index can hold; a strange one becomes its digest."""
    try:
        given = str(door.delivery_id(delivery) or "")
    except Exception:  # noqa: BLE001 - a body without a readable id is a delivery without an id
        return None
    if not given:
        return None
    if len(given) <= _ID_LIMIT and given.isprintable():
        return given
    return "sha256:" + hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


async def without_cards(body: bytes, identifier_keys: frozenset[str]) -> bytes:
    """Remove cards, beside the loop when the body is large; what cannot be scanned loses every long number."""
    try:
        if len(body) > _LARGE:
            clean, _ = await asyncio.to_thread(scrub_json, body, identifier_keys)
        else:
            clean, _ = scrub_json(body, identifier_keys)
    except Exception:  # noqa: BLE001 - the body must be kept, and must not be kept as it is
        _log.warning("a delivery could not be scanned for cards, its long numbers were removed")
        return _LONG_NUMBER.sub(b"[removed]", body)
    return clean
