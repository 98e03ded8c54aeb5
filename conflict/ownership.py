"""Ownership: whose value stands when both sides changed one atom (ARCHITECTURE §6; seeds S0.40 to S0.43).

The defaults are the seeds': what an OTA sold belongs to the channel manager, a direct booking to the PMS, and room and
in-house status to the PMS whoever sold it. An account overrides them by data: `ownership={"direct.shape"="here"}`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple, TypeAlias, get_args

import msgspec

from conflict.atoms import Value, kind_of
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.domain.status import Status

Owner: TypeAlias = Literal["here", "there", "last_write_wins", "review"]
Taken: TypeAlias = Literal["here", "there"]
Role: TypeAlias = Literal["pms", "channel_manager"]
ChannelClass: TypeAlias = Literal["ota", "direct"]

# Who sells under a channel's name; a channel nobody has a word for ("other") is an OTA that is not on the list yet.
OTA_CHANNELS = frozenset("booking_com airbnb expedia agoda vrbo other".split())


class Parties(NamedTuple):
    """Who owns one class of atoms, by who sold the booking."""

    ota: Role
    direct: Role


_SELLER, _HOUSE = Parties("channel_manager", "pms"), Parties("pms", "pms")

# S0.41 and S0.42 for what is sold; the house knows best who sleeps where, and keeps its own notes and its own bill.
PARTIES: dict[str, Parties] = {
    "shape": _SELLER,
    "status": _SELLER,
    "occupancy": _SELLER,
    "booker": _SELLER,
    "guests": _SELLER,
    "comments": _SELLER,
    "total": _SELLER,
    "channel": _SELLER,
    "room": _HOUSE,
    "in_house": _HOUSE,
    "notes": _HOUSE,
    "lines": _HOUSE,
}
_IN_HOUSE = frozenset({Status.CHECKED_IN, Status.CHECKED_OUT, Status.NO_SHOW})
_BOTH: frozenset[Role] = frozenset({"pms", "channel_manager"})


class Owners(msgspec.Struct, frozen=True):
    """The owners of one link: by class as configured, and what the defaults would say (a review's suggestion)."""

    channel_class: ChannelClass
    by_class: Mapping[str, Owner]
    usual: Mapping[str, Taken]

    def rule(self, atom_class: str) -> str:
        """Name the rule of a class as hotel files spell it."""
        return f"{self.channel_class}.{atom_class}"


class Ownership(msgspec.Struct, frozen=True):
    """The owners of all links of one account."""

    ota: Owners
    direct: Owners

    def of(self, channel: object) -> Owners:
        """Return the owners for a booking's channel; a booking of no known channel counts as direct."""
        return self.ota if channel in OTA_CHANNELS else self.direct


def ownership(role: Role, overrides: Mapping[str, str] | None = None, roles: Collection[Role] = _BOTH) -> Ownership:
    """Build the owners of an account from its role, its overrides and the roles of all accounts of the property.

    `here` speaks for every party that has no account at the property, but for the channel manager of a property that
    has none: then bookings of an OTA reach us through the PMS, which is nearer to the sale than we are.
    Raises ConfigurationFault that names every override nobody can follow.
    """
    wrong = [f"{key}={value}" for key, value in (overrides or {}).items() if not _is_rule(key, value)]
    if wrong:
        raise ConfigurationFault(
            f"no such ownership: {', '.join(sorted(wrong))}",
            "ownership",
            f"use ota or direct, a dot, one of {', '.join(PARTIES)}, and one of {', '.join(get_args(Owner))}",
        )
    return Ownership(*(_owners(one, role, overrides or {}, roles) for one in get_args(ChannelClass)))


def _is_rule(key: str, value: str) -> bool:
    channel_class, _, atom_class = key.partition(".")
    return channel_class in get_args(ChannelClass) and atom_class in PARTIES and value in get_args(Owner)


def _owners(channel_class: ChannelClass, role: Role, overrides: Mapping[str, str], roles: Collection[Role]) -> Owners:
    usual: dict[str, Taken] = {
        atom_class: _side(getattr(parties, channel_class), role, roles) for atom_class, parties in PARTIES.items()
    }
    by_class = {one: overrides.get(f"{channel_class}.{one}", side) for one, side in usual.items()}
    return Owners(channel_class, by_class, usual)  # type: ignore[arg-type]


def _side(party: Role, role: Role, roles: Collection[Role]) -> Taken:
    if party == role:
        return "there"
    return "there" if party == "channel_manager" and party not in roles else "here"


def class_of(path: str, here: Value | None, there: Value | None) -> str:
    """Return the class whose owner decides about an atom; a status that tells who is in the house has its own."""
    kind = kind_of(path)
    if kind != "status":
        return kind
    return "in_house" if any(value and value[0] in _IN_HOUSE for value in (here, there)) else "status"
