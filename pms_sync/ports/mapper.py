"""The plugin contract of a mapper: what a vendor's records mean, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from pms_sync.domain.reservation import Block, CodeKind, Revision, UnmappedCode
from pms_sync.domain.room_status import RoomStatus
from pms_sync.ports.connector import VendorRequest


class Crosswalk(msgspec.Struct, frozen=True, kw_only=True):
    """Their codes to ours for one account; `version` moves with every change, so a re-map is noticed."""

    version: int = 0
    room_type: Mapping[str, str] = {}
    room: Mapping[str, str] = {}
    rate_plan: Mapping[str, str] = {}

    def ours(self, kind: CodeKind, code: str | None) -> str | None:
        """Return our code for theirs, or None when it is not mapped."""
        table: Mapping[str, str] = getattr(self, kind)
        return None if code is None else table.get(code)


class MappingContext(msgspec.Struct, frozen=True, kw_only=True):
    """The property a record belongs to, and its crosswalk; without one (None) codes pass through."""

    property_code: str
    zone: str
    currency: str
    crosswalk: Crosswalk | None = None


class Mapped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one raw record means."""

    revisions: tuple[Revision, ...] = ()
    blocks: tuple[Block, ...] = ()
    room_statuses: tuple[RoomStatus, ...] = ()
    unmapped: tuple[UnmappedCode, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What should become true at the vendor.

    `wanted` holds our projected state, one per stay: several only for the create of a group. `known` is the stay as
    last seen there (None for a create). `paths` are the atoms to write, in the spelling of conflict.atoms; `refs` name
    the vendor objects of `wanted`, in its order.
    """

    kind: Literal["create", "modify", "cancel"]
    wanted: tuple[Revision, ...]
    known: Revision | None = None
    paths: frozenset[str] = frozenset()
    refs: tuple[str, ...] = ()
    token: str


class Mapper(Protocol):
    """Pure: no I/O, no clock, no logging. `version` moves when the same bytes would mean something else."""

    vendor: str
    version: int

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        """Map one raw record of a stream, totally; raises MappingRejected with path, value and reason."""
        ...

    def rows(self, body: bytes) -> list[bytes]:
        """Split a file as the vendor sends it (one record, a list, or a page) into raw records."""
        ...

    def project(self, state: Revision, context: MappingContext) -> Revision:
        """Say what this vendor can hold of our state of one stay, in its own terms and codes.

        What it cannot hold, rounds or drops is then neither an edit nor drift. A state that came from this vendor comes
        back as it was. Raises MappingRejected (path, value, why) for a code of ours that the crosswalk does not know.
        """
        ...

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        """Make the vendor's requests of a change; several when it takes several calls, in their order.

        Raises MappingRejected for what this vendor cannot be told.
        """
        ...
