"""Cases: what the `cases` commands do, over an open store, for whichever tenant has the case."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from conflict.cases import is_choosable
from conflict.fields import field_path
from conflict.resolve import Choice
from pms_sync.apply.answering import Answer, Answering, Resolving, TakingBack
from pms_sync.apply.orders import Actor
from pms_sync.apply.resolving import Resolver
from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.observe.logs import new_correlation_id
from pms_sync.observe.metrics import Metrics
from pms_sync.store import case_desk, people, tenancy
from pms_sync.store.case_desk import CaseHead, Filters, State
from pms_sync.store.reservation_documents import Shown

_PAGE = 500
_SHOWN = Shown(people=False, bill=True)  # as `explain` has it


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as the operator gives it: one side for every field, and values for some (path, text or parts)."""

    case: str
    version: int
    take: Literal["here", "there"] | None
    values: tuple[tuple[str, Any], ...]


def resolver_of(core: Opened, metrics: Metrics | None = None) -> Resolving:
    """Build what follows people's choices; nothing that they decide leaves before the undo window is over."""
    return Resolver(core.applier(metrics), core.settings.undo_seconds)


async def listed(core: Opened, state: State | None) -> list[dict[str, Any]]:
    """Return the cases of every tenant in a state (None: all), the worst or the newest of each first."""
    found: list[dict[str, Any]] = []
    async with core.database.connection() as connection:
        for tenant_id in (await people.tenants(connection)).values():
            found += [case_desk.public(one) for one in await _of_tenant(core, connection, tenant_id, state)]
    return found


async def shown(core: Opened, text: str) -> dict[str, Any]:
    """Return one case, personal values hidden; raises ConfigurationFault when nobody has it."""
    case_id = _id(text)
    return case_desk.public(await _case(core, await _tenant(core, case_id), case_id))


async def resolved(core: Opened, wanted: Wanted, resolver: Resolving | None = None) -> dict[str, Any]:
    """Have the answer followed and return the case as it is then.

    Raises ConfigurationFault when nobody has it, CaseMoved, and ChoicesRefused.
    """
    case_id = _id(wanted.case)
    tenant_id = await _tenant(core, case_id)
    case = await _case(core, tenant_id, case_id)
    answer = Answer(
        tenant_id=tenant_id,
        case_id=case_id,
        version=wanted.version,
        choices=tuple(_choices(case, wanted)),
        actor=_actor(),
    )
    await Answering(core.database, resolver or resolver_of(core)).give(answer)
    return case_desk.public(await _case(core, tenant_id, case_id))


async def taken_back(core: Opened, text: str, version: int, resolver: Resolving | None = None) -> dict[str, Any]:
    """Have a decision taken back and return the case as it is then.

    Raises ConfigurationFault when nobody has it, CaseMoved, and TooLate.
    """
    case_id = _id(text)
    tenant_id = await _tenant(core, case_id)
    await _case(core, tenant_id, case_id)
    wish = TakingBack(tenant_id=tenant_id, case_id=case_id, version=version, actor=_actor())
    await Answering(core.database, resolver or resolver_of(core)).take_back(wish)
    return case_desk.public(await _case(core, tenant_id, case_id))


def _choices(case: CaseHead, wanted: Wanted) -> list[Choice]:
    """Take one side for every field, and lay what was set over it; what is set whole needs no side."""
    fields = [row["path"] for row in case.fields if case.is_linked and is_choosable(row["path"])]
    whole = {path for path, _ in wanted.values if _is_whole(path)}
    sides = [Choice(path=path, take=wanted.take) for path in fields if wanted.take and path not in whole]
    return [*sides, *(Choice(path=path, take="value", value=value) for path, value in wanted.values)]


def _is_whole(path: str) -> bool:
    try:
        return field_path(path)[1] is None
    except ValueError:
        return True


async def _of_tenant(core: Opened, connection: Any, tenant_id: UUID, state: State | None) -> Sequence[CaseHead]:  # noqa: ANN401
    found: list[CaseHead] = []
    async with case_desk.acting(connection, core.keys, tenant_id):
        after, more = None, True
        while more:
            page = await case_desk.queue(
                connection,
                core.keys,
                tenant_id,
                Filters(state=state),
                core.clock.now(),
                limit=_PAGE,
                after=after,
                shown=_SHOWN,
            )
            found += page.items
            after, more = page.next, page.next is not None
    return found


async def _case(core: Opened, tenant_id: UUID, case_id: UUID) -> CaseHead:
    async with core.database.connection() as connection, case_desk.acting(connection, core.keys, tenant_id):
        found = await case_desk.one(connection, core.keys, tenant_id, case_id, core.clock.now(), shown=_SHOWN)
    if found is None:
        raise _unknown(str(case_id))
    return found


async def _tenant(core: Opened, case_id: UUID) -> UUID:
    async with core.database.connection() as connection:
        found = await tenancy.of_case(connection, case_id)
    if found is None:
        raise _unknown(str(case_id))
    return found


def _actor() -> Actor:
    return Actor(name=f"cli:{_user()}", correlation_id=new_correlation_id())


def _user() -> str:
    """Name who sits at the keyboard, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown(text) from None


def _unknown(text: str) -> ConfigurationFault:
    return ConfigurationFault(f"there is no case {text[:60]!r}", "ID", "see `pms-sync cases list --state all`")
