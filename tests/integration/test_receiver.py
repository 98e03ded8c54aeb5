"""The receiver on a real socket in front of a real database: what a sender hears, and what is stored by then."""

from __future__ import annotations

import asyncio
import gzip
import hmac
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from pms_sync.ingest.group_commit import GroupCommit
from pms_sync.ingest.receiver import SERVER_SETTINGS, HeadDeadline, Limits, Receiver, VendorDoor
from pms_sync.store import doors, raw
from pms_sync.store.database import Database
from pms_sync.store.doors import DoorAddress, DoorBook
from pms_sync.store.inbox import Appended, InboxLine, NewDelivery
from pms_sync.store.sealing import KeyRing

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
CARD = "4111111111111111"
GOOD = b'{"property":"7","bookings":[41]}'


class TestClock:
    """A wall clock the test sets, and the real passing of seconds."""

    __test__ = False

    def __init__(self) -> None:
        """Begin at noon."""
        self.at = NOW

    def now(self) -> datetime:
        """Return what was set."""
        return self.at

    def monotonic(self) -> float:
        """Return real seconds."""
        return monotonic()


class Wire:
    """A way to the database that the test can slow down, hold up or cut."""

    def __init__(self, dsn: str) -> None:
        """Lead to the server of this address."""
        self.parts = urlsplit(dsn)
        self.delay_s, self.flows = 0.0, asyncio.Event()
        self.flows.set()
        self.server: asyncio.Server | None = None
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def dsn(self) -> str:
        """Return the address of the database by this way."""
        return f"postgresql://{self.parts.username or 'pms'}@127.0.0.1:{self.port}{self.parts.path}"

    async def up(self) -> None:
        """Let connections in, on the same port every time."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Cut every connection and refuse new ones."""
        if self.server is not None:
            self.server.close()
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = parse_qs(self.parts.query)
        folder, port = query.get("host", [""])[0], self.parts.port or int(query.get("port", ["5432"])[0])
        if folder.startswith("/"):
            far_reader, far_writer = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        else:
            far_reader, far_writer = await asyncio.open_connection(self.parts.hostname or folder, port)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, target))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(65536):
                await self.flows.wait()
                await asyncio.sleep(self.delay_s)
                target.write(chunk)
        finally:
            target.close()


class Desk:
    """A running receiver with its door."""

    def __init__(self, database: Database, keys: KeyRing, door: DoorAddress, clock: TestClock) -> None:
        """Know where things are; the address comes when it listens."""
        self.database, self.keys, self.door, self.clock = database, keys, door, clock
        self.answers: list[tuple[str, int, float, str]] = []
        self.stored: list[tuple[str, Appended]] = []
        self.port = 0
        self.client: aiohttp.ClientSession

    @property
    def path(self) -> str:
        """Return the door's path."""
        return f"/webhooks/{self.door.vendor}/{self.door.token}"

    async def post(
        self, body: Any = GOOD, *, path: str | None = None, secret: str | None = None, **headers: str
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Send one delivery and return status, body and headers of the answer."""
        sent = {**JSON, "X-Secret": self.door.secret if secret is None else secret}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        async with self.client.post(f"http://127.0.0.1:{self.port}{path or self.path}", data=body, headers=sent) as got:
            return got.status, await got.read(), got.headers

    async def rows(self) -> list[Any]:
        """Return the deliveries stored so far."""
        async with self.database.connection() as connection:
            found: list[Any] = await connection.fetch("SELECT * FROM deliveries ORDER BY delivery_id")
        return found

    async def body_of(self, row: Any) -> bytes:
        """Open the stored body of a delivery."""
        async with self.database.connection() as connection:
            return (await raw.load(connection, self.keys, [row["raw_id"]]))[row["raw_id"]]

    async def speak(self, text: bytes, *, end: bool = False) -> bytes:
        """Write bytes to the socket as they are and read until it closes, or for the first answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text)
        if end:
            writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(65536), 5)
        finally:
            writer.close()


@asynccontextmanager
async def listening(
    way: Database, database: Database, keys: KeyRing, door: DoorAddress, plain: Any, **limits: Any
) -> AsyncIterator[Desk]:
    """Run a receiver that writes by one way; the test reads by the other."""
    desk = Desk(database, keys, door, TestClock())
    book = DoorBook(way, keys, monotonic)
    inbox: GroupCommit[NewDelivery, Appended] = GroupCommit(InboxLine(way, keys))
    receiver = Receiver(
        book,
        {door.vendor: VendorDoor(door=plain)},
        inbox,
        desk.clock,
        limits=Limits(**limits),
        on_answer=lambda *heard: desk.answers.append(heard),
        on_stored=lambda *heard: desk.stored.append(heard),
    )
    app = web.Application()
    app.add_routes(receiver.routes())
    runner = web.AppRunner(app, access_log=None, **SERVER_SETTINGS)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    desk.port = runner.addresses[0][1]
    writer = asyncio.create_task(inbox.run())
    await book.refresh()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as desk.client:
        yield desk
    await runner.cleanup()
    await inbox.aclose()
    await asyncio.wait_for(writer, 10)
    await book.aclose()


@pytest_asyncio.fixture
async def door(database: Database, keys: KeyRing, hotel: Any) -> DoorAddress:
    """Build the door of the hotel's vendor client."""
    async with database.transaction() as connection:
        return await doors.ensure(connection, keys, hotel.tenant_id, hotel.vendor, "client 1")


@pytest_asyncio.fixture
async def desk(database: Database, keys: KeyRing, door: DoorAddress, plain_door: Any) -> AsyncIterator[Desk]:
    """Run a receiver with a body limit of 64 KiB and half a second to send it."""
    async with listening(database, database, keys, door, plain_door, body=65536, read_s=0.5) as opened:
        yield opened


@asynccontextmanager
async def by_wire(
    migrated: str, database: Database, keys: KeyRing, door: DoorAddress, plain: Any
) -> AsyncIterator[tuple[Desk, Wire]]:
    """Run a receiver whose database the test can take away."""
    wire = Wire(migrated)
    await wire.up()
    way = await Database.connect(wire.dsn, size=3)
    try:
        async with listening(way, database, keys, door, plain) as desk:
            yield desk, wire
    finally:
        way.pool.terminate()
        await wire.cut()


async def test_a_delivery_is_in_the_store_when_its_sender_hears_200(desk: Desk, hotel: Any) -> None:
    """ING-01."""
    status, body, headers = await desk.post(X_Correlation_Id="mine")
    assert (status, body) == (200, b'{"stored":true}')
    (row,) = await desk.rows()
    assert await desk.body_of(row) == GOOD
    assert (row["tenant_id"], row["state"], row["received_at"]) == (hotel.tenant_id, "waiting", NOW)
    assert headers["X-Correlation-Id"] == row["correlation_id"] != "mine"
    assert uuid.UUID(hex=row["correlation_id"]).hex == row["correlation_id"]
    ((vendor, answered, seconds, correlation_id),) = desk.answers
    assert (vendor, answered, correlation_id) == (hotel.vendor, 200, row["correlation_id"])
    assert 0 < seconds < 0.25
    assert [stored.delivery_id for _, stored in desk.stored] == [row["delivery_id"]]


async def test_a_hundred_parallel_sendings_of_one_delivery_are_one_row(desk: Desk) -> None:
    """DUP-01."""
    body = b'{"event":"e1","property":"7","bookings":[41]}'
    answers = await asyncio.gather(*(desk.post(body) for _ in range(100)))
    assert {status for status, _, _ in answers} == {200}
    assert len(await desk.rows()) == 1


async def test_the_same_id_with_another_body_is_kept_and_flagged(desk: Desk) -> None:
    """DUP-02."""
    for bookings in (b"41", b"42"):
        assert (await desk.post(b'{"event":"e1","property":"7","bookings":[%b]}' % bookings))[0] == 200
    assert [row["anomaly"] for row in await desk.rows()] == [False, True]


async def test_a_wrong_token_and_a_wrong_secret_hear_the_same_and_leave_nothing(
    desk: Desk, plain_door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ING-05, BEYOND 95: the same work is done for both, so that time tells nothing."""
    checked: list[int] = []
    verify = plain_door.verify

    def counted(delivery: Any, secrets: Any, **when: Any) -> None:
        checked.append(len(secrets))
        verify(delivery, secrets, **when)

    monkeypatch.setattr(plain_door, "verify", counted)
    token, vendor = desk.door.token, desk.door.vendor
    refused = [
        await desk.post(path=f"/webhooks/{vendor}/{wrong}") for wrong in (token[:-1], token + "x", "0", "%00", "é" * 40)
    ]
    refused += [await desk.post(secret=wrong) for wrong in ("", "x", desk.door.secret[:-1], desk.door.token, "ü")]
    assert {(status, body) for status, body, _ in refused} == {
        (401, b'{"type":"about:blank","title":"Unauthorized","status":401}')
    }
    names = {frozenset(headers) for _, _, headers in refused}
    assert len(names) == 1
    assert checked == [1] * 10
    assert await desk.rows() == []
    assert [answer[1] for answer in desk.answers] == [401] * 10


async def test_another_tenants_secret_does_not_open_this_door(desk: Desk, keys: KeyRing) -> None:
    """BEYOND 96."""
    tenant_id = uuid.uuid4()
    async with desk.database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", tenant_id)
        other = await doors.ensure(connection, keys, tenant_id, desk.door.vendor, "client 1")
    assert (await desk.post(secret=other.secret))[0] == 401


async def test_two_secrets_are_valid_while_a_rotation_is_open(
    desk: Desk, keys: KeyRing, hotel: Any, plain_door: Any
) -> None:
    """ING-06."""
    async with desk.database.transaction() as connection:
        new = await doors.rotate(connection, keys, hotel.tenant_id, hotel.vendor, "client 1", now=NOW)
    old = desk.door.secret
    async with listening(desk.database, desk.database, keys, desk.door, plain_door) as fresh:
        assert [(await fresh.post(secret=secret))[0] for secret in (old, new)] == [200, 200]
        fresh.clock.at = NOW + timedelta(hours=24)
        assert [(await fresh.post(secret=secret))[0] for secret in (old, new)] == [401, 200]


async def test_a_signature_is_checked_over_the_bytes_as_they_came(desk: Desk) -> None:
    """ING-09."""
    odd = b'{ "property" : "7",\n\t"bookings":[ 41 ], "text":"\\u00e9\xc3\xa9" }'
    tidy = msgspec.json.encode(msgspec.json.decode(odd))
    signed = [hmac.new(desk.door.secret.encode(), body, "sha256").hexdigest() for body in (odd, tidy)]
    assert [(await desk.post(odd, secret="", X_Signature=signature))[0] for signature in signed] == [200, 401]
    (row,) = await desk.rows()
    assert await desk.body_of(row) == odd


async def test_a_card_number_is_gone_before_anything_is_stored_though_its_signature_held(desk: Desk) -> None:
    body = b'{"property":"7","bookings":[41],"comment":"card %b"}' % CARD.encode()
    signature = hmac.new(desk.door.secret.encode(), body, "sha256").hexdigest()
    assert (await desk.post(body, secret="", X_Signature=signature))[0] == 200
    (row,) = await desk.rows()
    stored = await desk.body_of(row)
    assert CARD.encode() not in stored
    assert b'"bookings":[41]' in stored
    assert row["digest"] == raw.body_digest(stored)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[" * 30_000,
        b'{"a":NaN}',
        b'{"a":1,"a":2}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
        b"{}\x00",
        b'{"event":7}',
        b'{"event":"\\u0000"}',
        b'{"event":"\\ud800"}',
        b'{"event":"' + b"x" * 5000 + b'"}',
        b'{"n":' + b"9" * 5000 + b"}",
    ],
)
async def test_an_authenticated_body_is_stored_however_broken_it_is(desk: Desk, body: bytes) -> None:
    """ING-12: 200 and a row; the router parks it."""
    status, answer, _ = await desk.post(body)
    assert (status, answer) == (200, b'{"stored":true}')
    assert len(await desk.rows()) == 1


async def test_only_json_and_forms_are_taken(desk: Desk) -> None:
    """ING-15."""
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/xml", "application/octet-stream"):
        assert (await desk.post(Content_Type=kind))[0] == 415
    for kind in ("application/json; charset=utf-8", "application/x-www-form-urlencoded", "application/vnd.x+json"):
        assert (await desk.post(Content_Type=kind))[0] == 200


async def test_a_compressed_body_is_refused_and_never_inflated(desk: Desk) -> None:
    """ING-10."""
    bomb = gzip.compress(b"0" * 20_000_000)
    assert (await desk.post(bomb, Content_Encoding="gzip"))[0] == 415
    assert await desk.rows() == []


async def test_other_methods_and_paths_are_told_so(desk: Desk) -> None:
    """ING-15."""
    base = f"http://127.0.0.1:{desk.port}"
    for method in ("GET", "PUT", "DELETE", "TRACE", "PATCH"):
        async with desk.client.request(method, base + desk.path) as got:
            assert (got.status, got.headers["Allow"]) == (405, "POST")
            assert got.content_type == "application/problem+json"
    for path in (desk.path + "/", "/webhooks/unknown/x", f"/webhooks/{desk.door.vendor.upper()}/{desk.door.token}"):
        status, body, headers = await desk.post(path=path)
        assert (status, body) == (404, b'{"type":"about:blank","title":"Not Found","status":404}')
        assert headers["Content-Type"].startswith("application/problem+json")


async def test_the_limit_is_exact(desk: Desk) -> None:
    """ING-10."""
    empty = b'{"pad":""}'
    bodies = [b'{"pad":"%b"}' % (b"x" * (65536 - len(empty) + more)) for more in (-1, 0, 1)]
    assert [(await desk.post(body))[0] for body in bodies] == [200, 200, 413]


async def test_a_body_without_length_is_cut_at_the_limit(desk: Desk) -> None:
    """ING-10."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b"x" * 16384

    assert (await desk.post(endless()))[0] == 413


async def test_a_sender_who_promises_more_than_it_sends_is_dropped_by_the_deadline(desk: Desk) -> None:
    """ING-10, ING-11."""
    head = f"POST {desk.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
    began = monotonic()
    answer = await desk.speak(head.encode())
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in answer
    assert 0.4 < monotonic() - began < 2
    assert await desk.rows() == []


async def test_slow_senders_do_not_slow_the_others(desk: Desk) -> None:
    """ING-11."""
    head = f"POST {desk.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"
    slow = [asyncio.create_task(desk.speak(head.encode())) for _ in range(100)]
    answers = await asyncio.gather(*(desk.post() for _ in range(50)))
    assert {status for status, _, _ in answers} == {200}
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in await asyncio.gather(*slow))


async def test_a_head_that_never_ends_is_dropped_by_the_deadline_and_a_request_under_way_is_not() -> None:
    """ING-11."""
    at, gate, arrived = [100.0], asyncio.Event(), asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        arrived.set()
        await gate.wait()
        return web.Response()

    deadline = HeadDeadline(lambda: at[0], 15)
    app = web.Application(middlewares=[deadline.middleware])
    app.add_routes([web.get("/", answer)])
    runner = web.AppRunner(app, access_log=None, **SERVER_SETTINGS)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slow, slow_writer = await asyncio.open_connection(*runner.addresses[0])
    busy, busy_writer = await asyncio.open_connection(*runner.addresses[0])
    slow_writer.write(b"POST / HT")
    busy_writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await arrived.wait()
    assert runner.server is not None
    assert deadline.sweep(runner.server) == 0
    at[0] += 15
    assert deadline.sweep(runner.server) == 1
    assert await slow.read() == b""
    gate.set()
    assert (await busy.readline()) == b"HTTP/1.1 200 OK\r\n"
    slow_writer.close()
    busy_writer.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nX-Folded: a\r\n b\r\n",
        b"Content-Length: 5\nX-Bare: a\n",
        b"Content-Length: +5\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
async def test_an_ambiguous_request_is_400_and_the_connection_ends(desk: Desk, head: bytes) -> None:
    """SEC-12."""
    start = f"POST {desk.path} HTTP/1.1\r\nHost: x\r\nX-Secret: {desk.door.secret}\r\n".encode()
    answer = await desk.speak(
        start + b"Content-Type: application/json\r\n" + head + b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    )
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert answer.count(b"HTTP/1.") == 1
    assert await desk.rows() == []


def half_sent(desk: Desk, size: int, token: str | None = None) -> bytes:
    """Write a delivery that promises 500,000 bytes and sends `size` of them."""
    path = desk.path if token is None else f"/webhooks/{desk.door.vendor}/{token}"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500000\r\n\r\n"
    return head.encode() + b"x" * size


async def test_bodies_still_under_way_count_and_are_refused_past_the_bound(
    database: Database, keys: KeyRing, door: DoorAddress, plain_door: Any
) -> None:
    """ING-10: nobody has to prove anything to send, so what is unfinished must not fill the memory either."""
    async with listening(database, database, keys, door, plain_door, buffered=100_000, read_s=1.0) as desk:
        answers = await asyncio.gather(*(desk.speak(half_sent(desk, 40_000)) for _ in range(6)))
        heard = sorted(answer[9:12] for answer in answers)
        assert heard == [b"408"] * 2 + [b"429"] * 4
        assert all(b"Retry-After: 1" in answer for answer in answers if answer[9:12] == b"429")
        assert (await desk.post())[0] == 200


async def test_little_is_read_for_a_token_that_opens_nothing(
    database: Database, keys: KeyRing, door: DoorAddress, plain_door: Any
) -> None:
    """BEYOND 95: the answer is the one a wrong secret gets, and comes before the body is there."""
    async with listening(database, database, keys, door, plain_door, stranger=20_000) as desk:
        answer = await desk.speak(half_sent(desk, 40_000, "nobody"))
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert answer.endswith(b'{"type":"about:blank","title":"Unauthorized","status":401}')


async def test_a_body_that_is_encoded_as_it_is_is_taken(desk: Desk) -> None:
    assert (await desk.post(Content_Encoding="identity"))[0] == 200
    assert (await desk.post(Content_Encoding="identity, gzip"))[0] == 415


async def test_too_many_at_once_are_asked_to_come_again(
    database: Database, keys: KeyRing, door: DoorAddress, plain_door: Any
) -> None:
    async with listening(database, database, keys, door, plain_door, in_flight=0) as desk:
        status, _, headers = await desk.post()
    assert (status, headers["Retry-After"]) == (429, "1")


async def test_the_answer_waits_for_a_slow_commit(
    migrated_database: str, database: Database, keys: KeyRing, door: DoorAddress, plain_door: Any
) -> None:
    """ING-02."""
    async with by_wire(migrated_database, database, keys, door, plain_door) as (desk, wire):
        assert (await desk.post())[0] == 200
        wire.delay_s = 0.15
        began = monotonic()
        assert (await desk.post())[0] == 200
        assert monotonic() - began >= 0.3
        assert len(await desk.rows()) == 2


async def test_without_a_database_503_comes_at_once_and_service_returns_by_itself(
    migrated_database: str, database: Database, keys: KeyRing, door: DoorAddress, plain_door: Any
) -> None:
    """ING-04, CRS-02."""
    async with by_wire(migrated_database, database, keys, door, plain_door) as (desk, wire):
        assert (await desk.post())[0] == 200
        await wire.cut()
        for _ in range(5):
            began = monotonic()
            status, _, headers = await desk.post()
            assert (status, headers["Retry-After"]) == (503, "5")
            assert monotonic() - began < 0.25
        await wire.up()
        assert (await desk.post())[0] == 200
        assert len(await desk.rows()) == 2


async def test_a_database_that_hangs_never_brings_a_false_200(
    migrated_database: str, database: Database, keys: KeyRing, door: DoorAddress, plain_door: Any
) -> None:
    """ING-02: the connection is lost while an insert is under way."""
    async with by_wire(migrated_database, database, keys, door, plain_door) as (desk, wire):
        assert (await desk.post())[0] == 200
        wire.flows.clear()
        waiting = [asyncio.create_task(desk.post()) for _ in range(10)]
        done, _ = await asyncio.wait(waiting, timeout=0.3)
        assert not done
        await wire.cut()
        assert {status for status, _, _ in await asyncio.gather(*waiting)} == {503}
        assert len(await desk.rows()) == 1


async def test_a_burst_is_answered_whole_and_nothing_is_lost(desk: Desk) -> None:
    """ING-17, in small."""
    answers = await asyncio.gather(*(desk.post(b'{"property":"7","bookings":[%d]}' % n) for n in range(1000)))
    assert {status for status, _, _ in answers} == {200}
    rows = await desk.rows()
    assert len(rows) == 1000
    assert {row["correlation_id"] for row in rows} == {headers["X-Correlation-Id"] for _, _, headers in answers}
