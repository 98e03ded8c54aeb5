"""Given: what the composition root hands to the dispatcher, and how it sees what it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from conflict.atoms import Value
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import Connector
from pms_sync.ports.mapper import Mapper, MappingContext
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing

T = TypeVar("T")


class PushRuntime(Protocol):
    """One account ready to be written to; every vendor call goes through `call`."""

    account: Account
    connector: Connector
    mapper: Mapper

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str, once: bool = False) -> T:
        """Make one guarded vendor call, without any retry where `once` says so; raises VendorFault."""
        ...


class RuntimeDirectory(Protocol):
    """Finds accounts at run time."""

    async def get(self, account_id: UUID) -> Any:  # noqa: ANN401 - a PushRuntime, or None
        """Return the account, or None when it cannot be talked to."""
        ...


class Unit(Protocol):
    """One vendor object's worth of our state that differs from what the vendor shows (apply.outgoing)."""

    @property
    def stay_id(self) -> UUID:
        """Our stay."""

    @property
    def ref(self) -> str | None:
        """The vendor's object, None where it has none yet."""

    @property
    def wanted(self) -> Revision:
        """Our state as the vendor can hold it."""

    @property
    def known(self) -> Revision | None:
        """The vendor's state as last seen."""

    @property
    def paths(self) -> frozenset[str]:
        """The atoms that are to be sent; those a person is asked about are not among them."""

    @property
    def values(self) -> Mapping[str, Value | None]:
        """Their values; None is something that is to be there no more."""


class Outgoing(Protocol):
    """What is to be sent about one object: one unit, or several for the create of a group."""

    @property
    def reservation_id(self) -> UUID:
        """Our reservation."""

    @property
    def units(self) -> Sequence[Unit]:
        """Its units that have something to send."""


class FindOutgoing(Protocol):
    """Works out what is to be sent now, and locks the reservation meanwhile."""

    async def __call__(  # noqa: PLR0913 - who asks, about what, in whose terms
        self,
        connection: Connection,
        keys: KeyRing,
        tenant_id: UUID,
        account: Account,
        object_id: UUID,
        *,
        mapper: Mapper,
        context: MappingContext,
    ) -> Outgoing | None:
        """Return what the account is to be told about the object, None for nothing; raises MappingRejected."""
        ...


Pend = Callable[[Connection, KeyRing, UUID, Any], Awaitable[None]]  # the last is the Outgoing that is about to be sent
