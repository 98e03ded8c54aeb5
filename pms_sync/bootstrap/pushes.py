"""Pushes: what the `push` commands do, over an open store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from conflict.collisions import intent_subject
from pms_sync.bootstrap.finding import account_of
from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.clock import rfc3339
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.store import cases, intents, pushes
from pms_sync.store.database import Connection
from pms_sync.store.intents import UNSETTLED, Intent, Moved, State
from pms_sync.store.pushes import Push

STATES: tuple[State, ...] = get_args(State)
_MOST = 1000
_CASE = "unknown_outcome"
_SEE = "see `pms-sync push list`"
_SHUT = "nothing leaves while the account is {what}: `pms-sync accounts {command}`"

Change = Callable[[Connection, Intent, str], Awaitable[Intent]]


async def listed(core: Opened, state: str | None, account_text: str | None) -> list[dict[str, Any]]:
    """Return the newest pushes in a state (of all that are not settled where none is named), without any value."""
    states = UNSETTLED if state is None else {one for one in STATES if state in (one, "all")}
    account = None if account_text is None else await account_of(core, account_text)
    async with core.database.connection() as connection:
        found = await pushes.listed(
            connection, states, _MOST, account_id=None if account is None else account.account_id
        )
    return [_row(one) for one in found]


async def retry(core: Opened, text: str, actor: str) -> dict[str, Any]:
    """Send a parked push again; raises ConfigurationFault for one that is not parked."""
    return await _changed(core, text, actor, pushes.retry, {"parked"}, "retried")


async def cancel(core: Opened, text: str, actor: str) -> dict[str, Any]:
    """Give a planned or parked push up; raises ConfigurationFault for one that left already."""
    return await _changed(core, text, actor, pushes.cancel, {"planned", "parked"}, "cancelled")


async def _changed(
    core: Opened, text: str, actor: str, change: Change, states: Collection[State], word: str
) -> dict[str, Any]:
    intent = await _intent(core, text)
    if intent.state not in states:
        raise _not_now(intent, states, word)

    async def attempt() -> None:
        async with core.database.transaction(intent.tenant_id) as connection:
            await change(connection, intent, actor)
            await cases.withdraw(connection, intent.tenant_id, _CASE, [intent_subject(intent.intent_id)])

    try:
        await core.database.once_more(attempt)
    except Moved:
        raise _not_now(await _intent(core, text), states, word) from None
    async with core.database.connection() as connection:
        [shown] = await pushes.listed(connection, STATES, 1, intent_id=intent.intent_id)
    return _row(shown)


async def _intent(core: Opened, text: str) -> Intent:
    try:
        intent_id = UUID(text)
    except ValueError:
        raise _no_push(text) from None
    async with core.database.connection() as connection:
        found = await intents.find(connection, intent_id)
    if found is None:
        raise _no_push(text)
    return found


def _no_push(text: str) -> ConfigurationFault:
    return ConfigurationFault(f"there is no push {text[:60]!r}", "ID", _SEE)


def _not_now(intent: Intent, states: Collection[State], word: str) -> ConfigurationFault:
    what = f"the push is {intent.state}; only what is {' or '.join(sorted(states))} can be {word}"
    return ConfigurationFault(what, f"push {intent.intent_id}", _SEE)


def _row(push: Push) -> dict[str, Any]:
    return {
        "id": str(push.intent_id),
        "account_id": str(push.account_id),
        "reservation_id": None if push.reservation_id is None else str(push.reservation_id),
        "intent_id": str(push.intent_id),
        "kind": push.kind,
        "state": push.state,
        "attempts": push.attempts,
        "vendor_ref": push.vendor_ref,
        "vendor_error": push.vendor_error,
        "correlation_id": push.correlation_id,
        "created_at": rfc3339(push.created_at),
        "sent_at": _instant(push.sent_at),
        "verified_at": _instant(push.verified_at),
        "held_until": _instant(push.held_until),
        "paths": list(push.paths),
        "notices": [*push.notices, *_shut(push)],
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def _shut(push: Push) -> list[str]:
    """Say why nothing leaves for the push's account."""
    if push.state not in intents.UNDER_WAY:
        return []
    told = []
    if push.mode != "live":
        told.append(_SHUT.format(what=f"in {push.mode} mode", command=f"mode {push.account_id} live"))
    if push.account_state != "active":
        told.append(_SHUT.format(what=push.account_state, command=f"resume {push.account_id}"))
    return told
