"""Merging: one unit of ours against one link, from decision to new trees; pure but for the mapper's own purity.

Ours is compared in the vendor's space; what the decision takes is written into ours, which keeps whatever the vendor
cannot hold. What only says how the vendor put it (version, its words, its clock) follows the home link without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import UNSET

from conflict.atoms import EMPTIED, Tree, Value, atoms, kind_of, stay_of
from conflict.decide import decide
from conflict.observed import alike
from conflict.ownership import Owners
from conflict.pairing import Pairing, pair_guests
from conflict.resolve import Resolution
from conflict.revise import copy_atoms, with_atoms
from conflict.triple import Divergence, Side, divergence, rekeyed, restore, side_of
from conflict.verdicts import Decision
from pms_sync.apply.states import LinkState
from pms_sync.apply.tongues import Tongue
from pms_sync.apply.underway import Handed, agreed
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision, Stay

Pushed: TypeAlias = dict[str, Value | None]

# How the vendor put it; nobody edits these, so they follow what the home link shows.
_FOLLOWS = (
    "vendor ref property_ref version scope siblings_complete is_home gone guaranteed currency price_basis created_at "
    "modified_at token ambiguous"
).split()

# What is said of the reservation as a whole.
_OF_THE_WHOLE = "booker guests folio_lines notes comments channel vendor_channel channel_reference".split()

NOTHING_HANDED: Handed = {}


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one link: its new state, our new state (`held` in its terms), and what it newly has to be told.

    `echoes` are atoms that came home as we sent them, `near_misses` those that came home as something third.
    """

    state: LinkState
    ours: Revision
    held: Revision
    decision: Decision
    news: tuple[str, ...]
    echoes: int = 0
    near_misses: int = 0


class Facing(msgspec.Struct, frozen=True, kw_only=True):
    """The three sides of a link, ours as the vendor would hold it (`held`), with the names both go by."""

    held: Revision
    base: Tree
    here: Side
    there: Side
    pairing: Pairing
    owners: Owners

    def decide(self) -> Decision:
        """Decide about the link."""
        return decide(self.base, self.here, self.there, self.owners)


def facing(ours: Revision, state: LinkState, tongue: Tongue, there: Revision | None = None) -> Facing:
    """Lay the sides of a link beside each other; `there` is what the vendor shows now, else as last seen.

    A bill is the home vendor's own: the lines that another vendor keeps of the same stay are no side of it. Where the
    home holds several stays and the link shows one of them, that stay alone is compared: a part does not speak for the
    whole (docs/decisions/0009).

    Raises MappingRejected for a state of ours that this vendor cannot be told.
    """
    part = is_part(ours, state)
    side = _alone if part else _whole if not ours.vendor or ours.vendor == tongue.account.vendor else _without_bill
    held, shown, last = side(_held(ours, state, tongue)), there or state.remote, state.remote
    shown, last = side(shown) if shown else None, side(last) if last else None
    pairing = Pairing(stays=_stays(held, shown), guests=pair_guests(held, shown) if shown else {})
    base, _ = restore(_tree(last), state.divergence)
    if part:
        base = {path: value for path, value in base.items() if stay_of(path) is not None}
    return Facing(
        held=held,
        base=rekeyed(base, pairing),
        here=side_of(held, pairing),
        there=side_of(shown) if shown else Side(tree={}),
        pairing=pairing,
        owners=tongue.owners(ours),
    )


def _whole(revision: Revision) -> Revision:
    return revision


def is_part(ours: Revision, state: LinkState) -> bool:
    """Tell whether the link shows one of several stays that its home holds."""
    return not state.is_home and len(ours.room_stays) > 1 and any(stay.ref == state.part for stay in ours.room_stays)


def _held(ours: Revision, state: LinkState, tongue: Tongue) -> Revision:
    """Say in the vendor's terms what of ours the link shows."""
    if is_part(ours, state):
        stays = tuple([stay for stay in ours.room_stays if stay.ref == state.part])
        ours = _alone(msgspec.structs.replace(ours, room_stays=stays))
    return tongue.project(ours, state.home[0])


def _alone(revision: Revision) -> Revision:
    """Leave out what is said of the reservation as a whole."""
    return msgspec.structs.replace(revision, scope="stay", is_home=False, siblings_complete=False)


def _without_bill(revision: Revision) -> Revision:
    return msgspec.structs.replace(revision, folio_lines=UNSET)


def _unsaid(ours: Revision, state: LinkState, there: Revision) -> Merged:
    """Agree on nothing where ours could never be said yet: once it can, that will be the first contact."""
    divergent: Divergence = dict.fromkeys(atoms(there), (None, None))
    fresh = msgspec.structs.replace(state, remote=there, divergence=divergent)
    return Merged(state=fresh, ours=ours, held=ours, decision=Decision(result={}, base={}), news=())


def _as_last_said(ours: Revision, state: LinkState, tongue: Tongue, there: Revision) -> Facing:
    """Lay the sides beside each other where the vendor has no words for ours: ours as it could last be said."""
    base, here = restore(_tree(state.remote), state.divergence)
    sides = Side(tree=here), side_of(_alone(there) if is_part(ours, state) else there)
    pairing = Pairing(stays=_named(state, there))
    return Facing(held=ours, base=base, here=sides[0], there=sides[1], pairing=pairing, owners=tongue.owners(ours))


def _named(state: LinkState, there: Revision) -> dict[str, str]:
    """Pair the stay of its home that a link of one stay shows."""
    known = state.part is not None and len(there.room_stays) == 1
    return {state.part: there.room_stays[0].ref} if known and state.part is not None else {}


def merge(ours: Revision, state: LinkState, there: Revision, tongue: Tongue, handed: Handed = NOTHING_HANDED) -> Merged:
    """Merge what a link shows now into ours; the same vendor state again asks and takes nothing more.

    What of `handed` (sent, and not seen since) the vendor shows now is agreed, and no change of its own.
    """
    try:
        now = facing(ours, state, tongue, there)
    except MappingRejected:
        if state.remote is None:
            return _unsaid(ours, state, there)
        now = _as_last_said(ours, state, tongue, there)
    decision = msgspec.structs.replace(now, base=agreed(now.base, now.there.tree, handed)).decide()
    before: Pushed = {}
    home = 0, 0
    if state.remote is not None and not _is_attached(state.remote, there):
        seen = msgspec.structs.replace(now, there=side_of(state.remote))
        before = _pushed(seen.decide(), now.here.tree)
        home = _came_home(before, seen.there.tree, now.there.tree, handed)
    taken = _take(ours, there, decision, now.pairing, tongue)
    if state.is_home:
        taken = _follow(renamed(taken, now.pairing), there)
        taken = there if atoms(taken) == atoms(there) else taken
    fresh = msgspec.structs.replace(
        state,
        remote=there,
        divergence=_kept(decision, now.there.tree),
        ours=None if not state.is_home or taken == there else taken,
    )
    return Merged(
        state=fresh,
        ours=taken,
        held=renamed(now.held, now.pairing),
        decision=decision,
        news=_news(_pushed(decision, now.here.tree), before),
        echoes=home[0],
        near_misses=home[1],
    )


def _is_attached(sent: Revision, there: Revision) -> bool:
    """Tell whether a vendor shows for the first time what was made there: all that differs is still to be sent."""
    return not {stay.ref for stay in sent.room_stays} & {stay.ref for stay in there.room_stays}


def _came_home(sent: Pushed, before: Tree, there: Tree, handed: Handed) -> tuple[int, int]:
    """Count what of ours the vendor now shows as sent, and what it made something third of."""
    moved = [path for path in sent if not alike(before.get(path), there.get(path))]
    echoes = sum(any(alike(one, there.get(path)) for one in (sent[path], *handed.get(path, ()))) for path in moved)
    return echoes, len(moved) - echoes


def edited(before: Revision, ours: Revision, state: LinkState, tongue: Tongue) -> Merged:
    """Set a link against a new state of ours; the vendor's is as last seen.

    Raises MappingRejected for a state of ours that this vendor cannot be told.
    """
    now = facing(ours, state, tongue)
    try:
        was = facing(before, state, tongue)
        known = _pushed(was.decide(), was.here.tree)
    except MappingRejected:
        known = {}
    decision = now.decide()
    return _remembered(state, ours, decision, now, _news(_pushed(decision, now.here.tree), known))


def resolved(ours: Revision, state: LinkState, resolution: Resolution, tongue: Tongue) -> Merged:
    """Follow what a person chose: ours becomes that, and the base what the vendor showed (ARCHITECTURE §6)."""
    assert state.remote is not None  # noqa: S101 - narrows the type
    now = facing(ours, state, tongue)
    resolution = _by_atom(resolution, now.here.tree)
    chosen = _chosen(ours, state.remote, resolution.here, now, tongue)
    base = {path: value for path, value in {**now.base, **resolution.base}.items() if value is not None}
    held = _held(chosen, state, tongue)
    here = side_of(held, now.pairing)
    now = msgspec.structs.replace(now, held=held, base=base, here=here, owners=tongue.owners(chosen))
    decision = now.decide()
    return _remembered(state, chosen, decision, now, tuple(decision.push))


def _by_atom(resolution: Resolution, here: Tree) -> Resolution:
    """Say a whole stay, as a decision names it that is taken back, by its atoms: agreed as they stand here."""
    stays = [path for path in resolution.here if kind_of(path) == "stays"]
    if not stays:
        return resolution
    told, base = (
        {path: value for path, value in side.items() if path not in stays}
        for side in (resolution.here, resolution.base)
    )
    for stay in stays:
        base |= {path: value for path, value in here.items() if path.startswith(f"{stay}.")}
        told[f"{stay}.status"], base[f"{stay}.status"] = resolution.here[stay], resolution.base[stay]
    return Resolution(here=told, base=base, push=resolution.push)


def _remembered(state: LinkState, ours: Revision, decision: Decision, now: Facing, news: tuple[str, ...]) -> Merged:
    fresh = msgspec.structs.replace(
        state,
        divergence=_kept(decision, now.there.tree),
        ours=None if not state.is_home or ours == state.remote else ours,
    )
    return Merged(state=fresh, ours=ours, held=renamed(now.held, now.pairing), decision=decision, news=news)


def _kept(decision: Decision, there: Tree) -> Divergence:
    """Return what the link has to remember; what nobody but the vendor mentions, and it as empty, is no difference."""
    found = divergence(decision.base, decision.result, there)
    return {path: pair for path, pair in found.items() if pair != (None, None) or there.get(path) != EMPTIED}


def _pushed(decision: Decision, here: Tree) -> Pushed:
    """Name what is to be sent with its value, so that a second edit of one atom is news."""
    return {path: here.get(path) for path in decision.push}


def _news(now: Pushed, before: Pushed) -> tuple[str, ...]:
    return tuple([path for path, value in now.items() if path not in before or before[path] != value])


def _tree(revision: Revision | None) -> Tree:
    return atoms(revision) if revision else {}


def _stays(ours: Revision, there: Revision | None) -> dict[str, str]:
    """Pair the stays of a unit with those of a link: one with one, more by what is booked, then in order."""
    if there is None or not ours.room_stays or not there.room_stays:
        return {}
    if len(ours.room_stays) == len(there.room_stays) == 1:
        mine, theirs = ours.room_stays[0].ref, there.room_stays[0].ref
        return {} if mine == theirs else {mine: theirs}
    known = {stay.ref for stay in there.room_stays}
    return {} if known & {stay.ref for stay in ours.room_stays} else _by_booking(ours, there)


def _by_booking(ours: Revision, there: Revision) -> dict[str, str]:
    left = list(there.room_stays)
    pairs: dict[str, str] = {}
    for stay in ours.room_stays:
        booked = (stay.arrival, stay.departure, stay.room_type_ref)
        match = next((one for one in left if (one.arrival, one.departure, one.room_type_ref) == booked), None)
        if match is not None:
            left.remove(match)
            pairs[stay.ref] = match.ref
    return pairs


def _take(ours: Revision, there: Revision, decision: Decision, pairing: Pairing, tongue: Tongue) -> Revision:
    """Write into ours what the decision takes: theirs as it stands there, a mixture of both as values."""
    tree = atoms(there)
    taken = decision.taken
    copied = [path for path in taken if decision.result.get(path) == tree.get(path)]
    mixed = {path: decision.result[path] for path in taken if path not in copied and path in decision.result}
    if tongue.account.vendor == ours.vendor and copied:
        ours = copy_atoms(ours, there, copied, pairing)
    else:
        mixed |= {path: tree[path] for path in copied if path in tree}
    return with_atoms(ours, mixed, pairing, tongue.codes) if mixed else ours


def _chosen(
    ours: Revision, there: Revision, values: Mapping[str, Value | None], now: Facing, tongue: Tongue
) -> Revision:
    """Set ours to what was chosen; what is theirs is taken as it stands there."""
    theirs = [path for path, value in values.items() if value == now.there.tree.get(path)]
    typed = {path: EMPTIED if value is None else value for path, value in values.items() if path not in theirs}
    if theirs and tongue.account.vendor == ours.vendor:
        ours = copy_atoms(ours, there, theirs, now.pairing)
    else:
        typed |= {path: now.there.tree.get(path, EMPTIED) for path in theirs}
    return with_atoms(ours, typed, now.pairing, tongue.codes) if typed else ours


def renamed(ours: Revision, pairing: Pairing) -> Revision:
    """Call our stays what their home link calls them, once a vendor has what was made at our desk."""
    if not pairing.stays:
        return ours
    names = pairing.stays
    stays = [msgspec.structs.replace(stay, ref=names.get(stay.ref, stay.ref)) for stay in ours.room_stays]
    return msgspec.structs.replace(ours, room_stays=tuple(stays))


def _follow(ours: Revision, there: Revision) -> Revision:
    """Let what only says how the vendor put it follow the vendor, and our codes what the crosswalk says by now."""
    fields = {name: getattr(there, name) for name in _FOLLOWS}
    fields |= {name: getattr(there, name) for name in _undecided(ours, there)}
    if (ours.status, ours.hold_kind) == (there.status, there.hold_kind):
        fields["vendor_status"] = there.vendor_status
    shown = {stay.ref: stay for stay in there.room_stays}
    stays = tuple([_recoded(stay, shown[stay.ref]) if stay.ref in shown else stay for stay in ours.room_stays])
    return msgspec.structs.replace(ours, room_stays=stays, **fields)


def _undecided(ours: Revision, there: Revision) -> list[str]:
    """Name what no atom of the link holds: all that is said of the whole, where the unit does not speak for it."""
    if not there.is_home:
        return [*_OF_THE_WHOLE, "total"]
    silent = [name for name in _OF_THE_WHOLE if getattr(ours, name) is UNSET]
    return silent if there.siblings_complete else [*silent, "total"]


def _recoded(ours: Stay, there: Stay) -> Stay:
    """Say our stay in the words of its home link: a code leads to the other side's, equal prices are theirs."""
    told: dict[str, object] = {}
    for name in ("room_type", "room", "rate_plan"):
        ref = f"{name}_ref"
        if getattr(ours, ref) == getattr(there, ref) or _is_same(getattr(ours, name), getattr(there, name)):
            told |= {name: getattr(there, name), ref: getattr(there, ref)}
    if [(one.date, one.price) for one in ours.nights] == [(one.date, one.price) for one in there.nights]:
        told["nights"] = there.nights
    if (ours.status, ours.hold_kind) == (there.status, there.hold_kind):
        told |= {"vendor_status": there.vendor_status, "blocks_inventory": there.blocks_inventory}
    return msgspec.structs.replace(ours, **told)


def _is_same(ours: str | None, there: str | None) -> bool:
    return ours is not None and ours == there
