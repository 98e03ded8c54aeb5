"""The plugin contract of a mapper: what a vendor's records mean, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from pms_sync.domain.reservation import Block, CodeKind, Revision, UnmappedCode


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
    unmapped: tuple[UnmappedCode, ...] = ()


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

    def project(self, state: Mapping[str, Any], context: MappingContext) -> Mapping[str, Any]:
        """Say what this vendor can hold of our state, in its own terms (comes with pushing)."""
        ...
