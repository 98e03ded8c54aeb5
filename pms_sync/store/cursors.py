"""Cursors: how far each account's stream was read, claimed like lanes and moved only under a fenced lease.

A page's rows and the progress they stand for commit together. `page` is set while a window is half read; `position`
moves when a window was read to its end and never decreases (I5). Leases and due times are the database's time.

The cursor of a queue has no windows: its position is when a message last came, and `asked_at` stands from before the
vendor is asked until the answer is stored, so that whoever comes after a death knows that messages may be lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.domain.clock import parse_instant, rfc3339
from pms_sync.domain.errors import Fault
from pms_sync.store import audit
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection

_ERROR_LENGTH = 500


class Overtaken(Fault):
    """Somebody else holds the cursor or the snapshot now; what this reader brought is dropped."""

    def __init__(self, where: str) -> None:
        """Name what was lost."""
        super().__init__("another reader took over", where, "nothing to do; the other one goes on")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A leased cursor; only the holder of this owner and fence may move it."""

    tenant_id: UUID
    account_id: UUID
    stream: str
    phase: str
    position: str | None
    window_from: datetime | None
    window_to: datetime | None
    page: str | None
    high_water: datetime | None
    calibrated: bool
    failures: int
    owner: UUID
    fence: int
    claimed_at: datetime
    asked_at: datetime | None = None
    last_success_at: datetime | None = None
    sweep_wanted_at: datetime | None = None

    @property
    def name(self) -> str:
        """Return the cursor as people see it."""
        return f"{self.account_id}/{self.stream}"


async def ensure(connection: Connection, account: Account, streams: Sequence[str]) -> None:
    """Give the account a cursor for each stream that has none; a new one is due at once."""
    await connection.execute(
        "INSERT INTO cursors (tenant_id, account_id, stream) SELECT $1, $2, s FROM unnest($3::text[]) AS u(s) "
        "ON CONFLICT DO NOTHING",
        account.tenant_id,
        account.account_id,
        list(streams),
    )


_DUE = """
SELECT c.tenant_id, c.account_id, c.stream FROM cursors c JOIN accounts a USING (tenant_id, account_id)
 WHERE a.state = 'active' AND c.account_id = ANY($1::uuid[]) AND greatest(c.next_due_at, c.lease_until) <= now()
 ORDER BY greatest(c.next_due_at, c.lease_until) LIMIT $2 FOR UPDATE OF c SKIP LOCKED
"""
_NAMED = """
SELECT tenant_id, account_id, stream FROM cursors
 WHERE account_id = $1 AND stream = $2 AND lease_until <= now() FOR UPDATE SKIP LOCKED
"""
_LEASE = """
UPDATE cursors c SET owner = $4, fence = fence + 1, lease_until = now() + $5 * interval '1 second'
  FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS u(t, a, s)
 WHERE c.tenant_id = u.t AND c.account_id = u.a AND c.stream = u.s
RETURNING c.tenant_id, c.account_id, c.stream, c.phase, c.position, c.window_from, c.window_to, c.page, c.high_water,
          c.calibrated, c.failures, c.owner, c.fence, now() AS claimed_at, c.asked_at, c.sweep_wanted_at,
          c.last_success_at
"""


async def claim_due(
    connection: Connection, account_ids: Collection[UUID], owner: UUID, lease_s: float, limit: int
) -> list[Claim]:
    """Lease up to `limit` due cursors of these accounts, where active (inside a transaction)."""
    return await _lease(connection, await connection.fetch(_DUE, list(account_ids), limit), owner, lease_s)


async def claim_named(
    connection: Connection, account_id: UUID, stream: str, owner: UUID, lease_s: float
) -> Claim | None:
    """Lease this cursor though it may not be due; None while another reader holds it (inside a transaction)."""
    claims = await _lease(connection, await connection.fetch(_NAMED, account_id, stream), owner, lease_s)
    return claims[0] if claims else None


async def _lease(connection: Connection, rows: Sequence[dict[str, object]], owner: UUID, lease_s: float) -> list[Claim]:
    if not rows:
        return []
    columns = [[row[name] for row in rows] for name in ("tenant_id", "account_id", "stream")]
    return [Claim(**row) for row in await connection.fetch(_LEASE, *columns, owner, lease_s)]


_HELD = "WHERE tenant_id = $1 AND account_id = $2 AND stream = $3 AND owner = $4 AND fence = $5"


async def _move(connection: Connection, claim: Claim, assignments: str, *values: object) -> None:
    """Change the cursor under its fence; parameters of the assignments begin at $6. Raises Overtaken."""
    told = await connection.execute(
        f"UPDATE cursors SET {assignments} {_HELD}",  # noqa: S608 - constant texts of this module
        claim.tenant_id,
        claim.account_id,
        claim.stream,
        claim.owner,
        claim.fence,
        *values,
    )
    if told != "UPDATE 1":
        raise Overtaken(claim.name)


async def extend(connection: Connection, claim: Claim, lease_s: float) -> None:
    """Prolong the lease; raises Overtaken when it is no longer ours."""
    await _move(connection, claim, "lease_until = now() + $6 * interval '1 second'", lease_s)


async def hold(connection: Connection, claim: Claim) -> None:
    """Lock the cursor as ours until the transaction ends; raises Overtaken when it is no longer."""
    await _move(connection, claim, "owner = owner")


async def keep_page(
    connection: Connection,
    claim: Claim,
    window: tuple[datetime, datetime],
    page: str | None,
    high_water: datetime | None,
) -> None:
    """Remember where in the window to go on; call it last in the transaction of the page's rows."""
    assignments = "window_from = $6, window_to = $7, page = $8, high_water = $9"
    await _move(connection, claim, assignments, *window, page, high_water)


async def finish_window(
    connection: Connection, claim: Claim, window: tuple[datetime, datetime], position: datetime
) -> None:
    """Move the position over a window read to its end; call it last in the transaction of its last rows."""
    assignments = "window_from = $6, window_to = $7, page = NULL, high_water = NULL, position = $8"
    await _move(connection, claim, assignments, *window, rfc3339(position))


async def begin_snapshot(connection: Connection, claim: Claim, position: datetime) -> None:
    """Remember from when on changes count, before the first page of a snapshot is read; it is a sweep as well."""
    await _move(connection, claim, "phase = 'snapshot', position = $6, sweep_wanted_at = NULL", rfc3339(position))


async def finish_snapshot(connection: Connection, claim: Claim, phase: str) -> None:
    """Leave the snapshot for `phase`, keeping the position remembered at its start."""
    await _move(connection, claim, "phase = $6, window_from = NULL, window_to = NULL, page = NULL", phase)


async def calibrate(connection: Connection, claim: Claim) -> None:
    """Note that the vendor was proven to read our times as UTC."""
    await _move(connection, claim, "calibrated = true")


_SUCCEEDED = """
owner = NULL, lease_until = '-infinity', failures = 0, last_error = NULL, last_success_at = now(),
next_due_at = CASE WHEN sweep_wanted_at IS NOT NULL THEN now()
                   ELSE greatest(now(), $6::timestamptz + $7 * interval '1 second') END
"""
_FAILED = """
owner = NULL, lease_until = '-infinity', failures = failures + 1, last_error = $6,
next_due_at = now() + $7 * interval '1 second', page = CASE WHEN $8 THEN NULL ELSE page END
"""


async def succeed(connection: Connection, claim: Claim, period_s: float) -> None:
    """Release after a good read; due one period after the claim, or at once when the read took longer (CUR-17).

    A sweep that somebody wanted while the read was under way makes it due at once too.
    """
    await _move(connection, claim, _SUCCEEDED, claim.claimed_at, period_s)


async def fail(connection: Connection, claim: Claim, why: str, wait_s: float, *, forget_page: bool) -> None:
    """Release after a failed read, for later; `forget_page` starts the window over, the position stays either way."""
    await _move(connection, claim, _FAILED, why[:_ERROR_LENGTH], wait_s, forget_page)


async def ask(connection: Connection, claim: Claim) -> None:
    """Note, before it is done, that the queue is asked for messages that it gives only once; raises Overtaken."""
    await _move(connection, claim, "asked_at = now()")


_ANSWERED = f"UPDATE cursors SET asked_at = NULL, position = coalesce($6, position) {_HELD}"  # noqa: S608 - constants


async def answered(connection: Connection, claim: Claim, received_at: datetime | None) -> bool:
    """Note that what came is stored, with when messages came; False when the lease is no longer ours.

    Call it in the transaction that stores them, which must commit either way: nobody gets them again.
    """
    told = await connection.execute(
        _ANSWERED,
        claim.tenant_id,
        claim.account_id,
        claim.stream,
        claim.owner,
        claim.fence,
        received_at and rfc3339(received_at),
    )
    return bool(told == "UPDATE 1")


async def want_sweep(connection: Connection, tenant_id: UUID, account_id: UUID, streams: Collection[str]) -> None:
    """Let these streams of an account be listed as a whole as soon as may be, though one is just being read.

    Needs no lease, since it only adds to what is to be done.
    """
    await connection.execute(
        "UPDATE cursors SET sweep_wanted_at = now(), next_due_at = least(next_due_at, now()) "
        "WHERE tenant_id = $1 AND account_id = $2 AND stream = ANY($3::text[])",
        tenant_id,
        account_id,
        list(streams),
    )


async def release_all(connection: Connection, owner: UUID, but: Sequence[Claim] = ()) -> None:
    """Give back what this owner still holds, so that nobody need wait for the leases to end; `but` is being read."""
    await connection.execute(
        "UPDATE cursors SET owner = NULL, lease_until = '-infinity' "
        "WHERE owner = $1 AND account_id || '/' || stream <> ALL($2::text[])",
        owner,
        [claim.name for claim in but],
    )


def instant_of(claim: Claim) -> datetime | None:
    """Return the position as an instant; raises Fault when it is not one (CUR-10)."""
    if claim.position is None:
        return None
    try:
        return parse_instant(claim.position)
    except (ValueError, OverflowError) as error:
        raise wrong_position(claim, "it is not an instant") from error


def wrong_position(claim: Claim, why: str) -> Fault:
    """Say that a position cannot be trusted; the remedy is `reset`, which the poller takes by itself."""
    what = f"the cursor position {(claim.position or '')[:40]!r} cannot be used: {why}"
    return Fault(what, claim.name, "everything is read again from a snapshot")


async def reset(connection: Connection, claim: Claim, why: str, actor: str) -> None:
    """Start over with a snapshot and write it in the audit log (inside a transaction of the tenant)."""
    entry = audit.Entry(
        actor=actor,
        action="cursor.reset",
        entity_type="cursor",
        entity_id=claim.name,
        fields={"position": {"old": claim.position, "new": None}, "reason": why},
    )
    await connection.execute(
        "DELETE FROM sweeps WHERE tenant_id = $1 AND account_id = $2 AND stream = $3 AND kind = 'snapshot' "
        "AND state = 'running'",
        claim.tenant_id,
        claim.account_id,
        claim.stream,
    )
    await audit.append(connection, claim.tenant_id, [entry])
    assignments = (
        "phase = 'snapshot', position = NULL, window_from = NULL, window_to = NULL, page = NULL, high_water = NULL, "
        "last_error = $6"
    )
    await _move(connection, claim, assignments, why[:_ERROR_LENGTH])
