"""A consumer of our events on the loopback: verifies as Standard Webhooks says, answers as a test tells it to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

KEY = bytes(range(32))


class Heard(msgspec.Struct, frozen=True):
    """One request that carried a good signature."""

    message_id: str
    timestamp: int
    document: dict[str, Any]

    @property
    def topic(self) -> str:
        """Return the event's type."""
        return str(self.document["type"])

    @property
    def mark(self) -> str:
        """Return the mark by which a test knows its event."""
        return str(self.document["data"].get("mark"))


Answer = Callable[[Heard], Awaitable[web.StreamResponse] | web.StreamResponse]


class Listener:
    """Counts every request in `knocks`, keeps those it took in `took` and all signed ones in `heard`."""

    def __init__(self, key: bytes = KEY) -> None:
        self.key = key
        self.knocks = 0
        self.heard: list[Heard] = []
        self.took: list[Heard] = []
        self.answer: Answer = lambda _heard: web.Response()
        self.url = ""
        self._more = asyncio.Condition()

    async def start(self) -> web.AppRunner:
        """Listen on a free port; the caller cleans up."""
        application = web.Application()
        application.router.add_post("/hook", self._hear)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        return runner

    def marks(self) -> list[str]:
        """Return the marks of what was taken, in the order of arrival."""
        return [one.mark for one in self.took]

    async def has_taken(self, count: int) -> None:
        """Wait until so many events were taken."""
        async with asyncio.timeout(30), self._more:
            await self._more.wait_for(lambda: len(self.took) >= count)

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        self.knocks += 1
        heard = self._verified(request.headers, await request.read())
        self.heard.append(heard)
        answer = self.answer(heard)
        response = answer if isinstance(answer, web.StreamResponse) else await answer
        if response.status < 300:
            async with self._more:
                self.took.append(heard)
                self._more.notify_all()
        return response

    def _verified(self, headers: Any, body: bytes) -> Heard:
        """Check as the specification's own libraries do, with nothing of ours."""
        message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        signed = message_id.encode() + b"." + timestamp.encode() + b"." + body
        expected = base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        versions = [entry.split(",", 1) for entry in headers["webhook-signature"].split(" ")]
        assert ["v1", expected] in versions
        assert headers["content-type"] == "application/json"
        return Heard(message_id, int(timestamp), json.loads(body))
