"""People of a small hotel and the browsers they sign in with, for tests of who may do what."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Any

import httpx

from pms_sync.auth.passwords import Passwords
from pms_sync.store import people
from pms_sync.store.database import Database
from pms_sync.store.people import NewUser, User
from tests.integration.served_pages import CHEAP, Site

PASSWORD = "quite-long-words"
EMAIL = "anna@example.org"


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        """Begin at some noon."""
        self.time = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Return where the hands are."""
        return self.time

    def monotonic(self) -> float:
        """Return the same as seconds."""
        return self.time.timestamp()

    def turn(self, **by: float) -> None:
        """Move the hands, `turn(minutes=5)`."""
        self.time += timedelta(**by)


async def add_person(
    database: Database, tenant_id: uuid.UUID, email: str = EMAIL, role: str = "manager", name: str | None = None
) -> User:
    """Let somebody exist whose password is PASSWORD."""
    password_hash = await Passwords(token_bytes, CHEAP).hash(PASSWORD)
    new = NewUser(
        tenant_id=tenant_id, user_id=uuid.uuid4(), email=email, name=name, role=role, password_hash=password_hash
    )
    async with database.connection() as connection:
        assert await people.add(connection, new, datetime.now(UTC))
        found = await people.by_email(connection, email)
    assert found
    return found.user


async def audit(database: Database, tenant_id: uuid.UUID, action: str) -> list[Any]:
    """Return what the audit log holds of one action, oldest first."""
    async with database.transaction(tenant_id) as connection:
        rows: list[Any] = await connection.fetch(
            "SELECT actor, entity_type, entity_id, fields FROM audit_log WHERE action = $1 ORDER BY audit_id", action
        )
    return rows


def csrf_in(page: httpx.Response) -> str:
    """Return the secret of the first form on a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


class Browser:
    """A browser with its own cookies and, where told, its own address on this machine."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Use an open client."""
        self.client = client

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page; `X_Forwarded_For="…"` sends that header."""
        return await self.client.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    async def post(self, path: str, headers: dict[str, str] | None = None, /, **fields: str) -> httpx.Response:
        """Send a form."""
        return await self.client.post(path, data=fields, headers=headers)

    async def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Open the sign-in page and send its form."""
        secret = csrf_in(await self.get("/login"))
        return await self.post("/login", email=email, password=password, csrf=secret, **fields)

    async def csrf(self, page: str = "/health?still") -> str:
        """Return the session's secret, as a page of it shows."""
        return csrf_in(await self.get(page))

    async def is_signed_in(self) -> bool:
        """Tell whether the begin page takes the browser for somebody."""
        return (await self.get("/")).status_code == httpx.codes.OK


@asynccontextmanager
async def browser(site: Site, address: str = "127.0.0.1") -> AsyncIterator[Browser]:
    """Open a browser at one of this machine's addresses (127.0.0.0/8)."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(base_url=site.address, transport=transport, timeout=30) as client:
        yield Browser(client)
