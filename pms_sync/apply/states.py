"""States: what the store holds of the touched reservations, opened: rows, and for each link its trees.

A unit is one vendor object's worth of our own state; it stands on its home link, and on that alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from conflict.triple import Divergence
from pms_sync.apply.compose import StayKey
from pms_sync.domain.reservation import Revision
from pms_sync.store import links, reservations
from pms_sync.store.database import Connection
from pms_sync.store.links import DESK, Standing, Tree
from pms_sync.store.sealing import KeyRing

Row: TypeAlias = Mapping[str, Any]


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """One link, opened: the vendor's state as last seen, our own where it differs, and what is not agreed.

    `home` is the key of the link on which our state stands: the link's own, unless another account shows the same.
    `part` is the stay of that home which the link shows, by the home's ref: the home may hold more of them.
    """

    key: StayKey
    stay_id: UUID
    reservation_id: UUID
    home: StayKey
    remote: Revision | None
    ours: Revision | None
    divergence: Divergence
    part: str | None = None

    @property
    def is_home(self) -> bool:
        """Tell whether our state stands on this link."""
        return self.home == self.key

    @property
    def is_plain(self) -> bool:
        """Tell whether all three trees are one: nothing of ours differs, and nothing waits for agreement."""
        return self.is_home and self.ours is None and not self.divergence


class Trees(msgspec.Struct, frozen=True):
    """What the store holds of the touched reservations; `revisions` are ours, by reservation and home link.

    `shared` are the home links of units that other accounts show as well.
    """

    reservations: dict[UUID, Row]
    stays: dict[UUID, Row]
    revisions: dict[UUID, dict[StayKey, Revision]]
    blocks: dict[UUID, Row]
    links: dict[StayKey, LinkState]
    shared: set[StayKey] = set()

    def others(self, home: StayKey, but: StayKey | None) -> list[LinkState]:
        """Return the other links of a unit, in the order of their keys."""
        found = [one for one in self.links.values() if one.home == home and one.key != but and one.remote is not None]
        return sorted(found, key=lambda one: one.key)

    def is_plain(self, state: LinkState | None) -> bool:
        """Tell whether what a vendor says of an object is simply taken: no edit of ours, no second account."""
        return state is None or (state.is_plain and state.key not in self.shared)


def empty() -> Trees:
    """Return what the store holds of a reservation that is only about to be made."""
    return Trees({}, {}, defaultdict(dict), {}, {}, set())


async def load(
    connection: Connection,
    keys: KeyRing,
    tenant_id: UUID,
    touched: Iterable[UUID],
    block_ids: Sequence[UUID] = (),
    *,
    hold: bool = True,
) -> Trees:
    """Lock these reservations and blocks in the order of their ids, and open their trees.

    With `hold=False` the reservations are only looked at, and nothing may be written by what is found.
    """
    trees = empty()
    wanted = sorted(touched)
    if wanted:
        read = reservations.lock if hold else reservations.load
        trees.reservations.update(await read(connection, tenant_id, wanted))
        trees.stays.update(await reservations.stays(connection, tenant_id, wanted))
        for tree in await links.load_trees(connection, tenant_id, wanted):
            _add(trees, _placed(opened(keys, tenant_id, tree), trees))
    if block_ids:
        trees.blocks.update(await reservations.blocks(connection, tenant_id, block_ids))
    return trees


def _placed(state: LinkState, trees: Trees) -> LinkState:
    """Say which stay of its home a link shows: the one whose row it is linked to."""
    row = None if state.is_home else trees.stays.get(state.stay_id)
    return state if row is None else msgspec.structs.replace(state, part=row["vendor_ref"])


def _add(trees: Trees, state: LinkState) -> None:
    trees.links[state.key] = state
    if not state.is_home:
        trees.shared.add(state.home)
    ours = state.ours or state.remote
    if state.is_home and ours is not None:
        trees.revisions[state.reservation_id][state.key] = ours


def opened(keys: KeyRing, tenant_id: UUID, tree: Tree) -> LinkState:
    """Open a link's trees."""
    key = (tree.account_id, tree.vendor_ref)

    def open_(sealed: bytes | None, name: str) -> bytes | None:
        return None if sealed is None else keys.open(tenant_id, links.place(key[0], "stay", key[1], name), sealed)

    remote, base, ours = open_(tree.remote, "remote"), open_(tree.base, "base"), open_(tree.ours, "ours")
    return LinkState(
        key=key,
        stay_id=tree.stay_id,
        reservation_id=tree.reservation_id,
        home=key if tree.home_account_id is None or tree.home_ref is None else (tree.home_account_id, tree.home_ref),
        remote=msgspec.msgpack.decode(remote, type=Revision) if remote else None,
        ours=msgspec.msgpack.decode(ours, type=Revision) if ours else None,
        divergence=msgspec.json.decode(base) if base else {},
    )


def standing(keys: KeyRing, tenant_id: UUID, state: LinkState) -> Standing:
    """Seal what a link is to remember beside the vendor's state."""
    account_id, ref = state.key

    def sealed(plain: bytes | None, name: str) -> bytes | None:
        return None if plain is None else keys.seal(tenant_id, links.place(account_id, "stay", ref, name), plain)

    return Standing(
        account_id=account_id,
        vendor_ref=ref,
        stay_id=state.stay_id,
        reservation_id=state.reservation_id,
        base=sealed(msgspec.json.encode(state.divergence) if state.divergence else None, "base"),
        ours=sealed(msgspec.msgpack.encode(state.ours) if state.ours else None, "ours"),
        home_account_id=None if state.is_home else state.home[0],
        home_ref=None if state.is_home else state.home[1],
    )


def is_desk(key: StayKey) -> bool:
    """Tell whether a unit was made at our desk and no vendor has it yet."""
    return key[0] == DESK
