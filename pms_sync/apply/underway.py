"""Under way: the values that were handed over and have not come home yet, by link.

When a vendor shows one of them, that is its agreement to what we sent, and no change of its own: whatever we hold by
then, newer or taken back, is ours alone (ARCHITECTURE §6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from conflict.atoms import Tree, Value, frozen
from conflict.observed import alike
from pms_sync.apply.compose import StayKey
from pms_sync.apply.states import LinkState
from pms_sync.store import intents
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing

Handed: TypeAlias = Mapping[str, list[Value]]  # path -> values, of which the vendor may show any
UnderWay: TypeAlias = Mapping[StayKey, Handed]


class _Item(msgspec.Struct):
    values: dict[str, Any]


class _Sent(msgspec.Struct):
    items: list[_Item]


async def under_way(
    connection: Connection, keys: KeyRing, tenant_id: UUID, states: Iterable[LinkState]
) -> dict[StayKey, Handed]:
    """Return what is under way to these links; one that nothing was sent to is left out."""
    by_object = {(state.key[0], state.stay_id): state.key for state in states}
    found: defaultdict[StayKey, defaultdict[str, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for one in await intents.handed_over(connection, tenant_id, by_object) if by_object else ():
        sent = msgspec.msgpack.decode(keys.open(tenant_id, intents.place(one.intent_id), one.request), type=_Sent)
        for item in sent.items:
            for path, value in item.values.items():
                found[by_object[one.account_id, one.object_id]][path].append(frozen(value))
    return dict(found)


def agreed(base: Tree, there: Tree, handed: Handed) -> Tree:
    """Return the base with what the vendor shows as it was sent."""
    came = {path: there[path] for path, sent in handed.items() if path in there and _is_one_of(there[path], sent)}
    return {**base, **came} if came else base


def _is_one_of(shown: Value, sent: Iterable[Value]) -> bool:
    return any(alike(shown, value) for value in sent)
