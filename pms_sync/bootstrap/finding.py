"""Finding: the account that a person names, and the same ready to be talked to."""

from __future__ import annotations

from uuid import UUID

from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ingest.runtimes import Runtime, Runtimes
from pms_sync.store import accounts
from pms_sync.store.accounts import Account


async def account_of(core: Opened, text: str) -> Account:
    """Find the account of this id; raises ConfigurationFault when there is none."""
    async with core.database.connection() as connection:
        found = await accounts.load(connection, [_id(text)])
    if not found:
        raise _no_account(text)
    if not core.keys.knows(found[0].tenant_id):
        async with core.database.connection() as connection:
            await core.keys.load(connection)
    return found[0]


async def runtime_of(core: Opened, runtimes: Runtimes, text: str) -> Runtime:
    """Find the account ready to be talked to; raises ConfigurationFault when it has no credentials or connector."""
    account = await account_of(core, text)
    await runtimes.refresh()
    runtime = runtimes.current().get(account.account_id)
    if runtime is not None:
        return runtime
    fault = runtimes.why_not(account.account_id)
    if fault is not None:
        raise ConfigurationFault(fault.what, f"account {account.account_id}: {fault.where}", fault.remedy)
    remedy = f"pms-sync accounts add {account.vendor} --property {account.property_code} --credential NAME=VALUE"
    raise ConfigurationFault("the account has no credentials yet", f"account {text}", remedy)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _no_account(text) from None


def _no_account(text: str) -> ConfigurationFault:
    return ConfigurationFault(f"there is no account {text[:60]!r}", "ID", "see `pms-sync accounts list`")
