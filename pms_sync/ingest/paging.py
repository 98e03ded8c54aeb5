"""Paging: one page of one account under its guard, and the watch against listings that never end."""

from __future__ import annotations

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ports.connector import Page, StreamSpec, Window
from pms_sync.store import lanes
from pms_sync.store.database import Database

MAX_PAGES = 10_000
MAX_EMPTY_PAGES = 20
MAX_PASSES = 3


def must_repeat(spec: StreamSpec, *, pages: int, new: int, passes: int) -> bool:
    """Tell whether rows may have slipped between pages: one that changed meanwhile pulls all behind it forward.

    So a window of several pages is read until nothing new comes, unless the newest come first: there a change only
    pushes rows towards pages still to be read, and shows again in the next window (CUR-04).
    """
    return pages > 1 and new > 0 and spec.page_order != "newest_first" and passes < MAX_PASSES


class LoopGuard:
    """Watches one listing and raises VendorFault (ABORT) when it goes in circles or does not end (CUR-15)."""

    def __init__(self, where: str) -> None:
        """Name the listing for the message."""
        self._where = where
        self._tokens: set[str] = set()
        self._last: tuple[tuple[str, bytes | str], ...] = ()
        self._empty = 0

    def check(self, page: Page) -> None:
        """Look at a page before it is stored."""
        content: tuple[tuple[str, bytes | str], ...] = (
            *((record.ref, record.body) for record in page.records),
            *((one.ref, one.version) for one in page.sightings),
        )
        if content and content == self._last:
            raise self._fault("the same page came twice in a row")
        self._last = content
        self._empty = 0 if content or page.rejected else self._empty + 1
        if page.next is None:
            return
        if page.next in self._tokens:
            raise self._fault("a page announced a next page that was read already")
        self._tokens.add(page.next)
        if self._empty >= MAX_EMPTY_PAGES or len(self._tokens) >= MAX_PAGES:
            raise self._fault(f"no end after {len(self._tokens)} pages, {self._empty} of them empty in a row")

    def _fault(self, what: str) -> VendorFault:
        remedy = "the position stays and the window is read again; report it to the vendor if it lasts"
        return VendorFault(f"the listing does not end: {what}", self._where, remedy, disposition=Disposition.ABORT)


async def read_page(
    database: Database, runtime: AccountRuntime, stream: str, window: Window, page: str | None, priority: str
) -> tuple[int, Page]:
    """Draw the read ticket, then ask for the page; no transaction is open during the call."""
    async with database.connection() as connection:
        ticket = await lanes.read_ticket(connection)

    async def pull() -> Page:
        return await runtime.connector.pull(stream, window, page)

    return ticket, await runtime.call(pull, priority=priority, operation=f"pull {stream}")
