"""Pairing: which stay and which guest of one side is which of the other, by identity and never by position.

Stays pair where they are booked alike, for one room type and the same dates. What else is said of them only chooses
among several that are; it never makes a pair of two that are not.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import UnsetType

from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import TAKES_NO_ROOM


class Pairing(msgspec.Struct, frozen=True):
    """Our name to theirs: stays by ref as the pairing was kept, guests by key as `pair_guests` found them."""

    stays: Mapping[str, str] = {}
    guests: Mapping[str, str] = {}


UNPAIRED = Pairing()
_KEY_BYTES = 6
Mine = TypeVar("Mine", bound=Hashable)
Theirs = TypeVar("Theirs", bound=Hashable)


class Booked(NamedTuple):
    """A stay as it is told apart from others, with the name of its guest where it has one of its own."""

    stay: Stay
    guest: str = ""


def booked(revision: Revision, stay: Stay) -> Booked:
    """Return a stay with the name of who booked it; of an object of several stays nobody knows whose is which."""
    alone = len(revision.room_stays) == 1 and isinstance(revision.booker, Guest)
    return Booked(stay, _name(revision.booker)[1:] if alone and isinstance(revision.booker, Guest) else "")


def _kind(one: Booked) -> Hashable:
    return one.stay.room_type, one.stay.arrival, one.stay.departure


def _is_over(one: Booked) -> bool:
    return one.stay.status in TAKES_NO_ROOM


# What chooses among stays of one kind, the closest first: None says that a stay has no such sign.
_SIGNS: tuple[Callable[[Booked], Hashable], ...] = (
    lambda one: (one.guest, one.stay.total, one.stay.room, _is_over(one)) if one.guest else None,
    lambda one: (one.guest, one.stay.total, _is_over(one)) if one.guest else None,
    lambda one: (one.guest, _is_over(one)) if one.guest else None,
    lambda one: (one.stay.total, one.stay.room, _is_over(one)) if one.stay.room else None,
    lambda one: (one.stay.total, _is_over(one)),
    lambda one: (one.stay.room, _is_over(one)) if one.stay.room else None,
    _is_over,
    _kind,
)


def pair_stays(ours: Mapping[Mine, Booked], theirs: Mapping[Theirs, Booked]) -> dict[Mine, Theirs]:
    """Pair stays booked alike by our codes, as many as there are on both sides; equals pair in the order of keys.

    A stay whose room type is not mapped pairs only where its dates leave no choice.
    """
    pairs: dict[Mine, Theirs] = {}
    for sign in _SIGNS:
        mine, other = _by_kind(ours, pairs, sign), _by_kind(theirs, pairs.values(), sign)
        for kind in mine.keys() & other.keys():
            pairs.update(zip(mine[kind], other[kind], strict=False))
    left = {key: one for key, one in ours.items() if key not in pairs}
    rest = {key: one for key, one in theirs.items() if key not in set(pairs.values())}
    return dict(sorted((pairs | _only_alike(left, rest)).items()))


def _by_kind(
    stays: Mapping[Mine, Booked], taken: Iterable[Hashable], sign: Callable[[Booked], Hashable]
) -> Mapping[Hashable, list[Mine]]:
    """Return the keys of what is not paired yet, in order, by kind and sign."""
    gone = set(taken)
    found: defaultdict[Hashable, list[Mine]] = defaultdict(list)
    for key in sorted(stays.keys() - gone):  # type: ignore[type-var]
        told = sign(stays[key])
        if told is not None and stays[key].stay.room_type is not None:
            found[_kind(stays[key]), told].append(key)
    return found


def _only_alike(ours: Mapping[Mine, Booked], theirs: Mapping[Theirs, Booked]) -> dict[Mine, Theirs]:
    """Pair stays of which one has no room type, where each is the only one that the other can be."""
    fits = {mine: [key for key, other in theirs.items() if _may_be(one, other)] for mine, one in ours.items()}
    wanted = Counter(key for found in fits.values() for key in found)
    return {mine: found[0] for mine, found in fits.items() if len(found) == 1 and wanted[found[0]] == 1}


def _may_be(one: Booked, other: Booked) -> bool:
    unknown = one.stay.room_type is None or other.stay.room_type is None
    return unknown and _kind(one)[1:] == _kind(other)[1:]  # type: ignore[index]


def guest_keys(guests: Sequence[Guest]) -> list[str]:
    """Return each guest's strong key: the vendor's ref, else a digest of e-mail, phone or name.

    A path is shown and logged, so a key never spells out who somebody is. Guests who share their strongest sign (a
    family with one address, or a relay of the channel) are told apart by all that is said of them, never by order.
    """
    signs = [guest.ref or _digest(_sign(guest)) for guest in guests]
    count = Counter(signs)
    keys = [
        sign if guest.ref or count[sign] == 1 else _digest(sign + _everything(guest))
        for sign, guest in zip(signs, guests, strict=True)
    ]
    return keys if len(set(keys)) == len(keys) else _numbered(keys)


def _numbered(keys: Iterable[str]) -> list[str]:
    """Number guests of whom exactly the same is said; which is which then makes no difference."""
    seen: Counter[str] = Counter()
    told = []
    for key in keys:
        seen[key] += 1
        told.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return told


def _sign(guest: Guest) -> str:
    return _email(guest) or _phone(guest) or _name(guest)


def _email(guest: Guest) -> str:
    return f"e{guest.email.strip().casefold()}" if isinstance(guest.email, str) and guest.email.strip() else ""


def _phone(guest: Guest) -> str:
    digits = "".join(filter(str.isdigit, guest.phone)) if isinstance(guest.phone, str) else ""
    return f"p{digits}" if digits else ""


def _name(guest: Guest) -> str:
    words = [name for name in (guest.first_name, guest.last_name) if isinstance(name, str)]
    return "n" + unicodedata.normalize("NFKC", " ".join(words)).casefold()


def _everything(guest: Guest) -> str:
    return "\0".join([_email(guest), _phone(guest), _name(guest), str(guest.country), str(guest.language)])


def _digest(sign: str) -> str:
    return f"~{blake2b(sign.encode('utf-8', 'surrogatepass'), digest_size=_KEY_BYTES).hexdigest()}"


def pair_guests(here: Revision, there: Revision) -> dict[str, str]:
    """Pair our guests with theirs where the keys differ: {our key: their key}.

    A guest we sent comes back with a ref; he is the one with the same e-mail, else phone, else name, and only where
    exactly one on each side has it. Whoever stays alone keeps his own key and counts as another person.
    """
    if isinstance(here.guests, UnsetType) or isinstance(there.guests, UnsetType):
        return {}
    ours = dict(zip(guest_keys(here.guests), here.guests, strict=True))
    theirs = dict(zip(guest_keys(there.guests), there.guests, strict=True))
    for key in ours.keys() & theirs.keys():
        del ours[key], theirs[key]
    pairs: dict[str, str] = {}
    for sign in (_email, _phone, _name):
        for key, other in _only_ones(ours, theirs, sign):
            pairs[key] = other
            del ours[key], theirs[other]
    return pairs


def _only_ones(
    ours: Mapping[str, Guest], theirs: Mapping[str, Guest], sign: Callable[[Guest], str]
) -> list[tuple[str, str]]:
    """Return the keys of guests with the same sign that nobody else on their side has; two refs are two persons."""
    mine, other = _by_sign(ours, sign), _by_sign(theirs, sign)
    shared = [
        (mine[one][0], other[one][0])
        for one in sorted(mine.keys() & other.keys())
        if len(mine[one]) == len(other[one]) == 1
    ]
    return [(key, match) for key, match in shared if not (ours[key].ref and theirs[match].ref)]


def _by_sign(guests: Mapping[str, Guest], sign: Callable[[Guest], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, guest in guests.items():
        told = sign(guest)
        if told not in {"", "n"}:
            found.setdefault(told, []).append(key)
    return found
