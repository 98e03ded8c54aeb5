"""Orders: what a person asks our desk to do with a reservation, and why it may be refused."""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from conflict.validate import Problem
from pms_sync.domain.errors import Fault
from pms_sync.domain.reservation import Guest, Night
from pms_sync.domain.status import Status

Act: TypeAlias = Literal["cancel", "check-in", "check-out", "no-show"]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who gives the order: `user:UUID` or `cli:NAME`, with the correlation id of the request."""

    name: str
    correlation_id: str


class StayOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One room stay as ordered, by our codes and our id (None: a new stay); what is UNSET stays as it is."""

    id: UUID | None = None
    room_type: str | UnsetType = UNSET
    room: str | UnsetType | None = UNSET
    arrival: date | UnsetType = UNSET
    departure: date | UnsetType = UNSET
    adults: int | UnsetType | None = UNSET
    children: int | UnsetType | None = UNSET
    nights: tuple[Night, ...] | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation to be made."""

    property_code: str
    currency: str
    booker: Guest
    stays: tuple[StayOrder, ...]
    notes: str | None = None


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of a reservation; unlisted stays stay as they are, and one is removed by its status `cancelled`."""

    stays: tuple[StayOrder, ...] = ()
    booker: Guest | UnsetType = UNSET
    notes: str | UnsetType | None = UNSET


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """What is free instead, by our codes; without a room any of the type."""

    room_type: str
    room: str | None
    arrival: date
    departure: date


class Full(Fault):
    """The house is full: the room or the room type is taken on a night that was ordered."""

    def __init__(self, what: str, where: str, alternatives: tuple[Alternative, ...]) -> None:
        """Say what is taken, and keep what is free instead."""
        super().__init__(what, where, "choose one of the alternatives, or other dates")
        self.alternatives = alternatives


class StaleVersion(Fault):
    """The reservation has changed since it was read."""

    def __init__(self, current: int) -> None:
        """Keep the version that stands now."""
        super().__init__(f"the reservation is at version {current} by now", "version", "read it again and repeat")
        self.current = current


class NotFound(Fault):
    """There is no such object of this tenant."""


class OrderRefused(Fault):
    """An order that cannot be followed; `problems` holds all of them, each with path, value and why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Say the first problem in the sentence, and keep them all."""
        first = problems[0]
        super().__init__(f"{first.path}: {first.why}", first.path, "correct it and send it again")
        self.problems = problems
