"""Which scopes a credential carries: nobody lists them, so the cheapest call of each is tried.

Sections are those of vendors/cloudbeds.md.
"""

from __future__ import annotations

from datetime import date, timedelta

from connectors.cloudbeds import facts
from connectors.cloudbeds.faults import is_scope
from connectors.cloudbeds.session import Query, Session
from connectors.kit import rest

_ONE: Query = (("pageNumber", "1"), ("pageSize", "1"))
_DAY = timedelta(days=1)


async def granted(session: Session, today: date) -> list[str]:
    """Return the scopes of reading that are granted; raises CallFault for any other trouble."""
    tries = {**facts.NEEDED_SCOPES, **facts.WANTED_SCOPES}
    return [scope for scope, method in tries.items() if await _works(session, method, today)]


async def _works(session: Session, method: str, today: date) -> bool:
    tomorrow = (today + _DAY).isoformat()
    tonight: Query = (("startDate", today.isoformat()), ("endDate", tomorrow))
    try:
        await session.get(method, tonight if method == facts.RATE_PLANS else _ONE)
    except rest.Forbidden as fault:
        if not is_scope(fault):
            raise
        return False
    return True
