"""The lifecycle: I15, every status is one of six and every impossible change of one became a case."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from uuid import UUID

import msgspec

from pms_sync.auditor.books import Books, is_superseded
from pms_sync.auditor.report import Checked, Finding, difference
from pms_sync.auditor.store import Row, Store

_STRONGEST_FIRST = ("checked_in", "confirmed", "hold", "checked_out", "no_show", "cancelled")
_LIVES = ("hold", "confirmed", "checked_in", "checked_out")
_ENDED = ("cancelled", "no_show")
# First sight is always a fact; so are forward steps, skipped ones included, ends, reinstatements, and a check-in or
# check-out taken back (ARCHITECTURE §1).
_POSSIBLE = (
    {(before, after) for place, before in enumerate(_LIVES) for after in _LIVES[place + 1 :]}
    | set(product(("hold", "confirmed"), _ENDED))
    | set(product(_ENDED, ("hold", "confirmed", "checked_in")))
    | {("checked_in", "confirmed"), ("checked_out", "checked_in"), ("checked_out", "confirmed")}
)
_FLAG = "illegal_status_jump"
_MOVED = re.compile(r"stay\.(.+)\.status\Z")


def check(store: Store, books: Books) -> Checked:
    """Check what statuses there are, and how they came about as far as the audit log tells."""
    findings = [*_stays(store, books), *_reservations(books), *_jumps(store, books)]
    return Checked(frozenset({"I15"}) if store.stays else frozenset(), tuple(findings))


def _stays(store: Store, books: Books) -> Iterator[Finding]:
    for row in store.stays:
        ref, at = row["vendor_ref"] or str(row["id"]), f"room_stays[{row['vendor_ref'] or row['id']}]"
        if row["status"] not in _STRONGEST_FIRST:
            yield row["vendor"], difference("I15", ref, f"{at}.status", there="one of six words", here=row["status"])
        if _FLAG in row["flags"] and not books.has_case(_FLAG, str(row["id"])):
            yield row["vendor"], difference("I15", ref, f"{at}.flags", there="a case", here=_FLAG)


def _reservations(books: Books) -> Iterator[Finding]:
    """Compare each reservation's status with its stays'."""
    for row in books.reservations.values():
        present = {stay["status"] for stay in books.stays_of[row["id"]]}
        there = next((status for status in _STRONGEST_FIRST if status in present), None)
        if there is not None and row["status"] != there and not is_superseded(row):
            vendor = str(row["links"][0]["vendor"]) if row["links"] else None
            ref = row["links"][0]["ref"] if row["links"] else row["id"]
            yield vendor, difference("I15", ref, "status", there=there, here=row["status"])


def _jumps(store: Store, books: Books) -> Iterator[Finding]:
    """Find the impossible changes that the audit log tells of and no case does."""
    known: defaultdict[tuple[UUID, str], list[Row]] = defaultdict(list)
    for row in store.stays:
        known[row["tenant_id"], row["vendor_ref"]].append(row)
    for entry in store.audit:
        for ref, before, after in _changes(entry):
            stays = known[entry["tenant_id"], ref]
            if before is None or before == after or (before, after) in _POSSIBLE or not stays:
                continue
            if not any(books.has_case(_FLAG, str(stay["id"])) for stay in stays):
                path = f"room_stays[{ref}].status"
                yield stays[0]["vendor"], difference("I15", ref, path, there="a case", here=f"{before} to {after}")


def _changes(entry: Row) -> Iterator[tuple[str, str | None, str | None]]:
    fields = msgspec.json.decode(entry["fields"]) if ".status" in entry["fields"] else None
    for name, values in fields.items() if isinstance(fields, dict) else ():
        moved = _MOVED.fullmatch(name)
        if moved and isinstance(values, list) and len(values) == 2:  # noqa: PLR2004 - old and new
            yield moved[1], values[0], values[1]
