"""The trace: I9, the audit log's chain computed anew, and one entry for every version of every reservation."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from pms_sync.auditor.report import Checked, Finding, difference
from pms_sync.auditor.store import Row, Store

_GENESIS = bytes(32)
_CREATED, _UPDATED = "reservation.created", "reservation.updated"


def check(store: Store) -> Checked:
    """Check the chain of every tenant and the completeness of the log."""
    findings = [*_chains(store), *_versions(store), *_blocks(store), *_correlation(store)]
    exercised = bool(store.audit or store.audit_heads or store.reservations)
    return Checked(frozenset({"I9"}) if exercised else frozenset(), tuple(findings))


def entry_hash(previous: bytes, row: Row) -> bytes:
    """Hash an entry after the one before it: SHA-256 over that hash and a JSON list of what the entry tells."""
    told = [
        str(row["tenant_id"]),
        row["seq"],
        row["at"].isoformat(),
        *(row[name] for name in "actor action entity_type entity_id fields correlation_id".split()),
    ]
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


def _chains(store: Store) -> Iterator[Finding]:
    chains: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in store.audit:
        if row["seq"] is not None:
            chains[row["tenant_id"]].append(row)
        elif row["sealed_at"] is not None or row["hash"] is not None:
            yield None, difference("I9", f"audit_id {row['audit_id']}", "seq", there="a place in the chain")
    heads = {row["tenant_id"]: (row["seq"], row["hash"]) for row in store.audit_heads}
    for tenant_id in sorted(chains.keys() | heads.keys()):
        yield from _chain(chains[tenant_id], heads.get(tenant_id))


def _chain(rows: Sequence[Row], head: tuple[int, bytes] | None) -> Iterator[Finding]:
    """Walk one tenant's chain up to its first broken link, then compare its end with the head."""
    previous = _GENESIS
    for place, row in enumerate(rows, start=1):
        ref = f"seq {row['seq']}"
        if row["seq"] != place:
            yield None, difference("I9", ref, "seq", there=place, here=row["seq"])
            return
        if row["prev_hash"] != previous:
            yield None, difference("I9", ref, "prev_hash", there=previous.hex(), here=_hex(row["prev_hash"]))
            return
        computed = entry_hash(previous, row)
        if row["hash"] != computed:
            yield None, difference("I9", ref, "hash", there=computed.hex(), here=_hex(row["hash"]))
            return
        previous = computed
    if head is None or head != (len(rows), previous):
        here = head and f"{head[0]} {head[1].hex()}"
        yield None, difference("I9", "audit_heads", "seq", there=f"{len(rows)} {previous.hex()}", here=here)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _versions(store: Store) -> Iterator[Finding]:
    """Demand one creation, and one update for each further version."""
    told = Counter((row["entity_id"], row["action"]) for row in store.audit if row["entity_type"] == "reservation")
    for row in store.reservations:
        ref, reservation_id = _ref(row), str(row["id"])
        wanted = {_CREATED: 1, _UPDATED: row["version"] - 1}
        for action, there in wanted.items():
            here = told[reservation_id, action]
            if here != there:
                yield _vendor(row), difference("I9", ref, f"audit[{action}]", there=there, here=here)


def _ref(row: Row) -> str:
    return str(row["links"][0]["ref"]) if row["links"] else str(row["id"])


def _vendor(row: Row) -> str | None:
    return str(row["links"][0]["vendor"]) if row["links"] else None


def _blocks(store: Store) -> Iterator[Finding]:
    made = Counter(row["entity_id"] for row in store.audit if row["action"] == "block.created")
    for row in store.blocks:
        here = made[str(row["id"])]
        if here != 1:
            yield row["vendor"], difference("I9", row["vendor_ref"], "audit[block.created]", there=1, here=here)


def _correlation(store: Store) -> Iterator[Finding]:
    """Demand of every change a vendor caused the thread that leads back to what was received."""
    for row in store.audit:
        if row["actor"].startswith("account:") and not row["correlation_id"]:
            yield None, difference("I9", f"audit_id {row['audit_id']}", "correlation_id", there="an id")
