"""Proving: an e-mail and a password become a person, or a refusal that tells a stranger nothing.

Unknown, wrong and disabled take the same steps and sound the same. An attempt is admitted before its password is
compared and once more after it: of many guesses sent at once, those past the free ones learn nothing, not even a hit.
"""

from __future__ import annotations

from typing import cast
from uuid import UUID

from pms_sync.auth import emails
from pms_sync.auth.attempts import Attempt, Attempts
from pms_sync.auth.faults import Refused
from pms_sync.auth.passwords import Passwords
from pms_sync.auth.roles import Person, Role
from pms_sync.domain.clock import Clock
from pms_sync.observe.logs import get_logger
from pms_sync.store import people, proofs
from pms_sync.store.audit import Entry, append
from pms_sync.store.database import Connection, Database
from pms_sync.store.people import Known, User

_NOBODY = UUID(int=0)

_log = get_logger(__name__)


class Proving:
    """Recognises people by their password; one object per process."""

    def __init__(self, database: Database, passwords: Passwords, attempts: Attempts, clock: Clock) -> None:
        """Take the ports."""
        self._database, self._passwords, self._attempts, self._clock = database, passwords, attempts, clock

    async def prove(self, email: str, password: str, *, peer: str, mark: str | None = None) -> Person:
        """Return the person; raises Refused or TooSoon, and Unavailable while the database is away.

        `peer` is the address of the connection, `mark` what the browser kept from an earlier success.
        """
        name = emails.spelt(email)
        attempt = self._attempts.attempt(name or email[:1_000], peer, mark)
        await self._attempts.admit(attempt)
        known = None if name is None else await self._known(name)
        fits = await self._passwords.fits(password, None if known is None else known.password_hash)
        await self._attempts.admit(attempt)
        if known is None or not fits or known.user.disabled_at is not None:
            await self._refuse(attempt, None if known is None else known.user)
            raise Refused
        await self._remember(attempt, known, password)
        return person_of(known.user)

    async def _known(self, email: str) -> Known | None:
        async with self._database.connection() as connection:
            return await people.by_email(connection, email)

    async def _refuse(self, attempt: Attempt, user: User | None) -> None:
        """Count it, and tell the audit log of failures 1, 2, 4, 8 …, which a flood cannot fill.

        Both go in one transaction, which an unknown account takes as well: the commit is what takes the time.
        """
        async with self._database.transaction(_NOBODY if user is None else user.tenant_id) as connection:
            failures = await self._attempts.failed(connection, attempt)
            told = failures & (failures - 1) == 0
            if told and user is not None:
                where = {"failures": failures, "address": _short(attempt.address)}
                await tell(connection, user, "auth.login_refused", where)
        if told:
            _log.warning("sign_in_refused", failures=failures, known=user is not None)

    async def _remember(self, attempt: Attempt, known: Known, password: str) -> None:
        fresh = await self._passwords.hash(password) if self._passwords.is_outdated(known.password_hash) else None
        async with self._database.transaction(known.user.tenant_id) as connection:
            await self._attempts.succeeded(connection, attempt)
            await people.signed_in(connection, known.user, self._clock.now())
            if fresh is not None:
                await people.rehash(connection, known, fresh)
            await tell(connection, known.user, "auth.login", {"address": _short(attempt.address)})


def _short(digest: bytes) -> str:
    """Write a digest so that equal ones can be seen; an address is nobody's business but the limiter's."""
    return digest.hex()[:16]


def person_of(user: User | proofs.Holder) -> Person:
    """Return the person the store speaks of."""
    return Person(
        user_id=user.user_id,
        tenant_id=user.tenant_id,
        email=user.email,
        role=cast("Role", user.role),  # the table allows no other
        name=user.name,
    )


async def tell(connection: Connection, user: User | proofs.Holder, action: str, fields: dict[str, object]) -> None:
    """Write what a person did about their own access into the audit log (in a transaction of the tenant)."""
    actor = person_of(user).actor
    entry = Entry(actor=actor, action=action, entity_type="user", entity_id=str(user.user_id), fields=fields)
    await append(connection, user.tenant_id, [entry])
