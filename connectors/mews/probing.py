"""Which operations a token may use: permissions are granted one by one and listed nowhere, so each is tried (2).

Sections are those of vendors/mews.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connectors.kit import rest
from connectors.mews import facts, rows, wire
from connectors.mews.faults import Withheld
from connectors.mews.session import Session

_MINUTE = timedelta(minutes=1)

# What a list wants to be asked by. The id need not be one of its kind: only whether we may ask is of interest.
_BY_ID = {
    facts.CATEGORIES: "ServiceIds",
    facts.RATES: "ServiceIds",
    facts.ASSIGNMENTS: "ResourceCategoryIds",
    facts.COMPANIONSHIPS: "ReservationIds",
    facts.NOTES: "ServiceOrderIds",
    facts.CUSTOMERS: "CustomerIds",
    facts.GROUPS: "ReservationGroupIds",
    facts.SOURCE_ASSIGNMENTS: "ReservationGroupIds",
    facts.ITEMS: "ServiceOrderIds",
    facts.PAYMENTS: "ReservationIds",
    facts.COMPANIES: "Ids",
}


async def granted(session: Session, property_ref: str, now: datetime) -> list[str]:
    """Return the operations that may be used; raises CallFault for any other trouble than a refusal."""
    tried = (*facts.NEEDED, *facts.WANTED, *facts.OF_PLACES)
    return [operation for operation in tried if await _works(session, operation, property_ref, now)]


async def enterprises(session: Session) -> list[str] | None:
    """Return the properties that the token covers; None where that is withheld (2: a token does not show its kind)."""
    try:
        found = await session.everything(facts.ENTERPRISES, {})
    except Withheld:
        return None
    return [one.id for one in wire.read_all(found, wire.ENTERPRISE, f"POST {facts.ENTERPRISES}")]


async def _works(session: Session, operation: str, property_ref: str, now: datetime) -> bool:
    if operation == facts.CONFIGURATION:
        return True  # the check itself stands on it
    asked: dict[str, Any] = {_BY_ID[operation]: [property_ref]} if operation in _BY_ID else {}
    if operation in {facts.STAYS, facts.REPAIRS}:
        asked = rows.Span("UpdatedUtc", now - _MINUTE, now).asked()
    try:
        await session.page(operation, asked, 1)
    except Withheld:
        return False
    except rest.Refused:
        return True  # what we asked for made no sense, which is only said to those who may ask
    return True
