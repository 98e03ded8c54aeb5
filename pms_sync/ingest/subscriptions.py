"""Subscriptions: which door a vendor's webhooks come through, and making the vendor send there.

Subscribing is the one thing a shadow account writes at its vendor. It never holds up reading: what fails is told on the
account, tried again, and the poll finds everything meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import ConnectorSpec, Subscription
from pms_sync.store import accounts, doors
from pms_sync.store.doors import DoorAddress

if TYPE_CHECKING:
    from pms_sync.domain.clock import Clock
    from pms_sync.ingest.batch import AccountRuntime
    from pms_sync.store.accounts import Account
    from pms_sync.store.database import Connection, Database
    from pms_sync.store.sealing import KeyRing

PERIOD, RETRY_AFTER = timedelta(days=1), timedelta(minutes=5)
UNREACHABLE = (
    "webhooks cannot reach this address: set PMS_SYNC_PUBLIC_URL to how the vendor reaches this daemon; "
    "until then the poll alone brings changes"
)

_log = get_logger(__name__)


async def ensure_door(
    connection: Connection, keys: KeyRing, account: Account, spec: ConnectorSpec, credentials: Mapping[str, str]
) -> DoorAddress:
    """Return the account's door: its own, or the one of its vendor client, which may have to be built.

    A door belongs to (tenant, vendor client); the client is known by the first of the declared credentials at hand.
    """
    if account.door_id is not None:
        return await doors.of_id(connection, keys, account.door_id)
    await keys.ensure(connection, account.tenant_id)
    client = next((credentials[name] for name in spec.client_credentials if credentials.get(name)), "")
    client_key = keys.digest(account.tenant_id, f"client:{account.vendor}", client.encode()).hex()
    door = await doors.ensure(connection, keys, account.tenant_id, account.vendor, client_key)
    await accounts.set_door(connection, account.account_id, door.door_id)
    return door


def door_url(public_url: str, door: DoorAddress) -> str:
    """Return the address a vendor sends to."""
    return f"{public_url}/webhooks/{door.vendor}/{door.token}"


class _Tried(NamedTuple):
    """When to ask again, and whether the account counted as subscribed after the last try."""

    again: datetime
    subscribed: bool


class Subscriptions:
    """Keeps every account subscribed: at its start, once a day, and after its secret changed."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        public_url: Callable[[], str],
        *,
        clock: Clock,
        private_vendors: bool = False,
    ) -> None:
        """`public_url` is asked late, since a free port is known late; loopback serves only `private_vendors`."""
        self._database, self._keys, self._public_url, self._clock = database, keys, public_url, clock
        self._private_vendors = private_vendors
        self._tried: dict[UUID, _Tried] = {}

    async def step(self, runtimes: Mapping[UUID, AccountRuntime]) -> int:
        """Subscribe the accounts that are due; returns how many were."""
        now = self._clock.now()
        due = [one for one in runtimes.values() if one.account.state == "active" and self._is_due(one.account, now)]
        for runtime in due:
            await self.subscribe(runtime)
        return len(due)

    async def subscribe(self, runtime: AccountRuntime) -> None:
        """Make the vendor send to the account's door, exactly once; a vendor's failure is noted, not raised."""
        account = runtime.account
        self._tried[account.account_id] = _Tried(self._clock.now() + RETRY_AFTER, account.subscribed)
        async with self._database.transaction() as connection:
            given = await accounts.credentials(connection, self._keys, account)
            door = await ensure_door(connection, self._keys, account, runtime.connector.spec, given)
        try:
            note = await self._ask(runtime, door)
        except VendorFault as fault:
            _log.warning("subscribe_failed", account_id=str(account.account_id), why=fault.what)
            await self._tell(account, fault)
            return
        async with self._database.connection() as connection:
            await accounts.set_subscription(connection, account.account_id, note)
        self._tried[account.account_id] = _Tried(self._clock.now() + PERIOD, subscribed=True)

    async def _tell(self, account: Account, fault: VendorFault) -> None:
        """Put the failure on the account, and stop one whose vendor wants a person first, as the poller does."""
        async with self._database.transaction() as connection:
            await accounts.note_subscription(connection, account.account_id, str(fault))
            if fault.disposition is Disposition.PAUSE:
                await accounts.set_state(connection, account.account_id, "failed", str(fault))

    async def _ask(self, runtime: AccountRuntime, door: DoorAddress) -> str | None:
        url = door_url(self._public_url(), door)
        sends = "webhooks" in runtime.connector.spec.capabilities
        if sends and not self._private_vendors and is_loopback(url):
            return UNREACHABLE
        told = await runtime.call(
            lambda: runtime.connector.subscribe(url, door.secret), priority="reconcile", operation="subscribe"
        )
        return _note(told)

    def _is_due(self, account: Account, now: datetime) -> bool:
        """A subscription that was forgotten since the last try, as a new secret does, does not wait for the next."""
        tried = self._tried.get(account.account_id)
        return tried is None or tried.again <= now or (tried.subscribed and not account.subscribed)


def _note(told: Sequence[Subscription]) -> str | None:
    """Join what a person has to do or know."""
    return "; ".join(text for one in told for text in (one.manual, one.warning) if text) or None


def is_loopback(url: str) -> bool:
    """Tell an address that only this machine itself can reach."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
