"""What comes in to be applied, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from pms_sync.domain.reservation import Block, Revision, UnmappedCode
from pms_sync.domain.room_status import RoomStatus
from pms_sync.store.accounts import Account


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One mapped object with where it came from.

    `direct` says that the object itself was fetched just now; `ticket` orders reads of one object; `raw_id` is None
    while the body is not stored yet. `by` is the person whose act it is, None for a vendor's own word.
    """

    account: Account
    lane_key: str
    stream: str
    ref: str
    kind: str
    mapped: Revision | Block | RoomStatus
    unmapped: tuple[UnmappedCode, ...] = ()
    body: bytes
    raw_id: int | None
    digest: bytes
    ticket: int
    direct: bool
    correlation_id: str
    by: str | None = None

    @property
    def actor(self) -> str:
        """Name who made the change, as the audit log does."""
        return self.by or f"account:{self.account.account_id}"

    @property
    def level(self) -> str:
        """Return the level of the object's own link."""
        return "block" if isinstance(self.mapped, Block) else "stay"

    @property
    def key(self) -> tuple[UUID, str]:
        """Return the object: account and vendor ref."""
        return self.account.account_id, self.ref


class Outcome(StrEnum):
    """What applying a record came to."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"  # other bytes, same meaning
    DUPLICATE = "duplicate"  # the bytes we hold already
    STALE = "stale"  # an older version than ours: kept out, read again
    WAITING = "waiting"  # looks like what we are just making there: read again once that has settled
    OUTRUN = "outrun"  # read before our last read: discarded, fetched again
