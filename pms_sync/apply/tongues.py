"""Tongues: how each account is spoken to, loaded when our own state has to be said in a vendor's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

from conflict.fields import Names
from conflict.ownership import Owners, ownership
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision
from pms_sync.ports.mapper import Crosswalk, Mapper, MappingContext
from pms_sync.store import accounts, crosswalk
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.links import DESK

_MIRRORED = frozenset({"changes", "stay"})


class Tongue(msgspec.Struct, frozen=True, kw_only=True):
    """One account as the merge sees it: its vendor's terms, and whose value stands."""

    account: Account
    mapper: Mapper
    context: MappingContext

    @property
    def codes(self) -> Crosswalk:
        """Return the vendor's codes to ours."""
        return self.context.crosswalk or Crosswalk()

    @property
    def names(self) -> Names:
        """Return the codes as people read and type them."""
        codes = self.codes
        return Names(
            room_type=codes.room_type, room=codes.room, rate_plan=codes.rate_plan, currency=self.context.currency
        )

    @property
    def mirrors(self) -> bool:
        """Tell whether our changes of what the account shows are sent to it."""
        return self.account.mirror.get("reservations", "changes") in _MIRRORED

    @property
    def creates(self) -> bool:
        """Tell whether what is made here is made there as well."""
        return self.account.mirror.get("reservations") == "stay"

    def owners(self, revision: Revision) -> Owners:
        """Return whose values stand, by who sold the booking."""
        told = ownership(self.account.role, self.account.ownership, self.account.roles)  # type: ignore[arg-type]
        return told.of(revision.channel)

    def project(self, ours: Revision, home: UUID) -> Revision:
        """Say our state, which stands at the account `home`, in the vendor's terms.

        Raises MappingRejected for what it cannot be told; a code that only another account has means nothing here.
        """
        if home not in {self.account.account_id, DESK}:
            _must_be_ours(ours)
        return self.mapper.project(ours, self.context)


def _must_be_ours(ours: Revision) -> None:
    """Refuse a room or room type that has no code of ours."""
    for number, stay in enumerate(ours.room_stays):
        for kind, ref, code in (
            ("room_type", stay.room_type_ref, stay.room_type),
            ("room", stay.room_ref, stay.room),
        ):
            if ref is not None and code is None:
                why = "a code of another account, which is not mapped to one of ours"
                raise MappingRejected(f"room_stays[{number}].{kind}", ref, why)


class Tongues:
    """Finds the tongues of accounts; remembers each version of a crosswalk it has read."""

    def __init__(self, mappers: Mapping[str, Mapper]) -> None:
        """Take every installed mapper by vendor."""
        self._mappers = mappers
        self._crosswalks: dict[tuple[UUID, int], Crosswalk] = {}

    async def of(self, connection: Connection, account_ids: Iterable[UUID]) -> dict[UUID, Tongue]:
        """Return the tongues of these accounts; one whose vendor is not installed is left out."""
        wanted = sorted(set(account_ids))
        found = await accounts.load(connection, wanted) if wanted else []
        return {one.account_id: await self._tongue(connection, one) for one in found if one.vendor in self._mappers}

    async def of_property(self, connection: Connection, property_id: UUID) -> dict[UUID, Tongue]:
        """Return the tongues of every account of a property."""
        return await self.of(connection, await accounts.of_property(connection, property_id))

    async def _tongue(self, connection: Connection, account: Account) -> Tongue:
        key = (account.account_id, account.crosswalk_version)
        if key not in self._crosswalks:
            self._crosswalks[key] = await crosswalk.load_crosswalk(connection, account)
        context = MappingContext(
            property_code=account.property_code,
            zone=account.timezone,
            currency=account.currency,
            crosswalk=self._crosswalks[key],
        )
        return Tongue(account=account, mapper=self._mappers[account.vendor], context=context)
