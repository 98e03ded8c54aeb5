"""Politeness: I14, as the vendor's own list of calls shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pms_sync.auditor.report import Checked, Finding, difference
from pms_sync.auditor.witness import Witness
from pms_sync.domain.clock import parse_instant

Calls = Sequence[Mapping[str, Any]]


def check(witness: Witness) -> Checked:
    """Check how many calls ran at once, and what each window cost, wherever calls and a limit are given."""
    findings: list[Finding] = []
    exercised = False
    for vendor, calls in witness.calls.items():
        limit, rate = witness.max_in_flight.get(vendor), witness.rate.get(vendor)
        exercised = exercised or bool(calls and (limit is not None or rate is not None))
        findings += _in_flight(vendor, calls, limit) if limit is not None else ()
        findings += _cost(vendor, calls, *rate) if rate is not None else ()
    return Checked(frozenset({"I14"}) if exercised else frozenset(), tuple(findings))


def _in_flight(vendor: str, calls: Calls, limit: int) -> Iterator[Finding]:
    for call in calls:
        if (call["in_flight"] or 0) > limit:
            yield vendor, difference("I14", f"call {call['n']}", "in_flight", there=limit, here=call["in_flight"])


def _cost(vendor: str, calls: Calls, credits_: float, window_s: float) -> Iterator[Finding]:
    """Add up fixed windows from the epoch on: the mildest reading of any vendor's limit, so never a false alarm."""
    spent: defaultdict[int, Decimal] = defaultdict(Decimal)
    for call in calls:
        window = int(parse_instant(call["at"]).timestamp() // window_s)
        spent[window] += Decimal(str(call["cost"] or 0))
    for window, cost in sorted(spent.items()):
        if cost > Decimal(str(credits_)):
            at = int(window * window_s)
            yield vendor, difference("I14", f"window from {at}", "cost", there=credits_, here=cost)
