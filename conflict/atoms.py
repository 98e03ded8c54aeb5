"""Atoms: what a revision says, cut into the units that are decided about as a whole (ARCHITECTURE §6).

A tree maps an atom's path to a plain value that compares with `==` and comes back from JSON the same (see `frozen`):

    stays[REF].shape       (arrival, departure, room type ref, rate plan ref, total, nights, derived dates)
    stays[REF].room        room ref
    stays[REF].status      (status, hold kind)
    stays[REF].occupancy   (adults, children)
    booker, guests[KEY]    (ref, first name, last name, email, phone, country, language)
    notes, comments        text
    lines[REF]             (kind, text, amount, currency)
    total                  amount, or SUM_OF_STAYS while it is what the stays add up to; only where all stays are told
    channel                (channel, the vendor's word, channel reference)

Codes are the vendor's own, dates ISO text, amounts decimal text without trailing zeros. `""` is emptied, None inside a
value is a part that was not said, and an atom that was not said has no path at all: nothing is ever None itself.
Reservation-level atoms are there only when the revision is the home record (ARCHITECTURE §3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from msgspec import UNSET, UnsetType

from conflict.pairing import UNPAIRED, Pairing, guest_keys
from pms_sync.domain.reservation import Guest, Line, Night, Revision, Stay

Value: TypeAlias = str | tuple[Any, ...]
Tree: TypeAlias = Mapping[str, Value]

EMPTIED = ""
SUM_OF_STAYS = "sum"
STAY_ATOMS = ("shape", "room", "status", "occupancy")
RESERVATION_ATOMS = ("booker", "notes", "comments", "total", "channel")
COLLECTIONS = ("stays", "guests", "lines")
# Where the parts of a shape stand; the last, the dates whose price is derived, is kept but makes no difference.
ARRIVAL, DEPARTURE, ROOM_TYPE, RATE_PLAN, TOTAL, NIGHTS, DERIVED = range(7)


def atoms(revision: Revision, pairing: Pairing = UNPAIRED) -> dict[str, Value]:
    """Cut a revision into its atoms; `pairing` gives stays and guests the names they have on the other side."""
    tree: dict[str, Value] = {}
    for stay in revision.room_stays:
        _add_stay(tree, f"stays[{pairing.stays.get(stay.ref, stay.ref)}]", stay)
    if revision.is_home:
        _add_reservation(tree, revision, pairing)
    return tree


def complete(revision: Revision) -> frozenset[str]:
    """Name the collections that this revision told whole, so that what is missing in them is known to be missing."""
    told = (
        revision.siblings_complete,
        revision.is_home and revision.guests is not UNSET,
        revision.is_home and revision.folio_lines is not UNSET,
    )
    return frozenset([name for name, whole in zip(COLLECTIONS, told, strict=True) if whole])


def kind_of(path: str) -> str:
    """Return what sort of atom a path names: `shape` or `room` of a stay, `guests`, `lines`, `notes` and so on."""
    return path[: path.index("[")] if path.endswith("]") else path.rpartition(".")[2]


def stay_of(path: str) -> str | None:
    """Return the ref of the stay an atom belongs to, None for an atom of the reservation."""
    return path[len("stays[") : path.rindex("]")] if path.startswith("stays[") else None


def key_of(path: str) -> str:
    """Return what stands between the brackets of a path."""
    return path[path.index("[") + 1 : path.rindex("]")]


def frozen(value: Any) -> Any:  # noqa: ANN401 - whatever JSON gives back
    """Turn the lists of a value that came from JSON back into tuples."""
    return tuple([frozen(part) for part in value]) if isinstance(value, (list, tuple)) else value


def amount_text(amount: Decimal) -> str:
    """Write an amount so that equal amounts are equal text: no exponent, no trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _add_stay(tree: dict[str, Value], at: str, stay: Stay) -> None:
    tree[f"{at}.shape"] = (
        stay.arrival.isoformat(),
        stay.departure.isoformat(),
        stay.room_type_ref or EMPTIED,
        stay.rate_plan_ref or EMPTIED,
        _amount(stay.total),
        *_nights(stay.nights),
    )
    tree[f"{at}.room"] = stay.room_ref or EMPTIED
    tree[f"{at}.status"] = (stay.status.value, stay.hold_kind.value if stay.hold_kind else EMPTIED)
    if stay.adults is not UNSET or stay.children is not UNSET:
        tree[f"{at}.occupancy"] = (_part(stay.adults), _part(stay.children))


def _nights(nights: Sequence[Night]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the priced nights by date, and the dates whose price is only our split of the total."""
    priced = [
        (night.date.isoformat(), amount_text(night.price), night.derived) for night in nights if night.price is not None
    ]
    priced.sort()
    return (
        tuple([(date, price) for date, price, _ in priced]),
        tuple([date for date, _, derived in priced if derived]),
    )


def _add_reservation(tree: dict[str, Value], revision: Revision, pairing: Pairing) -> None:
    if isinstance(revision.booker, Guest):
        tree["booker"] = person(revision.booker)
    if revision.notes is not UNSET:
        tree["notes"] = revision.notes or EMPTIED
    if revision.comments is not UNSET:
        tree["comments"] = revision.comments or EMPTIED
    if revision.siblings_complete and not isinstance(revision.total, UnsetType):
        tree["total"] = SUM_OF_STAYS if adds_up(revision) else _amount(revision.total) or EMPTIED
    if revision.channel is not UNSET:
        tree["channel"] = (revision.channel, _part(revision.vendor_channel), _part(revision.channel_reference))
    if not isinstance(revision.guests, UnsetType):
        for key, guest in zip(guest_keys(revision.guests), revision.guests, strict=True):
            tree[f"guests[{pairing.guests.get(key, key)}]"] = person(guest)
    if not isinstance(revision.folio_lines, UnsetType):
        for line in revision.folio_lines:
            tree[f"lines[{line.ref}]"] = _line(line)


def adds_up(revision: Revision) -> bool:
    """Tell whether the reservation's total is only what its stays add up to, and so no fact of its own."""
    if not (revision.siblings_complete and revision.room_stays):
        return False
    totals = [stay.total for stay in revision.room_stays if isinstance(stay.total, Decimal)]
    return len(totals) == len(revision.room_stays) and sum(totals, Decimal(0)) == revision.total


def person(guest: Guest) -> Value:
    """Return a person as the value of an atom."""
    return (
        guest.ref,
        _part(guest.first_name),
        _part(guest.last_name),
        _part(guest.email),
        _part(guest.phone),
        _part(guest.country),
        _part(guest.language),
    )


def _line(line: Line) -> Value:
    return (line.kind, line.text or EMPTIED, amount_text(line.amount), line.currency)


def _part(value: object) -> object:
    """Read one part: unsaid is None, emptied is the empty text."""
    if value is UNSET:
        return None
    return EMPTIED if value is None else value


def _amount(value: Decimal | UnsetType | None) -> str | None:
    if isinstance(value, Decimal):
        return amount_text(value)
    return None if value is UNSET else EMPTIED
