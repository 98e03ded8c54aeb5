"""Answering: how pages, API and commands hand a person's choices to whoever follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from conflict.resolve import Choice, ChoicesRefused
from conflict.validate import Problem
from pms_sync.apply.orders import Actor
from pms_sync.domain.errors import MappingRejected
from pms_sync.store.database import Connection, Database


class Resolving(Protocol):
    """Follows what a person chose for a case, inside the caller's transaction of the tenant."""

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


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says to a case: the version they looked at, and their choices."""

    tenant_id: UUID
    case_id: UUID
    version: int
    choices: tuple[Choice, ...]
    actor: Actor


class Answering:
    """Has answers followed, each in a transaction of its own; one object per process."""

    def __init__(self, database: Database, resolver: Resolving, changed: Callable[[], None] = lambda: None) -> None:
        """Take who follows choices; `changed` is called after each commit, to wake what sends it on."""
        self._database, self._resolver, self._changed = database, resolver, changed

    async def give(self, answer: Answer) -> None:
        """Have an answer followed, once more where it lost to somebody else's.

        Raises NotFound, CaseMoved, Unavailable, and ChoicesRefused, also for what the vendor cannot be told.
        """
        try:
            await self._database.once_more(lambda: self._follow(answer))
        except MappingRejected as rejected:
            problem = Problem(rejected.path, rejected.value, f"the vendor cannot be told: {rejected.why}")
            raise ChoicesRefused([problem]) from rejected
        self._changed()

    async def _follow(self, answer: Answer) -> None:
        async with self._database.transaction(answer.tenant_id) as connection:
            await self._resolver.resolve(
                connection, answer.tenant_id, answer.case_id, answer.version, answer.choices, answer.actor
            )
