"""Pairing: which stay and which guest of one side is which of the other, by identity and never by position."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b

import msgspec
from msgspec import UnsetType

from pms_sync.domain.reservation import Guest, Revision


class Pairing(msgspec.Struct, frozen=True):
    """Our name to theirs: stays by ref as the pairing was kept, guests by key as `pair_guests` found them."""

    stays: Mapping[str, str] = {}
    guests: Mapping[str, str] = {}


UNPAIRED = Pairing()
_KEY_BYTES = 6


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
