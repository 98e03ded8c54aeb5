"""A vendor that can only put its secret into the address: the address is repeated nowhere."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog

from connectors.mews.door import MewsDoor
from connectors.mews.facts import SECRET_QUERY
from pms_sync.ingest.group_commit import GroupCommit
from pms_sync.ingest.receiver import Limits, Receiver, VendorDoor
from pms_sync.observe.access_lines import AccessLines
from pms_sync.observe.logs import configure_logging, flush_logs
from pms_sync.store import doors
from pms_sync.store.database import Database
from pms_sync.store.doors import DoorAddress, DoorBook
from pms_sync.store.inbox import Appended, InboxLine, NewDelivery
from pms_sync.store.sealing import KeyRing
from tests.integration.served_pages import RealClock, Site, serving

JSON = {"Content-Type": "application/json"}
EVENT = b'{"EnterpriseId":"e","Events":[]}'


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Collect every line of every log, down to the chattiest."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("json", level="DEBUG", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@asynccontextmanager
async def served(database: Database, keys: KeyRing, door: DoorAddress) -> AsyncIterator[Site]:
    """Serve the door among the pages, with the daemon's own access lines."""
    inbox: GroupCommit[NewDelivery, Appended] = GroupCommit(InboxLine(database, keys))
    book = DoorBook(database, keys, monotonic)
    receiver = Receiver(
        book,
        {door.vendor: VendorDoor(door=MewsDoor())},
        inbox,
        RealClock(),
        limits=Limits(body=4096),
        on_answer=AccessLines(monotonic).answered,
        on_stored=lambda *_: None,
    )
    await book.refresh()
    writer = asyncio.create_task(inbox.run())
    async with serving(database, keys, extra=receiver.routes()) as site:
        yield site
    await inbox.aclose()
    await asyncio.wait_for(writer, 10)
    await book.aclose()


async def test_the_address_of_a_door_is_in_no_line_no_answer_and_no_referrer(
    database: Database, keys: KeyRing, hotel: Any, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEC-28: stored, refused, mistaken or broken, what is said of a call names neither token nor secret."""
    async with database.transaction() as connection:
        door = await doors.ensure(connection, keys, hotel.tenant_id, "mews", "client 1")
    path = f"/webhooks/mews/{door.token}"
    right = f"{path}?{SECRET_QUERY}={quote(door.secret)}"
    async with served(database, keys, door) as site:
        said = [
            await site.browser.post(right, content=EVENT, headers=JSON),
            await site.browser.post(f"{path}?{SECRET_QUERY}=guess-{door.secret}", content=EVENT, headers=JSON),
            await site.browser.post(f"/webhooks/mews/x{door.token}?{SECRET_QUERY}={door.secret}", content=EVENT),
            await site.browser.post(f"/webhooks/other/{door.token}?{SECRET_QUERY}={door.secret}", content=EVENT),
            await site.browser.post(f"{path}/more?{SECRET_QUERY}={door.secret}", content=EVENT, headers=JSON),
            await site.browser.get(right),
            await site.browser.post(right, content=b"x" * 5000, headers=JSON),
            await site.browser.post(right, content=EVENT, headers={"Content-Type": "text/html"}),
            await site.browser.get("/health", headers={"Referer": f"{site.address}{right}"}),
            await site.browser.get(f"/no/such/page?next={right}", headers={"Referer": f"{site.address}{right}"}),
        ]

        async def breaks(*_: object) -> None:
            raise RuntimeError(f"POST {right} failed")

        monkeypatch.setattr(GroupCommit, "add", breaks)
        said.append(await site.browser.post(right, content=EVENT, headers=JSON))
    assert [one.status_code for one in said] == [200, 401, 415, 404, 404, 405, 413, 415, 200, 404, 503]
    for one in said:
        assert door.token not in told(one)
        assert door.secret not in told(one)
        assert one.headers["Referrer-Policy"] == "same-origin"
    text = settled(lines)
    assert "webhook_stored" in text
    assert "webhook_refused" in text
    assert "RuntimeError" in text
    assert door.token not in text
    assert door.secret not in text


def told(answer: httpx.Response) -> str:
    """Return all that an answer says."""
    return f"{answer.headers}\n{answer.text}"


def settled(lines: io.StringIO) -> str:
    """Return the log once all of it is written."""
    flush_logs(5)
    return lines.getvalue()
