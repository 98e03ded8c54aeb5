"""Hotel files into the store: what a file declares, said in the store's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from config.hotels import Account as DeclaredAccount
from config.hotels import HotelFile, Property
from pms_sync.bootstrap import addressees
from pms_sync.domain.ids import NewId
from pms_sync.ingest.subscriptions import ensure_door
from pms_sync.ports.connector import ConnectorSpec
from pms_sync.store import accounts, hotels
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection, Database
from pms_sync.store.doors import DoorAddress
from pms_sync.store.sealing import KeyRing
from pms_sync.store.subscribers import SubscriberFacts, declare
from pms_sync.store.tokens import login_digest

Specs = Mapping[str, ConnectorSpec]


async def write_hotels(
    database: Database, keys: KeyRing, specs: Specs, files: Sequence[HotelFile], new_id: NewId
) -> None:
    """Write the hotel files into the store; what they no longer name stays, but a subscriber hears nothing more."""
    told: dict[UUID, list[SubscriberFacts]] = {}
    for file in files:
        async with database.transaction() as connection:
            tenant_id = await hotels.ensure_tenant(connection, file.tenant, new_id)
            await keys.ensure(connection, tenant_id)
        told.setdefault(tenant_id, []).extend(map(addressees.facts_of, file.subscribers))
        async with database.transaction(tenant_id) as connection:
            for one in file.properties:
                property_id = await hotels.upsert_property(connection, tenant_id, _property_facts(one), new_id)
                for account in one.accounts:
                    facts = _account_facts(account)
                    account_id = await hotels.upsert_account(connection, tenant_id, property_id, facts, new_id)
                    if account.credentials:
                        [stored] = await accounts.load(connection, [account_id])
                        await give_credentials(connection, keys, specs, stored, account.credentials.reveal())
    for tenant_id, subscribers in told.items():
        async with database.transaction(tenant_id) as connection:
            await declare(connection, keys, tenant_id, subscribers, new_id)


def _property_facts(declared: Property) -> hotels.PropertyFacts:
    return hotels.PropertyFacts(
        code=declared.code,
        name=declared.name,
        timezone=declared.timezone,
        currency=declared.currency,
        room_types=tuple(
            hotels.RoomTypeFacts(
                code=kind.code, rooms=kind.rooms, allowance=kind.allowance, inventory_master=kind.inventory_master
            )
            for kind in declared.room_types
        ),
    )


def _account_facts(declared: DeclaredAccount) -> hotels.AccountFacts:
    return hotels.AccountFacts(
        vendor=declared.vendor,
        role=declared.role,
        property_ref=declared.property_ref,
        mode=declared.mode,
        mirror={str(kind): rule for kind, rule in declared.mirror.items()},
        ownership={str(atom): owner for atom, owner in declared.ownership.items()},
        crosswalk=msgspec.structs.asdict(declared.crosswalk),
    )


async def give_credentials(
    connection: Connection, keys: KeyRing, specs: Specs, account: Account, given: Mapping[str, str]
) -> DoorAddress | None:
    """Seal the credentials where they are new, and return the account's door (None where no door is installed)."""
    digest = login_digest(keys, account.tenant_id, account.vendor, given)
    if account.login_digest != digest:
        await accounts.save_credentials(connection, keys, account, given, digest)
    if account.vendor not in specs:
        return None
    return await ensure_door(connection, keys, account, specs[account.vendor], given)
