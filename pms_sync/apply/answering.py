"""Answering: how pages, API and commands hand a person's choices to whoever follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from conflict.resolve import Choice, ChoicesRefused
from conflict.validate import Problem
from pms_sync.apply.foreseeing import Foreseen
from pms_sync.apply.orders import Actor
from pms_sync.domain.errors import MappingRejected
from pms_sync.store.database import Connection, Database, use_tenant


class Resolving(Protocol):
    """Follows what a person chose for a case, inside the caller's transaction of the tenant.

    `undo_s` are the seconds in which that can be taken back, before anything of it leaves.
    """

    @property
    def undo_s(self) -> float:
        """Return how long a decision can be taken back."""
        ...

    async def resolve(
        self,
        connection: Connection,
        tenant_id: UUID,
        case_id: UUID,
        version: int,
        choices: Sequence[Choice],
        actor: Actor,
    ) -> None:
        """Resolve the case; one without fields to choose takes no choices.

        Raises NotFound, CaseMoved when it is at another version or no longer open, ChoicesRefused, and MappingRejected
        for a state that the vendor cannot be told.
        """
        ...

    async def preview(
        self, connection: Connection, tenant_id: UUID, case_id: UUID, version: int, choices: Sequence[Choice]
    ) -> Foreseen:
        """Tell what resolving the case so would come to, and write nothing; raises as `resolve` does."""
        ...

    async def undo(self, connection: Connection, tenant_id: UUID, case_id: UUID, version: int, actor: Actor) -> None:
        """Take the decision back; raises NotFound, CaseMoved for another version, TooLate once the time is over."""
        ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says to a case: the version they looked at, and their choices."""

    tenant_id: UUID
    case_id: UUID
    version: int
    choices: tuple[Choice, ...]
    actor: Actor


class TakingBack(msgspec.Struct, frozen=True, kw_only=True):
    """A person's wish to take a decision back, at the version of the case they looked at."""

    tenant_id: UUID
    case_id: UUID
    version: int
    actor: Actor


class Answering:
    """Has answers followed, each in a transaction of its own; one object per process."""

    def __init__(self, database: Database, resolver: Resolving, changed: Callable[[], None] = lambda: None) -> None:
        """Take who follows choices; `changed` is called after each commit, to wake what sends it on."""
        self._database, self._resolver, self._changed = database, resolver, changed

    @property
    def undo_s(self) -> float:
        """Return how many seconds an answer can be taken back."""
        return self._resolver.undo_s

    async def give(self, answer: Answer) -> None:
        """Have an answer followed, once more where it lost to somebody else's.

        Raises NotFound, CaseMoved, Unavailable, and ChoicesRefused, also for what the vendor cannot be told.
        """
        try:
            await self._database.once_more(lambda: self._follow(answer))
        except MappingRejected as rejected:
            raise _untellable(rejected) from rejected
        self._changed()

    async def foresee(self, answer: Answer) -> Foreseen:
        """Tell what an answer would come to, as everything stands at this moment; raises as `give` does."""
        try:
            async with (
                self._database.connection() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await use_tenant(connection, answer.tenant_id)
                return await self._resolver.preview(
                    connection, answer.tenant_id, answer.case_id, answer.version, answer.choices
                )
        except MappingRejected as rejected:
            raise _untellable(rejected) from rejected

    async def take_back(self, wish: TakingBack) -> None:
        """Have a decision taken back, once more where that lost to somebody else's change.

        Raises NotFound, CaseMoved, TooLate, Unavailable.
        """
        await self._database.once_more(lambda: self._undo(wish))
        self._changed()

    async def _follow(self, answer: Answer) -> None:
        async with self._database.transaction(answer.tenant_id) as connection:
            await self._resolver.resolve(
                connection, answer.tenant_id, answer.case_id, answer.version, answer.choices, answer.actor
            )

    async def _undo(self, wish: TakingBack) -> None:
        async with self._database.transaction(wish.tenant_id) as connection:
            await self._resolver.undo(connection, wish.tenant_id, wish.case_id, wish.version, wish.actor)


def _untellable(rejected: MappingRejected) -> ChoicesRefused:
    return ChoicesRefused([Problem(rejected.path, rejected.value, f"the vendor cannot be told: {rejected.why}")])
