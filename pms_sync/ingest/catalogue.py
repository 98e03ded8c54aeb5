"""Catalogue import: records what the vendor sells as seen, on start and daily; mapping it stays a person's act."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import Disposition, Fault, VendorFault
from pms_sync.domain.reservation import CodeKind, UnmappedCode
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import Catalogue
from pms_sync.store import accounts, crosswalk
from pms_sync.store.database import Database

PERIOD = timedelta(days=1)
RETRY_AFTER = timedelta(minutes=15)

_log = get_logger(__name__)


async def import_catalogue(database: Database, runtime: AccountRuntime) -> tuple[UnmappedCode, ...]:
    """Read the account's catalogue, record its codes, and return those without one of ours; opens no case.

    Raises VendorFault, also (PARK) when the vendor answers for another property.
    """
    found = await runtime.call(runtime.connector.catalogue, priority="reconcile", operation="catalogue")
    account = runtime.account
    if found.property_ref != account.property_ref:
        what = f"the vendor answered with property {found.property_ref} instead of {account.property_ref}"
        remedy = "check which property the credentials belong to"
        raise VendorFault(what, str(account.account_id), remedy, disposition=Disposition.PARK)
    if found.currency and found.currency != account.currency:
        _log.warning(
            "currency_differs", account_id=str(account.account_id), vendor=found.currency, hotel_file=account.currency
        )
    async with database.transaction(account.tenant_id) as connection:
        await crosswalk.import_catalogue(connection, account, found)
        mapped = await crosswalk.load_crosswalk(connection, account)
    return tuple(UnmappedCode(kind, code) for kind, code in _codes(found) if mapped.ours(kind, code) is None)


def _codes(catalogue: Catalogue) -> Iterator[tuple[CodeKind, str]]:
    for kind in catalogue.room_types:
        yield "room_type", kind.ref
        for room in kind.rooms:
            yield "room", room.ref
    for plan in catalogue.rate_plans:
        yield "rate_plan", plan.ref


class CatalogueImports:
    """Imports each account's catalogue when it is first met and then once a day."""

    def __init__(
        self,
        database: Database,
        runtimes: Callable[[], Mapping[UUID, AccountRuntime]],
        *,
        clock: Clock,
        on_unmapped: Callable[[UUID, tuple[UnmappedCode, ...]], None] | None = None,
    ) -> None:
        """`runtimes` gives the accounts as they are now; `on_unmapped` hears what each import left unmapped."""
        self._database, self._runtimes, self._clock = database, runtimes, clock
        self._on_unmapped = on_unmapped
        self._due: dict[UUID, datetime] = {}

    async def step(self) -> int:
        """Import what is due and return how many succeeded; a vendor's failure is tried again a quarter hour later."""
        done = 0
        for account_id, runtime in self._runtimes().items():
            now = self._clock.now()
            if runtime.account.state != "active" or self._due.get(account_id, now) > now:
                continue
            done += await self._import(account_id, runtime, now)
        return done

    async def _import(self, account_id: UUID, runtime: AccountRuntime, now: datetime) -> bool:
        self._due[account_id] = now + RETRY_AFTER
        try:
            unmapped = await import_catalogue(self._database, runtime)
        except VendorFault as fault:
            _log.warning("catalogue_failed", account_id=str(account_id), why=_told(fault))
            if fault.disposition is Disposition.PAUSE:
                await self._stop(account_id, fault)
            return False
        self._due[account_id] = now + PERIOD
        if self._on_unmapped is not None:
            self._on_unmapped(account_id, unmapped)
        return True

    async def _stop(self, account_id: UUID, fault: VendorFault) -> None:
        """Stop an account whose vendor wants a person first, as the poller does."""
        async with self._database.connection() as connection:
            await accounts.set_state(connection, account_id, "failed", _told(fault))


def _told(fault: Fault) -> str:
    return str(fault)
