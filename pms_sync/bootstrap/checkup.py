"""Checkup: every account tried by itself: its login, its clock, its webhooks, its codes, and what is stuck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from pms_sync.bootstrap.administration import probe, verdict
from pms_sync.bootstrap.items import Item, item
from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.clock import rfc3339
from pms_sync.domain.errors import Fault, VendorFault
from pms_sync.ingest.subscriptions import is_loopback
from pms_sync.store import accounts, checkup
from pms_sync.store.accounts import Account
from pms_sync.store.checkup import Gap, Parked

_CLOCK_DOUBT_S = 60.0
_NO_ACCOUNT = "write a hotel file and name its folder in PMS_SYNC_CONFIG, then `pms-sync accounts add`"
_NO_TLS = "put a web server with a certificate in front and set PMS_SYNC_PUBLIC_URL to its https address"


async def every_account(core: Opened) -> list[Item]:
    """Return what is to be said of the accounts; each active one's vendor is asked once."""
    async with core.database.connection() as connection:
        found = await accounts.load(connection)
    if not found:
        return [item("accounts", ok=False, detail="none yet", remedy=_NO_ACCOUNT)]
    items = [one for account in found for one in await _login(core, account)]
    items += public_address(core, found)
    for account in found:
        items += [await _webhooks(core, account), await _mappings(core, account), await _stuck(core, account)]
    return items


async def partitions(core: Opened) -> Item:
    """Say whether this month's and the next month's rows have a partition of their own."""
    async with core.database.connection() as connection:
        missing = await checkup.missing_partitions(connection)
    detail = f"missing: {', '.join(missing)}" if missing else "ready for this month and the next"
    return item("partitions", not missing, detail, "start `pms-sync run`, which makes them, or run pms-sync migrate")


def public_address(core: Opened, found: Sequence[Account]) -> list[Item]:
    """Say whether vendors that send webhooks to live accounts can reach us, and unread by others on the way."""
    sending = {account.vendor for account in found if account.mode == "live" and _sends(core, account)}
    if not sending:
        return []
    url, named = core.settings.public_url, ", ".join(sorted(sending))
    if is_loopback(url):
        detail = f"{url} is this machine alone, and {named} cannot send there"
        remedy = "set PMS_SYNC_PUBLIC_URL to how vendors reach this daemon"
        return [item("public address", core.settings.allow_private_vendors, detail, remedy)]
    secure = urlsplit(url).scheme == "https"
    detail = f"{url} for {named}" if secure else f"{url} is plain http: whoever is between reads the doors' secrets"
    return [item("public address", secure, detail, _NO_TLS)]


async def _login(core: Opened, account: Account) -> list[Item]:
    name = f"account {account.account_id} ({account.vendor}, {account.property_code})"
    if account.state != "active":
        told = f"{account.state}: {account.state_reason or 'no reason given'}"
        return [item(name, ok=False, detail=told, remedy=f"pms-sync accounts resume {account.account_id}")]
    try:
        probed = await probe(core, str(account.account_id))
    except VendorFault as fault:
        return [item(name, ok=False, detail=str(fault), remedy=fault.remedy)]
    except Fault as fault:
        return [item(name, ok=False, detail=fault.what, remedy=fault.remedy)]
    said = verdict(probed.account, probed.checked)
    remedy = "correct the login or the hotel file, then `pms-sync accounts test`"
    login = item(name, ok=said["ok"], detail=said["detail"] or "the login works", remedy=remedy)
    return [login, *clock(account.account_id, probed.clock_apart_s)]


def clock(account_id: UUID, apart_s: float | None) -> list[Item]:
    """Say how far the vendor's clock is from ours, nothing for a vendor that tells no time."""
    if apart_s is None:
        return []
    remedy = "synchronise this machine's clock; if it is right, tell the vendor: its changes are read by its own clock"
    detail = f"{apart_s:.0f} s apart from the vendor's"
    return [item(f"clock of {account_id}", apart_s <= _CLOCK_DOUBT_S, detail, remedy)]


async def _webhooks(core: Opened, account: Account) -> Item:
    """Tell the last delivery of the account's door; what a person still has to do for webhooks is a finding."""
    name = f"webhooks of {account.account_id}"
    if not _sends(core, account):
        return item(name, ok=True, detail="this vendor sends none; the poll brings changes")
    last = None
    if account.door_id is not None:
        async with core.database.connection() as connection:
            last = await checkup.last_webhook(connection, account.door_id)
    if account.subscription_note:
        remedy = "do what it says, or rely on the poll"
        return item(name, ok=False, detail=f"{account.subscription_note} ({_last(last)})", remedy=remedy)
    return item(name, ok=True, detail=_last(last))


def _last(at: datetime | None) -> str:
    return "none came yet" if at is None else f"the last came {rfc3339(at)}"


async def _mappings(core: Opened, account: Account) -> Item:
    gaps = await checkup.unmapped(core.database, account)
    detail = "; ".join(map(_gap, gaps)) or "nothing unmapped"
    remedy = f"write them into the crosswalk of {account.vendor} in the hotel file; what waits for them heals by itself"
    return item(f"mappings of {account.account_id}", not gaps, detail, remedy)


def _gap(gap: Gap) -> str:
    more = gap.total - len(gap.codes)
    rest = f" and {more} more" if more else ""
    return f"unmapped {gap.kind.replace('_', ' ')}: {', '.join(gap.codes)}{rest}"


async def _stuck(core: Opened, account: Account) -> Item:
    async with core.database.connection() as connection:
        parked = await checkup.parked(connection, account)
    told = [f"{n} {words}" for n, words in _words(parked) if n]
    remedies = ["`pms-sync replay --parked` once the cause is gone"] if parked.deliveries or parked.records else []
    remedies += ["see `pms-sync push list --state parked`"] if parked.pushes else []
    name = f"parked rows of {account.account_id}"
    return item(name, not told, ", ".join(told) or "none", "; ".join(remedies))


def _words(parked: Parked) -> list[tuple[int, str]]:
    return [
        (parked.deliveries, "webhooks that cannot be read"),
        (parked.records, "records that cannot be mapped"),
        (parked.pushes, "refused pushes"),
    ]


def _sends(core: Opened, account: Account) -> bool:
    vendor = core.vendors.get(account.vendor)
    return vendor is not None and "webhooks" in vendor.plugin.spec.capabilities
