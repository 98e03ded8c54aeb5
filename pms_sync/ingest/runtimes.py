"""Runtimes: the accounts of the store joined with their connector, mapper and guard, as they are now.

One login has one budget, whatever the number of properties behind it; every account has a breaker of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import ConfigurationFault, Disposition, Unavailable
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import CallFacts, Connector, ConnectorContext, ConnectorPlugin, ConnectorSpec, RateBudget
from pms_sync.ports.mapper import Mapper
from pms_sync.resilience.breaker import Breaker
from pms_sync.resilience.budget import Budget, BudgetFull, Priority
from pms_sync.resilience.guarded import Guard, Turn
from pms_sync.store import accounts
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.store.tokens import AccountTokens
from pms_sync.store.turns import Turns

T = TypeVar("T")
_PATIENCE_S, _AGAIN_S = 60.0, 15.0  # a call ends within half of the former
_BUSY = "the work stays queued and is tried again; a backfill or another daemon may be at it"
_log = get_logger(__name__)


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition root knows of one vendor: its plugin halves, where it lives, and the way to it."""

    plugin: ConnectorPlugin
    mapper: Mapper
    base_url: str
    client: Any  # httpx.AsyncClient of the one factory, shared by the vendor's accounts


class Runtime:
    """One account ready to be talked to (ingest.batch.AccountRuntime)."""

    def __init__(self, account: Account, connector: Connector, mapper: Mapper, guard: Guard) -> None:
        """Join the parts."""
        self.account, self.connector, self.mapper, self.guard = account, connector, mapper, guard

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str, once: bool = False) -> T:
        """Make one guarded vendor call, without any retry where `once` says so; raises VendorFault."""
        return await self.guard.call(fn, priority=Priority[priority.upper()], operation=operation, once=once)

    def pace(self) -> float:
        """Return the seconds to gather hints before the next fetch, 0 while the budget is ample."""
        return self.guard.budget.pace()


class Runtimes:
    """Every account that has credentials and an installed vendor, refreshed from the store."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        vendors: Mapping[str, Vendor],
        *,
        clock: Clock,
        on_call: Callable[[str, str], None] = lambda _vendor, _outcome: None,
    ) -> None:
        """`on_call` hears (vendor, outcome) of every attempt."""
        self._database, self._keys, self._vendors, self._clock = database, keys, vendors, clock
        self._on_call = on_call
        self._runtimes: dict[UUID, Runtime] = {}
        self._budgets: dict[tuple[str, bytes], Budget] = {}
        self._unusable: dict[UUID, ConfigurationFault] = {}
        self._turns = Turns(database)

    def current(self) -> Mapping[UUID, Runtime]:
        """Return the accounts as of the last refresh."""
        return self._runtimes

    def why_not(self, account_id: UUID) -> ConfigurationFault | None:
        """Say why an account that has credentials is not among the current ones."""
        return self._unusable.get(account_id)

    async def get(self, account_id: UUID) -> Runtime | None:
        """Return the account when it may be worked on; an unknown one is looked up once."""
        if account_id not in self._runtimes:
            await self.refresh()
        runtime = self._runtimes.get(account_id)
        return runtime if runtime is not None and runtime.account.state == "active" else None

    async def refresh(self) -> None:
        """Read the accounts again; one whose login changed gets a new connector. Raises Unavailable."""
        async with self._database.connection() as connection:
            found = await accounts.load(connection)
            if not all(self._keys.knows(account.tenant_id) for account in found):
                await self._keys.load(connection)
        fresh = {account.account_id: await self._ready(account) for account in found if account.has_credentials}
        before, self._runtimes = self._runtimes, {key: one for key, one in fresh.items() if one is not None}
        for account_id, runtime in before.items():
            if self._runtimes.get(account_id) is None or self._runtimes[account_id].connector is not runtime.connector:
                await runtime.connector.aclose()
        await self._tell_breakers()

    async def _tell_breakers(self) -> None:
        """Share the breakers' states with the pages; a change shows with the next refresh."""
        for runtime in self._runtimes.values():
            state = runtime.guard.breaker.state
            if state != runtime.account.breaker:
                async with self._database.connection() as connection:
                    await accounts.set_breaker(connection, runtime.account.account_id, state)

    async def aclose(self) -> None:
        """Let every connector and budget go."""
        for runtime in self._runtimes.values():
            await runtime.connector.aclose()
        for budget in self._budgets.values():
            await budget.aclose()
        await self._turns.aclose()

    async def _ready(self, account: Account) -> Runtime | None:
        known = self._runtimes.get(account.account_id)
        if known is not None and _same_login(known.account, account):
            known.account = account
            return known
        vendor = self._vendors.get(account.vendor)
        if vendor is None:
            what, remedy = f"no connector for vendor {account.vendor!r} is installed", "see `pms-sync connectors list`"
            self._complain(account, ConfigurationFault(what, "vendor", remedy))
            return None
        try:
            return await self._connected(account, vendor)
        except ConfigurationFault as fault:
            self._complain(account, fault)
            return None

    async def _connected(self, account: Account, vendor: Vendor) -> Runtime:
        async with self._database.connection() as connection:
            given = await accounts.credentials(connection, self._keys, account)
        budget, shared = self._budget(account, vendor), self._client_budget(vendor, given)
        breaker = Breaker(str(account.account_id), clock=self._clock.monotonic)
        guard = Guard(
            vendor=account.vendor,
            account=str(account.account_id),
            budget=budget,
            breaker=breaker,
            client_budget=shared,
            turn=self._turn_of(account, vendor.plugin.spec),
            on_outcome=self._on_call,
            clock=self._clock.monotonic,
        )
        context = ConnectorContext(
            base_url=vendor.base_url,
            property_ref=account.property_ref,
            credentials=given,
            client=vendor.client,
            tokens=AccountTokens(self._database, self._keys, account),
            report=lambda facts: _observe(budget, shared, facts),
            now=self._clock.now,
        )
        return Runtime(account, vendor.plugin.connect(context), vendor.mapper, guard)

    def _budget(self, account: Account, vendor: Vendor) -> Budget:
        """Find the budget of the account's login."""
        spec = vendor.plugin.spec
        return self._budget_of((account.vendor, _login(account)), spec.rate_budget, spec.max_in_flight)

    def _turn_of(self, account: Account, spec: ConnectorSpec) -> Turn:
        """Say what is held around a call, so that a vendor that wants one at a time gets one from all processes."""
        if spec.max_in_flight > 1:
            return nullcontext
        login = f"{account.vendor}:".encode() + _login(account)
        return lambda: self._turn(login)

    @asynccontextmanager
    async def _turn(self, login: bytes) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                mine = await stack.enter_async_context(self._turns.turn(login, _PATIENCE_S))
            except Unavailable as fault:
                raise _not_sent(fault.what, fault.remedy) from fault
            if not mine:
                raise _not_sent("another process keeps calling with this login", _BUSY)
            yield

    def _client_budget(self, vendor: Vendor, given: Mapping[str, str]) -> Budget | None:
        """Find the budget that all accounts of one vendor client share, where the vendor counts that too."""
        spec = vendor.plugin.spec
        if spec.client_budget is None:
            return None
        name = next((given[key] for key in spec.client_credentials if given.get(key)), "")
        client = (f"{spec.vendor} client", hashlib.sha256(name.encode()).digest())
        return self._budget_of(client, spec.client_budget, int(spec.client_budget.credits))

    def _budget_of(self, whose: tuple[str, bytes], allowed: RateBudget, in_flight: int) -> Budget:
        if whose not in self._budgets:
            self._budgets[whose] = Budget(
                credits=float(allowed.credits),
                window_s=allowed.window_s,
                reserve=float(allowed.reserve),
                max_in_flight=in_flight,
                clock=self._clock.monotonic,
            )
        return self._budgets[whose]

    def _complain(self, account: Account, fault: ConfigurationFault) -> None:
        """Say once per account why nothing happens for it."""
        if account.account_id not in self._unusable:
            _log.error("account_unusable", account_id=str(account.account_id), why=str(fault))
        self._unusable[account.account_id] = fault


def _login(account: Account) -> bytes:
    return account.login_digest or account.account_id.bytes


def _not_sent(what: str, remedy: str) -> BudgetFull:
    return BudgetFull(what, "", remedy, disposition=Disposition.RETRY, retry_after=_AGAIN_S, sent=False)


def _same_login(before: Account, after: Account) -> bool:
    return (before.login_digest, before.property_ref) == (after.login_digest, after.property_ref)


def _observe(budget: Budget, shared: Budget | None, facts: CallFacts) -> None:
    budget.observe(remaining=facts.remaining, resets_in=facts.resets_in, cost=facts.cost)
    if shared is not None:
        shared.observe(cost=facts.cost)
