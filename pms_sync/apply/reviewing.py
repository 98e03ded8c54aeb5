"""Reviewing: rows of many links in the one open case of their account, kept apart by link (ARCHITECTURE §6).

A link that is looked at again replaces its own rows and touches no others; without rows it leaves the review, and the
review ends with its last row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from pms_sync.apply.asking import place
from pms_sync.apply.compose import StayKey
from pms_sync.domain.case import REVIEW, Case
from pms_sync.domain.ids import NewId
from pms_sync.store import cases, reviews
from pms_sync.store.cases import Cause, OpenCase
from pms_sync.store.database import Connection
from pms_sync.store.reviews import Review
from pms_sync.store.sealing import KeyRing

Asked: TypeAlias = Mapping[StayKey, Sequence[Case]]
Row: TypeAlias = Mapping[str, Any]
_MASKED = "digest"  # the mark of a row whose values are in the sealed rows alone


class Rows(NamedTuple):
    """Rows of a review: as everybody may see them, and in full."""

    shown: Sequence[Row]
    full: Sequence[Row]


async def write(
    connection: Connection, tenant_id: UUID, keys: KeyRing, asked: Asked, new_id: NewId, cause: Cause
) -> None:
    """Bring the reviews of accounts in line with what is asked of their links now."""
    parts: defaultdict[UUID, dict[str, Case | None]] = defaultdict(dict)
    for (account_id, ref), found in asked.items():
        parts[account_id][ref] = next((one for one in found if one.kind == REVIEW), None)
    held = await reviews.holding(connection, tenant_id, parts, {ref for _, ref in asked}) if asked else set()
    for account_id in sorted(parts):
        links = parts[account_id]
        fresh = [part for part in links.values() if part is not None]
        if fresh:
            whole = _whole(fresh, keys, tenant_id)
            review: Review | None = await reviews.open_(connection, tenant_id, whole, new_id, cause)
        elif account_id in held:
            review = await reviews.lock(connection, tenant_id, account_id)
        else:
            continue
        if review is not None and not review.opened:
            await _replace(connection, tenant_id, keys, review, links, cause)


async def reopen(connection: Connection, tenant_id: UUID, keys: KeyRing, case: OpenCase) -> None:
    """Let a locked review that was resolved wait for a person again, with the rows of one that was opened meanwhile."""
    assert case.account_id is not None  # noqa: S101 - narrows the type
    other = await reviews.lock(connection, tenant_id, case.account_id)
    await cases.reopen(connection, tenant_id, case.case_id)
    if other is None:
        return
    sealed = await reviews.sealed_rows(connection, tenant_id, case.case_id)
    rows = _joined(
        _opened(case.fields, sealed, keys, tenant_id, case.subject),
        _opened(other.fields, other.sealed, keys, tenant_id, case.subject),
        {row["ref"] for row in other.fields},
    )
    await reviews.keep(connection, tenant_id, case.case_id, rows.shown, _sealed(rows, keys, tenant_id, case.subject))


async def _replace(
    connection: Connection,
    tenant_id: UUID,
    keys: KeyRing,
    review: Review,
    links: Mapping[str, Case | None],
    cause: Cause,
) -> None:
    """Let the rows of these links stand in a locked review as they are now."""
    subject = str(review.account_id)
    news = [part for part in links.values() if part is not None]
    fresh = [_opened(part.fields, part.sealed, keys, tenant_id, subject) for part in news]
    rows = _joined(
        _opened(review.fields, review.sealed, keys, tenant_id, subject),
        Rows([row for one in fresh for row in one.shown], [row for one in fresh for row in one.full]),
        set(links),
    )
    if not rows.shown:
        await reviews.end(connection, tenant_id, review.case_id, cause)
    elif list(rows.shown) != review.fields:
        await reviews.keep(connection, tenant_id, review.case_id, rows.shown, _sealed(rows, keys, tenant_id, subject))


def _whole(parts: Sequence[Case], keys: KeyRing, tenant_id: UUID) -> Case:
    """Put the parts of one account together as the case to open."""
    first = parts[0]
    opened = [_opened(one.fields, one.sealed, keys, tenant_id, first.subject) for one in parts]
    rows = Rows([row for one in opened for row in one.shown], [row for one in opened for row in one.full])
    return msgspec.structs.replace(
        first,
        severity=min(one.severity for one in parts),
        fields=tuple(dict(row) for row in rows.shown),
        sealed=_sealed(rows, keys, tenant_id, first.subject),
    )


def _joined(before: Rows, news: Rows, links: Iterable[str]) -> Rows:
    """Replace the rows of these links by the new ones; a link that stays keeps its place."""
    return Rows(*(_in_place(old, new, set(links)) for old, new in zip(before, news, strict=True)))


def _in_place(before: Sequence[Row], news: Sequence[Row], links: set[str]) -> list[Row]:
    found: dict[str, list[Row]] = {}
    for row in before:
        found.setdefault(row["ref"], []).append(row)
    told: defaultdict[str, list[Row]] = defaultdict(list)
    for row in news:
        told[row["ref"]].append(row)
    found |= {ref: told[ref] for ref in (*(ref for ref in found if ref in links), *told)}
    return [row for rows in found.values() for row in rows]


def _opened(fields: Sequence[Row], sealed: bytes | None, keys: KeyRing, tenant_id: UUID, subject: str) -> Rows:
    if sealed is None:
        return Rows(fields, fields)
    return Rows(fields, msgspec.json.decode(keys.open(tenant_id, place(REVIEW, subject), sealed)))


def _sealed(rows: Rows, keys: KeyRing, tenant_id: UUID, subject: str) -> bytes | None:
    if not any(_MASKED in row for row in rows.shown):
        return None
    return keys.seal(tenant_id, place(REVIEW, subject), msgspec.json.encode(rows.full))
