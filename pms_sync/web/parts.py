"""Parts: the fields of a reservation grouped by what they belong to, and the balance of its bill; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from pms_sync.store.explain import Row
from pms_sync.store.provenance import Field

_NIGHTS = ".nights."
_PRICE = ".price"


class Named(msgspec.Struct, frozen=True):
    """A field under the name it has within its group."""

    name: str
    field: Field


class Group(msgspec.Struct, frozen=True):
    """The fields of one thing; `unsaid` are the names of those that were never given."""

    title: str
    fields: Sequence[Named]
    unsaid: Sequence[str]


def groups(fields: Sequence[Field]) -> list[Group]:
    """Group the fields by the thing they belong to, in their order."""
    found: defaultdict[str, list[Named]] = defaultdict(list)
    for field in fields:
        title, name = _split(field.path)
        found[title].append(Named(name, field))
    return [_group(title, named) for title, named in found.items()]


def _group(title: str, named: Sequence[Named]) -> Group:
    told = [one for one in named if one.field.value is not None or one.field.lost]
    return Group(title, told, [one.name for one in named if one not in told])


def _split(path: str) -> tuple[str, str]:
    """Split a path into its thing and its name there; a vendor's ref may hold dots itself."""
    if _NIGHTS in path:
        thing, _, night = path.partition(_NIGHTS)
        return f"{thing}.nights", night.removesuffix(_PRICE)
    thing, _, name = path.rpartition(".")
    return thing or "reservation", name


def balances(lines: Sequence[Row]) -> dict[str, Decimal]:
    """Return what is owed per currency: charges less payments; reversals cancel what they reverse."""
    owed: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        owed[line["currency"]] += -line["amount"] if line["kind"] == "payment" else line["amount"]
    return dict(owed)
