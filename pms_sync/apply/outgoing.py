"""Outgoing: what an account is to be told of an object now, computed when it is sent and so never stale.

It is our state in the vendor's terms less what was last agreed; atoms that a person still has to decide are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from conflict.atoms import Value, atoms, kind_of, stay_of
from pms_sync.apply import states
from pms_sync.apply.compose import StayKey, home_of
from pms_sync.apply.equals import not_to_be_told
from pms_sync.apply.merging import facing, renamed
from pms_sync.apply.states import LinkState, Trees, is_desk
from pms_sync.apply.tongues import Tongue
from pms_sync.domain.reservation import Revision
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import Mapper, MappingContext
from pms_sync.store import intents, links
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing

_OF_THE_WHOLE = "booker notes comments channel vendor_channel channel_reference".split()


class OutgoingUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor object: what it should be and was last seen to be (`known`), and the atoms to write with their values.

    `home` is the link on which our state stands, `ref` the vendor's object, None for one that is to be made.
    """

    home: StayKey
    stay_id: UUID
    ref: str | None
    wanted: Revision
    known: Revision | None
    paths: frozenset[str]
    values: Mapping[str, Value | None]


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent of one reservation: one unit, or all units of a group that is to be made."""

    reservation_id: UUID
    units: tuple[OutgoingUnit, ...]


async def outgoing(  # noqa: PLR0913 - an object, an account, and how it is spoken to
    connection: Connection,
    keys: KeyRing,
    tenant_id: UUID,
    account: Account,
    object_id: UUID,
    *,
    mapper: Mapper,
    context: MappingContext,
) -> Outgoing | None:
    """Return what the account is to be told of a stay now, None when nothing is left.

    Locks the reservation in the caller's transaction. Raises MappingRejected for what the vendor cannot be told.
    """
    reservation_id = await links.home_of(connection, tenant_id, object_id)
    if reservation_id is None:
        return None
    trees = await states.load(connection, keys, tenant_id, [reservation_id])
    tongue = Tongue(account=account, mapper=mapper, context=context)
    shown = [one for one in trees.links.values() if one.key[0] == account.account_id]
    state = next((one for one in shown if one.stay_id == object_id), None)
    if state is not None:
        units = _changed(trees, state, tongue)
    else:
        apart = await intents.made_elsewhere(connection, tenant_id, account.account_id, reservation_id, object_id)
        units = _made(_unknown_there(trees, object_id, shown, apart), trees, tongue)
    return Outgoing(reservation_id=reservation_id, units=tuple(units)) if units else None


def _changed(trees: Trees, state: LinkState, tongue: Tongue) -> list[OutgoingUnit]:
    ours = trees.revisions[state.reservation_id].get(state.home)
    if ours is None or state.remote is None:
        return []
    now = facing(ours, state, tongue)
    push = now.decide().push
    if any(map(stay_of, push)):
        silent = not_to_be_told(trees, state)
        push = tuple([path for path in push if stay_of(path) is None or kind_of(path) not in silent])
    if not push:
        return []
    return [
        OutgoingUnit(
            home=state.home,
            stay_id=state.stay_id,
            ref=state.key[1],
            wanted=renamed(now.held, now.pairing),
            known=state.remote,
            paths=frozenset(push),
            values={path: now.here.tree.get(path) for path in push},
        )
    ]


def _unknown_there(
    trees: Trees, object_id: UUID, shown: Sequence[LinkState], apart: Collection[UUID]
) -> list[LinkState]:
    """Return the units that the account does not have, beginning with the one asked for; what is over is not made.

    Nor are those which another creation may have made (`apart`).
    """
    taken = {one.home for one in shown}
    homes = [one for one in trees.links.values() if one.is_home and one.key not in taken]
    asked = next((one for one in homes if one.stay_id == object_id), None)
    if asked is None:
        return []
    wanted = [one for one in homes if is_desk(one.key) == is_desk(asked.key)]
    ordered = sorted(wanted, key=lambda one: _number(one.key[1]))
    rest = [one for one in ordered[ordered.index(asked) :] if one.stay_id not in apart]
    return [one for one in rest if _lives(trees.revisions[one.reservation_id][one.key])]


def _number(ref: str) -> tuple[int, str]:
    tail = ref.rpartition(".")[2]
    return (int(tail) if tail.isdecimal() else 0), ref


def _lives(ours: Revision) -> bool:
    return ours.status is not Status.CANCELLED


def _made(states: Sequence[LinkState], trees: Trees, tongue: Tongue) -> list[OutgoingUnit]:
    """Say what is to be made; the first unit speaks for the reservation there, whoever does so here."""
    found = []
    for number, state in enumerate(states):
        revisions = trees.revisions[state.reservation_id]
        ours = revisions[state.key]
        ours = _leading(ours, home_of(revisions)) if number == 0 else msgspec.structs.replace(ours, is_home=False)
        held = tongue.project(ours, state.key[0])
        tree = atoms(held)
        found.append(
            OutgoingUnit(
                home=state.key,
                stay_id=state.stay_id,
                ref=None,
                wanted=held,
                known=None,
                paths=frozenset(tree),
                values=dict(tree),
            )
        )
    return found


def _leading(ours: Revision, home: Revision) -> Revision:
    """Let a unit carry what is said of the whole reservation, where it does not say so itself."""
    silent = [name for name in _OF_THE_WHOLE if getattr(ours, name) is UNSET]
    return msgspec.structs.replace(ours, is_home=True, **{name: getattr(home, name) for name in silent})


async def pend(connection: Connection, keys: KeyRing, tenant_id: UUID, sent: Outgoing) -> None:
    """Remember what is about to be made at a vendor as it is sent: that is the base of the link which comes of it."""
    made = [unit for unit in sent.units if unit.ref is None and is_desk(unit.home)]
    sealed = [
        (unit.home[1], keys.seal(tenant_id, links.place(links.DESK, "stay", unit.home[1]), _packed(unit.wanted)))
        for unit in made
    ]
    await links.pend(connection, tenant_id, sealed)


def _packed(revision: Revision) -> bytes:
    return msgspec.msgpack.encode(revision)
