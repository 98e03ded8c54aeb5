"""The vendor without a network: the real connector over a transport that answers from memory, limits off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import httpx

from benchmarks.sample import PROPERTY_REF, Sample, as_page
from connectors.beds24 import CONNECTOR
from mappers.beds24 import MAPPER
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ports.connector import Connector, ConnectorContext
from pms_sync.ports.mapper import Mapper
from pms_sync.store.accounts import Account

T = TypeVar("T")
PAGE_SIZE = 200
_TOKEN = b'{"token":"t","expiresIn":86400,"refreshToken":"r"}'


class Memory(httpx.AsyncBaseTransport):
    """Answers the calls of a pull with pages of the sample."""

    def __init__(self, sample: Sample) -> None:
        """Serve this sample; `calls` counts those for bookings, `pages` those of them that showed any."""
        self._sample = sample
        self.calls = self.pages = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give a token, or the page that was asked for."""
        if request.url.path.startswith("/authentication/"):
            return httpx.Response(200, content=_TOKEN)
        query = request.url.params
        rows = self._sample.arriving(_midnight(query["arrivalFrom"]), _midnight(query["arrivalTo"]) + timedelta(days=1))
        first = (int(query["page"]) - 1) * PAGE_SIZE
        self.calls += 1
        self.pages += first < len(rows)
        return httpx.Response(200, content=as_page(rows[first : first + PAGE_SIZE], more=first + PAGE_SIZE < len(rows)))


class _Tokens:
    """Keeps nothing: a run is shorter than a token's life."""

    async def load(self) -> dict[str, str]:
        return {}

    async def save(self, tokens: dict[str, str]) -> None:
        """Forget."""

    def refreshing(self) -> _Alone:
        return _Alone()


class _Alone:
    async def __aenter__(self) -> None:
        """Nobody else refreshes."""

    async def __aexit__(self, *_: object) -> None:
        """Nobody waited."""


class Runtime:
    """An account whose calls go straight through: vendor limits are off."""

    account: Account
    connector: Connector
    mapper: Mapper

    def __init__(self, account: Account, connector: Connector, vendor: Memory) -> None:
        """Join the parts with the vendor's mapper."""
        self.account, self.connector, self.mapper, self.vendor = account, connector, MAPPER, vendor

    def pace(self) -> float:
        """Never gather."""
        return 0.0

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str) -> T:
        """Call."""
        del priority, operation
        return await fn()


class Directory:
    """Finds the runtimes that were put in."""

    def __init__(self, *runtimes: Runtime) -> None:
        """Know these."""
        self._runtimes = {runtime.account.account_id: runtime for runtime in runtimes}

    async def get(self, account_id: UUID) -> AccountRuntime | None:
        """Return the account's runtime."""
        return self._runtimes.get(account_id)


def runtime_of(account: Account, sample: Sample) -> Runtime:
    """Join an account with the real connector over memory."""
    vendor = Memory(sample)
    context = ConnectorContext(
        base_url="http://vendor.test",
        property_ref=PROPERTY_REF,
        credentials={"refresh_token": "r"},
        client=httpx.AsyncClient(transport=vendor),
        tokens=_Tokens(),
        report=lambda _facts: None,
        now=lambda: datetime.now(UTC),
    )
    return Runtime(account, CONNECTOR.connect(context), vendor)


def _midnight(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
