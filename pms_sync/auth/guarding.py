"""Guarding: what stands between a request and what it asks for, apart from any web framework.

A form is believed when it carries its session's secret and, where the browser says where it comes from, comes from
this very site.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping

from pms_sync.auth.faults import Denied
from pms_sync.auth.roles import Action, Person, Resource, may
from pms_sync.store.audit import Entry, append
from pms_sync.store.database import Database

_OWN = frozenset({"same-origin", "none"})
_SENT_BY_NOBODY = "null"


def demand(person: Person, action: Action, resource: Resource, part: str | None = None) -> None:
    """Raise Denied unless the person may."""
    if not may(person, action, resource, part):
        raise Denied(person, action, resource)


async def record(database: Database, denied: Denied, *, method: str, route: str) -> None:
    """Write a denial into the audit log of the person's tenant; `route` is the pattern, never the address."""
    entry = Entry(
        actor=denied.person.actor,
        action="auth.denied",
        entity_type=denied.resource,
        entity_id=route,
        fields={"action": denied.action, "method": method, "role": denied.person.role},
    )
    async with database.transaction(denied.person.tenant_id) as connection:
        await append(connection, denied.person.tenant_id, [entry])


def comes_from_here(headers: Mapping[str, str], origins: Collection[str]) -> bool:
    """Tell whether a request that changes something was sent by a page of this site, as far as its browser says.

    `headers` have case-insensitive names. A browser too old to say is left to the secret in the form. A page that
    hides its referrer sends the origin `null`; it is believed where Sec-Fetch-Site, which no page can forge, vouches.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site not in _OWN:
        return False
    origin = headers.get("Origin")
    if origin is None or origin in origins:
        return True
    return origin == _SENT_BY_NOBODY and site == "same-origin"


def secret_fits(expected: str, given: str) -> bool:
    """Compare a form's secret with its session's, in constant time; an empty one never fits."""
    return bool(expected) and hmac.compare_digest(
        expected.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")
    )
