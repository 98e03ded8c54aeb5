"""The bill: I7, no money appears or disappears between the vendor's lines and our postings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

from msgspec import UnsetType

from pms_sync.auditor.books import Books
from pms_sync.auditor.report import Checked, Difference, Finding, difference
from pms_sync.auditor.store import Row, Store
from pms_sync.auditor.truth import Revision

Posting: TypeAlias = tuple[str | None, str, Decimal, str]
"""(vendor ref, kind, amount, currency)"""


def bill_differences(revision: Revision, rows: Iterable[Row]) -> Iterator[Difference]:
    """Compare the standing lines one by one, then the balance of every posting and reversal per currency."""
    if isinstance(revision.folio_lines, UnsetType):
        return
    rows = list(rows)
    said: Counter[Posting] = Counter((one.ref, one.kind, one.amount, one.currency) for one in revision.folio_lines)
    held: Counter[Posting] = Counter(_posting(row) for row in _standing(rows))
    for ref in sorted({str(line[0]) for line in (said - held) + (held - said)}):
        there, here = _shown(said - held, ref), _shown(held - said, ref)
        yield difference("I7", revision.ref, f"folio_lines[{ref}]", there=there, here=here)
    owed, booked = _balance(said.elements()), _balance(_posting(row) for row in rows)
    for currency in sorted(owed.keys() | booked.keys()):
        if owed[currency] != booked[currency]:
            path = f"balance[{currency}]"
            yield difference("I7", revision.ref, path, there=owed[currency], here=booked[currency])


def reversals(store: Store, books: Books) -> Checked:
    """Check that every reversal takes back exactly one posting of its own reservation, and no posting twice."""
    findings: list[Finding] = []
    for reservation_id, rows in books.lines_of.items():
        by_id = {row["id"]: row for row in rows}
        taken = Counter(row["reverses_id"] for row in rows if row["reverses_id"] is not None)
        for row in rows:
            if row["reverses_id"] is None:
                continue
            target = by_id.get(row["reverses_id"])
            wrong = target is None or not _mirrors(row, target) or taken[row["reverses_id"]] > 1
            if wrong:
                path = f"folio_lines[{row['vendor_ref'] or row['id']}].reverses_id"
                there = None if target is None else -target["amount"]
                findings.append((None, difference("I7", reservation_id, path, there=there, here=row["amount"])))
    return Checked(frozenset({"I7"}) if store.lines else frozenset(), tuple(findings))


def _posting(row: Row) -> Posting:
    return row["vendor_ref"], row["kind"], row["amount"], row["currency"]


def _standing(rows: Iterable[Row]) -> list[Row]:
    rows = list(rows)
    reversed_ids = {row["reverses_id"] for row in rows}
    return [row for row in rows if row["reverses_id"] is None and row["id"] not in reversed_ids]


def _mirrors(reversal: Row, target: Row) -> bool:
    same = all(reversal[name] == target[name] for name in ("kind", "currency", "vendor_ref"))
    return same and reversal["amount"] == -target["amount"] and target["reverses_id"] is None


def _shown(lines: Counter[Posting], ref: str) -> str | None:
    texts = [f"{kind} {amount} {currency}" for known, kind, amount, currency in lines.elements() if str(known) == ref]
    return ", ".join(texts) or None


def _balance(lines: Iterable[Posting]) -> defaultdict[str, Decimal]:
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for _, kind, amount, currency in lines:
        found[currency] += -amount if kind == "payment" else amount
    return found
