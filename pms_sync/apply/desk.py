"""The desk: orders of people become our own state, refused where the house is full, and go out to the vendors.

What is local is a request, not a fact (ARCHITECTURE §5): a booking that does not fit is refused with what is free
instead. Everything happens inside the caller's transaction of the tenant, which must be rolled back on any fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from conflict.atoms import frozen
from conflict.revise import Codes, with_atoms
from conflict.validate import Problem
from pms_sync.apply import compose, edits, states
from pms_sync.apply.batch import Applier
from pms_sync.apply.compose import StayKey
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.merging import facing
from pms_sync.apply.occupancy import Occupied
from pms_sync.apply.orders import (
    Act,
    Actor,
    Alternative,
    Draft,
    Edit,
    Full,
    NotFound,
    OrderRefused,
    StaleVersion,
    StayOrder,
)
from pms_sync.apply.planning import Planner, Told
from pms_sync.apply.states import LinkState, Trees
from pms_sync.apply.taking import Ground
from pms_sync.apply.tongues import Tongue
from pms_sync.apply.writing import Changes
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision
from pms_sync.domain.stay import StayRange
from pms_sync.ports.mapper import Crosswalk
from pms_sync.store import accounts, claims, crosswalk, decisions, intents
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.links import DESK
from pms_sync.store.outbox import Planned

_LOCAL = "local"
_ADDED = 2  # the first number of a group that was added to a reservation; number 1 leads one
_LIST = "list them with `pms-sync decisions list RESERVATION`"
Change = Callable[["Sight", StayKey, Revision], Revision]


class Sight(msgspec.Struct, frozen=True):
    """A reservation as an order finds it: what is held, who shows it, and where the changes are gathered."""

    desk: Account
    ground: Ground
    tongues: Mapping[UUID, Tongue]

    def account(self, home: StayKey) -> Account:
        """Return the account of a unit's home link."""
        return self.desk if states.is_desk(home) else self.tongues[home[0]].account

    def codes(self, home: StayKey) -> Codes:
        """Return the codes that a unit is told in."""
        if not states.is_desk(home):
            return self.tongues[home[0]].codes
        catalogue = self.ground.catalogues[self.desk.property_id]
        return Crosswalk(
            room_type={code: code for code in catalogue.room_types}, room={code: code for code in catalogue.rooms}
        )


class Desk:
    """Takes orders; holds no state between them."""

    def __init__(self, applier: Applier) -> None:
        """Take what writes the store."""
        self._applier = applier

    async def create(self, connection: Connection, tenant_id: UUID, draft: Draft, actor: Actor) -> UUID:
        """Make a reservation and return its id; raises NotFound, OrderRefused or Full."""
        desk = await accounts.desk(connection, tenant_id, code=draft.property_code)
        if desk is None:
            raise NotFound(f"no property {draft.property_code!r}", "property", "see `GET /api/pms/sync/health`")
        if draft.currency != desk.currency:
            why = f"the property takes {desk.currency}"
            raise OrderRefused((Problem("currency", draft.currency, why),))
        sight = await self._sight(connection, tenant_id, desk, states.empty())
        new_id = self._applier.new_id
        units = edits.made(draft, str(new_id()), sight.ground.catalogues[desk.property_id])
        reservation_id = new_id()
        told = [self._add(sight, reservation_id, unit, actor) for unit in units]
        await self._put(connection, sight, told)
        await self._plan_creates(connection, sight, reservation_id, told[0], actor)
        await self._applier.write(connection, tenant_id, sight.ground.changes)
        return reservation_id

    async def edit(
        self,
        connection: Connection,
        tenant_id: UUID,
        reservation_id: UUID,
        expected_version: int,
        edit: Edit,
        actor: Actor,
    ) -> int:
        """Change a reservation and return its new version; raises NotFound, StaleVersion, OrderRefused or Full."""
        sight = await self._found(connection, tenant_id, reservation_id, expected_version)
        orders = _by_unit(sight, reservation_id, edit.stays)
        _must_have_home(sight, reservation_id, edit)

        def changed(here: Sight, home: StayKey, ours: Revision) -> Revision:
            account = here.account(home)
            catalogue = here.ground.catalogues[account.property_id]
            at_desk = states.is_desk(home)
            names = edits.our_names(catalogue, account.currency) if at_desk else here.tongues[home[0]].names
            people = {"booker": edit.booker, "notes": edit.notes} if ours.is_home else {}
            return edits.ordered(ours, orders.get(home, {}), names, here.codes(home), **people)  # type: ignore[arg-type]

        fresh = tuple(order for order in edit.stays if order.id is None)
        return await self._change(connection, sight, reservation_id, changed, actor, fresh)

    async def act(
        self,
        connection: Connection,
        tenant_id: UUID,
        reservation_id: UUID,
        expected_version: int | None,
        act: Act,
        actor: Actor,
    ) -> int:
        """Cancel, check in, check out or mark as no-show; returns the new version, raises as `edit` does."""
        sight = await self._found(connection, tenant_id, reservation_id, expected_version)
        return await self._change(
            connection,
            sight,
            reservation_id,
            lambda here, home, ours: edits.acted(ours, act, here.codes(home)),
            actor,
        )

    async def bring_back(self, connection: Connection, tenant_id: UUID, decision_id: int, actor: Actor) -> int:
        """Let the value stand that a decision passed over, and tell the vendor; returns the reservation's version.

        Raises NotFound, and what `edit` raises.
        """
        decided = await decisions.one(connection, self._applier.keys, tenant_id, decision_id)
        if decided is None or decided.values["loser"] is None:
            raise NotFound(f"no decision {decision_id} has a value to bring back", "decision", _LIST)
        sight = await self._found(connection, tenant_id, decided.reservation_id, None)
        state = sight.ground.trees.links.get((decided.account_id, decided.vendor_ref))
        if state is None:
            raise NotFound("the vendor's object is linked no more", "decision", _LIST)

        def back(here: Sight, home: StayKey, ours: Revision) -> Revision:
            if home != state.home:
                return ours
            tongue = here.tongues[state.key[0]]
            pairing = facing(ours, state, tongue).pairing
            return with_atoms(ours, {decided.path: frozen(decided.values["loser"])}, pairing, tongue.codes)

        return await self._change(connection, sight, decided.reservation_id, back, actor)

    async def _found(
        self,
        connection: Connection,
        tenant_id: UUID,
        reservation_id: UUID,
        expected_version: int | None,
    ) -> Sight:
        trees = await states.load(connection, self._applier.keys, tenant_id, [reservation_id])
        row = trees.reservations.get(reservation_id)
        if row is None:
            raise NotFound(f"no reservation {reservation_id}", "id", "list them with `GET /api/pms/reservations`")
        if expected_version is not None and row["version"] != expected_version:
            raise StaleVersion(row["version"])
        desk = await accounts.desk(connection, tenant_id, property_id=row["property_id"])
        assert desk is not None  # noqa: S101 - a foreign key says so
        return await self._sight(connection, tenant_id, desk, trees)

    async def _sight(self, connection: Connection, tenant_id: UUID, desk: Account, trees: Trees) -> Sight:
        catalogue = await crosswalk.load_catalogue(connection, tenant_id, desk.property_id)
        tongues = await self._applier.tongues.of(connection, {key[0] for key in trees.links} - {DESK})
        return Sight(
            desk, Ground(tenant_id, trees, {desk.property_id: catalogue}, Changes(events=[], doubts=[])), tongues
        )

    async def _change(
        self,
        connection: Connection,
        sight: Sight,
        reservation_id: UUID,
        change: Change,
        actor: Actor,
        fresh: Sequence[StayOrder] = (),
    ) -> int:
        trees, changes = sight.ground.trees, sight.ground.changes
        planner = Planner(trees, sight.tongues, changes, self._applier.keys, self._applier.today)
        told = []
        for home, ours in sorted(trees.revisions[reservation_id].items()):
            after = change(sight, home, ours)
            if after != ours:
                told.append(self._turn(planner, sight, reservation_id, home, after, actor))
        added = self._added(sight, reservation_id, fresh, actor) if fresh else []
        if told or added:
            await self._put(connection, sight, [*told, *added])
            if added:
                await self._plan_creates(connection, sight, reservation_id, added[0], actor)
            if any(states.is_desk(one.home) for one in told):
                await self._plan_again(connection, sight, reservation_id, actor)
            await self._applier.write(connection, sight.ground.tenant_id, changes)
        written = changes.reservations.get(reservation_id)
        version: int = written[1]["version"] if written else trees.reservations[reservation_id]["version"]
        return version

    def _turn(
        self, planner: Planner, sight: Sight, reservation_id: UUID, home: StayKey, ours: Revision, actor: Actor
    ) -> Told:
        record = _record(sight.account(home), home[1], ours, actor)
        try:
            return planner.turned(record, reservation_id, home, ours, sight.account(home))
        except MappingRejected as rejected:
            why = f"the vendor cannot be told: {rejected.why}"
            raise OrderRefused((Problem(rejected.path, rejected.value, why),)) from None

    def _added(self, sight: Sight, reservation_id: UUID, fresh: Sequence[StayOrder], actor: Actor) -> list[Told]:
        """Make further stays of a reservation at our desk; its other stays stay where they are."""
        home = compose.home_of(sight.ground.trees.revisions[reservation_id])
        draft = Draft(
            property_code=sight.desk.property_code,
            currency=home.currency or sight.desk.currency,
            booker=home.booker if isinstance(home.booker, Guest) else Guest(),
            stays=tuple(fresh),
        )
        units = edits.made(draft, str(self._applier.new_id()), sight.ground.catalogues[sight.desk.property_id], _ADDED)
        return [self._add(sight, reservation_id, unit, actor) for unit in units]

    def _add(self, sight: Sight, reservation_id: UUID, unit: Revision, actor: Actor) -> Told:
        now = self._applier.now()
        unit = msgspec.structs.replace(unit, created_at=now, modified_at=now)
        ref = unit.room_stays[0].ref
        home, stay_id = (DESK, ref), self._applier.new_id()
        changes, trees = sight.ground.changes, sight.ground.trees
        changes.made[home] = (stay_id, reservation_id)
        changes.fresh_links.add((DESK, "stay", ref))
        changes.states[home] = LinkState(
            key=home, stay_id=stay_id, reservation_id=reservation_id, home=home, remote=None, ours=unit, divergence={}
        )
        trees.revisions[reservation_id][home] = unit
        record = _record(sight.desk, ref, unit, actor)
        return Told(record=record, reservation_id=reservation_id, home=home, account=sight.desk, ours=unit)

    async def _put(self, connection: Connection, sight: Sight, told: Sequence[Told]) -> None:
        """Let the units stand, unless the house is full."""
        occupied = await self._applier.put(connection, sight.ground, told)
        for row in self._too_many(sight, occupied):
            raise await self._full(connection, sight, row)

    def _too_many(self, sight: Sight, occupied: Occupied) -> list[states.Row]:
        """Return the rows of stays that got no room by this order, or are of a type that it books too often."""
        standing = sight.ground.trees.stays
        return [
            row
            for stay_id, (_, row, _) in sight.ground.changes.stays.items()
            if (row["claim_state"] == "refused" and _takes_more(row, standing.get(stay_id)))
            or row["room_type_id"] in occupied.oversold
        ]

    async def _full(self, connection: Connection, sight: Sight, row: states.Row) -> Full:
        wanted = list(StayRange(row["arrival"], row["departure"]).claims())
        free = await claims.free_rooms(
            connection,
            sight.ground.tenant_id,
            sight.desk.property_id,
            wanted,
            room_type_id=row["room_type_id"],
            holder_id=row["stay_id"],
        )
        what = f"{row['room_ref'] or row['room_type_ref']} is taken from {row['arrival']} to {row['departure']}"
        found = tuple(
            Alternative(room_type=kind, room=room, arrival=row["arrival"], departure=row["departure"])
            for kind, room in free
        )
        return Full(what, "room_stays", found)

    async def _plan_creates(
        self, connection: Connection, sight: Sight, reservation_id: UUID, first: Told, actor: Actor
    ) -> None:
        """Plan to make it at every account whose hotel file says that stays are made there as well."""
        changes = sight.ground.changes
        stay_id, _ = changes.made[first.home]
        for tongue in (await self._applier.tongues.of_property(connection, sight.desk.property_id)).values():
            if tongue.creates:
                changes.planned.append(_creation(tongue.account.account_id, stay_id, reservation_id, actor))

    async def _plan_again(self, connection: Connection, sight: Sight, reservation_id: UUID, actor: Actor) -> None:
        """Offer once more what a vendor did not take as it was: it has changed since."""
        for account_id, stay_id in await intents.parked_creates(connection, sight.ground.tenant_id, reservation_id):
            sight.ground.changes.planned.append(_creation(account_id, stay_id, reservation_id, actor))


def _creation(account_id: UUID, stay_id: UUID, reservation_id: UUID, actor: Actor) -> Planned:
    return Planned(
        account_id=account_id,
        object_id=stay_id,
        reservation_id=reservation_id,
        kind="create",
        paths=(),
        actor=actor.name,
        correlation_id=actor.correlation_id,
    )


def _record(account: Account, ref: str, ours: Revision, actor: Actor) -> Incoming:
    """Say who did it, in the words in which arrivals are told."""
    return Incoming(
        account=account,
        lane_key=f"{_LOCAL}/{ref}",
        stream="reservations",
        ref=ref,
        kind=_LOCAL,
        mapped=ours,
        body=b"",
        raw_id=None,
        digest=b"",
        ticket=0,
        direct=False,
        correlation_id=actor.correlation_id,
        by=actor.name,
    )


def _must_have_home(sight: Sight, reservation_id: UUID, edit: Edit) -> None:
    """Refuse a change of what only the record that speaks for the reservation can hold, while that is not known."""
    wanted = [name for name in ("booker", "notes") if getattr(edit, name) is not UNSET]
    units = sight.ground.trees.revisions[reservation_id].values()
    if wanted and not any(one.is_home for one in units):
        why = "the vendor's record that leads this group has not been read yet"
        raise OrderRefused(tuple(Problem(name, "", why) for name in wanted))


def _takes_more(row: states.Row, before: states.Row | None) -> bool:
    """Tell whether a stay that lacks its room wants more than it was lacking already."""
    if before is None or before["claim_state"] != "refused" or before["room_id"] != row["room_id"]:
        return True
    return bool(row["arrival"] < before["arrival"] or row["departure"] > before["departure"])


def _by_unit(sight: Sight, reservation_id: UUID, orders: Sequence[StayOrder]) -> dict[StayKey, dict[str, StayOrder]]:
    """Sort orders to their units and stays; raises OrderRefused for a stay of another reservation."""
    trees = sight.ground.trees
    homes = {
        (home[0], stay.ref): home for home, one in trees.revisions[reservation_id].items() for stay in one.room_stays
    }
    found: dict[StayKey, dict[str, StayOrder]] = {}
    problems = []
    for number, order in enumerate(orders):
        if order.id is None:
            continue
        row = trees.stays.get(order.id)
        home = homes.get((row["account_id"] or DESK, row["vendor_ref"])) if row is not None else None
        if row is None or home is None:
            problems.append(Problem(f"room_stays[{number}].id", str(order.id), "no stay of this reservation"))
        elif row["vendor_ref"] in found.setdefault(home, {}):
            problems.append(Problem(f"room_stays[{number}].id", str(order.id), "named twice"))
        else:
            found[home][row["vendor_ref"]] = order
    if problems:
        raise OrderRefused(tuple(problems))
    return found
