"""Administration: what the `accounts` commands do, over an open store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from pms_sync.bootstrap import logins
from pms_sync.bootstrap.finding import account_of, runtime_of
from pms_sync.bootstrap.hotel_files import give_credentials
from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.clock import rfc3339, seconds_outside
from pms_sync.domain.errors import ConfigurationFault, Disposition, Unavailable, VendorFault
from pms_sync.ingest.subscriptions import door_url
from pms_sync.ports.connector import Checked, ConnectorSpec
from pms_sync.store import accounts, doors, hotels
from pms_sync.store.accounts import Account
from pms_sync.store.audit import Entry, append
from pms_sync.store.database import Connection
from pms_sync.store.doors import DoorAddress
from pms_sync.store.hotels import AccountFacts, Place
from pms_sync.store.ids import new_id

ACTOR = "operator"
_LONGEST_REF = 64


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An account as a person asks for it."""

    vendor: str
    property_code: str
    tenant: str | None
    property_ref: str | None
    role: str
    credentials: Mapping[str, str]


async def listed(core: Opened) -> list[dict[str, Any]]:
    """Return every account with its door's address; no secret is part of it."""
    async with core.database.connection() as connection:
        found = await accounts.load(connection)
        if found:
            await core.keys.load(connection)
        return [await _listed(core, connection, account) for account in found]


async def _listed(core: Opened, connection: Connection, account: Account) -> dict[str, Any]:
    door = await doors.of_id(connection, core.keys, account.door_id) if account.door_id else None
    return {
        "account_id": str(account.account_id),
        "property": account.property_code,
        "vendor": account.vendor,
        "property_ref": account.property_ref,
        "role": account.role,
        "mode": account.mode,
        "state": account.state,
        "note": account.state_reason
        or account.subscription_note
        or (None if account.has_credentials else "no credentials yet"),
        "door_url": None if door is None else door_url(core.settings.public_url, door),
    }


async def add(core: Opened, wanted: Wanted) -> dict[str, Any]:
    """Store the login and give it its door; the account of the hotel file is used where there is one.

    The secret is part of the answer only when the door is new. Raises ConfigurationFault, with nothing stored, for an
    unknown vendor, property or credential name, and for a property ref the vendor cannot have.
    """
    spec = logins.spec_of(core.vendors, wanted.vendor)
    logins.require_known_credentials(spec, wanted.credentials)
    place = await _place(core, wanted)
    async with core.database.transaction(place.tenant_id) as connection:
        await core.keys.ensure(connection, place.tenant_id)
        account = await _account(connection, place, wanted)
        logins.let_connector_look(core.vendors[wanted.vendor], account.property_ref, wanted.credentials)
        door = await give_credentials(connection, core.keys, {wanted.vendor: spec}, account, wanted.credentials)
        await _tell(connection, account, "account.credentials", {"credentials": sorted(wanted.credentials)})
    return {"account_id": str(account.account_id), "door": None if door is None else _door(core, spec, door)}


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What the cheapest call told, and when by our clock it was asked and answered."""

    account: Account
    checked: Checked
    asked_at: datetime
    answered_at: datetime

    @property
    def clock_apart_s(self) -> float | None:
        """Return by how many seconds the vendor's clock and ours differ, None where it tells no time."""
        told = self.checked.vendor_time
        return None if told is None else seconds_outside(told, self.asked_at, self.answered_at)


async def probe(core: Opened, account_text: str) -> Probe:
    """Make the cheapest call; raises VendorFault, or ConfigurationFault for an account that cannot be used."""
    runtimes = core.runtimes()
    try:
        runtime = await runtime_of(core, runtimes, account_text)
        asked_at = core.clock.now()
        checked = await runtime.call(runtime.connector.check, priority="live", operation="check")
        return Probe(account=runtime.account, checked=checked, asked_at=asked_at, answered_at=core.clock.now())
    finally:
        await runtimes.aclose()


async def tested(core: Opened, account_text: str) -> dict[str, Any]:
    """Make the cheapest call; `ok` says that the login works, sees the property and fits its zone and currency.

    Raises Unavailable when the vendor is away.
    """
    try:
        probed = await probe(core, account_text)
    except VendorFault as fault:
        if fault.disposition is Disposition.RETRY:
            raise Unavailable(fault.what, fault.where, fault.remedy) from fault
        return {"ok": False, "zone": None, "currency": None, "scopes": [], "detail": str(fault)}
    return verdict(probed.account, probed.checked)


async def set_mode(core: Opened, account_text: str, mode: str) -> dict[str, Any]:
    """Move the account to shadow or live."""
    account = await account_of(core, account_text)
    async with core.database.transaction(account.tenant_id) as connection:
        await accounts.set_mode(connection, account.account_id, mode)
        await _tell(connection, account, "account.mode", {"mode": [account.mode, mode]})
    return {"account_id": str(account.account_id), "mode": mode, "state": account.state}


async def set_state(core: Opened, account_text: str, state: str) -> dict[str, Any]:
    """Pause the account, or let it go on."""
    account = await account_of(core, account_text)
    reason = "paused by an operator" if state == "paused" else None
    async with core.database.transaction(account.tenant_id) as connection:
        await accounts.set_state(connection, account.account_id, state, reason)
        await _tell(connection, account, "account.state", {"state": [account.state, state]})
    return {"account_id": str(account.account_id), "mode": account.mode, "state": state}


async def rotate(core: Opened, account_text: str) -> dict[str, Any]:
    """Give the account's door a new secret; the daemon tells the vendor, and the old one is accepted for a day."""
    account = await account_of(core, account_text)
    if account.door_id is None:
        what, remedy = "the account has no door yet", "give it credentials with `pms-sync accounts add`"
        raise ConfigurationFault(what, f"account {account_text}", remedy)
    now = core.clock.now()
    async with core.database.transaction(account.tenant_id) as connection:
        door = await doors.of_id(connection, core.keys, account.door_id)
        secret = await doors.rotate(connection, core.keys, account.tenant_id, door.vendor, door.client_key, now=now)
        await accounts.forget_subscriptions(connection, door.door_id)
        await _tell(connection, account, "door.rotated", {})
    return {"secret": secret, "old_valid_until": rfc3339(now + doors.OVERLAP)}


async def _place(core: Opened, wanted: Wanted) -> Place:
    async with core.database.connection() as connection:
        every = await hotels.places(connection)
    found = [one for one in every if one.code == wanted.property_code and wanted.tenant in (None, one.tenant_code)]
    if len(found) == 1:
        return found[0]
    if found:
        tenants = ", ".join(one.tenant_code for one in found)
        what = f"property {wanted.property_code!r} stands in several tenants"
        raise ConfigurationFault(what, "--tenant", f"choose one of: {tenants}")
    inside = [one for one in every if wanted.tenant in (None, one.tenant_code)]
    known = ", ".join(sorted({one.code for one in inside})) or "none"
    tenant = f" of tenant {wanted.tenant[:60]!r}" if wanted.tenant is not None else ""
    what = f"there is no property {wanted.property_code[:60]!r}{tenant}"
    raise ConfigurationFault(what, "--property", f"known: {known}; write it into a hotel file (PMS_SYNC_CONFIG)")


async def _account(connection: Connection, place: Place, wanted: Wanted) -> Account:
    """Find the one account that is meant, or make it."""
    known = [
        one
        for one in await accounts.load(connection)
        if (one.property_id, one.vendor) == (place.property_id, wanted.vendor)
        and wanted.property_ref in (None, one.property_ref)
    ]
    if len(known) == 1:
        return known[0]
    if wanted.property_ref is None:
        refs = ", ".join(one.property_ref for one in known)
        what = "several accounts could be meant" if known else "the property's id at the vendor is not known"
        remedy = f"choose one of: {refs}" if known else "give it here, or name the account in the hotel file"
        raise ConfigurationFault(what, "--property-ref", remedy)
    if not wanted.property_ref.isprintable() or not 0 < len(wanted.property_ref) <= _LONGEST_REF:
        what = f"{wanted.property_ref[:60]!r} is no property id"
        raise ConfigurationFault(what, "--property-ref", "give it as the vendor shows it")
    facts = AccountFacts(vendor=wanted.vendor, role=wanted.role, property_ref=wanted.property_ref)
    account_id = await hotels.upsert_account(connection, place.tenant_id, place.property_id, facts, new_id)
    [made] = await accounts.load(connection, [account_id])
    return made


def _door(core: Opened, spec: ConnectorSpec, door: DoorAddress) -> dict[str, Any]:
    return {
        "url": door_url(core.settings.public_url, door),
        "header": spec.webhook_header,
        "secret": door.secret if door.is_new else None,
    }


def verdict(account: Account, checked: Checked) -> dict[str, Any]:
    """Compare what the login sees with what the property says of itself; another time zone is told, not refused.

    A vendor's zone may be that of the login's owner, and arrival and departure are the property's in any case.
    """
    wrong = []
    if checked.property_refs and account.property_ref not in checked.property_refs:
        wrong.append(f"property {account.property_ref} is not among those the login sees")
    if checked.missing_scopes:
        wrong.append(f"missing scopes: {', '.join(checked.missing_scopes)}")
    if checked.currency not in (None, account.currency):
        wrong.append(f"the vendor counts in {checked.currency}, the hotel file says {account.currency}")
    other_zone = checked.zone not in (None, account.timezone)
    notes = [f"the vendor names the time zone {checked.zone}, the hotel file {account.timezone}"] if other_zone else []
    return {
        "ok": not wrong,
        "zone": checked.zone,
        "currency": checked.currency,
        "scopes": list(checked.scopes),
        "detail": "; ".join([*wrong, *notes]) or checked.detail,
    }


async def _tell(connection: Connection, account: Account, action: str, fields: Mapping[str, Any]) -> None:
    entry = Entry(actor=ACTOR, action=action, entity_type="account", entity_id=str(account.account_id), fields=fields)
    await append(connection, account.tenant_id, [entry])
