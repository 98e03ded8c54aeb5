"""TLS to vendors and to the database: who is not who they say they are is sent nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.kit.http import open_client
from connectors.kit.rest import Request, Unreachable, exchange
from pms_sync.domain.errors import Unavailable
from pms_sync.store.database import Database
from tests.integration.certificates import Authority

TOKEN = "canary-token"
WRONG: dict[str, Callable[[Authority], ssl.SSLContext]] = {
    "expired": lambda by: by.server("expired", ends_in=-timedelta(hours=1)),
    "for another host": lambda by: by.server("other", host="127.0.0.2"),
    "signed by itself": lambda by: by.server("itself", by_itself=True),
    "TLS 1.0": lambda by: by.old_server(),
}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Give an authority that our side trusts."""
    return Authority(tmp_path)


class Vendor:
    """A server that answers every request with an empty object, and keeps what it is sent."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.heard = bytearray()
        self.base_url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.heard += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()


@asynccontextmanager
async def vendor(tls: ssl.SSLContext | None) -> AsyncIterator[Vendor]:
    """Run a vendor's server."""
    running = Vendor()
    server = await asyncio.start_server(running.answer, "127.0.0.1", 0, ssl=tls)
    running.base_url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield running


async def ask(running: Vendor, authority: Authority) -> int:
    """Make one call as a connector does."""
    client = open_client(running.base_url, ca_file=str(authority.ca_file), allow_private=True)
    try:
        request = Request(method="GET", url="/x", where="test", headers={"Authorization": f"Bearer {TOKEN}"})
        return (await exchange(client, request)).status
    finally:
        await client.aclose()


async def test_a_vendor_with_a_good_certificate_is_spoken_to(authority: Authority) -> None:
    """SEC-21: what the refusals are measured by."""
    async with vendor(authority.server("good")) as running:
        assert await ask(running, authority) == 200
    assert TOKEN.encode() in running.heard


@pytest.mark.parametrize("fault", WRONG)
async def test_a_vendor_that_cannot_prove_itself_is_sent_nothing(authority: Authority, fault: str) -> None:
    """SEC-21: refused, told by name of the fault, counted against the breaker, and known never to have left."""
    async with vendor(WRONG[fault](authority)) as running:
        with pytest.raises(Unreachable) as refused:
            await ask(running, authority)
    assert running.heard == b""
    assert "connection failed" in str(refused.value)
    assert (refused.value.counts_against_breaker, refused.value.sent) == (True, False)


async def test_a_vendor_that_speaks_plainly_is_not_spoken_to_plainly(authority: Authority) -> None:
    """SEC-21, no downgrade: an https address is never asked over http."""
    async with vendor(None) as running:
        with pytest.raises(Unreachable):
            await ask(running, authority)
    assert TOKEN.encode() not in running.heard


class Server:
    """A database server up to the first words after TLS, which it keeps."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        """Offer TLS with this certificate, or none at all."""
        self._tls = tls
        self.heard = bytearray()
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take up TLS where it is asked for and we have it, then listen."""
        await reader.readexactly(8)
        writer.write(b"S" if self._tls else b"N")
        try:
            if self._tls is not None:
                await writer.start_tls(self._tls)
            self.heard += await reader.read(1024)
        except OSError:  # the other side broke off, as it should
            pass
        finally:
            writer.close()


@asynccontextmanager
async def database_server(tls: ssl.SSLContext | None) -> AsyncIterator[Server]:
    """Run it."""
    running = Server(tls)
    server = await asyncio.start_server(running.answer, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    async with server:
        yield running


async def connect(running: Server, authority: Authority) -> None:
    """Connect as the daemon does with an address that asks for a checked certificate."""
    options = f"sslmode=verify-full&sslrootcert={authority.ca_file}"
    with pytest.raises(Unavailable):  # also the good one breaks off in the end: it is no database
        await Database.connect(f"postgresql://pms:{TOKEN}@127.0.0.1:{running.port}/pms?{options}")


async def test_a_database_with_a_good_certificate_is_spoken_to(authority: Authority) -> None:
    """SEC-21: what the refusals are measured by."""
    async with database_server(authority.server("good")) as running:
        await connect(running, authority)
    assert b"pms" in running.heard


@pytest.mark.parametrize("fault", [*WRONG, "no TLS at all"])
async def test_a_database_that_cannot_prove_itself_is_told_nothing(authority: Authority, fault: str) -> None:
    """SEC-21: refused before user and database are named, and never tried again without TLS."""
    async with database_server(WRONG[fault](authority) if fault in WRONG else None) as running:
        await connect(running, authority)
    assert running.heard == b""
