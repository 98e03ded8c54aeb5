"""Progress: I5, a cursor stands neither ahead of the vendor's clock nor behind the window it read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from pms_sync.auditor.books import Books
from pms_sync.auditor.report import Checked, Finding, difference
from pms_sync.auditor.store import Row, Store
from pms_sync.domain.clock import parse_instant

# How far two clocks may disagree before a position counts as wrong (CUR-09).
_CLOCK_DOUBT = timedelta(minutes=15)


def check(store: Store, books: Books, nows: Mapping[str, datetime]) -> Checked:
    """Check every cursor that was ever read; `nows` is each vendor's own time."""
    inner = {(row["account_id"], row["stream"]): row for row in store.progress}
    findings: list[Finding] = []
    exercised = False
    for row in store.cursors:
        vendor = books.vendors[row["account_id"]]
        more = inner[row["account_id"], row["stream"]]
        if row["position"] is None and row["last_success_at"] is None and more["page"] is None:
            continue
        exercised = True
        findings += [(vendor, one[1]) for one in _cursor(row, more, nows.get(vendor))]
    return Checked(frozenset({"I5"}) if exercised else frozenset(), tuple(findings))


def _cursor(row: Row, more: Row, now: datetime | None) -> Iterator[Finding]:
    ref = f"{row['property_code']}/{row['stream']}"
    start, end = row["window_from"], row["window_to"]
    if more["page"] is not None and (start is None or end is None or start >= end):
        yield None, difference("I5", ref, "window", there="the window of the page", here=f"{start} to {end}")
    if row["position"] is None:
        # A queue that handed out nothing yet was read well all the same, and has no position: that of its last message.
        if more["phase"] == "delta" or start is not None:
            yield None, difference("I5", ref, "position", there="an instant")
        return
    try:
        position = parse_instant(row["position"])
    except (ValueError, OverflowError):
        yield None, difference("I5", ref, "position", there="an instant", here=row["position"])
        return
    if now is not None and position > now + _CLOCK_DOUBT:
        yield None, difference("I5", ref, "position", there=f"at most {now.isoformat()}", here=row["position"])
    # A window begins at the position, or before it by the overlap; a position before its window went back.
    if more["phase"] == "delta" and start is not None and position < start:
        yield None, difference("I5", ref, "position", there=f"at least {start.isoformat()}", here=row["position"])
